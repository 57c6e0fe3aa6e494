"""Weak variants that tests of the stores know: how small is what gives each of them away?

variant             caught by        size
no write-back       attack           3 steps (test_attack.py)
failover            attack           2 steps (test_attack.py)
naive rejoin        attack, amnesia  3 steps (test_attack.py)
tags without id     shrink           4 requests, no fault
no fencing          shrink           2 requests, one pause
votes twice         shrink           a few requests and faults

Nodes that vote twice break no linearizability in 2,000 random runs: what gives them away is two
leaders in a term, which tests/stores/test_leader.py looks for.
"""

from dataclasses import replace
from functools import partial

import pytest
from support.schedules import draw, draw_stalled

from capkit import CPStore, Network, Pause
from capkit.adversary import shrink
from capkit.stores import LeaseStore


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


# The store, the random schedules, the first that fails, and the most that may be left of it.
WEAK = {
    "tags without id": (SameTag, draw, 15, 4),
    "no fencing": (partial(Hasty, lease=100.0, fencing=False), stalled_at_its_write, 54, 3),
}


@pytest.mark.parametrize("name", WEAK)
def test_a_random_failure_of_a_weak_variant_is_shrunk(name, tell):
    make, drawn, seed, most = WEAK[name]
    schedule = drawn(seed)
    settings = {"reply_loss": schedule.reply_loss, "latency": schedule.latency}
    settings |= {"drift": schedule.drift, "rng": schedule.seed}
    network = partial(Network, schedule.loss, **settings)
    size = {"nodes": schedule.size, "network": network}
    small = shrink(make, schedule.workload, schedule.faults, **size)
    tell(f"{name}: {repr(small).splitlines()[0]}")
    assert small.verdict.ok is False
    assert len(small.history) + len(small.faults) <= most
