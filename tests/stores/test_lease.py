"""A lock with a lease: who serves when, and what the log refuses.

    python -m pytest tests/stores/test_lease.py --examples 20000

runs the claims over so many random fault schedules, and prints a count per claim.
"""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from support.schedules import draw_stalled, replay, seeds
from support.stores import later, new, silent

from capkit import Partition, Pause, Workload, run
from capkit.consistency import linearizable
from capkit.stores import LeaseStore
from capkit.workload import Arrival, Requests

LEAST = 200  # schedules that see the tablet move often enough


def lease(size=3, *, fencing=True, term=300.0, **settings):
    """A store that by default loses nothing, and whose messages all take 10 ms."""
    return new(partial(LeaseStore, lease=term, fencing=fencing), size, **settings)


def settle(store, tenures=2):
    """Wait until the tablet has been given away so often."""
    while len(store.tenures) < tenures and store.env.now < 5_000:
        store.wait(5)


# One server.


def test_a_put_waits_for_the_next_write_of_the_log_and_for_a_majority():
    store = lease()
    store.put("x", 1, at=0)
    assert store.env.now == store.commit_every + 20
    assert store.get("x", at=0) == 1
    assert store.env.now == store.commit_every + 20


def test_two_puts_in_one_batch_are_written_together():
    store = lease()
    later(store, "put", "x", 1, at=0)
    later(store, "put", "y", 2, at=1)
    store.wait(100)
    assert len(store.acknowledged) == 2
    logs = {shelf.log for shelf in store.shelves.values()}
    assert [len(log) for log in logs] == [2]


@pytest.mark.parametrize("seed", range(10))
def test_a_put_that_is_sent_again_is_logged_once(seed):
    store = lease(loss=0.4, reply_loss=0.4, rng=seed, term=10_000.0)
    store.timeout = 10_000.0
    store.put("x", 1)
    store.wait(500)
    assert {entry.value for shelf in store.shelves.values() for entry in shelf.log} == {1}
    assert max(len(shelf.log) for shelf in store.shelves.values()) == 1


def test_without_faults_the_tablet_never_moves_and_everything_is_linearizable():
    store = lease(5, loss=0.2, latency=None)
    history = run(store, Workload(rng=7))
    assert linearizable(history).ok
    assert history.is_ok.all()
    assert len(store.tenures) == 1


# The tablet moves.


