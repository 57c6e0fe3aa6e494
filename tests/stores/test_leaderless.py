"""No leader: a ring, quorums strict or sloppy, hints, repairs; what Dynamo and its heirs do."""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from support.schedules import draw_stalled, replay, seeds
from support.stores import later, new, silent, traced

from capkit import Outcome, Siblings, Skew, Workload, run
from capkit.consistency import linearizable
from capkit.stores import LeaderlessStore

OFF = {"hinted_handoff": False, "read_repair": "none", "anti_entropy": False}
HALVES = {0, 2, 4}, {1, 3, 5}  # the replicas of x are 3, 4 and 5: one is on the left, two right
LEFT, RIGHT = 0, 1


def leaderless(size=6, *, network=None, **settings):
    """Nodes without loss; every message takes 10 ms. By default nothing repairs a missed put."""
    make = partial(LeaderlessStore, **OFF | settings)
    return new(make, size, **network or {})


def cut(**settings):
    """Six nodes that are split in halves."""
    store = leaderless(**settings)
    store.network.partition(*HALVES)
    return store


def healed(store):
    """The store after its cut, when all repairs had their time."""
    store.network.heal()
    store.wait(3_000)
    return store


def held(store, key="x"):
    """The values that each node holds."""
    values = {n.id: tuple(v.value for v in n.data.get(key, ())) for n in store.nodes}
    return {node: value for node, value in values.items() if value}


# The protocol.


def test_the_replicas_of_a_key_are_the_n_nodes_that_follow_its_place_on_the_ring():
    store = leaderless(n=2)
    assert store.preference("x") == [3, 4, 5, 0, 1, 2]
    assert store.preference("y") == [1, 2, 3, 4, 5, 0]
    assert (store.replicas("x"), store.replicas("y")) == ([3, 4], [1, 2])


def test_a_put_goes_to_all_replicas_and_is_acknowledged_by_w_of_them():
    store = leaderless()
    store.network.slow(5, 30)
    messages = traced(store, lambda: store.put("x", 1, at=3))
    assert store.env.now == 20 + store.service
    assert messages == [
        ("put", 3, 3, 0, 0),
        ("put: answer", 3, 3, 0, 0),
        ("put", 3, 4, 0, 10),
        ("put: answer", 4, 3, 10, 20),
    ]
    store.wait(100)
    assert held(store) == {3: (1,), 4: (1,), 5: (1,)}


@pytest.mark.parametrize("w, took", [(1, 1), (2, 21), (3, 81)])
def test_an_operation_takes_as_long_as_the_slowest_of_those_that_it_waits_for(w, took):
    store = leaderless(r=w, w=w)
    store.network.slow(5, 30)
    store.put("x", 1, at=3)
    assert store.env.now == took
    store.get("x", at=3)
    assert store.env.now == 2 * took


def test_without_faults_a_put_asks_nobody_but_the_replicas():
    store = leaderless(hinted_handoff=True)
    store.put("x", 1, at=0)
    store.wait(1_000)
    assert held(store) == dict.fromkeys([3, 4, 5], (1,))
    assert store.converged()


# Dynamo: a sloppy quorum, hinted handoff, siblings.

dynamo = {"resolve": "siblings", "r": 2, "w": 2}


@pytest.mark.parametrize("repair", OFF)
def test_both_halves_accept_puts_and_any_one_repair_finds_the_siblings_after_the_cut(repair):
    store = cut(**dynamo | {repair: "background" if repair == "read_repair" else True})
    store.put("x", "left", at=LEFT)
    store.put("x", "right", at=RIGHT)
    assert (store.get("x", at=LEFT), store.get("x", at=RIGHT)) == ("left", "right")
    healed(store).get("x", at=3)
    store.wait(1_000)
    assert [held(store)[node] for node in (3, 4, 5)] == [("left", "right")] * 3
    assert store.get("x", at=3) == Siblings(["left", "right"])
    assert store.lost() == []


