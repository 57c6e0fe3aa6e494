"""What the clients of a store saw, as columns.

Everything that produces a history (a simulated store, a real database, a log file) and everything
that judges or draws one meets here, so this file knows none of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from capkit._arguments import count, instance, shown
from capkit.history import files
from capkit.history.encoding import code, integers, moments
from capkit.history.order import Column, Mask, Order, Ranks, order
from capkit.history.records import Copy, Fault, Message, NodeId, Operation, Outcome

__all__ = ["Column", "History", "Mask"]

_TIMES = ("invoked", "completed", "deadline")
_CODED: dict[str, tuple[Any, ...]] = {
    "kind": ("put", "get"),
    "node": (),
    "key": (),
    "value": (),
    "outcome": tuple(Outcome),
    "result": (),
}
_RANKS = ("began", "ended")
_FIELDS = tuple(field.name for field in fields(Operation) if field.name not in _RANKS)


class History:
    """Operations in the order of their invocation, kept as columns.

    Parameters
    ----------
    operations : iterable of Operation
        What the clients saw.
    faults, messages, copies : sequences, optional
        The faults of the run, its messages (when traced) and the changes of the replicas' copies.

    Attributes
    ----------
    client, process : ndarray of int, shape (len,)
    invoked, completed, deadline : ndarray of float, shape (len,)
        Times in ms.
    kind, node, key, value, outcome, result : ndarray of int, shape (len,)
        Codes, -1 for None. The tuples `kinds` (puts are 0, gets 1), `nodes`, `keys`, `values`,
        `outcomes` (OK 0, FAIL 1, UNKNOWN 2) and `results` say what they stand for. Where one is
        None, the codes stand for themselves. Equal values have one code.
    began, ended : ndarray of number, shape (len,)
        Ranks of the events, by which judges tell what came first: one operation comes before
        another if its `ended` is below the other's `began`. A log gives them by its lines, else
        they come from the times.

    Raises
    ------
    TypeError, ValueError
        If an operation completes before it is invoked, a time is not a number, or some operations
        have ranks of a log and others have none.

    Examples
    --------
    >>> put = Operation(kind="put", key="x", value=1, invoked=0, completed=10)
    >>> get = Operation(kind="get", key="x", value=1, invoked=20, completed=25, client=1)
    >>> history = History([put, get])
    >>> len(history), history[1].value, history.invoked.tolist()
    (2, 1, [0.0, 20.0])
    """

    client: Column
    process: Column
    invoked: Column
    completed: Column
    deadline: Column
    kind: Column
    node: Column
    key: Column
    value: Column
    outcome: Column
    result: Column
    kinds: tuple[str, ...]
    nodes: tuple[NodeId, ...] | None
    keys: tuple[Any, ...] | None
    values: tuple[Any, ...] | None
    outcomes: tuple[Outcome, ...]
    results: tuple[Any, ...] | None

    def __init__(
        self,
        operations: Iterable[Operation] = (),
        *,
        faults: Iterable[Fault] = (),
        messages: Iterable[Message] = (),
        copies: Iterable[Copy] = (),
    ) -> None:
        rows = _rows(operations)
        columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in _FIELDS}
        ranks = {name: [getattr(row, name) for row in rows] for name in _RANKS}
        self._fill(columns | (ranks if any(map(_is_ranked, rows)) else {}))
        self.faults = _records("faults", faults, Fault)
        self.messages = _records("messages", messages, Message)
        self.copies = _records("copies", copies, Copy)

    @classmethod
    def from_columns(cls, **columns: Sequence[Any] | Column) -> History:
        """A history from whole columns, named as the attributes of `Operation`.

        Lists hold the objects themselves. In integer arrays for `node`, `key` and `value` a
        number stands for itself and -1 for None, which keeps a million operations cheap. Arrays
        are not copied.

        Raises
        ------
        ValueError
            If a column is unknown, missing, or of another length than the rest.

        Examples
        --------
        >>> History.from_columns(
        ...     kind=["put", "get"],
        ...     key=["x", "x"],
        ...     value=np.array([5, 5]),
        ...     invoked=[0, 2],
        ...     completed=[1, 3],
        ... )[1].value
        5
        """
        for name in columns:
            if name not in _FIELDS + _RANKS:
                raise ValueError(f"columns must be among {', '.join(_FIELDS)}, got {name!r}")
        for name in ("kind", "key", "invoked", "completed"):
            if name not in columns:
                raise ValueError(f"columns must include {name!r}, got {', '.join(columns)}")
        for name, column in columns.items():
            if isinstance(column, str | bytes) or not isinstance(column, Sequence | np.ndarray):
                raise TypeError(f"{name} must be a list or an array, got {shown(column)}")
        size = len(columns["kind"])
        for name, column in columns.items():
            if len(column) != size:
                raise ValueError(f"{name} must have {size} entries like kind, got {len(column)}")
        history = cls()
        history._fill(_defaults(size) | columns)
        return history

    def _fill(self, columns: Mapping[str, Any]) -> None:
        arrays = {name: integers(name, columns[name]) for name in ("client", "process")}
        unnamed = arrays["process"] < 0
        if unnamed.any():
            arrays["process"] = np.where(unnamed, arrays["client"], arrays["process"])
        for name in _TIMES:
            arrays[name] = moments(name, columns[name])
        self._exact: dict[tuple[str, int], Any] = {}
        for name, known in _CODED.items():
            arrays[name], table, exact = code(name, columns[name], known)
            self._exact |= {(name, row): item for row, item in exact.items()}
            setattr(self, f"{name}s", table)
        for name, array in arrays.items():
            setattr(self, name, _fixed(array))
        self._ranks = self._ranks_of_a_log(columns)
        self._check_times()

    def _ranks_of_a_log(self, columns: Mapping[str, Any]) -> tuple[Column, Column] | None:
        given = [name for name in _RANKS if name in columns]
        if not given:
            return None
        if len(given) < 2:
            raise ValueError(f"began and ended must be given together, got {given[0]}")
        began, ended = (_fixed(integers(name, columns[name])) for name in _RANKS)
        for name, wrong in (("began", began < 0), ("ended", ended <= began)):
            if wrong.any():
                row = int(np.argmax(wrong))
                rule = "given for all operations or none, began before ended"
                raise ValueError(f"{name} of operation {row} must be {rule}")
        return began, ended

    def _check_times(self) -> None:
        rules = {
            "invoked": (np.isfinite(self.invoked), "a time in ms"),
            "completed": (self.completed >= self.invoked, "at least invoked"),
            "deadline": (~np.isnan(self.deadline), "a time in ms"),
        }
        for name, (holds, rule) in rules.items():
            if not holds.all():
                row = int(np.argmin(holds))
                found = getattr(self, name)[row]
                raise ValueError(f"{name} of operation {row} must be {rule}, got {found}")

    def __len__(self) -> int:
        return len(self.invoked)

    def __getitem__(self, index: int) -> Operation:
        index = count("index", index, -(2**63))
        if not -len(self) <= index < len(self):
            raise IndexError(f"index must be below {len(self)} operations, got {shown(index)}")
        row: dict[str, Any] = {name: getattr(self, name)[index].item() for name in _FIELDS}
        for name in _CODED:
            row[name] = self.decode(name, row[name])
            if self._exact:
                row[name] = self._exact.get((name, index % len(self)), row[name])
        if self._ranks:
            row |= {"began": self._ranks[0][index].item(), "ended": self._ranks[1][index].item()}
        return Operation(**row)

    def __iter__(self) -> Iterator[Operation]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        answered = int(self.is_ok.sum())
        return f"<History of {len(self)} operations, {answered} answered>"

    def decode(self, column: str, code: int) -> Any:
        """The object that a code of `column` stands for."""
        table = getattr(self, f"{column}s")
        if code < 0:
            return None
        return code if table is None else table[code]

    def select(self, rows: Column) -> History:
        """The operations that a mask or an index array picks, with the same faults and copies."""
        chosen = History(faults=self.faults, messages=self.messages, copies=self.copies)
        for name in _CODED:
            setattr(chosen, f"{name}s", getattr(self, f"{name}s"))
        for name in _FIELDS:
            setattr(chosen, name, getattr(self, name)[rows])
        chosen._ranks = self._ranks and (self._ranks[0][rows], self._ranks[1][rows])
        if self._exact:
            places = enumerate(np.arange(len(self))[rows].tolist())
            pairs = [(name, new, old) for new, old in places for name in _CODED]
            found = self._exact
            chosen._exact = {(n, new): found[n, old] for n, new, old in pairs if (n, old) in found}
        return chosen

    @cached_property
    def order(self) -> Order:
        """What came first; see `capkit.history.order`."""
        if self._ranks:
            return Order(*self._ranks)
        return order(self.process, self.invoked, self.completed, self.is_ok)

    @property
    def rough(self) -> Ranks:
        """Ranks that say less than `began` and `ended` may, and cost nothing."""
        return self._ranks or (self.invoked, self.completed)

    @property
    def began(self) -> Column:
        """Ranks of the starts among all events."""
        return self.order.began

    @property
    def ended(self) -> Column:
        """Ranks of the ends among all events."""
        return self.order.ended

    @property
    def is_put(self) -> Mask:
        """Mask of the puts."""
        return np.equal(self.kind, 0)

    @property
    def is_get(self) -> Mask:
        """Mask of the gets."""
        return np.equal(self.kind, 1)

    @property
    def is_ok(self) -> Mask:
        """Mask of the operations that were answered in time."""
        return np.equal(self.outcome, 0)

    def write(self, path: str | Path) -> None:
        """Write the history as JSON lines, one record a line, for `History.read`.

        A file that is there is replaced as a whole at the end, or not at all.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        TypeError
            If a value is no plain data: numbers, texts, bytes, None, and lists, tuples, sets and
            dicts of them.
        ValueError
            If there is something of this name that is no file.
        """
        files.write(path, (*self.faults, *self.messages, *self.copies, *self))

    @classmethod
    def from_jepsen(cls, path: str | Path) -> History:
        """Read a log of the tester Jepsen or of its kind.

        The order of the lines is the order of the events. Times are the events' `:time`, in ms; if
        any event has none, all events are numbered instead.

        An operation without completion, or with `:info`, is UNKNOWN, and a process that goes on
        after it does so as a new one. What failed (`:fail`) did not happen, and says nothing else.
        A process that is no whole number, say "a" or :c1, gets a number that no other one has.

        Parameters
        ----------
        path : str or Path
            EDN: maps like `{:process 3, :type :ok, :f :append, :key "x", :value "y"}`, one after
            another or in one collection. Or `history.txt` with tabs or spaces, or a log with lines
            like `INFO  jepsen.util - 3 <tab> :invoke <tab> :write <tab> 4`, whatever stands before
            the process or the map; what other loggers say is skipped. Or such events as JSON.

        Returns
        -------
        History
            `:f` read and get are the kind "get", write and put are "put"; all others keep their
            names, and `result` is what they returned. Without `:key` the key is None; of pairs
            [key value] it is the first. What the nemesis did is in `faults`: as `Partition`,
            `Crash` or `Pause` if it says whom it struck, else as a note.

        Raises
        ------
        ValueError
            If a line is broken or a transaction; the error names its number, and nothing is
            half-read. Also if the file has only lines of other loggers.
        """
        return cls(**files.read_log(path))

    @classmethod
    def read(cls, path: str | Path) -> History:
        """Read what `write` wrote.

        Raises
        ------
        ValueError
            If a line is broken; the error names its number, and nothing is half-read.
        """
        return cls(**files.read(path))


def a_history(history: object) -> History:
    """Return it if it is a `History`, else say what a student has probably forgotten."""
    return instance("history", history, History, "wrap the operations in History(...)")


def _rows(operations: Iterable[Operation]) -> list[Operation]:
    if not isinstance(operations, Iterable) or isinstance(operations, str | Mapping):
        raise TypeError(f"operations must be a list of Operation, got {shown(operations)}")
    rows = list(operations)
    for row in rows:
        instance("each of operations", row, Operation)
    return rows


def _records(name: str, items: Iterable[Any], kind: type[Any]) -> tuple[Any, ...]:
    if not isinstance(items, Iterable):
        raise TypeError(f"{name} must be a list of {kind.__name__}, got {shown(items)}")
    return tuple(instance(f"each of {name}", item, kind) for item in items)


def _is_ranked(operation: Operation) -> bool:
    return operation.began >= 0 or operation.ended >= 0


def _fixed(array: Column) -> Column:
    """The same numbers, not to be changed."""
    view = array.view()
    view.setflags(write=False)
    return view


def _defaults(size: int) -> dict[str, Any]:
    plain = {"value": -1, "outcome": 0, "client": 0, "process": -1, "node": -1, "result": -1}
    return {name: np.broadcast_to(each, size) for name, each in plain.items()} | {
        "deadline": np.broadcast_to(math.inf, size),
    }
