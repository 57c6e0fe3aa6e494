"""What operations do to an object, so that `linearizable` can judge more than registers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from capkit.consistency.linearizability.configurations import IMPOSSIBLE
from capkit.history import Operation, Outcome
from capkit.history.records import identity

__all__ = [
    "IMPOSSIBLE",
    "NAMED",
    "Appended",
    "CasRegister",
    "Counter",
    "Growing",
    "Model",
    "Register",
]


class Model:
    """An object that operations act on.

    What a method says of an operation may depend on its kind, key, value, outcome and result, and
    on nothing else. The methods from `read_only` on are only there to save work: what they say
    must be true, and to say nothing is always right.

    Attributes
    ----------
    initial : hashable
        The state at first.
    kinds : tuple of str
        The kinds of operations that the model knows; none given: all.
    noun : str
        What the object is called in sentences.

    Examples
    --------
    >>> from capkit import History, Outcome, linearizable
    >>> class Stack(Model):
    ...     initial = ()
    ...
    ...     def step(self, state, operation):
    ...         if operation.kind == "push":
    ...             return (*state, operation.value)
    ...         unknown = operation.outcome is Outcome.UNKNOWN
    ...         fits = state and (unknown or state[-1] == operation.result)
    ...         return state[:-1] if fits else IMPOSSIBLE
    >>> history = History.from_columns(
    ...     kind=["push", "push", "pop"],
    ...     key=["s"] * 3,
    ...     value=[1, 2, None],
    ...     result=[None, None, 1],
    ...     invoked=[0, 20, 40],
    ...     completed=[10, 30, 50],
    ... )
    >>> linearizable(history, model=Stack())
    not linearizable: pop #2 returned 1, but the object is certainly (1, 2) then, given the \
