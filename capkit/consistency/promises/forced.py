"""What must come before what, in every order of all operations that explains the gets.

If a get returns A, any other put of the key comes before A or after the get. So what comes before
the get comes before A, and what comes after A comes after the get; with the processes' own orders
and who read from whom, this is repeated until nothing new follows [1]_. A circle refutes sequential
consistency; otherwise little is left to search.

References
----------
.. [1] Zennou, Bouajjani, Enea and Erradi, "Gradual Consistency Checking", CAV 2019.
"""

from __future__ import annotations

from capkit.consistency.promises.happened_before import Past


def forced(past: Past) -> dict[int, int] | None:
    """For each operation the set of those that must come before it; None if that is a circle.

    A set is a whole number with a bit for each row. Values must be distinct. O(p**2) joins of sets
    for p puts of one key, a few times.
    """
    return _Order(past).closed()


class _Order:
    def __init__(self, past: Past) -> None:
        self.past = past
        self.before = dict.fromkeys(past.place, 0)
        self.direct = {
            row: sum({1 << s for s in past.sources(row) if s >= 0}) for row in past.place
        }
        self.puts: dict[int, int] = {}  # of each key
        self.readers: dict[int, int] = {}  # of each put
        for row in past.place:
            if past.is_put[row]:
                self.puts[past.key[row]] = self.puts.get(past.key[row], 0) | 1 << row
            for put in past.got.get(row, ()):
                self.readers[put] = self.readers.get(put, 0) | 1 << row
        for put, readers in self.readers.items():
            if put < 0:  # the initial value: its gets come before all puts
                for row in past.members(self.puts.get(-1 - put, 0)):
                    self.direct[row] |= readers

    def closed(self) -> dict[int, int] | None:
        changed = True
        while changed:
            changed = False
            for row in self.past.place:
                changed |= self._join(row)
                if self.before[row] >> row & 1:
                    return None
                changed |= self._follow(row)
        return self.before

    def _join(self, row: int) -> bool:
        """All that comes before what comes before it."""
        known = self.before[row] | self.direct[row]
        for each in self.past.members(self.direct[row]):
            known |= self.before[each]
        grown = known != self.before[row]
        self.before[row] = known
        return grown

    def _follow(self, row: int) -> bool:
        """What the two rules about gets add."""
        others = self.before[row] & self.puts.get(self.past.key[row], 0)
        if self.past.is_put[row]:
            return self._add(row, [self.readers.get(put, 0) for put in self.past.members(others)])
        (put,) = self.past.got[row]
        return put >= 0 and self._add(put, [others & ~(1 << put)])

    def _add(self, row: int, sets: list[int]) -> bool:
        """Put sets of operations directly before one, as far as that is new."""
        new = 0
        for each in sets:
            new |= each & ~self.before[row]
        self.direct[row] |= new
        return new != 0
