"""The judge of everything else: a search over the configurations that a history allows.

A configuration is what may be true while the history goes by: the object's state and which of the
pending operations have already taken effect (Wing and Gong [1]_, with Lowe's configurations [2]_).
An operation takes effect only when another one's end asks for it. Three rules keep it small:

* A read-only operation takes effect as soon as it fits. This is sound only for operations that are
  read-only in every state: a put of 1 on a state of 1 changes nothing either, but taking it early
  throws it away for the moment after the next put.
* Operations without answer never end, so they only matter by their effect: those with the same
  effect are used as they began. Of pending ones with answer and the same effect, the one that
  ends first goes first: in any valid order, the two could change places.
* Of two configurations that differ only in the unanswered operations they used up, one that used
  fewer can do all that the other can. The cheapest are made first, the others dropped.

Once only operations are left that fit every state, whatever their order, the search is over.

All of its work is counted in steps: calls of the model's `step`, and comparisons of configurations,
ten of which are one step.

References
----------
.. [1] Wing and Gong, "Testing and Verifying Concurrent Objects", JPDC 17, 1993.
.. [2] Lowe, "Testing for Linearizability", Concurrency and Computation 29(4), 2017.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from sys import getsizeof
from time import monotonic
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
    "Allowance",
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


Search: TypeAlias = Generator[int, None, Found]


class Allowance:
    """How many steps may be taken, and until when; `used` are those that were."""

    def __init__(self, steps: int, seconds: float = math.inf) -> None:
        self.steps, self.used = steps, 0
        self.end = monotonic() + seconds if seconds < math.inf else math.inf

    def take(self, cost: int) -> bool:
        """Take steps; False if there are none left, or no time."""
        self.used = min(self.used + cost, self.steps + 1)
        if self.used > self.steps:
            self.used = self.steps
            return False
        return self.end == math.inf or monotonic() < self.end

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.used >= self.steps or (self.end < math.inf and monotonic() > self.end)

    def renewed(self, steps: int | None = None) -> Allowance:
        """As many steps again, or as many as told, within the same time."""
        again = Allowance(steps or self.steps)
        again.end = self.end
        return again


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
    """Look for a valid order; yields before each piece of work how many steps it takes.

    The work is proportional to the operations as long as few of them overlap, and may grow
    exponentially with how many do.
    """
    room, pending, held = room or Room(), Pending(), 0
    outlook = Outlook(requests, model, pending)
    layer = [Configuration(model.initial, 0, 0, None)]
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
    """Starts and ends in their order; at equal ranks starts first, so touching overlaps.

    They stop after the last end that asks for anything but operations that fit every state.
    """
    starts = [(request.began, False, request) for request in requests]
    ends = [(request.ended, True, request) for request in requests if request.known]
    events = sorted(starts + ends, key=lambda event: event[:2])
    while events and not (events[-1][1] and not events[-1][2].blind):
        events.pop()
    return events


class _Frontier:
    """Configurations still to be looked at, cheapest first, without dominated and lost ones."""

    def __init__(self, room: Room, outlook: Outlook) -> None:
        self.room, self.outlook, self.held, self.compared = room, outlook, 0, 0
        self.shelves: defaultdict[int, list[Configuration]] = defaultdict(list)
        self.seen: dict[tuple[Hashable, int], list[int]] = {}

    def put(self, each: Configuration) -> None:
        if self.is_new(each) and not self.outlook.lost(each):
            self.held += self.room.take(each)
            self.shelves[each.used.bit_count()].append(each)

    def is_new(self, each: Configuration) -> bool:
        """Whether none before was as good; if so, this one counts from now on."""
        others = self.seen.setdefault((each.state, each.taken), [])
        self.compared += 1 + len(others)
        unused = ~each.used
        if not all(other & unused for other in others):
            return False
        others[:] = [other for other in others if each.used & ~other]
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

    def cost(self) -> int:
        """Steps that its comparisons since the last time count for."""
        steps, self.compared = divmod(self.compared, 10)
        return steps


def _finish(
    layer: list[Configuration], bit: int, frontier: _Frontier, pending: Pending, model: Model
) -> Generator[int, None, list[Configuration]]:
    """All configurations that follow from the layer's and in which operation `bit` took effect."""
    done: list[Configuration] = []
    for each in layer:
        frontier.put(each)
    known = sorted(pending.known.items(), key=lambda item: item[1].ended)
    while (now := frontier.pop()) is not None:
        yield frontier.cost()
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
) -> Generator[int, None, Configuration]:
    """The same configuration after every operation that fits it and does nothing to it."""
    for bit, request in pending.known.items():
        if now.taken & bit or not (request.read_only or model.idle):
            continue
        if request.after and not pending.ready(request, now.taken):
            continue
        if model.idle and model.idle(now.state, request.effect):
            now = now._replace(taken=now.taken | bit, path=(request.row, now.path))
        elif request.read_only:
            yield 1
            if model.step(now.state, request.effect) is not IMPOSSIBLE:
                now = now._replace(taken=now.taken | bit, path=(request.row, now.path))
    return now


def _steps(
    now: Configuration, known: Iterable[tuple[int, Request]], pending: Pending, model: Model
) -> Generator[int, None, list[Configuration]]:
    """The configurations one operation later."""
    following, tried = [], set()
    for bit, request in known:
        if request.read_only or now.taken & bit or request.effect in tried:
            continue
        if request.tied and not pending.ready(request, now.taken):
            continue
        if not request.tied:
            tried.add(request.effect)
        yield 1
        state = model.step(now.state, request.effect)
        if state is not IMPOSSIBLE:
            path = (request.row, now.path)
            following.append(Configuration(state, now.taken | bit, now.used, path))
    for bit, request in pending.spare(now):
        if request.effect in tried:
            continue
        yield 1
        state = model.step(now.state, request.effect)
        if state is not IMPOSSIBLE:
            path = (request.row, now.path)
            following.append(Configuration(state, now.taken, now.used | bit, path))
    return following


def _complete(path: Path, requests: Sequence[Request]) -> tuple[int, ...]:
    """The rows of the path, then the answered operations that it did not have to reach."""
    rows = []
    while path is not None:
        row, path = path
        rows.append(row)
    left = {each.row: each.ended for each in requests if each.known}
    for row in rows:
        left.pop(row, None)
    return (*reversed(rows), *sorted(left, key=left.__getitem__))


def take_turns(searches: Iterable[Search], allowance: Allowance) -> list[Found]:
    """Run searches in turns within their allowance in all, until one finds that no order exists.

    So one hard search does not hide another's easy answer. Returns what each found, in their order.
    """
    running = deque(enumerate(searches))
    found = [Found() for _ in running]
    while running:
        number, current = running.popleft()
        turn = allowance.used + _TURN
        try:
            while allowance.used < turn:
                if not allowance.take(next(current)):
                    return found
            running.append((number, current))
        except StopIteration as end:
            found[number] = end.value
            if found[number].stuck_at is not None:
                break
    return found


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