def test_hinted_handoff_brings_the_put_home_and_the_stand_ins_forget_it():
    store = cut(**dynamo, hinted_handoff=True)
    store.put("x", "new", at=LEFT)
    store.wait(300)
    assert held(store) == dict.fromkeys([0, 2, 4], ("new",))
    assert not store.converged()
    healed(store)
    assert held(store) == dict.fromkeys([3, 4, 5], ("new",))
    assert store.hints == {node: [] for node in range(6)}
    assert store.converged()


def test_a_stand_in_keeps_its_copy_until_all_for_whom_it_has_hints_have_theirs():
    store = leaderless(hinted_handoff=True)
    for down, value in [(5, "first"), (3, "second")]:
        store.network.crash(down)
        store.put("x", value, at=4)
        store.wait(200)
    assert [hint.target.id for hint in store.hints[0]] == [5, 3]
    store.network.restart(3)
    store.wait(200)
    assert [hint.target.id for hint in store.hints[0]] == [5]
    assert held(store) == dict.fromkeys([0, 1, 3, 4], ("second",))
    assert not store.converged()  # the live replicas agree, but a hint waits
    store.network.restart(5)
    store.wait(200)
    assert held(store) == dict.fromkeys([3, 4, 5], ("second",))
    assert store.converged()


def test_without_hinted_handoff_the_put_stays_with_the_stand_ins():
    store = cut(**dynamo)
    store.put("x", "new", at=LEFT)
    store.wait(300)
    assert held(healed(store)) == dict.fromkeys([0, 2, 4], ("new",))


def test_a_lone_node_cannot_find_two_that_accept():
    store = leaderless(**dynamo)
    store.network.partition({3})
    assert silent(store.put, "x", 1, at=3) == (
        "put needed w=2 of the 3 replicas 3, 4, 5 or their stand-ins, but 4, 5, 0, 1, 2 did not "
        "answer within 1000 ms"
    )


def test_a_strict_quorum_refuses_the_half_with_fewer_of_the_keys_replicas():
    store = cut(**dynamo | {"sloppy": False})
    assert silent(store.get, "x", at=LEFT) == (
        "get needed r=2 of the 3 replicas 3, 4, 5, but 3, 5 did not answer within 1000 ms"
    )
    store.put("x", "right", at=RIGHT)
    assert store.get("x", at=RIGHT) == "right"


def test_a_merge_function_makes_one_value_of_siblings():
    store = cut(**dynamo, hinted_handoff=True, merge=lambda values: "+".join(sorted(values)))
    store.put("x", "left", at=LEFT)
    store.put("x", "right", at=RIGHT)
    assert healed(store).get("x", at=3) == "left+right"


def test_a_put_that_cannot_learn_what_it_replaces_says_so():
    store = leaderless(**dynamo | {"sloppy": False})
    store.network.partition({0})
    assert silent(store.put, "x", 1, at=0) == (
        "put needed the versions of one of the 3 replicas 3, 4, 5, but 3, 4, 5 did not answer "
        "within 1000 ms"
    )


def test_a_put_that_learns_too_late_what_it_replaces_writes_nothing():
    store = leaderless(**dynamo)
    store.timeout = 15.0
    silent(store.put, "x", 1, at=0)
    store.wait(1_000)
    assert held(store) == {}


def test_a_get_that_cannot_repair_what_it_has_read_says_so():
    store = leaderless(sloppy=False, read_repair="blocking")
    store.network.partition({4, 5})
    silent(store.put, "x", 1, at=3)
    store.network.heal()
    get = store.env.process(store.serve("get", "x", at=3))
    get.defused = True
    store.network.slow(5, 100)
    store.wait(15)  # node 4 has answered that it lacks what node 3 has
    store.network.partition({3}, {4, 5}, one_way=True)
    store.wait(1_000)
    assert str(get.value) == (
        "get needed all answers to agree, but 4 did not answer within 1000 ms"
    )


@pytest.mark.parametrize("places", [(0, 1, 2), (3, 4, 5)], ids=["no replicas", "replicas"])
def test_the_next_put_replaces_what_its_coordinator_has_learnt(places):
    store = leaderless(**dynamo)
    for value, at in zip(("first", "second", "third"), places, strict=True):
        store.put("x", value, at=at)
        store.wait(100)
    assert held(store) == dict.fromkeys([3, 4, 5], ("third",))
    assert store.lost() == []


