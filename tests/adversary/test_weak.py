"""Weak variants that tests of the stores know: how small is what gives each of them away?

Where short schedules of one request after the other do not, a random failure is shrunk.
"""

from dataclasses import replace
from functools import partial

import pytest
from support.schedules import draw, draw_stalled

from capkit import CAStore, CPStore, Partition, Pause, linearizable
from capkit.adversary import attack, shrink
from capkit.stores import LeaderStore, LeaseStore


class SameTag(CPStore):
    """Tags without the operation's id."""

    def tie_break(self, request):
        return 0


class SecondVote(LeaderStore):
    """Nodes that vote for whoever asks."""

    beat_every, suspect_after, step_down_after = 10.0, 30.0, 90.0

    def _vote(self, node, asked):
        self.members[node.id].vote = None
        return super()._vote(node, asked)


class Hasty(LeaseStore):
    """Short leases and long batches, so that short schedules see the tablet move."""

    renew_every, commit_every = 25.0, 60.0


ATTACKED = {
    "no write-back": (partial(CPStore, write_back=False), {}, 3),
    "failover": (partial(CAStore, on_partition="failover"), {}, 2),
    "naive rejoin": (
        partial(CPStore, rejoin=True),
        {"faults": ["cut", "amnesia"], "late": False},
        3,
    ),
}


@pytest.mark.parametrize("name", ATTACKED)
def test_a_weak_variant_is_caught_by_a_schedule(name, tell):
    make, settings, steps = ATTACKED[name]
    found = attack(make, "C", progress=False, **settings)
    tell(f"{name}: {found.steps} steps, {found.tried:,} runs")
    assert found.steps == steps


def cut_off(seed):
    schedule = draw_stalled(seed)
    duration = schedule.workload.duration
    cut = Partition(at=duration / 5, until=duration, groups=[{0}])
    return replace(schedule, faults=(*schedule.faults, cut))


def stalled(seed):
    schedule = draw_stalled(seed)
    end = schedule.workload.duration
    pauses = [Pause(at=end * share, until=end * share + 150, node=0) for share in (0.2, 0.6)]
    return replace(schedule, faults=(*schedule.faults, *pauses))


SHRUNK = {
    "tags without id": (SameTag, draw, 6),
    "votes twice": (SecondVote, cut_off, 8),
    "no fencing": (partial(Hasty, lease=100.0, fencing=False), stalled, 8),
}


@pytest.mark.parametrize("name", SHRUNK)
def test_a_weak_variant_is_caught_by_a_random_run_that_is_shrunk(name, tell):
    make, drawn, most = SHRUNK[name]
    seed = next(seed for seed in range(2_000) if linearizable(drawn(seed).run(make)[1]).ok is False)
    schedule = drawn(seed)
    network = schedule.store(make).network.__class__
    settings = {"reply_loss": schedule.reply_loss, "latency": schedule.latency}
    settings |= {"drift": schedule.drift, "rng": schedule.seed}
    small = shrink(
        make,
        schedule.workload,
        schedule.faults,
        nodes=schedule.size,
        network=partial(network, schedule.loss, **settings),
    )
    tell(f"{name}: schedule {seed}, {repr(small).splitlines()[0]}")
    assert small.verdict.ok is False
    assert len(small.history) + len(small.faults) <= most
