"""One server at a time, by a lock that ends by itself, and a log that refuses older locks.

    message                    from, to              what follows
    put(entry)                 a client's node, all  whoever serves collects it into a batch, and
                                                     answers when the batch is in the log
    get(key)                   a client's node, all  whoever serves answers from its memory
    append(generation, log)    the server, all       they keep the log, or refuse an older lock
    state                      the master, all       they say whether the tablet's lock is free
    load(generation)           the master, a node    it takes the lock, and reads the log
    load log                   a new server, all     they send the log, and refuse older locks

`locks` is the lock service. The lock "master" is anybody's; its holder gives the work, with the
lock "tablet", to a live node when nobody holds it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import simpy

from capkit._arguments import flag, number
from capkit.history import NodeId
from capkit.network import Network, Node
from capkit.stores.cluster import Process
from capkit.stores.locks import LockService
from capkit.stores.log import Entry, Log, LogStore
from capkit.stores.question import Request


@dataclass(slots=True, kw_only=True)
class Tenure:
    """From `since` to `until` (ms) a node believed that it served, under one lock generation."""

    node: NodeId
    generation: int
    since: float
    until: float = math.inf


class Refusal(NamedTuple):
    """At `at` (ms) the log's copy at `node` refused an append of an older lock generation."""

    at: float
    node: NodeId
    generation: int
    log: Log


@dataclass(slots=True, kw_only=True)
class Shelf:
    """A node's copy of the shared log, on its disk, and the newest lock generation seen there."""

    fence: int = 1
    generation: int = 1
    log: Log = ()

    @property
    def rank(self) -> tuple[int, int]:
        """Orders copies: under which generation it was stored last, then which is longer."""
        return self.generation, len(self.log)


@dataclass(slots=True, kw_only=True)
class Server:
    """What a tablet server has in its memory; all of it is lost in a crash."""

    generation: int = 0
    log: Log = ()
    batch: list[Entry] = field(default_factory=list)
    waiting: dict[int, simpy.Event] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    tenure: Tenure | None = None


