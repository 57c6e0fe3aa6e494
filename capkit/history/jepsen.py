"""Logs of Jepsen and its kind: what clients did, from the events that a log has of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from capkit._arguments import number, shown, told
from capkit.history.equality import identity
from capkit.history.forms import Log
from capkit.history.nemesis import Strike, faults
from capkit.history.records import Operation, Outcome

_TYPES = ("invoke", "ok", "fail", "info")
_KINDS = {"read": "get", "get": "get", "write": "put", "put": "put"}
_CHANGES = ("put", "append", "add")
_MICRO = ("r", "w", "append", "add", "read", "write", "cas")
BROKEN = (ValueError, KeyError, TypeError, OverflowError, RecursionError, AttributeError)


class _Event(NamedTuple):
    """One event; `type` is one of invoke, ok, fail and info, `time` in ns."""

    line: int
    process: Any
    type: str
    kind: str
    key: Any
    value: Any
    time: Any


def read_events(data: bytes, name: str) -> dict[str, list[Any]]:
    """The operations and the faults of a log; `name` is for the errors.

    Raises
    ------
    ValueError
        If a line is broken, named by its number.
    """
    reader = _Reader(data)
    try:
        return reader.read()
    except BROKEN as error:
        why = told(str(error.args[0] if error.args else error)) or type(error).__name__
        if isinstance(error, RecursionError):
            why = "it is nested too deep"
        place = f"line {reader.log.line} of {name}"
        raise ValueError(f"{place} must be an event of Jepsen: {why}") from None


class _Reader:
    """Reads a log, and keeps in it the number of the line that it is at."""

    def __init__(self, data: bytes) -> None:
        self.log = Log(data)

    def read(self) -> dict[str, list[Any]]:
        events = [_event(self.log.line, fields) for fields in self.log.events()]
        if _are_keyed(events):
            events = [self._keyed(event) for event in events]
        if not all(event.time is not None for event in events):
            events = [each._replace(time=place * 1e6) for place, each in enumerate(events)]
        strikes = [
            Strike(_ms(each.time), each.kind, each.value) for each in events if _is_nemesis(each)
        ]
        return {"operations": self._operations(events), "faults": faults(strikes)}

    def _keyed(self, event: _Event) -> _Event:
        """The event whose value is a pair of the key and the value itself."""
        self.log.line = event.line
        if event.type in ("fail", "info") or _is_nemesis(event):
            return event
        value = event.value if isinstance(event.value, tuple) else ()
        if len(value) == 3 and event.kind == "cas":
            value = value[0], value[1:]
        if len(value) != 2:
            raise ValueError(f"the value must be [key value] as others are, got {_aloud(event)}")
        return event._replace(key=value[0], value=value[1])

    def _operations(self, events: list[_Event]) -> list[Operation]:
        numbers = _Processes(events)
        begun: dict[Any, tuple[int, int, _Event]] = {}
        found: list[Operation | None] = []
        for rank, event in enumerate(events):
            self.log.line = event.line
            if _is_nemesis(event):
                continue
            name = numbers.name(event)
            if event.type == "invoke":
                if name in begun:
                    raise ValueError(f"process {_said(event)} must complete before it goes on")
                begun[name] = len(found), rank, event
                found.append(None)
                continue
            if name not in begun:
                raise ValueError(f"process {_said(event)} must invoke before it completes")
            place, start_rank, start = begun.pop(name)
            made = _operation(start, event)
            found[place] = numbers.signed(made, event, (start_rank, rank))
            if event.type == "info":
                numbers.renew(event)
        for late, (place, start_rank, start) in enumerate(begun.values()):
            self.log.line = start.line
            end = start._replace(type="info", time=events[-1].time)
            ranks = start_rank, len(events) + late
            found[place] = numbers.signed(_operation(start, end), start, ranks)
        return [each for each in found if each]


class _Processes:
    """Numbers for processes, whatever their names are; after an unknown outcome, a new one."""

    def __init__(self, events: list[_Event]) -> None:
        used = (each.process for each in events if _is_number(each.process))
        self.fresh = max(used, default=-1) + 1
        self.clients: dict[Any, int] = {}
        self.current: dict[Any, int] = {}

    def name(self, event: _Event) -> Any:
        """What stands for the event's process in a dict."""
        name = identity(event.process)
        if name not in self.clients:
            number = event.process if _is_number(event.process) else self._new()
            self.clients[name] = self.current[name] = number
        return name

    def renew(self, event: _Event) -> None:
        self.current[self.name(event)] = -1  # a number only if it goes on

    def signed(self, operation: dict[str, Any], event: _Event, ranks: tuple[int, int]) -> Operation:
        """The operation, with the client and the process that did it."""
        name = self.name(event)
        if self.current[name] < 0:
            self.current[name] = self._new()
        operation |= {"client": self.clients[name], "process": self.current[name]}
        return Operation(**operation, began=ranks[0], ended=ranks[1])

    def _new(self) -> int:
        self.fresh += 1
        return self.fresh - 1


