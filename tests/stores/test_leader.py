"""An elected leader: what it acknowledges, who reads what, and that there is never a second one.

    python -m pytest tests/stores/test_leader.py --examples 20000

runs the claims over so many random fault schedules, and prints a count per claim.
"""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from support.schedules import draw_stalled, replay, seeds
from support.stores import later, new, silent, traced

from capkit import Partition, Unavailable, Workload, run
from capkit.consistency import linearizable
from capkit.stores import LeaderStore

LEAST = 200  # schedules that see elections enough
MOST_WEAK = 2_000  # schedules that are enough to catch a weak store


def leader(size=3, **settings):
    """A store that by default loses nothing, and whose messages all take 10 ms."""
    names = ("acknowledge", "reads", "read_from", "lease")
    options = {name: settings.pop(name) for name in names if name in settings}
    return new(partial(LeaderStore, **options), size, **settings)


def answers(store, key, *, at, every=10, until):
    """When (ms) a get with a short deadline was answered, and with what."""
    store.timeout, seen = every, []
    while store.env.now < until:
        start = store.env.now
        try:
            seen.append((start, store.get(key, at=at)))
        except Unavailable:
            continue
        store.wait(max(0, start + every - store.env.now))
    return seen


# The protocol.


def test_a_put_is_acknowledged_when_a_majority_has_copied_it():
    store = leader()
    messages = traced(store, lambda: store.put("x", 1, at=0))
    logs = [m for m in messages if m[0].startswith("log")]
    assert logs == [
        ("log", 0, 1, 0, 10),
        ("log", 0, 2, 0, 10),
        ("log: answer", 1, 0, 10, 20),
        ("log: answer", 2, 0, 10, 20),
    ]
    assert store.env.now == 20


def test_a_client_of_another_node_is_served_through_it():
    store = leader()
    store.put("x", 1, at=2)
    assert store.env.now == 40
    assert store.get("x", at=1) == 1


def test_a_put_at_the_leader_alone_is_acknowledged_at_once():
    store = leader(acknowledge="leader", reads="newest")
    store.put("x", 1, at=0)
    assert store.env.now == 0
    assert store.get("x", at=0) == 1


@pytest.mark.parametrize(
    "reads, took", [("confirmed", 20), ("lease", 0), ("committed", 0), ("newest", 0)]
)
def test_only_a_confirmed_read_costs_a_round_trip(reads, took):
    store = leader(reads=reads)
    store.put("x", 1, at=0)
    start = store.env.now
    assert store.get("x", at=0) == 1
    assert store.env.now - start == took


@pytest.mark.parametrize("reads", ["committed", "newest"])
def test_any_node_answers_from_its_own_copy_at_once(reads):
    store = leader(reads=reads, read_from="any")
    store.put("x", 1, at=0)
    store.wait(100)
    start = store.env.now
    assert [store.get("x", at=node) for node in range(3)] == [1, 1, 1]
    assert store.env.now == start


@pytest.mark.parametrize("reads, shows", [("committed", None), ("newest", 1)])
def test_what_no_majority_has_is_shown_only_by_the_newest_read(reads, shows):
    store = leader(reads=reads)
    store.network.partition({0}, {1, 2})
    later(store, "put", "x", 1, at=0)
    store.wait(20)
    assert store.get("x", at=0) == shows


@pytest.mark.parametrize("seed", range(10))
def test_a_put_that_is_sent_again_is_logged_once(seed):
    store = leader(loss=0.6, reply_loss=0.5, rng=seed)
    store.timeout = 10_000.0
    store.put("x", 1)
    for replica in store.members.values():
        assert [entry.value for entry in replica.log] in ([], [1])
    assert sum(map(len, (replica.log for replica in store.members.values()))) >= 2


# Elections.


def cut_off_leader(store):
    """Cut node 0 off, and let the others elect one of theirs."""
    store.network.partition({0}, {node.id for node in store.nodes[1:]})
    while len(store.elections) == 1 and store.env.now < 5_000:
        store.wait(10)
    store.wait(50)


@pytest.mark.parametrize("size", [3, 5, 6])
@pytest.mark.parametrize("seed", range(5))
def test_the_others_elect_a_new_leader_when_the_old_one_is_silent(size, seed):
    store = leader(size, rng=seed)
    cut_off_leader(store)
    _, election = store.elections
    assert election.term >= 2  # more where the votes were split at first
    assert election.node != 0
    assert store.suspect_after < election.at
    store.put("x", 1, at=1)
    assert store.get("x", at=2) == 1


