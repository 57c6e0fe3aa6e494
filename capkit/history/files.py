"""Histories in files: JSON lines of our own, written as a whole or not at all, and others' logs."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from capkit._arguments import shown, told
from capkit.history.jepsen import read_events
from capkit.history.lines import Record, from_line, to_line
from capkit.history.records import Copy, Fault, Message, Operation

_SHELVES: dict[type[Any], str] = {
    Operation: "operations",
    Fault: "faults",
    Message: "messages",
    Copy: "copies",
}
BROKEN = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


def write(path: str | Path, items: Iterable[Record]) -> None:
    """Write one record a line to a file beside, and give it the name when it is whole."""
    whole = _named(path).resolve()  # behind links, which stay
    if whole.exists() and not whole.is_file():
        raise ValueError(f"path must be a file, got {shown(str(path))}")
    part = whole.with_name(f".{secrets.token_hex(8)}.part")  # a name that no other run takes
    try:
        with open(part, "x", encoding="utf-8", newline="\n") as file:
            file.writelines(map(to_line, items))
        if whole.exists():
            shutil.copymode(whole, part)
        os.replace(part, whole)
    finally:
        part.unlink(missing_ok=True)


def _named(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be the name of a file, got {shown(path)}")
    return Path(path)


def read(path: str | Path) -> dict[str, list[Any]]:
    """The records that `write` wrote, by shelf; a broken line is named by its number."""
    found: dict[str, list[Any]] = {shelf: [] for shelf in _SHELVES.values()}
    with open(_named(path), "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                item = from_line(line)
            except BROKEN as error:
                why = told(str(error)) or type(error).__name__
                raise ValueError(f"line {number} of {path} must be a record: {why}") from None
            shelf = next(name for kind, name in _SHELVES.items() if isinstance(item, kind))
            found[shelf].append(item)
    return found


def read_log(path: str | Path) -> dict[str, list[Any]]:
    """Operations and faults of a log of Jepsen or its kind."""
    with open(_named(path), "rb") as file:
        return read_events(file.read(), str(path))
