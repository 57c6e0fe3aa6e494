"""Real engines: what their clients see under real faults, and that nothing of them is left."""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

from capkit import (
    CAStore,
    Crash,
    History,
    Network,
    Node,
    Operation,
    Outcome,
    Partition,
    Pause,
    Skew,
    Slow,
    Unavailable,
    Workload,
    availability,
    engines,
    linearizable,
    run,
)
from capkit.engines.server import Keeper, Server, free_ports, listens
from capkit.stores import LeaderStore

engine = pytest.mark.engine
EVERY = [
    pytest.param("SQLite()"),
    pytest.param("Etcd()", marks=engine),
    pytest.param("Redis()", marks=engine),
    pytest.param("PostgreSQL()", marks=engine),
]
every_engine = pytest.mark.parametrize("words", EVERY)
CUT = Partition(at=600, until=1_800, groups=[{0}])
WORKLOAD = Workload(clients=6, duration=2_400, rate=5, timeout=400, rng=7)


@contextlib.contextmanager
def started(words):
    """A running engine, or a skip where its program is not installed."""
    try:
        with eval(f"engines.{words}") as running:
            yield running
    except engines.NotInstalled as missing:
        pytest.skip(str(missing))


def until(holds, what, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.02)


def with_last_gets(running, history, key):
    """The history, and what a client finds at every node when all is healed."""
    running.heal()
    rows, last = list(history), max(each.completed for each in history) + 1_000
    for node in running.nodes:
        value = running.serve("get", key, at=node.id, timeout=5_000)
        client = 100 + len(rows)
        rows.append(
            Operation(kind="get", key=key, value=value, invoked=last, completed=last + 1,
                      client=client, node=node.id)
        )  # fmt: skip
        last += 2
    return History(rows, faults=history.faults)


# One engine, any engine.


@every_engine
def test_what_was_put_is_found(words):
    with started(words) as running:
        running.put("seats", {"left": [9, "nine"]}, at=running.places[-1])
        assert running.serve("get", "seats", timeout=5_000) == {"left": [9, "nine"]}
        assert running.get("nothing") is None


@every_engine
def test_clients_ask_at_their_times_and_wait_no_longer_than_their_deadline(words):
    asked = [(each.time, each.client, each.kind) for each in WORKLOAD.arrivals()]
    with started(words) as running:
        history = engines.run(running, WORKLOAD, [CUT])
        assert sorted((each.client, each.kind) for each in history) == sorted(
            (client, kind) for _, client, kind in asked
        )
        assert (history.completed <= history.deadline).all()
        assert (history.invoked >= [time for time, _, _ in asked]).all()
        assert {each.node for each in history} == set(running.places)
        assert history.faults == (CUT,)
        with pytest.raises(ValueError, match="keys must be new to the engine, got 'x'"):
            engines.run(running, WORKLOAD)


@every_engine
def test_a_history_of_a_real_run_survives_a_file(words, tmp_path):
    with started(words) as running:
        faults = [CUT, Slow(at=0, until=100, node=0, delay=5)]
        history = engines.run(running, WORKLOAD, faults)
    history.write(tmp_path / "run.jsonl")
    assert list(History.read(tmp_path / "run.jsonl")) == list(history)


@every_engine
@pytest.mark.parametrize("fault", [Crash, Pause])
def test_a_node_that_was_killed_or_paused_serves_again_with_its_data(words, fault):
    with started(words) as running:
        running.serve("put", "kept", 1, timeout=5_000)
        strike = fault(node=0)
        running.strike(strike)
        with pytest.raises(Unavailable):
            running.serve("get", "kept", at=0, timeout=300)
        assert running.nodes[0].up == (fault is Pause)
        running.heal()
        assert running.serve("get", "kept", at=0, timeout=5_000) == 1


