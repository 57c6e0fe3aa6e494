"""Judges of a history: linearizable or not, how available the store, how fresh its answers.

They know what clients saw and nothing of the store that answered them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from capkit import reasons, registers, zones
from capkit._arguments import count
from capkit.answers import availability, freshness, stale
from capkit.history import Column, History, Mask
from capkit.zones import Clusters

__all__ = ["Verdict", "availability", "freshness", "linearizable", "stale", "summary"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Verdict:
    """Whether a history could have come from one copy that does one thing at a time.

    It prints as a sentence, and `if verdict:` asks whether `ok` is True.

    Attributes
    ----------
    ok : bool or None
        None: the budget ran out before either answer was certain.
    order : tuple of int
        If True: indices of the history's operations in an order in which every get returns the
        latest put. Operations that never had to happen are left out. Found when first asked for.
    witness : tuple of int
        If False: indices of the few operations that contradict each other. Without any one of its
        gets, or without one value's puts and gets together, they no longer would.
    reason : str
        The answer in one sentence; numbers after # are indices.
    steps : int
        Steps that the search took; 0 if it was not needed.
    """

    ok: bool | None
    witness: tuple[int, ...] = ()
    reason: str
    steps: int = 0
    _order: Callable[[], tuple[int, ...]] = field(default=tuple, compare=False)

    @property
    def order(self) -> tuple[int, ...]:
        return self._order()

    def __bool__(self) -> bool:
        return self.ok is True

    def __repr__(self) -> str:
        if self.ok:
            return "linearizable"
        return f"{'undecided' if self.ok is None else 'not linearizable'}: {self.reason}"


def linearizable(history: History, *, budget: int = 1_000_000) -> Verdict:
    """Judge whether every operation can have taken effect at one moment between start and end.

    Each key is a register that holds None at first. Operations that overlap or touch may have
    happened in either order; an UNKNOWN put at any time from its start on, or never; a FAIL
    never did. A register holds one value, so a get of `Siblings` has no valid order.

    Keys whose written values are distinct are judged by zones [1]_ in O(n log n), the rest by a
    search [2]_ whose work may grow exponentially with how many operations overlap.

    Parameters
    ----------
    history : History
        What the clients saw.
    budget : int
        Steps that the search may take over all keys, at least 1; as many again to find
        the few operations of the witness.

    Returns
    -------
    Verdict
        True with the order, False with the witness, or None if the budget ran out.

    Raises
    ------
    ValueError
        If the budget is below 1.

    References
    ----------
    .. [1] Gibbons and Korach, "Testing Shared Memories", SIAM Journal on Computing 26(4), 1997.
    .. [2] Wing and Gong, "Testing and Verifying Concurrent Objects", JPDC 17, 1993.
    .. [3] Herlihy and Wing, "Linearizability", ACM TOPLAS 12(3), 1990.

    Examples
    --------
    >>> history = History.from_columns(
    ...     kind=["put", "put", "get"],
    ...     key=["x", "x", "x"],
    ...     value=[1, 2, 1],
    ...     invoked=[0, 20, 70],
    ...     completed=[10, 30, 75],
    ... )
    >>> print(linearizable(history).reason)
    get #2 returned 1 although put #1 of 2 had finished 40 ms before the get began, and put #1 \
began after put #0 of 1 had finished
    """
    budget = count("budget", budget)
    clusters = zones.cluster(history)
    odd = zones.unexplained(history, clusters)
    if odd.size:
        first = int(odd[np.argmin(history.completed[odd])])
        reason, witness = reasons.unexplained(history, first)
        return Verdict(ok=False, witness=witness, reason=reason)
    easy = ~clusters.repeated[clusters.number]
    if why := zones.contradiction(clusters if easy.all() else clusters.pick(easy)):
        reason = reasons.contradiction(history, why)
        return Verdict(ok=False, witness=why.witness, reason=reason)
    if easy.all():
        return _valid(clusters, lambda: zones.sequence(clusters))
    return _search(history, clusters, easy, budget)


def _valid(clusters: Clusters, sequence: Callable[[], Column], steps: int = 0) -> Verdict:
    def order() -> tuple[int, ...]:
        return tuple(zones.merge(clusters, sequence()).tolist())

    reason = "in the order of the verdict, every get returns the latest put before it"
    return Verdict(ok=True, _order=cache(order), reason=reason, steps=steps)


def _search(history: History, clusters: Clusters, easy: Mask, budget: int) -> Verdict:
    """Judge the keys with repeated values, given that the others have a valid sequence."""
    found, steps, witness = registers.judge(history, clusters, np.flatnonzero(~easy), budget)
    if witness:
        reason = reasons.disorder(history, witness)
        return Verdict(ok=False, witness=witness, reason=reason, steps=steps)
    if any(each.order is None for each in found):
        reason = f"the search gave up after {steps:,} steps"
        return Verdict(ok=None, reason=reason, steps=steps)

    def sequence() -> Column:
        simple = np.flatnonzero(easy)[zones.sequence(clusters.pick(easy))]
        rows = [row for each in found for row in each.order or ()]
        both = np.concatenate([simple, np.searchsorted(clusters.rows, rows)])
        by_key = np.argsort(clusters.key[clusters.number[both]], kind="stable")
        return both[by_key]

    return _valid(clusters, sequence, steps)


def summary(history: History) -> str:
    """The numbers and the verdict in one sentence.

    Examples
    --------
    >>> from capkit.records import Operation
    >>> print(summary(History([Operation(kind="get", key="x", invoked=0, completed=4)])))
    100 % available, no stale reads, linearizable
    """
    old = int((stale(history) >= 0).sum())
    reads = "1 stale read" if old == 1 else f"{old or 'no'} stale reads"
    return f"{_available(availability(history))}, {reads}, {linearizable(history)}"


def _available(share: float) -> str:
    """A share in words, rounded to 1 % without rounding a failure away."""
    if math.isnan(share):
        return "nothing was asked of a live node"
    if 0.995 <= share < 1:
        return "over 99 % available"
    return "under 1 % available" if 0 < share < 0.005 else f"{100 * share:.0f} % available"