class LeaseStore(LogStore):
    """A lock service assigns the tablet to one server at a time, as Bigtable does with Chubby.

    The server looks at its lease, writes the log, which a majority of the nodes keeps, and then its
    memory, from which it answers gets. Between looking and writing it may be paused for long, and
    somebody else may serve meanwhile: so each append carries the generation of its lock, and the
    log refuses those older than the newest it has seen (a fencing token) [1]_ [2]_ [3]_.

    Parameters
    ----------
    nodes : iterable of Node
        Each keeps a copy of the locks and of the log, and can serve. At first the first node
        serves, and is the master, which gives the tablet away when its lock has ended.
    network : Network, optional
        By default each request to a node is lost with probability 0.2, and sent again.
    lease : float
        Ms for which a lock is granted.
    fencing : bool
        False: the log takes every append, however old its lock.

    Attributes
    ----------
    tenures : list of Tenure
        Who believed that it served, and when.
    refused : list of Refusal
        What the log refused.

    References
    ----------
    .. [1] Chang et al., "Bigtable: A Distributed Storage System for Structured Data", OSDI 2006.
    .. [2] Burrows, "The Chubby Lock Service for Loosely-Coupled Distributed Systems", OSDI 2006.
    .. [3] Gray, Cheriton, "Leases", SOSP 1989.

    Examples
    --------
    >>> store = LeaseStore([Node(i) for i in range(3)], Network(loss=0.0, rng=7))
    >>> store.put("key", "value", at=1)
    >>> store.network.partition({0}, {1, 2})
    >>> store.wait(1_000)
    >>> store.get("key", at=2)
    'value'
    >>> [(tenure.node, tenure.generation) for tenure in store.tenures]
    [(0, 1), (1, 2)]
    """

    renew_every = 50.0
    """Ms between two renewals of a lock, and between two looks of the master."""

    commit_every = 20.0
    """Ms that a server collects puts before it writes them to the log together."""

    def __init__(
        self,
        nodes: Iterable[Node],
        network: Network | None = None,
        *,
        lease: float = 300.0,
        fencing: bool = True,
    ) -> None:
        lease = number("lease", lease, 1)
        flag("fencing", fencing)
        super().__init__(nodes, network)
        self.lease, self.fencing = lease, fencing
        self.shelves = {node.id: Shelf() for node in self.nodes}
        self.servers = {node.id: Server() for node in self.nodes}
        self.tenures: list[Tenure] = []
        self.refused: list[Refusal] = []
        self.taken = dict.fromkeys(self.by_id, 1)
        names = ("master", "tablet")
        self.locks = LockService(self, names, lease, self.renew_every, self._ended)
        self.every(self.renew_every, self._watch)
        self._serve_now(self.nodes[0], 1, ())

    def latest_log(self) -> Log:
        """The newest copy of the log by rank."""
        known = [self.shelves[node.id] for node in self.nodes if not node.forgot]
        return max(known, key=lambda shelf: shelf.rank, default=Shelf()).log

    def replicas(self, key: Hashable) -> list[NodeId]:
        """No node: only one server has the tablet in its memory."""
        return []

    # A client's node asks all, and whoever serves answers.

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        take = partial(self._take_put, entry=Entry(request.number, key, value))
        yield from self.ask_one(request, take)

    def on_get(self, request: Request, key: Hashable) -> Process:
        def read(node: Node) -> Any:
            # Looking and reading happen at one moment, so no pause comes between them.
            return node.get(key) if self._serves(node) else self.SILENT

        answer = yield from self.ask_one(request, read)
        return answer

    # The server looks at its lease, collects puts, and writes them to the log together.

    def _serves(self, node: Node) -> bool:
        """Whether a node that looks at its lease now may serve."""
        self.locks.look(node)
        return self.servers[node.id].tenure is not None

    def _take_put(self, node: Node, entry: Entry) -> Any:
        """Look at the lease, and put a write into the next batch; the log answers it."""
        if not self._serves(node):
            return self.SILENT
        server = self.servers[node.id]
        if entry.number in server.done:
            return True
        if entry.number not in server.waiting:
            server.waiting[entry.number] = self.env.event()
            server.batch.append(entry)
            if len(server.batch) == 1:
                write = partial(self._write_batch, node, server)
                later = partial(self.network.when_awake, node.id, write)
                self.network.after(self.commit_every, later)
        return server.waiting[entry.number]

    def _write_batch(self, node: Node, server: Server) -> None:
        """Write the log without another look at the lease, however long ago the last one was."""
        if server is self.servers[node.id] and node.up and server.batch:
            server.log, server.batch = (*server.log, *server.batch), []
            self.env.process(self._commit(node, server, server.log))

    def _commit(self, node: Node, server: Server, log: Log) -> Process:
        """Let a majority store the log, and then show and answer what it contains."""
        yield from self._store(node, server.generation, log, log[-1].number)
        for entry in log:
            if entry.number not in server.done:
                server.done.add(entry.number)
                if server.tenure is not None:
                    self.write(node, entry.key, entry.value)
                if entry.number in server.waiting:
                    server.waiting.pop(entry.number).succeed(True)

    def _store(self, node: Node, generation: int, log: Log, turn: int) -> Process:
        """Let a majority store the log of a server, however long that takes."""
        keep = partial(self._keep, generation=generation, log=log)
        request = self.own_request(node, turn, 3 * self.lease)
        yield from self.ask(request, f"append by {node.id}", keep, need=self.majority)

    # Every node keeps a copy of the log.

    def _keep(self, node: Node, generation: int, log: Log) -> Any:
        shelf = self.shelves[node.id]
        if node.forgot:
            return self.SILENT
        if not self.fencing:
            shelf.log += tuple(entry for entry in log if entry not in shelf.log)
            return True
        if generation < shelf.fence:
            self.refused.append(Refusal(float(self.env.now), node.id, generation, log))
            return self.SILENT
        shelf.fence = generation
        if (generation, len(log)) > shelf.rank:
            shelf.generation, shelf.log = generation, log
        return True

    # Every node, regularly: it renews its locks, and the master looks after the tablet.

    def _watch(self, node: Node, turn: int) -> None:
        if node.forgot:
            return
        self.locks.renew(node, turn)
        if self.locks.holds(node, "master"):
            self.env.process(self._assign(node, turn))
        elif self._misses_master(node):
            generation = self.locks.granted[node.id]["master"].generation + 1
            self.env.process(self.locks.acquire(node, "master", generation, turn))

    def _misses_master(self, node: Node) -> bool:
        """Whether the master's lock has been free for longer than this node waits to ask."""
        lock = self.locks.granted[node.id]["master"]
        wait = 2 * self.nodes.index(node) * self.renew_every
        if lock.holder[0] == node.id:
            # It asked in vain, perhaps because others did too: a random wait keeps them apart.
            luck = self.network.draws(lock.generation, f"patience of {node.id}")[0][0]
            wait += 2 * luck * self.lease
        return self.network.timer(node.id) >= lock.promised + wait

    def _assign(self, node: Node, turn: int) -> Process:
        """As master: give the tablet to a live node, if a majority says that its lock is free."""

        def state(replica: Node) -> Any:
            lock = self.locks.granted[replica.id]["tablet"]
            free = self.network.timer(replica.id) >= lock.promised
            return self.SILENT if replica.forgot else (free, lock.generation)

        seen = yield from self.locks.ask_all(node, f"state for {node.id}", state, turn)
        free = [each for each, (is_free, _) in seen.items() if is_free]
        if len(free) < self.majority or not self.locks.holds(node, "master"):
            return
        generation = 1 + max(number for _, number in seen.values())
        chosen = next(each for each in self.nodes if each.id in free)
        take = partial(self._take, generation=generation, turn=turn)
        self.call(node, [chosen], "load", take, turn=turn, luck=f"work from {node.id}")

    # Whoever is given the tablet takes its lock, reads the log, and serves.

    def _take(self, node: Node, generation: int, turn: int) -> None:
        has_it = self.locks.holds(node, "tablet")
        if not node.forgot and not has_it and generation > self.taken[node.id]:
            self.taken[node.id] = generation  # the master may say it twice
            self.env.process(self._lock_and_begin(node, generation, turn))

    def _lock_and_begin(self, node: Node, generation: int, turn: int) -> Process:
        if (yield from self.locks.acquire(node, "tablet", generation, turn)):
            yield from self._begin(node, generation, turn)

    def _begin(self, node: Node, generation: int, turn: int) -> Process:
        """Load the tablet: read the log, so that a majority refuses older locks, and store it."""

        def load(replica: Node) -> Any:
            shelf = self.shelves[replica.id]
            if replica.forgot or (self.fencing and generation < shelf.fence):
                return self.SILENT
            shelf.fence = max(shelf.fence, generation)
            return Shelf(generation=shelf.generation, log=shelf.log)

        request = self.own_request(node, turn, 3 * self.lease)
        found = yield from self.ask(request, "load log", load, need=self.majority)
        log = max(found.values(), key=lambda shelf: shelf.rank).log
        yield from self._store(node, generation, log, turn)
        held = self.locks.held[node.id].get("tablet")
        if held and held.generation == generation and self.locks.holds(node, "tablet"):
            self._serve_now(node, generation, log)

    def _serve_now(self, node: Node, generation: int, log: Log) -> None:
        self._stop(node)  # it may still serve under an older lock of its own
        tenure = Tenure(node=node.id, generation=generation, since=float(self.env.now))
        done = {entry.number for entry in log}
        self.servers[node.id] = Server(generation=generation, log=log, done=done, tenure=tenure)
        self.tenures.append(tenure)
        self.show(node, log)

    def _ended(self, node: Node, name: str) -> None:
        if name == "tablet":
            self._stop(node)

    def _stop(self, node: Node) -> None:
        """Note that it no longer serves, and forget the tablet."""
        server = self.servers[node.id]
        if server.tenure is not None:
            server.tenure.until = float(self.env.now)
            server.tenure = None
            self.show(node, ())

    # What happens to nodes, and what clients are told.

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node; its locks and log are on disk, and are lost only with its memory."""
        super().crash(node, lose_memory=lose_memory)
        self.locks.crash(node)
        self._stop(self.by_id[node])
        self.servers[node] = Server()
        if lose_memory:
            self.shelves[node] = Shelf(fence=0, generation=0)

    def restart(self, node: NodeId) -> None:
        """Start it again; it waits before it grants a lock to somebody else."""
        super().restart(node)
        self.locks.restart(node)

    def why_late(self, request: Request) -> str:
        """Say who may have been missing: the server, a majority for its log, or any server."""
        serving = [node.id for node in self.nodes if self.servers[node.id].tenure is not None]
        if any(self.network.reaches(request.at, server) for server in serving):
            return f"server {serving[-1]} was not reached, or its log no majority"
        return f"nobody that node {request.at} reaches serves the tablet"
