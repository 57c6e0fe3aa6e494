"""The records that a history is made of."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, ClassVar, TypeAlias

import numpy as np

from capkit._arguments import number, shown

NodeId: TypeAlias = int | str


def in_order(node: NodeId) -> tuple[str, NodeId]:
    """Sorts nodes by name, whether those are numbers or words."""
    return type(node).__name__, node


class Outcome(Enum):
    """What a client knows about its operation when it stops waiting.

    OK: answered in time. FAIL: it certainly did not happen. UNKNOWN: no answer; it may take effect
    at any time from its invocation on, or never.
    """

    OK = "OK"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


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
    began, ended : int
        Where a log's lines have an order: the places of this operation's two events in it. They
        decide what came first, whatever the times say, which may be coarse. Otherwise -1.
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
    began: int = field(default=-1, repr=False)
    ended: int = field(default=-1, repr=False)

    def __post_init__(self) -> None:
        _check_kinds(self)
        if not math.isfinite(_time("invoked", self.invoked)):
            raise ValueError(f"invoked must be a time in ms, got {self.invoked}")
        if not _time("completed", self.completed) >= self.invoked:
            raise ValueError(
                f"completed must be at least invoked={self.invoked}, got {self.completed}"
            )
        if math.isnan(_time("deadline", self.deadline)):
            raise ValueError("deadline must be a time in ms, got nan")
        if self.process < 0:
            object.__setattr__(self, "process", self.client)
        if isinstance(self.result, np.bool_):
            object.__setattr__(self, "result", bool(self.result))


def _time(name: str, value: object) -> float:
    """A time as a float, which may be infinite or NaN."""
    if isinstance(value, float):
        return value
    if isinstance(value, bool) or not isinstance(value, int | np.integer | np.floating):
        raise TypeError(f"{name} must be a time in ms, got {shown(value)}")
    if isinstance(value, int) and abs(value) >= 2**1023:
        raise ValueError(f"{name} must be a time in ms, got {shown(value)}")
    return float(value)


LARGEST = 2**63 - 1  # what a column of whole numbers can hold


def _check_kinds(operation: Operation) -> None:
    if not isinstance(operation.kind, str):
        raise TypeError(f"kind must be a name such as 'put', got {shown(operation.kind)}")
    if not isinstance(operation.outcome, Outcome):
        names = ", ".join(map(str, Outcome))
        raise TypeError(f"outcome must be one of {names}, got {shown(operation.outcome)}")
    for name in ("client", "process", "began", "ended"):
        value = getattr(operation, name)
        if type(value) is not int and not isinstance(value, np.integer):
            raise TypeError(f"{name} must be a whole number, got {shown(value)}")
        if not -LARGEST <= value <= LARGEST:
            raise ValueError(f"{name} must be below 2**63, got {shown(value)}")


def as_processes(operations: list[Operation], clients: int) -> list[Operation]:
    """Give a client a new process where its last operation is unknown or still under way."""
    current, fresh = list(range(clients)), itertools.count(clients)
    free = [0.0] * clients
    threads = []
    for operation in operations:
        client = operation.client
        if operation.invoked < free[client]:
            current[client] = next(fresh)
        threads.append(replace(operation, process=current[client]))
        unknown = operation.outcome is Outcome.UNKNOWN
        free[client] = math.inf if unknown else operation.completed
    return threads


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
        if not _time("until", self.until) >= self.at:
            raise ValueError(f"until must be at least at={self.at}, got {self.until}")

    def stops(self, node: NodeId) -> bool:
        """Whether `node` is down while this fault lasts."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Fault):
    """What else a log or a run reports: a sentence that affects no node."""

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
