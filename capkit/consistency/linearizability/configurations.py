"""What a search keeps in mind: the object's model, configurations, and what is still to come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple, TypeAlias

IMPOSSIBLE: Any = object()

Path: TypeAlias = tuple[int, "Path"] | None


class Model(NamedTuple):
    """An object that operations act on, one key's worth.

    `step(state, effect)` is the state after an operation, or IMPOSSIBLE if its answer does not fit;
    states and effects are hashable. `hopeless(state, effect)`, only there to save work, says that
    nothing leads from the state to one that the effect fits but requests with `sets`;
    `idle(state, effect)` that the effect had better happen in this state, where it does nothing.
    """

    initial: Hashable
    step: Callable[[Any, Any], Any]
    hopeless: Callable[[Any, Any], bool] | None = None
    idle: Callable[[Any, Any], bool] | None = None


class Request(NamedTuple):
    """One operation; `known` means answered, `row` is its index in the history.

    `read_only` operations change no state, `blind` ones fit every state, and `sets` is the state
    after an operation where that is the same whatever it was before, else IMPOSSIBLE. `began` and
    `ended` are ranks; besides what they say, the rows `after` which it comes take effect before it
    does. It is `tied` if there are such rows, or if it is one of another request's.
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
    path: Path


class Pending:
    """Operations that have begun: the known ones until they end, the unanswered ones for good."""

    def __init__(self) -> None:
        self.known: dict[int, Request] = {}
        self.bits: dict[int, int] = {}
        # The unanswered ones of each effect with their bits, as they began.
        self.unanswered: dict[Hashable, list[tuple[int, Request]]] = {}
        self.next_bit = 1

    def add(self, request: Request) -> None:
        """An operation begins."""
        if request.known:
            bit = 1
            while bit in self.known:
                bit <<= 1
            self.known[bit] = request
            self.bits[request.row] = bit
            return
        name = request.row if request.tied else (request.effect,)
        self.unanswered.setdefault(name, []).append((self.next_bit, request))
        self.next_bit <<= 1

    def remove(self, request: Request) -> None:
        """A known operation ends."""
        del self.known[self.bits.pop(request.row)]

    def ready(self, request: Request, taken: int) -> bool:
        """Whether all has taken effect after which it comes."""
        return not any(self.bits.get(row, 0) & ~taken for row in request.after)

    def spare(self, now: Configuration) -> Iterable[tuple[int, Request]]:
        """Of each effect the first unanswered operation that is left, and its bit."""
        for same in self.unanswered.values():
            for bit, request in same:
                if not now.used & bit:
                    if self.ready(request, now.taken):
                        yield bit, request
                    break


class Outlook:
    """What is still to come: the next read-only answers, and states set before them."""

    def __init__(self, requests: Sequence[Request], model: Model, pending: Pending) -> None:
        self.hopeless, self.pending = model.hopeless, pending
        # Both in the order of the events, so that what is over is always the first.
        reads = (each for each in requests if each.known and each.read_only)
        self.reads = deque(sorted(reads, key=lambda each: each.ended))
        later = (each for each in requests if each.sets is not IMPOSSIBLE)
        self.later = deque(sorted(later, key=lambda each: each.began))
        self.saving: dict[int, tuple[int, bool]] = {}

    def begin(self, request: Request) -> None:
        """An operation has begun."""
        self.saving.clear()
        if request.sets is not IMPOSSIBLE:
            self.later.popleft()

    def end(self, request: Request) -> None:
        """A known operation has ended."""
        self.saving.clear()
        if request.read_only:
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

    def _savers(self, read: Request) -> tuple[int, bool]:
        """Operations that make this answer possible again: pending ones' bits, and any others."""
        if read.row not in self.saving:
            soon = takewhile(lambda each: each.began <= read.ended, self.later)
            others = (same[0][1] for same in self.pending.unanswered.values())
            mask = sum(bit for bit, each in self.pending.known.items() if self._saves(each, read))
            self.saving[read.row] = mask, any(self._saves(each, read) for each in (*soon, *others))
        return self.saving[read.row]

    def _saves(self, each: Request, read: Request) -> bool:
        assert self.hopeless is not None
        return each.sets is not IMPOSSIBLE and not self.hopeless(each.sets, read.effect)
