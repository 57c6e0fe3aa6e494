"""Faults and the network that they strike."""

import math
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from support.stores import new

from capkit import (
    APStore,
    CPStore,
    Crash,
    DistributedStore,
    Network,
    Node,
    Partition,
    Pause,
    Skew,
    Slow,
    Unavailable,
    Workload,
)
from capkit._arguments import stream

LUCKY = (1.0, 0.5)  # a message with this luck is not lost, and takes the median latency


def connected(network, size=3):
    """The network, with a store of so many nodes on it."""
    DistributedStore([Node(i) for i in range(size)], network)
    return network


def arrival(network, source, target, luck=LUCKY, *, reply=False, meanwhile=lambda: None, after=1.0):
    """When a message sent now arrives, or None; `meanwhile` is called `after` ms."""
    arrived = []
    start = network.env.now
    network.send(
        "hello",
        source,
        target,
        lambda: arrived.append(network.env.now - start),
        luck,
        reply=reply,
    )
    network.after(after, meanwhile)
    network.env.run(until=start + 1_000)
    return arrived[0] if arrived else None


def links(network, nodes):
    """The links that are open, as "01" for a message from 0 to 1."""
    return {f"{a}{b}" for a in nodes for b in nodes if a != b and network.reaches(a, b)}


# Pauses and timers.


@pytest.mark.parametrize("source, target, arrives", [(0, 1, 60), (1, 0, 50), (1, 2, 10)])
def test_what_a_paused_node_sends_or_is_sent_waits_until_it_goes_on(source, target, arrives):
    network = connected(Network(loss=0.0, latency=10))
    network.pause(0)
    resume = partial(network.resume, 0)
    assert arrival(network, source, target, meanwhile=resume, after=50) == arrives


def test_a_node_that_is_killed_while_it_stands_still_sends_and_receives_nothing_later():
    network = connected(Network(loss=0.0, latency=10))
    network.pause(0)

    def kill():
        network.crash(0)
        network.restart(0)
        network.resume(0)

    assert arrival(network, 0, 1, meanwhile=kill, after=50) is None
    assert arrival(network, 0, 1) == 10


def test_two_pauses_end_when_both_have_ended():
    network = connected(Network(loss=0.0, latency=10))
    network.schedule([Pause(at=0, until=30, node=0), Pause(at=0, until=60, node=0)])
    network.env.run(until=1)
    assert arrival(network, 1, 0) == 59


def test_a_client_of_a_paused_node_is_answered_when_it_goes_on():
    store = APStore([Node(0), Node(1)], Network(loss=0.0, rng=7))
    store.network.schedule([Pause(at=0, until=200, node=0)])
    store.wait(1)
    store.put("x", 1, at=0)
    assert store.env.now == 200 + store.service
    store.put("x", 2, at=1)
    assert store.env.now == 200 + 2 * store.service


def test_a_node_that_goes_on_has_forgotten_a_request_whose_client_gave_up():
    store = APStore([Node(0), Node(1)], Network(loss=0.0, rng=7))
    store.network.pause(0)
    with pytest.raises(Unavailable):
        store.put("x", 1, at=0)
    store.wait(1)
    store.network.resume(0)
    store.wait(1_000)
    assert store.get("x", at=0) is None


def test_timers_run_at_steady_rates_within_the_drift_and_no_skew_moves_them():
    network = connected(Network(drift=0.1, rng=7))
    network.skew(0, 500)
    network.env.run(until=1_000)
    early = [network.timer(node) for node in range(3)]
    network.env.run(until=2_000)
    late = [network.timer(node) for node in range(3)]
    assert late == pytest.approx([2 * time for time in early])
    assert all(900 <= time <= 1_100 for time in early)
    assert len(set(early)) == 3


# Cuts.


@pytest.mark.parametrize(
    "groups, one_way, open_links",
    [
        ([{0, 1}, {2}], False, {"01", "10"}),
        ([{0}], False, {"12", "21"}),
        ([{0}, {1}], False, set()),
        ([[0, 1], (2,)], True, {"01", "10", "20", "21"}),
        ([{0}], True, {"10", "12", "20", "21"}),
        ([{0}, {1}], True, {"10", "12", "20", "21"}),
        ([{0, 1, 2}], False, {"01", "02", "10", "12", "20", "21"}),
    ],
    ids=["two", "rest", "two and rest", "one way", "one way, rest", "one way, three", "all"],
)
def test_a_cut_separates_its_groups_and_the_rest_is_one_more_group(groups, one_way, open_links):
    network = connected(Network())
    network.partition(*groups, one_way=one_way)
    assert links(network, range(3)) == open_links


