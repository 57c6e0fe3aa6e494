"""Judges of a history: linearizable or not, how available the store, how fresh its answers.

They know what clients saw and nothing of the store that answered them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from capkit._arguments import choice, count, number, positive, shown
from capkit.consistency import reasons
from capkit.consistency.ages import Staleness, convergence, staleness
from capkit.consistency.linearizability import zones
from capkit.consistency.linearizability.models import (
    NAMED,
    CasRegister,
    Model,
    Register,
    pair,
)
from capkit.consistency.linearizability.objects import (
    Objects,
    disorder,
    judge,
    merge,
    violation,
)
from capkit.consistency.linearizability.search import Allowance
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
from capkit.consistency.verdicts import Verdict, vacuous
from capkit.history import History
from capkit.history.columns import Column, Mask, a_history

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
    history: History,
    *,
    model: str | Model = "register",
    budget: int = 1_000_000,
    seconds: float = math.inf,
) -> Verdict:
    """Judge whether every operation can have taken effect at one moment between start and end.

    Operations that overlap or touch may have happened in either order, unless one process did them;
    an UNKNOWN one at any time from its start on, or never; a FAIL never did. Each key is judged by
    itself, which is enough.

    Keys of registers whose written values are distinct are judged by zones [1]_ in O(n log n), all
    else by a search [2]_ [4]_ whose work may grow exponentially with how many operations overlap.

    Parameters
    ----------
    history : History
        What the clients saw.
    model : str or Model
        What each key is:

        * "register": put and get of one value, None at first. A get of `Siblings` has no order,
          unless somebody put them.
        * "cas-register": also cas, whose value is the pair (expected, new).
        * "append": a string, empty at first, with put, append and get.
        * "set": add puts in an element, get returns them all.
        * "counter": add changes it by an amount, get returns it; 0 at first.
        * or a `capkit.consistency.Model`: a named one with another initial value, such as
          `Register(initial=0)`, or one of your own.
    budget : int
        Steps that the search may take over all keys, at least 1: calls of the model's `step`, and
        comparisons of what they led to, ten of which are a step. As many again may go into finding
        few operations for the witness.
    seconds : float
        For how long it may go on, more than 0; the witness included. Where it stops depends on the
        machine.

    Returns
    -------
    Verdict
        True with the order, False with the witness, or None if the budget, the time or the memory
        ran out.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these, or an operation not the model's.

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
    a_history(history)
    allowance = Allowance(count("budget", budget, high=2**63), _limit(seconds))
    model = _model(model)
    check_operations(history, model)
    if (nothing := vacuous(history, "linearizable")) is not None:
        return nothing
    if _is_register(model) and history.kind.max(initial=0) <= 1:
        return _registers(history, model, allowance)
    return _objects(history, model, allowance)


def _limit(seconds: object) -> float:
    """For how long a search may go on; infinity is no limit."""
    if number("seconds", seconds, 0, finite=False) == math.inf:
        return math.inf
    return positive("seconds", seconds)


def _model(model: Any) -> Model:
    if isinstance(model, str):
        return NAMED[choice("model", model, tuple(NAMED))]
    if isinstance(model, type):
        name = model.__name__
        raise TypeError(f"model must be an instance, got the class {name}; write {name}()")
    if not callable(getattr(model, "step", None)):
        raise TypeError(f"model must be a name or have a method step, got {shown(model)}")
    return model  # type: ignore[no-any-return]


def check_operations(history: History, model: Model) -> None:
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
        if history.kinds[code] == "cas" and isinstance(model, CasRegister):
            _check_pairs(history, np.flatnonzero(history.kind == code))


def _check_pairs(history: History, rows: Column) -> None:
    for row in rows.tolist():
        try:
            pair(history[row])
        except ValueError as error:
            raise ValueError(f"operation {row}: {error}") from None


def _is_register(model: Model) -> bool:
    """Whether puts and gets do to it what they do to a register, key by key."""
    own = getattr(model, "__dict__", {})
    return (
        isinstance(model, Register)
        and type(model).step in (Register.step, CasRegister.step)
        and type(model).key is Model.key
        and not {"step", "key"} & set(own)
    )


