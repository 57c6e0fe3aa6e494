"""Lesson 03, "CA": its guesses and exercises."""

from __future__ import annotations

from collections.abc import Callable

from capkit.consistency import availability, linearizable
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import function, number
from capkit.history import History
from capkit.network import Crash, Network, Partition, Slow
from capkit.stores import CAStore, Node, Unavailable
from capkit.workload import Workload, run


def _store(n: int = 3, mode: str = "block") -> CAStore:
    return CAStore([Node(i) for i in range(n)], Network(loss=0.0, rng=7), on_partition=mode)


@guess(
    "03.1",
    "How many of these five requests get an answer?",
    low=0,
    high=5,
    because="Each needs the primary, and a put all the standbys too.",
)
def _answered() -> int:
    store = _store()
    store.put("seats", 9)
    store.network.partition({0, 1}, {2})
    answers = 0
    for at, value in [(1, 8), (2, 7), (0, None), (1, None), (2, None)]:
        try:
            store.get("seats", at=at) if value is None else store.put("seats", value, at=at)
            answers += 1
        except Unavailable:
            continue
    return answers


@guess(
    "03.2",
    "Which letters does CA: failover keep during the cut?",
    ["C and A", "C", "A", "neither"],
    because="Each side has a primary that answers.",
)
def _letters() -> str:
    cable = Partition(at=500, until=1_500, groups=[{0, 1}, {2, 3, 4}])
    seen = run(_store(5, "failover"), Workload(clients=5, rate=3, rng=7), [cable])
    kept = {"C": linearizable(seen).ok, "A": availability(seen) == 1}
    return " and ".join(letter for letter in kept if kept[letter]) or "neither"


def _trial(fault: Crash | Slow, patience: float) -> tuple[History, list[object]]:
    store = _store(mode="failover")
    store.suspect_after = patience
    history = run(store, Workload(clients=3, rng=7), faults=[fault], settle=500)
    return history, store.lost()


@exercise(
    "03.1",
    number(0),
    "the silence lasts as long as the first late message is under way",
    delay=(400, 300, 350, 500),
)
def _harmless(patience: float, delay: float) -> bool:
    dead, _ = _trial(Crash(at=500, until=1_500, node=0), patience)
    print(f"If the node really is dead: {availability(dead):.0%} answered.")
    history, lost = _trial(Slow(at=500, until=1_500, node=0, delay=delay), patience)
    return bool(linearizable(history)) and not lost


@exercise("03.2", number(0, 1), "a program gives the same answer to the same input")
def _diagnosis(answer: float) -> bool:
    return answer == 0.5  # both worlds show the same to node 1, as the lesson has compared


@exercise(
    "03.3",
    function("side", "nodes"),
    "two sides cannot both hold more than half of the nodes",
)
def _safe(rule: Callable[[int, int], bool]) -> bool:
    cuts = [(side, nodes) for nodes in range(1, 12) for side in range(1, nodes)]
    never_both = not any(rule(side, nodes) and rule(nodes - side, nodes) for side, nodes in cuts)
    return never_both and all(rule(side, 5) != rule(5 - side, 5) for side in range(1, 5))
