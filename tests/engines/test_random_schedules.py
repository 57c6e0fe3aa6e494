"""Faults that overlap at random: what holds of an engine holds under all of them."""

import math
import random

import pytest
from support.engines import fresh, shared, until, with_last_gets

from capkit import Crash, Outcome, Partition, Pause, Siblings, Slow, Workload, engines, linearizable
from capkit.history import Note

SHORT = Workload(clients=6, duration=2_000, rate=6, timeout=500, rng=7)
RESTART = 2_000.0
"""Ms that a node may take to serve again after a fault."""


def schedule(seed, places, nodes):
    """Up to four faults at random times, which may overlap."""
    draw = random.Random(seed)

    def fault():
        kind = draw.choice([Partition, Partition, Crash, Pause, Slow])
        at = draw.uniform(100, 1_500)
        times = {"at": at, "until": at + draw.uniform(100, 1_200)}
        if kind is Partition:
            side = {draw.choice(places)}
            return Partition(groups=[side], one_way=draw.random() < 0.3, **times)
        extra = {"delay": draw.uniform(5, 60)} if kind is Slow else {}
        return kind(node=draw.choice(nodes), **extra, **times)

    return [fault() for _ in range(draw.randint(2, 4))]


def run(running, seed, workload):
    """One run; again if it says itself that this computer was too busy to keep its times."""
    faults = schedule(seed, running.places, [node.id for node in running.nodes])
    for _ in range(5):
        history = engines.run(running, fresh(workload, rng=seed), faults)
        if not any(isinstance(each, Note) for each in history.faults):
            break
        running.heal()
    return history


@pytest.mark.parametrize(
    "make", [engines.SQLite, pytest.param(engines.PostgreSQL, marks=pytest.mark.engine)]
)
def test_one_copy_and_a_primary_are_linearizable_under_any_schedule(make, engine_runs):
    running = shared(make)
    for seed in range(max(1, 3 * engine_runs // 2)):
        judged = with_last_gets(running, run(running, seed, SHORT))
        assert linearizable(judged).ok is True, f"seed {seed}: {linearizable(judged)}"


def lives(history, each):
    """Whether an operation's node was up and awake all the time."""
    return not any(
        isinstance(fault, Crash | Pause)
        and fault.node == each.node
        and fault.at <= each.deadline
        and each.invoked <= fault.until + RESTART
        for fault in history.faults
    )


def may_have_seen(history, later, earlier):
    """Whether the node of one put can have known of another one when it did it."""
    end = later.completed if later.outcome is Outcome.OK else math.inf  # it may be done later
    return end > earlier.invoked and not any(
        isinstance(cut, Partition)
        and cut.parts(earlier.node, later.node)
        and cut.at < earlier.invoked
        and end < cut.until
        for cut in history.faults
    )


@pytest.mark.engine
@pytest.mark.parametrize("merge", ["one", "all"])
def test_yjs_answers_at_every_live_node_and_all_copies_meet(merge, engine_runs, tell):
    running, few = shared(engines.Yjs, merge=merge), [f"key {i}" for i in range(8)]
    asked = 0
    for seed in range(max(1, 3 * engine_runs // 2)):
        history = run(running, seed, Workload(clients=6, duration=2_000, rate=10, puts=0.7,
                                              timeout=1_000, keys=few))  # fmt: skip
        live = [each for each in history if lives(history, each)]
        assert [each for each in live if each.outcome is not Outcome.OK] == [], f"seed {seed}"
        asked += len(live)
        running.heal()
        until(lambda: len({str(each) for each in running.copies()}) == 1, "agreement", 1)
        if merge == "all":
            copy = running.copies()[0]
            puts = [each for each in history if each.kind == "put"]
            for put in (each for each in puts if each.outcome is Outcome.OK):
                found = copy[put.key]
                kept = found if isinstance(found, Siblings) else [found]
                assert put.value in kept or any(
                    may_have_seen(history, each, put)
                    for each in puts
                    if each.key == put.key and each is not put and each.value in kept
                ), f"seed {seed}: {put} is lost"
    tell(f"{running.label}, merge={merge!r}: {asked} requests at live nodes, all answered")
    assert asked