# Cassandra: strict quorums, last writer wins by wall clock, blocking read repair.


@pytest.mark.parametrize(
    "level, left, right", [(1, True, True), (2, False, True), (3, False, False)]
)
def test_one_answers_on_both_sides_a_quorum_on_the_majoritys_and_all_nowhere(level, left, right):
    store = cut(sloppy=False, r=level, w=level)
    for at, answers in [(LEFT, left), (RIGHT, right)]:
        for call in (partial(store.put, "x", at), partial(store.get, "x")):
            if answers:
                call(at=at)
            else:
                assert f"={level} of the 3 replicas 3, 4, 5, but" in silent(call, at=at)


@pytest.mark.parametrize("read_repair, second", [("none", "old"), ("blocking", "new")])
def test_blocking_read_repair_is_what_keeps_a_later_get_from_going_back(read_repair, second):
    store = leaderless(sloppy=False, read_repair=read_repair)
    store.put("x", "old", at=4)
    store.wait(100)
    store.network.partition({3}, {4, 5})
    later(store, "put", "x", "new", at=3)
    store.wait(10)
    store.network.crash(3)
    store.network.restart(3)  # it has stored the put, and no longer sends it
    store.network.heal()
    store.network.slow(5, 50)
    assert store.get("x", at=3) == "new"
    store.network.slow(5, 0)
    store.network.slow(3, 50)
    assert store.get("x", at=4) == second


def test_hints_of_a_strict_coordinator_bring_a_missed_put():
    store = leaderless(sloppy=False, hinted_handoff=True)
    store.network.crash(5)
    store.put("x", "new", at=0)
    store.wait(200)
    assert held(store) == dict.fromkeys([3, 4], ("new",))
    assert [hint.target.id for hint in store.hints[0]] == [5]
    store.network.restart(5)
    store.wait(200)
    assert held(store) == dict.fromkeys([3, 4, 5], ("new",))
    assert store.converged()


@pytest.mark.parametrize("offset, kept, lost", [(0, "second", []), (500, "first", ["second"])])
def test_a_skewed_clock_loses_an_acknowledged_put(offset, kept, lost):
    store = leaderless(sloppy=False)
    store.network.skew(3, offset)
    store.put("x", "first", at=3)
    store.wait(100)
    store.put("x", "second", at=4)
    store.wait(100)
    assert store.get("x", at=5) == kept
    assert store.lost() == lost


def test_a_put_that_began_before_another_cannot_follow_it_even_where_it_arrives_later():
    store = leaderless(sloppy=False)
    store.network.skew(3, 500)
    store.network.slow(5, 60)
    store.put("x", "first", at=3)
    assert held(store) == dict.fromkeys([3, 4], ("first",))
    store.put("x", "second", at=5)  # which has not heard of the first yet
    store.wait(300)
    assert held(store) == dict.fromkeys([3, 4, 5], ("first",))
    assert store.lost() == ["second"]


# Riak: sloppy, with as many primaries as one asks for; siblings, last writer wins, or a set.


@pytest.mark.parametrize("kind, arguments", [("put", ("x", 1)), ("get", ("x",))])
def test_pr_and_pw_refuse_the_half_that_lacks_the_keys_own_replicas(kind, arguments):
    store = cut(pr=2, pw=2)
    assert silent(getattr(store, kind), *arguments, at=LEFT) == (
        f"{kind} needed p{'rw'[kind == 'put']}=2 of the 3 replicas 3, 4, 5 themselves, but 3, 5 "
        "did not answer within 1000 ms"
    )
    getattr(store, kind)(*arguments, at=RIGHT)


def test_a_put_that_pw_refused_is_stored_all_the_same():
    store = cut(pw=2, hinted_handoff=True)
    silent(store.put, "x", "refused", at=LEFT)
    assert healed(store).get("x", at=RIGHT) == "refused"


