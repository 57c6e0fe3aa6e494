"""The thirty-line store of the first lesson."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from operator import is_
from typing import Any

from capkit.history import NodeId
from capkit.network import Node
from capkit.stores.cluster import Process
from capkit.stores.question import Request, Unavailable
from capkit.stores.store import Store


class DistributedStore(Store):
    """The thirty-line store: a put needs a majority, a get takes the first node that answers.

    R + W = 1 + 2 = N leaves room for a stale read without any partition, and a put that fails
    stays on the nodes that it reached.

    Parameters
    ----------
    nodes : iterable of Node
        At least one, with different ids.
    network : Network, optional
        By default each request to a node is lost with probability 0.2.

    Examples
    --------
    >>> from capkit.network import Network
    >>> store = DistributedStore([Node(i) for i in range(3)], Network(rng=1))
    >>> store.put("key", "value")
    >>> store.get("key")
    'value'
    """

    own_link_fails = True

    def _coordinator(self) -> NodeId | None:
        return None  # its client stands outside and asks every node itself

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        def handle(node: Node) -> None:
            self.write(node, key, value)

        patience = (request.deadline - self.env.now) / 2
        written = yield from self.ask(
            request, "put", handle, need=len(self.nodes), patience=patience
        )
        if len(written) < self.majority:
            raise Unavailable(self.too_few(request, written, self.majority, patience))

    def on_get(self, request: Request, key: Hashable) -> Process:
        patience = (request.deadline - self.env.now) / (len(self.nodes) + 1)

        def handle(node: Node) -> Any:
            return node.get(key)

        for node in self.nodes:
            answers = yield from self.ask(
                request, "get", handle, need=1, among=partial(is_, node), patience=patience
            )
            if answers:
                return answers[node.id]
        raise Unavailable(self.too_few(request, {}, 1, patience * len(self.nodes)))
