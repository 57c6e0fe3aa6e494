"""Judges of a history: linearizable or not, how available the store, how fresh its answers.

They know what clients saw and nothing of the store that answered them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from capkit._arguments import choice, count
from capkit.consistency import reasons
from capkit.consistency.ages import Staleness, convergence, staleness
from capkit.consistency.linearizability import objects, registers, zones
from capkit.consistency.linearizability.models import NAMED, Model, Register
from capkit.consistency.linearizability.zones import Clusters
from capkit.consistency.measures import availability, freshness, stale
from capkit.consistency.promises.causality import causal
from capkit.consistency.promises.orders import k_atomic, sequential
from capkit.consistency.promises.rungs import RUNGS, Ladder, climb
from capkit.consistency.promises.sessions import (
    monotonic_reads,
    monotonic_writes,
    read_your_writes,
    writes_follow_reads,
)
from capkit.consistency.verdicts import Verdict
from capkit.history import History
from capkit.history.columns import Column, Mask

__all__ = [
    "RUNGS",
    "Ladder",
    "Staleness",
    "Verdict",
    "availability",
    "causal",
    "convergence",
    "freshness",
    "k_atomic",
    "ladder",
    "linearizable",
    "monotonic_reads",
    "monotonic_writes",
    "read_your_writes",
    "sequential",
    "stale",
    "staleness",
    "summary",
    "writes_follow_reads",
]


def linearizable(
    history: History, *, model: str | Model = "register", budget: int = 1_000_000
) -> Verdict:
    """Judge whether every operation can have taken effect at one moment between start and end.

    Operations that overlap or touch may have happened in either order; an UNKNOWN one at any time
    from its start on, or never; a FAIL never did. Each key is judged by itself, which is enough.

    Keys of registers whose written values are distinct are judged by zones [1]_ in O(n log n), all
    else by a search [2]_ [4]_ whose work may grow exponentially with how many operations overlap.

    Parameters
    ----------
    history : History
        What the clients saw.
    model : str or Model
        What each key is:

        * "register": put and get of one value, None at first. A get of `Siblings` has no order.
        * "cas-register": also cas, whose value is the pair (expected, new).
        * "append": a string, empty at first, with put, append and get.
        * "set": add puts in an element, get returns them all.
        * "counter": add changes it by an amount, get returns it; 0 at first.
        * or a `capkit.consistency.linearizability.models.Model` of your own.
    budget : int
        Steps that the search may take over all keys, at least 1, each a call of the model's `step`.
        As many again may go into finding few operations for the witness.

    Returns
    -------
    Verdict
        True with the order, False with the witness, or None if the budget or the memory ran out.

    Raises
    ------
    ValueError
        If the budget is below 1, the model's name unknown, or an operation not the model's.

    References
    ----------
    .. [1] Gibbons and Korach, "Testing Shared Memories", SIAM Journal on Computing 26(4), 1997.
    .. [2] Wing and Gong, "Testing and Verifying Concurrent Objects", JPDC 17, 1993.
    .. [3] Herlihy and Wing, "Linearizability", ACM TOPLAS 12(3), 1990.
    .. [4] Lowe, "Testing for Linearizability", Concurrency and Computation 29(4), 2017.

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
    >>> bool(linearizable(history, model="cas-register"))
    False
    """
    budget = count("budget", budget)
    if isinstance(model, str):
        model = NAMED[choice("model", model, tuple(NAMED))]
    _check_kinds(history, model)
    if isinstance(model, Register) and history.kind.max(initial=0) <= 1:
        return _registers(history, budget)
    order, steps, wrong = objects.judge(history, model, budget)
    if wrong:
        noun = getattr(model, "noun", "object")
        reason = reasons.no_order(history, wrong.last, wrong.states, noun)
        return Verdict(ok=False, witness=wrong.witness, reason=reason, steps=steps)
    if order is None:
        return _undecided(steps)
    reason = "in the order of the verdict, every answer is right"
    return Verdict(ok=True, _order=lambda: order, reason=reason, steps=steps)


def _check_kinds(history: History, model: Model) -> None:
    """Refuse operations that the model does not know."""
    kinds = getattr(model, "kinds", ()) or history.kinds
    for code in np.flatnonzero(np.bincount(history.kind, minlength=1)).tolist():
        if history.kinds[code] not in kinds:
            row = int(np.argmax(history.kind == code))
            fits = [name for name, each in NAMED.items() if history.kinds[code] in each.kinds]
            hint = f" (model={' or '.join(map(repr, fits))} knows it)" if fits else ""
            raise ValueError(
                f"kind of operation {row} must be {' or '.join(kinds)} for this model, "
                f"got {history.kinds[code]}{hint}"
            )


def _registers(history: History, budget: int) -> Verdict:
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
        return _undecided(steps)

    def sequence() -> Column:
        simple = np.flatnonzero(easy)[zones.sequence(clusters.pick(easy))]
        rows = [row for each in found for row in each.order or ()]
        both = np.concatenate([simple, np.searchsorted(clusters.rows, rows)])
        by_key = np.argsort(clusters.key[clusters.number[both]], kind="stable")
        return both[by_key]

    return _valid(clusters, sequence, steps)


def _undecided(steps: int) -> Verdict:
    return Verdict(ok=None, reason=f"the search gave up after {steps:,} steps", steps=steps)


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
    >>> history = History.from_columns(
    ...     kind=["put", "put", "get"],
    ...     key=["x", "x", "x"],
    ...     value=[1, 2, 1],
    ...     invoked=[0, 20, 70],
    ...     completed=[10, 30, 75],
    ...     client=[0, 0, 1],
    ... )
    >>> ladder(history).weakest, ladder(history).highest
    (('linearizable',), ('sequential', '2-atomic'))
    """
    return climb(history, linearizable(history, budget=budget), budget=budget)


def summary(history: History) -> str:
    """The numbers and the verdict in one sentence.

    Examples
    --------
    >>> from capkit.history import Operation
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
