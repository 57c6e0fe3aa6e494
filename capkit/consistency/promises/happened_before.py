"""What each operation of a history can know: its process's order, who read from whom, and both.

An operation *happened before* another one if its process did it earlier, or if the other one
returned what it put, or through any number of such steps [1]_. No clock is asked.

A relation is a square of truths: `before[a, b]` says that a came before b.

References
----------
.. [1] Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", CACM 21(7),
   1978.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np

from capkit.consistency.smaller import few_values_and_gets
from capkit.history import History, Siblings
from capkit.history.columns import Column, Mask
from capkit.history.equality import identity


class Past:
    """Some hundred puts and gets that count, and what is known of their order.

    Left out: what failed, gets without answer, and puts without answer that nobody read. A process
    does one thing at a time: one of its operations comes before another one if it finished before
    the other began, or just then. If they overlap, nobody knows which came first, and nothing
    comes after an unanswered put for certain.

    Operations are known by their place in `rows`, their indices in the history, in the order of
    their starts. After these `count` places come the initial values, one for each key, as puts
    before all others; their rows are below 0. `got` has for each of the `gets` the puts whose
    values it returned: one, or several of siblings. `odd` are the gets of what nobody put, the
    first to end first. `repeated` are the rows of two puts of the same value, or twice that of a
    put of the initial value; then nobody knows which of them a get returned. `own` says what came
    before what in the same process.
    """

    def __init__(self, history: History, rows: Iterable[int] | None = None) -> None:
        _only_puts_and_gets(history)
        self.history = history
        chosen = np.arange(len(history)) if rows is None else np.array(sorted(rows), np.int64)
        chosen = chosen[history.is_ok[chosen] | (history.is_put & (history.outcome == 2))[chosen]]
        got, odd, self.repeated = _reads(history, chosen)
        read = {_name(history, put) for puts in got.values() for put in puts if put >= 0}
        happened = [r for r in chosen.tolist() if history.is_ok[r] or _name(history, r) in read]
        # Of one process's operations, each of the refinements says exactly what came first.
        began, ended = (history.order.refinements or [history.order[:2]])[0]
        ended = np.where(history.is_ok, ended, np.inf)
        happened.sort(key=lambda row: (began[row], ended[row]))
        keys = np.unique(history.key[happened])
        self.count, self.rows = len(happened), [*happened, *map(_initial, keys.tolist())]
        place = {row: number for number, row in enumerate(self.rows)}
        self.gets = [place[row] for row in happened if row in got]
        self.got = [tuple(place[put] for put in got.get(row, ())) for row in self.rows]
        self.odd = sorted((place[row] for row in odd), key=lambda get: ended[self.rows[get]])
        self.key = np.append(history.key[happened], keys)
        self.is_put = np.append(history.is_put[happened], np.full(len(keys), True))
        process = np.append(history.process[happened], keys)
        begin = np.append(began[happened], np.full(len(keys), -np.inf))
        end = np.append(ended[happened], np.full(len(keys), np.inf))
        self.own = (process[:, None] == process) & (end[:, None] < begin)
        self.is_known = np.isfinite(end)

    @property
    def in_time(self) -> Mask:
        """What was over when what began, whoever did them; initial values are left out."""
        rows, known = self.rows[: self.count], self.is_known[: self.count, None]
        began, ended = (each[rows] for each in self.history.order[:2])
        in_time: Mask = self.own[: self.count, : self.count] | (known & (ended[:, None] < began))
        return in_time

    @cached_property
    def rivals(self) -> Mask:
        """Puts of the same key: only one of them is the latest."""
        rivals: Mask = (self.key[:, None] == self.key) & self.is_put[:, None] & self.is_put
        np.fill_diagonal(rivals, False)
        return rivals

    @cached_property
    def before(self) -> Mask:
        """What happened before what; what did so before itself is in a circle."""
        before: Mask = self.own.copy()
        before[self.count :] = self.rivals[self.count :]
        for get in self.gets:
            before[list(self.got[get]), get] = True
        for middle in range(self.count):
            before[before[:, middle]] |= before[middle]
        return before

    @cached_property
    def older(self) -> Mask:
        """What of the same key had been put before what."""
        return self.before & self.rivals

    def earlier(self, place: int) -> list[int]:
        """The operations of its process that came before this one."""
        found: list[int] = np.flatnonzero(self.own[:, place]).tolist()
        return found

    def path(self, first: int, last: int) -> list[int]:
        """Few operations that lead from one to another, both among them; empty if none do."""
        came: dict[int, int] = {}
        waiting = deque([last])
        while waiting and first not in came:
            now = waiting.popleft()
            for source in (*self.got[now], *self.earlier(now)):
                if source < self.count and source not in came:
                    came[source] = now
                    waiting.append(source)
        steps = [first]
        while first in came and (len(steps) == 1 or steps[-1] != last):
            steps.append(came[steps[-1]])
        return steps if len(steps) > 1 else []

    def just(self, place: int) -> Mask:
        """One alone."""
        alone: Mask = np.arange(len(self.rows)) == place
        return alone

    def named(self, places: Iterable[int]) -> list[int]:
        """The rows of some operations."""
        return [self.rows[place] for place in places]

    @property
    def operations(self) -> tuple[int, ...]:
        """The rows of all operations, in their order there."""
        return tuple(sorted(self.rows[: self.count]))

    def smallest(self, around: Iterable[int], is_wrong: Callable[[Past], bool]) -> Past:
        """Few operations that are still wrong, if possible some of those and the puts they read."""
        places = set(around)
        places = places.union(*(self.got[place] for place in places))
        rows = sorted(row for row in self.named(places) if row >= 0)
        if len(rows) < self.count and not is_wrong(Past(self.history, rows)):
            rows = [*self.operations]
        puts = {self.rows[get]: self.named(self.got[get]) for get in self.gets}
        kept = few_values_and_gets(
            rows,
            lambda row: {_name(self.history, put) for put in puts.get(row, [row]) if put >= 0},
            lambda row: row in puts,
            lambda some: is_wrong(Past(self.history, some)),
        )
        return Past(self.history, kept)


def _initial(key: int) -> int:
    """What stands for the put of a key's initial value, so that it is no row."""
    return -2 - key


