"""The named systems: what each configuration does when it is in trouble, line by line."""

from functools import cache

import numpy as np
import pytest
from support.stores import silent

from capkit import Partition, Pause, Unavailable, Workload, run, systems
from capkit.consistency import availability, linearizable, stale
from capkit.systems import SCRIPTS, compare, get
from capkit.systems.comparison import NODES, WORKLOAD, observe
from capkit.workload import Arrival, Requests

SEEDS = range(8)


@cache
def lived(name, script, seed, options=()):
    """A store, and the history of the script that it has lived through."""
    store = get(name).build(seed, **dict(options))
    return store, observe(store, SCRIPTS[script], seed)


def every(name, script, **options):
    """The same for several seeds."""
    return [lived(name, script, seed, tuple(options.items())) for seed in SEEDS]


def lost(runs):
    return sum(len(store.lost()) for store, _ in runs)


def stale_reads(runs):
    return sum(int((stale(history) >= 0).sum()) for _, history in runs)


def answered(runs, *nodes, kind=None):
    """Share answered during the cut, of operations that gave up before it ended, at some nodes."""
    found = []
    for _, history in runs:
        rows = (history.invoked > 500) & (history.deadline < 2_000)
        if kind:
            rows &= history.kind == history.kinds.index(kind)
        found += [op for op in history.select(rows) if op.node in nodes]
    return sum(op.outcome.value == "OK" for op in found) / len(found)


def all_linearizable(runs):
    return all(linearizable(history).ok for _, history in runs)


EVERYWHERE = [script for script in SCRIPTS if script != "no fault"]
MINORITY, MAJORITY = (1, 4), (0, 2, 3, 5)
LEFT, RIGHT = (0, 2, 4), (1, 3, 5)


# Relational.


def test_relational_writes_block_when_a_synchronous_standby_is_cut_off():
    runs = every("relational", "minority cut off")
    assert answered(runs, *range(NODES), kind="put") == 0
    assert answered(runs, *MAJORITY, kind="get") == 1
    assert all_linearizable(runs)


def test_relational_asynchronous_standbys_with_failover_lose_acknowledged_commits():
    options = {"synchronous_commit": "local", "failover": "automatic"}
    runs = every("relational", "leader cut off", **options)
    assert answered(runs, *range(NODES)) == 1
    assert lost(runs) > 0
    assert not all_linearizable(runs)


def test_relational_asynchronous_standbys_without_failover_lose_nothing():
    runs = every("relational", "leader cut off", synchronous_commit="local")
    assert lost(runs) == 0
    assert all_linearizable(runs)
    assert answered(runs, 0) == 1
    assert answered(runs, *range(1, NODES)) == 0


@pytest.mark.parametrize("num_sync, answered", [("all", False), (2, False), (1, True)])
def test_relational_a_commit_waits_for_as_many_standbys_as_num_sync_says(num_sync, answered):
    """With one of two standbys cut off, ANY 1 goes on; ANY 2 waits, as every standby does."""
    store = get("relational").build(7, nodes=3, num_sync=num_sync)
    store.network.partition({0, 1}, {2})
    if answered:
        store.put("x", 1, at=0)
        store.wait(100)
        assert [node.get("x") for node in store.nodes] == [1, 1, None]
    else:
        with pytest.raises(Unavailable, match="still waits for standby 2"):
            store.put("x", 1, at=0)


def test_relational_num_sync_is_at_most_the_number_of_standbys():
    with pytest.raises(ValueError, match=r"num_sync must be in \[1, 2\], got 3"):
        get("relational").build(7, nodes=3, num_sync=3)


def test_relational_any_one_loses_a_commit_if_the_standby_without_it_is_promoted():
    """`num_sync` says who must have it, and not who may be promoted."""
    lost = []
    for left in (1, 2):  # who is left when the primary crashes
        store = get("relational").build(7, nodes=3, num_sync=1, failover="automatic")
        store.network.slow(2, 100)
        store.put("x", 1, at=0)
        store.network.crash(0)
        store.network.crash(3 - left)
        store.wait(500)
        lost.append(store.get("x", at=left) != 1)
    assert lost == [False, True]


