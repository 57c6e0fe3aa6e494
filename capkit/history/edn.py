r"""EDN, which is to Clojure what JSON is to JavaScript: `{:process 3, :type :ok, :value nil}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NoReturn

from capkit._arguments import shown

_TOKEN = re.compile(
    r"""[\s,]*(?:
    ;[^\n]*                                     # a comment
    | (?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
    | (?P<discard>\#_)
    | (?P<symbolic>\#\#[A-Za-z-]+)
    | (?P<unreadable>\#<[^>\n]*>|\#'[^\s,()\[\]{}"]+)
    | \#(?P<pattern>"[^"\\]*(?:\\.[^"\\]*)*")
    | (?P<open>\#\{|[\[({])
    | (?P<close>[\])}])
    | \#(?P<tag>:{0,2}[A-Za-z][\w.$*+!?<>=/&'-]*)
    | (?P<character>\\(?:u[0-9a-fA-F]{4}|o[0-7]{1,3}|[a-zA-Z]+|.))
    | (?P<atom>[^\s,"\[\](){};\\#][^\s,"\[\](){};\\]*)
    )""",
    re.VERBOSE | re.DOTALL,
)
_DEEPEST = 200  # no real data is deeper, and Python cannot compare much deeper values
_SPACE = re.compile(r"[\s,]*\Z")
_CLOSING = {"[": "]", "(": ")", "{": "}", "#{": "}"}
_WORDS = {"nil": None, "true": True, "false": False}
_SYMBOLIC = {"##NaN": float("nan"), "##Inf": float("inf"), "##-Inf": float("-inf")}
_NUMBER = re.compile(
    r"""([+-]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)
    | 0(?P<octal>[0-7]+)
    | (?P<base>[1-9]\d?)[rR](?P<digits>[0-9a-zA-Z]+)
    | (?P<integer>\d+)
    | (?P<ratio>\d+/\d+)
    | (?P<decimal>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?))
    (?P<suffix>[NM]?)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[0-3]?[0-7]{1,2}|.)", re.DOTALL)
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n", "b": "\b", "f": "\f", "\\": "\\", '"': '"', "/": "/"}
_CHARACTERS = {"newline": "\n", "space": " ", "tab": "\t", "return": "\r", "formfeed": "\f"}
_CHARACTERS["backspace"] = "\b"


def values(text: str) -> Iterator[tuple[int, Any]]:
    r"""The EDN values of a text, each with the position at which it ends.

    Vectors and lists become tuples, maps dicts, sets frozensets, ratios fractions; keywords and
    symbols are strings, keywords with their colon. Tags are skipped. If the first value is a
    vector or a list, its items are given out as if they stood alone.

    Raises
    ------
    EdnError
        If the text is anything else than values; `position` says where.

    Examples
    --------
    >>> [value for _, value in values('{:f :cas, :value [1 nil]} #my/tag "a\\tb" #_ 3 0xF')]
    [{':f': ':cas', ':value': (1, None)}, 'a\tb', 15]
    """
    reader = _Reader(text)
    while reader.step():
        yield from reader.finished()


def value(text: str) -> Any:
    """The one EDN value of a text."""
    found = list(_Reader(f"({text}\n)").all())
    if len(found) != 1:
        raise ValueError(f"there must be one value, got {shown(text)}")
    return found[0]


