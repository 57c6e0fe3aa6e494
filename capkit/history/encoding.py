"""Columns of numbers from what users give, with errors that name the column and the row."""

from __future__ import annotations

from typing import Any

import numpy as np

from capkit._arguments import shown
from capkit.history.equality import identity
from capkit.history.order import Column
from capkit.history.records import LARGEST, Outcome


def integers(name: str, column: Any) -> Column:
    """A column of whole numbers."""
    array = column if isinstance(column, np.ndarray) else _array(column)
    if array.size and array.dtype.kind not in "iu":
        wrong = next((x for x in column if not _is_whole(x)), None)
        if wrong is None:
            raise ValueError(f"{name} must hold numbers below 2**63, got {shown(max(column))}")
        raise TypeError(f"{name} must hold whole numbers, got {shown(wrong)}")
    if array.size and array.max() > LARGEST:
        raise ValueError(f"{name} must hold numbers below 2**63, got {array.max()}")
    return array.astype(np.int64, copy=False)


def _array(column: Any) -> Column:
    """An array of plain numbers, or of objects where they are none."""
    try:
        array = np.asarray(column)
    except (ValueError, OverflowError):
        return np.array([*column, None], dtype=object)[:-1]
    return array


def _is_whole(item: Any) -> bool:
    return isinstance(item, int | np.integer) and not isinstance(item, bool)


def moments(name: str, column: Any) -> Column:
    """A column of times in ms, which may be infinite or NaN."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "iuf":
        return column.astype(np.float64, copy=False)
    for row, item in enumerate(column):
        if not isinstance(item, float) and (
            isinstance(item, bool)
            or not isinstance(item, int | np.integer | np.floating)
            or (isinstance(item, int) and abs(item) >= 2**1023)
        ):
            raise TypeError(f"{name} of operation {row} must be a time in ms, got {shown(item)}")
    return np.array(column, dtype=np.float64)


def code(
    name: str, column: Any, known: tuple[Any, ...]
) -> tuple[Column, tuple[Any, ...] | None, dict[int, Any]]:
    """Codes of the objects in a column; the table that decodes them; and what differs from that.

    Equal objects have one code. Those that are equal but not the same as in the table, say 1.0
    where the table has 1, are in a dict by row.
    """
    if isinstance(column, np.ndarray) and column.dtype.kind in "iu":
        return _coded(name, column, len(known)), known or None, {}
    codes = {identity(item): place for place, item in enumerate(known)}
    table, row, exact = list(known), [], {}
    for place, item in enumerate(column):
        try:
            number = -1 if item is None else codes.setdefault(identity(item), len(table))
        except RecursionError:
            raise ValueError(f"{name} of operation {place} is nested too deep") from None
        if number == len(table):
            table.append(_checked(name, place, item))
        elif number >= 0 and item is not table[number] and not _is_as_good(item, table[number]):
            exact[place] = item
        row.append(number)
    return np.array(row, dtype=np.int64), tuple(table), exact


def _coded(name: str, column: Column, known: int) -> Column:
    if column.size and not -1 <= column.min() <= column.max() <= (known - 1 if known else LARGEST):
        if column.min() < -1:
            raise ValueError(f"{name} codes must be at least -1 (None), got {column.min()}")
        rule = f"at most {known - 1}" if known else "below 2**63"
        raise ValueError(f"{name} codes must be {rule}, got {column.max()}")
    return column.astype(np.int64, copy=False)


def _checked(name: str, row: int, item: Any) -> Any:
    """A new entry for a table; raises if it cannot be a kind or an outcome."""
    if name == "outcome":
        names = ", ".join(map(str, Outcome))
        raise TypeError(f"outcome of operation {row} must be one of {names}, got {shown(item)}")
    if name == "kind" and not isinstance(item, str):
        raise TypeError(f"kind of operation {row} must be a name such as 'put', got {shown(item)}")
    plain = isinstance(item, np.generic) and not isinstance(item, np.datetime64 | np.timedelta64)
    return item.item() if plain else item


def _is_as_good(item: Any, other: Any) -> bool:
    """Whether one can be given out for an equal other one."""
    if type(item) is not type(other):
        return False
    return isinstance(item, int | str) or (isinstance(item, float) and item != 0)
