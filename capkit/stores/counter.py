"""An account as a counter that merges, and as one whose nodes have budgets of their own.

Messages: `tell(what each node has added up)`, to every other node, again and again.

References
----------
.. [1] Shapiro et al., "Conflict-free Replicated Data Types", SSS 2011.
.. [2] O'Neil, "The Escrow Transactional Method", ACM TODS 11(4), 1986.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import partial
from itertools import count
from typing import Any, TypeAlias

from capkit.history import NodeId
from capkit.network import Network
from capkit.stores.node import Node, Unavailable
from capkit.stores.store import Process, Request, Store

Sums: TypeAlias = dict[NodeId, tuple[int, int]]  # for each node: how many amounts, and their sum


class CounterStore(Store):
    """A put adds its amount, a get is the sum: nodes answer at once, and merge what they hear.

    Each node adds up the amounts of its own clients. Nobody else changes its entry, so of two
    versions the one with more amounts is newer. No amount is lost, or counted twice [1]_.

    Parameters
    ----------
    nodes, network
        As for any store. What a lost message would have said, the next one says.

    Examples
    --------
    >>> bank = CounterStore([Node(0), Node(1)], Network(rng=7))
    >>> bank.network.partition({0}, {1})
    >>> bank.put("account", 100, at=0), bank.put("account", -30, at=1)
    (None, None)
    >>> bank.network.heal(), bank.wait(1_000)
    (None, None)
    >>> bank.get("account", at=0)
    70
    """

    tell_every = 50.0
    """Ms between two rounds in which a node tells the others."""

    def __init__(self, nodes: Iterable[Node], network: Network | None = None) -> None:
        super().__init__(nodes, network)
        for node in self.nodes:
            self.env.process(self._tell(node))

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        assert request.at is not None
        node = self.by_id[request.at]
        amounts, total = node.data.get(key, {}).get(node.id, (0, 0))
        self._merge(node, {key: {node.id: (amounts + 1, total + value)}})
        yield self.env.timeout(0)

    def on_get(self, request: Request, key: Hashable) -> Process:
        assert request.at is not None
        yield self.env.timeout(0)
        return _balance(self.by_id[request.at].data.get(key, {}))

    def _merge(self, node: Node, told: dict[Hashable, Sums]) -> None:
        for key, sums in told.items():
            held = node.data.get(key, {})
            newer = {each: max(held.get(each, (0, 0)), entry) for each, entry in sums.items()}
            self.write(node, key, held | newer, (_balance(held | newer),))

    def _tell(self, node: Node) -> Process:
        for turn in count():
            yield self.env.timeout(self.tell_every)
            luck = self.network.draws(turn, f"tell of {node.id}")
            for other, row in zip(self.nodes, luck, strict=True):
                if self.awake(node) and other is not node:
                    hear = partial(self._merge, other, dict(node.data))
                    self.network.send("tell", node.id, other.id, hear, row[:2])


class EscrowStore(CounterStore):
    """A counter that no side can overdraw: each node pays out of its own budget, and no more.

    A node's budget is what its own clients have put in and not taken out. Budgets never go below
    zero, so neither does their sum, cut or no cut; a put that asks for more is refused [2]_.

    Parameters
    ----------
    nodes, network
        As for any store.

    Examples
    --------
    >>> bank = EscrowStore([Node(0), Node(1)], Network(rng=7))
    >>> bank.put("account", 60, at=0), bank.put("account", 40, at=1)
    (None, None)
    >>> bank.put("account", -80, at=0)
    Traceback (most recent call last):
        ...
    capkit.Unavailable: put was refused: node 0 has a budget of 60, got -80
    """

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        assert request.at is not None
        budget = self.budget(key, request.at)
        if budget + value < 0:
            sentence = f"put was refused: node {request.at} has a budget of {budget}, got {value}"
            raise Unavailable(sentence, certain=True)
        yield from super().on_put(request, key, value)

    def budget(self, key: Hashable, node: NodeId) -> int:
        """What a node may pay out by itself."""
        sums: Sums = self.by_id[node].data.get(key, {})
        return sums.get(node, (0, 0))[1]


def _balance(sums: Sums) -> int:
    return sum(total for _, total in sums.values())
