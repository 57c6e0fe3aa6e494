"""Clients that use a store for a while, and the run that they make."""

import itertools
import signal
import time

import numpy as np
import pytest
from scipy import stats
from support.stores import every_store, new

from capkit import (
    APStore,
    CPStore,
    Crash,
    DistributedStore,
    Outcome,
    Partition,
    Skew,
    Slow,
    Workload,
    run,
)
from capkit.workload import Arrival, Requests

FAULTS = [
    Partition(at=300, until=900, groups=[{0}, {1, 2}]),
    Crash(at=500, until=1_200, node=1),
    Slow(at=100, until=600, node=2, delay=30),
    Skew(at=0, until=700, node=0, offset=80),
]


# What clients ask for.


def test_arrivals_do_not_wait_for_answers():
    asked = Workload(rng=7).arrivals()
    for make, faults in itertools.product([CPStore, APStore], [[], FAULTS]):
        history = run(new(make), Workload(rng=7), faults)
        assert history.invoked.tolist() == pytest.approx([arrival.time for arrival in asked])
        assert history.client.tolist() == [arrival.client for arrival in asked]


def test_written_values_are_distinct_and_counted_in_the_order_of_arrival():
    values = [a.value for a in Workload(rng=7).arrivals() if a.kind == "put"]
    assert values == list(range(1, len(values) + 1))


def test_gaps_are_exponential_and_kinds_and_keys_are_drawn_in_their_shares():
    workload = Workload(clients=1, duration=500_000, rate=10, puts=0.3, keys=["x", "y", "z"], rng=7)
    arrivals = workload.arrivals()
    gaps = np.diff([0, *(arrival.time for arrival in arrivals)])
    assert stats.kstest(gaps, "expon", args=(0, 100)).pvalue > 0.01
    puts = sum(arrival.kind == "put" for arrival in arrivals)
    assert stats.binomtest(puts, len(arrivals), 0.3).pvalue > 0.01
    keys = [sum(arrival.key == key for arrival in arrivals) for key in "xyz"]
    assert stats.chisquare(keys).pvalue > 0.01


def test_one_client_more_leaves_the_others_alone():
    def asked(clients):
        arrivals = Workload(clients=clients, rng=7).arrivals()
        return [(a.time, a.client, a.kind, a.key) for a in arrivals if a.client < 3]

    assert asked(3) == asked(4)
    assert Workload(clients=4, rng=7).arrivals() != Workload(clients=3, rng=7).arrivals()


@pytest.mark.parametrize(
    "settings", [{"duration": 0}, {"rate": 0}, {"duration": 0, "timeout": 0}], ids=str
)
def test_a_workload_may_ask_for_nothing(settings):
    assert len(run(new(CPStore), Workload(rng=7, **settings))) == 0


def test_clients_that_roam_ask_for_the_same_at_the_same_time():
    """Only the node is another one, so that two runs differ in nothing but the way there."""
    stay, roam = (Workload(roaming=share, rng=7).arrivals() for share in (0, 0.5))
    assert [each[:5] for each in stay] == [each[:5] for each in roam]
    assert all(each.place == each.client for each in stay)
    assert any(each.place != each.client for each in roam)


def test_a_client_moves_as_often_as_it_is_said_to_and_to_every_node_alike():
    arrivals = Workload(clients=1, duration=500_000, rate=10, roaming=0.3, rng=7).arrivals()
    places = [0, *(each.place for each in arrivals)]
    moved = [now for before, now in itertools.pairwise(places) if now != before]
    assert stats.binomtest(len(moved), len(arrivals), 0.3).pvalue > 0.01
    assert stats.chisquare(np.bincount([each % 3 for each in moved])).pvalue > 0.01


# What a run makes of it.


def test_a_client_that_roams_talks_to_the_node_of_each_arrival():
    workload = Workload(clients=2, roaming=0.5, rng=7)
    history = run(new(CPStore), workload)
    assert history.invoked.tolist() == pytest.approx([each.time for each in workload.arrivals()])
    assert [each.node for each in history] == [each.place % 3 for each in workload.arrivals()]
    assert {each.node for each in history if each.client == 0} == {0, 1, 2}


def test_client_i_talks_to_node_i_modulo_the_number_of_nodes():
    history = run(new(CPStore), Workload(clients=5, rng=7))
    assert {(operation.client, operation.node) for operation in history} == {
        (0, 0), (1, 1), (2, 2), (3, 0), (4, 1),
    }  # fmt: skip


@every_store
def test_every_operation_ends_by_its_deadline(make):
    history = run(new(make, loss=0.5, reply_loss=0.3), Workload(timeout=200, rng=7), FAULTS)
    assert history.deadline == pytest.approx(history.invoked + 200)
    assert (history.completed <= history.deadline + 1e-9).all()


