"""The context of an earlier read, which the client of a store with siblings passes with a put."""

import pytest

from capkit.history import Siblings
from capkit.network import Network, Node
from capkit.stores import APStore, LeaderlessStore, Unavailable


def made(store):
    nodes, network = [Node(i) for i in range(6)], Network(loss=0.0, rng=7)
    if store == "AP":
        return APStore(nodes, network, resolve="siblings")
    return LeaderlessStore(nodes, network, resolve="siblings")


def in_conflict(store):
    """A store with two siblings, that all nodes hold."""
    conflict = made(store)
    conflict.network.partition({0, 2, 4}, {1, 3, 5})
    conflict.put("cart", "milk", at=0)
    conflict.put("cart", "eggs", at=1)
    conflict.network.heal()
    conflict.wait(2_000)
    return conflict


each_store = pytest.mark.parametrize("store", ["AP", "leaderless"])


def all_of(value):
    return set(value) if isinstance(value, Siblings) else {value}


@each_store
def test_a_client_that_has_read_nothing_replaces_nothing(store):
    conflict = in_conflict(store)
    for at, more in enumerate(["tea", "salt", "rice"]):
        conflict.put("cart", more, at=at, context=())
        conflict.wait(500)
    assert all_of(conflict.get("cart", at=5)) == {"milk", "eggs", "tea", "salt", "rice"}
    assert conflict.lost() == []


@each_store
def test_one_node_puts_twice_for_clients_that_have_read_nothing(store):
    """A version vector alone would take the second for a successor of the first: hence the dots."""
    conflict = made(store)
    conflict.put("cart", "milk", at=0, context=())
    conflict.put("cart", "eggs", at=0, context=())
    conflict.wait(500)
    assert all_of(conflict.get("cart", at=0)) == {"milk", "eggs"}


@each_store
def test_a_client_replaces_what_it_has_read_and_no_more(store):
    conflict = in_conflict(store)
    value, seen = conflict.read("cart", at=2)
    assert all_of(value) == {"milk", "eggs"}
    conflict.put("cart", "tea", at=3, context=())
    conflict.wait(500)
    conflict.put("cart", "milk and eggs", at=2, context=seen)
    conflict.wait(500)
    assert all_of(conflict.get("cart", at=1)) == {"tea", "milk and eggs"}
    assert conflict.lost() == []


@each_store
def test_without_a_context_the_coordinator_says_what_a_put_replaces(store):
    conflict = in_conflict(store)
    conflict.put("cart", "tea", at=3)
    conflict.wait(500)
    assert conflict.get("cart", at=1) == "tea"
    assert conflict.lost() == []  # as if the client had read them


@each_store
def test_an_old_context_replaces_old_versions_only(store):
    conflict = made(store)
    conflict.put("cart", "milk", at=0)
    conflict.wait(500)
    _, old = conflict.read("cart", at=0)
    conflict.put("cart", "eggs", at=1)
    conflict.wait(500)
    conflict.put("cart", "bread", at=2, context=old)
    conflict.wait(500)
    assert all_of(conflict.get("cart", at=3)) == {"eggs", "bread"}


@each_store
def test_a_read_that_is_refused_says_so(store):
    conflict = made(store)
    conflict.network.crash(0, lose_memory=False)
    with pytest.raises(Unavailable, match="node 0"):
        conflict.read("cart", at=0)
