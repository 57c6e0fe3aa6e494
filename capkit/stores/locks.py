"""Locks that end by themselves: leases that a majority grants, and a master that hands out work."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from capkit.history import NodeId
from capkit.network import Network
from capkit.stores.cluster import Process
from capkit.stores.node import Node
from capkit.stores.store import Request, Store

Holder: TypeAlias = tuple[NodeId, int]  # a node, and in which of its incarnations


@dataclass(slots=True, kw_only=True)
class Lock:
    """What one node has granted last: to whom, under which generation, and until when.

    Generation and holder are on its disk. `promised` is a time of its own timer.
    """

    generation: int = 0
    holder: Holder | None = None
    promised: float = 0.0


@dataclass(slots=True, kw_only=True)
class Lease:
    """A lock that a node holds, until a time of its own timer."""

    generation: int
    until: float


class LockStore(Store):
    """Nodes that lock something by majority, for a time, and a master among them.

    A node grants a lock to nobody else for `lease` ms of its own timer. The holder counts from
    when it asked, and stops early by as much as timers may drift, so it always stops first. Each
    new holder has a higher generation, and no generation two holders.

    The lock "master" is anybody's; its holder gives the work, the lock "tablet", to a live node
    when nobody holds it. At first node 0 holds both.
    """

    renew_every = 50.0
    """Ms between two renewals of a lock, and between two looks of the master."""

    def __init__(self, nodes: Iterable[Node], network: Network | None, lease: float) -> None:
        super().__init__(nodes, network)
        self.lease = lease
        first = self.nodes[0]
        self.locks = {node.id: self._all_granted(first) for node in self.nodes}
        self.leases: dict[NodeId, dict[str, Lease]] = {node.id: {} for node in self.nodes}
        self.taken = dict.fromkeys(self.by_id, 1)
        for name in ("master", "tablet"):
            self._hold(first, name, Lease(generation=1, until=self._safe()))
        for node in self.nodes:
            self.env.process(self._watch(node))

    def _all_granted(self, first: Node) -> dict[str, Lock]:
        who = first.id, first.incarnation
        names = ("master", "tablet")
        return {name: Lock(generation=1, holder=who, promised=self.lease) for name in names}

    def _safe(self) -> float:
        """Ms for which a holder may count on its lock, if timers drift apart as far as they may."""
        return self.lease * (1 - self.network.drift) / (1 + self.network.drift)

    def holds(self, node: Node, name: str) -> bool:
        """Whether a node that looks at its timer now finds that it holds a lock."""
        held = self.leases[node.id].get(name)
        return held is not None and self.network.timer(node.id) < held.until

    def _begin(self, node: Node, generation: int, turn: int) -> Process:
        """Do the work, with a new lock; a subclass says how."""
        raise NotImplementedError

    def _stop(self, node: Node) -> None:
        """The lock of the work has ended; a subclass says what follows."""
        raise NotImplementedError

    # The lock service.

    def _grant(self, node: Node, name: str, who: Holder, generation: int) -> Any:
        """Grant a lock, or renew it; no answer means no."""
        lock, now = self.locks[node.id][name], self.network.timer(node.id)
        again = lock.holder == who and lock.generation == generation
        free = now >= lock.promised or lock.holder == who
        if node.forgot or not (again or (free and generation > lock.generation)):
            return self.SILENT
        lock.generation, lock.holder, lock.promised = generation, who, now + self.lease
        return True

    def _acquire(
        self, node: Node, name: str, generation: int, turn: int, *, first: bool = True
    ) -> Process:
        """Ask a majority for a lock, or for more time; the value says whether it is held."""
        who = node.id, node.incarnation
        grant = partial(self._grant, name=name, who=who, generation=generation)
        asked, purpose = self.network.timer(node.id), f"lock {name} for {node.id}"
        granted = yield from self._round(node, purpose, grant, turn)
        held = Lease(generation=generation, until=asked + self._safe())
        before = self.leases[node.id].get(name)
        if before is None and not first:
            return False  # it has ended meanwhile, and what has ended does not go on
        runs = node.up and node.incarnation == who[1]
        older = before is not None and generation < before.generation
        if (
            len(granted) < self.majority
            or not runs
            or self.network.timer(node.id) >= held.until
            or older
        ):
            return False
        self._hold(node, name, held)
        return True

    def _hold(self, node: Node, name: str, held: Lease) -> None:
        """Note a lock, and look at the timer when it may have ended."""
        self.leases[node.id][name] = held
        left = held.until - self.network.timer(node.id)
        look = partial(self.network.when_awake, node.id, partial(self._look, node))
        self.network.after(left / (1 - self.network.drift), look)

    def _round(self, node: Node, purpose: str, handle: Any, turn: int) -> Process:
        """Ask all once, and take what has come when a majority has answered or time is up."""
        request = Request(
            number=turn,
            kind=purpose,
            at=node.id,
            began=self.env.now,
            timeout=math.inf,
            incarnation=node.incarnation,
        )
        answers = yield from self.ask(
            request,
            purpose,
            handle,
            need=self.majority,
            patience=self.renew_every,
        )
        return answers

    def _look(self, node: Node) -> None:
        """Look at the timer: what a node no longer holds, it no longer does."""
        for name in list(self.leases[node.id]):
            if not self.holds(node, name):
                del self.leases[node.id][name]
                if name == "tablet":
                    self._stop(node)

    # What every node does, all the time.

    def _watch(self, node: Node) -> Process:
        turn = 0
        while True:
            yield self.env.timeout(self.renew_every)
            turn += 1
            if self.awake(node) and not node.forgot:
                for name, held in sorted(self.leases[node.id].items()):
                    if self.holds(node, name):
                        more = self._acquire(node, name, held.generation, turn, first=False)
                        self.env.process(more)
                if self.holds(node, "master"):
                    self.env.process(self._assign(node, turn))
                elif self._misses_master(node):
                    generation = self.locks[node.id]["master"].generation + 1
                    self.env.process(self._acquire(node, "master", generation, turn))

    def _misses_master(self, node: Node) -> bool:
        """Whether the master's lock has been free for a while, so that two seldom ask at once."""
        lock, wait = self.locks[node.id]["master"], 2 * self.nodes.index(node) * self.renew_every
        if lock.holder is not None and lock.holder[0] == node.id:
            # It has asked in vain, as others have: chance, so that they do not meet for ever.
            luck = self.network.draws(lock.generation, f"patience of {node.id}")[0][0]
            wait += 2 * luck * self.lease
        return self.network.timer(node.id) >= lock.promised + wait

    def _assign(self, node: Node, turn: int) -> Process:
        """As master: give the tablet to a live node, if a majority says that its lock is free."""

        def state(replica: Node) -> Any:
            lock = self.locks[replica.id]["tablet"]
            free = self.network.timer(replica.id) >= lock.promised
            return self.SILENT if replica.forgot else (free, lock.generation)

        seen = yield from self._round(node, f"state for {node.id}", state, turn)
        free = [each for each, (is_free, _) in seen.items() if is_free]
        if len(free) < self.majority or not self.holds(node, "master"):
            return
        generation = 1 + max(number for _, number in seen.values())
        server = next(each for each in self.nodes if each.id in free)
        luck = self.network.draws(turn, f"work from {node.id}")[self.nodes.index(server)]
        take = partial(self._take, server, generation, turn)
        self.network.send("load", node.id, server.id, take, luck[:2])

    def _take(self, node: Node, generation: int, turn: int) -> None:
        if not node.forgot and not self.holds(node, "tablet") and generation > self.taken[node.id]:
            self.taken[node.id] = generation  # the master may say it twice
            self.env.process(self._lock_and_begin(node, generation, turn))

    def _lock_and_begin(self, node: Node, generation: int, turn: int) -> Process:
        if (yield from self._acquire(node, "tablet", generation, turn)):
            yield from self._begin(node, generation, turn)

    # What happens to nodes.

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node: it holds nothing any more, but what it has granted is on its disk."""
        super().crash(node, lose_memory=lose_memory)
        self.leases[node].clear()
        self._stop(self.by_id[node])

    def restart(self, node: NodeId) -> None:
        """Start it again; it no longer knows when it granted its locks, and assumes just now."""
        super().restart(node)
        for lock in self.locks[node].values():
            lock.promised = self.network.timer(node) + self.lease
