"""Judges that look for one order of all operations: sequential consistency and k-atomicity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from capkit._arguments import count
from capkit.consistency import reasons
from capkit.consistency.ages import staleness
from capkit.consistency.measures import missed
from capkit.consistency.promises.causality import causal
from capkit.consistency.promises.forced import forced
from capkit.consistency.promises.happened_before import Past, minimal
from capkit.consistency.promises.interleavings import Found, Search
from capkit.consistency.reasons import listed
from capkit.consistency.verdicts import Verdict, vacuous
from capkit.consistency.wording import label, returned
from capkit.history import History
from capkit.history.order import joined


def sequential(history: History, *, budget: int = 100_000) -> Verdict:
    """Judge whether one order of all operations keeps each process's own order.

    In that order every get must return the latest put of its key [1]_. Clocks do not matter, so old
    values are fine as long as everybody's story fits together. All keys are judged at once: of
    these models only linearizability holds of a history when it holds of each key alone [2]_. An
    UNKNOWN put may take effect at any time after its process's earlier operations, or never.

    Parameters
    ----------
    history : History
        What the clients saw. What counts as one process's order is said in `past`.
    budget : int
        Configurations that the search may look at, at least 1; as many again to find the witness.

    Returns
    -------
    Verdict
        True with the order, False with the witness, or None if the budget ran out. The question is
        NP-complete [3]_. Most violations are already violations of `causal`, which is tried first;
        what a short search leaves open is narrowed by what is certain of every order.

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
    >>> history = History.from_columns(
    ...     kind=["put", "put", "get"],
    ...     key=["x", "x", "x"],
    ...     value=[1, 2, 1],
    ...     invoked=[0, 20, 70],
    ...     completed=[10, 30, 75],
    ...     client=[0, 0, 1],
    ... )
    >>> sequential(history).order
    (0, 2, 1)
    """
    budget = count("budget", budget, high=2**63)
    if (nothing := vacuous(history, "sequential")) is not None:
        return nothing
    weaker = causal(history)
    if weaker.ok is False:
        words = weaker.reason
        return Verdict(ok=False, claim="sequential", witness=weaker.witness, reason=words)
    past = Past(history)
    found = _in_any_order(past, budget)
    if found.ok:
        reason = "in the order of the verdict, every get returns the latest put before it"
        return _verdict("sequential", found, reason)
    if found.ok is None:
        return _verdict("sequential", found, f"the search gave up after {found.steps:,} steps")
    witness = _witness(history, past, budget, _in_any_order)
    rest = "that keeps each process's own order lets every get return the latest put before it"
    return _verdict("sequential", found, f"no order of {_all(history, witness)} {rest}", witness)


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
    >>> history = History.from_columns(
    ...     kind=["put", "put", "get"],
    ...     key=["x", "x", "x"],
    ...     value=[1, 2, 1],
    ...     invoked=[0, 20, 70],
    ...     completed=[10, 30, 75],
    ... )
    >>> k_atomic(history, 1).ok, k_atomic(history, 2).ok
    (False, True)
    """
    k, budget = count("k", k), count("budget", budget, high=2**63)
    claim = f"{k}-atomic"
    if (nothing := vacuous(history, claim)) is not None:
        return nothing
    whole = Past(history)
    if whole.odd:
        reason, witness = reasons.unexplained(
            history, min(whole.odd, key=lambda row: whole.end[row])
        )
        return Verdict(ok=False, claim=claim, witness=witness, reason=reason)
    if (breach := _too_old(history, whole, k)) is not None:
        return breach

    def search(past: Past, budget: int) -> Found:
        return Search(past, depth=k, timed=True).run(budget)

    steps = 0
    gave_up = False
    keys = _by_key(whole)
    for number, rows in enumerate(keys):
        past = Past(history, rows)
        share = max(1, (budget - steps) // (len(keys) - number))
        found = search(past, share)
        steps += found.steps
        gave_up |= found.ok is None
        if found.ok is False:
            witness = _witness(history, past, budget, search)
            rest = f"that fits their times lets every get return one of the latest {k} values"
            reason = f"no order of {_all(history, witness)} {rest}"
            return _verdict(claim, found._replace(steps=steps), reason, witness)
    reason = f"every get returned one of the latest {k} values, in an order that fits their times"
    if gave_up:
        reason = f"the search gave up after {steps:,} steps"
    return Verdict(ok=None if gave_up else True, claim=claim, steps=steps, reason=reason)


def _too_old(history: History, past: Past, k: int) -> Verdict | None:
    """Refute k-atomicity by one get that certainly missed k puts, without a search."""
    late = np.flatnonzero(staleness(history).versions >= k)
    if not late.size:
        return None
    get = int(late[0])
    _, (puts,) = missed(history, late[:1])
    newer = puts[:k].tolist()
    same = [row for row in past.rows if past.is_put[row] and past.key[row] == past.key[get]]
    same = [row for row in same if past.value[row] == past.value[get]]
    text = f"{returned(past, get)} although {_all(history, newer)} had finished before it began"
    if same:
        text += f", and began after {_all(history, same)} had finished"
    witness = tuple(sorted((get, *newer, *same)))
    return Verdict(ok=False, claim=f"{k}-atomic", witness=witness, reason=text)


def _by_key(past: Past) -> list[list[int]]:
    """The operations of each key, or of keys that must be judged together; the fewest first."""
    groups: defaultdict[int, list[int]] = defaultdict(list)
    leader = joined(past.history.order, past.history.invoked, past.key)
    for row in past.rows:
        groups[leader[past.key[row]]].append(row)
    return sorted(groups.values(), key=len)


def _in_any_order(past: Past, budget: int) -> Found:
    """A short search; if it is not enough, find out what is forced, and search the rest."""
    short = min(budget, 1_000 + len(past.rows))
    found = Search(past).run(short)
    if found.ok is not None or past.repeated or budget == short:
        return found
    before = forced(past)
    if before is None:
        return Found(False, found.steps)
    rest = Search(past, before=before).run(budget - found.steps)
    return rest._replace(steps=found.steps + rest.steps)


def _witness(
    history: History, past: Past, budget: int, search: Callable[[Past, int], Found]
) -> tuple[int, ...]:
    """Few operations that still have no order, as far as the budget allows."""
    left = budget

    def violates(rows: list[int]) -> bool:
        nonlocal left
        found = search(Past(history, rows), left)
        left -= found.steps
        return found.ok is False

    return tuple(minimal(history, past.rows, violates))


def _all(history: History, rows: Sequence[int]) -> str:
    past = Past(history, rows)
    return listed([label(past, row) for row in rows])


def _verdict(claim: str, found: Found, reason: str, witness: tuple[int, ...] = ()) -> Verdict:
    return Verdict(
        ok=found.ok,
        claim=claim,
        witness=witness,
        reason=reason,
        steps=found.steps,
        _order=lambda: found.order,
    )
