"""The judge of everything else: a search over the configurations that a history allows.

A configuration is what may be true while the history goes by: the object's state and which of the
pending operations have already taken effect (Wing and Gong [1]_, with Lowe's configurations [2]_).
An operation takes effect only when another one's end asks for it. Three rules keep it small:

* A read-only operation takes effect as soon as it fits. This is sound only for operations that are
  read-only in every state: a put of 1 on a state of 1 changes nothing either, but taking it early
  throws it away for the moment after the next put.
* Operations without answer never end, so they only matter by their effect: those with the same
  effect are counted, not told apart. Of pending ones with answer and the same effect, the one that
  ends first goes first: in any valid order, the two could change places.
* Of two configurations that differ only in the unanswered operations they used up, one that used
  fewer can do all that the other can. The cheapest are made first, the others dropped.

Once only operations are left that fit every state, whatever their order, the search is over.

References
----------
.. [1] Wing and Gong, "Testing and Verifying Concurrent Objects", JPDC 17, 1993.
.. [2] Lowe, "Testing for Linearizability", Concurrency and Computation 29(4), 2017.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from sys import getsizeof
from typing import NamedTuple, TypeAlias, TypeVar

from capkit.consistency.linearizability.configurations import (
    IMPOSSIBLE,
    Configuration,
    Model,
    Outlook,
    Path,
    Pending,
    Request,
)

__all__ = [
    "IMPOSSIBLE",
    "Found",
    "Model",
    "Request",
    "Room",
    "Search",
    "search",
    "shrink",
    "take_turns",
]

# Configurations kept at a time; a search that needs more gives up, to stay within some 100 MB.
_ROOM = 200_000
_TURN = 1_000

Item = TypeVar("Item")


class Found(NamedTuple):
    """What a search found: an order of rows, or when and at which row orders end, or neither."""

    order: tuple[int, ...] | None = None
    stuck_at: float | None = None
    row: int | None = None


Search: TypeAlias = Generator[None, None, Found]


class Room:
    """How many configurations may be kept at a time by all searches that share it."""

    def __init__(self) -> None:
        self.left = _ROOM

    def take(self, each: Configuration) -> int:
        """Take up the room for one, more if its state is long; the room that it takes."""
        size = 1 + getsizeof(each.state) // 500
        if size > self.left:
            raise _OutOfRoomError
        self.left -= size
        return size


class _OutOfRoomError(Exception):
    """More configurations than fit."""


def search(requests: Sequence[Request], model: Model, room: Room | None = None) -> Search:
    """Look for a valid order; yields before each call of the model's `step`.

    The work is proportional to the operations as long as few of them overlap, and may grow
    exponentially with how many do.
    """
    room, pending, held = room or Room(), Pending(), 0
    outlook = Outlook(requests, model, pending)
    layer = [Configuration(model.initial, 0, (), None)]
    for time, is_end, request in _events(requests):
        if not is_end:
            pending.add(request)
            outlook.begin(request)
            continue
        frontier = _Frontier(room, outlook)
        try:
            layer = yield from _finish(layer, pending.bits[request.row], frontier, pending, model)
        except _OutOfRoomError:
            room.left += held + frontier.held
            return Found()
        room.left += held + frontier.held
        held = sum(room.take(each) for each in layer)
        if not layer:
            return Found(stuck_at=time, row=request.row)
        pending.remove(request)
        outlook.end(request)
    room.left += held
    return Found(order=_complete(layer[0].path, requests))


def _events(requests: Sequence[Request]) -> list[tuple[float, bool, Request]]:
    """Starts and ends in the order of time; at equal times starts first, so touching overlaps.

    They stop after the last end that asks for anything but operations that fit every state.
    """
    starts = [(request.invoked, False, request) for request in requests]
    ends = [(request.completed, True, request) for request in requests if request.known]
    events = sorted(starts + ends, key=lambda event: event[:2])
    while events and not (events[-1][1] and not events[-1][2].blind):
        events.pop()
    return events


class _Frontier:
    """Configurations still to be looked at, cheapest first, without dominated and lost ones."""

    def __init__(self, room: Room, outlook: Outlook) -> None:
        self.room, self.outlook, self.held = room, outlook, 0
        self.shelves: defaultdict[int, list[Configuration]] = defaultdict(list)
        self.seen: dict[tuple[Hashable, int], list[tuple[int, ...]]] = {}

    def put(self, each: Configuration) -> None:
        if self.is_new(each) and not self.outlook.lost(each):
            self.held += self.room.take(each)
            self.shelves[len(each.used)].append(each)

    def is_new(self, each: Configuration) -> bool:
        """Whether none before was as good; if so, this one counts from now on."""
        others = self.seen.setdefault((each.state, each.taken), [])
        if any(_within(other, each.used) for other in others):
            return False
        others[:] = [other for other in others if not _within(each.used, other)]
        others.append(each.used)
        return True

    def pop(self) -> Configuration | None:
        while self.shelves:
            cheapest = min(self.shelves)
            each = self.shelves[cheapest].pop()
            if not self.shelves[cheapest]:
                del self.shelves[cheapest]
            if each.used in self.seen[each.state, each.taken]:
                return each
        return None


def _within(fewer: tuple[int, ...], more: tuple[int, ...]) -> bool:
    return not fewer or fewer == more or Counter(fewer) <= Counter(more)


def _finish(
    layer: list[Configuration], bit: int, frontier: _Frontier, pending: Pending, model: Model
) -> Generator[None, None, list[Configuration]]:
    """All configurations that follow from the layer's and in which operation `bit` took effect."""
    done: list[Configuration] = []
    for each in layer:
        frontier.put(each)
    known = sorted(pending.known.items(), key=lambda item: item[1].completed)
    while (now := frontier.pop()) is not None:
        if not now.taken & bit:
            before = now.taken
            now = yield from _read(now, pending, model)
            if now.taken != before and not frontier.is_new(now):
                continue
        if now.taken & bit:
            done.append(now._replace(taken=now.taken ^ bit))
            continue
        for following in (yield from _steps(now, known, pending, model)):
            frontier.put(following)
    return done


