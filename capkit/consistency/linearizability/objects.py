"""The search's view of a history: its operations as requests, by object, and its witness."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np

from capkit._arguments import shown
from capkit.consistency.linearizability.configurations import IMPOSSIBLE, Request
from capkit.consistency.linearizability.models import Model
from capkit.consistency.linearizability.search import (
    Allowance,
    Found,
    Room,
    search,
    shrink,
    take_turns,
)
from capkit.consistency.linearizability.search import Model as SearchModel
from capkit.consistency.linearizability.shortcuts import Shortcuts, shortcuts
from capkit.history import History, Operation, Outcome
from capkit.history.columns import Column
from capkit.history.equality import identity
from capkit.history.order import joined

# Steps that a better sentence is worth.
_QUICK = 20_000


class Judged(NamedTuple):
    """What searches found in groups of objects; `stuck` is the group that has no order, if any."""

    found: list[Found]
    stuck: int | None


class Violation(NamedTuple):
    """Rows that have no valid order; `last` is the one whose answer no order explains.

    `states` are those that the object can have while `last` runs, none if that is not known.
    `is_small` unless the search for fewer rows gave up.
    """

    witness: tuple[int, ...]
    last: int
    states: tuple[str, ...]
    is_small: bool


class Objects:
    """Every operation as a request; equal operations have one number, their effect.

    Operations that failed, and read-only ones without answer, tell nothing. Requests of objects
    that only a joint order can explain are in one group.

    Parameters
    ----------
    history : History
        What the clients saw.
    model : Model
        What each object is.
    rows : ndarray of int, optional
        Look at these operations alone.
    """

    def __init__(self, history: History, model: Model, rows: Column | None = None) -> None:
        self.history, self.model, self.shortcuts = history, model, shortcuts(model)
        self.operations: list[Operation] = []
        self.effects: dict[tuple[Any, ...], int] = {}
        self.facts: list[tuple[bool, bool, Hashable]] = []
        self.object: list[int] = []
        self.numbers: dict[Any, int] = {}
        self.after: defaultdict[int, list[int]] = defaultdict(list)
        for first, then in history.order.links.tolist():
            self.after[then].append(first)
        self.tied = {row for then, rows in self.after.items() for row in (then, *rows)}
        rows = np.arange(len(history)) if rows is None else rows
        rows = rows[history.outcome[rows] != 1]
        self.names = dict(zip(rows.tolist(), self._names(rows), strict=True))
        requests = [self._request(row, name) for row, name in self.names.items()]
        self.groups = self._grouped([r for r in requests if r.known or not r.read_only])

    def _names(self, rows: Column) -> Iterable[tuple[Any, ...]]:
        """What tells operations of different effect apart."""
        history = self.history
        columns = (history.kind, history.key, history.value, history.result, history.is_ok)
        return zip(*(column[rows].tolist() for column in columns), strict=True)

    def _request(self, row: int, name: tuple[Any, ...]) -> Request:
        effect = self.effects.get(name, -1)
        if effect < 0:
            effect = self.effects[name] = self.add(self.history[row])
        return self._as_request(row, effect, known=name[-1])

    def _as_request(self, row: int, effect: int, known: bool) -> Request:
        read_only, blind, sets = self.facts[effect]
        began, ended = self.history.began[row].item(), self.history.ended[row].item()
        after, tied = tuple(self.after.get(row, ())), row in self.tied
        return Request(row, effect, read_only, known, began, ended, blind, sets, after, tied)

    def blank(self, request: Request) -> Request:
        """The same operation before it was answered."""
        kind, key, value, _, _ = self.names[request.row]
        operation = self.operation(request)
        is_get = operation.kind == "get"
        name = (kind, key, -1 if is_get else value, -1, False)
        if name not in self.effects:
            known = None if is_get else operation.value
            asked = replace(operation, value=known, result=None, outcome=Outcome.UNKNOWN)
            self.effects[name] = self.add(asked)
        return self._as_request(request.row, self.effects[name], known=False)

    def operation(self, request: Request) -> Operation:
        """What the request stands for; its times and those of equal ones may differ."""
        return self.operations[cast(int, request.effect)]

    def add(self, operation: Operation) -> int:
        """A new number for an operation."""
        known = self.shortcuts
        key = identity(getattr(self.model, "key", Model().key)(operation))
        self.object.append(self.numbers.setdefault(key, len(self.numbers)))
        self.facts.append(
            (known.read_only(operation), known.fits_always(operation), known.sets(operation))
        )
        self.operations.append(operation)
        return len(self.operations) - 1

    def number(self, request: Request) -> int:
        """The number of the object that a request acts on."""
        return self.object[cast(int, request.effect)]

    def _grouped(self, requests: list[Request]) -> list[list[Request]]:
        """The requests by object; objects that have links at the same moment are in one group."""
        of_row = {each.row: self.number(each) for each in requests}
        leader = joined(self.history.order, self.history.invoked, of_row)
        groups: defaultdict[int, list[Request]] = defaultdict(list)
        for each in requests:
            groups[leader[self.number(each)]].append(each)
        return list(groups.values())

    def model_of(self, requests: Sequence[Request]) -> SearchModel:
        """The model of these requests, by the numbers of their effects."""
        numbers = list(dict.fromkeys(map(self.number, requests)))
        parts = [self._one([r for r in requests if self.number(r) == number]) for number in numbers]
        if len(parts) == 1:
            return parts[0]
        place = {number: i for i, number in enumerate(numbers)}

        def step(states: tuple[Any, ...], effect: int) -> Any:
            i = place[self.object[effect]]
            after = parts[i].step(states[i], effect)
            return after if after is IMPOSSIBLE else (*states[:i], after, *states[i + 1 :])

        return SearchModel(tuple(part.initial for part in parts), step)

    def _one(self, requests: Sequence[Request]) -> SearchModel:
        model = self.shortcuts.among([self.operation(each) for each in requests])
        known = shortcuts(model)

        def asks(method: Callable[[Any, Operation], Any]) -> Callable[[Any, int], Any]:
            return lambda state, effect: method(state, self.operations[effect])

        def optional(name: str) -> Callable[[Any, int], Any] | None:
            said = getattr(type(known), name) is not getattr(Shortcuts, name)
            return asks(getattr(known, name)) if said else None

        initial = getattr(self.model, "initial", None)
        return SearchModel(initial, asks(model.step), optional("hopeless"), optional("idle"))

    def search(self, requests: list[Request], allowance: Allowance) -> Found:
        """What a search for an order of these requests finds."""
        joined = len({self.number(each) for each in requests}) > 1
        if joined:  # what a state is set to says nothing of the other objects' states
            requests = [each._replace(sets=IMPOSSIBLE) for each in requests]
        return take_turns([search(requests, self.model_of(requests))], allowance)[0]


def judge(objects: Objects, allowance: Allowance) -> Judged:
    """Search every group for an order, in turns."""
    room = Room()
    groups = objects.groups
    for each in groups:
        _check_state(objects.model_of(each).initial)
    try:
        found = take_turns((search(g, objects.model_of(g), room) for g in groups), allowance)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        raise TypeError(f"model must have states that can be hashed: {error}") from error
    stuck = (number for number, each in enumerate(found) if each.row is not None)
    return Judged(found, next(stuck, None))


def _check_state(state: Any) -> None:
    try:
        hash(state)
    except TypeError:
        message = f"model must have an initial state that can be hashed, got {shown(state)}"
        raise TypeError(message) from None


def merge(history: History, found: Sequence[Found]) -> tuple[int, ...]:
    """The orders of all groups in one; an operation takes effect once all before it have begun."""
    begun, moments = history.began.tolist(), []
    for each in found:
        latest = -math.inf
        for row in each.order or ():
            latest = max(latest, begun[row])
            moments.append((latest, row))
    return tuple(row for _, row in sorted(moments, key=lambda moment: moment[0]))


def violation(
    objects: Objects, requests: list[Request], found: Found, allowance: Allowance
) -> Violation:
    """The shortest beginning of these requests that has no order, without needless reads."""

    def stuck(some: list[Request]) -> bool:
        return objects.search(some, allowance).row is not None

    def beginning(last: int) -> list[Request]:
        return _beginning(objects, requests, ends[: last + 1])

    ends = sorted((r for r in requests if r.known), key=lambda each: each.ended)
    low = next(i for i, each in enumerate(ends) if each.row == found.row)
    place = _first(low, len(ends) - 1, lambda i: stuck(beginning(i)))
    last, some = ends[place], beginning(place)
    if allowance.is_over:  # no time to look closely
        return Violation(tuple(sorted(r.row for r in requests)), int(found.row or 0), (), False)
    reads = [each for each in some if each.known and each.read_only and each is not last]
    others = [each for each in some if each not in reads]
    kept = others + shrink(reads, lambda few: stuck(others + few))
    witness = tuple(sorted(each.row for each in kept))
    states = _states(objects, kept, last, allowance)
    return Violation(witness, last.row, states, not allowance.is_over)


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first number from `low` on from which on it holds, looking near `low` first."""
    place = low
    while place < high and not holds(place):
        low, place = place + 1, min(2 * place - low + 2, high)
    return bisect_left(range(place), True, lo=low, key=holds)


