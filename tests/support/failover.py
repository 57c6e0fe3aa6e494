"""A cut, a promotion behind it, its end, and what an auditor then misses."""

from capkit import Outcome, Siblings, Workload, engines
from support.engines import CUT, started

PUTS = Workload(
    clients=6, duration=2_400, rate=5, puts=1.0, timeout=400, keys=[f"key {i}" for i in range(50)],
    rng=7,
)  # fmt: skip


def lost(history):
    """Acknowledged values, the last of their keys, that the auditor did not find."""

    def among(found, value):
        return value in found if isinstance(found, Siblings) else value == found

    auditor = history.client.max()
    found = {each.key: each.value for each in history if each.client == auditor}
    last = {each.key: each for each in history if each.kind == "put"}
    assert found.keys() == last.keys()
    acknowledged = [each for each in last.values() if each.outcome is Outcome.OK]
    return [each.value for each in acknowledged if not among(found[each.key], each.value)]


def lost_by_failover(make, **options):
    """What an engine loses of what it acknowledged."""
    with started(make, **options) as running:
        faults = [CUT, engines.Promote(at=900, until=1_800, node=1)]
        history = engines.run(running, PUTS, faults, audit=True)
    assert history.faults[:2] == tuple(faults)  # both were carried out
    return lost(history)
