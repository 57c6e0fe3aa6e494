"""Judges that look for one order of all operations: sequential consistency and k-atomicity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from capkit._arguments import count
from capkit.consistency import sentences
from capkit.consistency.ages import staleness
from capkit.consistency.allowance import Allowance
from capkit.consistency.measures import missed
from capkit.consistency.promises.causality import causal
from capkit.consistency.promises.forced import forced
from capkit.consistency.promises.happened_before import Past
from capkit.consistency.promises.interleavings import GaveUpError, Interleavings
from capkit.consistency.sentences import labels, returned
from capkit.consistency.verdicts import Verdict, judge, refuted, undecided, vacuous
from capkit.history import History
from capkit.history.order import joined


@judge
def sequential(history: History, *, budget: int = 100_000) -> Verdict:
    """Judge whether one order of all operations keeps each process's own order.

    In that order every get must return the latest put of its key [1]_. Clocks do not matter, so old
    values are fine as long as everybody's story fits together. All keys are judged at once: of
    these models only linearizability holds of a history when it holds of each key alone [2]_. An
    UNKNOWN put may take effect at any time after its process's earlier operations, or never.

    Parameters
    ----------
    history : History
        What the clients saw.
    budget : int
        Configurations that the search may look at, at least 1; as many again to find the witness.

    Returns
    -------
    Verdict
        True with the order, False with the witness, or None if the budget ran out. The question is
        NP-complete [3]_. Most violations are already violations of `causal`, which is tried first;
        then what is certain of every order narrows the search. Meant for some hundred operations.

    Raises
    ------
    ValueError
        If the budget is below 1.

    References
    ----------
    .. [1] Lamport, "How to Make a Multiprocessor Computer That Correctly Executes Multiprocess
       Programs", IEEE Transactions on Computers C-28(9), 1979.
    .. [2] Herlihy and Wing, "Linearizability", ACM TOPLAS 12(3), 1990.
    .. [3] Gibbons and Korach, "Testing Shared Memories", SIAM Journal on Computing 26(4), 1997.

    Examples
    --------
    >>> from capkit.history import story
    >>> history = story("x=1 x=2 / ... ... x?1")
    >>> sequential(history).order
    (0, 2, 1)
    """
    allowance = Allowance(count("budget", budget, high=2**63))
    if (nothing := vacuous(history, "sequential")) is not None:
        return nothing
    if (weaker := causal(history)).ok is False:
        return replace(weaker, claim="sequential")
    past = Past(history)
    try:
        order = _in_one_order(past, allowance)
    except GaveUpError:
        return undecided(allowance, "sequential")
    rest = "that keeps each process's own order lets every get return the latest put before it"
    if order is None:
        return _no_order(past, allowance, _in_one_order, "sequential", rest)
    reason = "in the order of the verdict, every get returns the latest put before it"
    return Verdict(
        ok=True, claim="sequential", reason=reason, steps=allowance.used, _order=lambda: order
    )


def _in_one_order(past: Past, allowance: Allowance) -> tuple[int, ...] | None:
    """An order in which every get returns the latest put, and each process's own order holds."""
    must = past.own if past.repeated else forced(past, past.gets)
    return None if must.diagonal().any() else Interleavings(past, must).first(allowance)


