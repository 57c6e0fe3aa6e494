"""The thirty-line store, what all stores share, and every store against a dict."""

from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from scipy.stats import binomtest
from support.stores import every_store, new, traced

from capkit import (
    APStore,
    CAStore,
    CPStore,
    DistributedStore,
    Network,
    Node,
    Outcome,
    Partition,
    Unavailable,
    Workload,
    linearizable,
    run,
)
from capkit.stores import LeaseStore

# The thirty-line store.


def test_a_node_holds_what_it_is_given():
    node = Node("a")
    assert (node.id, node.data, node.get("key")) == ("a", {}, None)
    node.put("key", "value")
    assert (node.data, node.get("key")) == ({"key": "value"}, "value")


def test_the_first_example_prints_its_value_or_says_that_it_failed():
    seen = {"value": 0, None: 0, "put": 0, "get": 0}
    for seed in range(100):
        nodes = [Node(i) for i in range(3)]
        store = DistributedStore(nodes, Network(rng=seed))
        try:
            store.put("key", "value")
        except Unavailable:
            seen["put"] += 1
            continue
        try:
            seen[store.get("key")] += 1
        except Unavailable:
            seen["get"] += 1
    assert 60 <= seen["value"] <= 90
    assert seen[None] > 0
    assert seen["put"] > 0


def test_by_default_the_network_loses_every_fifth_request_with_fresh_luck():
    def reached():
        nodes = [Node(i) for i in range(40)]
        DistributedStore(nodes).put("key", "value")
        return tuple(bool(node.data) for node in nodes)

    first, second = reached(), reached()
    assert first != second
    assert 50 <= sum(first + second) <= 76


def test_puts_gets_and_fresh_gets_succeed_as_often_as_binomials_say():
    rounds, put_ok, get_ok, both, fresh = 3_000, 0, 0, 0, 0
    store = new(DistributedStore, loss=0.2)
    for key in range(rounds):  # a key that nobody has used is as good as a new store
        acknowledged = answers(store.put, key, "value")
        answered = answers(store.get, key)
        put_ok += acknowledged is not Unavailable
        get_ok += answered is not Unavailable
        if Unavailable not in (acknowledged, answered):
            both += 1
            fresh += answered == "value"
    # At least 2 of 3 requests arrive; not all 3 are lost; the first node that answers has the put.
    assert binomtest(put_ok, rounds, 0.896).pvalue > 0.001
    assert binomtest(get_ok, rounds, 0.992).pvalue > 0.001
    assert binomtest(fresh, both, 0.857).pvalue > 0.001


def answers(call, *arguments):
    """What a call returns, or Unavailable."""
    try:
        return call(*arguments)
    except Unavailable:
        return Unavailable


def test_a_put_that_failed_can_be_read_later():
    store = new(DistributedStore)
    store.network.crash(1)
    store.network.crash(2)
    with pytest.raises(Unavailable):
        store.put("key", "residue")
    assert store.get("key") == "residue"


def test_a_get_reads_the_first_node_that_answers_even_if_it_missed_the_put():
    store = new(DistributedStore)
    store.network.crash(0)
    store.put("key", "value")
    assert store.get("key") == "value"
    store.network.restart(0)
    assert store.get("key") is None


def test_the_thirty_line_store_sends_these_messages():
    store = new(DistributedStore)
    assert traced(store, partial(store.put, "x", 1), partial(store.get, "x")) == [
        ("put", None, 0, 0, 10),
        ("put", None, 1, 0, 10),
        ("put", None, 2, 0, 10),
        ("put: answer", 0, None, 10, 20),
        ("put: answer", 1, None, 10, 20),
        ("put: answer", 2, None, 10, 20),
        ("get", None, 0, 20, 30),
        ("get: answer", 0, None, 30, 40),
    ]


def test_its_own_link_loses_requests_too():
    store = new(DistributedStore, size=1, loss=1.0)
    with pytest.raises(Unavailable):
        store.put("key", "value", at=0)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (
            lambda store: store.put("key", 1),
            "put needed 2 of 3 replicas, but 0, 2 did not answer within 500 ms",
        ),
        (
            lambda store: store.put("key", 1, at=1),
            "put needed 2 of 3 replicas, but 0, 2 did not answer within 500 ms",
        ),
        (
            lambda store: (store.network.crash(1), store.get("key")),
            "get needed 1 of 3 replicas, but 0, 1, 2 did not answer within 750 ms",
        ),
    ],
    ids=["put", "put at 1", "get"],
)
def test_unavailable_names_the_replicas_that_were_missing(call, sentence):
    store = new(DistributedStore)
    store.network.crash(0)
    store.network.crash(2)
    with pytest.raises(Unavailable) as refusal:
        call(store)
    assert str(refusal.value) == sentence
    assert not refusal.value.certain


# What all stores share.


def test_what_is_called_by_hand_makes_a_history_with_faults_and_copies():
    store = new(CPStore)
    store.put("x", 1, at=1)
    store.network.partition({0}, {1, 2})
    with pytest.raises(Unavailable):
        store.put("x", 2, at=0)
    store.network.heal()
    store.get("x", at=0)
    history = store.history()
    assert [(each.client, each.node, each.kind, each.value) for each in history] == [
        (1, 1, "put", 1),
        (0, 0, "put", 2),
        (0, 0, "get", 1),
    ]
    assert [each.outcome for each in history] == [Outcome.OK, Outcome.UNKNOWN, Outcome.OK]
    assert [each.invoked for each in history][1:] == [each.completed for each in history][:2]
    assert history[1].process != history[2].process  # the first may still happen
    assert [str(fault) for fault in history.faults] == ["cut 0 | 1 2"]
    assert {copy.node for copy in history.copies} == {0, 1, 2}
    assert linearizable(history).ok


