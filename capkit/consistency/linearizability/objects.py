"""The search's view of a history: its operations as calls, by object."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np

from capkit._arguments import shown
from capkit.consistency.allowance import Allowance
from capkit.consistency.linearizability.configurations import IMPOSSIBLE, Call, Machine
from capkit.consistency.linearizability.models import Model
from capkit.consistency.linearizability.search import Found, Room, search, take_turns
from capkit.consistency.linearizability.shortcuts import Shortcuts, shortcuts
from capkit.history import History, Operation, Outcome
from capkit.history.columns import Column
from capkit.history.equality import identity
from capkit.history.order import joined


class Searched(NamedTuple):
    """What searches found in groups of objects; `stuck` is the group that has no order, if any."""

    found: list[Found]
    stuck: int | None


class Objects:
    """Every operation as a call; equal operations have one number, their effect.

    Operations that failed, and read-only ones without answer, say nothing. Calls on objects that
    only a joint order can explain are in one group. With `rows`, it looks at these alone.
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
        calls = [self._request(row, name) for row, name in self.names.items()]
        self.groups = self._grouped([r for r in calls if r.known or not r.read_only])

    def _names(self, rows: Column) -> Iterable[tuple[Any, ...]]:
        """What tells operations of different effect apart."""
        history = self.history
        columns = (history.kind, history.key, history.value, history.result, history.is_ok)
        return zip(*(column[rows].tolist() for column in columns), strict=True)

    def _request(self, row: int, name: tuple[Any, ...]) -> Call:
        effect = self.effects.get(name, -1)
        if effect < 0:
            effect = self.effects[name] = self.add(self.history[row])
        return self._as_request(row, effect, known=name[-1])

    def _as_request(self, row: int, effect: int, known: bool) -> Call:
        read_only, blind, sets = self.facts[effect]
        began, ended = self.history.began[row].item(), self.history.ended[row].item()
        after, tied = tuple(self.after.get(row, ())), row in self.tied
        return Call(row, effect, read_only, known, began, ended, blind, sets, after, tied)

    def blank(self, call: Call) -> Call:
        """The same operation before it was answered."""
        kind, key, value, _, _ = self.names[call.row]
        operation = self.operation(call)
        is_get = operation.kind == "get"
        name = (kind, key, -1 if is_get else value, -1, False)
        if name not in self.effects:
            known = None if is_get else operation.value
            asked = replace(operation, value=known, result=None, outcome=Outcome.UNKNOWN)
            self.effects[name] = self.add(asked)
        return self._as_request(call.row, self.effects[name], known=False)

    def operation(self, call: Call) -> Operation:
        """What the call stands for; its times and those of equal ones may differ."""
        return self.operations[cast(int, call.effect)]

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

    def number(self, call: Call) -> int:
        """The number of the object that a call acts on."""
        return self.object[cast(int, call.effect)]

    def _grouped(self, calls: list[Call]) -> list[list[Call]]:
        """The calls by object; objects that have links at the same moment are in one group."""
        of_row = {each.row: self.number(each) for each in calls}
        leader = joined(self.history.order, self.history.invoked, of_row)
        groups: defaultdict[int, list[Call]] = defaultdict(list)
        for each in calls:
            groups[leader[self.number(each)]].append(each)
        return list(groups.values())

    def machine_of(self, calls: Sequence[Call]) -> Machine:
        """The model of these calls, by the numbers of their effects."""
        numbers = list(dict.fromkeys(map(self.number, calls)))
        parts = [self._one([r for r in calls if self.number(r) == number]) for number in numbers]
        if len(parts) == 1:
            return parts[0]
        place = {number: i for i, number in enumerate(numbers)}

        def step(states: tuple[Any, ...], effect: int) -> Any:
            i = place[self.object[effect]]
            after = parts[i].step(states[i], effect)
            return after if after is IMPOSSIBLE else (*states[:i], after, *states[i + 1 :])

        return Machine(tuple(part.initial for part in parts), step)

    def _one(self, calls: Sequence[Call]) -> Machine:
        model = self.shortcuts.among([self.operation(each) for each in calls])
        known = shortcuts(model)

        def asks(method: Callable[[Any, Operation], Any]) -> Callable[[Any, int], Any]:
            return lambda state, effect: method(state, self.operations[effect])

        def optional(name: str) -> Callable[[Any, int], Any] | None:
            said = getattr(type(known), name) is not getattr(Shortcuts, name)
            return asks(getattr(known, name)) if said else None

        initial = getattr(self.model, "initial", None)
        return Machine(initial, asks(model.step), optional("hopeless"), optional("idle"))

    def search(self, calls: list[Call], allowance: Allowance) -> Found:
        """What a search for an order of these calls finds."""
        joined = len({self.number(each) for each in calls}) > 1
        if joined:  # what a state is set to says nothing of the other objects' states
            calls = [each._replace(sets=IMPOSSIBLE) for each in calls]
        return take_turns([search(calls, self.machine_of(calls))], allowance)[0]


def search_groups(objects: Objects, allowance: Allowance) -> Searched:
    """Search every group for an order, in turns."""
    room = Room()
    groups = objects.groups
    for each in groups:
        _check_state(objects.machine_of(each).initial)
    try:
        found = take_turns((search(g, objects.machine_of(g), room) for g in groups), allowance)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        raise TypeError(f"model must have states that can be hashed: {error}") from error
    stuck = (number for number, each in enumerate(found) if each.row is not None)
    return Searched(found, next(stuck, None))


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
