"""The judge of a register whose written values are distinct: zones, in O(n log n).

A value's put and the gets that returned it form a cluster. On one copy of the data the whole
cluster must take effect in one piece, with no other put inside. So only two moments of
a cluster matter, the earliest finish and the latest start of its operations. Cluster A must come
before B if A's earliest finish is before B's latest start; if B must also come before A, no order
exists, and if no two clusters contradict each other like this, one does [1]_.

"Before" is strict: operations of two processes that only touch are concurrent. A clock has a last
digit, so equal times do not say which came first; if they counted as an order, the put that
finishes at 10 and the get that starts at 10 and still returns the old value would be called a
violation in a store where the get really came first. What one process does one after the other is
in order even so; the history's ranks say it.

References
----------
.. [1] Gibbons and Korach, "Testing Shared Memories", SIAM Journal on Computing 26(4), 1997.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from capkit.consistency.numbering import from_zero, numbers
from capkit.history import History
from capkit.history.columns import Column, Mask
from capkit.history.equality import identity
from capkit.history.order import Ranks


class Line(NamedTuple):
    """Clusters key after key, in the order in which their spans begin.

    `near` are the places of those whose span overlaps or touches that of the last forward cluster
    before them, which stand in `latest`. As long as forward clusters do not clash with each other,
    a cluster can clash with no other one before it. `is_tied` if two spans of a key begin at once.
    """

    order: Column
    finish: Column
    start: Column
    near: Column
    latest: Column
    is_tied: bool


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """The operations that count, by key and value: the first five have a number for each of them.

    The others have one for each cluster. The initial value finishes before all, at -inf.
    """

    rows: Column  # where it is in the history, ascending
    is_put: Mask  # the rest are gets
    begin: Column  # the first rank at which it may take effect
    end: Column  # and the last
    number: Column  # its cluster, from 0; a cluster may be empty
    key: Column  # the cluster's key, numbered from 0
    initial: Mask  # whether its value is what every key holds before the first put
    born: Column = field(init=False)  # when its first put begins; inf without one
    finish: Column = field(init=False)  # when the first of its operations ends
    start: Column = field(init=False)  # when the last of its operations begins

    def __post_init__(self) -> None:
        born, finish = np.full(len(self.key), np.inf), np.full(len(self.key), np.inf)
        start = np.full(len(self.key), -np.inf)
        puts = np.flatnonzero(self.is_put)
        np.minimum.at(born, self.number[puts], self.begin[puts])
        np.minimum.at(finish, self.number, self.end)
        np.maximum.at(start, self.number, self.begin)
        finish[self.initial] = -np.inf
        for name, column in (("born", born), ("finish", finish), ("start", start)):
            object.__setattr__(self, name, column)

    @cached_property
    def repeated(self) -> Mask:
        """Whether the cluster's key ever gets a value that it had before, shape (c,)."""
        has_put = np.isfinite(self.born)
        once = np.count_nonzero(self.is_put) == np.count_nonzero(has_put)
        if once and not has_put[self.initial].any():
            return np.zeros(len(self.key), np.bool_)
        puts = np.bincount(self.number[self.is_put], minlength=len(self.key))
        return np.isin(self.key, self.key[puts + self.initial > 1])

    @cached_property
    def line(self) -> Line:
        """The clusters in the order of their spans.

        A cluster's span is the time between its finish and its start. It is forward if the finish
        comes first: then the register certainly held the value all that time.
        """
        begun = np.minimum(self.finish, self.start)
        order, key = _by_key(self.key, np.argsort(begun, kind="stable"))
        finish, start = self.finish[order], self.start[order]
        latest = np.maximum.accumulate(np.where(finish < start, np.arange(len(order)), 0))[:-1]
        close = (finish[latest] <= start[1:]) & (finish[1:] <= start[latest])
        near = np.flatnonzero(close & (key[latest] == key[1:]))
        begun = np.minimum(finish, start)
        tied = (begun[1:] == begun[:-1]) & (key[1:] == key[:-1]) & (begun[1:] > -np.inf)
        return Line(order, finish, start, near + 1, latest[near], bool(tied.any()))

    def pick(self, chosen: Mask) -> Clusters:
        """The same for some of the operations, with the clusters numbered anew."""
        kept = np.flatnonzero(chosen)
        left = np.flatnonzero(np.bincount(self.number[kept], minlength=len(self.key)))
        return Clusters(
            rows=self.rows[kept],
            is_put=self.is_put[kept],
            begin=self.begin[kept],
            end=self.end[kept],
            number=numbers(self.number[kept]),
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


def cluster(history: History, initial: object = None, ranks: Ranks | None = None) -> Clusters:
    """The operations that count, grouped by key and value.

    Left out: what failed, gets that nobody answered, and puts without answer that nobody read
    (they may never have happened).
    """
    began, ended = ranks or (history.began, history.ended)
    known, is_put = history.is_ok, history.is_put
    every = known.all()
    rows = np.arange(len(history))
    columns: tuple[Column, ...] = (
        is_put,
        began,
        ended,
        from_zero(history.key),
        _values(history, initial),
    )
    if not every:
        rows = np.flatnonzero(known | (is_put & (history.outcome != 1)))
        columns = tuple(column[rows] for column in columns)
        known = known[rows]
    is_put, begin, end, key, value = columns
    number, keys, initial = _pairs(key, value)
    clusters = Clusters(
        rows=rows,
        is_put=is_put,
        begin=begin,
        end=end if every else np.where(known, end, np.inf),
        number=number,
        key=keys,
        initial=initial,
    )
    if every:
        return clusters
    read = np.zeros(len(keys), np.bool_)
    read[number[~is_put]] = True
    return clusters.pick(known | read[number])


def _values(history: History, initial: object) -> Column:
    """The codes of the values, with -1 for the initial one, whatever that is."""
    if initial is None:
        return history.value
    fresh = int(history.value.max(initial=0)) + 1  # for None, which is a value like any other now
    if history.values is not None:
        codes = {identity(value): code for code, value in enumerate(history.values)}
        code = codes.get(identity(initial), fresh + 1)
    else:
        code = initial if isinstance(initial, int) else fresh + 1
    return np.where(history.value == code, -1, np.where(history.value < 0, fresh, history.value))


def _pairs(key: Column, value: Column) -> tuple[Column, Column, Mask]:
    """Number the pairs of key and value; each pair's key, and whether the value is None.

    Values that one key alone holds keep their codes, so that no sorting is needed.
    """
    none = value < 0
    code = value if value.max(initial=0) < 2 * len(value) + 1_000 else numbers(value) - none.any()
    width, count = int(code.max(initial=-1)) + 1, int(key.max(initial=-1)) + 1
    owner = np.zeros(width + 1, np.int64)  # the last place, which -1 means too, is None's
    if count > 1:
        owner[code] = key
        if ((owner[code] != key) & ~none).any():
            code = numbers(key * (width + 1) + code + 1)
            width = int(code.max()) + 1
            owner = np.zeros(width + 1, np.int64)
            owner[code] = key
    if not none.any():
        return code, owner[:-1], np.zeros(width, np.bool_)
    keys = np.concatenate([owner[:-1], np.arange(count)])
    return np.where(none, width + key, code), keys, np.arange(len(keys)) >= width


def touching(clusters: Clusters) -> bool:
    """Whether it may matter that a process does one thing at a time although its operations touch.

    Nothing contradicts these clusters. If something would, were all that touches in order, then two
    spans of a key begin at the same time, or one touches the last forward one before it, or a
    cluster's finish is its first put's start.
    """
    line = clusters.line
    return bool(line.near.size or line.is_tied or (clusters.finish == clusters.born).any())


def unexplained(clusters: Clusters) -> Column:
    """Rows of the gets that no order explains, whatever the others did; the first to end first.

    They returned what nobody put, or what was put only later.
    """
    born, number = clusters.born, clusters.number
    wrong = ((clusters.finish < born) | np.isinf(born)) & ~clusters.initial
    odd = np.zeros(len(number), np.bool_)
    if wrong.any():
        odd = wrong[number] & ((clusters.end < born[number]) | np.isinf(born)[number])
    gets = np.flatnonzero(odd & ~clusters.is_put)
    rows: Column = clusters.rows[gets[np.argsort(clusters.end[gets], kind="stable")]]
    return rows


def contradiction(clusters: Clusters) -> Contradiction | None:
    """What no order can explain, or None if there is one. O(n log n).

    Every cluster has one put (the initial value none), and no get is unexplained.
    """
    clashing = _clashing(clusters)
    if not clashing.any():
        return None
    few = clusters.pick(clashing[clusters.number])
    order, finish, start = _line(few)
    least = np.minimum.accumulate(finish[::-1])[::-1]
    clash = np.flatnonzero(least[1:] < start[:-1])
    later = np.where(finish == least, np.arange(len(order)), len(order))
    partner = np.minimum.accumulate(later[::-1])[::-1][clash + 1]
    begun = few.start[order]
    earliest = np.argmin(np.maximum(begun[clash], begun[partner]))
    return _explain(few, int(order[clash[earliest]]), int(order[partner[earliest]]))


def _clashing(clusters: Clusters) -> Mask:
    """Clusters that contradict another one, shape (c,); some are enough to find the first ones.

    Two forward spans of a key must not overlap, and none that is not forward may lie inside one;
    other contradictions cannot be.
    """
    order, finish, start, near, latest, _ = clusters.line
    clash = (finish[latest] < start[near]) & (finish[near] < start[latest])
    clashing = np.zeros(len(order), np.bool_)
    clashing[order[near[clash]]] = clashing[order[latest[clash]]] = True
    return clashing


def sequence(clusters: Clusters) -> Column:
    """Positions of the operations in a valid order, key after key, where nothing contradicts it.

    Cluster by cluster: the put, then the gets as they began. O(n log n).
    """
    order = _line(clusters)[0]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    place = 2 * place[clusters.number] + ~clusters.is_put
    return np.argsort(place * len(place) + _order_of(clusters.begin), kind="stable")


def merge(clusters: Clusters, sequence: Column, group: Column | None = None) -> Column:
    """Rows of the history in one order for all keys that respects real time.

    `sequence` holds positions in each group's own order, group after group (unless told
    otherwise: in each key's). An operation takes effect when all before it in its group's order,
    and it itself, have begun: never after its end.
    """
    rank = _order_of(clusters.begin)[sequence]
    group = clusters.key[clusters.number[sequence]] if group is None else group
    shift = group * len(clusters.rows)
    moment = np.maximum.accumulate(shift + rank) - shift
    rows: Column = clusters.rows[sequence[np.argsort(moment, kind="stable")]]
    return rows


def _order_of(times: Column) -> Column:
    """Position of each entry in the sorted array; equal ones keep their order."""
    position = np.empty(len(times), np.int64)
    position[np.argsort(times, kind="stable")] = np.arange(len(times))
    return position


def _by_key(key: Column, order: Column) -> tuple[Column, Column]:
    """The same order, but key after key, and the keys; faster than a stable sort by key."""
    if not key.any():
        return order, key
    bits = len(order).bit_length()
    codes = np.sort((key[order] << bits) | np.arange(len(order)))
    return order[codes & ((1 << bits) - 1)], codes >> bits


def _line(clusters: Clusters) -> tuple[Column, Column, Column]:
    """The clusters in an order that is valid if any is, key after key; their finishes and starts.

    These are ranks, equal where the times are. Sums of them sort rightly: if A must come
    before B and not B before A, then finish_A < start_B and start_A <= finish_B.
    """
    ranks = np.unique(np.concatenate([clusters.finish, clusters.start]), return_inverse=True)[1]
    shift = clusters.key * (2 * len(ranks))
    finish, start = (shift + each for each in np.split(ranks, 2))
    order = np.argsort(finish + start, kind="stable")
    return order, finish[order], start[order]


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