def test_overlapping_cuts_add_up_and_each_ends_for_itself():
    network = connected(Network())
    network.schedule(
        [Partition(at=10, until=30, groups=[{0}]), Partition(at=20, until=40, groups=[{1}])]
    )
    seen = []
    for time in (5, 15, 25, 35, 45):
        network.env.run(until=time)
        seen.append(links(network, range(3)))
    every = {"01", "02", "10", "12", "20", "21"}
    assert seen == [every, {"12", "21"}, set(), {"02", "20"}, every]


def test_heal_mends_every_cut_and_nothing_else():
    network = connected(Network())
    network.partition({0}, {1, 2})
    network.partition({1}, {0, 2})
    network.crash(2)
    network.heal()
    assert len(links(network, range(3))) == 6
    assert not network.nodes[2].up


def test_a_script_that_ends_a_cut_which_a_hand_has_mended_does_nothing():
    network = connected(Network())
    network.schedule([Partition(at=0, until=20, groups=[{0}])])
    network.env.run(until=10)
    network.heal()
    network.partition({1})
    network.env.run(until=30)
    assert links(network, range(3)) == {"02", "20"}


def test_no_cut_concerns_a_client_outside():
    network = connected(Network())
    network.partition({0}, {1}, {2})
    assert network.reaches(None, 0)


# Messages.


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_message_is_lost_if_the_cable_is_cut_before_it_arrives(when):
    network = connected(Network(loss=0, latency=10))
    cut = lambda: network.partition({0}, {1})  # noqa: E731
    if when == "before":
        cut()
    assert arrival(network, 0, 1, meanwhile=cut) is None


def test_a_message_arrives_if_the_cable_is_cut_after_it_or_the_other_way():
    network = connected(Network(loss=0, latency=10))
    cut = lambda: network.partition({0}, {1})  # noqa: E731
    assert arrival(network, 0, 1, meanwhile=cut, after=11) == 10
    network.heal()
    back = lambda: network.partition({1}, {0}, one_way=True)  # noqa: E731
    assert arrival(network, 0, 1, meanwhile=back) == 10


@pytest.mark.parametrize("node", [0, 1])
def test_a_message_is_lost_if_either_end_crashes_under_way(node):
    network = connected(Network(loss=0, latency=10))
    assert arrival(network, 0, 1, meanwhile=lambda: network.crash(node)) is None


@pytest.mark.parametrize(
    "luck, request_arrives, reply_arrives", [(0.15, 0, 1), (0.25, 1, 1), (0.05, 0, 0)]
)
def test_loss_concerns_requests_and_reply_loss_replies(luck, request_arrives, reply_arrives):
    network = connected(Network(loss=0.2, reply_loss=0.1, latency=10))
    assert arrival(network, 0, 1, (luck, 0.5)) == (10 if request_arrives else None)
    assert arrival(network, 0, 1, (luck, 0.5), reply=True) == (10 if reply_arrives else None)


@pytest.mark.parametrize("rule", ["loss", "reply_loss"])
def test_loss_may_be_set_between_two_messages(rule):
    network = connected(Network(loss=0, latency=10))
    setattr(network, rule, 1.0)
    assert getattr(network, rule) == 1.0
    assert arrival(network, 0, 1, (0.9, 0.5), reply=rule == "reply_loss") is None
    assert arrival(network, 0, 1, (0.9, 0.5), reply=rule != "reply_loss") == 10


@pytest.mark.parametrize(
    "latency, at_quarter",
    [
        (7, 7),
        ([30, 10, 20, 40, 50], 20),
        ([8], 8),
        (stats.uniform(10, 4), 11),
        (stats.gamma(2, scale=3), stats.gamma(2, scale=3).ppf(0.25)),
        (None, 5 - 5 * math.log(0.75)),
    ],
    ids=["constant", "samples", "one sample", "uniform", "gamma", "default"],
)
def test_latency_is_a_constant_samples_or_a_distribution(latency, at_quarter):
    network = connected(Network(loss=0, latency=latency))
    assert arrival(network, 0, 1, (1.0, 0.25)) == pytest.approx(at_quarter, rel=1e-3)


def test_a_node_reaches_itself_at_once():
    assert arrival(connected(Network(loss=0, latency=10)), 1, 1) == 0