@pytest.mark.parametrize("on_cut", ["drop", "reset"])
def test_a_cut_takes_sqlite_from_those_who_are_far(on_cut):
    with engines.SQLite(on_cut=on_cut) as running:
        running.put("x", 1, at=2)
        running.strike(Partition(groups=[{0, 1}]))
        assert [running.get("x", at=place) for place in (0, 1)] == [1, 1]
        start = time.monotonic()
        with pytest.raises(Unavailable) as refusal:
            running.serve("get", "x", at=2, timeout=3_000)
        assert (time.monotonic() - start < 3) == (on_cut == "reset")
        # A reset may come before anything was sent, and then the get certainly did not happen.
        assert not (refusal.value.certain and on_cut == "drop")
        running.heal()
        assert running.get("x", at=2) == 1


def test_a_slow_place_waits_there_and_back():
    with engines.SQLite() as running:
        running.strike(Slow(node=0, delay=100))
        start = time.monotonic()
        running.put("x", 1, at=1)
        assert time.monotonic() - start >= 0.2
        running.put("x", 2, at=0)


# What the issue wants to see: verdicts.


def leader_cut(running):
    return Partition(at=600, groups=[{running.leader}])


def leader_killed(running):
    return Crash(at=600, node=running.leader)


def leader_paused(running):
    return Pause(at=600, node=running.leader)


def link_healed(running):
    follower = next(node.id for node in running.nodes if node.id != running.leader)
    return Partition(at=600, until=1_500, groups=[{follower}])


@engine
@pytest.mark.parametrize("fault", [leader_cut, leader_killed, leader_paused, link_healed])
def test_etcd_is_linearizable_and_loses_nothing_that_it_acknowledged(fault, engine_runs, tell):
    with started("Etcd()") as running:
        answered, meanwhile = [], 0
        for turn in range(engine_runs):
            key = f"run {turn}"
            workload = Workload(clients=6, duration=2_400, rate=10, keys=[key], rng=turn)
            history = engines.run(running, workload, [fault(running)])
            judged = with_last_gets(running, history, key)
            assert linearizable(judged).ok is True, str(linearizable(judged))
            answered.append(availability(history))
            meanwhile += int((history.is_ok & (history.invoked > 600)).sum())
        assert meanwhile > 0  # the others went on
        tell(f"etcd {running.version}, {fault.__name__}: {engine_runs} runs linearizable, ")
        tell(f"{min(answered):.2f} to {max(answered):.2f} answered")


@engine
def test_etcd_hears_what_flows_one_way(engine_runs):
    with started("Etcd()") as running:
        running.strike(Partition(groups=[{0}], one_way=True))
        until(lambda: running._status(running.nodes[1]) is not None, "an answer")
        until(lambda: running.leader in (1, 2), "a new leader")
        running.serve("put", "x", 1, at=1, timeout=5_000)


@engine
def test_serializable_reads_of_etcd_are_stale_with_a_witness():
    with started("Etcd(serializable=True)") as running:
        workload = Workload(clients=6, duration=3_000, rate=10, rng=1)
        cut = Partition(at=500, until=2_500, groups=[{running.leader}])
        history = engines.run(running, workload, [cut])
    verdict = linearizable(history)
    assert verdict.ok is False
    assert any(history[each].kind == "get" for each in verdict.witness)


@engine
@pytest.mark.parametrize("wait", [0, 1])
def test_redis_reads_old_values_from_its_replicas(wait):
    with started(f"Redis(wait={wait})") as running:
        history = engines.run(running, Workload(clients=6, duration=3_000, rate=10, rng=1),
                              [Partition(at=500, until=2_500, groups=[{2}])])  # fmt: skip
    assert linearizable(history).ok is False


PUTS = Workload(
    clients=6, duration=2_400, rate=5, puts=1.0, timeout=400, keys=[f"key {i}" for i in range(50)],
    rng=7,
)  # fmt: skip


def lost_by_failover(words):
    """Acknowledged values that nobody finds after a cut, a promotion behind it, and its end.

    Of each key, only what was put last counts, and only if it was acknowledged.
    """
    with started(words) as running:
        faults = [CUT, engines.Promote(at=900, until=1_800, node=1)]
        history = engines.run(running, PUTS, faults, audit=True)
    auditor = history.client.max()
    found = {each.key: each.value for each in history if each.client == auditor}
    last = {each.key: each for each in history if each.kind == "put"}
    assert found.keys() == last.keys()
    acknowledged = [each for each in last.values() if each.outcome is Outcome.OK]
    return [each.value for each in acknowledged if found[each.key] != each.value]


