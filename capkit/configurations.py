"""What a search keeps in mind: the object's model, configurations, and what is still to come."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any, NamedTuple, TypeAlias

IMPOSSIBLE: Any = object()

Path: TypeAlias = tuple[int, "Path"] | None


class Model(NamedTuple):
    """An object that operations act on, one key's worth.

    `step(state, effect)` is the state after an operation, or IMPOSSIBLE if its answer does not fit;
    states and effects are hashable. `hopeless(state, effect)`, only there to save work, says that
    nothing leads from the state to one that the effect fits but requests with `sets`.
    """

    initial: Hashable
    step: Callable[[Any, Any], Any]
    hopeless: Callable[[Any, Any], bool] | None = None


class Request(NamedTuple):
    """One operation; `known` means answered, `row` is its index in the history. Times in ms.

    `read_only` operations change no state, `blind` ones fit every state, and `sets` is the state
    after an operation where that is the same whatever it was before, else IMPOSSIBLE.
    """

    row: int
    effect: Hashable
    read_only: bool
    known: bool
    invoked: float
    completed: float
    blind: bool = False
    sets: Hashable = IMPOSSIBLE


class Configuration(NamedTuple):
    """What may be true at some moment: the state, and which pending operations led to it."""

    state: Hashable
    taken: int  # one bit for each pending known operation that has taken effect
    used: tuple[int, ...]  # numbers of the effects of the unanswered operations used, sorted
    path: Path


class Pending:
    """Operations that have begun: the known ones until they end, the unanswered ones for good."""

    def __init__(self) -> None:
        self.known: dict[int, Request] = {}
        self.bits: dict[int, int] = {}
        self.effects: list[Hashable] = []
        self.unanswered: defaultdict[Hashable, list[Request]] = defaultdict(list)

    def add(self, request: Request) -> None:
        """An operation begins."""
        if request.known:
            bit = 1
            while bit in self.known:
                bit <<= 1
            self.known[bit] = request
            self.bits[request.row] = bit
            return
        if request.effect not in self.unanswered:
            self.effects.append(request.effect)
        self.unanswered[request.effect].append(request)

    def remove(self, request: Request) -> None:
        """A known operation ends."""
        del self.known[self.bits.pop(request.row)]

    def spare(self, used: tuple[int, ...]) -> Iterable[tuple[int, int]]:
        """Number of each effect that still has an unanswered operation, and that one's row."""
        counts = Counter(used)
        for number, effect in enumerate(self.effects):
            same = self.unanswered[effect]
            if counts[number] < len(same):
                yield number, same[counts[number]].row

    def __iter__(self) -> Iterator[Request]:
        yield from self.known.values()
        for same in self.unanswered.values():
            yield same[0]


class Outlook:
    """What is still to come: the next read-only answers, and states set before them."""

    def __init__(self, requests: Sequence[Request], model: Model, pending: Pending) -> None:
        self.hopeless, self.pending = model.hopeless, pending
        # Both in the order of the events, so that what is over is always the first.
        reads = (each for each in requests if each.known and each.read_only)
        self.reads = deque(sorted(reads, key=lambda each: each.completed))
        later = (each for each in requests if each.sets is not IMPOSSIBLE)
        self.later = deque(sorted(later, key=lambda each: each.invoked))
        self.saved: dict[int, bool] = {}

    def begin(self, request: Request) -> None:
        """An operation has begun."""
        self.saved.clear()
        if request.sets is not IMPOSSIBLE:
            self.later.popleft()

    def end(self, request: Request) -> None:
        """A known operation has ended."""
        self.saved.clear()
        if request.read_only:
            self.reads.popleft()

    def lost(self, now: Configuration) -> bool:
        """Whether nothing can lead from here to the next read-only answer."""
        if self.hopeless is None:
            return False
        for read in self.reads:
            if not now.taken & self.pending.bits.get(read.row, 0):
                return self.hopeless(now.state, read.effect) and not self._saves(read)
        return False

    def _saves(self, read: Request) -> bool:
        """Whether an operation that may still come before this answer makes it possible."""
        if read.row not in self.saved:
            soon = takewhile(lambda each: each.invoked <= read.completed, self.later)
            states = {each.sets for each in (*self.pending, *soon)} - {IMPOSSIBLE}
            assert self.hopeless is not None
            self.saved[read.row] = not all(self.hopeless(state, read.effect) for state in states)
        return self.saved[read.row]
