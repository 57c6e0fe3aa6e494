"""Available to clients that stay, or to clients that roam: nodes that pass on all that they know.

Messages: `gossip(all puts that a node has, and up to when it has those of each node)`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from capkit._arguments import choice
from capkit.history import NodeId
from capkit.network import Network, Node
from capkit.stores.question import Request
from capkit.stores.store import Store

Times: TypeAlias = dict[tuple[NodeId, NodeId], float]  # up to when the first has the second's puts


class Put(NamedTuple):
    """A put and its place in the order of all: its time, its number, its key and value."""

    time: float
    number: int
    key: Hashable
    value: Any


class Knowledge:
    """What one node knows: puts, and the time up to which each node has each other's (`upto`)."""

    def __init__(self, ids: list[NodeId]) -> None:
        self.puts: set[Put] = set()
        self.upto: Times = {(who, whose): 0.0 for who in ids for whose in ids}

    def everybody(self) -> float:
        """The time up to which every node has everybody's puts, as far as this one knows."""
        return min(self.upto.values())


class GossipStore(Store):
    """Every node answers at once, from what it knows; what it knows, it passes on as a whole.

    Who hears of a put hears of all that came before it, so clients that stay at their node see
    causes before effects. Clients that roam may see less than before, unless nodes show only what
    everybody has; each client then carries the time up to which it has seen, and sees its own
    puts late [1]_. Clocks must agree, and nodes keep their disks.

    Parameters
    ----------
    nodes : iterable of Node
        At least one, with different ids.
    network : Network, optional
        By default each message is lost with probability 0.2, and the next one repeats it.
    show : {"own", "common"}
        What a get sees: all puts that its node has, or those that every node has.

    References
    ----------
    .. [1] Bailis et al., "Highly Available Transactions: Virtues and Limitations", VLDB 2013.

    Examples
    --------
    >>> store = GossipStore([Node(0), Node(1)], Network(rng=7))
    >>> store.network.partition({0}, {1})
    >>> store.put("key", "value", at=0)
    >>> store.get("key", at=0), store.get("key", at=1)
    ('value', None)
    """

    gossip_every = 50.0
    """Ms between two rounds of gossip."""

    def __init__(
        self, nodes: Iterable[Node], network: Network | None = None, *, show: str = "own"
    ) -> None:
        super().__init__(nodes, network)
        self.common = choice("show", show, ("own", "common")) == "common"
        self.knows = {node.id: Knowledge(list(self.by_id)) for node in self.nodes}
        self.seen: dict[int, float] = {}  # what each client carries
        self.every(self.gossip_every, self._gossip)

    def on_put(self, request: Request, key: Hashable, value: Any) -> Any:
        assert request.at is not None
        node = self.by_id[request.at]
        self._learn(node, {Put(self.network.clock(node.id), request.number, key, value)}, {})

    def on_get(self, request: Request, key: Hashable) -> Any:
        assert request.at is not None
        until = self.knows[request.at].everybody() if self.common else math.inf
        if request.client is not None:
            until = self.seen[request.client] = max(until, self.seen.get(request.client, 0.0))
        newest = self._newest(request.at, key, until)
        return newest.value if newest else None

    def _newest(self, node: NodeId, key: Hashable, until: float) -> Put | None:
        puts = (put for put in self.knows[node].puts if put.key == key and put.time < until)
        return max(puts, key=_place, default=None)

    def _gossip(self, node: Node, turn: int) -> None:
        mine = self.knows[node.id]
        mine.upto[node.id, node.id] = self.network.clock(node.id)
        others = self.others(node)
        hear = partial(self._hear, source=node.id, puts=set(mine.puts), upto=dict(mine.upto))
        self.call(node, others, "gossip", hear, turn=turn)

    def _hear(self, node: Node, source: NodeId, puts: set[Put], upto: Times) -> None:
        """Whoever has all puts that the source has, has those of each node up to the same time."""
        self._learn(node, puts, upto)
        self._learn(node, set(), {(node.id, whose): upto[source, whose] for whose in self.by_id})

    def _learn(self, node: Node, puts: set[Put], upto: Times) -> None:
        mine = self.knows[node.id]
        new = sorted(puts - mine.puts, key=_place)
        mine.puts |= puts
        for pair, time in upto.items():
            mine.upto[pair] = max(mine.upto[pair], time)
        for key in dict.fromkeys(put.key for put in new):
            newest = self._newest(node.id, key, math.inf)
            assert newest is not None
            self.write(node, key, newest, (newest.value,))


def _place(put: Put) -> tuple[float, int]:
    """The place of a put in the order of all."""
    return put.time, put.number
