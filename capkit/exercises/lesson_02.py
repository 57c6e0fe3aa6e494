"""Lesson 02, "What the letters mean": its guesses and exercises."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from capkit.consistency import linearizable
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import a, function, order
from capkit.history import History, Operation

_MOMENTS = {
    "200 ms: the put of 2 begins": 200,
    "360 ms: client 1 has its 2": 360,
    "460 ms: that put ends": 460,
}


def _put(value: int, start: float, end: float, client: int = 0) -> Operation:
    return Operation(kind="put", key="x", value=value, client=client, invoked=start, completed=end)


def _get(value: int, start: float, end: float, client: int = 0) -> Operation:
    return Operation(kind="get", key="x", value=value, client=client, invoked=start, completed=end)


@guess(
    "02.1",
    "May a good store let client 2 get 1, although the put of 2 began later?",
    ["yes", "no"],
    because="A request may take effect early or late in its bar.",
)
def _overlap() -> str:
    story = [_put(1, 20, 120), _put(2, 70, 170, client=1), _get(1, 270, 320, client=2)]
    return "yes" if linearizable(History(story)) else "no"


@guess(
    "02.2",
    "Client 2 gets 1. From when on is its get too late for a linearizable history?",
    [*_MOMENTS],
    because="After that, somebody has surely seen 2.",
)
def _too_late() -> str:
    others = [_put(1, 20, 120), _put(2, 200, 460), _get(2, 280, 360, client=1)]
    late = {name: _get(1, at + 10, at + 70, client=2) for name, at in _MOMENTS.items()}
    return next(name for name in late if not linearizable(History([*others, late[name]])))


@exercise("02.1", order(4), "which get must come first?")
def _one_order(answer: list[int]) -> bool:
    four = [_put(1, 0, 300), _put(2, 100, 200, client=1)]
    four += [_get(1, 250, 400, client=2), _get(2, 260, 280, client=3)]
    return answer == list(linearizable(History(four)).order or ())


@exercise(
    "02.2",
    a(list, "a list of two gets, such as [get(2, 280, 360, client=1), get(1, 370, 430, client=2)]"),
    "operations that overlap may have happened in either order",
)
def _new_first(gets: list[Operation]) -> bool:
    values, starts = [each.value for each in gets], [each.invoked for each in gets]
    story = History([_put(1, 20, 120), _put(2, 200, 460), *gets])
    return values == [2, 1] and starts[0] < starts[1] and bool(linearizable(story))


@exercise(
    "02.3",
    function("operations"),
    "look at every pair, not only at neighbours; touching is overlapping",
)
def _checker(mine: Callable[[list[Operation]], bool]) -> bool:
    starts = range(0, 240, 40)
    for first, second, value, last in product(starts, starts, (1, 2), (1, 2)):
        case = [_put(1, 0, 100), _put(2, first, first + 80, client=1)]
        case += [_get(value, second, second + 40, client=2), _get(last, 250, 290, client=3)]
        if bool(mine(case)) != linearizable(History(case)).ok:
            return False
    return True
