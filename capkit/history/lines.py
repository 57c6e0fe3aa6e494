"""How each record of a history becomes one line of JSON, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np

from capkit._arguments import shown
from capkit.history.equality import Siblings
from capkit.history.records import Copy, Fault, Message, Operation, Outcome

Record = Operation | Fault | Message | Copy


def to_line(item: Record) -> str:
    """One line of JSON, with the line's end.

    Raises
    ------
    TypeError
        If a field holds what could not be read back.
    """
    pairs = {}
    for each in fields(item):
        value = getattr(item, each.name)
        if each.name in ("began", "ended") and value == -1:
            continue
        try:
            pairs[each.name] = json.dumps(_to_json(value), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            what = f"{each.name} of {type(item).__name__}"
            raise TypeError(f"{what} must be plain data to be written: {error}") from None
    whole = ", ".join(f'"{name}": {text}' for name, text in pairs.items())
    return f'{{"record": "{type(item).__name__}", {whole}}}\n'


def _to_json(item: Any) -> Any:
    if item is None or isinstance(item, bool):
        return item
    if isinstance(item, Outcome):
        return item.value
    if isinstance(item, np.generic):
        return _to_json(item.item())
    if type(item) is float:
        return item if math.isfinite(item) else {"float": repr(item)}
    if isinstance(item, int | str):
        return item
    if type(item) is list:
        return _list(item)
    for name, (kind, pack, _) in _PACKED.items():
        if type(item) is kind:
            return {name: pack(item)}
    raise TypeError(f"got {shown(item)}, a {type(item).__name__}")


def _list(items: Iterable[Any]) -> list[Any]:
    return [_to_json(each) for each in items]


def _set(items: set[Any] | frozenset[Any]) -> list[Any]:
    return sorted(_list(items), key=json.dumps)


def _pairs(item: dict[Any, Any]) -> list[Any]:
    return [[_to_json(key), _to_json(value)] for key, value in item.items()]


# What JSON has no word for: its type, how it is packed, and how it is unpacked again.
_PACKED: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "float": (type(None), repr, float),
    "siblings": (Siblings, _list, Siblings),
    "tuple": (tuple, _list, tuple),
    "dict": (dict, _pairs, dict),
    "set": (set, _set, set),
    "frozenset": (frozenset, _set, frozenset),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
    "fraction": (Fraction, str, Fraction),
}


def _from_json(item: Any) -> Any:
    if isinstance(item, list):
        return [_from_json(each) for each in item]
    if not isinstance(item, dict):
        return item
    ((name, inside),) = item.items()
    return _PACKED[name][2](_from_json(inside))


def from_line(line: str | bytes) -> Any:
    """The record that `to_line` wrote; a broken line raises what json or the record raises."""
    pairs = {name: _from_json(value) for name, value in json.loads(line).items()}
    record = pairs.pop("record")
    if record == "Operation":
        return Operation(**pairs | {"outcome": Outcome(pairs["outcome"])})
    return {"Message": Message, "Copy": Copy, **Fault.kinds}[record](**pairs)
