"""Lesson 01, "A store that fails": its guesses and exercises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from capkit import tradeoff
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import function, whole
from capkit.network import Network
from capkit.stores import DistributedStore, Node, Unavailable


def _all_three() -> float:
    """How often the put is acknowledged, the get answered, and the answer fresh."""
    rates = tradeoff.exact(3, 1, 2, loss=0.2)
    return float(rates.put_ok * rates.get_ok * rates.fresh)


@guess(
    "01.1",
    "What share of many seeds prints 'value'?",
    unit="%",
    because="The put must reach two nodes, and the get must meet one of them.",
)
def _share_of_seeds() -> float:
    return 100 * _all_three()


@guess(
    "01.2",
    "With 15 nodes instead of 3, of which is the share larger: acknowledged puts, fresh answers?",
    ["neither", "puts", "fresh answers", "puts and fresh answers"],
    because="A put needs a majority, but the get still believes the first node that answers.",
)
def _what_grows() -> str:
    few, many = tradeoff.exact(3, 1, 2, loss=0.2), tradeoff.exact(15, 1, 8, loss=0.2)
    grows = {"puts": many.put_ok > few.put_ok, "fresh answers": many.fresh > few.fresh}
    return " and ".join(name for name in grows if grows[name]) or "neither"


@guess(
    "01.3",
    "A put of 'ghost' is refused. What will the get return?",
    ["old", "ghost"],
    because="What a node has stored, nobody takes back.",
)
def _after_the_refusal() -> str:
    store = DistributedStore([Node(i) for i in range(3)], Network(loss=0.2, rng=112))
    store.put("key", "old")
    try:
        store.put("key", "ghost")
    except Unavailable:
        return str(store.get("key"))
    raise AssertionError("with this seed the put of 'ghost' must be refused")


@exercise(
    "01.1",
    whole(1),
    "use the slider for nodes of the dashboard, at loss {loss}",
    loss=(0.2, 0.15, 0.25, 0.3),
)
def _smallest_odd(answer: int, loss: float) -> bool:
    odd = np.arange(1, 99, 2)
    enough = np.asarray(tradeoff.exact(odd, 1, odd // 2 + 1, loss=loss).put_ok) >= 0.99
    return bool(answer == odd[enough].min())


@exercise(
    "01.2",
    function("luck"),
    "note which nodes the put reached, then ask them in turn; the first that answers counts",
)
def _works(works: Callable[[np.random.Generator], bool]) -> bool:
    luck = np.random.default_rng(7)
    share = sum(bool(works(luck)) for _ in range(10_000)) / 10_000
    return abs(share - _all_three()) < 0.02
