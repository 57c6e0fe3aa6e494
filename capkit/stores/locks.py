"""Locks that end by themselves: a lock service that the nodes of a store form together.

message                         from, to             what follows
lock NAME(holder, generation)   a node, all nodes    each grants the lock for `lease` ms of its
                                                     own timer, or stays silent
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from capkit.history import NodeId
from capkit.network import Node
from capkit.stores.cluster import Process
from capkit.stores.store import Store

Holder: TypeAlias = tuple[NodeId, int]  # a node, and in which of its incarnations


@dataclass(slots=True, kw_only=True)
class Lock:
    """What one node has granted last: to whom, under which generation, and until when.

    Generation and holder are on its disk. `promised` is a time of its own timer.
    """

    generation: int
    holder: Holder
    promised: float


@dataclass(slots=True, kw_only=True)
class Lease:
    """A lock that a node holds, until a time of its own timer."""

    generation: int
    until: float


class LockService:
    """Locks that a majority of the nodes of a store grants to one of them, for a time.

    A node grants a lock to nobody else for `lease` ms of its own timer. The holder counts from
    when it asked, and stops early by as much as timers may drift, so it always stops first. Each
    new holder has a higher generation, and no generation has two holders. At first, the store's
    first node holds the locks of all `names`.

    A node waits `patience` ms for a majority. `ended` is called with a node and the name of a lock
    that it no longer holds.
    """

    def __init__(
        self,
        store: Store,
        names: Sequence[str],
        lease: float,
        patience: float,
        ended: Callable[[Node, str], None],
    ) -> None:
        self.store, self.network = store, store.network
        self.lease, self.patience, self.ended = lease, patience, ended
        self.safe = lease * (1 - self.network.drift) / (1 + self.network.drift)
        first = store.nodes[0]
        who = first.id, first.incarnation
        self.granted = {
            node: {name: Lock(generation=1, holder=who, promised=lease) for name in names}
            for node in store.by_id
        }
        self.held: dict[NodeId, dict[str, Lease]] = {node: {} for node in store.by_id}
        for name in names:
            self._hold(first, name, Lease(generation=1, until=self.safe))

    # A node asks for a lock, and a majority grants it.

    def acquire(
        self, node: Node, name: str, generation: int, turn: int, *, first: bool = True
    ) -> Process:
        """Ask a majority for a lock, or for more time; the value says whether it is held."""
        who = node.id, node.incarnation
        grant = partial(self._grant, name=name, who=who, generation=generation)
        asked = self.network.timer(node.id)
        granted = yield from self.ask_all(node, f"lock {name} for {node.id}", grant, turn)
        held = Lease(generation=generation, until=asked + self.safe)
        before = self.held[node.id].get(name)
        if before is None and not first:
            return False  # it has expired meanwhile, and is not renewed
        runs = node.up and node.incarnation == who[1]
        in_time = runs and self.network.timer(node.id) < held.until
        newer = before is None or generation >= before.generation
        if len(granted) < self.store.majority or not in_time or not newer:
            return False
        self._hold(node, name, held)
        return True

    def _grant(self, node: Node, name: str, who: Holder, generation: int) -> Any:
        """Grant a lock, or renew it; silence means no."""
        lock, now = self.granted[node.id][name], self.network.timer(node.id)
        again = lock.holder == who and lock.generation == generation
        free = now >= lock.promised or lock.holder == who
        if node.forgot or not (again or (free and generation > lock.generation)):
            return self.store.SILENT
        lock.generation, lock.holder, lock.promised = generation, who, now + self.lease
        return True

    def ask_all(
        self, node: Node, purpose: str, handle: Callable[[Node], Any], turn: int
    ) -> Process:
        """Ask all nodes once, until a majority has answered or `patience` is over."""
        request, need = self.store.own_request(node, turn), self.store.majority
        answers = yield from self.store.ask(
            request, purpose, handle, need=need, patience=self.patience
        )
        return answers

    # The holder renews it, and looks at its timer.

    def renew(self, node: Node, turn: int) -> None:
        """Ask for more time for all that a node holds."""
        for name, held in sorted(self.held[node.id].items()):
            if self.holds(node, name):
                more = self.acquire(node, name, held.generation, turn, first=False)
                self.store.env.process(more)

    def holds(self, node: Node, name: str) -> bool:
        """Whether a node that looks at its timer now finds that it holds a lock."""
        held = self.held[node.id].get(name)
        return held is not None and self.network.timer(node.id) < held.until

    def look(self, node: Node) -> None:
        """Look at the timer, and end the work whose lock has expired."""
        for name in list(self.held[node.id]):
            if not self.holds(node, name):
                del self.held[node.id][name]
                self.ended(node, name)

    def _hold(self, node: Node, name: str, held: Lease) -> None:
        """Note a lock, and look at the timer again when it may have expired."""
        self.held[node.id][name] = held
        left = held.until - self.network.timer(node.id)
        look = partial(self.network.when_awake, node.id, partial(self.look, node))
        self.network.after(left / (1 - self.network.drift), look)

    # What happens to nodes: what they have granted is on their disks.

    def crash(self, node: NodeId) -> None:
        """A node that stops no longer holds anything."""
        self.held[node].clear()

    def restart(self, node: NodeId) -> None:
        """It no longer knows when it granted its locks, and assumes it was just now."""
        for lock in self.granted[node].values():
            lock.promised = self.network.timer(node) + self.lease