def test_the_old_leader_learns_at_heal_that_it_leads_no_more():
    store = leader()
    cut_off_leader(store)
    store.put("x", 1, at=1)
    store.network.heal()
    store.wait(100)
    assert store.get("x", at=0) == 1
    assert len(store.elections) == 2
    assert {replica.leader for replica in store.members.values()} == {store.elections[1].node}


def test_a_leader_without_a_majority_gives_up_and_says_so():
    store = leader(5)
    store.network.partition({0, 1}, {2, 3, 4})
    store.timeout = 100
    sentence = "put got no answer within 100 ms: "
    reached = "leader 0 was not reached, or reached no majority"
    assert silent(store.put, "x", 1, at=0) == sentence + reached
    store.wait(store.step_down_after)
    assert silent(store.put, "x", 2, at=0) == sentence + "node 0 knows no leader"


def test_an_even_split_leaves_nobody_who_can_lead():
    store = leader(6)
    store.network.partition({0, 2, 4}, {1, 3, 5})
    store.wait(1_000)
    for node in range(6):
        silent(store.put, "x", 1, at=node)
    assert len(store.elections) == 1


def test_a_follower_that_was_cut_off_does_not_depose_the_leader_when_it_returns():
    store = leader()
    store.network.partition({2}, {0, 1})
    store.wait(1_000)
    store.network.heal()
    store.wait(1_000)
    assert len(store.elections) == 1
    assert [replica.term for replica in store.members.values()] == [1, 1, 1]


@pytest.mark.parametrize("deaf", [False, True], ids=["cannot speak", "cannot hear"])
def test_a_leader_whose_cable_is_cut_one_way_is_replaced(deaf):
    store = leader()
    groups = [{1, 2}, {0}] if deaf else [{0}, {1, 2}]
    store.network.partition(*groups, one_way=True)
    store.wait(store.step_down_after + 500)
    assert store.elections[-1].node in (1, 2)
    store.put("x", 1, at=1)


def test_a_restarted_node_still_knows_its_term_vote_and_log():
    store = leader()
    store.put("x", 1, at=0)
    before = store.members[1]
    known = before.term, before.vote, before.log
    store.network.crash(1)
    store.network.restart(1)
    after = store.members[1]
    assert (after.term, after.vote, after.log) == known
    assert known[2] != ()


def test_a_node_that_forgot_never_votes_and_never_counts_again():
    store = leader()
    store.put("x", 1, at=0)
    store.network.crash(1, lose_memory=True)
    store.network.restart(1)
    store.put("x", 2, at=2)
    assert store.members[1].log == ()
    store.network.crash(0)
    store.wait(2_000)
    assert len(store.elections) == 1
    assert silent(store.get, "x", at=2).endswith("node 2 knows no leader")


def test_a_candidate_that_forgets_while_it_asks_for_votes_does_not_lead():
    store = leader(latency=20)
    store.network.crash(0)
    while store.members[1].vote != 1 and store.members[2].vote != 2:
        store.wait(1)
    candidate = 1 if store.members[1].vote == 1 else 2
    store.network.crash(candidate, lose_memory=True)
    store.network.restart(candidate)
    store.wait(1_000)
    assert len(store.elections) == 1


def test_a_log_that_lacks_an_acknowledged_put_wins_no_election():
    store = leader()
    store.network.partition({0, 1}, {2})
    store.put("x", 1, at=0)
    store.network.heal()
    store.network.partition({0}, {1, 2})
    store.wait(2_000)
    assert store.elections[-1].node == 1
    assert store.get("x", at=2) == 1


# What is lost, and what is stale.


def test_a_put_that_only_the_old_leader_logged_is_rolled_back():
    store = leader(acknowledge="leader", reads="newest")
    store.put("x", "kept", at=0)
    store.wait(100)
    store.network.partition({0}, {1, 2})
    store.put("x", "gone", at=0)
    store.wait(400)
    assert store.get("x", at=0) == "gone"
    assert store.get("x", at=1) == "kept"
    store.network.heal()
    store.wait(200)
    assert store.lost() == ["gone"]
    assert [store.get("x", at=node) for node in range(3)] == ["kept"] * 3


