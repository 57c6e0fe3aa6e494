"""Lesson 00, "Start here": its guesses and exercises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from capkit.consistency import availability
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import whole, word
from capkit.history import History
from capkit.network import Network, Partition
from capkit.stores import APStore, CAStore, CPStore, Node, Store
from capkit.workload import Workload, run

_STORES: list[type[Store]] = [CAStore, CPStore, APStore]


def _nodes(n: int) -> list[Node]:
    return [Node(i) for i in range(n)]


def _two_seconds(make: Callable[..., Any], until: float = 1_500) -> tuple[Any, History]:
    store = make(_nodes(3), Network(loss=0, rng=7))
    cut = Partition(at=500, until=until, groups=[{0, 1}, {2}])
    return store, run(store, Workload(clients=3, duration=2_000, rng=79), [cut])


@guess(
    "00.1",
    "Only node 2 is cut off. On which stores do clients 0 and 1 wait in vain, too?",
    ["neither", "CA", "CP", "CA and CP"],
    because="It depends on how many nodes must have a put.",
)
def _who_waits() -> str:
    seen = {"CA": _two_seconds(CAStore)[1], "CP": _two_seconds(CPStore)[1]}
    return " and ".join(s for s in seen if availability(seen[s], nodes=[0, 1]) < 1) or "neither"


@guess(
    "00.2",
    "CP, with nodes 0 to 3 on the left and node 4 on the right. Which side waits in vain?",
    ["the left", "the right", "the left and the right"],
    because="A put and a get need three of the five nodes.",
)
def _which_side() -> str:
    store = CPStore(_nodes(5), Network(loss=0, rng=7))
    cable = Partition(at=500, until=1_500, groups=[{0, 1, 2, 3}, {4}])
    seen = run(store, Workload(clients=5, rate=3, rng=7), [cable])
    sides: dict[str, Sequence[int]] = {"the left": range(4), "the right": [4]}
    return " and ".join(side for side in sides if availability(seen, nodes=sides[side]) < 1)


@exercise("00.1", whole(), "which strip loses when the cut ends?")
def _lost_value(value: int) -> bool:
    return bool([value] == _two_seconds(APStore)[0].lost())


@exercise("00.2", whole(), "mend the cable before client 2's first grey bar ends")
def _nobody_gives_up(end: int) -> bool:
    return end > 700 and availability(_two_seconds(CPStore, end)[1]) == 1


def _drawn(seed: int) -> type[Store]:
    return Random(seed).choice(_STORES)


def _mystery(seed: int) -> History:
    alone = Partition(at=500, until=1_500, groups=[{0}, {1, 2}])
    store = _drawn(seed)(_nodes(3), Network(loss=0, rng=7))
    return run(store, Workload(clients=3, duration=2_000, rng=53), [alone])


@exercise(
    "00.3",
    word("CA", "CP", "AP"),
    "who is answered during the cut? Is any answer stale?",
    shows=_mystery,
    seed=range(3, 9),
)
def _which_store(letters: str, seed: int) -> bool:
    return letters == _drawn(seed).__name__[:2]
