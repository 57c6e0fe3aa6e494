"""Logs of Jepsen and its kind: events one after another, in any of the forms that they come in."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

from capkit._arguments import clipped, number, shown
from capkit.history import edn
from capkit.history.nemesis import Strike, faults
from capkit.history.records import Operation, Outcome

_TYPES = ("invoke", "ok", "fail", "info")
_EVENT = re.compile(rf"\t:({'|'.join(_TYPES)})(?:\t|$)")
_LAST = re.compile(r"(\"(?:\\.|[^\"\\])*\"|[^\s\"]+)\s*$")
_LOGGER = re.compile(
    r"(?:[^\t]*\t)?(?:TRACE|DEBUG|INFO|WARN|ERROR)\s+(?:\[[^\]]*\]\s+)?(?:[^\t]*? - )?"
    r"(?P<name>[\w.$-]+)(?:\s+-|:|\s)\s?(?P<message>.*)"
)
_MAP = re.compile(r"(?:#[\w.:/-]+\s*)?\{.*:process\b")
_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*"[^"]*"\s*:')
_SPACE = re.compile(r"[\s,]*")
_KINDS = {"read": "get", "get": "get", "write": "put", "put": "put"}
_CHANGES = ("put", "append", "add")
_MICRO = (":r", ":w", ":append", ":add", ":read", ":write", ":cas")
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
        why = clipped(str(error.args[0] if error.args else error)) or type(error).__name__
        if isinstance(error, RecursionError):
            why = "it is nested too deep"
        place = f"line {reader.line} of {name}"
        raise ValueError(f"{place} must be an event of Jepsen: {why}") from None


class _Reader:
    """Reads a log; `line` is the number of the line that it is at."""

    def __init__(self, data: bytes) -> None:
        self.data, self.line = data, 1

    def read(self) -> dict[str, list[Any]]:
        events = [_event(self.line, fields) for fields in self._fields()]
        if any(_is_keyed(event) for event in events):
            events = [self._keyed(event) for event in events]
        if not all(event.time is not None for event in events):
            events = [each._replace(time=place * 1e6) for place, each in enumerate(events)]
        strikes = [
            Strike(_ms(each.time), each.kind, each.value) for each in events if _is_nemesis(each)
        ]
        return {"operations": self._operations(events), "faults": faults(strikes)}

    def _text(self) -> str:
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.line = self.data.count(b"\n", 0, error.start) + 1
            raise ValueError("it must be text in UTF-8") from None

    def _fields(self) -> Iterator[dict[str, Any]]:
        """The fields of each event, by their names without a colon."""
        text = self._text()
        if _JSON.match(text):
            yield from self._json(text)
        elif any(map(_is_of_a_log, text.split("\n"))):
            yield from self._log(text)
        else:
            yield from self._edn(text)

    def _json(self, text: str) -> Iterator[dict[str, Any]]:
        lines, decoder = _Lines(text), json.JSONDecoder()
        position = len(text) - len(text.lstrip())
        listed = text[position] == "["
        position += listed
        while (position := _skip(text, position)) < len(text):
            self.line = lines.number(position)
            if listed and text[position] == "]":
                listed, position = False, position + 1
                continue
            try:
                found, position = decoder.raw_decode(text, position)
            except json.JSONDecodeError as error:
                self.line = lines.number(error.pos)
                raise ValueError(error.msg) from None
            yield _named(_tuples(found))
        if listed:
            raise ValueError("[ must end with ]")

    def _edn(self, text: str) -> Iterator[dict[str, Any]]:
        lines = _Lines(text)
        try:
            for position, value in edn.values(text):
                self.line = lines.number(position - 1)
                yield _named(value)
        except edn.EdnError as error:
            self.line = lines.number(_skip(text, error.position))
            raise

    def _log(self, text: str) -> Iterator[dict[str, Any]]:
        goes_on = False  # whether the line before may go on, with what does not concern us
        for self.line, line in enumerate(text.split("\n"), 1):
            line = line.rstrip("\r")
            if event := _EVENT.search(line):
                yield _fields(line, event)
                goes_on = event[1] in ("fail", "info")  # with an error of many lines
            elif (logger := _LOGGER.fullmatch(line)) and logger["name"] != "jepsen.util":
                goes_on = True
            elif _MAP.match(message := logger["message"] if logger else line):
                yield _named(edn.value(message))
            elif logger or not (goes_on or not line.strip() or line.startswith(";")):
                raise ValueError(f"neither an event nor a logger's line, got {shown(line)}")

    def _keyed(self, event: _Event) -> _Event:
        """The event whose value is a pair of the key and the value itself."""
        self.line = event.line
        if event.type in ("fail", "info"):
            return event
        key, *rest = event.value
        if len(rest) == 2 and event.kind == "cas":
            return event._replace(key=key, value=tuple(rest))
        (value,) = rest
        return event._replace(key=key, value=value)

    def _operations(self, events: list[_Event]) -> list[Operation]:
        numbers = _Processes(events)
        begun: dict[Any, tuple[int, int, _Event]] = {}
        found: list[Operation | None] = []
        for rank, event in enumerate(events):
            self.line = event.line
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
            self.line = start.line
            end = start._replace(type="info", time=events[-1].time)
            ranks = start_rank, len(events) + late
            found[place] = numbers.signed(_operation(start, end), start, ranks)
        return [each for each in found if each]


class _Lines:
    """Where the lines of a text begin."""

    def __init__(self, text: str) -> None:
        lengths = (len(line) + 1 for line in text.split("\n"))
        self.starts = [0, *accumulate(lengths)]

    def number(self, position: int) -> int:
        return bisect_right(self.starts, position)


class _Processes:
    """Numbers for processes, whatever their names are; after an unknown outcome, a new one."""

    def __init__(self, events: list[_Event]) -> None:
        used = (each.process for each in events if _is_number(each.process))
        self.fresh = max(used, default=-1) + 1
        self.clients: dict[Any, int] = {}
        self.current: dict[Any, int] = {}

    def name(self, event: _Event) -> Any:
        """What stands for the event's process in a dict."""
        process = edn.frozen(event.process)
        if process not in self.clients:
            number = process if _is_number(process) else self._new()
            self.clients[process] = self.current[process] = number
        return process

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


