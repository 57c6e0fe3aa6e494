"""What saves work in judging the named models, and nothing else: without it, verdicts are the same.

A shortcut knows one `step`. A model that steps in another way, a subclass of a named one among
them, has no shortcuts, so that whatever model is given is the model that judges.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from capkit.consistency.linearizability.configurations import IMPOSSIBLE
from capkit.consistency.linearizability.models import (
    Appended,
    CasRegister,
    Counter,
    Growing,
    Register,
    collected,
    pair,
)
from capkit.history import Operation, Outcome
from capkit.history.equality import identity


class Shortcuts:
    """What may be said of operations on a model; to say nothing, as here, is always right."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def read_only(self, operation: Operation) -> bool:
        """Whether the operation leaves every state as it is; to leave this one is not enough.

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

    def among(self, operations: Sequence[Operation]) -> Any:
        """A model that judges just these operations of one object alike, perhaps with less work."""
        return self.model


def shortcuts(model: Any) -> Shortcuts:
    """The shortcuts that hold for a model."""
    own = "step" in getattr(model, "__dict__", {})
    step: Any = None if own else getattr(type(model), "step", None)
    return _OF_STEP.get(step, Shortcuts)(model)


class _OfGets(Shortcuts):
    """Gets change nothing, and everything else is possible in every state."""

    def read_only(self, operation: Operation) -> bool:
        return operation.kind == "get"

    def fits_always(self, operation: Operation) -> bool:
        return operation.kind != "get"


class _OfRegister(_OfGets):
    def sets(self, operation: Operation) -> Any:
        return identity(operation.value) if operation.kind == "put" else IMPOSSIBLE

    def hopeless(self, state: Any, operation: Operation) -> bool:
        return operation.kind == "get" and identity(state) != identity(operation.value)


class _OfCasRegister(_OfRegister):
    def read_only(self, operation: Operation) -> bool:
        return operation.kind == "get" or operation.result is False

    def fits_always(self, operation: Operation) -> bool:
        return operation.kind == "put"

    def sets(self, operation: Operation) -> Any:
        if operation.kind == "cas" and operation.result is not False:
            return identity(pair(operation)[1])
        return super().sets(operation)


class _OfGrowing(_OfGets):
    def hopeless(self, state: frozenset[Any], operation: Operation) -> bool:
        return not frozenset(map(identity, state)) <= collected("value", operation.value)


class _OfAppended(_OfGets):
    def sets(self, operation: Operation) -> Any:
        return operation.value if operation.kind == "put" else IMPOSSIBLE

    def hopeless(self, state: str, operation: Operation) -> bool:
        return not str(operation.value).startswith(state)

    def among(self, operations: Sequence[Operation]) -> Any:
        written = [each.value for each in operations if each.kind != "get"]
        if self.model.initial or not all(isinstance(value, str) for value in written):
            return self.model
        put = {each.value for each in operations if each.kind == "put"} - {""}
        words = sorted([*put, *(each.value for each in operations if each.kind == "append")])
        if "" in words or any(long.startswith(short) for short, long in pairwise(words)):
            return self.model
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
        if state is IMPOSSIBLE or self.is_heard(state):
            return state
        needed = operation.kind == "append" and operation.value in self.heard
        return IMPOSSIBLE if needed or operation.outcome is Outcome.UNKNOWN else _UNHEARD

    def is_heard(self, state: Any) -> bool:
        """Whether a get's answer begins with this."""
        if state is _UNHEARD:
            return False
        place = bisect_left(self.longest, state)
        return place < len(self.longest) and self.longest[place].startswith(state)


class _OfReadable(_OfAppended):
    def hopeless(self, state: Any, operation: Operation) -> bool:
        return state is _UNHEARD or super().hopeless(state, operation)

    def idle(self, state: Any, operation: Operation) -> bool:
        if state is not _UNHEARD or operation.kind == "get":
            return False
        if operation.kind == "append":
            return operation.value not in self.model.heard
        return not self.model.is_heard(operation.value)


def _read(value: str, words: list[str]) -> Iterator[str]:
    """The words that a value begins with; `words` are sorted, and none begins another."""
    size, place = max(map(len, words), default=0), 0
    while place < len(value):
        nearest = bisect_right(words, value[place : place + size]) - 1
        if nearest < 0 or not value.startswith(words[nearest], place):
            return
        yield words[nearest]
        place += len(words[nearest])


_OF_STEP: dict[Callable[..., Any], type[Shortcuts]] = {
    Register.step: _OfRegister,
    CasRegister.step: _OfCasRegister,
    Growing.step: _OfGrowing,
    Appended.step: _OfAppended,
    Counter.step: _OfGets,
    _Readable.step: _OfReadable,
}
