"""A cut, a promotion behind it, its end, and what an auditor then misses."""

from capkit import Workload, engines
from support.engines import CUT, started

PUTS = Workload(
    clients=6, duration=2_400, rate=5, puts=1.0, timeout=400, keys=[f"key {i}" for i in range(50)],
    rng=7,
)  # fmt: skip


def lost_by_failover(make, **options):
    """What an engine loses of what it acknowledged."""
    with started(make, **options) as running:
        faults = [CUT, engines.Promote(at=900, until=1_800, node=1)]
        history = engines.run(running, PUTS, faults, audit=True)
    assert history.faults[:2] == tuple(faults)  # both were carried out
    return engines.lost(history)