def test_a_slow_node_delays_what_it_sends_and_receives_and_delays_add_up():
    network = connected(Network(loss=0, latency=10))
    network.begin(Slow(node=0, delay=100))
    network.begin(Slow(node=0, delay=20))
    network.slow(1, 3)
    times = [arrival(network, *link) for link in [(0, 2), (2, 0), (0, 1), (2, 1), (None, 0)]]
    assert times == [130, 130, 133, 13, 130]


def test_slow_by_hand_replaces_what_was_there_and_zero_undoes_it():
    network = connected(Network(loss=0, latency=10))
    network.slow(0, 100)
    network.slow(0, 5)
    assert arrival(network, 0, 1) == 15
    network.slow(0, 0)
    assert arrival(network, 0, 1) == 10


def test_skew_sets_one_clock_ahead_or_behind_and_zero_undoes_it():
    network = connected(Network())
    network.skew(0, 50)
    network.begin(Skew(node=1, offset=-20))
    network.env.run(until=100)
    assert [network.clock(node) for node in range(3)] == [150, 80, 100]
    network.skew(0, 0)
    assert network.clock(0) == 100


# Crashes.


@pytest.mark.parametrize("lose_memory", [False, True])
def test_a_node_comes_back_in_a_new_incarnation_with_or_without_its_memory(lose_memory):
    network = Network(loss=0)
    store = CPStore([Node("a")], network)
    store.put("x", 1)
    network.crash("a", lose_memory=lose_memory)
    (node,) = store.nodes
    assert (node.up, node.incarnation) == (False, 0)
    network.restart("a")
    assert (node.up, node.incarnation, node.forgot) == (True, 1, lose_memory)
    assert (node.data == {}) == lose_memory


def test_a_node_in_two_crashes_is_up_when_both_are_over():
    network = connected(Network())
    network.schedule([Crash(at=10, until=30, node=0), Crash(at=20, until=40, node=0)])
    up = []
    for time in (5, 15, 25, 35, 45):
        network.env.run(until=time)
        up.append(network.nodes[0].up)
    assert up == [True, False, False, False, True]
    assert network.nodes[0].incarnation == 1


def test_restarting_a_node_that_runs_changes_nothing():
    network = connected(Network())
    network.restart(0)
    assert network.nodes[0].incarnation == 0


def test_a_script_counts_its_times_from_now():
    network = connected(Network())
    network.env.run(until=100)
    network.schedule([Crash(at=10, until=20, node=0)])
    network.env.run(until=115)
    assert not network.nodes[0].up
    network.env.run(until=125)
    assert network.nodes[0].up


@pytest.mark.parametrize(
    "fault, text",
    [
        (Partition(groups=[{1, 0}, {2}]), "cut 0 1 | 2"),
        (Partition(groups=[["b", "a"]], one_way=True), "cut a b > rest"),
        (Partition(groups=[{0}, {1}], one_way=True), "cut 0 > 1"),
        (Crash(node="a"), "crash a"),
        (Crash(node=0, lose_memory=True), "crash 0, memory lost"),
        (Pause(node=0), "pause 0"),
        (Slow(node=0, delay=40), "slow 0, +40 ms"),
        (Skew(node=0, offset=-3), "clock of 0 -3 ms"),
    ],
    ids=lambda item: item if isinstance(item, str) else type(item).__name__,
)
def test_a_fault_prints_as_a_label(fault, text):
    assert str(fault) == text


def test_equal_faults_are_equal_however_their_sets_were_ordered():
    assert Partition(groups=[{"b", "a"}, [0]]) == Partition(groups=[["a", "b"], {0}])


# Luck.


def test_the_faults_so_far_have_the_times_at_which_they_began_and_ended():
    store = new(CPStore)
    network = store.network
    network.schedule([Crash(at=5, until=30, node=1)])
    store.wait(10)
    network.partition({0}, {1, 2})
    store.wait(10)
    network.heal()
    network.skew(2, 500)
    store.wait(20)
    assert network.faults == [
        Crash(at=5, until=30, node=1),
        Partition(at=10, until=20, groups=[{0}, {1, 2}]),
        Skew(at=20, node=2, offset=500),
    ]


def test_luck_depends_on_operation_purpose_replica_and_attempt_alone():
    network = connected(Network(rng=7))
    luck = network.draws(3, "put", 1)
    for other in [(4, "put", 1), (3, "get", 1), (3, "put", 0)]:
        assert network.draws(*other) != luck
    assert network.draws(3, "put", 1) == luck
    assert len({tuple(row) for row in luck}) == 3
    assert connected(Network(rng=7), size=5).draws(3, "put", 1)[:3] == luck
    assert connected(Network(rng=8)).draws(3, "put", 1) != luck


