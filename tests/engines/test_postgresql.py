"""PostgreSQL: linearizable at its primary, and what a standby and a promotion are worth."""

import time

import pytest
from support.engines import CUT, WORKLOAD, fresh, shared, with_last_gets
from support.failover import lost_by_failover

from capkit import Outcome, Unavailable, engines, linearizable

pytestmark = pytest.mark.engine


def test_postgresql_is_linearizable_at_its_primary_and_blocks_without_its_standby():
    running = shared(engines.PostgreSQL)
    assert running.settings == {
        "synchronous_commit": "on",
        "synchronous_standby_names": "standby",
    }
    history = engines.run(running, fresh(WORKLOAD), [CUT])
    judged = with_last_gets(running, history)
    assert linearizable(judged).ok is True
    at_primary = [each for each in history if each.node == 0 and 700 < each.invoked < 1_300]
    assert {each.outcome for each in at_primary if each.kind == "put"} == {Outcome.UNKNOWN}
    assert {each.outcome for each in at_primary if each.kind == "get"} == {Outcome.OK}


@pytest.mark.parametrize("commit, loses", [("on", False), ("local", True)])
def test_a_promotion_of_postgresql_loses_what_was_only_local(commit, loses):
    missing = lost_by_failover(engines.PostgreSQL, synchronous_commit=commit)
    assert bool(missing) == loses


def test_a_standby_of_postgresql_refuses_a_put_for_certain():
    running = shared(engines.PostgreSQL)
    running.primary_of[1] = 1
    try:
        with pytest.raises(Unavailable, match="read-only transaction") as refusal:
            running.serve("put", "x", 1, at=1, timeout=5_000)
    finally:
        running.primary_of[1] = 0
    assert refusal.value.certain


def test_who_knows_the_secret_is_no_superuser_and_runs_no_program(tmp_path):
    running = shared(engines.PostgreSQL)
    program = f"COPY pairs FROM PROGRAM 'touch {tmp_path}/ran'"
    for statement in (program, "DROP TABLE pairs", "SET ROLE postgres"):
        with pytest.raises(Unavailable, match=r"permission denied|must be"):
            running._ask(0, 0, "attack", time.monotonic() + 5, statement)
    assert list(tmp_path.iterdir()) == []
    import psycopg

    door = f"host=127.0.0.1 port={running.nodes[0].port} dbname=postgres user=postgres"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(door, password=running.secret)
