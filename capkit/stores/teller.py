"""A bank teller whose reply may be lost: with request ids it pays once, without them again.

Messages: `withdraw(request id) -> paid`, from a client outside to the one node, once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from capkit._arguments import flag
from capkit.network import Network, Node
from capkit.stores.cluster import Process
from capkit.stores.question import Request, Unavailable
from capkit.stores.store import Store


class TellerStore(Store):
    """A put is a withdrawal, its value the request id; the client stands outside, and asks once.

    Parameters
    ----------
    nodes, network
        As for any store; only the first node pays.
    remembers : bool
        Whether it pays each request id once, and answers a repeated one as if it paid again.

    Attributes
    ----------
    paid : list
        The request ids that it has paid, once for each payment.

    Examples
    --------
    >>> bank = TellerStore([Node(0)], Network(loss=0, reply_loss=1, rng=7), remembers=False)
    >>> bank.put("account", "Ann's rent")
    Traceback (most recent call last):
        ...
    capkit.Unavailable: no reply within 40 ms: perhaps it was paid, perhaps not
    >>> bank.paid
    ["Ann's rent"]
    """

    own_link_fails = True

    def __init__(
        self, nodes: Iterable[Node], network: Network | None = None, *, remembers: bool = True
    ) -> None:
        flag("remembers", remembers)
        super().__init__(nodes, network)
        self.remembers, self.paid = remembers, list[Any]()

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        def pay(node: Node) -> None:
            if not (self.remembers and value in self.paid):
                self.paid.append(value)

        first = self.nodes[0]
        patience = self.retry_every
        heard = yield from self.ask(
            request, "withdraw", pay, need=1, among=lambda node: node is first, patience=patience
        )
        if not heard:
            sentence = f"no reply within {patience:g} ms: perhaps it was paid, perhaps not"
            raise Unavailable(sentence)
