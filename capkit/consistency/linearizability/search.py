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
ten of which count as one step.

References
----------
.. [1] Wing and Gong, "Testing and Verifying Concurrent Objects", JPDC 17, 1993.
.. [2] Lowe, "Testing for Linearizability", Concurrency and Computation 29(4), 2017.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Generator, Hashable, Iterable, Sequence
from sys import getsizeof
from typing import NamedTuple, TypeAlias

from capkit.consistency.allowance import Allowance
from capkit.consistency.linearizability.configurations import (
    IMPOSSIBLE,
    Call,
    Configuration,
    Machine,
    Outlook,
    Pending,
    Trail,
    along,
)

# Configurations kept at a time; a search that needs more gives up, to stay within some 100 MB.
_ROOM = 200_000
_TURN = 1_000


class Found(NamedTuple):
    """What a search found: an order of rows, or when and at which row orders end, or neither."""

    order: tuple[int, ...] | None = None
    stuck_at: float | None = None
    row: int | None = None


Search: TypeAlias = Generator[int, None, Found]


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


def search(calls: Sequence[Call], machine: Machine, room: Room | None = None) -> Search:
    """Look for a valid order; yields before each piece of work how many steps it takes.

    The work is proportional to the operations as long as few of them overlap, and may grow
    exponentially with how many do.
    """
    room, pending, held = room or Room(), Pending(), 0
    outlook = Outlook(calls, machine, pending)
    layer = [Configuration(machine.initial, 0, 0, None)]
    for time, is_end, call in _events(calls):
        if not is_end:
            pending.add(call)
            outlook.begin(call)
            continue
        frontier = _Frontier(room, outlook)
        try:
            layer = yield from _finish(layer, pending.bits[call.row], frontier, pending, machine)
        except _OutOfRoomError:
            room.left += held + frontier.held
            return Found()
        room.left += held + frontier.held
        held = sum(room.take(each) for each in layer)
        if not layer:
            return Found(stuck_at=time, row=call.row)
        pending.remove(call)
        outlook.end(call)
    room.left += held
    return Found(order=_complete(layer[0].trail, calls))


def _events(calls: Sequence[Call]) -> list[tuple[float, bool, Call]]:
    """Starts and ends in their order; at equal ranks starts first, so touching overlaps.

    They stop after the last end that asks for anything but operations that fit every state.
    """
    starts = [(call.began, False, call) for call in calls]
    ends = [(call.ended, True, call) for call in calls if call.known]
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
    layer: list[Configuration], bit: int, frontier: _Frontier, pending: Pending, machine: Machine
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
            now = yield from _read(now, pending, machine)
            if now.taken != before and not frontier.is_new(now):
                continue
        if now.taken & bit:
            done.append(now._replace(taken=now.taken ^ bit))
            continue
        for following in (yield from _steps(now, known, pending, machine)):
            frontier.put(following)
    return done


def _read(
    now: Configuration, pending: Pending, machine: Machine
) -> Generator[int, None, Configuration]:
    """The same configuration after every operation that fits it and does nothing to it."""
    for bit, call in pending.known.items():
        if now.taken & bit or not (call.read_only or machine.idle):
            continue
        if call.after and not pending.ready(call, now.taken):
            continue
        if machine.idle and machine.idle(now.state, call.effect):
            now = now._replace(taken=now.taken | bit, trail=(call.row, now.trail))
        elif call.read_only:
            yield 1
            if machine.step(now.state, call.effect) is not IMPOSSIBLE:
                now = now._replace(taken=now.taken | bit, trail=(call.row, now.trail))
    return now


def _steps(
    now: Configuration, known: Iterable[tuple[int, Call]], pending: Pending, machine: Machine
) -> Generator[int, None, list[Configuration]]:
    """The configurations one operation later."""
    following, tried = [], set()
    for bit, call in known:
        if call.read_only or now.taken & bit or call.effect in tried:
            continue
        if call.tied and not pending.ready(call, now.taken):
            continue
        if not call.tied:
            tried.add(call.effect)
        yield 1
        state = machine.step(now.state, call.effect)
        if state is not IMPOSSIBLE:
            trail = (call.row, now.trail)
            following.append(Configuration(state, now.taken | bit, now.used, trail))
    for bit, call in pending.spare(now):
        if call.effect in tried:
            continue
        yield 1
        state = machine.step(now.state, call.effect)
        if state is not IMPOSSIBLE:
            trail = (call.row, now.trail)
            following.append(Configuration(state, now.taken, now.used | bit, trail))
    return following


def _complete(trail: Trail, calls: Sequence[Call]) -> tuple[int, ...]:
    """The rows of the trail, then the answered operations that it did not have to reach."""
    rows = along(trail)
    left = {each.row: each.ended for each in calls if each.known}
    for row in rows:
        left.pop(row, None)
    return (*rows, *sorted(left, key=left.__getitem__))


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
