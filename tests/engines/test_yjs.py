"""Yjs: everybody is answered on both sides of a cut, and all copies are equal after it."""

import time

import pytest
from support.engines import CUT, fresh, shared, started, until
from support.failover import PUTS

from capkit import Crash, Partition, Siblings, Workload, availability, engines

pytestmark = pytest.mark.engine
CUT_OFF = Partition(groups=[{0}])


def equal(running):
    first, *rest = running.copies()
    return all(each == first for each in rest)


@pytest.mark.parametrize("merge", ["one", "all"])
@pytest.mark.parametrize("on_cut", ["drop", "reset"])
def test_both_sides_of_a_cut_take_puts_and_agree_within_a_second(merge, on_cut):
    with started(engines.Yjs, merge=merge, on_cut=on_cut) as running:
        running.put("x", "before")
        until(lambda: equal(running), "the first value")
        running.strike(CUT_OFF)
        running.put("x", "left", at=0)
        running.put("x", "right", at=2)
        until(lambda: running.get("x", at=1) == "right", "the other side's value")
        assert running.get("x", at=0) == "left"
        running.mend(CUT_OFF)
        start = time.monotonic()
        until(lambda: equal(running), "agreement")
        assert time.monotonic() - start < 1
        found = running.get("x", at=1)
    if merge == "one":
        assert found in ("left", "right")
    else:
        assert isinstance(found, Siblings)
        assert sorted(found) == ["left", "right"]


def test_a_put_that_has_seen_both_replaces_both():
    running = shared(engines.Yjs, merge="all")
    running.strike(CUT_OFF)
    running.put("cart", "milk", at=0)
    running.put("cart", "eggs", at=1)
    running.heal()
    running.put("cart", "all", at=2)
    assert running.get("cart", at=2) == "all"


@pytest.mark.parametrize("merge, loses", [("one", True), ("all", False)])
def test_a_winner_makes_acknowledged_puts_vanish_and_a_list_does_not(merge, loses):
    running = shared(engines.Yjs, merge=merge)
    few = Workload(clients=6, duration=1_700, rate=10, puts=1.0, keys=PUTS.keys[:12], rng=7)
    history = engines.run(running, fresh(few, timeout=1_000), [CUT], audit=True)
    assert availability(history) == 1
    found = {}
    for each in history:
        if each.client >= few.clients:  # an auditor at each node
            found.setdefault(each.node, []).append((each.key, str(each.value)))
    assert found[0] == found[1] == found[2]
    assert bool(engines.lost(history)) == loses


def test_a_node_that_was_killed_has_what_it_acknowledged_and_hears_what_it_missed():
    running = shared(engines.Yjs)
    running.strike(CUT_OFF)
    running.put("own", 1, at=0)
    crash = Crash(node=0)
    running.strike(crash)
    running.mend(CUT_OFF)
    running.put("missed", 2, at=1)
    running.mend(crash)
    running.heal()
    assert [running.get("own", at=place) for place in running.places] == [1, 1, 1]
    assert [running.get("missed", at=place) for place in running.places] == [2, 2, 2]


def test_a_change_that_a_crash_has_torn_is_left_out(tmp_path):
    pytest.importorskip("pycrdt")
    from capkit.engines.yjs_server import Replica

    file = tmp_path / "data.yjs"
    replica = Replica(file, "one")
    replica.put("x", "1")
    whole = file.stat().st_size
    replica.put("x", "2")
    for size in range(whole, file.stat().st_size):
        torn = tmp_path / f"{size}.yjs"
        torn.write_bytes(file.read_bytes()[:size])
        again = Replica(torn, "one")
        assert again.get("x") == ["1"]
        again.put("y", "3")
        assert Replica(torn, "one").state()["pairs"] == {"x": ["1"], "y": ["3"]}
