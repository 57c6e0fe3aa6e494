"""Consistent and available until the network is cut: a primary with synchronous standbys.

message      from, to                     what follows
put(entry)   a client's node, primary     the primary logs it, and answers when it is committed
get(key)     a client's node, primary     the primary answers with what is committed
log(Signs)   primary, each standby        the standby copies the log, and answers how far it has
                                          come: `Logged`. What enough standbys have is committed
log(Signs)   failover: any node, another  without a log it is a sign of life alone
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import simpy

from capkit._arguments import choice, count, flag
from capkit.history import NodeId
from capkit.network import Network, Node
from capkit.stores.cluster import Process
from capkit.stores.log import Entry, Log, LogStore
from capkit.stores.question import Request

Rank: TypeAlias = tuple[int, int]  # of a primary: how many promotions came before, then its place


class Signs(NamedTuple):
    """What a node tells about itself; only a primary also sends its log."""

    source: NodeId
    rank: Rank
    size: int
    log: Log | None


class Logged(NamedTuple):
    """What a standby answers to the primary of a rank: how many entries of its log it has."""

    rank: Rank
    size: int


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What one node knows: whom it follows, its log, and when it last heard from whom.

    Only a primary uses `acknowledged`, how much of the log each standby has, and `waiting`, the
    puts that wait for more.
    """

    primary: NodeId | None = None
    rank: Rank = (0, 0)
    log: Log = ()
    committed: int = 0
    acknowledged: dict[NodeId, int] = field(default_factory=dict)
    waiting: dict[int, simpy.Event] = field(default_factory=dict)
    heard: dict[NodeId, float] = field(default_factory=dict)
    heard_primary: float = 0.0
    state: dict[NodeId, tuple[Rank, int]] = field(default_factory=dict)