def _beginning(objects: Objects, requests: list[Request], ended: list[Request]) -> list[Request]:
    """What is known when the last of these has ended: the others that have begun are unanswered."""
    over, now = {each.row for each in ended}, ended[-1].ended
    begun = [each for each in requests if each.began <= now]
    some = [r if r.row in over or not r.known else objects.blank(r) for r in begun]
    return [each for each in some if each.known or not each.read_only]


def _states(
    objects: Objects, requests: list[Request], last: Request, allowance: Allowance
) -> tuple[str, ...]:
    """The states that the object can have while `last` runs, as far as they are quickly found."""
    if len({objects.number(each) for each in requests}) > 1:
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

    marked = [each._replace(effect=number) if each is last else each for each in requests]
    quick = allowance.renewed(min(allowance.steps, _QUICK))
    plain = SearchModel(getattr(model, "initial", None), step)
    (found,) = take_turns([search(marked, plain)], quick)
    return tuple(sorted(seen)) if found.row == last.row else ()


def disorder(
    objects: Objects, requests: list[Request], found: Found, allowance: Allowance
) -> tuple[tuple[int, ...], bool]:
    """Few operations on registers that still have no order, and whether they are really few.

    Only gets may go, or all puts and gets of a value together (without its put, a get would
    look wrong that is not), and puts that began after all gets were over.
    """

    def stuck(some: list[Request]) -> bool:
        return objects.search(some, allowance).stuck_at is not None

    def value(request: Request) -> Any:
        return objects.names[request.row][1:3]

    def beginning(last: int) -> list[Request]:
        return _timely([r for r in requests if not r.read_only or r.ended <= ends[last]])

    ends = sorted(r.ended for r in requests if r.read_only)
    low = min(bisect_left(ends, cast(float, found.stuck_at)), len(ends) - 1)
    kept = beginning(_first(low, len(ends) - 1, lambda i: stuck(beginning(i))))
    values = list(dict.fromkeys(map(value, kept)))
    chosen = set(shrink(values, lambda some: stuck([r for r in kept if value(r) in some])))
    kept = [r for r in kept if value(r) in chosen]
    puts = [r for r in kept if not r.read_only]
    gets = shrink([r for r in kept if r.read_only], lambda some: stuck(puts + some))
    return tuple(sorted(r.row for r in _timely(puts + gets))), not allowance.is_over


def _timely(requests: list[Request]) -> list[Request]:
    """Without the puts that began after all gets were over: they cannot matter to any get."""
    last = max((r.ended for r in requests if r.read_only), default=-math.inf)
    return [r for r in requests if r.began <= last]
