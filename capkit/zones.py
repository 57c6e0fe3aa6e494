"""The judge of a register whose written values are distinct: zones, in O(n log n).

A value's put and the gets that returned it form a cluster. On one copy of the data the whole
cluster must take effect in one piece, with no other put inside. So only two moments of
a cluster matter, the earliest finish and the latest start of its operations. Cluster A must come
before B if A's earliest finish is before B's latest start; if B must also come before A, no order
exists, and if no two clusters contradict each other like this, one does [1]_.

"Before" is strict: operations that only touch are concurrent. A clock has a last digit, so equal
times do not say which came first; if they counted as an order, the put that finishes at 10 and the
get that starts at 10 and still returns the old value would be called a violation in a store where
the get really came first.

References
----------
.. [1] Gibbons and Korach, "Testing Shared Memories", SIAM Journal on Computing 26(4), 1997.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capkit.history import Column, History, Mask
from capkit.records import Siblings


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """The operations that count, by key and value.

    Attributes
    ----------
    rows : ndarray of int, shape (m,)
        Where each operation is in the history, ascending.
    is_put : ndarray of bool, shape (m,)
        Puts; the rest are gets.
    begin, end : ndarray of float, shape (m,)
        First and last moment at which the operation may take effect, in ms.
    number : ndarray of int, shape (m,)
        The operation's cluster, 0..c-1.
    key : ndarray of int, shape (c,)
        The cluster's key, numbered from 0.
    initial : ndarray of bool, shape (c,)
        Whether the cluster's value is None, which every key holds before the first put.
    """

    rows: Column
    is_put: Mask
    begin: Column
    end: Column
    number: Column
    key: Column
    initial: Mask

    @property
    def puts(self) -> Column:
        """How many puts each cluster has, shape (c,)."""
        return np.bincount(self.number[self.is_put], minlength=len(self.key))

    def pick(self, chosen: Mask) -> Clusters:
        """The same for some of the operations, with the clusters numbered anew."""
        left = np.flatnonzero(np.bincount(self.number[chosen], minlength=len(self.key)))
        return Clusters(
            rows=self.rows[chosen],
            is_put=self.is_put[chosen],
            begin=self.begin[chosen],
            end=self.end[chosen],
            number=numbers(self.number[chosen]),
            key=self.key[left],
            initial=self.initial[left],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two values that each had to come before the other; indices into the history.

    `late` returned the old value; `seen`, of the new one, had finished before `late` began; and the
    new one is the newer one because `first`, of the old value, had finished before `then`, of the
    new value, began. The initial value needs no `first`.
    """

    late: int
    seen: int
    first: int | None
    then: int
    witness: tuple[int, ...]


def cluster(history: History) -> Clusters:
    """The operations that count, grouped by key and value.

    Left out: what failed, gets that nobody answered, and puts without answer that nobody read
    (they may never have happened).
    """
    failed, unknown = history.outcome == 1, history.outcome == 2
    counts = np.flatnonzero(np.where(history.is_put, ~failed, history.is_ok))
    key, value = numbers(history.key[counts]), numbers(history.value[counts])
    number = numbers(key * (value.max(initial=0) + 1) + value)
    is_get = history.is_get[counts]
    reads = np.bincount(number[is_get], minlength=number.max(initial=-1) + 1)
    keys, initial = np.zeros(len(reads), np.int64), np.zeros(len(reads), np.bool_)
    keys[number], initial[number] = key, history.value[counts] < 0
    every = Clusters(
        rows=counts,
        is_put=~is_get,
        begin=history.invoked[counts],
        end=np.where(unknown, np.inf, history.completed)[counts],
        number=number,
        key=keys,
        initial=initial,
    )
    idle = unknown[counts] & (reads[number] == 0)
    return every.pick(~idle) if idle.any() else every


def unexplained(history: History, clusters: Clusters) -> Column:
    """Rows of the gets that no order explains, whatever the others did.

    They returned several values, or one that nobody put, or one that was put only later.
    """
    first = np.full(len(clusters.key), np.inf)
    is_put, number = clusters.is_put, clusters.number
    np.minimum.at(first, number[is_put], clusters.begin[is_put])
    odd = (clusters.end < first[number]) | (clusters.puts[number] == 0)
    odd &= ~clusters.initial[number]
    several = [c for c, value in enumerate(history.values or ()) if isinstance(value, Siblings)]
    if several:
        odd |= np.isin(history.value[clusters.rows], several)
    rows: Column = clusters.rows[odd & ~is_put]
    return rows


