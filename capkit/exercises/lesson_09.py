"""Lesson 09, "Beat CAP": its guesses and exercises."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import permutations
from typing import Any

from capkit.adversary import STORES, Step, attack, replay
from capkit.adversary.named import known
from capkit.consistency import linearizable
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import Dots, a, store, whole
from capkit.stores import CPStore, Store


@guess(
    "09.1",
    "R + W > N without write-back: how many requests has the smallest schedule that breaks C?",
    ["1", "2", "3", "none up to 3 does"],
    because="A put stops half-way; then one get must see it, and a later one not.",
)
def _half_way() -> str:
    return str(known("CP without write-back", "C").steps)


@guess(
    "09.2",
    "Against which of the six stores does nothing up to 3 steps break C, and nothing A?",
    [*STORES, "against none"],
    because="The proof needs two requests, and works on any store.",
)
def _unbeaten() -> str:
    unbeaten = [name for name in STORES if not any(known(name, each).steps for each in "CA")]
    return unbeaten[0] if unbeaten else "against none"


@exercise("09.1", whole(1, 3), "a put on one side, a get on the other")
def _shortest(longest: int) -> bool:
    failover = STORES["CA: failover"]
    return bool(attack(failover, "C", longest, progress=False).steps == longest)


@exercise(
    "09.2",
    a(list, "a list of steps, such as [Step('put', 0, 'cut', {2})]"),
    "the put on nodes 0 and 1; node 1 forgets; then nodes 1 and 2 are a majority",
)
def _forgets(steps: Sequence[Any]) -> bool:
    if ... in steps:
        raise Dots
    seen = linearizable(replay(partial(CPStore, rejoin=True), steps))
    return seen.ok is False and len(steps) <= 4


@exercise(
    "09.3",
    store(Store),
    "let nobody but one node answer, or only who reaches a majority, and write back what was read",
)
def _keeps_c(made: type[Store]) -> bool:
    answers = attack(made, "A", 2, faults=[], progress=False).steps is None
    return answers and attack(made, "C", 2, progress=False).steps is None and _reads_once(made)


def _reads_once(made: type[Store]) -> bool:
    """Whether what one get has seen of a put that stopped half-way, every later get sees."""
    for here, there in permutations(range(3), 2):
        half_way = Step("put", here, "cut", {here}, late=True)
        gets = [Step("get", here), Step("get", there, "cut", {here})]
        if linearizable(replay(made, [half_way, *gets])).ok is False:
            return False
    return True