def test_what_is_refused_by_a_node_that_is_down_failed_at_once():
    history = run(new(CPStore), Workload(rng=7), [Crash(node=1)])
    at_1 = [operation for operation in history if operation.node == 1]
    assert {operation.outcome for operation in at_1} == {Outcome.FAIL}
    assert all(operation.completed == operation.invoked for operation in at_1)


@pytest.mark.parametrize("make, happened", [(DistributedStore, True), (CPStore, False)])
def test_what_was_not_answered_in_time_is_unknown_whether_or_not_it_happened(make, happened):
    store = new(make, reply_loss=1.0)
    history = run(store, Workload(rng=7))
    assert {operation.outcome for operation in history} == {Outcome.UNKNOWN}
    assert [bool(node.data) for node in store.nodes] == [happened] * 3


def test_a_get_that_was_not_answered_has_no_value():
    history = run(new(CPStore, loss=1.0), Workload(rng=7))
    gets = [operation.value for operation in history if operation.kind == "get"]
    assert gets == [None] * len(gets)


@every_store
def test_a_process_does_one_thing_at_a_time_and_nothing_after_an_unknown_outcome(make):
    store = new(make, loss=0.4)
    history = run(store, Workload(clients=3, rate=20, rng=7), FAULTS)
    processes = {}
    for operation in history:
        processes.setdefault(operation.process, []).append(operation)
    for operations in processes.values():
        assert len({operation.client for operation in operations}) == 1
        for earlier, later in itertools.pairwise(operations):
            assert earlier.completed <= later.invoked
            assert earlier.outcome is not Outcome.UNKNOWN
    firsts = [operations[0].process for operations in processes.values()]
    assert {0, 1, 2} <= set(firsts)
    assert sorted(firsts) == list(range(len(firsts)))
    assert len(firsts) > 3


def test_a_client_keeps_its_process_while_it_gets_answers():
    history = run(new(APStore), Workload(clients=3, rng=7))
    assert history.process.tolist() == history.client.tolist()


def test_a_run_knows_its_faults():
    assert run(new(CPStore), Workload(rng=7), iter(FAULTS)).faults == tuple(FAULTS)


@every_store
def test_the_copies_of_a_run_end_as_what_the_nodes_hold(make):
    store = new(make, loss=0.2)
    history = run(store, Workload(rng=7), [*FAULTS, Crash(at=400, node=2, lose_memory=True)])
    last = {}
    for copy in history.copies:
        assert 0 <= copy.at <= 2_300
        last[copy.node, copy.key] = copy.values
    for node in store.nodes:
        held = last.get((node.id, "x"), ())
        assert str(held[0]) in str(node.data["x"]) if held else not node.data.get("x")
        assert (held == ()) == (not node.data)


@every_store
def test_what_a_node_holds_is_printed_at_once(make):
    """No value of a node carries its whole past into the picture of it."""
    store = new(make, loss=0.2)
    history = run(store, Workload(rate=8, rng=7))
    assert 0 < max(len(repr(node.data)) for node in store.nodes) < 200 * len(history)


def test_messages_are_kept_on_request():
    assert run(new(CPStore), Workload(rng=7)).messages == ()
    history = run(new(CPStore, loss=0.3), Workload(rng=7), trace=True)
    assert {m.operation for m in history.messages} == set(range(len(history)))
    lost = [message for message in history.messages if np.isinf(message.arrived)]
    assert 0 < len(lost) < len(history.messages)
    assert all(message.sent <= message.arrived for message in history.messages)


def test_times_count_from_the_start_of_the_run():
    late = new(CPStore)
    late.wait(1_024)
    plain, shifted = (
        run(store, Workload(rng=7), FAULTS, trace=True) for store in (new(CPStore), late)
    )
    assert shifted.invoked == pytest.approx(plain.invoked)
    assert shifted.completed == pytest.approx(plain.completed)
    assert shifted.outcome.tolist() == plain.outcome.tolist()
    assert [m.sent for m in shifted.messages] == pytest.approx([m.sent for m in plain.messages])
    assert [copy.at for copy in shifted.copies] == pytest.approx([c.at for c in plain.copies])


def test_settling_lets_replicas_converge_and_adds_no_operation():
    short, long = new(APStore), new(APStore)
    cut = [Partition(at=300, until=2_300, groups=[{0}])]
    first = run(short, Workload(rng=7), cut)
    second = run(long, Workload(rng=7), cut, settle=1_000)
    assert list(first) == list(second)
    assert (short.env.now, long.env.now) == (2_300, 3_300)
    assert (short.converged(), long.converged()) == (False, True)


# Bad input.

