"""What stays available under a cut, to clients that stay at their node and to clients that roam."""

from functools import partial

import pytest
from support.stores import new

from capkit import APStore, CAStore, CPStore, Partition, Workload, availability, run
from capkit.consistency import RUNGS, ladder
from capkit.stores import GossipStore

SEEDS = 200
CUT = Partition(at=100, until=500, groups=[{0}, {1}])
STORES = {"own": GossipStore, "common": partial(GossipStore, show="common")}
SESSIONS = RUNGS["causal"]
FOR_ALL = ["monotonic reads", "monotonic writes", "writes follow reads", "convergent"]
FOR_STICKY = ["read your writes", "causal"]
FOR_NOBODY = ["linearizable", "sequential", "2-atomic", "bounded staleness"]


def under_a_cut(make, roaming, seed, **settings):
    traffic = {"clients": 3, "duration": 600, "rate": 12, "keys": ("x", "y"), "timeout": 50}
    workload = Workload(roaming=roaming, rng=seed, **traffic)
    return run(new(make, 2, rng=seed, **settings), workload, [CUT], settle=450)


@pytest.fixture(scope="module")
def kept():
    """In how many of the runs each rung was kept, for each store and kind of client."""
    found = {}
    for name, roaming in (("own", 0), ("own", 0.5), ("common", 0.5)):
        counts = dict.fromkeys(RUNGS, 0)
        for seed in range(SEEDS):
            history = under_a_cut(STORES[name], roaming, seed)
            assert availability(history) == 1
            verdicts = ladder(history).verdicts
            assert all(verdict.ok is not None for verdict in verdicts.values())
            for rung, verdict in verdicts.items():
                counts[rung] += verdict.ok
        found[name, roaming] = counts
    return found


@pytest.mark.parametrize("rung", FOR_ALL)
def test_what_stays_available_even_to_clients_that_roam(kept, rung):
    """Nodes that show only what every node has keep it in every run, wherever a client goes."""
    assert kept["common", 0.5][rung] == SEEDS


@pytest.mark.parametrize("rung", FOR_STICKY)
def test_what_stays_available_only_to_clients_that_stay(kept, rung):
    assert kept["own", 0][rung] == SEEDS
    assert kept["own", 0.5][rung] < SEEDS
    assert kept["common", 0.5][rung] < SEEDS


@pytest.mark.parametrize("rung", FOR_NOBODY)
def test_what_no_store_that_answers_keeps(kept, rung):
    assert all(counts[rung] < SEEDS for counts in kept.values())


@pytest.mark.parametrize("rung", [each for each in SESSIONS if each != "read your writes"])
def test_nodes_that_show_all_they_have_break_it_for_clients_that_roam(kept, rung):
    assert kept["own", 0.5][rung] < SEEDS


@pytest.mark.parametrize("make", [APStore, CPStore, CAStore])
def test_other_stores_break_it_or_refuse(make):
    """No store of the earlier lessons keeps all that stays available, answering every client."""
    failed = 0
    for seed in range(20):
        history = under_a_cut(make, 0.5, seed)
        table = ladder(history)
        failed += availability(history) < 1 or any(table[rung].ok is False for rung in FOR_ALL)
    assert failed > 0


@pytest.mark.parametrize("show", ["own", "common"])
def test_promises_survive_lost_and_late_messages(show):
    make = partial(GossipStore, show=show)
    rungs = FOR_ALL[:3] if show == "common" else SESSIONS
    for seed in range(20):
        history = under_a_cut(make, 0.5 * (show == "common"), seed, loss=0.3, latency=[1, 40])
        table = ladder(history)
        assert all(table[rung].ok for rung in rungs)


def test_a_put_is_shown_once_everybody_has_it():
    store = new(STORES["common"])
    store.network.partition({0}, {1, 2})
    store.put("x", 1, at=0)
    store.wait(500)
    assert [store.get("x", at=node.id) for node in store.nodes] == [None] * 3
    store.network.heal()
    store.wait(500)
    assert [store.get("x", at=node.id) for node in store.nodes] == [1, 1, 1]


def test_clients_by_hand_carry_nothing_from_one_get_to_the_next():
    store = new(STORES["common"])
    store.get("x", at=0)
    assert store.seen == {}


def test_an_unknown_way_to_show_is_named():
    with pytest.raises(ValueError, match="show must be one of"):
        new(partial(GossipStore, show="all"))
