"""Consistent under a partition: one elected leader at a time, whose log a majority copies."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from functools import partial
from operator import attrgetter
from typing import Any

import simpy

from capkit._arguments import choice, number
from capkit.history import NodeId
from capkit.network import Network
from capkit.stores.cluster import Process
from capkit.stores.election import ElectedStore, Log, Member, Waiting
from capkit.stores.log import Entry, newest
from capkit.stores.node import Node
from capkit.stores.store import Answers, Request


class LeaderStore(ElectedStore):
    """One leader orders all writes in its log, and a majority of the nodes copies it.

    Who hears no leader asks for votes in a higher term; a majority elects the node whose log is as
    new as theirs [1]_ [2]_. A deposed leader takes over the new one's log, and rolls back what is
    not in it.

    Parameters
    ----------
    nodes : iterable of Node
        The first leads at the start.
    network : Network, optional
        By default each request to a node is lost with probability 0.2, and sent again.
    acknowledge : {"majority", "leader"}
        Who must have logged a put before it is acknowledged.
    reads : {"confirmed", "lease", "committed", "newest"}
        What a get returns. "confirmed": the leader's newest value, after a majority has confirmed
        that it still leads. "lease": the newest value that a majority has, as long as its
        lease lasts. "committed": the same without any lease. "newest": what the node has logged,
        even if nobody else has.
    read_from : {"leader", "any"}
        Who answers a get: the leader, or the client's own node, which may only answer with what
        is "committed" or "newest" there.
    lease : float
        Ms for which a node that heard the leader lets no other one serve, used by reads="lease".
        Each node measures it on its own timer, and the leader stops early by as much as timers
        may drift.

    Attributes
    ----------
    elections : list of Election
        Who became leader when.

    References
    ----------
    .. [1] Ongaro, Ousterhout, "In Search of an Understandable Consensus Algorithm", ATC 2014.
    .. [2] Liskov, Cowling, "Viewstamped Membertion Revisited", MIT 2012: compares logs as here.

    Examples
    --------
    >>> store = LeaderStore([Node(i) for i in range(3)], Network(loss=0.0, rng=7))
    >>> store.network.partition({0}, {1, 2})
    >>> store.wait(500)
    >>> store.put("key", "value", at=1)
    >>> store.elections[-1].node, store.elections[-1].term
    (1, 2)
    >>> store.get("key", at=0)
    Traceback (most recent call last):
        ...
    capkit.Unavailable: get got no answer within 1000 ms: node 0 knows no leader
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        network: Network | None = None,
        *,
        acknowledge: str = "majority",
        reads: str = "confirmed",
        read_from: str = "leader",
        lease: float = 300.0,
    ) -> None:
        choice("acknowledge", acknowledge, ("majority", "leader"))
        choice("reads", reads, ("confirmed", "lease", "committed", "newest"))
        choice("read_from", read_from, ("leader", "any"))
        if read_from == "any" and reads in ("confirmed", "lease"):
            raise ValueError(f"reads must be 'committed' or 'newest' at any node, got {reads!r}")
        super().__init__(nodes, network, number("lease", lease, 0) if reads == "lease" else 0.0)
        self.acknowledge, self.reads, self.read_from = acknowledge, reads, read_from

    def lost(self) -> list[Any]:
        """Values of acknowledged puts that the newest log does not have."""
        known = [self.members[node.id] for node in self.nodes if not node.forgot]
        latest = max(known, key=attrgetter("rank"), default=Member())
        logged = {entry.number for entry in latest.log}
        return [put.value for put in self.acknowledged if put.number not in logged]

    # What a client's node does.

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        entry = Entry(request.number, key, value)
        append = partial(self._append, entry)
        leader, refusal = self._leader_of(request), partial(self._why_late, request)
        yield from self.ask(request, "put", append, need=1, among=leader, refusal=refusal)

    def on_get(self, request: Request, key: Hashable) -> Process:
        read = partial(self._read, request, key)
        among = self._leader_of(request)
        if self.read_from == "any":
            read, among = self._read_here(key), lambda node: node.id == request.at
        refusal = partial(self._why_late, request)
        answers = yield from self.ask(request, "get", read, need=1, among=among, refusal=refusal)
        return next(iter(answers.values()))

    def _leader_of(self, request: Request) -> Any:
        """Picks the leader that the client's node knows; asked again at each attempt."""
        assert request.at is not None
        here = request.at
        return lambda node: node.id == self.members[here].leader

    # What the leader does for clients.

    def _append(self, entry: Entry, node: Node) -> Any:
        """Log an entry once, and answer when enough nodes have it."""
        if not self._leads(node):
            return self.SILENT
        replica = self.members[node.id]
        if entry not in replica.log:
            replica.log = (*replica.log, entry)
            self._show(node)
            self._speak(node, self.network.draws(entry.number, "replicate"))
        if self.acknowledge == "leader":
            return True
        return self._when(node, True, replica.log.index(entry) + 1, -math.inf)

    def _read(self, request: Request, key: Hashable, node: Node) -> Any:
        if not self._leads(node):
            return self.SILENT
        replica = self.members[node.id]
        if self.reads == "lease" and not self._holds_lease(node):
            return self.SILENT
        if self.reads != "confirmed":
            return node.get(key)
        answer = newest(replica.log).get(key)
        waiting = self._when(node, answer, len(replica.log), self.network.timer(node.id))
        self._speak(node, self.network.draws(request.number, "confirm"))
        return waiting

    def _read_here(self, key: Hashable) -> Any:
        return lambda node: self.SILENT if node.forgot else node.get(key)

    def _when(self, node: Node, answer: Any, size: int, since: float) -> simpy.Event:
        """An event that triggers with the answer as soon as the leader may give it."""
        event = self.env.event()
        self.members[node.id].waiting.append(Waiting(answer, size, since, event))
        self._advance(node)
        return event

    def _advance(self, node: Node) -> None:
        """Commit what a majority has copied, and give the answers that waited for it."""
        replica, now = self.members[node.id], self.network.timer(node.id)
        if not self._leads(node) or now < replica.serves_from:
            return
        copied = {**replica.copied, node.id: len(replica.log)}
        replica.committed = max(replica.committed, self._majority_has(copied, 0))
        self._show(node)
        confirmed = self._confirmed(node)
        waiting, replica.waiting = replica.waiting, []
        for each in waiting:
            if each.size <= replica.committed and each.since <= confirmed:
                each.event.succeed(each.answer)
            else:
                replica.waiting.append(each)

    def _holds_lease(self, node: Node) -> bool:
        """Whether no other leader can serve yet: the timers of the others may run fast."""
        replica, now = self.members[node.id], self.network.timer(node.id)
        safe = self.lease * (1 - self.network.drift) / (1 + self.network.drift)
        served = now >= replica.serves_from and replica.committed >= replica.inherited
        return served and now < self._confirmed(node) + safe

    # How the log spreads.

    def _speak(self, node: Node, luck: list[list[float]]) -> None:
        """Send the log to every other node, which is also the leader's sign of life."""
        replica, sent = self.members[node.id], self.network.timer(node.id)
        for other, row in zip(self.nodes, luck, strict=True):
            if other is not node:
                hear = partial(
                    self._hear, other, node, replica.term, replica.log, replica.committed, sent, row
                )
                self.network.send("log", node.id, other.id, hear, row[:2])

    def _hear(
        self,
        node: Node,
        leader: Node,
        term: int,
        log: Log,
        committed: int,
        sent: float,
        luck: list[float],
    ) -> None:
        """Copy the log of a leader that is not outdated, and tell it how far that goes."""
        replica = self.members[node.id]
        if term >= replica.term:
            self._follow(node, term, leader.id)
        if node.forgot:
            return
        if term == replica.term and (term, len(log)) > replica.rank:
            replica.log, replica.log_term = log, term
        if term == replica.term:
            replica.committed = max(replica.committed, committed)
            self._show(node)
        size = len(replica.log)
        answer = partial(self._hear_answer, leader, node.id, replica.term, term, size, sent)
        self.network.send("log: answer", node.id, leader.id, answer, luck[2:], reply=True)

    def _hear_answer(
        self, node: Node, other: NodeId, its_term: int, term: int, size: int, sent: float
    ) -> None:
        replica = self.members[node.id]
        if its_term > replica.term:
            self._follow(node, its_term, None)
        if term == its_term == replica.term and self._leads(node):
            replica.copied[other] = max(size, replica.copied.get(other, 0))
            replica.confirmed[other] = max(sent, replica.confirmed.get(other, -math.inf))
            self._advance(node)

    def _show(self, node: Node) -> None:
        """Let the node's copy hold what its readers may see of the log."""
        replica = self.members[node.id]
        size = len(replica.log) if self.reads == "newest" else replica.committed
        values = newest(replica.log[:size])
        for key in [key for key in node.data if key not in values]:
            self.erase(node, key)  # rolled back
        for key, value in values.items():
            if key not in node.data or node.data[key] != value:
                self.write(node, key, value)

    def _why_late(self, request: Request, answers: Answers) -> str:
        assert request.at is not None
        leader = self.members[request.at].leader
        if leader is None:
            return self.late(request, f"node {request.at} knows no leader")
        if request.kind == "get" and self.reads == "lease":
            return self.late(request, f"leader {leader} was not reached, or its lease has ended")
        return self.late(request, f"leader {leader} was not reached, or reached no majority")
