"""The forms that a log comes in: EDN, JSON, or the lines of a logger; each event is a map."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from capkit._arguments import shown
from capkit.history import edn

_TYPE = "(invoke|ok|fail|info)"
_TABS = re.compile(rf"\t:{_TYPE}(?:\t|$)")
_SPACES = re.compile(
    rf'(?:\[ *\d+ *\]\s+)?(?!:type\b)("[^"]*"|[^\s{{}}()\[\];,"]+)\s+:{_TYPE}\s+(:\S+)\s+(\S.*)'
)
_LAST = re.compile(r"(\"(?:\\.|[^\"\\])*\"|[^\s\"]+)\s*$")
# A level, then the logger's name: after a date and a thread, or after a thread in brackets at most.
_LOGGER = re.compile(
    r"(?:[^\s\"]+\s+){0,8}?\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|SEVERE)\]?:?\s+"
    r"(?:\[\d[^\]]*\]\s+[^\t]*? - (?P<late>[\w.$-]+)(?:\s|$)"
    r"|(?:\[[^\]]*\]\s+)?(?P<name>[\w.$-]+)(?:\s+-|:)(?:\s|$))\s*(?P<message>.*)"
)
_MAP = re.compile(r"(?:#[\w.:/-]+\s*)?\{.*process\b")
_MAP_LATER = re.compile(
    rf'\S.*?\s(?P<map>(?:#[\w.:/-]+)?\{{(?=[^{{}}]*["/:]type"?\s*:?\s*[":]{_TYPE}\b).*)'
)
_NO_LOG = re.compile(r'[{(;#\s]|\[\s*(?:[{(\[;#":]|$)|$')
_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*"[^"]*"(?::|\s*:\s)')
_SPACE = re.compile(r"[\s,]*")


class Log:
    """The events of a log as maps of their fields; `line` is the number of the line it is at."""

    def __init__(self, data: bytes) -> None:
        self.data, self.line = data, 1

    def events(self) -> Iterator[dict[str, Any]]:
        """The fields of each event, by their names without a colon."""
        text = self._text()
        if _JSON.match(text):
            found = self._json(text)
        elif any(map(_is_of_a_log, text.split("\n"))):
            found = self._lines(text)
        else:
            found = self._edn(text)
        yield from map(_named, found)

    def _text(self) -> str:
        try:
            return self.data.decode(json.detect_encoding(self.data))
        except UnicodeDecodeError as error:
            self.line = self.data.count(b"\n", 0, error.start) + 1
            raise ValueError("it must be text in UTF-8") from None

    def _json(self, text: str) -> Iterator[Any]:
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
            yield _tuples(found)
        if listed:
            raise ValueError("[ must end with ]")

    def _edn(self, text: str) -> Iterator[Any]:
        lines = _Lines(text)
        try:
            for position, value in edn.values(text):
                self.line = lines.number(position - 1)
                yield value
        except edn.EdnError as error:
            self.line = lines.number(_skip(text, error.position))
            raise

    def _lines(self, text: str) -> Iterator[Any]:
        goes_on = False  # whether the line before may go on, with what does not concern us
        none, after = True, _is_after_a_prefix(text.lstrip().partition("\n")[0])
        for self.line, line in enumerate(text.split("\n"), 1):
            line = line.rstrip("\r")
            logger = None if _TABS.search(line) else _LOGGER.fullmatch(line)
            if event := _event(line, logger, after):
                yield event
                none = False
                goes_on = event.get("type") in ("fail", "info")  # with an error of many lines
            elif logger or goes_on:
                goes_on = True
            elif line.strip() and not line.startswith(";"):
                raise ValueError(f"neither an event nor a logger's line, got {shown(line)}")
        if none:
            example = "such as 0, :invoke, :write and 1 with tabs between them"
            raise ValueError(f"no line is an event, {example}")


class _Lines:
    """Where the lines of a text begin."""

    def __init__(self, text: str) -> None:
        lengths = (len(line) + 1 for line in text.split("\n"))
        self.starts = [0, *accumulate(lengths)]

    def number(self, position: int) -> int:
        return bisect_right(self.starts, position)


def _is_of_a_log(line: str) -> bool:
    if _TABS.search(line):
        return not line.startswith("{")
    if _NO_LOG.match(line):
        return False
    return any(form.fullmatch(line) for form in (_LOGGER, _SPACES, _MAP_LATER))


def _is_after_a_prefix(line: str) -> bool:
    """Whether an event follows something in a line that no logger wrote."""
    return bool(_MAP_LATER.fullmatch(line)) and not _LOGGER.fullmatch(line)


def _event(line: str, logger: re.Match[str] | None, after: bool) -> Any:
    """The event on a line, if any; lines of loggers other than Jepsen's hold none.

    It may be `after` a prefix of any kind only in a log that begins so.
    """
    if tabs := _TABS.search(line):
        return _between_tabs(line, tabs)
    if logger and (logger["late"] or logger["name"]) != "jepsen.util":
        return None
    said = logger["message"] if logger else line
    if spaces := _SPACES.fullmatch(said):
        return _fields(*spaces.groups())
    if _MAP.match(said):
        return _one(said)
    later = None if logger else _MAP_LATER.fullmatch(line)
    if later and not after:
        raise ValueError(f"this cannot be told from an event, got {shown(line)}")
    if later:
        return _one(later["map"].rstrip())
    if logger and re.search(rf"\t:|\s:{_TYPE}\b", said):
        raise ValueError(f"an event must be process, type, f and value, got {shown(said)}")
    return None


def _one(text: str) -> Any:
    """The one value of a text, in JSON or in EDN."""
    return _tuples(json.loads(text)) if _JSON.match(text) else edn.value(text)


def _between_tabs(line: str, found: re.Match[str]) -> dict[str, Any]:
    """The fields of a line of Jepsen's own log."""
    process = _LAST.search(line[max(0, found.start() - 200) : found.start()])
    f, value, *_ = (*line[found.end() :].split("\t", 2), None)
    if process is None or value is None:
        rule = "process, type, f and value must have tabs between them"
        raise ValueError(f"{rule}, got {shown(line)}")
    return _fields(process[1], found[1], f, value)


def _fields(process: str, type_: str, f: str, value: str) -> dict[str, Any]:
    fields = {"process": edn.value(process), "type": type_, "f": edn.value(f)}
    try:
        return fields | {"value": edn.value(value)}
    except ValueError:
        if type_ in ("invoke", "ok"):
            raise
        return fields  # of what did not succeed, the value may be an error message


def _named(found: Any) -> dict[str, Any]:
    """The fields of a map, by their names without a colon and without the namespace of them all."""
    if not isinstance(found, dict):
        raise ValueError(f"an event must be a map, got {shown(found)}")
    fields = {str(name).removeprefix(":"): value for name, value in found.items()}
    if "process" in fields:
        return fields
    spaces = [name.removesuffix("process") for name in fields if name.endswith("/process")]
    return {name.removeprefix("".join(spaces[:1])): value for name, value in fields.items()}


def _tuples(item: Any) -> Any:
    """JSON's lists as the tuples that EDN's vectors become."""
    if isinstance(item, dict):
        return {name: _tuples(value) for name, value in item.items()}
    return tuple(map(_tuples, item)) if isinstance(item, list) else item


def _skip(text: str, position: int) -> int:
    """The position of the next thing that is no space."""
    space = _SPACE.match(text, position)
    return space.end() if space else position
