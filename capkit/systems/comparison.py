"""What goes wrong in a comparison, what is judged, and the table of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from capkit._arguments import choice
from capkit.consistency import availability, convergence, freshness, ladder, linearizable, stale
from capkit.history import Fault, History, Outcome
from capkit.network import Crash, Partition, Skew
from capkit.stores import Store
from capkit.workload import Workload, run

NODES = 6  # an even split is possible, and every third node is among each key's three replicas
WORKLOAD = Workload(clients=NODES, duration=1_700, rate=6.0, timeout=300)
_AT, _UNTIL = 500.0, 2_000.0
_SETTLE = 2_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What goes wrong, for six nodes; where there is a leader, node 0 leads at first.

    Attributes
    ----------
    faults : tuple of faults
    loss : float
        Chance that one request to one node is lost, in [0, 1].
    """

    faults: tuple[Fault, ...] = ()
    loss: float = 0.0


def _cut(*groups: set[int], one_way: bool = False) -> Script:
    return Script(faults=(Partition(at=_AT, until=_UNTIL, groups=groups, one_way=one_way),))


SCRIPTS: Mapping[str, Script] = {
    "no fault": Script(),
    "minority cut off": _cut({1, 4}),
    "leader cut off": _cut({0}),
    "even split": _cut({0, 2, 4}, {1, 3, 5}),
    "crash": Script(faults=(Crash(at=_AT, until=_UNTIL, node=0),)),
    "crash, memory lost": Script(faults=(Crash(at=_AT, until=_UNTIL, node=0, lose_memory=True),)),
    "20 % loss": Script(loss=0.2),
    "clock 500 ms ahead": Script(faults=(Skew(at=_AT, until=_UNTIL, node=0, offset=500.0),)),
    "one-way cut": _cut({0}, one_way=True),
}
"""The scripts of `compare`. The cuts part the three replicas of every key, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one configuration did under one script.

    Attributes
    ----------
    system, options, letters, script : str
        A store of one's own has no options and no letters.
    answered, cut_off, rest : float
        Share of the operations that was answered: of all in the whole run; and during the cut, of
        the clients of the group that the script names first, and of the others. NaN without a cut.
    promise : str
        The strongest of `consistency.RUNGS` that this run has kept, which is not what the store
        promises: another run may keep less. A set that merges is
        "linearizable" as a set, or "-".
    stale : int
        Gets that returned an old value.
    fresh : float
        Share of the answered gets that was not stale; NaN if there were none.
    lost : int
        Acknowledged puts that no surviving version holds or follows.
    siblings : int
        Values that stand side by side in the end, for somebody to merge; 0 if there is one.
    converged : float
        Ms from the last put or fault until all replicas were equal; infinite if they never were,
        NaN where there are no copies to compare.
    median, p99 : float
        Latency (ms) of the answered operations without any fault.
    """

    system: str
    options: str
    letters: str
    script: str
    answered: float
    cut_off: float
    rest: float
    promise: str
    stale: int
    fresh: float
    lost: int
    siblings: int
    converged: float
    median: float
    p99: float

    @property
    def name(self) -> str:
        """The system with its options."""
        return f"{self.system}, {self.options}" if self.options else self.system


_COLUMNS = {
    "system": "system",
    "options": "options",
    "script": "script",
    "answered": "answered",
    "cut_off": "cut off",
    "rest": "rest",
    "promise": "kept in this run",
    "stale": "stale",
    "lost": "lost",
    "siblings": "siblings",
    "converged": "equal after",
    "median": "median",
    "p99": "99th",
}
_SHARES, _TIMES = ("answered", "cut_off", "rest"), ("converged", "median", "p99")