# Bigtable.


def test_bigtable_the_tablet_is_unavailable_until_the_lease_ends_and_the_master_reassigns_it():
    for store, history in every("Bigtable", "leader cut off"):
        old, successor = store.tenures
        assert (old.node, successor.node) == (0, 1)
        assert 500 < old.until <= 500 + store.lease
        assert 500 + store.lease - store.renew_every - 90 < successor.since < 500 + 3 * store.lease
        done = [op.completed for op in history if op.outcome.value == "OK"]
        assert [time for time in done if old.until + 90 < time < successor.since] == []
        assert [time for time in done if time > successor.since]


def test_bigtable_two_servers_may_believe_and_one_takes_effect():
    for seed in SEEDS:
        store, history = pause_between_look_and_write(seed, fencing=True)
        old, successor = store.tenures
        assert successor.since < old.until
        assert {refusal.generation for refusal in store.refused} == {old.generation}
        assert linearizable(history).ok


def test_bigtable_is_not_linearizable_without_the_fencing_token():
    for seed in SEEDS:
        store, history = pause_between_look_and_write(seed, fencing=False)
        assert store.refused == []
        assert linearizable(history).ok is False


def pause_between_look_and_write(seed, fencing):
    """The server is paused just after it has taken a put; nobody asks twice."""
    store = get("Bigtable").build(seed, fencing=fencing)
    store.retry_every = 10_000.0
    return store, run(
        store, Requests(requests=PAUSED, clients=3, duration=2_000, timeout=1_500), [PAUSE]
    )


PAUSED = [Arrival(20, 1, "put", "x", 1), Arrival(200, 0, "put", "x", 2)]
PAUSED += [Arrival(time, 2, "get", "x") for time in (1_100, 1_600, 1_800)]
PAUSE = Pause(at=210, until=1_300, node=0)


@pytest.mark.parametrize("script", SCRIPTS)
def test_bigtable_is_linearizable_throughout(script):
    runs = every("Bigtable", script)
    assert all_linearizable(runs)
    assert lost(runs) == 0


# DynamoDB.


@pytest.mark.parametrize("script", SCRIPTS)
def test_dynamodb_strong_reads_are_linearizable(script):
    assert all_linearizable(every("DynamoDB", script, consistent_read=True))


def dynamodb(consistent_read):
    store = get("DynamoDB").build(7, consistent_read=consistent_read)
    store.put("x", "old", at=0)
    store.wait(500 - store.env.now)
    store.network.partition({0})
    return store


def test_dynamodb_writes_at_a_cut_off_leader_find_no_quorum_at_once():
    store = dynamodb(True)
    assert "leader 0 was not reached, or reached no majority" in silent_within(
        store, 100, store.put, "x", "new", at=0
    )


def silent_within(store, timeout, call, *arguments, **settings):
    store.timeout = timeout
    return silent(call, *arguments, **settings)


def test_dynamodb_strong_reads_go_on_at_a_cut_off_leader_until_its_lease_ends():
    store = dynamodb(True)
    store.timeout, last = 5, 0.0
    while store.env.now < 500 + store.lease:
        try:
            assert store.get("x", at=0) == "old"
            last = store.env.now
        except Unavailable:
            break
        store.wait(5)
    assert store.lease - store.beat_every - 90 < last - 500 <= store.lease
    assert silent(store.get, "x", at=0).endswith("or its lease has ended")


def test_dynamodb_a_new_leader_waits_out_the_old_lease():
    store = dynamodb(True)
    store.timeout = 3_000
    store.put("x", "new", at=1)
    election = store.elections[-1]
    serves = store.members[election.node].serves_from
    assert election.at < serves
    assert serves <= store.env.now


def test_dynamodb_default_reads_answer_everywhere_and_some_are_stale():
    runs = every("DynamoDB", "minority cut off") + every("DynamoDB", "even split")
    assert answered(runs, *range(NODES), kind="get") == 1
    assert answered(every("DynamoDB", "even split"), *range(NODES), kind="put") == 0
    assert stale_reads(runs) > 0


