"""A log of writes: what every store with one writer at a time keeps, in the order of the writes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One write in the log; its operation's number makes a repeated request harmless."""

    number: int
    key: Hashable
    value: Any


def newest(log: Iterable[Entry]) -> dict[Hashable, Any]:
    """What each key holds after all writes of a log.

    Examples
    --------
    >>> newest([Entry(0, "x", 1), Entry(1, "y", 2), Entry(2, "x", 3)])
    {'x': 3, 'y': 2}
    """
    return {entry.key: entry.value for entry in log}
