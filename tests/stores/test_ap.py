"""A leaderless store: always available, stale for a while, equal in the end."""

from functools import partial

import pytest
from support.stores import new, traced

from capkit import APStore, Crash, Partition, Siblings, Skew, Workload, run
from capkit.consistency import availability, freshness, linearizable

REPAIRS = ("hinted_handoff", "read_repair", "anti_entropy")


def ap(size=3, *, network=None, **settings):
    """Nodes without loss; every message takes 10 ms. By default nothing repairs a missed put."""
    off = dict.fromkeys(REPAIRS, False)
    make = partial(APStore, **off | settings)
    return new(make, size, **network or {})


def held(store, key="x"):
    """The values that each node holds."""
    return [tuple(version.value for version in node.data.get(key, ())) for node in store.nodes]


def read(store, *nodes):
    """What clients of these nodes read."""
    return [store.get("x", at=node) for node in nodes]


# The protocol.


def test_a_put_is_answered_before_it_is_replicated():
    store = ap()
    messages = traced(store, lambda: store.put("x", 1, at=0), lambda: store.wait(30))
    answered = store.service
    assert messages == [
        ("replicate", 0, 0, 0, 0),
        ("replicate: answer", 0, 0, 0, 0),
        ("replicate", 0, 1, 0, 10),
        ("replicate", 0, 2, 0, 10),
        ("replicate: answer", 1, 0, 10, 20),
        ("replicate: answer", 2, 0, 10, 20),
    ]
    assert answered < 10


def test_a_get_answers_from_its_own_copy_and_sends_nothing():
    store = ap()
    assert traced(store, lambda: store.get("x", at=1)) == []


@pytest.mark.parametrize("kind, arguments", [("put", ("x", 1)), ("get", ("x",))])
def test_every_live_node_answers_at_once_however_bad_the_network(kind, arguments):
    store = ap(network={"loss": 1.0})
    store.network.partition({0}, {1}, {2})
    for node in range(3):
        before = store.env.now
        getattr(store, kind)(*arguments, at=node)
        assert store.env.now - before == store.service


def test_during_a_cut_it_is_available_and_stale():
    cut = Partition(at=500, until=1_500, groups=[{0, 1}, {2, 3, 4}])
    store = ap(5, hinted_handoff=True, network={"loss": 0.2})
    history = run(store, Workload(rng=7), [cut])
    assert availability(history) == 1
    assert freshness(history) < 1
    assert linearizable(history).ok is False


# Three ways to learn of a missed put.


def missed(**settings):
    """A store of two nodes of which the second has missed a put, and the cut is over."""
    store = ap(2, **settings)
    store.network.partition({0}, {1})
    store.put("x", "new", at=0)
    store.wait(150)
    assert held(store) == [("new",), ()]
    store.network.heal()
    return store


def test_with_all_repairs_off_a_missed_put_never_arrives():
    store = missed()
    assert traced(store, lambda: store.wait(10_000)) == []
    assert read(store, 1) == [None]


def test_hinted_handoff_alone_brings_a_missed_put():
    store = missed(hinted_handoff=True)
    start = store.env.now
    assert start < 200
    messages = traced(store, lambda: store.wait(1_000))
    assert messages == [("hint", 0, 1, 200, 210), ("hint: answer", 1, 0, 210, 220)]
    assert held(store) == [("new",)] * 2
    assert store.hints == {0: [], 1: []}


def test_a_hint_is_kept_until_it_is_acknowledged():
    store = missed(hinted_handoff=True)
    store.network.crash(1)
    store.wait(1_000)
    assert len(store.hints[0]) == 1
    store.network.restart(1)
    store.wait(200)
    assert store.hints[0] == []
    assert held(store) == [("new",)] * 2


@pytest.mark.parametrize("reader", [0, 1], ids=["at the newer", "at the older"])
def test_read_repair_alone_brings_a_missed_put(reader):
    store = missed(read_repair=True)
    assert read(store, reader) == [None if reader else "new"]
    assert held(store) == [("new",), ()]
    store.wait(200)
    assert held(store) == [("new",)] * 2


def test_anti_entropy_alone_brings_a_missed_put():
    store = missed(anti_entropy=True)
    messages = traced(store, lambda: store.wait(100))
    assert messages == [
        ("sync", 0, 1, 200, 210),
        ("sync", 1, 0, 200, 210),
        ("sync: answer", 1, 0, 210, 220),
        ("sync: answer", 0, 1, 210, 220),
    ]
    assert held(store) == [("new",)] * 2


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("resolve", ["lww", "siblings"])
def test_all_are_equal_after_at_most_a_round_of_anti_entropy_with_each_other_node(size, resolve):
    store = ap(size, anti_entropy=True, resolve=resolve, network={"loss": 1.0})
    for node in range(size):
        store.put("x", node, at=node)
    store.network.loss = 0
    store.wait(store.sync_every - 10)
    assert not store.converged()
    store.wait((size - 2) * store.sync_every + 10 + 20)
    assert store.converged()


def test_a_node_swaps_with_each_other_node_in_turn():
    store = ap(4, anti_entropy=True)
    messages = traced(store, lambda: store.wait(4 * store.sync_every + 50))
    partners = [target for label, source, target, *_ in messages if label == "sync" and source == 1]
    assert partners == [2, 3, 0, 2]


def test_a_swap_brings_both_ends_what_they_lack():
    store = ap(3, anti_entropy=True, network={"loss": 1.0})
    store.put("x", "new", at=0)
    store.network.loss = 0
    store.wait(store.sync_every + 20)
    # In the first round 0 told 1, and 2 asked 0.
    assert held(store) == [("new",)] * 3