@engine
def test_a_failover_of_redis_loses_what_the_old_primary_acknowledged():
    missing = lost_by_failover("Redis()")
    assert missing


@engine
def test_wait_narrows_what_redis_loses():
    missing = lost_by_failover("Redis(wait=1)")
    assert missing == []


@engine
def test_a_replica_of_redis_refuses_a_put_for_certain():
    with started("Redis()") as running:
        running.primary_of[2] = 2
        with pytest.raises(Unavailable, match="read only replica") as refusal:
            running.put("x", 1, at=2)
        assert refusal.value.certain


@engine
def test_postgresql_is_linearizable_at_its_primary_and_blocks_without_its_standby():
    with started("PostgreSQL()") as running:
        assert running.settings == {
            "synchronous_commit": "on",
            "synchronous_standby_names": "standby",
        }
        history = engines.run(running, WORKLOAD, [CUT])
        judged = with_last_gets(running, history, "x")
    assert linearizable(judged).ok is True
    at_primary = [each for each in history if each.node == 0 and 700 < each.invoked < 1_300]
    assert {each.outcome for each in at_primary if each.kind == "put"} == {Outcome.UNKNOWN}
    assert {each.outcome for each in at_primary if each.kind == "get"} == {Outcome.OK}


@engine
@pytest.mark.parametrize("commit, loses", [("on", False), ("local", True)])
def test_a_promotion_of_postgresql_loses_what_was_only_local(commit, loses):
    missing = lost_by_failover(f"PostgreSQL(synchronous_commit={commit!r})")
    assert bool(missing) == loses


@engine
def test_a_standby_of_postgresql_refuses_a_put_for_certain():
    with started("PostgreSQL()") as running:
        running.primary_of[1] = 1
        with pytest.raises(Unavailable, match="read-only transaction") as refusal:
            running.serve("put", "x", 1, at=1, timeout=5_000)
        assert refusal.value.certain


# The simulated stores predict the real ones.


def new(make, nodes, **settings):
    store = make([Node(i) for i in range(nodes)], Network(loss=0.0, latency=0.5), **settings)
    if make is LeaderStore:  # as etcd: it waits 300 ms for its leader, and asks it once
        store.suspect_after, store.retry_every = 300.0, 1e9
    return store


LONG = Workload(
    clients=6, duration=6_000, rate=5, timeout=400, keys=[f"key {i}" for i in range(26)], rng=7
)
LONG_CUT = Partition(at=1_500, until=4_500, groups=[{0}])


@pytest.mark.parametrize(
    "words, make, nodes, settings",
    [
        ("SQLite()", CAStore, 3, {"synchronous": False}),
        pytest.param("PostgreSQL()", CAStore, 2, {}, marks=engine),
        pytest.param("Etcd()", LeaderStore, 3, {}, marks=engine),
        pytest.param("Redis()", CAStore, 3, {"synchronous": False, "read_from": "any"},
                     marks=engine),
    ],
)  # fmt: skip
def test_the_matching_simulation_predicts_each_sides_availability(words, make, nodes, settings):
    with started(words) as running:
        history = engines.run(running, LONG, [LONG_CUT])
    simulated = [run(new(make, nodes, **settings), LONG, [LONG_CUT]) for _ in range(10)]
    for side in ([0], [1, 2]):
        predicted = [availability(each, nodes=side) for each in simulated]
        seen = availability(history, nodes=side)
        assert seen == pytest.approx(sum(predicted) / 10, abs=0.05)


# Where a program is missing, a recording takes its place.


def missing(*_, **__):
    raise engines.NotInstalled("etcd is not installed here; get it")


def test_a_recorded_run_takes_the_place_of_a_missing_program(monkeypatch, tmp_path, capsys):
    file = tmp_path / "etcd.jsonl"
    recorded = run(new(LeaderStore, 3), WORKLOAD, [CUT])
    recorded.write(file)
    monkeypatch.setattr("capkit.engines.etcd.find", missing)
    history = engines.run_or_replay(engines.Etcd(), WORKLOAD, [CUT], recording=file)
    assert list(history) == list(recorded)
    assert "not installed here; get it. What follows is the recording" in capsys.readouterr().out