def test_what_a_client_by_hand_is_refused_for_certain_is_noted_as_failed():
    store = new(APStore)
    store.network.crash(0)
    with pytest.raises(Unavailable):
        store.get("x", at=0)
    assert [each.outcome for each in store.history()] == [Outcome.FAIL]


def test_what_is_read_with_its_context_is_in_the_history_too():
    store = new(partial(APStore, resolve="siblings"))
    store.put("x", 1, at=0)
    _, seen = store.read("x", at=0)
    store.put("x", 2, at=0, context=seen)
    assert [(each.kind, each.value) for each in store.history()] == [
        ("put", 1),
        ("get", 1),
        ("put", 2),
    ]


@every_store
def test_a_client_of_a_node_that_is_down_knows_that_nothing_happened(make):
    store = new(make)
    store.network.crash(1)
    with pytest.raises(Unavailable) as refusal:
        store.put("key", "value", at=1)
    assert str(refusal.value) == "put was refused: node 1, which the client talks to, is down"
    assert refusal.value.certain
    store.wait(1_000)
    assert [node.data for node in store.nodes] == [{}, {}, {}]


@every_store
def test_the_nodes_of_a_store_can_be_looked_at(make):
    store = new(make)
    store.put("key", "value")
    store.wait(100)
    keepers = store.nodes[:1] if make is LeaseStore else store.nodes  # one server has the tablet
    assert all("value" in str(node.data["key"]) for node in keepers)
    assert [copy.values for copy in store.copies] == [("value",)] * len(keepers)


@pytest.mark.parametrize("duration", [0, 1e-300])
def test_waiting_for_next_to_nothing_does_nothing(duration):
    store = new(CPStore)
    store.put("key", "value")
    before = store.env.now
    store.wait(duration)
    assert store.env.now == before


@pytest.mark.parametrize("make", [CAStore, CPStore, APStore])
def test_a_coordinator_that_crashed_does_not_answer_what_it_was_asked_before(make):
    store = new(make)
    request = store.env.process(store.serve("put", "key", "value", at=1))
    request.defused = True
    store.wait(0.5)
    store.network.crash(1)
    store.wait(0.1)
    store.network.restart(1)
    store.wait(2_000)
    assert isinstance(request.value, Unavailable)
    assert str(request.value) == "put got no answer: node 1 crashed meanwhile"


@pytest.mark.parametrize("make", [CAStore, CPStore, APStore])
def test_a_node_and_its_own_client_never_lose_a_message(make):
    store = new(make, size=1, loss=1.0, reply_loss=1.0)
    store.put("key", "value")
    assert store.get("key") == "value"
    assert store.env.now <= 2


def test_waiting_lets_time_pass():
    store = new(CPStore)
    store.wait(0)
    store.wait(2.5)
    assert store.env.now == 2.5


# Every store against a dict.

keys, values, places = st.sampled_from("xy"), st.integers(), st.integers(0, 2)


class LikeADict(RuleBasedStateMachine):
    """A store that loses nothing, used by one client at a time with pauses, and a dict."""

    def __init__(self, make):
        super().__init__()
        self.store = new(make, latency=None)
        self.model = {}

    @rule(key=keys, value=values, at=places)
    def put(self, key, value, at):
        """Write to both."""
        self.store.put(key, value, at=at)
        self.model[key] = value
        self.store.wait(100)  # AP tells its replicas later

    @rule(key=keys, at=places)
    def get(self, key, at):
        """Read from both."""
        assert self.store.get(key, at=at) == self.model.get(key)

    @rule(duration=st.floats(0, 500))
    def wait(self, duration):
        """Let time pass."""
        self.store.wait(duration)

    @rule(node=places)
    def restart(self, node):
        """Let a node that runs crash, with its disk, and come back."""
        self.store.network.crash(node)
        self.store.wait(1)
        self.store.network.restart(node)
        self.store.wait(500)


@every_store
def test_without_faults_a_store_is_a_dict(make):
    run_state_machine_as_test(
        lambda: LikeADict(make), settings=settings(max_examples=15, stateful_step_count=12)
    )


# Bad input.


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: CPStore([]), "nodes must have at least 1 Node, got none"),
        (
            lambda: CPStore([Node(0), Node(1), Node(0)]),
            "nodes must have different ids, got 0 twice",
        ),
        (lambda: APStore([0, 1]), "nodes must be Node objects, got 0"),
        (lambda: CAStore([Node(0)], 0.2), "network must be a Network, got 0.2"),
        (lambda: Node(1.5), "id must be an int or a str, got 1.5"),
        (lambda: Node(True), "id must be an int or a str, got True"),
        (lambda: new(CPStore).wait(-1), "duration must be at least 0, got -1"),
    ],
)
def test_a_bad_argument_is_named_with_its_rule_and_its_value(make, message):
    with pytest.raises((ValueError, TypeError)) as error:
        make()
    assert str(error.value) == message


@every_store
@pytest.mark.parametrize("kind", ["put", "get"])
def test_an_unknown_node_in_at_is_named_before_anything_happens(make, kind):
    store = new(make)
    arguments = ("key", "value") if kind == "put" else ("key",)
    with pytest.raises(ValueError, match=r"^at must name nodes of \[0, 1, 2\], got 7$"):
        getattr(store, kind)(*arguments, at=7)
    assert store.env.now == 0
    assert [node.data for node in store.nodes] == [{}, {}, {}]
    assert run(store, Workload(rng=7), [Partition(at=500, until=600, groups=[{0}])])