def _objects(history: History, model: Model, allowance: Allowance) -> Verdict:
    all_of_them = Objects(history, model)
    found, stuck = judge(all_of_them, allowance)
    if stuck is not None:
        more = allowance.renewed()
        wrong = violation(all_of_them, all_of_them.groups[stuck], found[stuck], more)
        noun = getattr(model, "noun", "object")
        reason = reasons.no_order(history, wrong.last, wrong.states, noun)
        return _refuted(reason, wrong.witness, wrong.is_small, allowance.used + more.used)
    if any(each.order is None for each in found):
        return _undecided(allowance)
    reason = "in the order of the verdict, every answer is right"
    order = cache(lambda: merge(history, found))
    return Verdict(ok=True, _order=order, reason=reason, steps=allowance.used)


def _registers(history: History, model: Model, allowance: Allowance) -> Verdict:
    clusters = zones.cluster(history, model.initial, history.rough)
    if (wrong := _contradicted(history, clusters)) is not None:
        return wrong
    if not clusters.repeated.any() and not zones.touching(clusters):
        return _in_order(clusters)
    order = history.order
    clusters = zones.cluster(history, model.initial, order[:2])
    if (wrong := _contradicted(history, clusters)) is not None:
        return wrong
    easy = _easy(clusters)
    if not order.links.size:
        if easy.all():
            return _in_order(clusters)
        return _search(history, model, clusters, easy, allowance)
    for ranks in order.refinements if easy.all() else ():
        refined = zones.cluster(history, model.initial, ranks)
        if _contradicted(history, refined) is None:
            return _in_order(refined)
    return _search(history, model, clusters, easy & ~_entangled(history, clusters), allowance)


def _easy(clusters: Clusters) -> Mask:
    """Operations of keys whose written values are distinct."""
    return ~clusters.repeated[clusters.number]


def _contradicted(history: History, clusters: Clusters) -> Verdict | None:
    """What zones find wrong."""
    odd = zones.unexplained(clusters)
    if odd.size:
        reason, witness = reasons.unexplained(history, int(odd[0]))
        return Verdict(ok=False, witness=witness, reason=reason)
    easy = _easy(clusters)
    if why := zones.contradiction(clusters if easy.all() else clusters.pick(easy)):
        reason = reasons.contradiction(history, why)
        return Verdict(ok=False, witness=why.witness, reason=reason)
    return None


def _in_order(clusters: Clusters) -> Verdict:
    return _valid(lambda: zones.merge(clusters, zones.sequence(clusters)))


def _entangled(history: History, clusters: Clusters) -> Mask:
    """Operations of keys that cannot be judged each by itself, because links join them."""
    keys = history.key[clusters.rows]
    return np.isin(keys, history.key[history.order.links.ravel()])


def _valid(order: Callable[[], Column], steps: int = 0) -> Verdict:
    reason = "in the order of the verdict, every get returns the latest put before it"
    whole = cache(lambda: tuple(order().tolist()))
    return Verdict(ok=True, _order=whole, reason=reason, steps=steps)


def _search(
    history: History, model: Model, clusters: Clusters, easy: Mask, allowance: Allowance
) -> Verdict:
    """Judge the keys that zones cannot, given that the others have a valid sequence."""
    hard = Objects(history, model, clusters.rows[~easy])
    found, stuck = judge(hard, allowance)
    if stuck is not None:
        more = allowance.renewed()
        witness, is_small = disorder(hard, hard.groups[stuck], found[stuck], more)
        reason = reasons.disorder(history, witness)
        return _refuted(reason, witness, is_small, allowance.used + more.used)
    if any(each.order is None for each in found):
        return _undecided(allowance)

    def order() -> Column:
        simple = np.flatnonzero(easy)[zones.sequence(clusters.pick(easy))]
        group = clusters.key[clusters.number[simple]]
        for place, each in enumerate(found, 1 + int(clusters.key.max())):
            rows = np.searchsorted(clusters.rows, each.order or ())
            simple = np.concatenate([simple, rows])
            group = np.concatenate([group, np.full(len(rows), place)])
        return zones.merge(clusters, simple, group)

    return _valid(order, allowance.used)


def _refuted(reason: str, witness: tuple[int, ...], is_small: bool, steps: int) -> Verdict:
    if not is_small:
        reason += "; fewer operations may do, but the search for them gave up"
    return Verdict(ok=False, witness=witness, reason=reason, steps=steps)


def _undecided(allowance: Allowance) -> Verdict:
    steps = allowance.used
    late = " because the time was over" if steps < allowance.steps and allowance.is_over else ""
    return Verdict(ok=None, reason=f"the search gave up after {steps:,} steps{late}", steps=steps)


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
