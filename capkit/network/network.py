"""The network between the nodes: who reaches whom, how late, and with what luck."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeAlias
from zlib import crc32

import numpy as np
import simpy

from capkit._arguments import RandomState, number, shown, stream
from capkit.history import Fault, Message, NodeId
from capkit.network.faults import Crash, Group, Partition, Pause, Skew, Slow
from capkit.network.node import Node

Latency: TypeAlias = "float | Sequence[float] | Distribution"
Luck: TypeAlias = Sequence[float]

_GRID = (np.arange(1024) + 0.5) / 1024


class Distribution(Protocol):
    """Anything with a quantile function, such as a frozen distribution of scipy.stats."""

    def ppf(self, q: Any) -> Any:
        """Quantiles (ms) at the probabilities `q`."""


class Network:
    """Who reaches whom, how late, and with what luck; it also holds the simulated clock.

    Parameters
    ----------
    loss : float
        Chance in [0, 1] that one request to one node is lost.
    reply_loss : float
        Chance in [0, 1] that one reply is lost.
    latency : float, sequence of float or distribution
        Ms that a message takes one way: a constant, recorded samples, or anything with a quantile
        function `ppf`, such as a frozen scipy.stats distribution. By default 5 ms plus an
        exponentially distributed time with mean 5 ms.
    rng : int, numpy.random.Generator or None
        Seed of the network's luck; None is fresh entropy.
    drift : float
        How much faster or slower than real time a node's timer may run, in [0, 0.5]: each runs
        at a rate of its own between 1 - drift and 1 + drift.

    Notes
    -----
    The draws of a message depend on its operation, purpose, replica and attempt alone, so two
    runs that differ in one setting share their luck (common random numbers).

    Examples
    --------
    >>> network = Network(loss=0.0, rng=7)
    >>> network.partition({0}, {1, 2})
    >>> network.reaches(0, 1), network.reaches(1, 2)
    (False, True)
    >>> network.heal()
    >>> network.reaches(0, 1)
    True
    """

    def __init__(
        self,
        loss: float = 0.2,
        *,
        reply_loss: float = 0.0,
        latency: Latency | None = None,
        rng: RandomState = None,
        drift: float = 0.0,
    ) -> None:
        self._clear()
        self._loss = number("loss", loss, 0, 1)
        self._reply_loss = number("reply_loss", reply_loss, 0, 1)
        self._quantiles = _quantiles(latency)
        self._philox: Any = np.random.Philox(
            key=stream(rng, "network").generate_state(2, np.uint64)
        )
        self._generator = np.random.Generator(self._philox)
        self._state = self._philox.state
        self.drift = number("drift", drift, 0, 0.5)
        self._rates: dict[NodeId, float] = {}
        self.messages: list[Message] | None = None
        self._regions: Partition | None = None
        self._distance = 0.0

    def _clear(self) -> None:
        """No nodes yet, no fault, and a clock at 0."""
        self.env = simpy.Environment()
        self.nodes: dict[NodeId, Node] = {}
        self._active: list[Fault] = []
        self._began: list[float] = []  # when each of them did
        self._over: list[tuple[Fault, float, float]] = []  # and those that have ended, with times
        self._held: dict[NodeId, list[Callable[[], object]]] = {}
        self._refresh()

    @property
    def loss(self) -> float:
        """Chance that one request to one node is lost; may be set between two operations."""
        return self._loss

    @loss.setter
    def loss(self, loss: float) -> None:
        self._loss = number("loss", loss, 0, 1)

    @property
    def reply_loss(self) -> float:
        """Chance that one reply is lost; may be set between two operations."""
        return self._reply_loss

    @reply_loss.setter
    def reply_loss(self, reply_loss: float) -> None:
        self._reply_loss = number("reply_loss", reply_loss, 0, 1)

    def separate(self, *groups: Group, distance: float) -> None:
        """Let a message between groups of nodes, such as continents, take `distance` ms longer.

        Nodes in no group form one more; a distance of 0 brings all together again.
        """
        number("distance", distance, 0)
        regions = Partition(groups=groups)
        self.check_fault(regions)
        self._regions, self._distance = regions, distance

    def attach(
        self, nodes: Sequence[Node], crash: Callable[..., None], restart: Callable[[NodeId], None]
    ) -> None:
        """Connect the nodes of a store, and say how they crash and restart; it serves one store."""
        if self.nodes:
            raise ValueError("network must serve one store, got a second one; make a new Network")
        self.nodes = {node.id: node for node in nodes}
        self._crash, self._restart = crash, restart
        for fault in self._active:
            self.check_fault(fault)
        self._refresh()

    # What goes wrong, switched by hand or by a script.

    def partition(self, *groups: Group, one_way: bool = False) -> None:
        """Cut the cable between groups of nodes; nodes in no group form one more."""
        self.begin(Partition(groups=groups, one_way=one_way))

    def heal(self) -> None:
        """Mend every cut."""
        self._end_all(Partition)

    def crash(self, node: NodeId, *, lose_memory: bool = False) -> None:
        """Stop a node; with `lose_memory` it forgets everything."""
        self.begin(Crash(node=node, lose_memory=lose_memory))

    def restart(self, node: NodeId) -> None:
        """Start a node again."""
        self.check("node", [node])
        self._end_all(Crash, node)

    def pause(self, node: NodeId) -> None:
        """Let a node stand still."""
        self.begin(Pause(node=node))

    def resume(self, node: NodeId) -> None:
        """Let a node go on."""
        self.check("node", [node])
        self._end_all(Pause, node)

    def slow(self, node: NodeId, delay: float) -> None:
        """Make every message to or from `node` take `delay` ms longer; 0 undoes it."""
        self._begin_instead(Slow(node=node, delay=delay))

    def skew(self, node: NodeId, offset: float) -> None:
        """Set the clock of `node` ahead by `offset` ms; 0 undoes it."""
        self._begin_instead(Skew(node=node, offset=offset))

    def begin(self, fault: Fault) -> None:
        """Let a fault begin now."""
        self.check_fault(fault)
        self._active.append(fault)
        self._began.append(float(self.env.now))
        self._refresh()
        if isinstance(fault, Crash):
            self._held.pop(fault.node, None)  # a dead process sends and receives nothing later
            self._crash(fault.node, lose_memory=fault.lose_memory)

    def end(self, fault: Fault) -> None:
        """Let a fault end now, unless it was already mended by hand."""
        if fault not in self._active:
            return
        place = self._active.index(fault)
        self._active.remove(fault)
        self._over.append((fault, self._began.pop(place), float(self.env.now)))
        self._refresh()
        if isinstance(fault, Crash) and not any(other.stops(fault.node) for other in self._active):
            self._restart(fault.node)
        if isinstance(fault, Pause) and not self.paused(fault.node):
            for action in self._held.pop(fault.node, ()):
                action()

    @property
    def faults(self) -> list[Fault]:
        """The faults so far, each with the times in ms at which it began and ended."""
        still = [(*each, math.inf) for each in zip(self._active, self._began, strict=True)]
        found = [replace(fault, at=at, until=until) for fault, at, until in [*self._over, *still]]
        return sorted(found, key=lambda fault: fault.at)

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
            if isinstance(fault, Crash) and not self.nodes:
                raise ValueError("node must belong to a store before it can crash")
        else:
            raise TypeError(f"faults must be Partition, Crash, Pause, Slow or Skew, got {fault!r}")

    def check(self, name: str, nodes: Iterable[NodeId]) -> None:
        """Raise ValueError if one of `nodes` is not connected here."""
        for node in nodes:
            if self.nodes and node not in self.nodes:
                raise ValueError(f"{name} must name nodes of {list(self.nodes)}, got {node!r}")

    def _begin_instead(self, fault: Slow | Skew) -> None:
        """Let a fault begin now in the place of those of its kind at its node."""
        self.check_fault(fault)
        self._end_all(type(fault), fault.node)
        self.begin(fault)

    def _end_all(self, kind: type[Fault], *nodes: NodeId) -> None:
        """End the faults of a kind, all of them or those at some nodes."""
        for fault in list(self._active):
            if isinstance(fault, kind) and (not nodes or getattr(fault, "node", None) in nodes):
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
        """Whether no cut stops a message now; None is a client outside, whom no cut affects."""
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

    # Messages, and the luck that they have.

    def draws(self, operation: int, purpose: str, attempt: int = 0) -> list[list[float]]:
        """Luck of one round of messages: a row of four uniform numbers for every node."""
        counter = [0, attempt, crc32(purpose.encode()), operation]
        self._state["state"]["counter"] = np.array(counter, dtype=np.uint64)
        self._philox.state = self._state
        rows: list[list[float]] = self._generator.random((len(self.nodes), 4)).tolist()
        return rows

    def timer(self, node: NodeId) -> float:
        """What the timer of `node` shows, in ms: nobody sets it, but it may run fast or slow."""
        if node not in self._rates:
            luck = zip(self.nodes, self.draws(0, "drift"), strict=True)
            self._rates = {each: 1 + self.drift * (2 * row[0] - 1) for each, row in luck}
        return float(self.env.now) * self._rates[node]

    def send(
        self,
        label: str,
        source: NodeId | None,
        target: NodeId | None,
        deliver: Callable[[], object],
        luck: Luck,
        *,
        reply: bool = False,
        operation: int | None = None,
    ) -> None:
        """Send one message; if it arrives, `deliver` is called.

        `luck` is two uniform numbers, for its loss and for its latency. The way must be open both
        when the message leaves and when it arrives, and both ends must be up.
        """

        def leave() -> None:
            sent = float(self.env.now)
            dropped = luck[0] < (self._reply_loss if reply else self._loss)
            lost = "chance" if dropped else self._barrier(source, target)

            def arrive() -> None:
                why = lost or self._barrier(source, target)
                if self.messages is not None:
                    arrived = math.inf if why else float(self.env.now)
                    way = partial(Message, source=source, target=target, operation=operation)
                    self.messages.append(way(label=label, sent=sent, arrived=arrived, lost=why))
                if not why:
                    deliver()

            delay = 0.0 if lost else self._latency(luck[1], source, target)
            self.after(delay, partial(self.when_awake, target, arrive))

        self.when_awake(source, leave)

    def _barrier(self, source: NodeId | None, target: NodeId | None) -> str:
        """What stops a message now: "cut", "down", or nothing."""
        if not self.reaches(source, target):
            return "cut"
        ends = (self.nodes[each] for each in (source, target) if each is not None)
        return "" if all(node.up for node in ends) else "down"

    def _latency(self, luck: float, source: NodeId | None, target: NodeId | None) -> float:
        if source == target:
            return 0.0
        place = luck * (len(self._quantiles) - 1)
        low = int(place)
        below, above = self._quantiles[low : low + 2]
        delay = below + (place - low) * (above - below)
        delay += self._delay.get(source, 0.0) + self._delay.get(target, 0.0)
        return delay + self._between(source, target)

    def _between(self, source: NodeId | None, target: NodeId | None) -> float:
        if self._regions is None or source is None or target is None:
            return 0.0
        return self._distance if self._regions.parts(source, target) else 0.0


def _quantiles(latency: Latency | None) -> list[float]:
    """Latency (ms) at equally spaced probabilities."""
    what = f"latency must be ms, samples or a distribution, got {shown(latency)}"
    if isinstance(latency, str | bytes | bool):
        raise TypeError(what)
    if latency is None:
        table: Any = 5.0 - 5.0 * np.log1p(-_GRID)
    elif hasattr(latency, "ppf"):
        table = np.asarray(latency.ppf(_GRID), dtype=float)
    else:
        try:
            table = np.sort(np.asarray(latency, dtype=float).ravel())
        except (TypeError, ValueError, OverflowError):
            raise TypeError(what) from None
    if table.size == 0 or not (np.isfinite(table).all() and table.min() >= 0):
        raise ValueError(f"latency must be finite and at least 0 ms, got {shown(latency)}")
    values: list[float] = table.tolist()
    return values if len(values) > 1 else values * 2
