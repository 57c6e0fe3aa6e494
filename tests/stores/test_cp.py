"""Majority quorums, and what breaks when a part of them is left out."""

import pytest
from support.stores import later, new, silent, traced

from capkit import CPStore, Partition, Skew, Workload, run
from capkit.consistency import availability, linearizable


def cp(*, write_back=True, rejoin=False, **settings):
    """Three nodes without loss; every message takes 10 ms."""
    return new(
        lambda nodes, network: CPStore(nodes, network, write_back=write_back, rejoin=rejoin),
        **settings,
    )


def both_ways(purpose, source, sent):
    """Messages of one round of `source` to all of three nodes, and their answers."""
    others = [node for node in range(3) if node != source]
    return [
        (purpose, source, source, sent, sent),
        (f"{purpose}: answer", source, source, sent, sent),
        *((purpose, source, other, sent, sent + 10) for other in others),
        *((f"{purpose}: answer", other, source, sent + 10, sent + 20) for other in others),
    ]


# The protocol.


def test_a_put_asks_a_majority_and_then_tells_a_majority():
    store = cp()
    messages = traced(store, lambda: store.put("x", 1, at=1), lambda: store.wait(0.1))
    assert messages == both_ways("query", 1, 0) + both_ways("store", 1, 20)


def test_a_get_asks_a_majority_and_is_done_if_it_agrees():
    store = cp()
    messages = traced(store, lambda: store.get("x", at=2), lambda: store.wait(0.1))
    assert messages == both_ways("query", 2, 0)


def test_a_get_whose_majority_disagrees_writes_back_before_it_answers():
    store = cp()
    store.network.crash(2)
    store.put("x", 1, at=0)
    store.network.restart(2)
    start = store.env.now
    messages = traced(store, lambda: store.get("x", at=2), lambda: store.wait(0.1))
    assert messages == both_ways("query", 2, start) + both_ways("store", 2, start + 20)
    assert store.nodes[2].data["x"].value == 1


@pytest.mark.parametrize("seed", range(10))
def test_a_put_that_is_sent_again_keeps_its_tag(seed):
    store = cp(loss=0.6, reply_loss=0.5, rng=seed)
    store.timeout = 10_000.0
    store.put("x", 1)
    store.wait(100)
    tags = {node.data["x"].tag for node in store.nodes if node.data}
    assert tags == {(1, (0, 0))}


def test_a_put_counts_one_more_than_the_highest_counter_that_it_saw():
    store = cp()
    store.get("x")
    tags = []
    for node in (2, 0, 1):
        store.put("x", "value", at=node)
        tags.append(store.nodes[node].data["x"].tag)
    assert tags == [(1, (2, 1)), (2, (0, 2)), (3, (1, 3))]


def test_two_puts_whose_quorums_do_not_meet_number_alike_and_the_later_one_is_lost():
    """N = 4 and W = 2: R + W > N with R = 3, but W + W > N does not hold."""
    store = new(CPStore, 4)
    store.majority = 2
    store.network.partition({0, 1}, {2, 3})
    store.put("x", "first", at=2)
    store.wait(1)
    store.put("x", "second", at=0)
    store.network.heal()
    store.majority = 3
    assert [node.data["x"].tag[0] for node in store.nodes] == [1, 1, 1, 1]
    assert [store.get("x", at=node) for node in range(4)] == ["first"] * 4
    assert not linearizable(store.history())


def test_of_two_puts_whose_quorums_meet_the_second_learns_of_the_first():
    store = new(CPStore, 4)  # W = 3
    store.network.partition({0, 1}, {2, 3})
    assert "needed 3 of 4 replicas" in silent(store.put, "x", "refused", at=2)
    store.network.heal()
    store.put("x", "first", at=2)
    store.put("x", "second", at=0)
    assert store.get("x", at=3) == "second"


@pytest.mark.parametrize("same_tag, values", [(False, {"b"}), (True, {"a", "b"})])
def test_the_id_of_the_operation_decides_between_equal_counters(same_tag, values):
    store = cp()
    if same_tag:
        store.tie_break = lambda request: 0
    later(store, "put", "x", "a", at=0)
    later(store, "put", "x", "b", at=1)
    store.wait(200)
    assert {node.data["x"].value for node in store.nodes} == values