def test_luck_is_uniform():
    network = connected(Network(rng=7))
    numbers = np.array([network.draws(i, "put") for i in range(500)]).ravel()
    assert stats.kstest(numbers, "uniform").pvalue > 0.01


def test_more_loss_never_delivers_a_message_that_was_lost_before():
    def delivered(loss):
        network = Network(loss=loss, rng=7)
        store = DistributedStore([Node(i) for i in range(5)], network)
        network.messages = []
        for i in range(40):
            store.env.process(store.serve("put", "x", i)).defused = True
        store.wait(2_000)
        sent = {(m.operation, m.target): m for m in network.messages if m.label == "put"}
        return {key: math.isfinite(message.arrived) for key, message in sent.items()}

    runs = [delivered(loss) for loss in (0.1, 0.3, 0.6)]
    assert [len(run) for run in runs] == [200, 200, 200]
    assert all(lucky <= before[key] for before, run in pairwise(runs) for key, lucky in run.items())
    assert [sum(run.values()) for run in runs] == sorted(
        (sum(run.values()) for run in runs), reverse=True
    )
    assert sum(runs[0].values()) > sum(runs[2].values())


def test_equal_seeds_of_network_and_workload_do_not_correlate():
    luck, arrivals = [], []
    for seed in range(400):
        luck.append(connected(Network(rng=seed)).draws(0, "query")[0][0])
        arrivals.append(Workload(clients=1, rng=seed).arrivals()[0].time)
    assert stats.spearmanr(luck, arrivals).pvalue > 0.01


def test_a_generator_gives_up_a_draw_to_each_who_asks():
    rng = np.random.default_rng(7)
    first, second = connected(Network(rng=rng)), connected(Network(rng=rng))
    assert first.draws(0, "put") != second.draws(0, "put")


def test_no_seed_is_fresh_entropy():
    assert connected(Network()).draws(0, "put") != connected(Network()).draws(0, "put")


def test_two_purposes_have_different_streams():
    states = [stream(7, purpose).generate_state(4).tolist() for purpose in ("a", "b")]
    assert states[0] != states[1]
    assert stream(np.int64(7), "a").generate_state(4).tolist() == states[0]


# Bad input.

NAN, INF = math.nan, math.inf
SHARED = "groups must not share a node, got 1 in two of them"


@pytest.mark.parametrize(
    "kind, settings, message",
    [
        (Network, {"loss": 1.2}, "loss must be in [0, 1], got 1.2"),
        (Network, {"loss": -0.1}, "loss must be in [0, 1], got -0.1"),
        (Network, {"loss": NAN}, "loss must be in [0, 1], got nan"),
        (Network, {"loss": "0.2"}, "loss must be a number, got '0.2'"),
        (Network, {"loss": True}, "loss must be a number, got True"),
        (Network, {"reply_loss": 2}, "reply_loss must be in [0, 1], got 2"),
        (Network, {"latency": -1}, "latency must be finite and at least 0 ms, got -1"),
        (Network, {"latency": []}, "latency must be finite and at least 0 ms, got []"),
        (Network, {"latency": [1, NAN]}, "latency must be finite and at least 0 ms, got [1, nan]"),
        (Network, {"latency": "5"}, "latency must be ms, samples or a distribution, got '5'"),
        (Network, {"rng": "7"}, "rng must be a seed, a numpy Generator or None, got '7'"),
        (Network, {"rng": 0.5}, "rng must be a seed, a numpy Generator or None, got 0.5"),
        (Network, {"rng": -1}, "rng must be at least 0, got -1"),
        (Network, {"rng": True}, "rng must be a seed, a numpy Generator or None, got True"),
        (Workload, {"rng": True}, "rng must be a seed, a numpy Generator or None, got True"),
        (Partition, {"groups": [{2, 1}, {1}]}, SHARED),
        (Partition, {"groups": []}, "groups must name at least one node, got none"),
        (Partition, {"groups": [0, 1]}, "groups must be sets of node ids, got 0"),
        (Partition, {"groups": ["ab"]}, "groups must be sets of node ids, got 'ab'"),
        (Partition, {"groups": [{0}], "at": 5, "until": 1}, "until must be at least at=5, got 1"),
        (Crash, {"node": 0, "at": 5, "until": 4.9}, "until must be at least at=5, got 4.9"),
        (Crash, {"node": 0, "until": NAN}, "until must be at least at=0.0, got nan"),
        (Crash, {"node": 0, "at": -1}, "at must be at least 0, got -1"),
        (Crash, {"node": 0, "at": NAN}, "at must be at least 0, got nan"),
        (Crash, {"node": 0, "at": "now"}, "at must be a number, got 'now'"),
        (Slow, {"node": 0, "delay": -1}, "delay must be at least 0, got -1"),
        (Slow, {"node": 0, "delay": INF}, "delay must be finite, got inf"),
        (Skew, {"node": 0, "offset": NAN}, "offset must be a number, got nan"),
    ],
)
def test_a_bad_argument_is_named_with_its_rule_and_its_value(kind, settings, message):
    with pytest.raises((ValueError, TypeError)) as error:
        kind(**settings)
    assert str(error.value) == message


