"""Lesson 05, "AP": its guesses and exercises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from capkit.consistency import stale
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import function, whole, words
from capkit.network import Network, Partition
from capkit.stores import APStore, Node
from capkit.workload import Workload, run

_REPAIRS = ("hinted_handoff", "read_repair", "anti_entropy")


def _cluster(**options: Any) -> APStore:
    return APStore([Node(i) for i in range(5)], Network(loss=0.0, rng=7), **options)


@guess(
    "05.1",
    "The cable is mended and the nodes talk. Which acknowledged value is then gone?",
    ["neither", "red", "blue"],
    because="Each key holds one value, and the clock decides which.",
)
def _gone() -> str:
    store = _cluster()
    store.network.partition({0, 1}, {2, 3, 4})
    store.put("colour", "red", at=0)
    store.put("colour", "blue", at=4)
    store.network.heal()
    store.wait(1_000)
    return " and ".join(map(str, store.lost())) or "neither"


@guess(
    "05.2",
    "On AP, what share of the gets that begin during the cut is stale, over 40 runs?",
    unit="%",
    because="Both sides go on writing, and no news crosses the cut.",
)
def _stale_share() -> float:
    cut = Partition(at=500, until=1_500, groups=[{0, 1}, {2, 3, 4}])
    old: list[bool] = []
    for seed in range(40):
        store = APStore([Node(i) for i in range(5)], Network(loss=0.0, rng=seed))
        seen = run(store, Workload(clients=5, rate=3, rng=seed), [cut], settle=500)
        gets = [i for i, o in enumerate(seen) if o.kind == "get" and 500 <= o.invoked < 1_500]
        old += (stale(seen)[gets] >= 0).tolist()
    return 100 * float(np.mean(old))


def _race(ahead: float, pause: float = 1_000) -> APStore:
    """Put at node 0, whose clock is ahead by that many ms, and a while later at node 1."""
    store = _cluster()
    store.network.skew(0, ahead)
    store.put("colour", "first", at=0)
    store.wait(pause)
    store.put("colour", "second", at=1)
    store.wait(1_000)
    return store


@guess(
    "05.3",
    "Node 0's clock is a minute ahead. Which put will readers see?",
    ["first", "second"],
    because="The store compares the time stamps, and nothing else.",
)
def _which_put() -> str:
    return str(_race(60_000).get("colour", at=2))


@exercise(
    "05.1",
    whole(0),
    "try race(900) and race(1_100), then halve the gap; each put takes a little time itself",
)
def _least_skew(ahead: int) -> bool:
    return _race(ahead).lost() == ["second"] and _race(ahead - 1).lost() == []


@exercise(
    "05.2", words(*_REPAIRS), "who needs a reader? who needs only a coordinator that remembers?"
)
def _needs_no_reader(answer: set[str]) -> bool:
    return answer == {name for name in _REPAIRS if _copies_of_unread(name) == 5}


def _copies_of_unread(name: str) -> int:
    store = _cluster(**{each: each == name for each in _REPAIRS})
    store.network.partition({0, 1}, {2, 3, 4})
    store.put("unread", 1, at=0)
    store.wait(300)
    store.network.heal()
    store.wait(1_500)
    return sum("unread" in node.data for node in store.nodes)


@exercise(
    "05.3",
    function("carts"),
    "unite each half by itself, and return a pair of sets",
)
def _merges(merge: Callable[[list[Any]], Any]) -> bool:
    left, right = ({"milk", "eggs"}, set[str]()), ({"milk", "bread"}, {"milk"})
    merged = [merge(carts) for carts in ([left, right], [right, left], [left], [left, right, left])]
    shown = [added - removed for added, removed in merged]
    both = {"eggs", "bread"}
    return shown == [both, both, {"milk", "eggs"}, both]