@pytest.mark.parametrize(
    "settings, seen, lost",
    [
        ({"resolve": "lww"}, "right", ["left"]),
        ({"resolve": "siblings"}, Siblings(["left", "right"]), []),
        ({"resolve": "siblings", "collect": True}, {"left", "right"}, []),
    ],
    ids=["lww", "siblings", "set"],
)
def test_last_writer_wins_loses_a_put_and_siblings_and_the_set_lose_none(settings, seen, lost):
    store = cut(**settings, hinted_handoff=True, anti_entropy=True)
    store.put("x", "left", at=LEFT)
    store.put("x", "right", at=RIGHT)
    store.wait(300)
    assert healed(store).get("x", at=5) == seen
    assert store.lost() == lost
    assert store.converged()


def test_a_set_also_keeps_what_was_put_one_after_the_other():
    store = leaderless(resolve="siblings", collect=True)
    for value in range(3):
        store.put("x", value, at=value)
    assert store.env.now == 3 * (20 + store.service)  # to add, it need not know what is there
    assert store.get("x", at=5) == frozenset(range(3))
    assert store.get("y", at=5) == frozenset()


@pytest.mark.parametrize("notfound_ok, seen", [(True, None), (False, "here")])
def test_not_found_counts_or_the_get_goes_on_to_a_replica_that_has_found_something(
    notfound_ok, seen
):
    store = leaderless(r=1, w=1, sloppy=False, notfound_ok=notfound_ok)
    assert store.get("x", at=3) is None
    store.network.partition({3})
    store.put("x", "here", at=4)
    store.wait(300)
    store.network.heal()
    assert store.get("x", at=3) == seen


# Crashes and pauses.


def test_hints_go_with_the_memory_of_the_stand_in():
    store = cut(**dynamo, hinted_handoff=True)
    store.put("x", "new", at=LEFT)
    store.wait(300)
    for node in (0, 2):
        assert store.hints[node]
        store.network.crash(node, lose_memory=True)
        assert store.hints[node] == []
    store.network.crash(4, lose_memory=True)
    assert store.lost() == ["new"]


def test_a_coordinator_that_stands_still_takes_nobody_for_silent_meanwhile():
    store = leaderless(hinted_handoff=True)
    later(store, "put", "x", 1, at=0)
    store.wait(5)
    store.network.pause(0)
    store.wait(500)
    store.network.resume(0)
    store.wait(50)
    assert held(store) == dict.fromkeys([3, 4, 5], (1,))
    assert store.converged()


# Random schedules.


