"""The judge of everything else: a search over the configurations that a history allows.

A configuration is what may be true while the history goes by: the object's state and which of the
pending operations have already taken effect (Wing and Gong [1]_, with Lowe's configurations [2]_).
An operation takes effect only when another one's end asks for it. Three rules keep it small:

* A read-only operation takes effect as soon as it fits. This is sound only for operations that are
  read-only in every state: a put of 1 on a state of 1 changes nothing either, but taking it early
  throws it away for the moment after the next put.
* Operations without answer never end, so they only matter by their effect: those with the same
  effect are counted, not told apart.
* Of two configurations that differ only in the unanswered operations they used up, one that used
  fewer can do all that the other can. The cheapest are made first, the others dropped.

References
----------
.. [1] Wing and Gong, "Testing and Verifying Concurrent Objects", JPDC 17, 1993.
.. [2] Lowe, "Testing for Linearizability", Concurrency and Computation 29(4), 2017.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

IMPOSSIBLE: Any = object()

# Configurations kept at a time; a search that needs more gives up, to stay within some 100 MB.
_ROOM = 200_000
_TURN = 1_000

Path: TypeAlias = tuple[int, "Path"] | None
Item = TypeVar("Item")


class Model(NamedTuple):
    """An object that operations act on, one key's worth.

    `step(state, effect)` is the state after an operation, or IMPOSSIBLE if its answer does not fit;
    states and effects are hashable.
    """

    initial: Hashable
    step: Callable[[Any, Any], Any]


class Request(NamedTuple):
    """One operation; `known` means answered, `row` is its index in the history. Times in ms."""

    row: int
    effect: Hashable
    read_only: bool
    known: bool
    invoked: float
    completed: float


class Found(NamedTuple):
    """What a search found: an order of rows, or until when an order exists, or neither."""

    order: tuple[int, ...] | None = None
    stuck_at: float | None = None


class _Configuration(NamedTuple):
    state: Hashable
    taken: int  # one bit for each pending known operation that has taken effect
    used: tuple[int, ...]  # numbers of the effects of the unanswered operations used, sorted
    path: Path


Search: TypeAlias = Generator[None, None, Found]


def search(requests: Sequence[Request], model: Model) -> Search:
    """Look for a valid order; yields before each call of the model's `step`.

    The work is proportional to the operations as long as few of them overlap, and may grow
    exponentially with how many do.
    """
    layer = [_Configuration(model.initial, 0, (), None)]
    pending = _Pending()
    for time, is_end, request in _events(requests):
        if not is_end:
            pending.add(request)
            continue
        bit = pending.bits[request.row]
        try:
            layer = yield from _finish(layer, bit, pending, model)
        except _OutOfRoomError:
            return Found()
        if not layer:
            return Found(stuck_at=time)
        pending.remove(request)
    return Found(order=_rows(layer[0].path))


class _OutOfRoomError(Exception):
    """More configurations than fit."""


class _Pending:
    """Operations that have begun: the known ones until they end, the unanswered ones for good."""

    def __init__(self) -> None:
        self.known: dict[int, Request] = {}
        self.bits: dict[int, int] = {}
        self.effects: list[Hashable] = []
        self.unanswered: defaultdict[Hashable, list[int]] = defaultdict(list)

    def add(self, request: Request) -> None:
        if request.known:
            bit = 1
            while bit in self.known:
                bit <<= 1
            self.known[bit] = request
            self.bits[request.row] = bit
            return
        if request.effect not in self.unanswered:
            self.effects.append(request.effect)
        self.unanswered[request.effect].append(request.row)

    def remove(self, request: Request) -> None:
        del self.known[self.bits.pop(request.row)]

    def spare(self, used: tuple[int, ...]) -> Iterable[tuple[int, int]]:
        """Number of each effect that still has an unanswered operation, and that one's row."""
        counts = Counter(used)
        for number, effect in enumerate(self.effects):
            rows = self.unanswered[effect]
            if counts[number] < len(rows):
                yield number, rows[counts[number]]


