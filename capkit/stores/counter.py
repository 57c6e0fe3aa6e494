"""An account as a counter that merges, and as one whose nodes have budgets of their own.

Messages: `tell(the amounts that each node has taken down)`, to every other node, again and again.

References
----------
.. [1] Shapiro et al., "Conflict-free Replicated Data Types", SSS 2011.
.. [2] O'Neil, "The Escrow Transactional Method", ACM TODS 11(4), 1986.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import partial
from typing import Any, TypeAlias

from capkit.history import NodeId
from capkit.network import Network, Node
from capkit.stores.question import Request, Unavailable
from capkit.stores.store import Store

Book: TypeAlias = dict[NodeId, tuple[int, ...]]  # the amounts that each node has taken down


class CounterStore(Store):
    """A put adds its amount, a get is the sum: nodes answer at once, and merge what they hear.

    Each node takes down the amounts of its own clients, and copies the lists of the others. Of two
    versions of a list the longer is newer, so no amount is lost or counted twice [1]_. Nodes keep
    their disks.

    Examples
    --------
    >>> bank = CounterStore([Node(0), Node(1)], Network(rng=7))
    >>> bank.network.partition({0}, {1})
    >>> bank.put("account", 100, at=0)
    >>> bank.put("account", -30, at=1)
    >>> bank.network.heal()
    >>> bank.wait(1_000)
    >>> bank.get("account", at=0)
    70
    """

    tell_every = 50.0
    """Ms between two rounds in which a node tells the others."""

    def __init__(self, nodes: Iterable[Node], network: Network | None = None) -> None:
        super().__init__(nodes, network)
        self.every(self.tell_every, self._tell)

    def on_put(self, request: Request, key: Hashable, value: Any) -> Any:
        assert request.at is not None
        self.take_down(self.by_id[request.at], key, value)

    def on_get(self, request: Request, key: Hashable) -> Any:
        assert request.at is not None
        return _balance(self.book(key, request.at))

    def take_down(self, node: Node, key: Hashable, amount: int) -> None:
        """Let a node add an amount to its own list."""
        own = self.book(key, node.id).get(node.id, ())
        self._merge(node, told={key: {node.id: (*own, amount)}})

    def book(self, key: Hashable, node: NodeId) -> Book:
        """The amounts of each node, as far as `node` knows."""
        known: Book = self.by_id[node].data.get(key, {})
        return known

    def lost(self) -> list[Any]:
        books = [book for node in self.nodes for book in node.data.values()]
        kept = {amount for book in books for amounts in book.values() for amount in amounts}
        return [put.value for put in self.acknowledged if put.value not in kept]

    def _tell(self, node: Node, turn: int) -> None:
        others = self.others(node)
        self.call(node, others, "tell", partial(self._merge, told=dict(node.data)), turn=turn)

    def _merge(self, node: Node, told: dict[Hashable, Book]) -> None:
        for key, book in told.items():
            held = self.book(key, node.id)
            newer = {each: max(held.get(each, ()), book[each], key=len) for each in book}
            self.write(node, key, held | newer, (_balance(held | newer),))


class EscrowStore(CounterStore):
    """A counter that no side can overdraw: each node pays out of its own budget, and no more.

    A node's budget is what its own clients have put in and not taken out. Budgets never go below
    zero, so neither does their sum, cut or no cut; a put that asks for more is refused [2]_. Nodes
    keep their disks.

    Parameters
    ----------
    nodes, network
        As for any store.

    Examples
    --------
    >>> bank = EscrowStore([Node(0), Node(1)], Network(rng=7))
    >>> bank.put("account", 60, at=0)
    >>> bank.put("account", 40, at=1)
    >>> bank.put("account", -80, at=0)
    Traceback (most recent call last):
        ...
    capkit.Unavailable: put was refused: node 0 has a budget of 60, got -80
    """

    def on_put(self, request: Request, key: Hashable, value: Any) -> Any:
        assert request.at is not None
        budget = self.budget(key, request.at)
        if budget + value < 0:
            sentence = f"put was refused: node {request.at} has a budget of {budget}, got {value}"
            raise Unavailable(sentence, certain=True)
        super().on_put(request, key, value)

    def budget(self, key: Hashable, node: NodeId) -> int:
        """What a node may pay out by itself."""
        return sum(self.book(key, node).get(node, ()))


def _balance(book: Book) -> int:
    return sum(sum(amounts) for amounts in book.values())