KINDS = "Partition, Crash, Pause, Slow or Skew"
UNKNOWN = "must name nodes of [0, 1, 2], got 7"


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"clients": 0}, "clients must be at least 1, got 0"),
        ({"clients": 2.5}, "clients must be a whole number, got 2.5"),
        ({"duration": -1}, "duration must be at least 0, got -1"),
        ({"duration": float("nan")}, "duration must be at least 0, got nan"),
        ({"duration": float("inf")}, "duration must be finite, got inf"),
        ({"rate": -1}, "rate must be at least 0, got -1"),
        ({"rate": float("inf")}, "rate must be finite, got inf"),
        ({"puts": 1.5}, "puts must be in [0, 1], got 1.5"),
        ({"roaming": -0.1}, "roaming must be in [0, 1], got -0.1"),
        ({"timeout": -1}, "timeout must be at least 0, got -1"),
        ({"timeout": float("inf")}, "timeout must be finite, got inf"),
        ({"keys": []}, "keys must name at least one key, got none"),
        ({"rng": "7"}, "rng must be a seed, a numpy Generator or None, got '7'"),
        ({"rng": -7}, "rng must be at least 0, got -7"),
    ],
)
def test_a_bad_workload_is_named_with_its_rule_and_its_value(settings, message):
    with pytest.raises((ValueError, TypeError)) as error:
        Workload(**settings)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "faults, settings, message",
    [
        ([Crash(node=0), Crash(node=7)], {}, f"node {UNKNOWN}"),
        ([Partition(groups=[{0}, {7}])], {}, f"groups {UNKNOWN}"),
        ([Slow(node=7, delay=1)], {}, f"node {UNKNOWN}"),
        ([Skew(node=7, offset=1)], {}, f"node {UNKNOWN}"),
        (
            [Crash(node=0), "cut"],
            {},
            "faults must be Partition, Crash, Pause, Slow or Skew, got 'cut'",
        ),
        ([Crash(node=0)], {"settle": -1}, "settle must be at least 0, got -1"),
    ],
)
@every_store
def test_a_run_that_is_refused_leaves_the_store_untouched(make, faults, settings, message):
    store, untouched = new(make), new(make)
    with pytest.raises((ValueError, TypeError)) as error:
        run(store, Workload(rng=7), faults, **settings)
    assert str(error.value) == message
    assert store.env.now == 0
    first, second = (run(each, Workload(rng=7), FAULTS) for each in (store, untouched))
    assert list(first) == list(second)


def test_a_run_refuses_a_store_that_holds_data():
    store = new(CPStore)
    store.put("x", 1)
    with pytest.raises(ValueError, match=r"^store must be new, got one that already holds data"):
        run(store, Workload(rng=7))
    assert store.get("x") == 1


# Too much work.


@pytest.mark.parametrize(
    "requests, says",
    [
        ("put", "requests must be a list of Arrivals, got 'put'"),
        ([(1, 0, "put", "x", 1)], r"requests\[0\] must be an Arrival, got \(1, 0,"),
        ([Arrival(-1, 0, "get", "x")], r"requests\[0\].time must be at least 0, got -1"),
        ([Arrival(1, 3, "get", "x")], r"requests\[0\].client must be below clients \(3\)"),
        ([Arrival(1, 0, "move", "x")], r"requests\[0\].kind must be one of 'put', 'get'"),
        ([Arrival(1, 0, "get", "x", None, -1)], r"requests\[0\].place must be at least 0"),
    ],
)
def test_requests_that_no_client_can_make_are_refused(requests, says):
    with pytest.raises((TypeError, ValueError), match=says):
        Requests(requests=requests, clients=3)


def test_given_requests_are_counted_themselves_whatever_the_rate():
    asked = (Arrival(each, 0, "get", "yxy"[each]) for each in range(3))
    given = Requests(requests=asked, clients=1, rate=1e9, duration=1e9)
    assert given.expected == 3
    assert given.keys == ("y", "x")


def test_a_long_run_says_so_before_it_begins_and_a_usual_one_does_not(recwarn, monkeypatch):
    monkeypatch.setattr("capkit.workload._MANY", 40)
    run(new(CPStore), Workload(clients=3, rng=7))
    assert not recwarn.list
    with pytest.warns(UserWarning, match=r"has about 48 operations, .* interrupt the kernel"):
        run(new(CPStore), Workload(clients=6, rng=7))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer")
@pytest.mark.parametrize("seconds", [0.1, 0.33, 0.5])
@every_store
def test_a_long_run_is_interrupted_at_once(make, seconds):
    """The square button raises KeyboardInterrupt wherever the run is; no protocol swallows it."""
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)  # again, as Python drops one in a destructor
    begun = signal.signal(signal.SIGALRM, signal.default_int_handler)
    before = time.monotonic()
    try:
        with pytest.warns(UserWarning, match="24,000"), pytest.raises(KeyboardInterrupt):
            run(new(make), Workload(clients=3, duration=2_000_000, rng=7), FAULTS)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, begun)
    assert time.monotonic() - before < 5
