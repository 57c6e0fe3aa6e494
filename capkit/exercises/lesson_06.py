"""Lesson 06, "The trade-off": its guesses and exercises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from capkit import staleness, tradeoff
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import function, whole


@guess(
    "06.1",
    "N = 5 and R = 2. What is the smallest W with which all answers are fresh, at every loss?",
    low=1,
    high=5,
    because="Fewer than R replicas may be without the put.",
)
def _smallest_w() -> int:
    losses = np.arange(0.1, 1, 0.1)
    fresh = {w: tradeoff.exact(5, 2, w, loss=losses).fresh for w in range(1, 6)}
    return min(w for w in fresh if np.allclose(fresh[w], 1))


@guess(
    "06.2",
    "With at most 15 nodes, where can CP answer 0.99 of the requests of every client?",
    ["nowhere", "only where requests are lost", "only during the cut", "in both places"],
    because="More nodes make up for lost requests. Across a cut none arrives.",
)
def _where() -> str:
    n, most = np.arange(2, 16), np.arange(2, 16) // 2 + 1
    lossy = tradeoff.exact(n, most, most, loss=0.2)
    cut = tradeoff.worse_side(n, most, most, side=1)
    enough, enough_cut = (bool(np.max(each.availability) >= 0.99) for each in (lossy, cut))
    if enough and enough_cut:
        return "in both places"
    if enough:
        return "only where requests are lost"
    return "only during the cut" if enough_cut else "nowhere"


@guess(
    "06.3",
    "LNKD-DISK, N = 3, R = W = 1: what share of reads is fresh just after the acknowledgement?",
    unit="%",
    because="One disk has it, two are still writing, and the first to answer counts.",
)
def _fresh_at_once() -> float:
    disks = staleness.PROFILES["LNKD-DISK"]
    found = staleness.simulate(disks, 3, 1, 1, trials=200_000, rng=7)
    return 100 * float(found.fresh(0.0))


@exercise(
    "06.1",
    whole(1),
    "print tradeoff.exact(n, n // 2 + 1, n // 2 + 1, loss={loss}).availability for n = 3, 5, 7",
    loss=(0.1, 0.05, 0.15, 0.2),
)
def _smallest_n(answer: int, loss: float) -> bool:
    odd = np.arange(1, 199, 2)
    most = odd // 2 + 1
    enough = np.asarray(tradeoff.exact(odd, most, most, loss=loss).availability) >= 0.999
    return bool(answer == odd[enough].min())


@exercise(
    "06.2",
    function("n", "side"),
    "two loops over range(1, n + 1); compare your result with the share of the larger side",
)
def _most_available(mine: Callable[[int, int], float]) -> bool:
    def best(n: int, side: int) -> float:
        most = n // 2 + 1
        return float(tradeoff.during_cut(n, most, most, side=side).availability)

    cuts = [(5, 1), (5, 2), (9, 3)]
    return all(bool(np.isclose(mine(*cut), best(*cut))) for cut in cuts)
