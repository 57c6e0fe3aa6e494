"""A primary with synchronous standbys, and its two bad answers to a cut."""

from functools import partial

import pytest
from support.stores import new, traced

from capkit import CAStore, Crash, Network, Node, Partition, Skew, Unavailable, Workload, run
from capkit.consistency import availability, linearizable


def ca(on_partition="block", *, synchronous=True, read_from="primary", waits_for=None, **settings):
    """Three nodes without loss; every message takes 10 ms."""
    options = {"on_partition": on_partition, "synchronous": synchronous, "read_from": read_from}
    options["waits_for"] = waits_for
    return new(partial(CAStore, **options), **settings)


def read(store, *nodes):
    """What clients of these nodes read."""
    return [store.get("x", at=node) for node in nodes]


def silent(call, *arguments, **settings):
    """The sentence of a call that gets no answer."""
    with pytest.raises(Unavailable) as refusal:
        call(*arguments, **settings)
    assert not refusal.value.certain
    return str(refusal.value)


# While nothing is cut.


class Quiet(CAStore):
    """A primary that hardly ever speaks of its own accord."""

    beat_every = 10_000.0


def test_a_put_is_acknowledged_when_every_standby_has_it():
    store = new(Quiet)
    assert traced(store, lambda: store.put("x", 1, at=1)) == [
        ("put", 1, 0, 0, 10),
        ("log", 0, 1, 10, 20),
        ("log", 0, 2, 10, 20),
        ("log: answer", 1, 0, 20, 30),
        ("log: answer", 2, 0, 20, 30),
        ("put: answer", 0, 1, 30, 40),
    ]


def test_a_get_asks_the_primary_alone():
    store = ca()
    assert traced(store, lambda: store.get("x", at=2)) == [
        ("get", 2, 0, 0, 10),
        ("get: answer", 0, 2, 10, 20),
    ]


def test_a_put_is_invisible_until_every_standby_has_it():
    store = ca()
    store.put("x", "old")
    store.network.slow(2, 100)
    store.env.process(store.serve("put", "x", "new", at=0))
    store.wait(60)
    assert store.nodes[1].get("x") == "new"
    assert read(store, 0, 1) == ["old", "old"]
    store.wait(300)
    assert read(store, 0, 1) == ["new", "new"]


def test_an_acknowledgement_counts_for_what_the_standby_had_when_it_sent_it():
    store = ca()
    for value in ("first", "second"):
        store.env.process(store.serve("put", "x", value, at=0))
        store.wait(15)
    # At 20 ms the standbys' first acknowledgement has come, at 35 ms their second.
    assert store.nodes[0].get("x") == "first"
    store.wait(10)
    assert store.nodes[0].get("x") == "second"


@pytest.mark.parametrize("seed", range(10))
def test_what_is_lost_is_sent_again_and_done_once(seed):
    store = ca(loss=0.4, reply_loss=0.4, rng=seed)
    store.timeout = 10_000.0
    for value in range(5):
        store.put("x", value, at=value % 3)
    assert [entry.value for entry in store.ledgers[0].log] == [0, 1, 2, 3, 4]
    assert read(store, 2) == [4]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_without_faults_everything_is_answered_and_linearizable(size):
    history = run(ca(size=size, loss=0.2, rng=1), Workload(rng=1))
    assert availability(history) == 1
    assert linearizable(history)


def test_skewed_clocks_change_nothing():
    plain, skewed = (
        run(ca(loss=0.2), Workload(rng=1), faults)
        for faults in ([], [Skew(node=0, offset=500), Skew(node=1, offset=-500)])
    )
    assert list(plain) == list(skewed)


# Under a cut, block.


def test_block_lets_puts_wait_while_reads_at_the_primary_go_on():
    store = ca()
    store.put("x", "old")
    store.network.partition({0, 1}, {2})
    sentence = silent(store.put, "x", "new", at=1)
    assert sentence == "put got no answer within 1000 ms: primary 0 still waits for standby 2"
    assert read(store, 0, 1) == ["old", "old"]


@pytest.mark.parametrize("kind, arguments", [("put", ("x", 1)), ("get", ("x",))])
def test_block_leaves_the_far_side_without_an_answer(kind, arguments):
    store = ca()
    store.network.partition({0, 1}, {2})
    sentence = silent(getattr(store, kind), *arguments, at=2)
    assert sentence == f"{kind} got no answer within 1000 ms: primary 0 was not reached"


def test_block_finishes_a_waiting_put_when_the_cut_ends():
    store = ca()
    store.network.partition({0, 1}, {2})
    silent(store.put, "x", "late")
    store.network.heal()
    store.wait(100)
    assert read(store, 0, 1, 2) == ["late"] * 3


def test_block_waits_for_a_primary_that_is_down_and_for_its_disk():
    store = ca()
    store.put("x", "kept")
    store.network.crash(0)
    silent(store.get, "x", at=1)
    store.network.restart(0)
    assert read(store, 1) == ["kept"]


def test_block_is_consistent_and_not_available_during_a_cut():
    history = run(ca(), Workload(rng=7), [Partition(at=500, until=1_500, groups=[{0}])])
    assert availability(history) < 1
    assert linearizable(history)


# Failover.


def test_failover_is_right_when_silence_is_a_crash():
    store = ca("failover")
    history = run(store, Workload(rng=7), [Crash(at=500, until=1_500, node=0)], settle=500)
    assert linearizable(history)
    assert store.ledgers[0].primary == 1
    assert store.lost() == []
    later = history.select(history.invoked > 800)
    assert availability(later) == 1


