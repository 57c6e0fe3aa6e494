"""Lesson 08, "Real engines": its guesses and exercises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from capkit.consistency import availability
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import a, function, whole
from capkit.history import History, Outcome
from capkit.network import Network, Partition
from capkit.stores import LeaderStore, Node
from capkit.workload import Workload, run

_ENGINES = ["SQLite", "PostgreSQL", "etcd", "Redis", "Yjs"]
# Beside the notebook, beside the solutions, and in the clone that capkit was installed from.
_FOLDERS = (Path(), Path(".."), Path(__file__).parents[2] / "notebooks")


def _recording(name: str) -> History:
    path = Path("recordings", f"{name}.jsonl")
    found = [folder / path for folder in _FOLDERS if (folder / path).exists()]
    return History.read(found[0] if found else path)


@guess(
    "08.1",
    "On which of the five will every put and every get be answered, at all three nodes?",
    [*_ENGINES, "none"],
    because="It depends on whether a node asks another one before it answers its client.",
)
def _available_engine() -> str:
    answered = [name for name in _ENGINES if availability(_recording(name)) == 1]  # another day
    return answered[0] if answered else "none"


@exercise(
    "08.1",
    whole(0),
    "with {replicas} replicas, a smaller wait may leave out the one that is promoted",
    replicas=(2, 3, 4),
)
def _waits_for_all(answer: int, replicas: int) -> bool:
    return answer == replicas  # any replica may be promoted, so all must have the put


@exercise(
    "08.2", a(list, "a list of sets, such as [{0}, {1, 2}]"), "who can still find a majority?"
)
def _silent(groups: Sequence[set[int]]) -> bool:
    store = LeaderStore([Node(i) for i in range(3)], Network(loss=0.0, latency=0.5, rng=7))
    busy = Workload(clients=3, duration=4_000, timeout=400, rng=7)
    cut = Partition(at=0, groups=groups)
    return availability(run(store, busy, [cut]), during=(1_000, 4_000)) == 0


@exercise(
    "08.3",
    function("history"),
    "an outcome is Outcome.UNKNOWN; compare with the values of the gets",
)
def _happened(mine: Callable[[History], Sequence[Any]]) -> bool:
    for history in map(_recording, ("etcd-long", "PostgreSQL-long")):
        read = {each.value for each in history if each.kind == "get"}
        unsure = {each.value for each in history if each.outcome is Outcome.UNKNOWN} - {None}
        if set(mine(history)) != unsure & read:
            return False
    return True
