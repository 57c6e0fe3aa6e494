"""The faults that a script can contain: when they strike, whom, and how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from capkit._arguments import flag, number, shown
from capkit.history import Fault, NodeId
from capkit.history.records import in_order

Group: TypeAlias = Iterable[NodeId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition(Fault):
    """From `at` to `until` (ms) no message passes between the groups.

    Attributes
    ----------
    groups : sequence of sets of node ids
        Nodes in no group form one more group together.
    one_way : bool
        If True, only messages *from* the first group to the others are lost.

    Examples
    --------
    >>> print(Partition(at=500, until=1_500, groups=[{0, 1}, {2, 3, 4}]))
    cut 0 1 | 2 3 4
    """

    groups: Sequence[Group]
    one_way: bool = False

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        object.__setattr__(self, "one_way", flag("one_way", self.one_way))
        if isinstance(self.groups, str) or not isinstance(self.groups, Iterable):
            raise TypeError(f"groups must be sets of node ids, got {shown(self.groups)}")
        for group in self.groups:
            if isinstance(group, str | bytes) or not isinstance(group, Iterable):
                raise TypeError(f"groups must be sets of node ids, got {shown(group)}")
        groups = tuple(tuple(sorted(group, key=in_order)) for group in self.groups)
        named = [node for group in groups for node in group]
        for node in named:
            if named.count(node) > 1:
                raise ValueError(f"groups must not share a node, got {node!r} in two of them")
        if not named:
            raise ValueError("groups must name at least one node, got none")
        object.__setattr__(self, "groups", groups)

    def __str__(self) -> str:
        sign = " > " if self.one_way else " | "
        named = [" ".join(map(str, group)) for group in self.groups]
        return "cut " + sign.join(named if len(named) > 1 else [*named, "rest"])

    def side(self, node: NodeId) -> int:
        """The number of the group that `node` is in."""
        sides = (i for i, group in enumerate(self.groups) if node in tuple(group))
        return next(sides, len(self.groups))

    def parts(self, source: NodeId, target: NodeId) -> bool:
        """Whether a message from `source` to `target` is lost."""
        here, there = self.side(source), self.side(target)
        return here != there and (here == 0 or not self.one_way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash(Fault):
    """From `at` to `until` (ms) `node` is down; with `lose_memory` it comes back empty."""

    node: NodeId
    lose_memory: bool = False

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        object.__setattr__(self, "lose_memory", flag("lose_memory", self.lose_memory))

    def stops(self, node: NodeId) -> bool:
        """Whether `node` is the one that is down."""
        return node == self.node

    def __str__(self) -> str:
        return f"crash {self.node}" + (", memory lost" if self.lose_memory else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Fault):
    """From `at` to `until` (ms) `node` stands still; then it goes on as if no time had passed.

    It has not crashed: what it was about to send leaves, and what was sent to it arrives, when it
    goes on. A long garbage collection does this, or a laptop whose lid is closed.
    """

    node: NodeId

    def __str__(self) -> str:
        return f"pause {self.node}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Fault):
    """From `at` to `until` (ms) every message to or from `node` takes `delay` ms longer."""

    node: NodeId
    delay: float

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        number("delay", self.delay, 0)

    def __str__(self) -> str:
        return f"slow {self.node}, +{self.delay:g} ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew(Fault):
    """From `at` to `until` (ms) the clock of `node` is `offset` ms ahead (behind if negative)."""

    node: NodeId
    offset: float

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        number("offset", self.offset)

    def __str__(self) -> str:
        return f"clock of {self.node} {self.offset:+g} ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promote(Fault):
    """At `at` (ms) an operator makes `node` the primary of its side of the cut.

    Real engines only. At `until` all others follow it, and forget what it does not know.
    """

    node: NodeId

    def __str__(self) -> str:
        return f"promote {self.node}"
