"""One node: a replica of a store, at one end of the network's cables."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from capkit.history import NodeId


class Node:
    """One replica: an id and what it holds.

    Parameters
    ----------
    id : int or str
        Its name, unique in a store.

    Attributes
    ----------
    data : dict
        What it holds.
    up : bool
        Whether it runs.
    forgot : bool
        Whether it ever lost its memory.
    incarnation : int
        How often it has been restarted.

    Examples
    --------
    >>> node = Node(0)
    >>> node.put("key", "value")
    >>> node.data
    {'key': 'value'}
    """

    def __init__(self, id: NodeId) -> None:
        if isinstance(id, bool) or not isinstance(id, int | str):
            raise TypeError(f"id must be an int or a str, got {id!r}")
        self.id = id
        self.data: dict[Hashable, Any] = {}
        self.up = True
        self.forgot = False
        self.incarnation = 0

    def put(self, key: Hashable, value: Any) -> None:
        """Hold `value` under `key`."""
        self.data[key] = value

    def get(self, key: Hashable) -> Any:
        """Return what it holds under `key`, or None."""
        return self.data.get(key)

    def __repr__(self) -> str:
        return f"Node({self.id!r})"
