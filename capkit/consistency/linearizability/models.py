"""What operations do to an object, so that `linearizable` can judge more than registers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from numbers import Number
from typing import Any

from capkit._arguments import shown
from capkit.consistency.linearizability.configurations import IMPOSSIBLE
from capkit.history import Operation
from capkit.history.equality import identity

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
    """An object that operations act on; a model of your own says at least what `step` does.

    What a method says of an operation may depend on its kind, key, value, outcome and result, and
    on nothing else.

    Attributes
    ----------
    initial : hashable
        The state at first.
    kinds : tuple of str
        The kinds of operations that the model knows; if empty, all.
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


class Register(Model):
    """Holds what the latest put wrote; `initial` before the first one.

    Examples
    --------
    >>> from capkit import History, linearizable
    >>> get = Operation(kind="get", key="x", value=0, invoked=0, completed=5)
    >>> linearizable(History([get]), model=Register(initial=0))
    linearizable
    """

    kinds: tuple[str, ...] = ("put", "get")
    noun = "register"

    def __init__(self, initial: Any = IMPOSSIBLE) -> None:
        if initial is not IMPOSSIBLE:
            self.initial = identity(initial)

    def step(self, state: Any, operation: Operation) -> Any:
        """A put replaces the value; a get fits if it returned it."""
        value = identity(operation.value)
        if operation.kind == "put":
            return value
        return state if value == identity(state) else IMPOSSIBLE


class CasRegister(Register):
    """A register with compare-and-set: the value is the pair (expected, new).

    Its result is False if the register held another value, otherwise it changed the value.
    """

    kinds = ("put", "get", "cas")

    def step(self, state: Any, operation: Operation) -> Any:
        """A cas changes the value if it is the expected one; the rest is as for a register."""
        if operation.kind != "cas":
            return Register.step(self, state, operation)
        expected, new = map(identity, pair(operation))
        matches = identity(state) == expected
        if operation.result is False:
            return IMPOSSIBLE if matches else state
        return new if matches else IMPOSSIBLE


def pair(operation: Operation) -> tuple[Any, Any]:
    """The pair (expected, new) of a compare-and-set that is one."""
    value, result = operation.value, operation.result
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(f"value of a cas must be a pair (expected, new), got {shown(value)}")
    if result is not None and not isinstance(result, bool):
        raise ValueError(f"result of a cas must be True, False or None, got {shown(result)}")
    return value[0], value[1]


class Appended(Model):
    """A string, empty at first: a put replaces it, an append lengthens it, a get returns it."""

    initial: str = ""
    kinds = ("put", "get", "append")
    noun = "string"

    def __init__(self, initial: str = "") -> None:
        if _text("initial", initial):
            self.initial = initial

    def step(self, state: str, operation: Operation) -> Any:
        """A put replaces the text, an append lengthens it; a get fits if it returned it."""
        value = operation.value
        if operation.kind == "get":
            return state if isinstance(value, str) and value == state else IMPOSSIBLE
        _text(f"value of a string's {operation.kind}", value)
        return value if operation.kind == "put" else state + value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {shown(value)}")
    return value


class Growing(Model):
    """A set, empty at first: an add puts in one element, a get returns all in any order."""

    initial: frozenset[Any] = frozenset()
    kinds = ("add", "get")
    noun = "set"

    def __init__(self, initial: Iterable[Any] = ()) -> None:
        if elements := collected("initial", initial):
            self.initial = elements

    def step(self, state: frozenset[Any], operation: Operation) -> Any:
        """An add puts an element in; a get fits if it returned all of them."""
        if operation.kind == "add":
            return state | {identity(operation.value)}
        found = collected("value of a set's get", operation.value)
        return state if found == frozenset(map(identity, state)) else IMPOSSIBLE

    def show(self, state: frozenset[Any]) -> str:
        """The elements in braces, in one order for equal sets."""
        return "{" + ", ".join(sorted(map(repr, state))) + "}"


def collected(name: str, items: Any) -> frozenset[Any]:
    """Elements as a set; None is a set of nothing."""
    if items is None:
        return frozenset()
    if isinstance(items, str) or not isinstance(items, Iterable):
        raise TypeError(f"{name} must be a collection of elements, got {shown(items)}")
    return frozenset(map(identity, items))


class Counter(Model):
    """A number, 0 at first: an add changes it by its value, a get returns it."""

    initial: Any = 0
    kinds = ("add", "get")
    noun = "counter"

    def __init__(self, initial: float = 0) -> None:
        if _amount("initial", initial) != 0:
            self.initial = initial

    def step(self, state: Any, operation: Operation) -> Any:
        """An add changes the number by its value; a get fits if it returned the number."""
        if operation.kind == "add":
            return state + _amount("value of a counter's add", operation.value)
        return state if identity(operation.value) == identity(state) else IMPOSSIBLE


def _amount(name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, Number):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    return value


NAMED: dict[str, Model] = {
    "register": Register(),
    "cas-register": CasRegister(),
    "append": Appended(),
    "set": Growing(),
    "counter": Counter(),
}
