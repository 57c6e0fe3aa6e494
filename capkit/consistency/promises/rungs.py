"""The ladder of promises, from one copy that does one thing at a time down to the least."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from capkit.consistency.ages import convergence, staleness
from capkit.consistency.linearizability.one_copy import linearizable
from capkit.consistency.measures import missed
from capkit.consistency.promises.causality import causal
from capkit.consistency.promises.orders import k_atomic, sequential
from capkit.consistency.promises.sessions import (
    monotonic_reads,
    monotonic_writes,
    read_your_writes,
    writes_follow_reads,
)
from capkit.consistency.verdicts import Verdict, judge, vacuous
from capkit.history import History

RUNGS: dict[str, tuple[str, ...]] = {
    "linearizable": ("sequential", "2-atomic"),
    "sequential": ("causal",),
    "causal": (
        "read your writes",
        "monotonic reads",
        "monotonic writes",
        "writes follow reads",
    ),
    "read your writes": (),
    "monotonic reads": (),
    "monotonic writes": (),
    "writes follow reads": (),
    "2-atomic": ("bounded staleness",),
    "bounded staleness": (),
    "convergent": (),
}
"""Each rung, and the rungs just below it: what a history keeps if it keeps the upper one.

The order is partial: nothing follows between rungs that no line connects. Convergence is about
the copies, not the answers, and stands alone.
"""

_WORDS = {True: "yes", False: "no", None: "?"}


@dataclass(frozen=True, slots=True, repr=False)
class Ladder:
    """Which rungs a history holds; prints as a table.

    Attributes
    ----------
    verdicts : mapping of str to Verdict
        One for each of `RUNGS`, in their order.

    Examples
    --------
    >>> Ladder({name: Verdict(ok=True, claim=name, reason="") for name in RUNGS}).highest
    ('linearizable', 'convergent')
    """

    verdicts: Mapping[str, Verdict]

    def __getitem__(self, rung: str) -> Verdict:
        return self.verdicts[rung]

    def __iter__(self) -> Iterator[str]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def highest(self) -> tuple[str, ...]:
        """The rungs that hold, and none above them does."""
        held = [rung for rung in self if self[rung].ok]
        below = {lower for rung in held for lower in RUNGS[rung]}
        return tuple(rung for rung in held if rung not in below)

    @property
    def weakest(self) -> tuple[str, ...]:
        """The rungs that fail although none below them does: the ones to explain."""
        failed = [rung for rung in self if self[rung].ok is False]
        return tuple(r for r in failed if not any(lower in failed for lower in RUNGS[r]))

    def __repr__(self) -> str:
        width = max(map(len, self))
        lines = [f"{rung:<{width}}  {_WORDS[self[rung].ok]:<3}" for rung in self]
        explained = [rung in self.weakest or self[rung].ok is None for rung in self]
        pairs = zip(self, lines, explained, strict=True)
        return "\n".join(
            f"{line}  {self[rung].reason}" if tell else line.rstrip() for rung, line, tell in pairs
        )


def ladder(history: History, *, budget: int = 100_000) -> Ladder:
    """Judge a history by every model from linearizable down, and say which rungs it holds.

    The rungs and what follows from each are `RUNGS`; a rung that follows from a higher one that
    holds is not judged again. Staleness is bounded if no get missed more than one newer put that
    was surely there; a history is convergent if all copies are equal in the end.

    Parameters
    ----------
    history : History
        What the clients saw of registers: puts and gets.
    budget : int
        Steps that each search may take, at least 1.

    Returns
    -------
    Ladder
        It prints as a table, with the reason for each weakest rung that fails.

    Raises
    ------
    ValueError
        If the budget is below 1, or the history has other operations than puts and gets.

    Examples
    --------
    >>> from capkit.history import story
    >>> history = story("x=1 x=2 / ... ... x?1")
    >>> ladder(history).weakest, ladder(history).highest
    (('linearizable',), ('sequential', '2-atomic'))
    """
    judges: dict[str, Callable[[], Verdict]] = {
        "linearizable": lambda: linearizable(history, budget=budget),
        "sequential": lambda: sequential(history, budget=budget),
        "2-atomic": lambda: k_atomic(history, 2, budget=budget),
        "causal": lambda: causal(history),
        "read your writes": lambda: read_your_writes(history),
        "monotonic reads": lambda: monotonic_reads(history),
        "monotonic writes": lambda: monotonic_writes(history),
        "writes follow reads": lambda: writes_follow_reads(history),
        "bounded staleness": lambda: _bounded(history),
        "convergent": lambda: _convergent(history),
    }
    found: dict[str, Verdict] = {}
    for rung in RUNGS:
        above = [upper for upper, lower in RUNGS.items() if rung in lower and found[upper].ok]
        found[rung] = _implied(history, rung, above[0]) if above else judges[rung]()
    refuted = [found[rung] for rung in RUNGS["linearizable"] if found[rung].ok is False]
    if found["linearizable"].ok is None and refuted:
        found["linearizable"] = refuted[0]
    return Ladder({rung: replace(verdict, claim=rung) for rung, verdict in found.items()})


@judge
def _implied(history: History, rung: str, above: str) -> Verdict:
    nothing = vacuous(history, rung)
    return nothing or Verdict(ok=True, claim=rung, reason=f"every {above} history is")


@judge
def _bounded(history: History) -> Verdict:
    """No get misses more than one acknowledged newer put."""
    claim = "bounded staleness"
    old = staleness(history)
    most = int(old.versions.max(initial=0))
    if most <= 1:
        return Verdict(ok=True, claim=claim, reason=f"no get missed more than {most} newer puts")
    get = int(np.argmax(old.versions))
    _, (newer,) = missed(history, np.array([get]))
    puts = newer.tolist()
    reason = (
        f"get #{get} missed {most} newer puts, "
        f"the first of which had been over for {old.ms[get]:,.0f} ms"
    )
    return Verdict(ok=False, claim=claim, witness=tuple(sorted((get, *puts))), reason=reason)


@judge
def _convergent(history: History) -> Verdict:
    """All copies are equal in the end."""
    after = convergence(history)
    if after is None:
        reason = "the nodes' copies were not equal at the end"
        return Verdict(ok=False, claim="convergent", reason=reason)
    if np.isnan(after):
        return Verdict(ok=None, claim="convergent", reason="nobody recorded the nodes' copies")
    reason = f"all copies were equal {after:,.0f} ms after the last put and fault"
    return Verdict(ok=True, claim="convergent", reason=reason)