# MongoDB.


@pytest.mark.parametrize("script", SCRIPTS)
def test_mongodb_majority_and_linearizable_is_linearizable(script):
    runs = every("MongoDB", script, read_concern="linearizable")
    assert all_linearizable(runs)
    assert lost(runs) == 0


def test_mongodb_majority_and_linearizable_blocks_on_the_minority_until_the_time_limit():
    runs = every("MongoDB", "minority cut off", read_concern="linearizable")
    assert answered(runs, *MINORITY) == 0
    assert answered(runs, *MAJORITY) == 1
    for _, history in runs:
        waited = [op for op in history if op.outcome.value == "UNKNOWN"]
        assert [op.completed - op.invoked for op in waited] == [
            pytest.approx(WORKLOAD.timeout) for _ in waited
        ]


def test_mongodb_local_reads_at_the_old_primary_are_stale():
    runs = every("MongoDB", "leader cut off")
    old = [
        history[row]
        for _, history in runs
        for row in range(len(history))
        if stale(history)[row] >= 0
    ]
    assert old
    assert {operation.node for operation in old} == {0}
    assert not all_linearizable(runs)


def test_mongodb_w_1_is_acknowledged_and_then_rolled_back():
    runs = every("MongoDB", "leader cut off", write_concern=1)
    assert lost(runs) > 0
    for store, history in runs:
        acknowledged = {op.value for op in history if op.kind == "put" and op.outcome.value == "OK"}
        assert set(store.lost()) <= acknowledged
        assert not {node.get("x") for node in store.nodes} & set(store.lost())


def test_mongodb_majority_writes_are_never_rolled_back():
    for script in EVERYWHERE:
        assert lost(every("MongoDB", script)) == 0


# Dynamo.


def test_dynamo_accepts_writes_on_both_sides_of_an_even_split():
    runs = every("Dynamo", "even split")
    assert answered(runs, *LEFT) == answered(runs, *RIGHT) == 1


def test_dynamo_holds_siblings_after_heal_and_loses_nothing():
    runs = every("Dynamo", "even split")
    assert lost(runs) == 0
    held = [len(store.by_id[store.replicas("x")[0]].data["x"]) for store, _ in runs]
    assert max(held) > 1


def test_dynamo_hands_over_what_a_stand_in_took():
    options = {"anti_entropy": False, "read_repair": False}
    handed = every("Dynamo", "even split", **options)
    kept = every("Dynamo", "even split", hinted_handoff=False, **options)
    assert all(store.converged() for store, _ in handed)
    assert not any(store.converged() for store, _ in kept)


def test_dynamo_a_lone_node_refuses_with_w_2():
    assert answered(every("Dynamo", "leader cut off"), 0, kind="put") == 0
    alone = every("Dynamo", "leader cut off", w=1, r=1)
    assert answered(alone, 0, kind="put") > 0


def test_dynamo_a_strict_quorum_refuses_the_side_with_fewer_replicas():
    runs = every("Dynamo", "even split", sloppy_quorum=False)
    assert answered(runs, *LEFT) == 0  # one of the replicas 3, 4 and 5
    assert answered(runs, *RIGHT) == 1


# Cassandra.


@pytest.mark.parametrize("level, left, right", [("ONE", 1, 1), ("QUORUM", 0, 1), ("ALL", 0, 0)])
def test_cassandra_answers_on_the_sides_that_its_level_allows(level, left, right):
    runs = every("Cassandra", "even split", consistency=level)
    assert answered(runs, *LEFT) == left
    assert answered(runs, *RIGHT) == right