def _events(requests: Sequence[Request]) -> list[tuple[float, bool, Request]]:
    """Starts and ends in the order of time; at equal times starts first, so touching overlaps."""
    starts = [(request.invoked, False, request) for request in requests]
    ends = [(request.completed, True, request) for request in requests if request.known]
    return sorted(starts + ends, key=lambda event: event[:2])


def _finish(
    layer: list[_Configuration], bit: int, pending: _Pending, model: Model
) -> Generator[None, None, list[_Configuration]]:
    """All configurations that follow from the layer's and in which operation `bit` took effect."""
    shelves: defaultdict[int, list[_Configuration]] = defaultdict(list)
    for each in layer:
        shelves[len(each.used)].append(each)
    seen: dict[tuple[Hashable, int], list[tuple[int, ...]]] = {}
    done: list[_Configuration] = []
    room = _ROOM
    while shelves:
        cheapest = min(shelves)
        now = shelves[cheapest].pop()
        if not shelves[cheapest]:
            del shelves[cheapest]
        if not now.taken & bit:
            now = yield from _read(now, pending, model)
        if _dominated(now, seen):
            continue
        room -= 1
        if not room:
            raise _OutOfRoomError
        if now.taken & bit:
            done.append(now._replace(taken=now.taken ^ bit))
            continue
        for following in (yield from _steps(now, pending, model)):
            shelves[len(following.used)].append(following)
    return done


def _read(
    now: _Configuration, pending: _Pending, model: Model
) -> Generator[None, None, _Configuration]:
    """The same configuration after every read-only operation that fits it."""
    for bit, request in pending.known.items():
        if request.read_only and not now.taken & bit:
            yield
            if model.step(now.state, request.effect) is not IMPOSSIBLE:
                now = now._replace(taken=now.taken | bit, path=(request.row, now.path))
    return now


def _steps(
    now: _Configuration, pending: _Pending, model: Model
) -> Generator[None, None, list[_Configuration]]:
    """The configurations one operation later."""
    following = []
    for bit, request in pending.known.items():
        if not request.read_only and not now.taken & bit:
            yield
            state = model.step(now.state, request.effect)
            if state is not IMPOSSIBLE:
                path = (request.row, now.path)
                following.append(_Configuration(state, now.taken | bit, now.used, path))
    for number, row in pending.spare(now.used):
        yield
        state = model.step(now.state, pending.effects[number])
        if state is not IMPOSSIBLE:
            used = tuple(sorted((*now.used, number)))
            following.append(_Configuration(state, now.taken, used, (row, now.path)))
    return following


def _dominated(
    now: _Configuration, seen: dict[tuple[Hashable, int], list[tuple[int, ...]]]
) -> bool:
    """Whether an earlier configuration was as good; if not, this one counts from now on."""
    others = seen.setdefault((now.state, now.taken), [])
    mine = Counter(now.used)
    if any(Counter(other) <= mine for other in others):
        return True
    others.append(now.used)
    return False


def _rows(path: Path) -> tuple[int, ...]:
    rows = []
    while path is not None:
        row, path = path
        rows.append(row)
    return tuple(reversed(rows))


def take_turns(searches: Iterable[Search], budget: int) -> tuple[list[Found], int]:
    """Run searches in turns within `budget` steps in all, until one finds that no order exists.

    So one hard search does not hide another's easy answer. Returns what each found, in their order,
    and the steps taken.
    """
    running = deque(enumerate(searches))
    found = [Found() for _ in running]
    steps = 0
    while running:
        number, current = running.popleft()
        for _ in range(_TURN):
            try:
                next(current)
            except StopIteration as end:
                found[number] = end.value
                break
            if steps == budget:
                return found, steps
            steps += 1
        else:
            running.append((number, current))
        if found[number].stuck_at is not None:
            break
    return found, steps


def shrink(items: list[Item], needed: Callable[[list[Item]], bool]) -> list[Item]:
    """Drop items, big pieces first, as long as `needed` says that the rest still does it.

    If whatever a set of items does its supersets do too, no single item of the result can go.
    """
    size = len(items)
    while size:
        start = 0
        while start < len(items):
            rest = items[:start] + items[start + size :]
            if needed(rest):
                items = rest
            else:
                start += size
        size //= 2
    return items