def _ms(time: Any) -> float:
    return number(":time", time) / 1e6


def _named(found: Any) -> dict[str, Any]:
    """The fields of a map, by their names without a colon."""
    if not isinstance(found, dict):
        raise ValueError(f"an event must be a map, got {shown(found)}")
    return {str(name).removeprefix(":"): value for name, value in found.items()}


def _tuples(item: Any) -> Any:
    """JSON's lists as the tuples that EDN's vectors become."""
    if isinstance(item, dict):
        return {name: _tuples(value) for name, value in item.items()}
    return tuple(map(_tuples, item)) if isinstance(item, list) else item


def _is_of_a_log(line: str) -> bool:
    if line[:1] in ("", "{", "[", "(", ";", " "):
        return False
    return bool(_EVENT.search(line) or _LOGGER.fullmatch(line))


def _fields(line: str, found: re.Match[str]) -> dict[str, Any]:
    """The fields of a line of Jepsen's own log: process, type, f and value between tabs."""
    process = _LAST.search(line[max(0, found.start() - 200) : found.start()])
    f, value, *_ = (*line[found.end() :].split("\t", 2), None)
    if process is None or value is None:
        raise ValueError(f"process, type, f and value between tabs, got {shown(line)}")
    fields = {"process": edn.value(process[1]), "type": found[1], "f": edn.value(f)}
    try:
        return fields | {"value": edn.value(value)}
    except ValueError:
        if found[1] in ("invoke", "ok"):
            raise
        return fields  # of what did not succeed, the value may be an error message


def _skip(text: str, position: int) -> int:
    """The position of the next thing that is no space."""
    space = _SPACE.match(text, position)
    return space.end() if space else position


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
    if not _is_nemesis(event) and _is_transaction(event):
        raise ValueError(f"transactions are not judged here, got {kind} of {shown(event.value)}")
    return event


def _is_transaction(event: _Event) -> bool:
    """Whether it does several things at once, like `[[:r 9 nil] [:w 8 1]]`."""
    if event.kind == "txn":
        return True
    return (
        isinstance(event.value, tuple)
        and event.value != ()
        and all(isinstance(e, tuple) and len(e) == 3 and e[0] in _MICRO for e in event.value)
    )


def _is_keyed(event: _Event) -> bool:
    """Whether this can only be read as jepsen.independent's pair of a key and a value."""
    if event.type != "invoke" or not isinstance(event.value, tuple):
        return False
    if event.kind == "cas":
        pair = len(event.value) == 2 and isinstance(event.value[1], tuple)
        return pair or len(event.value) == 3
    return event.kind == "get" and len(event.value) == 2


def _operation(start: _Event, end: _Event) -> dict[str, Any]:
    if start.kind != end.kind or end.key not in (None, start.key):
        raise ValueError(f"process {_said(end)} must complete what it invoked")
    outcome = {"ok": Outcome.OK, "fail": Outcome.FAIL, "info": Outcome.UNKNOWN}[end.type]
    value, result = start.value, None
    if start.kind == "cas" and not (isinstance(value, tuple) and len(value) == 2):
        raise ValueError(f"the value of a cas must be [from to], got {shown(value)}")
    if outcome is Outcome.OK and start.kind == "cas":
        result = True
    elif outcome is Outcome.OK:
        result = None if start.kind in ("get", *_CHANGES) else end.value
        value = end.value if start.kind == "get" or end.value is not None else value
    return {
        "kind": start.kind,
        "key": start.key,
        "value": value,
        "invoked": _ms(start.time),
        "completed": max(_ms(start.time), _ms(end.time)),
        "outcome": outcome,
        "result": result,
    }
