"""Redis or Valkey: old values from replicas, and what a failover loses."""

import time

import pytest
from support.engines import CUT, fresh, shared
from support.failover import lost_by_failover

from capkit import Partition, Unavailable, Workload, engines, linearizable
from capkit.engines.redis import _OFF

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("wait", [0, 1])
def test_redis_reads_old_values_from_its_replicas(wait):
    workload = Workload(clients=6, duration=3_000, rate=10, rng=1)
    cut = Partition(at=500, until=2_500, groups=[{2}])
    history = engines.run(shared(engines.Redis, wait=wait), fresh(workload), [cut])
    assert linearizable(history).ok is False


def test_a_failover_of_redis_loses_what_the_old_primary_acknowledged():
    assert lost_by_failover(engines.Redis)


def test_wait_narrows_what_redis_loses():
    assert lost_by_failover(engines.Redis, wait=1) == []


def test_a_put_that_waits_says_how_many_replicas_had_it():
    running = shared(engines.Redis, wait=1)
    running.strike(CUT)
    with pytest.raises(Unavailable, match="put reached 0 of 1 replicas in time") as refusal:
        running.serve("put", "alone", 1, at=0, timeout=600)
    assert not refusal.value.certain


def test_a_replica_of_redis_refuses_a_put_for_certain():
    running = shared(engines.Redis)
    running.primary_of[2] = 2
    try:
        with pytest.raises(Unavailable, match="read only replica") as refusal:
            running.put("x", 1, at=2)
    finally:
        running.primary_of[2] = 0
    assert refusal.value.certain


@pytest.mark.parametrize("command", _OFF)
def test_a_dangerous_command_does_not_exist_with_the_password_neither(command):
    running = shared(engines.Redis)
    with pytest.raises(Unavailable, match="unknown command"):
        running._ask(
            0,
            0,
            "attack",
            time.monotonic() + 5,
            lambda client, _: client.execute_command(command),
        )
    assert running.serve("get", "nothing", at=0, timeout=5_000) is None
