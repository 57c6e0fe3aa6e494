"""Makers of stores: classes or functions that give each run a fresh store."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from capkit.network import Network, Node
from capkit.stores.store import Store

Maker: TypeAlias = Callable[[list[Node], Network], Store]
"""A subclass of `Store`, or a function of nodes and a network."""


def build(make: Maker, size: int, network: Network) -> Store:
    """Make a fresh store of nodes 0, 1, ... on a network.

    Raises
    ------
    TypeError
        If `make` cannot be called, or makes something else.
    ValueError
        If its store is on another network.
    """
    if not callable(make):
        raise TypeError(f"make must be a Store or a function of (nodes, network), got {make!r}")
    store = make([Node(i) for i in range(size)], network)
    if not isinstance(store, Store):
        raise TypeError(f"make must return a Store, got {store!r}")
    if store.network is not network:
        raise ValueError(f"make must use the network that it is given, got {store.network!r}")
    return store


def name_of(make: Any) -> str:
    """What to call the stores of a maker.

    Examples
    --------
    >>> from capkit import CPStore
    >>> name_of(partial(CPStore, write_back=False))
    'CPStore(write_back=False)'
    """
    if isinstance(make, partial):
        settings = ", ".join(f"{name}={value!r}" for name, value in make.keywords.items())
        return f"{name_of(make.func)}({settings})"
    return str(getattr(make, "__name__", make))
