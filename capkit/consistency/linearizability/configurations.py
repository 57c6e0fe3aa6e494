"""What a search keeps in mind: the object, configurations, and what is still to come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple, TypeAlias

IMPOSSIBLE: Any = object()

Trail: TypeAlias = "tuple[int, Trail] | None"
"""The operations that have taken effect, the latest first."""


def along(trail: Trail) -> tuple[int, ...]:
    """The operations of a trail in the order in which they took effect."""
    found = []
    while trail is not None:
        row, trail = trail
        found.append(row)
    return tuple(reversed(found))


class Machine(NamedTuple):
    """The object of one key, on which operations act.

    `step(state, effect)` is the state after an operation, or IMPOSSIBLE if its answer does not fit;
    states and effects are hashable. `hopeless(state, effect)`, only there to save work, says that
    nothing leads from the state to one that the effect fits but calls with `sets`;
    `idle(state, effect)` that the effect had better happen in this state, where it does nothing.
    """

    initial: Hashable
    step: Callable[[Any, Any], Any]
    hopeless: Callable[[Any, Any], bool] | None = None
    idle: Callable[[Any, Any], bool] | None = None


class Call(NamedTuple):
    """One operation; `known` means answered, `row` is its index in the history.

    `read_only` operations change no state, `blind` ones fit every state, and `sets` is the state
    after an operation where that is the same whatever it was before, else IMPOSSIBLE. `began` and
    `ended` are ranks; besides what they say, the rows `after` which it comes take effect before it
    does. It is `tied` if there are such rows, or if it is one of another call's.
    """

    row: int
    effect: Hashable
    read_only: bool
    known: bool
    began: float
    ended: float
    blind: bool = False
    sets: Hashable = IMPOSSIBLE
    after: tuple[int, ...] = ()
    tied: bool = False


class Configuration(NamedTuple):
    """What may be true at some moment: the state, and which pending operations led to it."""

    state: Hashable
    taken: int  # one bit for each pending known operation that has taken effect
    used: int  # one bit for each unanswered operation that has, of equal ones the first first
    trail: Trail


class Pending:
    """Operations that have begun: the known ones until they end, the unanswered ones for good."""

    def __init__(self) -> None:
        self.known: dict[int, Call] = {}
        self.bits: dict[int, int] = {}
        # The unanswered ones of each effect with their bits, as they began.
        self.unanswered: dict[Hashable, list[tuple[int, Call]]] = {}
        self.next_bit = 1

    def add(self, call: Call) -> None:
        """An operation begins."""
        if call.known:
            bit = 1
            while bit in self.known:
                bit <<= 1
            self.known[bit] = call
            self.bits[call.row] = bit
            return
        name = call.row if call.tied else (call.effect,)
        self.unanswered.setdefault(name, []).append((self.next_bit, call))
        self.next_bit <<= 1

    def remove(self, call: Call) -> None:
        """A known operation ends."""
        del self.known[self.bits.pop(call.row)]

    def ready(self, call: Call, taken: int) -> bool:
        """Whether all has taken effect after which it comes."""
        return not any(self.bits.get(row, 0) & ~taken for row in call.after)

    def spare(self, now: Configuration) -> Iterable[tuple[int, Call]]:
        """Of each effect the first unanswered operation that is left, and its bit."""
        for same in self.unanswered.values():
            for bit, call in same:
                if not now.used & bit:
                    if self.ready(call, now.taken):
                        yield bit, call
                    break


class Outlook:
    """What is still to come: the next read-only answers, and states set before them."""

    def __init__(self, calls: Sequence[Call], machine: Machine, pending: Pending) -> None:
        self.hopeless, self.pending = machine.hopeless, pending
        # Both in the order of the events, so that what is over is always the first.
        reads = (each for each in calls if each.known and each.read_only)
        self.reads = deque(sorted(reads, key=lambda each: each.ended))
        later = (each for each in calls if each.sets is not IMPOSSIBLE)
        self.later = deque(sorted(later, key=lambda each: each.began))
        self.saving: dict[int, tuple[int, bool]] = {}

    def begin(self, call: Call) -> None:
        """An operation has begun."""
        self.saving.clear()
        if call.sets is not IMPOSSIBLE:
            self.later.popleft()

    def end(self, call: Call) -> None:
        """A known operation has ended."""
        self.saving.clear()
        if call.read_only:
            self.reads.popleft()

    def lost(self, now: Configuration) -> bool:
        """Whether nothing can lead from here to a read-only answer, of those known by now or next.

        The next one may not have begun yet.
        """
        if self.hopeless is None:
            return False
        for read in self.reads:
            bit = self.pending.bits.get(read.row, 0)
            if not now.taken & bit and self.hopeless(now.state, read.effect):
                mask, others = self._savers(read)
                if not (others or mask & ~now.taken):
                    return True
            if not bit:
                return False
        return False

    def _savers(self, read: Call) -> tuple[int, bool]:
        """Operations that make this answer possible again: pending ones' bits, and any others."""
        if read.row not in self.saving:
            soon = takewhile(lambda each: each.began <= read.ended, self.later)
            others = (same[0][1] for same in self.pending.unanswered.values())
            mask = sum(bit for bit, each in self.pending.known.items() if self._saves(each, read))
            self.saving[read.row] = mask, any(self._saves(each, read) for each in (*soon, *others))
        return self.saving[read.row]

    def _saves(self, each: Call, read: Call) -> bool:
        assert self.hopeless is not None
        return each.sets is not IMPOSSIBLE and not self.hopeless(each.sets, read.effect)
