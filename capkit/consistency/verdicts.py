"""What every judge of a history answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, ParamSpec

from capkit.consistency.allowance import Allowance
from capkit.history import History
from capkit.history.columns import a_history

NOTHING = "nothing was answered"
"""The reason of a verdict on a history that says nothing, and so keeps every promise."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Verdict:
    """Whether a history keeps what a consistency model promises.

    It prints as a sentence, and `if verdict:` asks whether `ok` is True.

    Attributes
    ----------
    ok : bool or None
        None: neither answer is certain, because the budget ran out or the history does not say
        enough.
    claim : str
        What was judged, as an adjective: "linearizable".
    order : tuple of int
        If True, and the model asks for one order: indices of the history's operations in an order
        in which every get returns the latest put, or whatever else the object's own rules are.
        Operations that never had to happen are left out. Found when first asked for.
    witness : tuple of int
        If False: indices of the few operations that contradict each other. Without any one of its
        gets, or without one value's puts and gets together, they no longer would. Of other objects
        than registers: the shortest beginning that contradicts itself, without needless reads. The
        reason says so if the search for few of them gave up.
    reason : str
        The answer in one sentence; numbers after # are indices.
    steps : int
        Steps that the searches took, for the verdict and for its witness; 0 if none was needed.
    operations : int or None
        How many the history had that was judged; None if nobody says.
    """

    ok: bool | None
    claim: str = "linearizable"
    witness: tuple[int, ...] = ()
    reason: str
    steps: int = 0
    operations: int | None = field(default=None, compare=False)
    _order: Callable[[], tuple[int, ...]] = field(default=tuple, compare=False)

    @property
    def order(self) -> tuple[int, ...]:
        """An order that explains every answer."""
        return self._order()

    def __bool__(self) -> bool:
        return self.ok is True

    def __repr__(self) -> str:
        if self.ok:
            return f"{self.claim}: {NOTHING}" if self.reason == NOTHING else self.claim
        return f"{'undecided' if self.ok is None else f'not {self.claim}'}: {self.reason}"


Given = ParamSpec("Given")


def judge(answer: Callable[Given, Verdict]) -> Callable[Given, Verdict]:
    """Let the verdict of a judge say how many operations its history had."""

    @wraps(answer)
    def judging(*args: Given.args, **kwargs: Given.kwargs) -> Verdict:
        verdict = answer(*args, **kwargs)
        history: Any = args[0] if args else kwargs["history"]
        return replace(verdict, operations=len(history))

    return judging


def vacuous(history: History, claim: str) -> Verdict | None:
    """The verdict on a history in which nothing was answered; None if something was."""
    if a_history(history).is_ok.any():
        return None
    return Verdict(ok=True, claim=claim, reason=NOTHING)


def refuted(
    reason: str,
    witness: tuple[int, ...],
    *,
    is_small: bool,
    steps: int,
    claim: str = "linearizable",
) -> Verdict:
    """The verdict on a history that has no order; says so if the witness may be needlessly long."""
    if not is_small:
        reason += "; fewer operations may do, but the search for them gave up"
    return Verdict(ok=False, claim=claim, witness=witness, reason=reason, steps=steps)


def undecided(allowance: Allowance, claim: str = "linearizable") -> Verdict:
    """The verdict where the budget, the time or the memory ran out."""
    steps = allowance.used
    late = " because the time was over" if steps < allowance.steps and allowance.is_over else ""
    reason = f"the search gave up after {steps:,} steps{late}"
    return Verdict(ok=None, claim=claim, reason=reason, steps=steps)
