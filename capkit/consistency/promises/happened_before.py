"""What each operation of a history can know: its process's order, who read from whom, and both.

An operation *happened before* another one if its process did it earlier, or if the other one
returned what it put, or through any number of such steps [1]_. No clock is asked.

A set of puts is one whole number with a bit for each of them, so that joining two sets is one
step for the computer.

References
----------
.. [1] Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", CACM 21(7),
   1978.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from capkit.consistency.linearizability.search import shrink
from capkit.history import History, Siblings
from capkit.history.columns import Column
from capkit.history.equality import identity


class Past:
    """The operations of a history that count, and what happened before each of them.

    Left out: what failed, gets without answer, and puts without answer that nobody read.

    A process does one thing at a time: one of its operations comes before another one if it
    finished before the other began, or just then. If they overlap, nobody knows which came first,
    and nothing comes after an unanswered put for certain.

    Parameters
    ----------
    history : History
        What the clients saw.
    rows : sequence of int, optional
        Look at these operations alone.

    Attributes
    ----------
    rows : list of int
        The operations that count: indices of the history, ascending. All that follows is by row.
    threads : list of list of int
        The operations of each process in its order, divided where they overlap.
    place : dict of (int, int)
        The thread of each row, and where it stands there.
    got : dict of tuple of int
        For each get the puts whose values it returned: one, or several of siblings. The initial
        value of a key is a put too, with a number below 0.
    odd : list of int
        The gets of something that nobody put.
    repeated : tuple of int
        Two puts of the same value of a key (the first may be the initial value). If there are any,
        nobody knows which of them a get returned.

    Raises
    ------
    ValueError
        If the history has other operations than puts and gets.
    """

    def __init__(self, history: History, rows: Sequence[int] | None = None) -> None:
        self.history = history
        _only_puts_and_gets(history)
        chosen = list(range(len(history))) if rows is None else sorted(rows)
        is_put, outcome = (self._column(name, chosen) for name in ("is_put", "outcome"))
        chosen = [row for row in chosen if outcome[row] == 0 or (is_put[row] and outcome[row] == 2)]
        self.is_put = {row: is_put[row] for row in chosen}
        self.is_known = {row: outcome[row] == 0 for row in chosen}
        self.key, self.value = self._column("key", chosen), self._column("value", chosen)
        number = {code: place for place, code in enumerate(dict.fromkeys(self.key.values()))}
        self.key = {row: number[code] for row, code in self.key.items()}
        self.repeated: tuple[int, ...] = ()
        self.odd: list[int] = []
        self.got: dict[int, tuple[int, ...]] = {}
        self._read_from(chosen)
        puts = {put for found in self.got.values() for put in found if put >= 0}
        read = {(self.key[put], self.value[put]) for put in puts}
        self.rows = [
            row for row in chosen if self.is_known[row] or (self.key[row], self.value[row]) in read
        ]
        self._divide()

    def _column(self, name: str, rows: list[int]) -> dict[int, Any]:
        return dict(zip(rows, getattr(self.history, name)[rows].tolist(), strict=True))

    def _read_from(self, rows: list[int]) -> None:
        """Find the put of each get's value."""
        puts: dict[tuple[int, int | None], int] = {}
        for row in rows:
            if not self.is_put[row]:
                continue
            first = puts.setdefault((self.key[row], self.value[row]), row)
            if first != row or self.value[row] < 0:
                self.repeated = self.repeated or (first, row)
        values = self.history.values or ()
        lists = {code: value for code, value in enumerate(values) if isinstance(value, Siblings)}
        codes: dict[Any, int] = {}
        if lists:
            codes = {identity(value): code for code, value in enumerate(values)}
        codes[None] = -1
        for row in rows:
            if self.is_put[row]:
                continue
            key, code = self.key[row], self.value[row]
            several = code in lists and (key, code) not in puts
            names = [codes.get(identity(each)) for each in lists[code]] if several else [code]
            names = names or [None]
            found = [puts.get((key, name), -1 - key if name == -1 else None) for name in names]
            self.got[row] = tuple(dict.fromkeys(put for put in found if put is not None))
            if None in found or several:
                self.odd.append(row)

    def _divide(self) -> None:
        process, order = self._column("process", self.rows), self.history.order
        # Of one process's operations, each of the refinements says exactly what came first.
        self.begin, self.end = self.ranks(*(order.refinements or [order[:2]])[0])
        self.threads: list[list[int]] = []
        self.place: dict[int, tuple[int, int]] = {}
        self._ends: list[list[float]] = []
        self._of_process: defaultdict[int, list[int]] = defaultdict(list)
        self._process = process
        for row in sorted(self.rows, key=lambda row: (self.begin[row], self.end[row])):
            mine = self._of_process[process[row]]
            free = (each for each in mine if self._ends[each][-1] < self.begin[row])
            number = next(free, len(self.threads))
            if number == len(self.threads):
                mine.append(number)
                self.threads.append([])
                self._ends.append([])
            self.place[row] = number, len(self.threads[number])
            self.threads[number].append(row)
            self._ends[number].append(self.end[row])

    def ranks(self, began: Column, ended: Column) -> tuple[dict[int, float], dict[int, float]]:
        """The ranks of the operations by row; what is not known to have ended never does."""
        begin = dict(zip(self.rows, began[self.rows].tolist(), strict=True))
        ends = zip(self.rows, ended[self.rows].tolist(), strict=True)
        return begin, {row: end if self.is_known[row] else math.inf for row, end in ends}

    def siblings(self, row: int) -> list[int]:
        """The threads of an operation's process."""
        return self._of_process[self._process[row]]

    def behind(self, row: int) -> Iterator[tuple[int, int]]:
        """For each thread of its process, how many operations came before this one."""
        for thread in self.siblings(row):
            yield thread, bisect_left(self._ends[thread], self.begin[row])

    def earlier(self, row: int) -> Iterator[int]:
        """The operations of its process that came before this one."""
        for thread, places in self.behind(row):
            yield from self.threads[thread][:places]

    def bit(self, put: int) -> int:
        """The set of one put."""
        return 1 << (put if put >= 0 else len(self.history) - 1 - put)

    @cached_property
    def before(self) -> dict[int, int]:
        """The puts that happened before each operation; one that did before itself is in a circle.

        O(n) joins of sets of n bits, times the number of steps that lead backwards in time.
        """
        past = {row: self.bit(-1 - self.key[row]) if self.is_put[row] else 0 for row in self.rows}
        changed = True
        while changed:
            changed = False
            for row in self.place:
                known = past[row]
                for source in self.sources(row):
                    known |= past.get(source, 0)
                    known |= self.bit(source) if source < 0 or self.is_put[source] else 0
                changed |= known != past[row]
                past[row] = known
        return past

    def sources(self, row: int) -> Iterator[int]:
        """The operations from which one step leads to this one, without those before them."""
        for thread, places in self.behind(row):
            yield from self.threads[thread][max(0, places - 1) : places]
        yield from self.got.get(row, ())

    @cached_property
    def of_key(self) -> dict[int, int]:
        """The puts of each key."""
        masks: defaultdict[int, int] = defaultdict(int)
        for row in self.rows:
            masks[self.key[row]] |= self.bit(-1 - self.key[row])
            masks[self.key[row]] |= self.bit(row) if self.is_put[row] else 0
        return masks

    @cached_property
    def _older(self) -> dict[int, int]:
        return {
            row: self.before[row] & self.of_key[self.key[row]] & ~self.bit(row)
            for row in self.rows
            if self.is_put[row]
        }

    def older(self, put: int) -> int:
        """The puts of the same key that happened before a put."""
        return self._older[put] if put >= 0 else 0

    def members(self, mask: int) -> list[int]:
        """The puts of a set: initial values first, then by row."""
        found = []
        while mask:
            bit = mask & -mask
            mask ^= bit
            place = bit.bit_length() - 1
            size = len(self.history)
            found.append(place if place < size else size - 1 - place)
        return sorted(found)

    def path(self, first: int, last: int) -> list[int]:
        """Few operations that lead from one to another, both among them; empty if none do."""
        if first < 0 or last < 0:
            return []
        came: dict[int, int | None] = {last: None}
        waiting = deque([last])
        while waiting:
            row = waiting.popleft()
            if row == first and came[row] is not None:
                break
            for source in (*self.got.get(row, ()), *self.earlier(row)):
                if source >= 0 and (source not in came or (source == first == last)):
                    came[source] = row
                    waiting.append(source)
        steps = [first]
        while came.get(steps[-1]) is not None and (len(steps) == 1 or steps[-1] != last):
            steps.append(came[steps[-1]])  # type: ignore[arg-type]
        return steps if steps[-1] == last and len(steps) > 1 else []


def _only_puts_and_gets(history: History) -> None:
    if history.kind.max(initial=0) > 1:
        row = int(np.argmax(history.kind > 1))
        found = history.decode("kind", int(history.kind[row]))
        raise ValueError(f"kind of operation {row} must be put or get here, got {found}")


def minimal(
    history: History, rows: Sequence[int], violates: Callable[[list[int]], bool]
) -> list[int]:
    """Drop gets, or a value's puts and gets together, as long as the rest still violates.

    A get whose put was dropped would look wrong that is not.
    """
    past = Past(history, rows)
    rows = past.rows
    names = {
        row: frozenset(
            (past.key[row], past.value[put]) for put in past.got.get(row, (row,)) if put >= 0
        )
        for row in rows
    }
    values = list(dict.fromkeys(name for row in rows for name in names[row]))

    def with_values(some: list[tuple[int, int]]) -> list[int]:
        return [row for row in rows if names[row] <= set(some)]

    values = shrink(values, lambda some: violates(with_values(some)))
    kept = with_values(values)
    puts = [row for row in kept if past.is_put[row]]
    gets = shrink([row for row in kept if not past.is_put[row]], lambda some: violates(puts + some))
    return sorted(puts + gets)
