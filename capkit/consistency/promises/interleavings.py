"""The search for one order of all operations: for sequential consistency and for k-atomicity.

It lets one operation after another take effect. Its configurations are how far each process has
come and what the keys hold. A get takes effect as soon as it fits, which never does harm. A put
does not, if it pushes out a value that was put only once and that a later get wants.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple, TypeAlias

from capkit.consistency.promises.happened_before import Past

Places: TypeAlias = tuple[int, ...]
Held: TypeAlias = tuple[tuple[int, ...], ...]
Path: TypeAlias = "tuple[int, Path] | None"


class Found(NamedTuple):
    """The order, or none if there is no such order, or `ok` is None if the budget ran out."""

    ok: bool | None
    steps: int
    order: tuple[int, ...] = ()


class Search:
    """The search for an order of `past` in which every get returns one of the last `depth` values.

    With `timed`, an operation that ended before another began comes before it; `before` says
    what else must come before a put, as sets of rows.
    """

    def __init__(
        self,
        past: Past,
        *,
        depth: int = 1,
        timed: bool = False,
        before: dict[int, int] | None = None,
    ) -> None:
        self.past, self.depth, self.timed = past, depth, timed
        order = past.history.order
        self.begin, self.end = past.ranks(*order[:2]) if timed else (past.begin, past.end)
        self.before = before or dict.fromkeys(past.place, 0)
        self.plain = not timed and all(len(past.siblings(row)) == 1 for row in past.place)
        self.keys = {key: place for place, key in enumerate(dict.fromkeys(past.key.values()))}
        # Where in each thread the last get of a value stands, and which values come back.
        self.wanted: defaultdict[tuple[int, int], dict[int, int]] = defaultdict(dict)
        self.puts: defaultdict[tuple[int, int], int] = defaultdict(int)
        for row in sorted(past.place, key=lambda row: past.place[row][1]):
            name = past.key[row], past.value[row]
            if past.is_put[row]:
                self.puts[name] += 1
            else:
                thread, place = past.place[row]
                self.wanted[name][thread] = place

    def run(self, budget: int) -> Found:
        """Search until an order is found, none is left, or the budget is used up."""
        start: Held = tuple((-1,) for _ in self.keys)
        none = (0,) * len(self.past.threads)
        waiting: list[tuple[Places, Held, int, Path]] = [(none, start, 0, None)]
        met: set[tuple[Places, Held]] = set()
        while waiting:
            places, held, taken, path = waiting.pop()
            places, taken, path = self._read(places, held, taken, path)
            if (places, held) in met:
                continue
            if len(met) == budget:
                return Found(None, budget)
            met.add((places, held))
            if self._over(places):
                return Found(True, len(met), _rows(path))
            ready = self._ready(places)
            puts = [row for row in ready if self.past.is_put[row] and not self.before[row] & ~taken]
            for row in sorted(puts, key=lambda row: self.begin[row], reverse=True):
                if (after := self._put(row, places, held)) is not None:
                    further = self._next(places, row), after, taken | 1 << row, (row, path)
                    waiting.append(further)
        return Found(False, len(met))

    def _read(self, places: Places, held: Held, taken: int, path: Path) -> tuple[Places, int, Path]:
        """Let every get take effect that is next in its thread and fits."""
        fits = True
        while fits:
            fits = False
            for row in self._ready(places):
                held_here = held[self.keys[self.past.key[row]]]
                if not self.past.is_put[row] and self.past.value[row] in held_here:
                    places, taken = self._next(places, row), taken | 1 << row
                    path, fits = (row, path), True
        return places, taken, path

    def _ready(self, places: Places) -> list[int]:
        """The next operation of each thread, if nothing that is left must come before it."""
        pairs = zip(self.past.threads, places, strict=True)
        rows = [thread[place] for thread, place in pairs if place < len(thread)]
        if self.plain:
            return rows
        soonest: dict[int, float] = {}
        for row in rows:
            group = self._group(row)
            soonest[group] = min(soonest.get(group, math.inf), self.end[row])
        return [row for row in rows if self.begin[row] <= soonest[self._group(row)]]

    def _group(self, row: int) -> int:
        """Among whose operations those that finished before this one began come first."""
        return 0 if self.timed else self.past.siblings(row)[0]

    def _put(self, row: int, places: Places, held: Held) -> Held | None:
        """What the keys hold after a put, or None if it takes from a get what that one needs."""
        key = self.past.key[row]
        here = self.keys[key]
        values = (self.past.value[row], *held[here])
        for lost in values[self.depth :]:
            if self.puts[key, lost] + (lost < 0) == 1:
                wanted = self.wanted.get((key, lost), {})
                if any(places[thread] <= place for thread, place in wanted.items()):
                    return None
        return (*held[:here], values[: self.depth], *held[here + 1 :])

    def _next(self, places: Places, row: int) -> Places:
        thread, place = self.past.place[row]
        return (*places[:thread], place + 1, *places[thread + 1 :])

    def _over(self, places: Places) -> bool:
        """Whether only puts without answer are left, which are the last of their threads."""
        pairs = zip(self.past.threads, places, strict=True)
        return not any(
            self.past.is_known[thread[place]] for thread, place in pairs if place < len(thread)
        )


def _rows(path: Path) -> tuple[int, ...]:
    rows = []
    while path is not None:
        row, path = path
        rows.append(row)
    return tuple(reversed(rows))
