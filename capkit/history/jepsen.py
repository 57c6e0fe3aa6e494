r"""Jepsen's logs: what its clients did, one event a line, in its own words or as EDN maps.

EDN is to Clojure what JSON is to JavaScript: `{:process 3, :type :ok, :f :read, :value nil}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from capkit.history.records import Operation, Outcome

_LOG = re.compile(
    r"(?:[^\t]*\t)?(?:TRACE|DEBUG|INFO|WARN|ERROR)\s+(?:\[[^\]]*\]\s+)?([\w.$]+)(?:\s+-|:)\s(.*)"
)
_MAP = re.compile(r"(?:#[\w.-]+\s*)?\{")
_TOKEN = re.compile(
    r'[\s,]*(?:("(?:\\.|[^"\\])*")|(#\{|[\[({])|([\])}])|#([A-Za-z][\w.-]*)|([^\s,"\[\](){}#;]+))'
)
_NUMBER = re.compile(r"([+-]?\d+)N?|[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?M?")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n", "b": "\b", "f": "\f", "\\": "\\", '"': '"', "/": "/"}
_CLOSING = {"[": "]", "(": ")", "{": "}", "#{": "}"}
_WORDS = {"nil": None, "true": True, "false": False}
_KINDS = {"read": "get", "get": "get", "write": "put", "put": "put"}
_KINDS |= {kind: kind for kind in ("cas", "append", "add")}


def parse(text: str) -> list[Any]:
    r"""Read the EDN values of a text.

    Vectors, lists and sets become tuples, maps tuples of pairs; keywords and symbols are strings,
    keywords with their colon. Tags are skipped.

    Raises
    ------
    ValueError
        If the text is anything else than values.

    Examples
    --------
    >>> parse('{:f :cas, :value [1 nil]} "a\\tb"')
    [((':f', ':cas'), (':value', (1, None))), 'a\tb']
    """
    values, position, end = [], 0, len(text.rstrip(" ,\t\r\n"))
    while position < end:
        value, position = _value(text, position)
        values.append(value)
    return values


def _value(text: str, position: int) -> tuple[Any, int]:
    token = _TOKEN.match(text, position)
    if token is None:
        raise ValueError(f"a value must stand at {text[position:]!r}")
    string, opening, closing, tag, atom = token.groups()
    position = token.end()
    if string:
        return _ESCAPE.sub(_unescape, string[1:-1]), position
    if opening:
        return _collection(text, position, opening)
    if closing:
        raise ValueError(f"{closing} must close something")
    return _value(text, position) if tag else (_atom(atom), position)


def _unescape(match: re.Match[str]) -> str:
    name = match[1]
    if len(name) == 5:
        return chr(int(name[1:], 16))
    if name not in _ESCAPED:
        raise ValueError(f"an escape must be one of {' '.join(_ESCAPED)} u0000, got {name}")
    return _ESCAPED[name]


def _collection(text: str, position: int, opening: str) -> tuple[tuple[Any, ...], int]:
    items = []
    while not ((token := _TOKEN.match(text, position)) and token[3]):
        value, position = _value(text, position)
        items.append(value)
    if token[3] != _CLOSING[opening]:
        raise ValueError(f"{opening} must end with {_CLOSING[opening]}, got {token[3]}")
    if opening == "{":
        items = list(zip(items[::2], items[1::2], strict=True))
    return tuple(sorted(items, key=repr) if opening == "#{" else items), token.end()


def _atom(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    if number := _NUMBER.fullmatch(word):
        return int(number[1]) if number[1] else float(word.rstrip("M"))
    if not (word[0].isalpha() or word[0] in ":*!_?$%&=<>+-.\\"):
        raise ValueError(f"a value must be EDN, got {word}")
    return word


class _Event(NamedTuple):
    """A line: process, type (:invoke, :ok, :fail or :info), kind, key, value, time in ns."""

    number: int
    process: int
    type: str
    kind: str
    key: Any
    value: Any
    time: Any
    error: bool


def operations(lines: Iterable[bytes], name: str) -> list[Operation]:
    """The operations of a log in the order of their invocation; `name` is for the errors.

    Raises
    ------
    ValueError
        If a line is broken, named by its number.
    """
    reader = _Reader()
    try:
        return reader.read(lines)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        place = f"line {reader.number} of {name}"
        raise ValueError(f"{place} must be an event of Jepsen: {error}") from error


class _Reader:
    """Reads a log; `number` is the line that it is at."""

    def __init__(self) -> None:
        self.number = 0
        self.begun: dict[int, tuple[int, _Event]] = {}
        self.found: list[Operation | None] = []

    def read(self, lines: Iterable[bytes]) -> list[Operation]:
        events: list[_Event] = []
        for self.number, line in enumerate(lines, 1):
            events += _event(self.number, line.decode())
        if any(_is_keyed(event) for event in events):
            events = [self._keyed(event) for event in events]
        if not all(event.time is not None for event in events):
            events = [event._replace(time=(event.number - 1) * 1e6) for event in events]
        for event in events:
            self.number = event.number
            self._follow(event)
        for place, start in self.begun.values():
            end = start._replace(type=":info", time=events[-1].time)
            self.found[place] = _operation(start, end)
        return [each for each in self.found if each]

    def _keyed(self, event: _Event) -> _Event:
        """The event whose value is a pair of the key and the value itself."""
        self.number = event.number
        if event.type in (":fail", ":info"):
            return event
        key, value = event.value
        return event._replace(key=key, value=value)

    def _follow(self, event: _Event) -> None:
        if event.type == ":invoke":
            if event.process in self.begun:
                raise ValueError(f"process {event.process} must complete before it goes on")
            self.begun[event.process] = len(self.found), event
            self.found.append(None)
            return
        if event.process not in self.begun:
            raise ValueError(f"process {event.process} must invoke before it completes")
        place, start = self.begun.pop(event.process)
        self.found[place] = _operation(start, event)


def _event(number: int, line: str) -> list[_Event]:
    """The event of a line, or nothing if it is no client's."""
    line = line.strip()
    if not line or line.startswith(";"):
        return []
    if _MAP.match(line):
        (pairs,) = parse(line)
        fields = dict(pairs)
    else:
        fields = _fields(line)
    if not fields or not isinstance(process := fields[":process"], int):
        return []
    kind = str(fields[":f"]).removeprefix(":")
    if kind not in _KINDS:
        raise ValueError(f":f must be one of {', '.join(_KINDS)}, got {kind}")
    if fields[":type"] not in (":invoke", ":ok", ":fail", ":info"):
        raise ValueError(f":type must be :invoke, :ok, :fail or :info, got {fields[':type']}")
    event = _Event(
        number=number,
        process=process,
        type=fields[":type"],
        kind=_KINDS[kind],
        key=fields.get(":key"),
        value=fields.get(":value"),
        time=fields.get(":time"),
        error=fields.get(":error") is not None,
    )
    return [event]


