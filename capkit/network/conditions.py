"""What goes wrong with the nodes and the cables between them, by hand or by script."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Protocol

import simpy

from capkit.history import Fault, NodeId
from capkit.network.faults import Crash, Group, Partition, Pause, Skew, Slow


class Endpoint(Protocol):
    """What the network needs to know of a node."""

    id: NodeId
    up: bool


class Host(Protocol):
    """What the network needs to know of a store."""

    @property
    def nodes(self) -> Sequence[Endpoint]:
        """The nodes to connect."""

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node."""

    def restart(self, node: NodeId) -> None:
        """Start it again."""


class Conditions:
    """The faults that last now, and what follows from them: who reaches whom, which clock is wrong.

    `Network` adds the messages; it also says what a student types.
    """

    def __init__(self) -> None:
        self.env = simpy.Environment()
        self.nodes: dict[NodeId, Endpoint] = {}
        self._store: Host | None = None
        self._active: list[Fault] = []
        self._held: dict[NodeId, list[Callable[[], object]]] = {}
        self._refresh()

    def attach(self, store: Host) -> None:
        """Connect the nodes of a store; a network serves one store only."""
        if self._store is not None:
            raise ValueError("network must serve one store, got a second one; make a new Network")
        self.nodes = {node.id: node for node in store.nodes}
        for fault in self._active:
            self.check_fault(fault)
        self._store = store
        self._refresh()

    # What goes wrong, switched by hand or by a script.

    def partition(self, *groups: Group, one_way: bool = False) -> None:
        """Cut the cable between groups of nodes; nodes in no group form one more."""
        self.begin(Partition(groups=groups, one_way=one_way))

    def heal(self) -> None:
        """Mend every cut."""
        self._drop(Partition)

    def crash(self, node: NodeId, *, lose_memory: bool = False) -> None:
        """Stop a node; with `lose_memory` it forgets everything."""
        self.begin(Crash(node=node, lose_memory=lose_memory))

    def restart(self, node: NodeId) -> None:
        """Start a node again."""
        self._drop(Crash, node)

    def pause(self, node: NodeId) -> None:
        """Let a node stand still."""
        self.begin(Pause(node=node))

    def resume(self, node: NodeId) -> None:
        """Let a node go on."""
        self._drop(Pause, node)

    def slow(self, node: NodeId, delay: float) -> None:
        """Make every message to or from `node` take `delay` ms longer; 0 undoes it."""
        fault = Slow(node=node, delay=delay)
        self._drop(Slow, node)
        self.begin(fault)

    def skew(self, node: NodeId, offset: float) -> None:
        """Set the clock of `node` ahead by `offset` ms; 0 undoes it."""
        fault = Skew(node=node, offset=offset)
        self._drop(Skew, node)
        self.begin(fault)

    def begin(self, fault: Fault) -> None:
        """Let a fault begin now."""
        self.check_fault(fault)
        self._active.append(fault)
        self._refresh()
        if isinstance(fault, Crash):
            self._held.pop(fault.node, None)  # a dead process sends and receives nothing later
            self._host().crash(fault.node, lose_memory=fault.lose_memory)

    def end(self, fault: Fault) -> None:
        """Let a fault end now; ending what a hand has mended before does nothing."""
        if fault not in self._active:
            return
        self._active.remove(fault)
        self._refresh()
        if isinstance(fault, Crash) and not any(other.stops(fault.node) for other in self._active):
            self._host().restart(fault.node)
        if isinstance(fault, Pause) and not self.paused(fault.node):
            for action in self._held.pop(fault.node, ()):
                action()

    def schedule(self, faults: Iterable[Fault]) -> None:
        """Let each fault begin and end at its times, counted from now."""
        faults = list(faults)
        for fault in faults:
            self.check_fault(fault)
        for fault in faults:
            self.after(fault.at, partial(self.begin, fault))
            if math.isfinite(fault.until):
                self.after(fault.until, partial(self.end, fault))

    def check_fault(self, fault: Fault) -> None:
        """Raise an error if a fault is of no known kind or names an unknown node."""
        if isinstance(fault, Partition):
            self.check("groups", [node for group in fault.groups for node in group])
        elif isinstance(fault, Crash | Pause | Slow | Skew):
            self.check("node", [fault.node])
            if isinstance(fault, Crash):
                self._host()
        else:
            raise TypeError(f"faults must be Partition, Crash, Pause, Slow or Skew, got {fault!r}")

    def check(self, name: str, nodes: Iterable[NodeId]) -> None:
        """Raise ValueError if one of `nodes` is not connected here."""
        for node in nodes:
            if self.nodes and node not in self.nodes:
                raise ValueError(f"{name} must name nodes of {list(self.nodes)}, got {node!r}")

    def _host(self) -> Host:
        if self._store is None:
            raise ValueError("node must belong to a store before it can crash")
        return self._store

    def _drop(self, kind: type[Fault], node: NodeId | None = None) -> None:
        if node is not None:
            self.check("node", [node])
        for fault in list(self._active):
            if isinstance(fault, kind) and node in (None, getattr(fault, "node", None)):
                self.end(fault)

    def _refresh(self) -> None:
        """Work out the delays, clocks and pauses anew, and forget which links were cut."""
        self._cut: dict[tuple[NodeId | None, NodeId | None], bool] = {}
        self._delay: dict[NodeId | None, float] = {}
        self._offset: dict[NodeId, float] = {}
        self._still = {fault.node for fault in self._active if isinstance(fault, Pause)}
        for fault in self._active:
            if isinstance(fault, Slow):
                self._delay[fault.node] = self._delay.get(fault.node, 0.0) + fault.delay
            elif isinstance(fault, Skew):
                self._offset[fault.node] = self._offset.get(fault.node, 0.0) + fault.offset

    # What follows from it.

    def reaches(self, source: NodeId | None, target: NodeId | None) -> bool:
        """Whether no cut stops a message now; None is a client outside, which no cut concerns."""
        link = source, target
        if link not in self._cut:
            cuts = [fault for fault in self._active if isinstance(fault, Partition)]
            self._cut[link] = any(
                source is not None and target is not None and cut.parts(source, target)
                for cut in cuts
            )
        return not self._cut[link]

    def clock(self, node: NodeId) -> float:
        """What the clock of `node` shows, in ms."""
        return float(self.env.now) + self._offset.get(node, 0.0)

    def paused(self, node: NodeId | None) -> bool:
        """Whether `node` stands still now."""
        return node in self._still

    def when_awake(self, node: NodeId | None, action: Callable[[], object]) -> None:
        """Do something at once, or when `node` goes on after its pause."""
        if node is None or not self.paused(node):
            action()
        else:
            self._held.setdefault(node, []).append(action)

    def after(self, delay: float, action: Callable[[], object]) -> None:
        """Do something `delay` ms from now."""
        timeout: Any = self.env.timeout(delay)
        timeout.callbacks.append(lambda _: action())
