"""Lesson 04, "CP": its guesses and exercises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from capkit import tradeoff
from capkit.consistency import linearizable
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import store, whole
from capkit.history import Outcome
from capkit.network import Network, Partition, Slow
from capkit.stores import CPStore, Node, Store, Unavailable
from capkit.workload import Arrival, Requests, Workload, run


def _nodes(n: int) -> list[Node]:
    return [Node(i) for i in range(n)]


@guess(
    "04.1",
    "N = 3, R = W = 2, loss 0.2: what share of the answered gets shows the acknowledged put?",
    unit="%",
    because="Two nodes and two nodes, of three, have one in common.",
)
def _fresh() -> float:
    return 100 * float(tradeoff.exact(3, 2, 2, loss=0.2).fresh)


@guess(
    "04.2",
    "Of what clients 0 and 1 ask during the cut, what share is answered in time, over 150 runs?",
    unit="%",
    because="Only those who still wait when the cable is mended reach a majority.",
)
def _the_few() -> float:
    cable = Partition(at=500, until=1_500, groups=[{0, 1}, {2, 3, 4}])
    answered: list[bool] = []
    for seed in range(150):
        made = CPStore(_nodes(5), Network(loss=0.0, rng=seed))
        seen = run(made, Workload(clients=5, rate=3, rng=seed), [cable])
        few = [each for each in seen if each.node in (0, 1) and 500 <= each.invoked < 1_500]
        answered += [each.outcome is Outcome.OK for each in few]
    return 100 * float(np.mean(answered))


_FOUR = [
    Arrival(20, 0, "put", "x", 1),
    Arrival(100, 0, "put", "x", 2),
    Arrival(150, 1, "get", "x"),
    Arrival(220, 2, "get", "x"),
]


@guess(
    "04.3",
    "Client 1 reads at 150 ms, client 2 at 220 ms. Which values do they get?",
    ["1, then 1", "1, then 2", "2, then 2", "2, then 1"],
    because="While a put is under way, a read may meet it or not.",
)
def _two_reads() -> str:
    hiccups = [
        Slow(at=108, until=115, node=0, delay=200),
        Slow(at=140, until=190, node=2, delay=100),
        Slow(at=200, until=260, node=0, delay=100),
    ]
    made = CPStore(_nodes(3), Network(loss=0.0, latency=5, rng=7), write_back=False)
    made.retry_every = 500
    seen = run(made, Requests(requests=_FOUR, clients=3, duration=240), faults=hiccups)
    return ", then ".join(str(each.value) for each in seen if each.kind == "get")


@exercise("04.1", whole(0), "a majority of the {nodes} must be left", nodes=(7, 5, 9, 11, 6, 8))
def _survivors(crashed: int, nodes: int) -> bool:
    def answers(down: int) -> bool:
        made = CPStore(_nodes(nodes), Network(loss=0.0, rng=7))
        for node in range(down):
            made.network.crash(node)
        try:
            made.get("x", at=nodes - 1)
        except Unavailable:
            return False
        return True

    return crashed < nodes and answers(crashed) and not answers(crashed + 1)


def _always_linearizable(
    make: Callable[..., Store], faults: list[Partition], clients: int = 3
) -> bool:
    for seed in range(20):
        made = make(_nodes(3), Network(loss=0.0, rng=seed))
        traffic = Workload(clients=clients, rate=40, duration=600, puts=0.3, rng=seed)
        if not linearizable(run(made, traffic, faults=faults)):
            return False
    return True


@exercise("04.2", store(CPStore), "a majority must hold it before you answer")
def _writes_back(made: type[CPStore]) -> bool:
    loose = [Partition(at=t, until=t + 30, groups=[{t // 30 % 3}]) for t in range(0, 600, 30)]
    return _always_linearizable(made, loose)


@exercise("04.3", store(CPStore), "two clients may use one node")
def _breaks_ties(made: type[CPStore]) -> bool:
    return _always_linearizable(made, [], clients=6)