def test_failover_is_wrong_when_silence_is_a_cut():
    store = ca("failover")
    store.put("x", "old")
    store.network.partition({0}, {1, 2})
    store.wait(300)
    store.put("x", "left", at=0)
    store.put("x", "right", at=2)
    assert read(store, 0, 1, 2) == ["left", "right", "right"]
    store.network.heal()
    store.wait(300)
    assert read(store, 0, 1, 2) == ["right"] * 3
    assert store.lost() == ["left"]


def test_failover_is_available_and_not_consistent_during_a_cut():
    cut = Partition(at=500, until=1_500, groups=[{0}, {1, 2}])
    store = ca("failover")
    history = run(store, Workload(rng=7), [cut], settle=500)
    during = history.select((history.invoked > 800) & (history.invoked < 1_200))
    assert availability(during) == 1
    assert linearizable(history).ok is False
    assert store.lost() != []


# Nodes that lost their memory.


def test_a_standby_that_lost_its_memory_never_acknowledges_again():
    store = ca()
    store.put("x", "old")
    store.network.crash(2, lose_memory=True)
    store.network.restart(2)
    sentence = silent(store.put, "x", "new", at=1)
    assert sentence == "put got no answer within 1000 ms: primary 0 still waits for standby 2"
    assert store.nodes[2].data == {}
    assert read(store, 0, 1, 2) == ["old"] * 3


def test_a_primary_that_lost_its_memory_never_answers_again():
    store = ca()
    store.put("x", "old")
    store.network.crash(0, lose_memory=True)
    store.network.restart(0)
    sentence = silent(store.get, "x", at=1)
    assert sentence == "get got no answer within 1000 ms: primary 0 was not reached"


def test_failover_goes_on_without_a_node_that_lost_its_memory():
    store = ca("failover")
    store.put("x", "old")
    store.network.crash(0, lose_memory=True)
    store.network.restart(0)
    store.wait(300)
    assert read(store, 1, 2) == ["old", "old"]
    store.put("x", "new", at=2)
    store.wait(300)
    assert store.nodes[0].data == {}
    assert store.lost() == []


# Asynchronous standbys, and reads from them.


def test_with_asynchronous_standbys_a_put_waits_for_nobody():
    store = ca(synchronous=False)
    store.network.partition({0}, {1, 2})
    store.put("x", 1, at=0)
    assert store.env.now == 0
    assert store.get("x", at=0) == 1
    store.network.heal()
    store.wait(50)
    assert [node.get("x") for node in store.nodes] == [1, 1, 1]


def test_a_put_waits_for_as_many_standbys_as_are_asked_for_whichever_they_are():
    """Node 1, then node 2 is slow: a put takes as long as the faster one."""
    for slow in (1, 2):
        store = ca(waits_for=1)
        store.network.slow(slow, 100)
        store.put("x", 1, at=0)
        assert store.env.now == 20
        assert store.nodes[slow].get("x") is None


def test_what_fewer_standbys_must_have_is_linearizable_under_faults_that_spare_the_primary():
    for seed in range(20):
        store = CAStore([Node(i) for i in range(4)], Network(loss=0.2, rng=seed), waits_for=1)
        cut = Partition(at=200, until=900, groups=[{0, 1}, {2, 3}])
        history = run(store, Workload(clients=4, duration=1_200, rate=10, rng=seed), [cut])
        assert linearizable(history).ok
        assert availability(history, nodes=[0, 1]) == 1


@pytest.mark.parametrize("number", [3, -1, "all", 1.5, True])
def test_a_wrong_number_of_standbys_is_named(number):
    with pytest.raises((ValueError, TypeError), match=r"waits_for must be (in \[0, 2\]|a whole)"):
        ca(waits_for=number)


def test_failover_with_asynchronous_standbys_loses_what_only_the_old_primary_had():
    store = ca("failover", synchronous=False)
    store.put("x", "kept", at=0)
    store.wait(50)
    store.network.partition({0}, {1, 2})
    store.put("x", "gone", at=0)
    store.network.crash(0)
    store.network.heal()
    store.wait(500)
    assert store.get("x", at=1) == "kept"
    store.network.restart(0)
    store.wait(500)
    assert store.lost() == ["gone"]
    assert read(store, 0, 1, 2) == ["kept"] * 3


def test_a_standby_that_may_be_read_answers_at_once_with_what_it_has():
    store = ca(synchronous=False, read_from="any")
    store.put("x", "old", at=0)
    store.wait(50)
    store.network.partition({0, 1}, {2})
    store.put("x", "new", at=0)
    store.wait(50)
    start = store.env.now
    assert read(store, 0, 1, 2) == ["new", "new", "old"]
    assert store.env.now == start


def test_a_standby_shows_a_put_before_the_primary_has_acknowledged_it():
    store = ca(read_from="any")
    store.network.slow(2, 100)
    store.env.process(store.serve("put", "x", 1, at=0))
    store.wait(20)
    assert read(store, 0, 1, 2) == [None, 1, None]


def test_an_unknown_answer_to_a_partition_is_named():
    with pytest.raises(
        ValueError, match=r"^on_partition must be one of 'block', 'failover', got 1$"
    ):
        ca(1)


def test_an_unknown_source_of_reads_is_named():
    with pytest.raises(ValueError, match="read_from must be one of 'primary', 'any', got 'all'"):
        ca(read_from="all")