def _name(history: History, put: int) -> tuple[int, int]:
    return int(history.key[put]), int(history.value[put])


def _reads(
    history: History, rows: Column
) -> tuple[dict[int, tuple[int, ...]], list[int], tuple[int, ...]]:
    """The puts whose values each get returned, gets of what nobody put, and two puts of a value."""
    puts: dict[tuple[int, int], int] = {}
    repeated: tuple[int, ...] = ()
    for row in rows[history.is_put[rows]].tolist():
        first = puts.setdefault(name := _name(history, row), row)
        if first != row or name[1] < 0:
            repeated = repeated or (first, row)
    codes = {identity(value): code for code, value in enumerate(history.values or ())}
    codes[None] = -1
    got, odd = {}, []
    for row in rows[history.is_get[rows]].tolist():
        key, code = _name(history, row)
        value = history.decode("value", code)
        several = isinstance(value, Siblings) and (key, code) not in puts
        values = [codes.get(identity(each), -2) for each in value] if several else [code]
        initial = {-1: _initial(key)}
        found = [puts.get((key, each), initial.get(each)) for each in values]
        got[row] = tuple(dict.fromkeys(put for put in found if put is not None))
        if None in found or several:
            odd.append(row)
    return got, odd, repeated


def _only_puts_and_gets(history: History) -> None:
    if history.kind.max(initial=0) > 1:
        row = int(np.argmax(history.kind > 1))
        found = history.decode("kind", int(history.kind[row]))
        raise ValueError(f"kind of operation {row} must be put or get here, got {found}")