answers before
    """

    initial: Hashable = None
    kinds: tuple[str, ...] = ()
    noun: str = "object"

    def step(self, state: Any, operation: Operation) -> Any:
        """The state after an operation, or IMPOSSIBLE if it cannot have answered so in this state.

        If its outcome is UNKNOWN, nobody knows its result, and any that the state allows will do;
        where it would change nothing, IMPOSSIBLE is as good. FAIL operations are never asked about.
        """
        raise NotImplementedError

    def key(self, operation: Operation) -> Any:
        """The object that an operation acts on; each object has a state of its own."""
        return operation.key

    def show(self, state: Any) -> str:
        """The state in a sentence."""
        return repr(state)

    def read_only(self, operation: Operation) -> bool:
        """Whether the operation changes no state at all; to leave just this one is not enough.

        On a state of 1, a put of 1 changes nothing either, but another put may come before it.
        """
        return False

    def fits_always(self, operation: Operation) -> bool:
        """Whether the operation is possible in every state."""
        return False

    def sets(self, operation: Operation) -> Any:
        """The state after the operation where it does not depend on the one before.

        Otherwise IMPOSSIBLE.
        """
        return IMPOSSIBLE

    def hopeless(self, state: Any, operation: Operation) -> bool:
        """Whether the read-only operation cannot become possible from this state on.

        That is, unless an operation with `sets` comes before.
        """
        return False

    def idle(self, state: Any, operation: Operation) -> bool:
        """Whether the operation, if it happens now, changes neither this state nor what can follow.

        Then it need not be tried later, where it might do harm.
        """
        return False

    def among(self, operations: Sequence[Operation]) -> Model:
        """A model that judges just these operations of one object alike, perhaps with less work."""
        return self


class Register(Model):
    """Holds what the latest put wrote, None at first; its state is `identity` of that."""

    initial = identity(None)
    kinds: tuple[str, ...] = ("put", "get")
    noun = "register"

    def step(self, state: Any, operation: Operation) -> Any:
        value = identity(operation.value)
        return value if operation.kind == "put" or value == state else IMPOSSIBLE

    def show(self, state: Any) -> str:
        kind, item = state
        return repr(item) if issubclass(kind, str | int) else str(item)

    def read_only(self, operation: Operation) -> bool:
        return operation.kind == "get"

    def fits_always(self, operation: Operation) -> bool:
        return operation.kind == "put"

    def sets(self, operation: Operation) -> Any:
        return identity(operation.value) if operation.kind == "put" else IMPOSSIBLE

    def hopeless(self, state: Any, operation: Operation) -> bool:
        return operation.kind == "get" and state != identity(operation.value)


class CasRegister(Register):
    """A register with compare-and-set: the value is the pair (expected, new).

    Its result is False if the register held another value, otherwise it changed the value.
    """

    kinds = ("put", "get", "cas")

    def step(self, state: Any, operation: Operation) -> Any:
        if operation.kind != "cas":
            return super().step(state, operation)
        expected, new = map(identity, operation.value)
        if operation.result is False:
            return IMPOSSIBLE if state == expected else state
        return new if state == expected else IMPOSSIBLE

    def read_only(self, operation: Operation) -> bool:
        return operation.kind == "get" or operation.result is False

    def sets(self, operation: Operation) -> Any:
        if operation.kind == "cas" and operation.result is not False:
            return identity(operation.value[1])
        return super().sets(operation)


class Appended(Model):
    """A string, empty at first: a put replaces it, an append lengthens it, a get returns it."""

    initial = ""
    kinds = ("put", "get", "append")
    noun = "string"

    def step(self, state: str, operation: Operation) -> Any:
        value = operation.value
        if operation.kind == "get":
            return state if value == state else IMPOSSIBLE
        if not isinstance(value, str):
            raise TypeError(f"value of a string's {operation.kind} must be a str, got {value!r}")
        return value if operation.kind == "put" else state + value

    def read_only(self, operation: Operation) -> bool:
        return operation.kind == "get"

    def fits_always(self, operation: Operation) -> bool:
        return operation.kind != "get"

    def sets(self, operation: Operation) -> Any:
        return operation.value if operation.kind == "put" else IMPOSSIBLE

    def hopeless(self, state: str, operation: Operation) -> bool:
        return not str(operation.value).startswith(state)

    def among(self, operations: Sequence[Operation]) -> Model:
        written = [each.value for each in operations if each.kind != "get"]
        if not all(isinstance(value, str) for value in written):
            return self
        put = {each.value for each in operations if each.kind == "put"} - {""}
        words = sorted([*put, *(each.value for each in operations if each.kind == "append")])
        if "" in words or any(long.startswith(short) for short, long in pairwise(words)):
            return self
        known = [each for each in operations if (each.kind, each.outcome) == ("get", Outcome.OK)]
        return _Readable(words, {each.value for each in known if isinstance(each.value, str)})


_UNHEARD: Any = ("what no get returned",)


class _Readable(Appended):
    """Strings in which no word is the beginning of another, and no append repeats one.

    So what a get returned can be read in one way only, and tells where each of its words was
    appended. A string that no get's answer begins with is as good as any other such string.
    """

    def __init__(self, words: list[str], gets: Iterable[str]) -> None:
        values = sorted(gets)
        covered = {short for short, long in pairwise(values) if long.startswith(short)}
        self.longest = [value for value in values if value not in covered]
        self.heard = {word for value in self.longest for word in _read(value, words)}

    def step(self, state: Any, operation: Operation) -> Any:
        if operation.kind == "get" or (state is not _UNHEARD and operation.kind == "append"):
            state = super().step(state, operation)
        elif operation.kind == "put":
            state = operation.value
        if state is IMPOSSIBLE or self._is_heard(state):
            return state
        needed = operation.kind == "append" and operation.value in self.heard
        return IMPOSSIBLE if needed or operation.outcome is Outcome.UNKNOWN else _UNHEARD

    def _is_heard(self, state: Any) -> bool:
        if state is _UNHEARD:
            return False
        place = bisect_left(self.longest, state)
        return place < len(self.longest) and self.longest[place].startswith(state)

    def show(self, state: Any) -> str:
        return state[0] if state is _UNHEARD else repr(state)

    def hopeless(self, state: Any, operation: Operation) -> bool:
        return state is _UNHEARD or super().hopeless(state, operation)

    def idle(self, state: Any, operation: Operation) -> bool:
        if state is not _UNHEARD or operation.kind == "get":
            return False
        if operation.kind == "append":
            return operation.value not in self.heard
        return not self._is_heard(operation.value)


def _read(value: str, words: list[str]) -> Iterator[str]:
    """The words that a value begins with; `words` are sorted, and none begins another."""
    size, place = max(map(len, words), default=0), 0
    while place < len(value):
        nearest = bisect_right(words, value[place : place + size]) - 1
        if nearest < 0 or not value.startswith(words[nearest], place):
            return
        yield words[nearest]
        place += len(words[nearest])


class Growing(Model):
    """A set, empty at first: an add puts in one element, a get returns all in any order."""

    initial: frozenset[Any] = frozenset()
    kinds = ("add", "get")
    noun = "set"

    def step(self, state: frozenset[Any], operation: Operation) -> Any:
        if operation.kind == "add":
            return state | {identity(operation.value)}
        return state if _elements(operation) == state else IMPOSSIBLE

    def show(self, state: frozenset[Any]) -> str:
        return "{" + ", ".join(sorted(map(Register().show, state))) + "}"

    def read_only(self, operation: Operation) -> bool:
        return operation.kind == "get"

    def fits_always(self, operation: Operation) -> bool:
        return operation.kind == "add"

    def hopeless(self, state: frozenset[Any], operation: Operation) -> bool:
        return not state <= _elements(operation)


def _elements(operation: Operation) -> frozenset[Any]:
    """What a get of a set returned; None is a set of nothing."""
    return frozenset(map(identity, operation.value or ()))


class Counter(Model):
    """A number, 0 at first: an add changes it by its value, a get returns it."""

    initial = 0
    kinds = ("add", "get")
    noun = "counter"

    def step(self, state: float, operation: Operation) -> Any:
        if operation.kind == "add":
            return state + operation.value
        return state if operation.value == state else IMPOSSIBLE

    def read_only(self, operation: Operation) -> bool:
        return operation.kind == "get"

    def fits_always(self, operation: Operation) -> bool:
        return operation.kind == "add"


NAMED: dict[str, Model] = {
    "register": Register(),
    "cas-register": CasRegister(),
    "append": Appended(),
    "set": Growing(),
    "counter": Counter(),
}