class EdnError(ValueError):
    """What is wrong with a text, and where."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class _Level:
    """A collection that is still open: its items, and the tags and `#_` before the next one."""

    def __init__(self, opening: str, position: int) -> None:
        self.opening, self.position = opening, position
        self.items: list[Any] = []
        self.waiting: list[str] = []

    def add(self, value: Any) -> None:
        while self.waiting:
            tag = self.waiting.pop()
            if tag == "#_":
                return
            value = _in_space(tag.strip(":"), value) if tag.startswith(":") else value
        self.items.append(value)


class _Reader:
    """Reads token after token; it keeps what is open in a list, so that depth is no matter."""

    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0
        self.levels = [_Level("", 0)]
        self.outer: _Level | None = None

    def step(self) -> bool:
        """Read one token; False at the end of the text."""
        token = _TOKEN.match(self.text, self.position)
        if token is None:
            return self._end()
        kind, word = token.lastgroup, token[token.lastgroup or 0]
        try:
            self._take(kind, word)
        except EdnError:
            raise
        except ValueError as error:
            raise EdnError(str(error), self.position) from None
        self.position = token.end()
        return True

    def finished(self) -> Iterator[tuple[int, Any]]:
        """Whole values that were not given out yet."""
        if self.outer is None and len(self.levels) == 2 and self.levels[1].opening in "[(":
            self.outer = None if "#_" in self.levels[0].waiting else self.levels[1]
        level = self.levels[-1]
        if level.items and (level is self.outer or len(self.levels) == 1):
            self.outer = self.outer or level
            yield self.position, level.items.pop()

    def all(self) -> Iterator[Any]:
        while self.step():
            yield from (each for _, each in self.finished())

    def _end(self) -> bool:
        if not _SPACE.match(self.text, self.position):
            found = self.text[self.position : self.position + 200].strip()
            raise EdnError(f"a value must be EDN, got {shown(found)}", self.position)
        for level in reversed(self.levels):
            if level.opening:
                wanted = _CLOSING[level.opening]
                raise EdnError(f"{level.opening} must end with {wanted}", level.position)
            if level.waiting:
                raise EdnError("a value must follow a tag", self.position)
        return False

    def _take(self, kind: str | None, word: str) -> None:
        if kind == "open":
            if len(self.levels) > _DEEPEST:
                raise ValueError(f"a value must not be nested more than {_DEEPEST} deep")
            self.levels.append(_Level(word, self.position))
        elif kind == "close":
            self._close(word)
        elif kind in ("tag", "discard"):
            self.levels[-1].waiting.append(word)
        elif kind is not None:
            self.levels[-1].add(_atom(kind, word))

    def _close(self, word: str) -> None:
        level = self.levels[-1]
        if not level.opening:
            raise ValueError(f"{word} must close something")
        if word != _CLOSING[level.opening]:
            raise ValueError(f"{level.opening} must end with {_CLOSING[level.opening]}, got {word}")
        if level.waiting:
            raise ValueError("a value must follow a tag")
        self.levels.pop()
        if level is self.outer:
            self.levels[0].waiting.clear()
        else:
            self.levels[-1].add(_collection(level))


def _collection(level: _Level) -> Any:
    items = level.items
    if level.opening in "[(":
        return tuple(items)
    if level.opening == "{" and len(items) % 2:
        raise ValueError("a map must hold pairs of a key and a value")
    names = list(map(frozen, items if level.opening == "#{" else items[::2]))
    if len(set(names)) < len(names):
        raise ValueError("a map must have each key once, and a set each element")
    return frozenset(names) if level.opening == "#{" else dict(zip(names, items[1::2], strict=True))


def _in_space(space: str, value: Any) -> Any:
    """A map whose keywords stand for those of a namespace, with their whole names."""
    if not isinstance(value, dict):
        raise ValueError(f"#:{space} must stand before a map, got {shown(value)}")
    return {_whole(space, name): each for name, each in value.items()}


def _whole(space: str, name: Any) -> Any:
    if not (isinstance(name, str) and name.startswith(":")):
        return name
    return f":{space}/{name[1:]}" if "/" not in name else name.replace(":_/", ":", 1)


def frozen(item: Any) -> Any:
    """The same as a key or as an element of a set: a map in it becomes a set of pairs."""
    if isinstance(item, dict):
        return frozenset((key, frozen(value)) for key, value in item.items())
    return tuple(map(frozen, item)) if isinstance(item, tuple) else item


def _atom(kind: str, word: str) -> Any:
    if kind == "string":
        return _unescaped(word[1:-1]) if "\\" in word else word[1:-1]
    if kind == "symbolic":
        if word not in _SYMBOLIC:
            raise ValueError(f"a value must be EDN, got {shown(word)}")
        return _SYMBOLIC[word]
    if kind == "character":
        return _character(word[1:])
    if kind != "atom" or word in _WORDS:
        return _WORDS.get(word, word)
    if number := _NUMBER.fullmatch(word):
        return _number(number)
    if not (word[0].isalpha() or word[0] in ":*!_?$%&=<>+-./|"):
        _no_edn(word)
    if word[0] in "+-." and word[1:2].isdigit():
        _no_edn(word)
    return word


def _no_edn(word: str) -> NoReturn:
    raise ValueError(f"a value must be EDN, got {shown(word)}")


def _number(found: re.Match[str]) -> Any:
    sign = -1 if found[1] == "-" else 1
    if found["hex"]:
        return sign * int(found["hex"], 16)
    if found["octal"]:
        return sign * int(found["octal"], 8)
    if found["base"]:
        return sign * int(found["digits"], int(found["base"]))
    if found["ratio"]:
        return sign * _ratio(found["ratio"])
    if found["integer"] and found["suffix"] != "M":
        return sign * int(found["integer"])
    return sign * float(found["integer"] or found["decimal"])


def _ratio(word: str) -> Any:
    above, below = map(int, word.split("/"))
    if not below:
        _no_edn(word)
    ratio = Fraction(above, below)
    return int(ratio) if ratio.denominator == 1 else ratio


def _character(name: str) -> str:
    if len(name) == 1:
        return name
    if name[0] in "uo" and name[1:].isalnum() and name[1].isdigit():
        return chr(int(name[1:], 16 if name[0] == "u" else 8))
    if name not in _CHARACTERS:
        _no_edn(f"\\{name}")
    return _CHARACTERS[name]


def _unescaped(text: str) -> str:
    """A text without escapes; what Java writes as two halves is one character."""
    return _ESCAPE.sub(_unescape, text).encode("utf-16", "surrogatepass").decode("utf-16")


def _unescape(match: re.Match[str]) -> str:
    name = match[1]
    if len(name) == 5:
        return chr(int(name[1:], 16))
    if name[0] in "01234567":
        return chr(int(name, 8))
    if name not in _ESCAPED:
        raise ValueError(f"an escape must be one of {' '.join(_ESCAPED)} u0000, got {name}")
    return _ESCAPED[name]