def _read(
    now: Configuration, pending: Pending, model: Model
) -> Generator[None, None, Configuration]:
    """The same configuration after every operation that fits it and does nothing to it."""
    for bit, request in pending.known.items():
        if model.idle and not now.taken & bit and model.idle(now.state, request.effect):
            now = now._replace(taken=now.taken | bit, path=(request.row, now.path))
        elif request.read_only and not now.taken & bit:
            yield
            if model.step(now.state, request.effect) is not IMPOSSIBLE:
                now = now._replace(taken=now.taken | bit, path=(request.row, now.path))
    return now


def _steps(
    now: Configuration, known: Iterable[tuple[int, Request]], pending: Pending, model: Model
) -> Generator[None, None, list[Configuration]]:
    """The configurations one operation later."""
    following, tried = [], set()
    for bit, request in known:
        if request.read_only or now.taken & bit or request.effect in tried:
            continue
        tried.add(request.effect)
        yield
        state = model.step(now.state, request.effect)
        if state is not IMPOSSIBLE:
            path = (request.row, now.path)
            following.append(Configuration(state, now.taken | bit, now.used, path))
    for number, row in pending.spare(now.used):
        if pending.effects[number] in tried:
            continue
        yield
        state = model.step(now.state, pending.effects[number])
        if state is not IMPOSSIBLE:
            used = tuple(sorted((*now.used, number)))
            following.append(Configuration(state, now.taken, used, (row, now.path)))
    return following


def _complete(path: Path, requests: Sequence[Request]) -> tuple[int, ...]:
    """The rows of the path, then the answered operations that it did not have to reach."""
    rows = []
    while path is not None:
        row, path = path
        rows.append(row)
    left = {each.row: each.completed for each in requests if each.known}
    for row in rows:
        left.pop(row, None)
    return (*reversed(rows), *sorted(left, key=left.__getitem__))


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