class Comparison(Sequence[Row]):
    """Rows of `compare`; prints as a table, and `where` picks some of them.

    Examples
    --------
    >>> from capkit.systems import compare
    >>> table = compare(["MongoDB", "Cassandra"], ["no fault", "even split"], rng=7)
    >>> [row.system for row in table.where(script="even split")]
    ['MongoDB', 'Cassandra']
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        found = self.rows[index]
        return found if isinstance(found, Row) else Comparison(found)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def where(self, **values: Any) -> Comparison:
        """The rows whose fields have these values: `where(script="even split")`.

        Raises
        ------
        ValueError
            If a field is unknown.
        """
        known = [field.name for field in fields(Row)]
        for name in values:
            choice("field", name, tuple(known))
        return Comparison(
            row for row in self if all(getattr(row, name) == each for name, each in values.items())
        )

    def __repr__(self) -> str:
        same = ["script"] if len({row.script for row in self}) == 1 else []
        shown = [name for name in _COLUMNS if name not in same]
        table = [[_COLUMNS[name] for name in shown]]
        table += [[_cell(name, getattr(row, name)) for name in shown] for row in self]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if name in _LEFT else cell.rjust(width)
                for name, cell, width in zip(shown, line, widths, strict=True)
            ).rstrip()
            for line in table
        ]
        return "\n".join([*(f"{name}: {getattr(self[0], name)}" for name in same), *lines])


_LEFT = ("system", "options", "script", "promise")


def _cell(name: str, value: Any) -> str:
    if isinstance(value, float) and math.isnan(value):
        return "-"
    if name in _SHARES:
        return f"{100 * value:.0f} %"
    if name in _TIMES:
        return "never" if math.isinf(value) else f"{value:.0f} ms"
    return str(value) or "-"


def observe(store: Store, script: Script, seed: int, rate: float = WORKLOAD.rate) -> History:
    """What six clients of a new store see while it lives through a script."""
    store.network.loss = script.loss
    workload = replace(WORKLOAD, rate=rate, rng=seed)
    return run(store, workload, script.faults, settle=_SETTLE)


def judged(store: Store, history: History, calm: History) -> dict[str, Any]:
    """The fields of a `Row` that are measured; `calm` is a history without any fault."""
    waits = (calm.completed - calm.invoked)[calm.is_ok]
    return {
        "answered": availability(history),
        "cut_off": _side(history, True),
        "rest": _side(history, False),
        "lost": len(store.lost()),
        "siblings": 0 if store.collect else _siblings(history),
        "converged": _equal_after(store, history),
        "median": float(np.median(waits)),
        "p99": float(np.quantile(waits, 0.99)),
        **(_of_sets(history) if store.collect else _of_values(history)),
    }


def freshness_of(store: Any, history: History) -> float:
    """Share of the answered gets that are not stale, also where a get returns a set."""
    if getattr(store, "collect", False):
        return float(_of_sets(history)["fresh"])
    return freshness(history)


def _of_values(history: History) -> dict[str, Any]:
    rungs = [rung for rung in ladder(history).highest if rung != "convergent"]
    old = int((stale(history) >= 0).sum())
    return {"promise": rungs[0] if rungs else "none", "stale": old, "fresh": freshness(history)}


def _of_sets(history: History) -> dict[str, Any]:
    """Each put adds its value to a set; a get is stale if it misses one that was there before."""
    verdict = linearizable(as_sets(history), model="set")
    gets = [each for each in history if each.kind == "get" and each.outcome is Outcome.OK]
    puts = [each for each in history if each.kind == "put" and each.outcome is Outcome.OK]
    old = sum(
        any(put.completed < get.invoked and put.value not in get.value for put in puts)
        for get in gets
    )
    fresh = 1 - old / len(gets) if gets else math.nan
    return {"promise": "linearizable" if verdict.ok else "-", "stale": old, "fresh": fresh}


def as_sets(history: History) -> History:
    """The same history as one of a set, to which each put adds its value."""
    kinds = {"put": "add", "get": "get"}
    operations = [replace(each, kind=kinds[each.kind]) for each in history]
    return History(operations, faults=history.faults)


def _side(history: History, inside: bool) -> float:
    """Share answered during the cut, on the side of its first group or on the other."""
    for cut in history.faults:
        if isinstance(cut, Partition):
            first = set(cut.groups[0])
            nodes = [node for node in range(NODES) if (node in first) == inside]
            return availability(history, nodes=nodes, during=(cut.at, cut.until))
    return math.nan


def _siblings(history: History) -> int:
    """How many values are siblings in the end, at the node that has most of them."""
    last = {copy.node: len(copy.values) for copy in history.copies}
    return max((size for size in last.values() if size > 1), default=0)


def _equal_after(store: Store, history: History) -> float:
    """Ms until the copies of the nodes that are to hold the key were equal."""
    nodes = store.replicas(WORKLOAD.keys[0])
    after = convergence(history, nodes=nodes) if nodes else math.nan
    return math.inf if after is None else after