def judge(clusters: Clusters) -> tuple[Column, Contradiction | None]:
    """Positions of the operations in a valid order, key after key, or what contradicts it.

    Every cluster has one put (the initial value none), and no get is unexplained. O(n log n).
    """
    finish, start = _ranks(clusters)
    # Sums of ranks sort rightly: if A must come before B and not B before A, then
    # finish_A < start_B and start_A <= finish_B. Each key gets a range of numbers to itself.
    shift = clusters.key * (2 * int(max(finish.max(), start.max())) + 1)
    order = np.argsort(2 * shift + finish + start, kind="stable")
    finish, begun = (shift + finish)[order], (shift + start)[order]
    least = np.minimum.accumulate(finish[::-1])[::-1]
    clash = np.flatnonzero(least[1:] < begun[:-1])
    if not clash.size:
        return _sequence(clusters, order), None
    later = np.where(finish == least, np.arange(len(order)), len(order))
    partner = np.minimum.accumulate(later[::-1])[::-1][clash + 1]
    earliest = np.argmin(np.maximum(start[order[clash]], start[order[partner]]))
    pair = int(order[clash[earliest]]), int(order[partner[earliest]])
    return np.empty(0, np.int64), _explain(clusters, *pair)


def merge(clusters: Clusters, sequence: Column) -> Column:
    """Rows of the history in one order for all keys that respects real time.

    `sequence` holds positions in each key's own order, key after key. An operation takes effect
    when all before it in its key's order, and it itself, have begun: never after its end.
    """
    rank = _order_of(clusters.begin)[sequence]
    shift = clusters.key[clusters.number[sequence]] * len(clusters.rows)
    moment = np.maximum.accumulate(shift + rank) - shift
    rows: Column = clusters.rows[sequence[np.argsort(moment, kind="stable")]]
    return rows


def numbers(codes: Column) -> Column:
    """Numbers 0, 1, ... for the codes, in their order; without sorting if the codes are dense."""
    if not codes.size:
        return codes.astype(np.int64)
    low = int(codes.min())
    width = int(codes.max()) - low + 1
    if width > 4 * codes.size + 1_000:
        return np.unique_inverse(codes).inverse_indices
    present = np.zeros(width, np.int64)
    present[codes - low] = 1
    numbered: Column = (np.cumsum(present) - 1)[codes - low]
    return numbered


def _order_of(times: Column) -> Column:
    """Position of each entry in the sorted array; equal ones keep their order."""
    position = np.empty(len(times), np.int64)
    position[np.argsort(times, kind="stable")] = np.arange(len(times))
    return position


def _ranks(clusters: Clusters) -> tuple[Column, Column]:
    """Ranks of every cluster's earliest finish and latest start; equal times have equal ranks."""
    count = len(clusters.key)
    finish, start = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(finish, clusters.number, clusters.end)
    np.maximum.at(start, clusters.number, clusters.begin)
    ranks = np.unique(np.concatenate([finish, start]), return_inverse=True)[1] + 1
    return np.where(clusters.initial, 0, ranks[:count]), ranks[count:]


def _sequence(clusters: Clusters, order: Column) -> Column:
    """Cluster by cluster: the put, then the gets as they began."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    place = 2 * place[clusters.number] + ~clusters.is_put
    return np.argsort(place * len(place) + _order_of(clusters.begin), kind="stable")


def _explain(clusters: Clusters, one: int, other: int) -> Contradiction:
    """The few operations of two clusters by which each has to come before the other."""
    few = clusters.pick(np.isin(clusters.number, (one, other)))
    roles = _roles(few)
    assert roles is not None
    needed = np.isin(few.rows, [row for row in roles if row is not None]) | few.is_put
    few = few.pick(needed)
    for row in few.rows[~few.is_put]:
        less = few.pick(few.rows != row)
        if len(less.key) == 2 and (fewer := _roles(less)):
            few, roles = less, fewer
    late, seen, first, then = roles
    witness = tuple(few.rows.tolist())
    return Contradiction(late=late, seen=seen, first=first, then=then, witness=witness)


def _roles(few: Clusters) -> tuple[int, int, int | None, int] | None:
    """`late`, `seen`, `first` and `then` if these two clusters contradict each other, else None.

    Puts are preferred to gets where both will do, because they are easier to follow.
    """
    sides = [few.number == 0, few.number == 1]
    if few.initial[1]:
        sides.reverse()
    finish = [few.end[side].min() for side in sides]
    if few.initial.any():
        finish[0] = -np.inf
    starts = []
    for side, limit in zip(sides, reversed(finish), strict=True):
        begun = np.flatnonzero(side & ((few.begin > limit) | np.isneginf(limit)))
        if not begun.size:
            return None
        starts.append(min(begun, key=lambda i: (~few.is_put[i], few.begin[i])))
    # The later start is a get's: a put begins no later than its own cluster's earliest finish.
    if not few.initial.any() and few.begin[starts[1]] > few.begin[starts[0]]:
        sides.reverse()
        starts.reverse()
    late, then = starts
    seen = _before(few, sides[1], late)
    first = None if few.initial.any() else int(few.rows[_before(few, sides[0], then)])
    return int(few.rows[late]), int(few.rows[seen]), first, int(few.rows[then])


def _before(few: Clusters, side: Mask, last: np.intp) -> int:
    """Position of an operation on this side that had finished before `last` began."""
    over = np.flatnonzero(side & (few.end < few.begin[last]))
    return int(min(over, key=lambda i: (~few.is_put[i], few.end[i])))
