"""The simulated stores predict the real ones."""

import pytest
from support.engines import EVERY, fresh, shared, until

from capkit import Network, Partition, Workload, availability, engines, run
from capkit.stores import build

LONG = Workload(
    clients=6, duration=6_000, rate=5, timeout=400, keys=[f"key {i}" for i in range(26)], rng=7
)
LONG_CUT = Partition(at=1_500, until=4_500, groups=[{0}])


def model(make):
    return build(*make.model, Network(loss=0.0, latency=0.5))


def sides(history):
    """The availability at node 0, and at the others."""
    return [availability(history, nodes=side) for side in ([0], [1, 2])]


@pytest.mark.parametrize("make", EVERY)
def test_the_matching_simulation_predicts_each_sides_availability(make):
    running, seen = shared(make), []
    simulated = [sides(run(model(make), LONG, [LONG_CUT])) for _ in range(10)]
    predicted = pytest.approx([sum(each) / 10 for each in zip(*simulated, strict=True)], abs=0.05)
    for _ in range(3):  # a computer that is busy with other things answers late
        if make is engines.Etcd:
            running._lead(running.nodes[0])  # an earlier test may have deposed it
        seen.append(sides(engines.run(running, fresh(LONG), [LONG_CUT])))
        if seen[-1] == predicted:
            return
        running.heal()
    assert seen[-1] == predicted, seen


@pytest.mark.engine
def test_the_real_and_the_simulated_ap_store_both_converge():
    running = shared(engines.Yjs)
    engines.run(running, fresh(LONG, duration=2_000), [Partition(at=500, groups=[{0}])])
    assert len({str(each) for each in running.copies()}) > 1  # still cut
    running.heal()
    until(lambda: len({str(each) for each in running.copies()}) == 1, "agreement", 1)
    store = model(engines.Yjs)
    run(store, LONG, [LONG_CUT], settle=2_000)
    found = [{key: store.get(key, at=node.id) for key in LONG.keys} for node in store.nodes]
    assert found[0] == found[1] == found[2]