@pytest.mark.parametrize("record, written", [("1", True), ("", False)])
def test_a_run_is_recorded_where_that_is_asked_for(monkeypatch, tmp_path, record, written):
    file = tmp_path / "sqlite.jsonl"
    monkeypatch.setenv("CAPKIT_RECORD", record)
    short = Workload(clients=3, duration=300, rng=7)
    history = engines.run_or_replay(engines.SQLite(), short, recording=file)
    assert file.exists() == written
    assert not written or list(History.read(file)) == list(history)


# Nothing is left behind.


def mine():
    """Processes that servers of these tests are."""
    names = ("capkit-", "engine_guard.py")
    for process in psutil.process_iter(["cmdline", "status", "ppid"]):
        words = " ".join(process.info["cmdline"] or ())
        if any(name in words for name in names) and process.info["status"] != psutil.STATUS_ZOMBIE:
            yield process.pid


def shared_memory(pids):
    """Segments of shared memory that these processes have made, where the system shows them."""
    table = Path("/proc/sysvipc/shm")
    rows = [line.split() for line in table.read_text().splitlines()] if table.exists() else []
    maker = rows[0].index("cpid") if rows else 0
    return [row for row in rows[1:] if int(row[maker]) in pids]


@every_engine
def test_many_lives_leave_nothing(words, engine_runs):
    for _ in range(3 if engine_runs == 1 else 5 * engine_runs // 2):
        with started(words) as running:
            folder, guard = running.keeper.folder, running.keeper.pid
            pids = [guard, *(node.pid for node in running.nodes)]
            ports = [node.port for node in running.nodes]
            assert all(map(psutil.pid_exists, pids))
            assert folder.exists()
        assert not any(map(psutil.pid_exists, pids))
        assert not any(map(listens, ports))
        assert not folder.exists()
        assert shared_memory(pids) == []


CELL = """
from capkit import engines
engine = engines.{}.__enter__()
print(engine.keeper.folder, engine.keeper.pid, *(f"{{n.pid}}:{{n.port}}" for n in engine.nodes))
"""


@every_engine
def test_a_kernel_killed_with_9_leaves_nothing_after_five_seconds(words, engine_runs):
    with started(words):
        pass  # it is installed
    for _ in range(max(1, engine_runs // 4)):
        manager, client = start_new_kernel(kernel_name="python3")
        lines = []
        try:
            client.execute_interactive(
                CELL.format(words),
                timeout=60,
                output_hook=lambda m, lines=lines: lines.append(m["content"].get("text", "")),
            )
            folder, guard, *servers = "".join(lines).split()
            pids = [int(guard), *(int(each.split(":")[0]) for each in servers)]
            ports = [int(each.split(":")[1]) for each in servers]
            assert all(map(psutil.pid_exists, pids))
            os.kill(manager.provisioner.pid, signal.SIGKILL)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)

        def gone(pids=pids, ports=ports, folder=folder):
            alive = [p for p in pids if psutil.pid_exists(p) and not zombie(p)]
            left = alive or shared_memory(pids) or Path(folder).exists()
            return not left and not any(map(listens, ports))

        until(gone, "the end", 5)


def zombie(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# Bad input.


@pytest.mark.parametrize(
    "fault, error, sentence",
    [
        (Crash(node=7), ValueError, "node must name nodes among 0, got 7"),
        (Pause(node=1), ValueError, "node must name nodes among 0, got 1"),
        (Partition(groups=[{0}, {9}]), ValueError, "groups must name nodes among 0, 1, 2, got 9"),
        (Crash(node=0, lose_memory=True), ValueError, "lose_memory must be False"),
        (Skew(node=0, offset=5), TypeError, "faults must be among Partition, Crash, Pause, Slow"),
        (engines.Promote(node=0), TypeError, "faults must be among"),
    ],
    ids=str,
)
def test_a_fault_that_cannot_be_is_refused_before_anything_happens(fault, error, sentence):
    with engines.SQLite() as running:
        with pytest.raises(error, match=sentence):
            engines.run(running, Workload(rng=7), [fault])
        with pytest.raises(error, match=sentence):
            running.strike(fault)
        assert running.keys == set()
        running.put("x", 1)


def test_a_one_way_cut_makes_no_sense_where_cuts_reset():
    fault = Partition(groups=[{0}], one_way=True)
    with (
        engines.SQLite(on_cut="reset") as running,
        pytest.raises(ValueError, match="one_way must be False where cuts reset"),
    ):
        running.strike(fault)


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: engines.SQLite(0), "nodes must be at least 1, got 0"),
        (lambda: engines.SQLite(on_cut="cry"), "on_cut must be one of 'drop', 'reset', got 'cry'"),
        (lambda: engines.SQLite(ports=[70_000]), "ports must be in"),
        (lambda: engines.Redis(wait=3), "wait must be in"),
        (lambda: engines.Redis(reads="x"), "reads must be one of"),
        (lambda: engines.PostgreSQL(synchronous_commit="off"), "synchronous_commit must be one of"),
    ],
)
def test_a_wrong_argument_is_named(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_an_occupied_port_is_named_and_nothing_is_left():
    before = set(mine())
    with engines.SQLite() as other:
        (port,) = free_ports(1)
        with engines.SQLite(ports=[port]) as running, contextlib.closing(running):
            assert listens(port)
            with (
                pytest.raises(ValueError, match=f"ports must be free, got {port}"),
                engines.SQLite(ports=[port]),
            ):
                pass
        assert not listens(port)
        other.put("x", 1)
    assert set(mine()) <= before


def test_a_program_that_dies_at_its_start_is_quoted():
    keeper = Keeper()
    try:
        script = "for i in 1 2 3; do echo line $i; done; echo no room left; exit 3"
        server = Server(keeper, 0, 1, lambda: ["sh", "-c", script])
        server.start()
        with pytest.raises(engines.StartFailed, match=r"exit code 3(.|\n)*line 3\n *no room left"):
            server.wait(lambda: False)
    finally:
        keeper.close()


def test_a_program_that_cannot_be_started_is_named():
    keeper = Keeper()
    try:
        server = Server(keeper, 0, 1, lambda: ["/no/such/program"])
        with pytest.raises(engines.StartFailed, match="/no/such/program"):
            server.start()
    finally:
        keeper.close()


@pytest.mark.parametrize(
    "make, command",
    [
        (engines.Etcd, "apt-get install etcd-server"),
        (engines.Redis, "apt-get install redis-server"),
    ],
)
def test_a_missing_program_comes_with_the_command_that_installs_it(make, command, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(engines.NotInstalled, match=command), make():
        pass


def test_a_missing_library_comes_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(engines.NotInstalled, match=r"pip install -e .\.\[engines\]"):
        engines.SQLite().__enter__()


@engine
def test_an_unsound_etcd_comes_with_a_warning(monkeypatch, tmp_path):
    fake = tmp_path / "etcd"
    fake.write_text("#!/bin/sh\necho etcd Version: 3.5.1\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with (
        pytest.warns(UserWarning, match=r"etcd 3\.5\.1 can lose committed data on kill -9"),
        pytest.raises(engines.StartFailed),
        engines.Etcd(),
    ):
        pass


def test_an_engine_runs_in_its_block_only():
    running = engines.SQLite()
    with pytest.raises(RuntimeError, match="engine must be running"):
        running.put("x", 1)
    with running:
        running.put("x", 1)
        with pytest.raises(RuntimeError, match="must not be started twice"):
            running.__enter__()
    with pytest.raises(RuntimeError, match="engine must be running"):
        running.get("x")


@pytest.mark.parametrize("place", [7, "x", None])
def test_a_client_at_no_place_is_refused(place):
    with engines.SQLite() as running:
        if place is None:
            assert running.get("x") is None
        else:
            with pytest.raises(ValueError, match=f"at must name nodes among .*, got {place!r}"):
                running.get("x", at=place)
