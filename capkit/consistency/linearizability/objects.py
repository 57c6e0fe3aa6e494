"""The search's view of a history of any objects: its requests by key, and its witness."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, cast

from capkit.consistency.linearizability.configurations import IMPOSSIBLE, Request
from capkit.consistency.linearizability.models import Model
from capkit.consistency.linearizability.search import Found, Room, search, shrink, take_turns
from capkit.consistency.linearizability.search import Model as SearchModel
from capkit.history import History, Operation, Outcome
from capkit.history.records import identity

# Steps that a better sentence is worth.
_QUICK = 20_000


class Violation(NamedTuple):
    """Rows that have no valid order; `last` is the one whose answer no order explains.

    `states` are those that the object can have while `last` runs, none if that is not known.
    """

    witness: tuple[int, ...]
    last: int
    states: tuple[str, ...]


def judge(
    history: History, model: Model, budget: int
) -> tuple[tuple[int, ...] | None, int, Violation | None]:
    """An order of the history's rows or what has none (neither: out of budget); and the steps."""
    objects = _Objects(history, model)
    room = Room()
    searches = (search(each, objects.model(each), room) for each in objects.requests)
    found, steps = take_turns(searches, budget)
    for requests, result in zip(objects.requests, found, strict=True):
        if result.row is not None:
            return None, steps, _violation(objects, requests, result, budget)
    if any(each.order is None for each in found):
        return None, steps, None
    return _merge(history, found), steps, None


class _Objects:
    """Every operation as a request, by key; equal operations have one number, their effect.

    Operations that failed, and read-only ones without answer, tell nothing.
    """

    def __init__(self, history: History, model: Model) -> None:
        self.asked = {name: _method(model, name) for name in _METHODS}
        self.operations: list[Operation] = []
        self.effects: dict[Hashable, int] = {}
        self.facts: list[tuple[bool, bool, Hashable, Any]] = []
        self.whole = model
        keys: dict[Any, list[Request]] = {}
        for row, operation in enumerate(history):
            if operation.outcome is not Outcome.FAIL:
                request, key = self.request(row, operation)
                if request.known or not request.read_only:
                    keys.setdefault(key, []).append(request)
        self.requests = list(keys.values())

    def request(self, row: int, operation: Operation) -> tuple[Request, Any]:
        """The request of an operation, and the key of its object."""
        known = operation.outcome is Outcome.OK
        name = (operation.kind, known, *map(identity, _content(operation)))
        effect = self.effects.setdefault(name, len(self.operations))
        if effect == len(self.operations):
            self.add(operation)
        read_only, blind, sets, key = self.facts[effect]
        times = operation.invoked, operation.completed
        return Request(row, effect, read_only, known, *times, blind, sets), key

    def operation(self, request: Request) -> Operation:
        """What the request stands for; its times and those of equal ones may differ."""
        return self.operations[cast(int, request.effect)]

    def add(self, operation: Operation) -> int:
        """A new number for an operation."""
        ask = self.asked
        key = identity(ask["key"](operation))
        facts = (ask[name](operation) for name in ("read_only", "fits_always", "sets"))
        self.operations.append(operation)
        self.facts.append((*facts, key))
        return len(self.operations) - 1

    def model(self, requests: Sequence[Request]) -> SearchModel:
        """The model of these requests, all of one object, by the numbers of their effects."""
        model = self.asked["among"]([self.operation(each) for each in requests])

        def ask(name: str) -> Callable[[Any, Any], Any]:
            method = _method(model, name)
            return lambda state, effect: method(state, self.operations[effect])

        return SearchModel(self.whole.initial, ask("step"), ask("hopeless"), ask("idle"))


_METHODS = ("key", "show", "read_only", "fits_always", "sets", "among")


def _method(model: Model, name: str) -> Callable[..., Any]:
    """The model's own method, or what `Model` says for an object that has none."""
    return getattr(model, name, None) or partial(getattr(Model, name), model)


def _content(operation: Operation) -> tuple[Any, Any, Any]:
    return operation.key, operation.value, operation.result


def _merge(history: History, found: Sequence[Found]) -> tuple[int, ...]:
    """The orders of all keys in one; an operation takes effect once all before it have begun."""
    begun, moments = history.invoked.tolist(), []
    for each in found:
        latest = float("-inf")
        for row in each.order or ():
            latest = max(latest, begun[row])
            moments.append((latest, row))
    return tuple(row for _, row in sorted(moments, key=lambda moment: moment[0]))


def _violation(objects: _Objects, requests: list[Request], found: Found, budget: int) -> Violation:
    """The shortest beginning of these requests that has no order, without needless reads."""
    left = budget

    def stuck(some: list[Request]) -> bool:
        nonlocal left
        (result,), steps = take_turns([search(some, objects.model(some))], left)
        left -= steps
        return result.row is not None

    ends = sorted((r for r in requests if r.known), key=lambda each: each.completed)
    low = place = next(i for i, each in enumerate(ends) if each.row == found.row)
    while place < len(ends) - 1 and not stuck(_beginning(objects, requests, ends[: place + 1])):
        low, place = place + 1, min(2 * place - low + 2, len(ends) - 1)
    place = bisect_left(
        range(place),
        True,
        lo=low,
        key=lambda i: stuck(_beginning(objects, requests, ends[: i + 1])),
    )
    if not left:  # no time to look closely
        return Violation(tuple(sorted(each.row for each in requests)), int(found.row or 0), ())
    last, some = ends[place], _beginning(objects, requests, ends[: place + 1])
    reads = [each for each in some if each.known and each.read_only and each is not last]
    others = [each for each in some if each not in reads]
    kept = others + shrink(reads, lambda few: stuck(others + few))
    witness = tuple(sorted(each.row for each in kept))
    return Violation(witness, last.row, _states(objects, kept, last, left))


def _beginning(objects: _Objects, requests: list[Request], ended: list[Request]) -> list[Request]:
    """What is known when the last of these has ended: the others that have begun are unanswered."""
    over = {each.row for each in ended}
    some = []
    for each in requests:
        if each.row in over or not each.known:
            some.append(each)
        elif each.invoked <= ended[-1].completed:
            operation = objects.operation(each)
            value = None if operation.kind == "get" else operation.value
            blank = replace(operation, value=value, result=None, outcome=Outcome.UNKNOWN)
            some.append(objects.request(each.row, blank)[0]._replace(invoked=each.invoked))
    begun = (each for each in some if each.invoked <= ended[-1].completed)
    return [each for each in begun if each.known or not each.read_only]


def _states(
    objects: _Objects, requests: list[Request], last: Request, budget: int
) -> tuple[str, ...]:
    """The states that the object can have while `last` runs, as far as they are quickly found."""
    number = objects.add(objects.operation(last))
    seen: dict[str, None] = {}
    whole = objects.whole

    def step(state: Any, effect: int) -> Any:
        after = whole.step(state, objects.operations[effect])
        if effect == number and after is IMPOSSIBLE:
            seen[objects.asked["show"](state)] = None
        return after

    marked = [each._replace(effect=number) if each is last else each for each in requests]
    model = SearchModel(whole.initial, step)
    (found,), _ = take_turns([search(marked, model)], min(budget, _QUICK))
    return tuple(sorted(seen)) if found.row == last.row else ()