class CAStore(LogStore):
    """One primary that orders all writes, standbys that copy its log, reads at the primary.

    A write is visible, and acknowledged, once every standby has it, or as many as `waits_for`
    says. That is linearizable, and available while nothing is cut and no replica is down. A cut
    leaves two bad answers.

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
    waits_for : int, optional
        How many standbys must have a write before it is acknowledged and shown, whichever they
        are. By default all.
    shown_first : bool
        Whether a standby shows an entry before it acknowledges it, or `show_after` ms later.
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
    """Ms between two signs of life, each of which also sends again what may have been lost.

    It is read when the store is made: a subclass may set another one.
    """

    show_after = 30.0
    """Ms from a standby's log to its copy, which hot standbys read, unless that comes first."""

    suspect_after = 150.0
    """Ms of silence after which failover takes a node for dead."""

    def __init__(
        self,
        nodes: Iterable[Node],
        network: Network | None = None,
        *,
        on_partition: str = "block",
        synchronous: bool = True,
        waits_for: int | None = None,
        shown_first: bool = True,
        read_from: str = "primary",
    ) -> None:
        choice("on_partition", on_partition, ("block", "failover"))
        choice("read_from", read_from, ("primary", "any"))
        super().__init__(nodes, network)
        standbys = len(self.nodes) - 1
        asked = standbys if waits_for is None else count("waits_for", waits_for, 0, standbys)
        self.waits_for = asked if flag("synchronous", synchronous) else 0
        self.read_from = read_from
        self.shown_first = flag("shown_first", shown_first)
        self.failover = on_partition == "failover"
        first = self.nodes[0].id
        self.ledgers = {node.id: Ledger(primary=first) for node in self.nodes}
        self.place = {node.id: i for i, node in enumerate(self.nodes)}
        for node in self.nodes:
            self._reset(node)
        self.every(self.beat_every, self._beat)

    # A client's node asks the primary that it knows.

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        append = partial(self._append, entry=Entry(request.number, key, value))
        yield from self.ask_one(request, append, self._primary_of(request))

    def on_get(self, request: Request, key: Hashable) -> Process:
        def read(node: Node) -> Any:
            return node.get(key) if anyone or self._leads(node) else self.SILENT

        anyone = self.read_from == "any"
        among = (lambda node: node.id == request.at) if anyone else self._primary_of(request)
        answer = yield from self.ask_one(request, read, among)
        return answer

    def _primary_of(self, request: Request) -> Callable[[Node], bool]:
        assert request.at is not None
        ledger = self.ledgers[request.at]
        return lambda node: node.id == ledger.primary

    # The primary logs a put, sends the log, hears who has it, and answers.

    def _append(self, node: Node, entry: Entry) -> Any:
        """Log an entry once, and answer when it is committed."""
        if not self._leads(node):
            return self.SILENT
        ledger = self.ledgers[node.id]
        if entry not in ledger.log:
            ledger.log = (*ledger.log, entry)
            self._speak(node, entry.number, "replicate")
            self._commit(node)
        place = ledger.log.index(entry)
        if place < ledger.committed:
            return True
        return ledger.waiting.setdefault(place, self.env.event())

    def _speak(self, node: Node, turn: int, luck: str) -> None:
        """Send the log to every node that may need it; with failover, to all as a sign of life."""
        ledger = self.ledgers[node.id]
        size, log = len(ledger.log), ledger.log if self._leads(node) else None
        needing = [
            other
            for other in self.nodes
            if other is not node and (self.failover or ledger.acknowledged.get(other.id, 0) < size)
        ]
        hear = partial(self._hear, signs=Signs(node.id, ledger.rank, size, log))
        self.call(node, needing, "log", hear, partial(self._count, node), turn=turn, luck=luck)

    def _count(self, node: Node, other: Node, logged: Logged) -> None:
        """Note how far a standby has come."""
        ledger = self.ledgers[node.id]
        if ledger.rank == logged.rank:
            known = ledger.acknowledged.get(other.id, 0)
            ledger.acknowledged[other.id] = max(logged.size, known)
            self._commit(node)

    def _commit(self, node: Node) -> None:
        """Show and acknowledge what enough of the standbys in view have logged."""
        if not self._leads(node):
            return
        ledger = self.ledgers[node.id]
        others = [other for other in self._view(node) if other != node.id]
        logged = sorted((ledger.acknowledged.get(other, 0) for other in others), reverse=True)
        for place in range(ledger.committed, min([len(ledger.log), *logged[: self.waits_for]])):
            entry = ledger.log[place]
            self.write(node, entry.key, entry.value)
            ledger.committed = place + 1
            if place in ledger.waiting:
                ledger.waiting.pop(place).succeed(True)

    # A standby copies the log, and says how far it has come.

    def _hear(self, node: Node, signs: Signs) -> Any:
        if node.forgot:
            return self.SILENT
        ledger = self.ledgers[node.id]
        ledger.heard[signs.source] = self.env.now
        ledger.state[signs.source] = signs.rank, signs.size
        if signs.log is None or signs.rank < ledger.rank:
            return self.SILENT
        ledger.heard_primary = self.env.now
        if signs.rank > ledger.rank or len(signs.log) > len(ledger.log):
            self._copy(node, signs.log)
        ledger.rank, ledger.primary = signs.rank, signs.source
        return Logged(signs.rank, len(ledger.log))

    def _copy(self, node: Node, log: Log) -> None:
        """Take over a log, dropping what it does not contain."""
        ledger = self.ledgers[node.id]
        ledger.log, ledger.committed = log, 0
        ledger.waiting.clear()
        if self.shown_first:
            self.show(node, log)
        else:
            self.network.after(self.show_after, partial(self._show_later, node, log))

    def _show_later(self, node: Node, log: Log) -> None:
        ledger = self.ledgers[node.id]
        if node.up and ledger.log[: len(log)] == log and not self._leads(node):
            self.show(node, log)

    # Every node, regularly: with failover a standby may find that it has to lead.

    def _beat(self, node: Node, turn: int) -> None:
        if node.forgot:
            return
        if self.failover and not self._leads(node):
            self._consider_promotion(node)
        if self.failover or self._leads(node):
            self._speak(node, turn, f"beat of {node.id}")
            self._commit(node)

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
            self.show(node, ledger.log)

    def _view(self, node: Node) -> list[NodeId]:
        """The nodes that count: all of them, or with failover those not silent for too long."""
        if not self.failover:
            return list(self.by_id)
        since = self.env.now - self.suspect_after
        heard = self.ledgers[node.id].heard
        return [other for other in self.by_id if other == node.id or heard[other] > since]

    def _leads(self, node: Node) -> bool:
        return self.ledgers[node.id].primary == node.id and not node.forgot

    # What happens to nodes.

    def _reset(self, node: Node) -> None:
        """Start counting the silence of every node now."""
        ledger = self.ledgers[node.id]
        ledger.heard = dict.fromkeys(self.by_id, self.env.now)
        ledger.heard_primary = self.env.now

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node; its log is on disk, and is lost only with its memory."""
        super().crash(node, lose_memory=lose_memory)
        self.ledgers[node].waiting.clear()
        if lose_memory:
            self.ledgers[node] = Ledger(primary=self.ledgers[node].primary)
            self._reset(self.by_id[node])

    def restart(self, node: NodeId) -> None:
        """Start it again; with failover it first waits to hear who leads now."""
        super().restart(node)
        self._reset(self.by_id[node])
        if self.failover:
            self.ledgers[node].primary = None

    def latest_log(self) -> Log:
        """The log of the latest primary that a node still has."""
        ledgers = [self.ledgers[node.id] for node in self.nodes if not node.forgot]
        latest = max(ledgers, key=lambda each: (each.rank, len(each.log)), default=Ledger())
        return latest.log

    def why_late(self, request: Request) -> str:
        """Say what the primary was waiting for, as the client's node sees it."""
        assert request.at is not None
        primary = self.ledgers[request.at].primary
        if primary is None:
            return f"node {request.at} knows no primary"
        ledger, size = self.ledgers[primary], len(self.ledgers[primary].log)
        others = [other for other in self.by_id if other != primary]
        behind = [str(other) for other in others if ledger.acknowledged.get(other, 0) < size]
        reached = self.by_id[primary].up and self.network.reaches(request.at, primary)
        if request.kind == "put" and reached and behind:
            return f"primary {primary} still waits for standby {', '.join(behind)}"
        return f"primary {primary} was not reached"