@judge
def k_atomic(history: History, k: int, *, budget: int = 100_000) -> Verdict:
    """Judge whether every get returned one of the latest `k` values, in an order that fits time.

    1-atomic is linearizable; 2-atomic allows a get to miss one put, the newest [1]_. Each key is
    judged alone, as for `linearizable`, and the initial value counts as a put before all others.

    A get that missed k or more acknowledged puts, which followed each other and its own put in
    time, refutes it in O(n log n): that is a lower bound on k. Otherwise a search decides, exactly
    and for every k, as long as the budget lasts; then the answer is None. (For distinct values and
    k of 2 there are polynomial algorithms [2]_; this one may take exponentially long.)

    Parameters
    ----------
    history : History
        What the clients saw.
    k : int
        How many of the latest values are good enough, at least 1.
    budget : int
        Configurations that the search may look at over all keys, at least 1; as many again to find
        the witness.

    Returns
    -------
    Verdict
        True, False with the witness, or None if the budget ran out.

    Raises
    ------
    ValueError
        If `k` or the budget is below 1.

    References
    ----------
    .. [1] Aiyer, Alvisi and Bazzi, "On the Availability of Non-strict Quorum Systems", DISC 2005.
    .. [2] Golab, Li and Shah, "Analyzing Consistency Properties for Fun and Profit", PODC 2011.

    Examples
    --------
    >>> from capkit.history import story
    >>> history = story("x=1 x=2 / ... ... x?1")
    >>> k_atomic(history, 1).ok, k_atomic(history, 2).ok
    (False, True)
    """
    k, allowance = count("k", k), Allowance(count("budget", budget, high=2**63))
    claim = f"{k}-atomic"
    if (nothing := vacuous(history, claim)) is not None:
        return nothing
    whole = Past(history)
    if whole.odd:
        reason, witness = sentences.unexplained(history, whole.rows[whole.odd[0]])
        return Verdict(ok=False, claim=claim, witness=witness, reason=reason)
    if (breach := _too_old(history, whole, k)) is not None:
        return breach

    def in_time(past: Past, allowance: Allowance) -> tuple[int, ...] | None:
        return Interleavings(past, past.in_time, depth=k).first(allowance)

    gave_up, keys = False, _by_key(whole)
    for number, rows in enumerate(keys):
        past, left = Past(history, rows), allowance.steps - allowance.used
        share = Allowance(max(1, left // (len(keys) - number)))
        order: tuple[int, ...] | None = ()
        try:
            order = in_time(past, share)
        except GaveUpError:
            gave_up = True
        allowance.take(share.used)
        if order is None:
            rest = f"that fits their times lets every get return one of the latest {k} values"
            return _no_order(past, allowance, in_time, claim, rest)
    if gave_up:
        return undecided(allowance, claim)
    reason = f"every get returned one of the latest {k} values, in an order that fits their times"
    return Verdict(ok=True, claim=claim, steps=allowance.used, reason=reason)


def _too_old(history: History, past: Past, k: int) -> Verdict | None:
    """Refute k-atomicity by one get that certainly missed k puts, without a search."""
    late = np.flatnonzero(staleness(history).versions >= k)
    if not late.size:
        return None
    get = int(late[0])
    _, (puts,) = missed(history, late[:1])
    newer = puts[:k].tolist()
    same = (history.key == history.key[get]) & (history.value == history.value[get])
    same_puts = [row for row in past.operations if same[row] and history.is_put[row]]
    told = returned(history, get, same_puts or [-1])
    reason = f"{told} although {labels(history, newer)} had finished before it began"
    if same_puts:
        reason += f", and began after {labels(history, same_puts)} had finished"
    witness = tuple(sorted((get, *newer, *same_puts)))
    return Verdict(ok=False, claim=f"{k}-atomic", witness=witness, reason=reason)


def _by_key(past: Past) -> list[list[int]]:
    """The operations of each key, or of keys that must be judged together; the fewest first."""
    groups: defaultdict[int, list[int]] = defaultdict(list)
    key = {row: int(past.history.key[row]) for row in past.operations}
    leader = joined(past.history.order, past.history.invoked, key)
    for row in past.operations:
        groups[leader[key[row]]].append(row)
    return sorted(groups.values(), key=len)


def _no_order(
    past: Past,
    allowance: Allowance,
    search: Callable[[Past, Allowance], tuple[int, ...] | None],
    claim: str,
    rest: str,
) -> Verdict:
    """The verdict on operations that have no order, with few of them as far as is allowed."""
    more = allowance.renewed()

    def is_wrong(some: Past) -> bool:
        try:
            return search(some, more) is None
        except GaveUpError:
            return False

    few = past.smallest(range(past.count), is_wrong).operations
    reason = f"no order of {labels(past.history, few)} {rest}"
    steps = allowance.used + more.used
    return refuted(reason, few, is_small=not more.is_over, steps=steps, claim=claim)