@pytest.mark.parametrize("drift", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_a_cut_off_server_serves_until_its_lease_ends_and_nobody_until_the_promise_is_over(
    seed, drift
):
    store = lease(5, drift=drift, rng=seed, latency=10)
    store.put("x", 1, at=0)
    store.wait(500 - store.env.now)
    store.network.partition({0}, {1, 2, 3, 4})
    settle(store)
    old, new_one = store.tenures
    assert new_one.node != 0
    # The last renewal before the cut was sent up to renew_every + 20 ms before it.
    longest = store.lease / (1 - drift)
    assert 500 + store.lease * (1 - drift) / (1 + drift) ** 2 - 75 <= old.until <= 500 + longest
    assert old.until < new_one.since
    # The promise, then the master's lock (node 0 held it too) and its next looks.
    assert new_one.since <= 500 + 2.5 * longest + 6 * store.renew_every
    store.put("x", 2, at=1)
    assert store.get("x", at=2) == 2
    sentence = "nobody that node 0 reaches serves the tablet"
    assert silent(store.get, "x", at=0).endswith(sentence)


def test_a_server_that_dies_is_replaced_and_nothing_acknowledged_is_missing():
    store = lease(5)
    store.put("x", 1, at=1)
    store.network.crash(0)
    settle(store)
    assert store.get("x", at=3) == 1
    assert store.lost() == []
    assert (store.tenures[1].node, store.tenures[1].generation) == (1, 2)


def test_a_master_that_lives_gives_the_tablet_away_sooner_than_one_that_must_be_found():
    store = lease(5)
    store.network.crash(0)
    settle(store)
    with_master = store.tenures[1].since
    server = store.tenures[1].node
    start = store.env.now
    master = next(node for node in store.nodes if "master" in store.locks.held[node.id])
    assert master.id == server  # the master prefers the first live node
    store.network.restart(0)
    store.wait(1)
    store.network.partition({server}, {node.id for node in store.nodes} - {server})
    settle(store, 3)
    assert store.tenures[2].since - start < 2 * with_master


def test_nodes_that_ask_for_the_masters_lock_in_vain_do_not_meet_for_ever():
    store = lease(5, drift=0.3, rng=25)  # whose timers let two nodes ask at the same time
    store.wait(525)
    store.network.partition({0}, {1, 2, 3, 4})
    settle(store)
    assert store.env.now < 3_000
    assert len(store.tenures) == 2


def test_nobody_is_given_the_tablet_without_a_majority():
    store = lease(6)
    store.network.partition({0, 2, 4}, {1, 3, 5})
    store.wait(3_000)
    assert [(tenure.node, tenure.until < 400) for tenure in store.tenures] == [(0, True)]
    store.network.heal()
    settle(store)
    assert len(store.tenures) == 2


def test_a_node_that_forgot_grants_nothing_and_keeps_no_log():
    store = lease()
    store.put("x", 1, at=0)
    store.network.crash(1, lose_memory=True)
    store.network.restart(1)
    store.put("x", 2, at=2)
    assert store.shelves[1].log == ()
    store.network.crash(0)
    store.wait(3_000)
    assert len(store.tenures) == 1
    assert silent(store.get, "x", at=2).endswith("nobody that node 2 reaches serves the tablet")


def test_a_node_that_restarts_lets_the_lock_it_granted_run_out_once_more():
    store = lease()
    granted = store.locks.granted[1]["tablet"].holder
    store.network.crash(1)
    store.network.restart(1)
    lock = store.locks.granted[1]["tablet"]
    assert lock.holder == granted
    assert lock.promised == store.network.timer(1) + store.lease


# Two believe, and one takes effect.


# A put that the server has looked at its lease for when it is paused, and requests of others.
STORY = [Arrival(20, 1, "put", "x", 1), Arrival(142, 2, "put", "x", 2)]
STORY += [Arrival(time, 3, "get", "x") for time in (900, 1_300, 1_600)]
STORY += [Arrival(1_900, 4, "put", "x", 3)]
PAUSE = Pause(at=160, until=1_200, node=0)


def paused(fencing):
    """What happens when the server stands still between its look at the lease and its write."""
    store = lease(5, fencing=fencing)
    store.retry_every = 10_000.0  # nobody asks twice
    story = Requests(requests=STORY, clients=5, duration=2_000, timeout=1_500)
    return store, run(store, story, [PAUSE])


@pytest.mark.parametrize("fencing", [True, False])
def test_a_paused_server_and_its_successor_both_believe_that_they_serve(fencing):
    store, _ = paused(fencing)
    old, new_one = store.tenures
    assert (old.node, old.until) == (0, PAUSE.until)
    assert new_one.node != 0
    assert new_one.since < PAUSE.until
    assert new_one.generation > old.generation


def test_the_log_refuses_what_a_paused_server_writes_under_its_old_lock():
    store, history = paused(True)
    assert {refusal.generation for refusal in store.refused} == {1}
    assert {refusal.log[-1].value for refusal in store.refused} == {2}
    assert len({refusal.node for refusal in store.refused}) >= store.majority
    assert [operation.outcome.value for operation in history] == [
        "OK",
        "UNKNOWN",
        "OK",
        "OK",
        "OK",
        "OK",
    ]
    assert [operation.value for operation in history if operation.kind == "get"] == [1, 1, 1]
    assert linearizable(history).ok


def test_without_fencing_the_late_write_is_acknowledged_and_nobody_reads_it():
    store, history = paused(False)
    assert store.refused == []
    assert history[1].outcome.value == "OK"
    verdict = linearizable(history)
    assert verdict.ok is False
    assert set(verdict.witness) >= {1}
    assert "returned 1 although put #1 of 2 had finished" in verdict.reason


def test_reads_look_at_the_lease_and_are_refused_after_a_pause():
    store = lease(5)
    store.put("x", 1, at=0)
    store.network.pause(0)
    read = store.env.process(store.serve("get", "x", at=0, timeout=5_000))
    settle(store)
    store.put("x", 2, at=1)
    store.network.resume(0)
    store.env.run(until=read)
    assert read.value == 2


class ByHand(LeaseStore):
    """No master: the test says who gets the tablet when."""

    commit_every = 1.0
    retry_every = 10_000.0

    def _assign(self, node, turn):
        yield self.env.timeout(0)

    def _misses_master(self, node):
        return False


def test_a_server_that_gets_the_tablet_twice_serves_it_under_the_newer_lock_alone():
    store = new(ByHand, 5)
    network, one = store.network, store.by_id[1]
    network.crash(0)
    store.wait(505)  # the first lock is free
    network.after(0, partial(store._take, one, 2, 1_001))
    network.after(19, partial(store._take, one, 3, 1_002))  # lock 2 is granted, node 1 not told yet
    # Asked late and answered late, lock 3 is held only after 2 has begun to serve. The first append
    # is logged at once, but node 1 hears of it last of all.
    for at, until, delay in [(18.9, 19.1, 12), (40.5, 41.5, 13), (71.5, 72.9, 200)]:
        network.after(at, partial(network.slow, 1, delay))
        network.after(until, partial(network.slow, 1, 0))
    network.after(61, partial(later, store, "put", "x", "first", at=1))
    network.after(130, partial(later, store, "put", "x", "second", at=1))
    store.wait(400)
    _, older, newer = store.tenures
    assert (older.node, older.generation) == (newer.node, newer.generation - 1) == (1, 2)
    assert older.until == newer.since
    assert [entry.value for entry in store.acknowledged] == ["second", "first"]  # the order told
    assert store.get("x", at=1) == "second"


# Safety.


class Hasty(LeaseStore):
    """Short leases and long batches, so that the short schedules see the tablet move."""

    renew_every = 25.0
    commit_every = 60.0


STRONG = partial(Hasty, lease=100.0)


def troubled(seed):
    """A random schedule, in which the first server is also cut off, or paused, or neither."""
    schedule = draw_stalled(seed)
    end = schedule.workload.duration
    also = {
        1: [Partition(at=end / 5, until=end, groups=[{0}])],
        2: [Pause(at=end / 5, until=0.7 * end, node=0)],
    }.get(seed % 4, [])
    return replace(schedule, faults=(*schedule.faults, *also))


def test_one_server_a_generation_and_linearizable_under_all_faults(examples, tell):
    count = Counter()
    for seed in seeds(max(examples, LEAST), tell):
        schedule = troubled(seed)
        store, history = schedule.run(STRONG)
        verdict = linearizable(history)
        assert verdict.ok is True, replay(schedule, f"lease: {verdict.reason}")
        generations = [tenure.generation for tenure in store.tenures]
        assert sorted(set(generations)) == generations, replay(schedule, "lease: two servers")
        if not any(node.forgot for node in store.nodes):
            assert store.lost() == [], replay(schedule, f"lease: lost {store.lost()}")
        count["operations"] += len(history)
        count["answered"] += int(history.is_ok.sum())
        count["moves"] += len(generations) - 1
        count["refused"] += len(store.refused) > 0
    assert count["moves"] > 50
    assert count["refused"] > 0
    tell(
        f"lease: {examples:,} schedules, the tablet moved {count['moves']:,} times, one server in "
        f"each generation, late appends refused in {count['refused']:,}; "
        f"{count['operations']:,} operations ({count['answered']:,} answered), all linearizable"
    )


def stalled_at_its_write(seed):
    """A random schedule whose first server stands still while it gathers its own client's put."""
    schedule = draw_stalled(seed)
    workload = replace(schedule.workload, duration=600.0, timeout=450.0)
    workload = replace(workload, rate=40_000 / workload.duration / workload.clients)
    puts = (each for each in workload.arrivals() if each.kind == "put" and each.client == 0)
    at = next((put.time for put in puts), 0.0) + Hasty.commit_every / 2
    pause = Pause(at=at, until=at + 400, node=0)
    return replace(schedule, workload=workload, faults=(*schedule.faults, pause))


def test_what_a_server_appends_after_a_pause_changes_nothing(examples, tell):
    refused = 0
    for seed in seeds(max(examples, LEAST), tell):
        schedule = stalled_at_its_write(seed)
        store, history = schedule.run(STRONG)
        verdict = linearizable(history)
        assert verdict.ok is True, replay(schedule, f"lease: {verdict.reason}")
        refused += len(store.refused) > 0
    assert refused > 10
    tell(f"lease: late appends refused in {refused:,} of {examples:,} schedules with a pause")


def test_without_fencing_a_random_pause_breaks_the_promise(tell):
    make = partial(Hasty, lease=100.0, fencing=False)
    runs = (stalled_at_its_write(seed).run(make)[1] for seed in range(2_000))
    verdicts = enumerate(map(linearizable, runs))
    first, verdict = next((each for each in verdicts if each[1].ok is False), (None, None))
    assert first is not None
    assert verdict.witness
    tell(f"without fencing: first caught by schedule {first}")


@pytest.mark.parametrize("drift", [0.0, 0.3])
def test_no_two_nodes_hold_the_tablet_at_once_however_timers_drift(drift):
    for seed in range(10):
        store = lease(5, drift=drift, rng=seed, latency=None)
        store.network.schedule(
            [
                Partition(at=at, until=at + 900, groups=[{at // 1_000 % 5}])
                for at in range(0, 5_000, 1_000)
            ]
        )
        while store.env.now < 5_000:
            store.wait(11)
            holders = [node.id for node in store.nodes if store.locks.holds(node, "tablet")]
            assert len(holders) <= 1
        assert len(store.tenures) > 1


class Careless(Hasty):
    """A holder that counts on its lock for as long as it was granted, from when it was granted."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.locks.safe = 6 * self.lease


class Unsealed(Hasty):
    """A server that reads its own copy of the log instead of a majority's."""

    def _begin(self, node, generation, turn):
        yield from self._store(node, generation, self.shelves[node.id].log, turn)
        self._serve_now(node, generation, self.shelves[node.id].log)


class Amnesia(Hasty):
    """Nodes that forget, and grant and count as if nothing had happened."""

    def crash(self, node, *, lose_memory):
        super().crash(node, lose_memory=lose_memory)
        self.by_id[node].forgot = False


WEAK = {
    "a holder that counts too long": partial(Careless, lease=100.0),
    "a server that loads only its own log": partial(Unsealed, lease=100.0),
    "nodes that forget and count": partial(Amnesia, lease=100.0),
}


@pytest.mark.parametrize("name", WEAK)
def test_a_weaker_lease_breaks_the_promise(name, tell):
    broken = (s for s in range(2_000) if not linearizable(troubled(s).run(WEAK[name])[1]).ok)
    first = next(broken, None)
    assert first is not None
    tell(f"{name}: first caught by schedule {first}")


# Arguments.


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"lease": 0}, ValueError, "lease must be at least 1, got 0"),
        ({"lease": "long"}, TypeError, "lease must be a number, got 'long'"),
        ({"fencing": 1}, TypeError, "fencing must be True or False, got 1"),
    ],
)
def test_a_bad_option_is_named(options, error, message):
    with pytest.raises(error, match=message):
        new(partial(LeaseStore, **options))