def test_skewed_clocks_change_nothing():
    plain, skewed = (
        run(cp(loss=0.2), Workload(rng=1), faults)
        for faults in ([], [Skew(node=0, offset=500), Skew(node=1, offset=-500)])
    )
    assert list(plain) == list(skewed)


# Cuts and crashes.


@pytest.mark.parametrize("size, cut_off, silent_ones", [(3, {0}, "1, 2"), (5, {0, 3}, "1, 2, 4")])
@pytest.mark.parametrize("kind, arguments", [("put", ("x", 1)), ("get", ("x",))])
def test_a_minority_is_told_which_replicas_are_missing(kind, arguments, size, cut_off, silent_ones):
    store = cp(size=size)
    store.network.partition(cut_off)
    assert silent(getattr(store, kind), *arguments, at=0) == (
        f"{kind} needed {size // 2 + 1} of {size} replicas, but {silent_ones} did not answer "
        "within 1000 ms"
    )


@pytest.mark.parametrize("size, half", [(2, {0}), (4, {0, 1})])
def test_neither_half_of_an_even_number_is_a_majority(size, half):
    store = cp(size=size)
    store.network.partition(half)
    silent(store.put, "x", 1, at=0)
    silent(store.put, "x", 1, at=size - 1)


def test_the_side_with_a_majority_goes_on():
    store = cp(size=5)
    store.network.partition({0, 1}, {2, 3, 4})
    store.put("x", "new", at=3)
    assert store.get("x", at=2) == "new"
    store.network.heal()
    assert store.get("x", at=0) == "new"


@pytest.mark.parametrize("from_here", [True, False], ids=["asks in vain", "hears nothing"])
def test_one_way_is_not_enough(from_here):
    store = cp()
    groups = [{0}, {1, 2}] if from_here else [{1, 2}, {0}]
    store.network.partition(*groups, one_way=True)
    silent(store.put, "x", 1, at=0)
    assert store.get("x", at=1) is None


def test_a_crash_that_keeps_the_disk_loses_nothing():
    store = cp()
    store.put("x", "kept")
    for node in range(3):
        store.network.crash(node)
    for node in range(3):
        store.network.restart(node)
    assert [store.get("x", at=node) for node in range(3)] == ["kept"] * 3


def test_during_a_cut_it_is_linearizable_and_the_minority_is_not_served():
    cut = Partition(at=0, until=2_400, groups=[{0, 1}, {2, 3, 4}])
    history = run(cp(size=5, loss=0.1), Workload(clients=5, rng=7), [cut])
    assert linearizable(history)
    minority = history.select(history.client < 2)
    majority = history.select(history.client >= 2)
    assert (availability(minority), availability(majority)) == (0, 1)


# Nodes that lost their memory.


def test_a_node_that_lost_its_memory_never_counts_again():
    store = cp()
    store.put("x", "kept")
    store.network.crash(1, lose_memory=True)
    store.network.restart(1)
    assert store.get("x", at=1) == "kept"
    store.put("x", "new")
    store.wait(100)
    assert store.nodes[1].data == {}
    store.network.partition({2})
    assert silent(store.get, "x", at=0) == (
        "get needed 2 of 3 replicas, but 1, 2 did not answer within 1000 ms"
    )


@pytest.mark.parametrize("rejoin", [False, True])
def test_a_naive_rejoin_forgets_an_acknowledged_put(rejoin):
    store = cp(rejoin=rejoin)
    store.network.crash(2)
    store.put("x", "acknowledged", at=0)
    store.network.crash(1, lose_memory=True)
    store.network.restart(1)
    store.network.restart(2)
    store.network.partition({0})
    # The put was on 0 and 1. Now 1 has forgotten it, 2 never knew it, and 0 is cut off.
    if rejoin:
        assert store.get("x", at=2) is None
    else:
        silent(store.get, "x", at=2)


# Without write-back.


@pytest.mark.parametrize("write_back, second", [(True, "new"), (False, None)])
def test_without_write_back_a_get_sees_the_new_value_and_a_later_one_the_old(write_back, second):
    store = cp(write_back=write_back)
    later(store, "put", "x", "new", at=0)
    store.wait(21)  # it has asked, and 0 has stored
    store.network.partition({0}, {1, 2}, one_way=True)
    store.wait(10)  # what 0 told the others is lost
    store.network.heal()
    assert store.get("x", at=0) == "new"
    store.network.slow(0, 100)
    assert store.get("x", at=1) == second