def quorums(nodes, network, make=LeaderlessStore, **settings):
    """Three replicas of each key, or as many as there are nodes, and majorities of them."""
    n = min(3, len(nodes))
    return make(nodes, network, **{"n": n, "r": n // 2 + 1, "w": n // 2 + 1} | settings)


MAKES = {
    "siblings": {"resolve": "siblings"},
    "siblings, r = w = 1": {"resolve": "siblings", "r": 1, "w": 1},
    "siblings, strict": {"resolve": "siblings", "sloppy": False, "read_repair": "background"},
    "set": {"resolve": "siblings", "collect": True},
    "lww": {"resolve": "lww"},
    "lww, strict": {"resolve": "lww", "sloppy": False},
}


def settled(schedule, store):
    """The store some time after all faults and all loss have ended."""
    store.wait(max(1.0, schedule.end - store.env.now))
    store.network.loss = store.network.reply_loss = 0
    store.wait(3_000)
    return store


@pytest.mark.parametrize("name", MAKES)
def test_replicas_converge_after_the_faults_and_siblings_lose_no_acknowledged_put(
    name, examples, tell
):
    count = Counter()
    for seed in seeds(examples, tell):
        # Every fourth schedule has crashes that lose memory: nothing is promised then but an end.
        schedule = draw_stalled(seed, memory_loss=seed % 4 == 3)
        store, _ = schedule.run(partial(quorums, **MAKES[name]))
        settled(schedule, store)
        assert store.converged(), replay(schedule, f"{name}: replicas differ")
        strangers = {n.id for n in store.nodes for key in n.data if n.id not in store.replicas(key)}
        assert not strangers, replay(schedule, f"{name}: {strangers} are no replicas")
        if seed % 4 < 3:
            count["acknowledged"] += len(store.acknowledged)
            count["lost"] += len(store.lost())
            if "lww" not in name:
                assert store.lost() == [], replay(schedule, f"{name}: lost {store.lost()}")
    assert (count["lost"] > 0) == ("lww" in name)
    tell(f"{name}: lost {count['lost']:,} of {count['acknowledged']:,} acknowledged puts")


class Noting(LeaderlessStore):
    """Notes the stamp of each value, by which replicas order versions."""

    def _next_version(self, request, node, known, value):
        version = super()._next_version(request, node, known, value)
        self.__dict__.setdefault("stamps", {None: (float("-inf"),)})[value] = version.stamp
        return version


def goes_back(history, stamps):
    """Whether a get returned an older version than one that another client had got before it."""
    gets = [each for each in history if each.kind == "get" and each.outcome is Outcome.OK]
    return any(
        first.key == second.key
        and first.completed < second.invoked
        and stamps[second.value] < stamps[first.value]
        for first in gets
        for second in gets
    )


@pytest.mark.parametrize("skew", [False, True], ids=["right clocks", "skewed clocks"])
@pytest.mark.parametrize("read_repair", ["blocking", "none"])
def test_only_blocking_read_repair_makes_quorums_monotonic_and_right_clocks_linearizable(
    read_repair, skew, examples, tell
):
    count = Counter()
    for seed in seeds(max(examples, 400), tell):
        schedule = draw_stalled(seed, memory_loss=False)
        if not skew:
            faults = [fault for fault in schedule.faults if not isinstance(fault, Skew)]
            schedule = replace(schedule, faults=tuple(faults))
        make = partial(quorums, make=Noting, sloppy=False, read_repair=read_repair)
        store, history = schedule.run(make)
        count["back"] += goes_back(history, getattr(store, "stamps", {None: ()}))
        count["not linearizable"] += linearizable(history).ok is False
    assert (count["back"] == 0) == (read_repair == "blocking")
    assert (count["not linearizable"] == 0) == (read_repair == "blocking" and not skew)
    tell(f"read_repair={read_repair!r}, skew={skew}: {dict(count)}")


def test_with_right_clocks_majorities_lose_only_puts_that_others_overlap(examples, tell):
    for seed in seeds(examples, tell):
        schedule = draw_stalled(seed, memory_loss=False)
        faults = [fault for fault in schedule.faults if not isinstance(fault, Skew)]
        schedule = replace(schedule, faults=tuple(faults))
        store, history = schedule.run(partial(quorums, sloppy=False))
        settled(schedule, store)
        puts = {each.value: each for each in history if each.kind == "put"}
        for value in store.lost():
            put = puts[value]
            overlap = [
                other
                for other in puts.values()
                if other.key == put.key
                and other is not put
                and other.invoked <= put.completed
                and (other.completed >= put.invoked or other.outcome is Outcome.UNKNOWN)
            ]
            assert overlap, replay(schedule, f"lost {value}, which nothing overlaps")


def test_skewed_clocks_lose_acknowledged_puts_without_any_cut():
    def losses(faults):
        store = leaderless(sloppy=False, network={"rng": 1})
        run(store, Workload(rng=1), faults, settle=500)
        return len(store.lost())

    assert losses([Skew(node=0, offset=400)]) > losses([]) == 0


# Bad input.


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"n": 7}, "n must be in [1, 6], got 7"),
        ({"r": 4}, "r must be in [1, 3], got 4"),
        ({"w": 0}, "w must be in [1, 3], got 0"),
        ({"pr": 4}, "pr must be in [0, 3], got 4"),
        ({"pw": -1}, "pw must be in [0, 3], got -1"),
        (
            {"read_repair": True},
            "read_repair must be one of 'blocking', 'background', 'none', got True",
        ),
        ({"resolve": "newest"}, "resolve must be one of 'lww', 'siblings', got 'newest'"),
        (
            {"collect": True},
            "collect must be False unless resolve='siblings' without merge, got True",
        ),
    ],
)
def test_a_bad_argument_is_named_with_its_rule_and_its_value(settings, message):
    with pytest.raises(ValueError, match="must be") as error:
        leaderless(**settings)
    assert str(error.value) == message
