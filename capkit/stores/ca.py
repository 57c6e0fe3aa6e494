"""Consistent and available until the network is cut: a primary with synchronous standbys."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import simpy

from capkit._arguments import choice
from capkit.history import NodeId
from capkit.network import Network
from capkit.stores.cluster import Process
from capkit.stores.log import Entry, newest
from capkit.stores.node import Node
from capkit.stores.store import Answers, Request, Store


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What one node knows: whom it follows, its log, and whom it has heard when.

    `rank` orders primaries: how many promotions came before, then the place of the node.
    """

    primary: NodeId | None = None
    rank: tuple[int, int] = (0, 0)
    log: list[Entry] = field(default_factory=list)
    committed: int = 0
    acknowledged: dict[NodeId, int] = field(default_factory=dict)
    waiting: dict[int, simpy.Event] = field(default_factory=dict)
    heard: dict[NodeId, float] = field(default_factory=dict)
    heard_primary: float = 0.0
    state: dict[NodeId, tuple[tuple[int, int], int]] = field(default_factory=dict)


class CAStore(Store):
    """One primary that orders all writes, standbys that copy its log, reads at the primary.

    A write is visible, and acknowledged, once every standby has it. That is linearizable, and
    available while nothing is cut and no replica is down. A cut leaves two bad answers.

    Parameters
    ----------
    nodes : iterable of Node
        The first is the primary at the start.
    network : Network, optional
        By default each request to a node is lost with probability 0.2, and sent again.
    on_partition : {"block", "failover"}
        "block" waits for a silent node, however long. "failover" takes silence for a crash: each
        side goes on without the other, under a primary of its own (split brain). When they meet
        again the later promotion wins and the other side's writes are lost.
    synchronous : bool
        False acknowledges, and shows, a write as soon as the primary has logged it (asynchronous
        standbys).
    read_from : {"primary", "any"}
        Who answers a get: the primary, or the client's own node with its copy (hot standbys).

    Examples
    --------
    >>> store = CAStore([Node(i) for i in range(3)], Network(rng=7))
    >>> store.put("key", "value")
    >>> store.network.partition({0, 1}, {2})
    >>> store.get("key", at=1)
    'value'
    >>> store.put("key", "newer", at=1)
    Traceback (most recent call last):
        ...
    capkit.Unavailable: put got no answer within 1000 ms: primary 0 still waits for standby 2
    """

    beat_every = 25.0
    """Ms between two signs of life, each of which also sends again what may have been lost."""

    suspect_after = 150.0
    """Ms of silence after which failover takes a node for dead."""

    def __init__(
        self,
        nodes: Iterable[Node],
        network: Network | None = None,
        *,
        on_partition: str = "block",
        synchronous: bool = True,
        read_from: str = "primary",
    ) -> None:
        choice("on_partition", on_partition, ("block", "failover"))
        choice("read_from", read_from, ("primary", "any"))
        super().__init__(nodes, network)
        self.synchronous, self.read_from = synchronous, read_from
        self.failover = on_partition == "failover"
        first = self.nodes[0].id
        self.ledgers = {node.id: Ledger(primary=first) for node in self.nodes}
        self.place = {node.id: i for i, node in enumerate(self.nodes)}
        for node in self.nodes:
            self._reset(node)
            self.env.process(self._beats(node))

    def lost(self) -> list[Any]:
        """Values of acknowledged puts that the latest primary's log does not have."""
        ledgers = [self.ledgers[node.id] for node in self.nodes if not node.forgot]
        latest = max(ledgers, key=lambda each: (each.rank, len(each.log)), default=Ledger())
        known = {entry.number for entry in latest.log}
        return [put.value for put in self.acknowledged if put.number not in known]

    # What a client's node does.

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        entry = Entry(request.number, key, value)
        append = partial(self._append, entry)
        primary = self._primary_of(request)
        refusal = partial(self._why_late, request)
        yield from self.ask(request, "put", append, need=1, among=primary, refusal=refusal)

    def on_get(self, request: Request, key: Hashable) -> Process:
        def handle(node: Node) -> Any:
            return node.get(key) if anyone or self._leads(node) else self.SILENT

        anyone = self.read_from == "any"
        among = (lambda node: node.id == request.at) if anyone else self._primary_of(request)
        refusal = partial(self._why_late, request)
        answers = yield from self.ask(request, "get", handle, need=1, among=among, refusal=refusal)
        return next(iter(answers.values()))

    def _primary_of(self, request: Request) -> Any:
        assert request.at is not None
        ledger = self.ledgers[request.at]
        return lambda node: node.id == ledger.primary

    # What the primary does.

    def _append(self, entry: Entry, node: Node) -> Any:
        """Log an entry once, and answer when every standby has it."""
        if not self._leads(node):
            return self.SILENT
        ledger = self.ledgers[node.id]
        if entry not in ledger.log:
            ledger.log.append(entry)
            self._speak(node, self.network.draws(entry.number, "replicate"))
            self._commit(node)
        place = ledger.log.index(entry)
        if place < ledger.committed:
            return True
        return ledger.waiting.setdefault(place, self.env.event())

    def _commit(self, node: Node) -> None:
        """Show, and answer for, what every standby in view has logged, if that is asked for."""
        if not self._leads(node):
            return
        ledger = self.ledgers[node.id]
        others = [other for other in self._view(node) if other != node.id]
        logged = [ledger.acknowledged.get(other, 0) for other in others if self.synchronous]
        for place in range(ledger.committed, min([len(ledger.log), *logged])):
            entry = ledger.log[place]
            self.write(node, entry.key, entry.value)
            ledger.committed = place + 1
            if place in ledger.waiting:
                ledger.waiting.pop(place).succeed(True)

    def _hear_acknowledgement(
        self, node: Node, source: NodeId, rank: tuple[int, int], logged: int
    ) -> None:
        ledger = self.ledgers[node.id]
        if ledger.rank == rank:
            ledger.acknowledged[source] = max(logged, ledger.acknowledged.get(source, 0))
            self._commit(node)

    # What every node does, all the time.

    def _beats(self, node: Node) -> Process:
        beat = 0
        while True:
            yield self.env.timeout(self.beat_every)
            beat += 1
            if self.awake(node) and not node.forgot:
                if self.failover and not self._leads(node):
                    self._consider_promotion(node)
                if self.failover or self._leads(node):
                    self._speak(node, self.network.draws(beat, f"beat of {node.id}"))
                    self._commit(node)

    def _speak(self, node: Node, luck: list[list[float]]) -> None:
        """Send the log to every other node that may need it; in failover, as a sign of life."""
        ledger = self.ledgers[node.id]
        size, leads = len(ledger.log), self._leads(node)
        for other, row in zip(self.nodes, luck, strict=True):
            needs = self.failover or ledger.acknowledged.get(other.id, 0) < size
            if other is not node and needs:
                log = tuple(ledger.log) if leads else None
                hear = partial(self._hear, other, node, ledger.rank, size, log, row)
                self.network.send("log", node.id, other.id, hear, row[:2])

    def _hear(
        self,
        node: Node,
        source: Node,
        rank: tuple[int, int],
        size: int,
        log: tuple[Entry, ...] | None,
        luck: list[float],
    ) -> None:
        """Note a sign of life; only a primary sends its log, to be copied and acknowledged."""
        if node.forgot:
            return
        ledger = self.ledgers[node.id]
        ledger.heard[source.id] = self.env.now
        ledger.state[source.id] = rank, size
        if log is None or rank < ledger.rank:
            return
        ledger.heard_primary = self.env.now
        if rank > ledger.rank or len(log) > len(ledger.log):
            self._copy(node, log)
        ledger.rank, ledger.primary = rank, source.id
        logged = len(ledger.log)
        acknowledge = partial(self._hear_acknowledgement, source, node.id, rank, logged)
        self.network.send("log: answer", node.id, source.id, acknowledge, luck[2:], reply=True)

    def _copy(self, node: Node, log: tuple[Entry, ...]) -> None:
        """Take over a log, dropping what it does not contain."""
        ledger = self.ledgers[node.id]
        ledger.log = list(log)
        ledger.committed = 0
        ledger.waiting.clear()
        values = newest(log)
        for key in list(node.data):
            if key not in values:
                self.erase(node, key)
        for key, value in values.items():
            if key not in node.data or node.data[key] != value:
                self.write(node, key, value)

    # What failover adds.

    def _consider_promotion(self, node: Node) -> None:
        """Become primary if the old one is silent and nobody in view knows more."""
        ledger = self.ledgers[node.id]
        if self.env.now - ledger.heard_primary < self.suspect_after:
            return
        own = ledger.rank, len(ledger.log)
        known = {other: ledger.state[other] for other in self._view(node) if other != node.id}
        if all((own, -self.place[node.id]) > (known[o], -self.place[o]) for o in known):
            epoch = max([ledger.rank[0], *(rank[0] for rank, _ in known.values())]) + 1
            ledger.rank, ledger.primary = (epoch, self.place[node.id]), node.id
            ledger.acknowledged.clear()
            ledger.committed = len(ledger.log)

    def _view(self, node: Node) -> list[NodeId]:
        """The nodes that count: all of them, or with failover those not silent for too long."""
        if not self.failover:
            return list(self.by_id)
        since = self.env.now - self.suspect_after
        heard = self.ledgers[node.id].heard
        return [other for other in self.by_id if other == node.id or heard[other] > since]

    def _leads(self, node: Node) -> bool:
        return self.ledgers[node.id].primary == node.id and not node.forgot

    def _reset(self, node: Node) -> None:
        """Count silence from now on."""
        ledger = self.ledgers[node.id]
        ledger.heard = dict.fromkeys(self.by_id, self.env.now)
        ledger.heard_primary = self.env.now

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node; its log is on disk, and goes only with its memory."""
        super().crash(node, lose_memory=lose_memory)
        self.ledgers[node].waiting.clear()
        if lose_memory:
            self.ledgers[node] = Ledger(primary=self.ledgers[node].primary)
            self._reset(self.by_id[node])

    def restart(self, node: NodeId) -> None:
        """Start it again; with failover it first listens who leads now."""
        super().restart(node)
        self._reset(self.by_id[node])
        if self.failover:
            self.ledgers[node].primary = None

    def _why_late(self, request: Request, answers: Answers) -> str:
        assert request.at is not None
        primary = self.ledgers[request.at].primary
        if primary is None:
            return self.late(request, f"node {request.at} knows no primary")
        ledger = self.ledgers[primary]
        behind = [
            str(node.id)
            for node in self.nodes
            if node.id != primary and ledger.acknowledged.get(node.id, 0) < len(ledger.log)
        ]
        if request.kind == "put" and self._reachable(request.at, primary) and behind:
            waits = f"primary {primary} still waits for standby {', '.join(behind)}"
            return self.late(request, waits)
        return self.late(request, f"primary {primary} was not reached")

    def _reachable(self, source: NodeId, target: NodeId) -> bool:
        return self.by_id[target].up and self.network.reaches(source, target)