def _fields(line: str) -> dict[Any, Any]:
    """The fields of a line of Jepsen's own log; none if another logger wrote it."""
    log = _LOG.fullmatch(line)
    if log is None:
        raise ValueError(f"neither a map nor Jepsen's logger, got {line!r}")
    if log[1] != "jepsen.util":
        return {}
    process, kind, f, value, *error = parse(log[2])
    fields = {":process": process, ":type": kind, ":f": f, ":value": value}
    return fields | ({":error": error} if error else {})


def _is_keyed(event: _Event) -> bool:
    """Whether this can only be read as jepsen.independent's pair of a key and a value."""
    if event.type != ":invoke" or not (isinstance(event.value, tuple) and len(event.value) == 2):
        return False
    inner = event.value[1]
    return event.kind == "get" or (event.kind == "cas" and isinstance(inner, tuple))


def _operation(start: _Event, end: _Event) -> Operation:
    if start.kind != end.kind or end.key not in (None, start.key):
        raise ValueError(f"process {end.process} must complete what it invoked")
    outcome = {":ok": Outcome.OK, ":fail": Outcome.FAIL, ":info": Outcome.UNKNOWN}[end.type]
    result = None
    if start.kind == "cas":
        if not (isinstance(start.value, tuple) and len(start.value) == 2):
            raise ValueError(f"the value of a cas must be [from to], got {start.value}")
        # It failed for no other reason if none is given and its own value comes back.
        own = end.value in (start.value, (start.key, start.value)) and not end.error
        if outcome is Outcome.OK or (outcome is Outcome.FAIL and own):
            outcome, result = Outcome.OK, outcome is Outcome.OK
    return Operation(
        kind=start.kind,
        key=start.key,
        value=end.value if start.kind == "get" and end.type == ":ok" else start.value,
        invoked=start.time / 1e6,
        completed=end.time / 1e6,
        outcome=outcome,
        client=start.process,
        result=result,
    )