UNKNOWN = "must name nodes of [0, 1, 2], got 7"


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda network: network.partition({0}, {7}), f"groups {UNKNOWN}"),
        (lambda network: network.partition({1}, {0, 1}), SHARED),
        (lambda network: network.partition(0, 1), "groups must be sets of node ids, got 0"),
        (lambda network: network.crash(7), f"node {UNKNOWN}"),
        (lambda network: network.restart(7), f"node {UNKNOWN}"),
        (lambda network: network.slow(7, 1), f"node {UNKNOWN}"),
        (lambda network: network.slow(1, -1), "delay must be at least 0, got -1"),
        (lambda network: network.skew(7, 1), f"node {UNKNOWN}"),
        (lambda network: network.slow(None, 1), "node must name nodes of [0, 1, 2], got None"),
        (lambda network: network.skew(None, 1), "node must name nodes of [0, 1, 2], got None"),
        (lambda network: network.resume(None), "node must name nodes of [0, 1, 2], got None"),
        (lambda network: network.schedule([Crash(node=0), Crash(node=7)]), f"node {UNKNOWN}"),
        (
            lambda network: network.schedule([Crash(node=0), "cut"]),
            "faults must be Partition, Crash, Pause, Slow or Skew, got 'cut'",
        ),
        (lambda network: setattr(network, "loss", 1.2), "loss must be in [0, 1], got 1.2"),
        (
            lambda network: setattr(network, "reply_loss", NAN),
            "reply_loss must be in [0, 1], got nan",
        ),
    ],
)
def test_a_bad_switch_changes_nothing(call, message):
    network = connected(Network(loss=0.3, reply_loss=0.4, latency=10))
    network.partition({0}, {1, 2})
    network.slow(1, 40)
    network.skew(2, 25)

    def state():
        return (
            links(network, range(3)),
            [node.up for node in network.nodes.values()],
            [network.clock(node) - network.env.now for node in range(3)],
            arrival(network, 1, 2),
            (network.loss, network.reply_loss),
        )

    before = state()
    assert before[3] == 50
    network.env.run(until=2_000)
    with pytest.raises((ValueError, TypeError)) as error:
        call(network)
    assert str(error.value) == message
    network.env.run(until=3_000)
    assert state() == before


def test_a_network_serves_one_store():
    network = connected(Network())
    with pytest.raises(ValueError, match="network must serve one store, got a second one"):
        connected(network)


def test_a_cut_made_before_there_are_nodes_is_checked_when_there_are():
    network = Network()
    network.partition({0}, {7})
    with pytest.raises(ValueError, match=r"groups must name nodes of \[0, 1, 2\], got 7"):
        connected(network)


def test_a_node_cannot_crash_before_it_belongs_to_a_store():
    network = Network()
    with pytest.raises(ValueError, match="node must belong to a store before it can crash"):
        network.crash(0)
    assert all(node.up for node in connected(network).nodes.values())


def test_messages_between_regions_take_longer_by_their_distance():
    store = new(CPStore, 3, latency=10)
    store.network.separate({0}, distance=40)
    for at, wait in ((0, 2 * 100), (1, 2 * 20)):
        began = store.env.now
        store.put("key", at, at=at)
        assert store.env.now - began == wait
    store.network.separate({0}, distance=0)
    began = store.env.now
    store.put("key", "near", at=0)
    assert store.env.now - began == 40


@pytest.mark.parametrize(
    "groups, distance, sentence",
    [([{7}], 1, "groups must name nodes of"), ([{0}], -1, "distance must be at least 0, got -1")],
)
def test_regions_are_of_known_nodes_and_no_distance_is_negative(groups, distance, sentence):
    with pytest.raises(ValueError, match=sentence):
        new(CPStore, 3).network.separate(*groups, distance=distance)
