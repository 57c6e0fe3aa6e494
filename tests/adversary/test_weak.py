"""Weak variants that tests of the stores know: how small is what gives each of them away?

variant             caught by        size
no write-back       attack           3 steps (test_attack.py)
failover            attack           2 steps (test_attack.py)
naive rejoin        attack, amnesia  3 steps (test_attack.py)
tags without id     shrink           4 requests, no fault
no fencing          shrink           2 requests, one pause
votes twice         shrink           2 requests, one crash, two cuts
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from support.schedules import Schedule, draw, draw_stalled

from capkit import CPStore, Crash, Network, Partition, Pause, Workload
from capkit.adversary import shrink
from capkit.stores import LeaderStore, LeaseStore


class SameTag(CPStore):
    """Tags without the operation's id."""

    def tie_break(self, request):
        return 0


class Hasty(LeaseStore):
    """Short leases and long batches, so that short schedules see the tablet move."""

    renew_every, commit_every = 25.0, 60.0


def stalled_at_its_write(seed):
    """A random schedule whose first server stands still while it gathers its own client's put."""
    schedule = draw_stalled(seed)
    workload = replace(schedule.workload, duration=600.0, timeout=450.0)
    workload = replace(workload, rate=40_000 / workload.duration / workload.clients)
    puts = (each for each in workload.arrivals() if each.kind == "put" and each.client == 0)
    at = next((put.time for put in puts), 0.0) + Hasty.commit_every / 2
    pause = Pause(at=at, until=at + 400, node=0)
    return replace(schedule, workload=workload, faults=(*schedule.faults, pause))


class SecondVote(LeaderStore):
    """Nodes that vote for whoever asks."""

    def _vote(self, node, asked):
        self.members[node.id].vote = None
        return super()._vote(node, asked)


def two_leaders(seed):
    """A random schedule whose first leader crashes; the cable between the others then fails.

    If it fails just when both have been elected, and node 0 is back and changes sides, then each
    of the two leaders of one term has a majority for a while.
    """
    rng = np.random.default_rng(seed)
    cut = rng.uniform(250, 420)
    moved = cut + rng.uniform(100, 250)
    faults = (
        Crash(at=50, until=cut, node=0),
        Partition(at=cut, until=moved, groups=[{2}]),
        Partition(at=moved, until=moved + 250, groups=[{1}]),
    )
    workload = Workload(clients=3, duration=moved + 250, rate=15, puts=0.4, timeout=150, rng=seed)
    calm = {"loss": 0.0, "reply_loss": 0.0, "latency": 10.0}
    return Schedule(seed=seed, size=3, workload=workload, faults=faults, **calm)


# The weak store and the strong one, the random schedules, the first that fails, and the most that
# may be left of it.
WEAK = {
    "tags without id": (SameTag, CPStore, draw, 15, 4),
    "no fencing": (
        partial(Hasty, lease=100.0, fencing=False),
        partial(Hasty, lease=100.0),
        stalled_at_its_write,
        54,
        3,
    ),
    "votes twice": (SecondVote, LeaderStore, two_leaders, 301, 5),
}


@pytest.mark.parametrize("name", WEAK)
def test_a_random_failure_of_a_weak_variant_is_shrunk(name, tell):
    make, strong, drawn, seed, most = WEAK[name]
    schedule = drawn(seed)
    settings = {"reply_loss": schedule.reply_loss, "latency": schedule.latency}
    settings |= {"drift": schedule.drift, "rng": schedule.seed}
    network = partial(Network, schedule.loss, **settings)
    size = {"nodes": schedule.size, "network": network}
    small = shrink(make, schedule.workload, schedule.faults, **size)
    tell(f"{name}: {repr(small).splitlines()[0]}")
    assert small.verdict.ok is False
    assert len(small.history) + len(small.faults) <= most
    with pytest.raises(ValueError, match="workload must be a run that breaks C"):
        shrink(strong, small.workload, small.faults, **size)