LOOSE = [Partition(at=t, until=t + 30, groups=[{t // 30 % 3}]) for t in range(0, 600, 30)]


@pytest.mark.parametrize("read_repair, linear", [("BLOCKING", True), ("NONE", False)])
def test_cassandra_quorums_go_back_in_time_without_read_repair(read_repair, linear):
    verdicts, back = [], 0
    for seed in range(20):
        traffic = Workload(clients=3, rate=40, duration=600, puts=0.3, rng=seed)
        store = get("Cassandra").build(seed, nodes=3, consistency="QUORUM", read_repair=read_repair)
        history = run(store, traffic, LOOSE)
        verdicts.append(linearizable(history).ok)
        back += new_then_old(history)
    assert (False not in verdicts) == linear
    assert (back == 0) == linear


def new_then_old(history):
    """Gets that return a value although an earlier get had returned one that was put later."""
    puts = {op.value: op for op in history if op.kind == "put"}
    gets = [op for op in history if op.kind == "get" and op.outcome.value == "OK"]
    return sum(
        old.value is None or puts[old.value].completed < puts[new.value].invoked
        for new in gets
        for old in gets
        if new.completed < old.invoked and new.value is not None
    )


def test_cassandra_skewed_clocks_lose_acknowledged_writes():
    runs = every("Cassandra", "clock 500 ms ahead", consistency="QUORUM")
    assert lost(runs) > 0
    assert lost(every("Cassandra", "no fault", consistency="QUORUM")) == 0
    assert not all_linearizable(runs)


# Riak.


def test_riak_is_sloppy_by_default_so_both_sides_answer():
    runs = every("Riak", "even split")
    assert answered(runs, *LEFT) == answered(runs, *RIGHT) == 1


@pytest.mark.parametrize(
    "options, kind", [({"pr": "quorum"}, "get"), ({"pw": "quorum"}, "put"), ({"pw": 3}, "put")]
)
def test_riak_pr_and_pw_refuse_without_enough_of_the_keys_own_replicas(options, kind):
    runs = every("Riak", "even split", **options)
    assert answered(runs, *LEFT, kind=kind) == 0


def test_riak_a_put_refused_by_pw_persists_all_the_same():
    store = get("Riak").build(7, pw="quorum")
    store.network.partition(set(LEFT), set(RIGHT))
    assert "pw=2" in silent(store.put, "x", "refused", at=0)
    store.network.heal()
    store.wait(2_000)
    assert store.get("x", at=1) == "refused"


@pytest.mark.parametrize(
    "options, loses", [({}, True), ({"allow_mult": True}, False), ({"data_type": "set"}, False)]
)
def test_riak_last_write_wins_loses_writes_and_siblings_and_sets_lose_none(options, loses):
    runs = every("Riak", "even split", **options)
    assert (lost(runs) > 0) == loses


def test_riak_a_set_holds_every_value_that_was_put():
    for store, history in every("Riak", "even split", data_type="set"):
        put = {op.value for op in history if op.kind == "put" and op.outcome.value == "OK"}
        assert put <= store.get("x", at=3)


# The page of a handbook.


SEVEN = {
    "relational": "CA",
    "Bigtable": "CP",
    "DynamoDB": "CP",
    "MongoDB": "CP",
    "Dynamo": "AP",
    "Cassandra": "AP",
    "Riak": "AP",
}


def test_the_systems_that_are_usually_named_have_their_usual_letters():
    letters = {name: get(name).letters for name in systems.NAMES}
    assert letters | SEVEN == letters


@pytest.mark.parametrize("name", systems.NAMES)
def test_a_system_prints_its_options_with_defaults_and_its_sources(name):
    system = get(name)
    page = repr(system)
    assert page.startswith(name)
    for option, each in system.options.items():
        assert f"{option} = {each.default!r}" in page
        assert each.takes(each.default)
    assert all(source in page for source in system.sources)
    assert system.sources


@pytest.mark.parametrize("name", systems.NAMES)
def test_every_configuration_builds_a_store_that_answers(name):
    for options in get(name).configurations.values():
        store = get(name).build(3, **options)
        store.put("x", 1)
        store.wait(500)
        assert store.get("x") in (1, frozenset({1}))


def combinations():
    """Each system with each value of each of its options, the others at their defaults."""
    for name in systems.NAMES:
        for option, each in get(name).options.items():
            for value in each.values:
                yield pytest.param(name, {option: value}, id=f"{name}, {option}={value}")


@pytest.mark.parametrize("name, options", list(combinations()))
def test_every_value_of_every_option_is_taken_or_refused_by_name(name, options):
    (value,) = options.values()
    if name in ("Dynamo", "Cassandra", "Riak") and too_many(name, **options):
        with pytest.raises(ValueError, match=r"(r|w|pr|pw) must be in \[[01], \d\], got"):
            get(name).build(3, **options)
    else:
        store = get(name).build(3, **options)
        store.timeout = 2_000
        store.put("x", 1)
        assert get(name).check(options)[next(iter(options))] == value


def too_many(name, **options):
    """Whether a quorum is larger than the number of replicas."""
    chosen = get(name).check(options)
    n = next(chosen[key] for key in ("n", "replication_factor", "n_val") if key in chosen)
    return any(
        isinstance(chosen.get(key), int) and chosen[key] > n for key in ("r", "w", "pr", "pw")
    )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: get("Oracle"), "name must be one of 'relational', 'Bigtable', .*, got 'Oracle'"),
        (
            lambda: get("MongoDB").build(w=1),
            "options of MongoDB must be among write_concern, read_concern, read_preference, "
            "got 'w'",
        ),
        (
            lambda: get("MongoDB").build(write_concern=True),
            "write_concern must be one of 'majority', 1, got True",
        ),
        (
            lambda: get("MongoDB").build(read_concern="linearizable", read_preference="nearest"),
            "read_concern must be 'local' or 'majority' with read_preference='nearest', "
            "got 'linearizable'",
        ),
        (lambda: get("Dynamo").build(nodes=0), "nodes must be at least 1, got 0"),
        (lambda: get("Dynamo").build(r=4), r"r must be in \[1, 3\], got 4"),
        (lambda: compare(["Oracle"]), "name must be one of 'relational'"),
        (lambda: compare(["Riak"], ["flood"]), "scripts must be one of 'no fault', .* got 'flood'"),
        (lambda: compare([("Riak", {"nval": 3})]), "options of Riak must be among n_val"),
        (lambda: compare(["Riak"], ["no fault"], rng=1).where(colour=1), "field must be one of"),
    ],
)
def test_bad_input_is_named_with_what_is_valid(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# The comparison.


def test_a_comparison_has_a_row_for_each_configuration_and_script():
    table = compare(["MongoDB", ("Riak", {"allow_mult": True})], ["no fault", "crash"], rng=7)
    assert [(row.system, row.options, row.script) for row in table] == [
        ("MongoDB", "majority, local", "no fault"),
        ("MongoDB", "majority, local", "crash"),
        ("Riak", "siblings", "no fault"),
        ("Riak", "siblings", "crash"),
    ]


def test_by_default_a_comparison_shows_all_systems_as_their_letters_mean_them():
    table = compare(scripts=["no fault"], rng=7)
    assert [row.system for row in table] == list(systems.NAMES)
    assert table.where(system="DynamoDB")[0].options == "strong reads"


def test_the_same_seed_gives_the_same_table_and_another_seed_another_one():
    again = [compare(["Dynamo"], ["even split"], rng=seed).rows for seed in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_row_says_what_its_store_and_history_say(script):
    (row,) = compare(["MongoDB"], [script], rng=5)
    seed = int(np.random.default_rng(5).integers(2**32))
    store = get("MongoDB").build(seed)
    history = observe(store, SCRIPTS[script], seed)
    assert row.answered == availability(history)
    assert row.lost == len(store.lost())
    assert row.stale == int((stale(history) >= 0).sum())
    assert (row.promise == "linearizable") == bool(linearizable(history))


def test_a_table_prints_one_line_a_row_and_the_common_script_once():
    table = compare(["MongoDB", "Cassandra"], ["even split"], rng=7)
    lines = repr(table).splitlines()
    assert lines[0] == "script: even split"
    assert lines[1].split()[:2] == ["system", "options"]
    assert [line.split()[0] for line in lines[2:]] == ["MongoDB", "Cassandra"]
    assert max(map(len, lines)) <= 140
