"""Makers of stores: what the adversary is given, since it needs a fresh store for every run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from capkit.network import Network
from capkit.stores import Node, Store

Maker: TypeAlias = Callable[[list[Node], Network], Store]

LATENCY = 10.0
"""Ms that every message takes, one way: nothing but the schedule is to decide what happens."""


SEED = 7


def calm() -> Network:
    """A network that loses nothing and takes `LATENCY` ms for each message."""
    return Network(loss=0.0, latency=LATENCY, rng=SEED)


def build(make: Maker, size: int, network: Network) -> Store:
    """A fresh store of nodes 0, 1, ..., or an error that says what `make` must be."""
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