def test_the_copies_of_a_key_that_is_rolled_back_vanish():
    store = leader(acknowledge="leader", reads="newest")
    store.network.partition({0}, {1, 2})
    store.put("x", "gone", at=0)
    assert store.nodes[0].data == {"x": "gone"}
    store.wait(400)
    store.network.heal()
    store.wait(200)
    assert store.nodes[0].data == {}
    assert [copy.values for copy in store.copies] == [("gone",), ()]


def test_a_put_that_a_majority_logged_is_never_lost():
    store = leader()
    store.put("x", "kept", at=0)
    cut_off_leader(store)
    silent(store.put, "x", "unknown", at=0)
    store.network.heal()
    store.wait(200)
    assert store.lost() == []
    assert store.get("x", at=0) == "kept"


@pytest.mark.parametrize("reads", ["committed", "newest"])
def test_the_old_leader_answers_with_old_values_until_it_gives_up(reads):
    store = leader(reads=reads)
    store.put("x", "old", at=0)
    cut_off_leader(store)
    store.put("x", "new", at=1)
    seen = answers(store, "x", at=0, until=2_000)
    assert {value for _, value in seen} == {"old"}
    assert store.elections[1].at < seen[-1][0] <= store.step_down_after + 100


def test_a_confirmed_read_at_the_old_leader_is_refused():
    store = leader()
    store.put("x", "old", at=0)
    cut_off_leader(store)
    store.put("x", "new", at=1)
    silent(store.get, "x", at=0)


# The lease.