def _is_number(process: Any) -> bool:
    return isinstance(process, int) and not isinstance(process, bool) and 0 <= process < 2**62


def _said(event: _Event) -> str:
    return shown(event.process) if isinstance(event.process, int) else str(event.process)[:80]


def _is_nemesis(event: _Event) -> bool:
    return event.process in (":nemesis", "nemesis")


def _aloud(event: _Event) -> str:
    return f"{event.kind} of {shown(event.value)}"


def _ms(time: Any) -> float:
    return number(":time", time) / 1e6


def _event(line: int, fields: dict[str, Any]) -> _Event:
    for name in ("process", "type", "f"):
        if name not in fields:
            raise ValueError(f"an event must have :{name}, got {shown(fields)}")
    kind, time = str(fields["f"]).removeprefix(":"), fields.get("time")  # which may be an #inst
    event = _Event(
        line=line,
        process=fields["process"],
        type=str(fields["type"]).removeprefix(":"),
        kind=_KINDS.get(kind, kind),
        key=fields.get("key"),
        value=fields.get("value"),
        time=time if isinstance(time, int | float) and not isinstance(time, bool) else None,
    )
    if event.time is not None:
        _ms(event.time)
    if event.type not in _TYPES:
        raise ValueError(f":type must be :invoke, :ok, :fail or :info, got {shown(fields['type'])}")
    if not isinstance(fields["f"], str):
        raise ValueError(f":f must be a name, got {shown(fields['f'])}")
    if not _is_nemesis(event) and _is_transaction(event):
        raise ValueError(f"transactions are not judged here, got {_aloud(event)}")
    return event


def _is_transaction(event: _Event) -> bool:
    """Whether it does several things at once, like `[[:r 9 nil] [:w 8 1]]`, perhaps of one key."""
    if event.kind in ("txn", "cas") or not isinstance(event.value, tuple):
        return event.kind == "txn"
    if len(event.value) == 3 and _is_step(event.value, _MICRO):
        return True
    return any(
        isinstance(each, tuple) and each != () and all(map(_is_step, each))
        for each in (event.value, *event.value)
    )


def _is_step(item: Any, names: tuple[str, ...] = ()) -> bool:
    """Whether this may be one step of a transaction; with `names`, if it has one of them."""
    if not (isinstance(item, tuple) and len(item) >= 3 and isinstance(item[0], str)):
        return False
    return item[0].removeprefix(":") in _MICRO or (not names and item[0].startswith(":"))


def _are_keyed(events: list[_Event]) -> bool:
    """Whether the values are jepsen.independent's pairs of a key and a value.

    Reads tell, which ask for [key nil]; if there are none, compare-and-sets do.
    """
    asked = [each for each in events if each.type == "invoke" and isinstance(each.value, tuple)]
    if any(each.kind == "get" for each in events):
        return any(each.kind == "get" and len(each.value) == 2 for each in asked)
    return any(each.kind == "cas" and _is_keyed_cas(each.value) for each in asked)


def _is_keyed_cas(value: tuple[Any, ...]) -> bool:
    """Whether it is [key [from to]] or [key from to], and not from one vector to another."""
    return len(value) == 3 or (len(value) == 2 and [isinstance(v, tuple) for v in value] == [0, 1])


def _operation(start: _Event, end: _Event) -> dict[str, Any]:
    if start.kind != end.kind or end.key not in (None, start.key):
        raise ValueError(f"process {_said(end)} must complete what it invoked")
    outcome = {"ok": Outcome.OK, "fail": Outcome.FAIL, "info": Outcome.UNKNOWN}[end.type]
    value, result = start.value, None
    if outcome is Outcome.OK and start.kind == "cas":
        result = end.value is not False
        value = value if end.value in (None, True, False) else end.value
    elif outcome is Outcome.OK:
        result = None if start.kind in ("get", *_CHANGES) else end.value
        value = end.value if start.kind == "get" or end.value is not None else value
    if start.kind == "cas" and not (isinstance(value, tuple) and len(value) == 2):
        raise ValueError(f"the value of a cas must be [from to], got {shown(value)}")
    return {
        "kind": start.kind,
        "key": start.key,
        "value": value,
        "invoked": _ms(start.time),
        "completed": max(_ms(start.time), _ms(end.time)),
        "outcome": outcome,
        "result": result,
    }
