"""etcd: linearizable whatever happens to it, unless it is asked not to be."""

import os
from dataclasses import replace

import pytest
from support.engines import shared, started, until, with_last_gets

from capkit import Crash, Partition, Pause, Workload, availability, engines, linearizable

pytestmark = pytest.mark.engine


def leader_cut(running):
    return Partition(at=600, groups=[{running.leader}])


def leader_killed(running):
    if not running.program.sound:
        pytest.xfail(f"{running.label} is known to lose data when it is killed")
    return Crash(at=600, node=running.leader)


def leader_paused(running):
    return Pause(at=600, node=running.leader)


def link_healed(running):
    follower = next(node.id for node in running.nodes if node.id != running.leader)
    return Partition(at=600, until=1_500, groups=[{follower}])


@pytest.mark.parametrize("fault", [leader_cut, leader_killed, leader_paused, link_healed])
def test_etcd_is_linearizable_and_loses_nothing_that_it_acknowledged(fault, engine_runs, tell):
    running, answered, meanwhile = shared(engines.Etcd), [], 0
    for turn in range(engine_runs):
        keys = [f"{fault.__name__} {turn}"]
        workload = Workload(clients=6, duration=2_400, rate=10, timeout=1_000, keys=keys, rng=turn)
        until(lambda: running.leader is not None, "a leader")
        history = engines.run(running, workload, [fault(running)])
        judged = with_last_gets(running, history)
        assert linearizable(judged).ok is True, str(linearizable(judged))
        answered.append(availability(history))
        meanwhile += int((history.is_ok & (history.invoked > 600)).sum())
    assert meanwhile > 0  # the others went on
    tell(f"{running.label}, {fault.__name__}: {engine_runs} runs linearizable, ")
    tell(f"{min(answered):.2f} to {max(answered):.2f} answered")


def test_etcd_hears_what_flows_one_way():
    running = shared(engines.Etcd)
    until(lambda: running.leader is not None, "a leader")
    old = running.leader
    rest = {0, 1, 2} - {old}
    running.strike(Partition(groups=[{old}], one_way=True))
    until(lambda: running._status(running.nodes[min(rest)]) is not None, "an answer")
    until(lambda: running.leader in rest, "a new leader")
    running.serve("put", "one way", 1, at=min(rest), timeout=5_000)


def test_serializable_reads_of_etcd_are_stale_with_a_witness():
    """In one of five runs at least: what may happen need not happen in each."""
    for seed in range(1, 6):
        with started(engines.Etcd, serializable=True) as running:
            workload = Workload(clients=6, duration=3_000, rate=10, timeout=1_000, rng=seed)
            cut = Partition(at=500, until=2_500, groups=[{running.leader}])
            history = engines.run(running, workload, [cut])
        if (verdict := linearizable(history)).ok is False:
            break
    assert verdict.ok is False
    assert any(history[each].kind == "get" for each in verdict.witness)


def test_an_unsound_etcd_is_taken_for_want_of_a_better_one(monkeypatch, tmp_path):
    for name, version in (("new", "3.5.1"), ("sound", "3.4.23")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "etcd").write_text(f"#!/bin/sh\necho etcd Version: {version}\n")
        (tmp_path / name / "etcd").chmod(0o755)
    monkeypatch.setenv("CAPKIT_ENGINES", "system")
    monkeypatch.setenv("PATH", str(tmp_path / "new"))
    assert not engines.Etcd().find().sound
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "new"), str(tmp_path / "sound")]))
    assert engines.Etcd().find().version == "3.4.23"


def test_an_unsound_etcd_is_killed_with_a_warning():
    running = shared(engines.Etcd)
    true = running.program
    running.program = replace(true, version="3.5.1", sound=False)
    try:
        with pytest.warns(UserWarning, match=r"etcd 3\.5\.1 can lose committed data on kill -9"):
            running.strike(Crash(node=2))
    finally:
        running.program = true
