"""What the clients of a store saw, as columns.

Everything that produces a history (a simulated store, a real database, a log file) and everything
that judges or draws one meets here, so this file knows none of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from capkit.history.jepsen import operations
from capkit.history.records import (
    Copy,
    Fault,
    Message,
    NodeId,
    Operation,
    Outcome,
    from_line,
    identity,
    to_line,
)

Column: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]

_TIMES = ("invoked", "completed", "deadline")
_CODED: dict[str, tuple[Any, ...]] = {
    "kind": ("put", "get"),
    "node": (),
    "key": (),
    "value": (),
    "outcome": tuple(Outcome),
    "result": (),
}
_FIELDS = tuple(field.name for field in fields(Operation))


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
        None, the codes stand for themselves.

    Raises
    ------
    ValueError
        If an operation completes before it is invoked, or a time is not a number.

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
        rows = list(operations)
        self._fill({name: [getattr(row, name) for row in rows] for name in _FIELDS})
        self.faults = tuple(faults)
        self.messages = tuple(messages)
        self.copies = tuple(copies)

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
            if name not in _FIELDS:
                raise ValueError(f"columns must be among {', '.join(_FIELDS)}, got {name!r}")
        for name in ("kind", "key", "invoked", "completed"):
            if name not in columns:
                raise ValueError(f"columns must include {name!r}, got {', '.join(columns)}")
        size = len(columns["kind"])
        for name, column in columns.items():
            if len(column) != size:
                raise ValueError(f"{name} must have {size} entries like kind, got {len(column)}")
        history = cls()
        history._fill(_defaults(size) | columns)
        return history

    def _fill(self, columns: Mapping[str, Any]) -> None:
        arrays: dict[str, Column] = {
            "client": np.asarray(columns["client"], dtype=np.int64),
            "process": np.asarray(columns["process"], dtype=np.int64),
        }
        unnamed = arrays["process"] < 0
        if unnamed.any():
            arrays["process"] = np.where(unnamed, arrays["client"], arrays["process"])
        for name in _TIMES:
            arrays[name] = np.asarray(columns[name], dtype=np.float64)
        for name, known in _CODED.items():
            arrays[name], table = _encode(columns[name], known)
            setattr(self, f"{name}s", table)
        for name, array in arrays.items():
            view = array.view()
            view.setflags(write=False)
            setattr(self, name, view)
        self._check_times()

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
        if not -len(self) <= index < len(self):
            raise IndexError(f"index must be below {len(self)} operations, got {index}")
        row: dict[str, Any] = {name: getattr(self, name)[index].item() for name in _FIELDS}
        for name in _CODED:
            row[name] = self.decode(name, row[name])
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
        return chosen

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
        """Write the history as JSON lines, one record a line, for `History.read`."""
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            for item in (*self.faults, *self.messages, *self.copies, *self):
                file.write(to_line(item))

    @classmethod
    def from_jepsen(cls, path: str | Path) -> History:
        """Read a log of the tester Jepsen: its own lines, or one EDN map a line.

        An operation without completion, or with `:info`, is UNKNOWN. A failed cas of its own value
        is an answer, the result False; all else that failed did not happen. Times are the lines'
        `:time`, in ms, or where there is none the number of lines before.

        Parameters
        ----------
        path : str or Path
            Lines like `INFO  jepsen.util - 3 <tab> :invoke <tab> :write <tab> 4` or
            `{:process 3, :type :invoke, :f :append, :key "x", :value "y"}`. Other loggers' lines
            and those of the nemesis are skipped.

        Returns
        -------
        History
            `:f` read and get are the kind "get", write and put are "put"; cas, append and add
            keep their names. Without `:key` the key is None; of pairs (key, value) it is the first.

        Raises
        ------
        ValueError
            If a line is broken; it is named by its number, and nothing is half-read.
        """
        with open(path, "rb") as file:
            return cls(operations(file, str(path)))

    @classmethod
    def read(cls, path: str | Path) -> History:
        """Read what `write` wrote.

        Raises
        ------
        ValueError
            If a line is broken; it is named by its number, and nothing is half-read.
        """
        rows: dict[str, list[Any]] = {"operations": [], "faults": [], "messages": [], "copies": []}
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    item = from_line(line)
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    raise ValueError(
                        f"line {number} of {path} must be a record: {error}"
                    ) from error
                rows[next(s for t, s in _SHELVES.items() if isinstance(item, t))].append(item)
        return cls(**rows)


_SHELVES = {Operation: "operations", Fault: "faults", Message: "messages", Copy: "copies"}


def _defaults(size: int) -> dict[str, Any]:
    plain = {"value": -1, "outcome": 0, "client": 0, "process": -1, "node": -1, "result": -1}
    return {name: np.broadcast_to(code, size) for name, code in plain.items()} | {
        "deadline": np.broadcast_to(math.inf, size),
    }


def _encode(column: Any, known: tuple[Any, ...]) -> tuple[Column, tuple[Any, ...] | None]:
    """Codes of the objects in `column`, and the table that decodes them."""
    if isinstance(column, np.ndarray) and np.issubdtype(column.dtype, np.integer):
        if column.size and column.min() < -1:
            raise ValueError(f"codes must be at least -1 (None), got {column.min()}")
        return column.astype(np.int64, copy=False), known or None
    codes = {identity(item): code for code, item in enumerate(known)}
    table = list(known)
    row = []
    for item in column:
        code = -1 if item is None else codes.setdefault(identity(item), len(table))
        if code == len(table):
            table.append(item)
        row.append(code)
    return np.array(row, dtype=np.int64), tuple(table)
