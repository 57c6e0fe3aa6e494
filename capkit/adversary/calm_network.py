"""The network on which schedules run: nothing but their faults is to decide what happens."""

from __future__ import annotations

from capkit.network import Network

LATENCY = 10.0
"""Ms that every message takes, one way."""

SEED = 7


def calm() -> Network:
    """A network that loses nothing and takes `LATENCY` ms for each message."""
    return Network(loss=0.0, latency=LATENCY, rng=SEED)
