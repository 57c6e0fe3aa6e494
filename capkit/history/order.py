"""What came first: the order of a history's events, which judges go by.

An operation comes before another one if it ended before the other began. Where nothing but clocks
tell, two events at the same time are in no order, because a clock has a last digit: operations that
touch are concurrent. But a process does one thing at a time. So of two operations of one process
that touch, the first comes before the second.

Ranks say all this, unless at one moment two processes each end an operation and begin the next.
P's first operation then comes before P's second, and Q's before Q's, but neither P's first before
Q's second nor the reverse, and no two numbers for each operation can say so. For such moments there
are `links` besides, and `refinements`: ranks that say too much, each in another direction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Column: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]
Ranks: TypeAlias = tuple[Column, Column]


class Order(NamedTuple):
    """Ranks of all events, and what they cannot say.

    Attributes
    ----------
    began, ended : ndarray, shape (n,)
        An operation comes before another one if its `ended` is below the other's `began`.
    links : ndarray of int, shape (k, 2)
        Pairs of operations of which the first comes before the second, too.
    refinements : tuple of (ndarray, ndarray)
        `began` and `ended` so that they agree with the links, at the price of more order than is
        known.
    """

    began: Column
    ended: Column
    links: Column = np.zeros((0, 2), np.int64)
    refinements: tuple[Ranks, ...] = ()


class _Chain:
    """What one process does at one moment: it ends operations, does some in no time, begins some.

    A process that does one thing at a time ends one and begins one at most.
    """

    def __init__(self) -> None:
        self.ending: list[int] = []
        self.instant: list[tuple[int, bool]] = []  # row, and whether it is known to have ended
        self.beginning: list[int] = []

    def links(self) -> Iterator[tuple[int, int]]:
        """Pairs of operations that follow each other."""
        last = self.ending
        for row, known in self.instant:
            yield from ((each, row) for each in last)
            last = [row] if known else last
        yield from product(last, self.beginning)


def order(process: Column, invoked: Column, completed: Column, known: Mask) -> Order:
    """The order of events of which only times and processes are known.

    An operation that is not `known` to have ended has no end. O(n) where no process touches itself.
    """
    times = shared(invoked, completed[known])
    if not times.size:
        return Order(invoked, completed)
    chains: defaultdict[tuple[float, int], _Chain] = defaultdict(_Chain)
    starts, ends = np.isin(invoked, times), np.isin(completed, times) & known
    instant = starts & (invoked == completed)
    for row in np.flatnonzero(starts | ends).tolist():
        begin, end, mine = invoked[row].item(), completed[row].item(), process[row].item()
        if instant[row]:
            chains[begin, mine].instant.append((row, bool(known[row])))
            continue
        if starts[row]:
            chains[begin, mine].beginning.append(row)
        if ends[row]:
            chains[end, mine].ending.append(row)
    linked = {name: chain for name, chain in chains.items() if any(chain.links())}
    if not linked:
        return Order(invoked, completed)
    return _ranked(linked, invoked, completed)


def joined(order: Order, invoked: Column, number: Mapping[int, int]) -> dict[int, int]:
    """For each object's number, the least number among objects that need one joint order.

    `number` gives some rows' objects. Each object can be judged alone as far as ranks say what came
    first, but not those that have links at the same moment.
    """
    together: defaultdict[float, set[int]] = defaultdict(set)
    for pair in order.links.tolist():
        together[invoked[pair[1]].item()] |= {number[row] for row in pair if row in number}
    least = {each: each for each in number.values()}
    for objects in together.values():
        chosen = {least[each] for each in objects}
        least = {each: min(chosen) if low in chosen else low for each, low in least.items()}
    return least


def _ranked(chains: dict[tuple[float, int], _Chain], invoked: Column, completed: Column) -> Order:
    """Ranks that say what the chains say; at moments with several chains, links do."""
    crowd = Counter(time for time, _ in chains)
    names = sorted(chains)
    alone = [chains[name] for name in names if crowd[name[0]] == 1]
    crowded = [chains[name] for name in names if crowd[name[0]] > 1]
    if not crowded:
        return Order(*_ranks(alone, [], invoked, completed))
    return Order(
        *_ranks(alone, crowded, invoked, completed),
        np.array([pair for chain in crowded for pair in chain.links()]),
        tuple(_ranks(alone + some, [], invoked, completed) for some in (crowded, crowded[::-1])),
    )


def _ranks(chains: list[_Chain], loose: list[_Chain], invoked: Column, completed: Column) -> Ranks:
    """Numbers for all events: by time, then starts, then chain after chain, then ends.

    Loose chains say only in which order the starts are numbered, and the ends.
    """
    size = len(invoked)
    last = 2 * size + 3 * (len(chains) + len(loose))
    begin, end = np.zeros(size, np.int64), np.full(size, 2 * last)
    place = 1
    for chain, to_start, to_end in (
        *((chain, 0, 0) for chain in chains),
        *((chain, -last, last) for chain in loose),
    ):
        end[chain.ending] = to_end + place
        for row, known in chain.instant:
            begin[row] = to_start + place + 1
            end[row] = to_end + place + 2 if known else end[row]
            place += 2
        begin[chain.beginning] = to_start + place + 1
        place += 2
    ranks = np.empty(2 * size, np.int64)
    by = np.concatenate([begin, end]), np.concatenate([invoked, completed])
    ranks[np.lexsort(by)] = np.arange(2 * size)
    return ranks[:size], ranks[size:]


def shared(starts: Column, ends: Column) -> Column:
    """The times at which something starts and something ends, ascending.

    Most histories have none, and this must be found out without sorting all times: shelves of time
    that hold a start are marked, and only the ends that lie on a marked shelf are looked at.
    """
    if not (starts.size and ends.size):
        return ends[:0]
    low, high = starts.min(), starts.max()
    ends = ends[(ends >= low) & (ends <= high)]
    if (scale := 8 * starts.size / max(high - low, 1e-300)) * (high - low) < 2**60:
        starts, ends = _meeting(starts, ends, low, scale)
    return np.intersect1d(starts, ends)


def _meeting(starts: Column, ends: Column, low: float, scale: float) -> Ranks:
    """The starts and the ends that lie on the same shelf as one of the others."""
    of_start, of_end = (((each - low) * scale).astype(np.int64) for each in (starts, ends))
    shelves = np.zeros(8 * starts.size + 2, np.bool_)
    shelves[of_start] = True
    met = np.flatnonzero(shelves[of_end])
    shelves[of_start] = False
    shelves[of_end[met]] = True
    return starts[np.flatnonzero(shelves[of_start])], ends[met]
