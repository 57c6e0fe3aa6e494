"""Schedules: requests one after the other, and what goes wrong during each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import TypeAlias

from capkit._arguments import choice, count, flag, several
from capkit.history import Fault
from capkit.network import Crash, Partition, Pause

FAULTS = ("cut", "crash", "amnesia", "pause")


@dataclass(frozen=True, slots=True)
class Step:
    """One request of one client, and at most one fault, which lasts until the request is over.

    Attributes
    ----------
    kind : {"put", "get"}
        What the client asks for. Each put writes a new value: 1, 2, 3, ...
    at : int
        The node that the client talks to.
    fault : {"", "cut", "crash", "amnesia", "pause"}
        What goes wrong: a cut between the nodes of `hit` and the others, or one node of `hit`
        crashes (and keeps its disk), crashes and forgets (amnesia), or stands still.
    hit : collection of int
        The nodes that the fault strikes.
    late : bool
        Whether the fault falls into the middle of the request, instead of just before it.

    Raises
    ------
    ValueError
        If the kind or the fault is unknown, or the fault strikes nobody.

    Examples
    --------
    >>> print(Step("put", 0, "cut", {0}, late=True))
    put at node 0, in mid-request cut 0 | rest
    """

    kind: str
    at: int
    fault: str = ""
    hit: Iterable[int] = ()
    late: bool = False

    def __post_init__(self) -> None:
        choice("kind", self.kind, ("put", "get"))
        choice("fault", self.fault, ("", *FAULTS))
        flag("late", self.late)
        hit = tuple(sorted(count("hit", each, 0) for each in several("hit", self.hit, "nodes")))
        if bool(hit) != bool(self.fault) or (self.fault != "cut" and len(hit) > 1):
            rule = "nodes to cut off, or the one node that another fault strikes"
            raise ValueError(f"hit must name {rule}, got {hit} for {self.fault!r}")
        object.__setattr__(self, "hit", hit)

    def __str__(self) -> str:
        if not self.fault:
            return f"{self.kind} at node {self.at}"
        when = "in mid-request " if self.late else ""
        return f"{self.kind} at node {self.at}, {when}{self.trouble}"

    @property
    def trouble(self) -> Fault:
        """The fault, from 0 ms on."""
        return _trouble(self.fault, tuple(self.hit))

    def crosses(self, source: object, target: object) -> bool:
        """Whether a cut of this step lies between two nodes."""
        return (source in tuple(self.hit)) != (target in tuple(self.hit))


@cache
def _trouble(kind: str, hit: tuple[int, ...]) -> Fault:
    """A fault, made and checked once; a hunt needs it many thousand times."""
    if kind == "cut":
        return Partition(groups=[hit])
    (node,) = hit
    if kind == "pause":
        return Pause(node=node)
    return Crash(node=node, lose_memory=kind == "amnesia")


Schedule: TypeAlias = tuple[Step, ...]


def steps(size: int, faults: Iterable[str] = ("cut",), late: bool = True) -> list[Step]:
    """All steps at so many nodes, those without faults first.

    A cut is named by its smaller side, or of two equal sides by that of node 0.

    Examples
    --------
    >>> len(steps(3)), len(steps(3, late=False)), len(steps(4))
    (42, 24, 120)
    """
    what: list[tuple[str, tuple[int, ...], bool]] = [("", (), False)]
    for moment in (False, True) if late else (False,):
        for fault in faults:
            what += [(fault, hit, moment) for hit in _hits(fault, size)]
    return [
        Step(kind, at, fault, hit, moment)
        for fault, hit, moment in what
        for kind in ("put", "get")
        for at in range(size)
    ]


def _hits(fault: str, size: int) -> list[tuple[int, ...]]:
    if fault != "cut":
        return [(node,) for node in range(size)]
    sides = [side for k in range(1, size // 2 + 1) for side in combinations(range(size), k)]
    return [side for side in sides if 2 * len(side) < size or 0 in side]
