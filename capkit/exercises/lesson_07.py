"""Lesson 07, "Named systems": its guesses and exercises."""

from __future__ import annotations

from typing import Any

from capkit import systems
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import a
from capkit.network import Partition
from capkit.stores import Unavailable
from capkit.workload import Workload, run

_OPTIONS = a(dict, "a dictionary of options, such as {'name': True}")


def _answered(strong: bool) -> set[str]:
    """What the clients who are cut off can still do."""
    store = systems.get("DynamoDB").build(7, consistent_read=strong)
    seen = run(store, Workload(clients=6, rng=7), [Partition(at=500, groups=[{1, 4}])])
    return {o.kind for o in seen if o.node in (1, 4) and o.invoked > 500 and o.outcome.name == "OK"}


@guess(
    "07.1",
    "Two of six nodes are cut off. What more do DynamoDB's default reads let their clients do?",
    ["nothing", "get", "put", "get and put"],
    because="A put still needs the leader, and most of its copies.",
)
def _what_more() -> str:
    return " and ".join(sorted(_answered(False) - _answered(True))) or "nothing"


@exercise("07.1", _OPTIONS, "which option chooses who answers a read?")
def _never_old(options: dict[str, Any]) -> bool:
    (row,) = systems.compare([("DynamoDB", options)], ["minority cut off"], rng=7)
    return row.stale == 0


@exercise("07.2", _OPTIONS, "who must have a write, and whom must a read ask?")
def _strict(options: dict[str, Any]) -> bool:
    rows = systems.compare([("MongoDB", options)], rng=7)
    return all(row.promise == "linearizable" and row.lost == 0 for row in rows)


@exercise(
    "07.3",
    a(list, 'a list, such as ["milk"] or [None]'),
    "what was stored before PW was counted, and who undoes it?",
)
def _after_the_refusal(answer: list[Any]) -> bool:
    store = systems.get("Riak").build(7, pw="quorum")
    store.network.partition({0, 2, 4}, {1, 3, 5})
    try:
        store.put("x", "milk", at=0)
    except Unavailable:
        store.network.heal()
    store.wait(2_000)
    return answer == [store.get("x", at=1)]
