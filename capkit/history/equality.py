"""When two values are the same to a judge: if Python calls them equal, with three exceptions.

NaN equals itself, because whoever put it can get it back. True and 1 stay apart, because no store
confuses them. Siblings are not the tuple of their values. So 1, 1.0 and `np.int64(1)` are one
value, and so are dicts and sets that were written in another order.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Siblings(tuple[Any, ...]):
    """Values that a get found side by side because no put had replaced the others."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Siblings{tuple(self)!r}"


class Same:
    """A value that can be looked up in a dict, and prints as the value itself."""

    __slots__ = ("item", "name")

    def __init__(self, item: Any, name: Any) -> None:
        self.item, self.name = item, name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and bool(self.name == other.name)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return repr(self.item)


class _Opaque:
    """A value that cannot be hashed and is no collection that we know: its own == decides."""

    __slots__ = ("item",)

    def __init__(self, item: Any) -> None:
        self.item = item

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Opaque):
            return False
        if self.item is other.item:
            return True
        try:
            return bool(self.item == other.item)
        except Exception:  # a table of numbers has no single answer
            return False

    def __hash__(self) -> int:
        return hash(type(self.item))


def identity(item: Any) -> Any:
    """What stands for a value in a dict: equal for equal values, the value itself for most.

    Examples
    --------
    >>> import math
    >>> identity({"a": 1, "b": {2, 3}}) == identity({"b": {3, 2}, "a": 1.0})
    True
    >>> identity(True) == identity(1), identity(math.nan) == identity(math.nan)
    (False, True)
    """
    if type(item) is int or type(item) is str or item is None or isinstance(item, Same):
        return item
    if isinstance(item, np.generic) and not isinstance(item, np.datetime64 | np.timedelta64):
        item = item.item()
    if isinstance(item, bool):
        return Same(item, ("bool", int(item)))
    if isinstance(item, np.ndarray):
        return Same(item, ("array", item.shape, tuple(map(identity, item.ravel().tolist()))))
    if isinstance(item, list | tuple):
        return Same(item, (_family(item), tuple(map(identity, item))))
    if isinstance(item, dict):
        return Same(item, ("dict", frozenset((identity(k), identity(v)) for k, v in item.items())))
    if isinstance(item, set | frozenset):
        return Same(item, ("set", frozenset(map(identity, item))))
    if isinstance(item, bytearray):
        return bytes(item)
    return _single(item)


def _family(item: list[Any] | tuple[Any, ...]) -> str:
    if isinstance(item, Siblings):
        return "siblings"
    return "list" if isinstance(item, list) else "tuple"


def _single(item: Any) -> Any:
    """What stands for a value that is no collection."""
    try:
        hash(item)
        same = bool(item == item)
    except Exception:
        return Same(item, _Opaque(item))
    return item if same else Same(item, "not equal to itself")