@pytest.mark.parametrize("drift", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_reads_go_on_at_a_cut_off_leader_until_its_lease_ends(drift, seed):
    store = leader(reads="lease", lease=300, drift=drift, rng=seed)
    store.put("x", 1, at=0)
    store.wait(300 - store.env.now)
    store.network.partition({0}, {1, 2})
    cut = store.env.now
    rate = store.network.timer(0) / cut
    longest = 300 * (1 - drift) / (1 + drift) / rate
    seen = answers(store, "x", at=0, until=cut + longest + 20)
    last = seen[-1][0] - cut
    assert {value for _, value in seen} == {1}
    # The last message that was answered left up to a beat and a way before the cut.
    assert longest - store.beat_every - 30 <= last <= longest
    assert silent(store.get, "x", at=0).endswith("its lease has ended")


@pytest.mark.parametrize("drift", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(5))
def test_a_new_leader_serves_only_after_the_old_lease_has_ended(drift, seed):
    store = leader(reads="lease", lease=800, drift=drift, rng=seed)
    store.put("x", "old", at=0)
    store.wait(100 - store.env.now)
    store.network.partition({0}, {1, 2})
    new_put = store.env.process(store.serve("put", "x", "new", at=1, timeout=5_000))
    seen = answers(store, "x", at=0, until=3_000)
    elected = store.elections[1].at
    served = next(copy.at for copy in store.copies if copy.values == ("new",))
    assert new_put.triggered
    assert elected < seen[-1][0] < served
    assert {value for _, value in seen} == {"old"}


def test_a_paused_leader_looks_at_its_lease_before_it_answers():
    store = leader(reads="lease", lease=300)
    store.put("x", "old", at=0)
    store.network.pause(0)
    read = store.env.process(store.serve("get", "x", at=0, timeout=3_000))
    store.wait(1_000)
    store.put("x", "new", at=1)
    store.network.resume(0)
    store.env.run(until=read)
    assert read.value == "new"


# Safety.


class Replaced(Exception):
    """What was committed at a place of the log is there no more."""


class Hasty(LeaderStore):
    """Impatient timers, so that the short schedules see many elections.

    It also watches that what was once committed at a place of the log stays there.
    """

    beat_every = 10.0
    suspect_after = 30.0
    step_down_after = 90.0

    def __init__(self, *arguments, **options):
        self.seen = {}
        super().__init__(*arguments, **options)

    def _show(self, node):
        replica = self.members[node.id]
        for place, entry in enumerate(replica.log[: replica.committed]):
            if self.seen.setdefault(place, entry) != entry:
                raise Replaced(entry)
        super()._show(node)


CONFIRMED = Hasty
LEASED = partial(Hasty, reads="lease", lease=200.0)


@pytest.mark.parametrize("make", [CONFIRMED, LEASED], ids=["confirmed", "lease"])
def test_one_leader_a_term_nothing_committed_is_lost_and_reads_are_linearizable(
    make,
    examples,
    tell,
):
    count = Counter()
    for seed in seeds(max(examples, LEAST), tell):
        schedule = leader_cut_off(seed) if seed % 2 else draw_stalled(seed)
        store, history = schedule.run(make)  # raises Replaced if something committed is lost
        verdict = linearizable(history)
        assert verdict.ok is True, replay(schedule, f"leader: {verdict.reason}")
        terms = [election.term for election in store.elections]
        assert len(set(terms)) == len(terms), replay(schedule, "leader: two in one term")
        if not any(node.forgot for node in store.nodes):
            assert store.lost() == [], replay(schedule, f"leader: lost {store.lost()}")
        count["operations"] += len(history)
        count["answered"] += int(history.is_ok.sum())
        count["elections"] += len(terms) - 1
        count["committed"] += len(store.seen)
    assert count["elections"] > 50
    tell(
        f"leader: {examples:,} schedules, {count['elections']:,} elections, at most one leader in "
        f"each term; none of {count['committed']:,} committed entries lost; "
        f"{count['operations']:,} operations ({count['answered']:,} answered), all linearizable"
    )


class NoWait(Hasty):
    """A new leader that serves at once, whatever was promised to the old one."""

    def _promised(self, node):
        return 0.0


class SecondVote(Hasty):
    """Nodes that vote for whoever asks."""

    def _vote(self, node, asked):
        self.members[node.id].vote = None
        return super()._vote(node, asked)


class Amnesia(Hasty):
    """Nodes that forget, and vote and count as if nothing had happened."""

    def crash(self, node, *, lose_memory):
        super().crash(node, lose_memory=lose_memory)
        self.by_id[node].forgot = False


class Minority(Hasty):
    """A leader that is content if it alone has logged a put."""

    def _majority_has(self, reached, least):
        return max(reached.get(each, least) for each in self.by_id)


WEAK = {
    "committed reads without a lease": partial(Hasty, reads="committed"),
    "newest reads": partial(Hasty, reads="newest"),
    "acknowledged by the leader alone": partial(Hasty, acknowledge="leader", reads="newest"),
    "reads at any node": partial(Hasty, reads="committed", read_from="any"),
    "a new leader that does not wait": partial(NoWait, reads="lease", lease=200.0),
    "nodes that vote twice": SecondVote,
    "nodes that forget and vote": Amnesia,
    "no majority": Minority,
}


@pytest.mark.parametrize("name", WEAK)
def test_a_weaker_leader_breaks_the_promise(name, tell):
    broken = (seed for seed in range(MOST_WEAK) if breaks(leader_cut_off(seed), WEAK[name]))
    first = next(broken, None)
    assert first is not None
    tell(f"{name}: first caught by schedule {first}")


def leader_cut_off(seed):
    """A schedule in which, besides all else, the first leader is cut off for a while."""
    schedule = draw_stalled(seed)
    duration = schedule.workload.duration
    cut = Partition(at=duration / 5, until=duration, groups=[{0}])
    return replace(schedule, faults=(*schedule.faults, cut))


def breaks(schedule, make):
    """Whether there were two leaders in a term, a committed entry lost, or a read too old."""
    try:
        store, history = schedule.run(make)
    except Replaced:
        return True
    terms = [election.term for election in store.elections]
    verdict = linearizable(history)
    assert verdict.ok is not None
    return not verdict.ok or len(set(terms)) < len(terms)


# Arguments.


@pytest.mark.parametrize(
    "options, message",
    [
        ({"acknowledge": 1}, "acknowledge must be one of 'majority', 'leader', got 1"),
        ({"reads": "dirty"}, "reads must be one of 'confirmed', 'lease', 'committed', 'newest'"),
        ({"read_from": "all"}, "read_from must be one of 'leader', 'any', got 'all'"),
        ({"lease": -1, "reads": "lease"}, "lease must be at least 0, got -1"),
        ({"read_from": "any"}, "reads must be 'committed' or 'newest' with read_from='any', got"),
        ({"read_from": "any", "reads": "lease"}, "with read_from='any', got 'lease'"),
    ],
)
def test_a_bad_option_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        leader(**options)


def test_the_same_seed_gives_the_same_history():
    def once():
        store = leader(5, loss=0.2, rng=3)
        faults = [Partition(at=300, until=900, groups=[{0}])]
        return list(run(store, Workload(rng=3), faults, trace=True).messages)

    assert once() == once()
