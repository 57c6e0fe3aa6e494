"""The records that a history is made of, and how each becomes one line of JSON and back."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, ClassVar, TypeAlias

from capkit._arguments import number

NodeId: TypeAlias = int | str


class Outcome(Enum):
    """What a client knows about its operation when it stops waiting.

    OK: answered in time. FAIL: it certainly did not happen. UNKNOWN: no answer; it may take effect
    at any time from its invocation on, or never.
    """

    OK = "OK"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


class Siblings(tuple[Any, ...]):
    """Values that a get found side by side because no put had replaced the others."""

    def __repr__(self) -> str:
        return f"Siblings{tuple(self)!r}"


def identity(item: Any) -> tuple[type, Any]:
    """Tells 1 from True and 1.0, which are equal to Python, and works for lists."""
    return type(item), item if isinstance(item, str | int | Outcome) else repr(item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request of one client, as the client saw it.

    Attributes
    ----------
    kind : str
        "put" or "get"; for the models that know them also "cas" (compare-and-set), "append" or
        "add" (of an element to a set, of an amount to a counter), or a kind of your own.
    key : str
        What was written or read.
    value : object
        What a put wrote, or what an answered get returned (None: nothing there). Of a
        compare-and-set the pair (expected, new), of other kinds what they append or add.
    invoked, completed : float
        When the client asked, and when it was answered or stopped waiting, in ms. The operation
        spans the closed interval between them; an UNKNOWN one may still take effect afterwards.
    outcome : Outcome
        What the client knows.
    client, process : int
        The client (a row of the timeline), and the strictly sequential thread of it that did this.
        A client goes on as a new process after an UNKNOWN outcome. Unless given, the client's
        own number.
    node : int, str or None
        The node that the client talks to.
    deadline : float
        When the client stops waiting, in ms.
    result : object
        What an answered operation that is no get returned. A compare-and-set that met another
        value than it expected is OK with the result False.
    """

    kind: str
    key: Any
    value: Any = None
    invoked: float
    completed: float
    outcome: Outcome = Outcome.OK
    client: int = 0
    process: int = -1
    node: NodeId | None = None
    deadline: float = math.inf
    result: Any = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.invoked):
            raise ValueError(f"invoked must be a time in ms, got {self.invoked}")
        if not self.completed >= self.invoked:
            raise ValueError(
                f"completed must be at least invoked={self.invoked}, got {self.completed}"
            )
        if math.isnan(self.deadline):
            raise ValueError("deadline must be a time in ms, got nan")
        if self.process < 0:
            object.__setattr__(self, "process", self.client)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong from `at` to `until`, in ms; its kinds are in `capkit.network`."""

    at: float = 0.0
    until: float = math.inf

    kinds: ClassVar[dict[str, type[Fault]]] = {}

    def __init_subclass__(cls) -> None:
        Fault.kinds[cls.__name__] = cls

    def __post_init__(self) -> None:
        number("at", self.at, 0)
        if not self.until >= self.at:
            raise ValueError(f"until must be at least at={self.at}, got {self.until}")

    def stops(self, node: NodeId) -> bool:
        """Whether `node` is down while this fault lasts."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Fault):
    """A sentence that stands beside the faults of a run, and strikes nobody."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message between two nodes; `arrived` is infinite if it was lost. Times in ms.

    `lost` says why: "chance", "cut" (no open way), or "down" (an end had crashed).
    """

    label: str
    source: NodeId | None
    target: NodeId | None
    sent: float
    arrived: float
    operation: int | None = None
    lost: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """From `at` (ms) on, the copy of `key` at `node` holds `values`: one, none, or siblings."""

    at: float
    node: NodeId
    key: Any
    values: tuple[Any, ...]


def to_line(item: Operation | Fault | Message | Copy) -> str:
    """One line of JSON, with the line's end."""
    pairs = {field.name: _to_json(getattr(item, field.name)) for field in fields(item)}
    return json.dumps({"record": type(item).__name__} | pairs, allow_nan=False) + "\n"


def _to_json(item: Any) -> Any:
    if isinstance(item, Outcome):
        return item.value
    if isinstance(item, float) and math.isinf(item):
        return {"float": repr(item)}
    if isinstance(item, Siblings):
        return {"siblings": [_to_json(each) for each in item]}
    if isinstance(item, tuple):
        return {"tuple": [_to_json(each) for each in item]}
    if isinstance(item, list):
        return [_to_json(each) for each in item]
    return item


def _from_json(item: Any) -> Any:
    if isinstance(item, list):
        return [_from_json(each) for each in item]
    if not isinstance(item, dict):
        return item
    ((name, inside),) = item.items()
    makers: dict[str, Callable[[Any], Any]] = {"float": float, "siblings": Siblings, "tuple": tuple}
    return makers[name](_from_json(inside))


def from_line(line: str | bytes) -> Any:
    """The record that `to_line` wrote; a broken line raises what json or the record raises."""
    pairs = {name: _from_json(value) for name, value in json.loads(line).items()}
    record = pairs.pop("record")
    if record == "Operation":
        return Operation(**pairs | {"outcome": Outcome(pairs["outcome"])})
    return {"Message": Message, "Copy": Copy, **Fault.kinds}[record](**pairs)