# Last writer wins.


def test_last_writer_wins_drops_the_earlier_of_two_concurrent_puts():
    store = ap(2, anti_entropy=True)
    store.network.partition({0}, {1})
    store.put("x", "earlier", at=0)
    store.put("x", "later", at=1)
    store.network.heal()
    store.wait(500)
    assert held(store) == [("later",)] * 2
    assert store.lost() == ["earlier"]


@pytest.mark.parametrize("offset, kept, lost", [(0, "second", []), (100, "first", ["second"])])
def test_a_clock_that_is_ahead_drops_a_put_that_came_later(offset, kept, lost):
    store = ap(2)
    store.network.skew(0, offset)
    store.put("x", "first", at=0)
    store.wait(20)
    assert read(store, 1) == ["first"]
    store.put("x", "second", at=1)  # acknowledged, by a node that had seen the first
    store.wait(20)
    assert read(store, 0, 1) == [kept, kept]
    assert store.lost() == lost


def test_skewed_clocks_drop_acknowledged_puts_without_any_cut():
    def losses(faults):
        store = ap(network={"rng": 1})
        run(store, Workload(rng=1), faults, settle=500)
        return len(store.lost())

    assert losses([Skew(node=0, offset=400)]) > losses([])


# Siblings.


def both_sides(**settings):
    """Two nodes that were written to on both sides of a cut, and have met again."""
    store = ap(2, anti_entropy=True, resolve="siblings", **settings)
    store.network.partition({0}, {1})
    store.put("x", ("milk",), at=0)
    store.put("x", ("eggs",), at=1)
    store.network.heal()
    store.wait(500)
    return store


def test_siblings_keep_both_sides_of_a_cut():
    store = both_sides()
    assert read(store, 0, 1) == [Siblings([("milk",), ("eggs",)])] * 2
    assert store.lost() == []


def test_the_merge_function_makes_one_value_of_siblings():
    store = both_sides(merge=lambda carts: tuple(sorted({item for cart in carts for item in cart})))
    assert read(store, 0, 1) == [("eggs", "milk")] * 2


def test_the_next_put_replaces_all_siblings_that_its_node_holds():
    store = both_sides()
    store.put("x", "both", at=1)
    store.wait(50)
    assert held(store) == [("both",)] * 2
    assert store.lost() == []


def test_version_vectors_tell_a_later_put_from_a_concurrent_one():
    store = ap(2, resolve="siblings")
    store.put("x", "first", at=0)
    store.wait(50)
    store.put("x", "second", at=1)
    (second,) = store.nodes[1].data["x"]
    (first,) = store.nodes[0].data["x"]
    assert (first.vector, second.vector) == ({(0, 0): 1}, {(0, 0): 1, (1, 0): 2})
    assert (second.follows(first), first.follows(second)) == (True, False)
    store.put("x", "third", at=0)
    (third,) = store.nodes[0].data["x"]
    assert (second.follows(third), third.follows(second)) == (False, False)
    assert third.follows(first)


def test_a_skewed_clock_does_not_matter_to_siblings():
    store = ap(2, resolve="siblings")
    store.network.skew(0, 1_000)
    store.put("x", "first", at=0)
    store.wait(20)
    store.put("x", "second", at=1)
    store.wait(20)
    assert held(store) == [("second",)] * 2


# Crashes.


@pytest.mark.parametrize("lose_memory, kept, lost", [(False, "new", []), (True, None, ["new"])])
def test_a_crash_that_loses_memory_may_lose_an_acknowledged_put_and_is_reported(
    lose_memory, kept, lost
):
    store = ap(2, anti_entropy=True, resolve="siblings")
    store.network.partition({0}, {1})
    store.put("x", "new", at=0)
    store.network.crash(0, lose_memory=lose_memory)
    store.network.heal()
    store.network.restart(0)
    store.wait(500)
    assert read(store, 0, 1) == [kept, kept]
    assert store.lost() == lost


def test_hints_are_on_disk_and_go_with_the_memory():
    for lose_memory, hints in [(False, 1), (True, 0)]:
        store = missed(hinted_handoff=True)
        store.network.crash(0, lose_memory=lose_memory)
        assert len(store.hints[0]) == hints


def test_a_node_that_forgot_its_own_puts_does_not_take_new_ones_for_old():
    store = ap(2, anti_entropy=True, resolve="siblings")
    store.put("x", "old", at=0)
    store.wait(50)
    store.network.crash(0, lose_memory=True)
    store.network.restart(0)
    store.put("x", "new", at=0)  # it does not know of the old one
    store.wait(500)
    assert read(store, 0, 1) == [Siblings(["old", "new"])] * 2


def test_a_node_that_was_down_catches_up():
    store = ap(5, anti_entropy=True, network={"loss": 0.2})
    run(store, Workload(rng=7), [Crash(at=100, until=1_900, node=2)], settle=3_000)
    assert store.converged()


# Bad input.


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"resolve": "newest"}, "resolve must be one of 'lww', 'siblings', got 'newest'"),
        (
            {"merge": 3, "resolve": "siblings"},
            "merge must be a function and needs resolve='siblings', got 3",
        ),
        ({"merge": max}, f"merge must be a function and needs resolve='siblings', got {max!r}"),
    ],
)
def test_a_bad_argument_is_named_with_its_rule_and_its_value(settings, message):
    with pytest.raises(ValueError, match="must be") as error:
        ap(**settings)
    assert str(error.value) == message
