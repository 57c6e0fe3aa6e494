"""The search for one order of all operations: for sequential consistency and for k-atomicity.

It lets one operation after another take effect. Its configurations are how far each process has
come and what the keys hold. A get takes effect as soon as it fits, which never does harm. A put
does not, if it pushes out a value that was put only once and that a later get wants.
"""

from __future__ import annotations

from collections import defaultdict
from operator import ge
from typing import TypeAlias

import numpy as np

from capkit.consistency.allowance import Allowance
from capkit.consistency.linearizability.configurations import Trail, along
from capkit.consistency.promises.happened_before import Past
from capkit.history.columns import Mask

Places: TypeAlias = tuple[int, ...]
Held: TypeAlias = tuple[tuple[int, ...], ...]


class GaveUpError(Exception):
    """The search used up its allowance."""


class Interleavings:
    """The orders of `past` that keep what `must` come before what.

    In them every get returns one of the last `depth` values of its key.
    """

    def __init__(self, past: Past, must: Mask, depth: int = 1) -> None:
        self.past, self.depth = past, depth
        self.value = past.history.value[past.rows[: past.count]].tolist()
        self.key = np.unique_inverse(past.key[: past.count]).inverse_indices.tolist()
        self.threads = _threads(past)
        self.place = {row: at for at, row in _places(self.threads)}
        # How far each thread must have come before an operation, and when all is over.
        self.needed = {
            row: [_reach(must[thread, row]) for thread in self.threads] for row in self.place
        }
        self.end = [_reach(past.is_known[thread]) for thread in self.threads]
        # Where in each thread the last get of a value stands, and which values come back.
        self.wanted: defaultdict[tuple[int, int], dict[int, int]] = defaultdict(dict)
        self.puts: defaultdict[tuple[int, int], int] = defaultdict(int)
        for (thread, place), row in _places(self.threads):
            name = self.key[row], self.value[row]
            if past.is_put[row]:
                self.puts[name] += 1
            else:
                self.wanted[name][thread] = place

    def first(self, allowance: Allowance) -> tuple[int, ...] | None:
        """One such order, by row, or None if there is none.

        Raises
        ------
        GaveUpError
            If that takes more than is allowed: a step for each configuration.
        """
        start: Held = ((-1,),) * (1 + max(self.key, default=-1))
        waiting: list[tuple[Places, Held, Trail]] = [((0,) * len(self.threads), start, None)]
        met: set[tuple[Places, Held]] = set()
        while waiting:
            places, held, trail = self._read(*waiting.pop())
            if (places, held) in met:
                continue
            if not allowance.take(1):
                raise GaveUpError
            met.add((places, held))
            if all(map(ge, places, self.end)):  # only puts without answer are left
                return tuple(self.past.rows[row] for row in along(trail))
            puts = [row for row in self._ready(places) if self.past.is_put[row]]
            for row in sorted(puts, reverse=True):
                if (after := self._put(row, places, held)) is not None:
                    waiting.append((self._next(places, row), after, (row, trail)))
        return None

    def _read(self, places: Places, held: Held, trail: Trail) -> tuple[Places, Held, Trail]:
        """Let every get take effect that is next in its thread and fits."""
        fits = True
        while fits:
            fits = False
            for row in self._ready(places):
                if not self.past.is_put[row] and self.value[row] in held[self.key[row]]:
                    places, trail, fits = self._next(places, row), (row, trail), True
        return places, held, trail

    def _ready(self, places: Places) -> list[int]:
        """The next operation of each thread, if nothing that is left must come before it."""
        pairs = zip(self.threads, places, strict=True)
        rows = [thread[place] for thread, place in pairs if place < len(thread)]
        return [row for row in rows if all(map(ge, places, self.needed[row]))]

    def _put(self, row: int, places: Places, held: Held) -> Held | None:
        """What the keys hold after a put, or None if it takes from a get what that one needs."""
        key = self.key[row]
        values = (self.value[row], *held[key])
        for lost in values[self.depth :]:
            if self.puts[key, lost] + (lost < 0) == 1:
                wanted = self.wanted.get((key, lost), {})
                if any(places[thread] <= place for thread, place in wanted.items()):
                    return None
        return (*held[:key], values[: self.depth], *held[key + 1 :])

    def _next(self, places: Places, row: int) -> Places:
        thread, place = self.place[row]
        return (*places[:thread], place + 1, *places[thread + 1 :])


def _threads(past: Past) -> list[list[int]]:
    """The operations of each process in its order, divided where they overlap."""
    threads: list[list[int]] = []
    for row in range(past.count):
        mine = next((each for each in threads if past.own[each[-1], row]), None)
        if mine is None:
            threads.append(mine := [])
        mine.append(row)
    return threads


def _places(threads: list[list[int]]) -> list[tuple[tuple[int, int], int]]:
    return [((n, i), row) for n, thread in enumerate(threads) for i, row in enumerate(thread)]


def _reach(needed: Mask) -> int:
    """How many of a thread's operations there are up to the last that is needed."""
    return int(np.flatnonzero(needed).max(initial=-1)) + 1
