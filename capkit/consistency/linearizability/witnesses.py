"""Few operations that show why no order exists."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from capkit.consistency.allowance import Allowance
from capkit.consistency.linearizability.configurations import IMPOSSIBLE, Call, Machine
from capkit.consistency.linearizability.objects import Objects
from capkit.consistency.linearizability.search import Found, search, take_turns
from capkit.consistency.smaller import few_values_and_gets, smallest

# Steps that a better sentence is worth.
_QUICK = 20_000


class Violation(NamedTuple):
    """Rows that have no valid order; `last` is the one whose answer no order explains, if known.

    `states` are those that the object can have while `last` runs, none if that is not known.
    `is_small` unless the search for fewer rows gave up.
    """

    witness: tuple[int, ...]
    last: int | None
    states: tuple[str, ...]
    is_small: bool


def violation(objects: Objects, calls: list[Call], found: Found, allowance: Allowance) -> Violation:
    """The shortest beginning of these calls that has no order, without needless reads."""

    def stuck(some: list[Call]) -> bool:
        return objects.search(some, allowance).row is not None

    def beginning(last: int) -> list[Call]:
        return _beginning(objects, calls, ends[: last + 1])

    ends = sorted((r for r in calls if r.known), key=lambda each: each.ended)
    low = next(i for i, each in enumerate(ends) if each.row == found.row)
    place = _first(low, len(ends) - 1, lambda i: stuck(beginning(i)))
    last, some = ends[place], beginning(place)
    if allowance.is_over:  # no time to look closely
        return Violation(tuple(sorted(r.row for r in calls)), None, (), False)
    reads = [each for each in some if each.known and each.read_only and each is not last]
    others = [each for each in some if each not in reads]
    kept = others + smallest(reads, lambda few: stuck(others + few))
    witness, is_small = tuple(sorted(each.row for each in kept)), not allowance.is_over
    states = _states(objects, kept, last, allowance) if is_small else ()
    return Violation(witness, last.row, states, is_small)


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least number, `low` or more, from which on it holds; looks near `low` first."""
    place = low
    while place < high and not holds(place):
        low, place = place + 1, min(2 * place - low + 2, high)
    return bisect_left(range(place), True, lo=low, key=holds)


def _beginning(objects: Objects, calls: list[Call], ended: list[Call]) -> list[Call]:
    """What is known when the last of these has ended: the others that have begun are unanswered."""
    over, now = {each.row for each in ended}, ended[-1].ended
    begun = [each for each in calls if each.began <= now]
    some = [r if r.row in over or not r.known else objects.blank(r) for r in begun]
    return [each for each in some if each.known or not each.read_only]


def _states(
    objects: Objects, calls: list[Call], last: Call, allowance: Allowance
) -> tuple[str, ...]:
    """The states that the object can have while `last` runs, as far as they are quickly found."""
    if len({objects.number(each) for each in calls}) > 1:
        return ()
    number = objects.add(objects.operation(last))
    seen: dict[str, None] = {}
    model = objects.model
    show = getattr(model, "show", repr)

    def step(state: Any, effect: int) -> Any:
        after = model.step(state, objects.operations[effect])
        if effect == number and after is IMPOSSIBLE:
            seen[show(state)] = None
        return after

    marked = [each._replace(effect=number) if each is last else each for each in calls]
    quick = allowance.renewed(min(allowance.steps - allowance.used, _QUICK))
    plain = Machine(getattr(model, "initial", None), step)
    (found,) = take_turns([search(marked, plain)], quick)
    allowance.take(quick.used)
    return tuple(sorted(seen)) if found.row == last.row else ()


def disorder(
    objects: Objects, calls: list[Call], found: Found, allowance: Allowance
) -> tuple[tuple[int, ...], bool]:
    """Few operations on registers that still have no order, and whether they are really few.

    Only gets may go, or all puts and gets of a value together (without its put, a get would
    look wrong that is not), and puts that began after all gets were over.
    """

    def stuck(some: list[Call]) -> bool:
        return objects.search(some, allowance).stuck_at is not None

    def value(call: Call) -> set[Any]:
        return {objects.names[call.row][1:3]}

    def beginning(last: int) -> list[Call]:
        return _timely([r for r in calls if not r.read_only or r.ended <= ends[last]])

    ends = sorted(r.ended for r in calls if r.read_only)
    low = min(bisect_left(ends, cast(float, found.stuck_at)), len(ends) - 1)
    kept = beginning(_first(low, len(ends) - 1, lambda i: stuck(beginning(i))))
    few = few_values_and_gets(kept, value, lambda each: each.read_only, stuck)
    return tuple(sorted(r.row for r in _timely(few))), not allowance.is_over


def _timely(calls: list[Call]) -> list[Call]:
    """Without the puts that began after all gets were over: they cannot matter to any get."""
    last = max((r.ended for r in calls if r.read_only), default=-math.inf)
    return [r for r in calls if r.began <= last]
