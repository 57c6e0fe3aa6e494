"""Stores of every kind on a network that by default loses nothing, and ways to use them."""

from functools import partial

import pytest

from capkit import APStore, CAStore, CPStore, DistributedStore, Network, Node, Unavailable
from capkit.stores import LeaderlessStore, LeaderStore, LeaseStore

STORES = {
    "thirty lines": DistributedStore,
    "CA, block": CAStore,
    "CA, failover": partial(CAStore, on_partition="failover"),
    "CP": CPStore,
    "CP, no write-back": partial(CPStore, write_back=False),
    "AP, last writer wins": APStore,
    "AP, siblings": partial(APStore, resolve="siblings"),
    "a leader, confirmed reads": LeaderStore,
    "a leader with a lease": partial(LeaderStore, reads="lease"),
    "a lock with a lease": LeaseStore,
    "no leader, quorums": LeaderlessStore,
}
every_store = pytest.mark.parametrize("make", STORES.values(), ids=STORES)


def new(make, size=3, **settings):
    """A store of so many nodes on a network that by default loses nothing and takes 10 ms."""
    network = Network(**{"loss": 0, "latency": 10, "rng": 7} | settings)
    return make([Node(i) for i in range(size)], network)


def traced(store, *calls):
    """Every message of some calls: label, from, to, sent, arrived."""
    store.network.messages = []
    for call in calls:
        call()
    return [(m.label, m.source, m.target, m.sent, m.arrived) for m in store.network.messages]


def silent(call, *arguments, **settings):
    """The sentence of a call that gets no answer."""
    with pytest.raises(Unavailable) as refusal:
        call(*arguments, **settings)
    assert not refusal.value.certain
    return str(refusal.value)


def later(store, kind, *arguments, at):
    """Begin an operation that may fail, without waiting for it."""
    store.env.process(store.serve(kind, *arguments, at=at)).defused = True
