"""Consistent under a partition: majority quorums, and reads that write back what they saw."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

from capkit._arguments import flag
from capkit.network import Network, Node
from capkit.stores.cluster import Process
from capkit.stores.question import Answers, Request
from capkit.stores.store import Store


class Tagged(NamedTuple):
    """A value and the tag that orders it among all puts: a counter, then the operation's id."""

    tag: tuple[int, Any]
    value: Any


NOTHING = Tagged((0, ()), None)


class CPStore(Store):
    """Linearizable under loss, delay, cuts, skewed clocks and crashes that keep the disk.

    A put asks a majority for the highest tag, then stores its value under a higher one at a
    majority [2]_. A get asks a majority for the newest value, and stores it at a majority before it
    answers, so that no later get can see an older one [1]_. Clients without a majority are told
    `Unavailable`.

    Parameters
    ----------
    nodes : iterable of Node
        At least one, with different ids.
    network : Network, optional
        By default each request to a node is lost with probability 0.2, and sent again.
    write_back : bool
        False leaves out the second half of a get: then R + W > N alone is left, and that is not
        linearizable.
    rejoin : bool
        True lets a node that lost its memory vote again at once, which is unsafe. By default it
        never counts in a quorum again.

    References
    ----------
    .. [1] Attiya, Bar-Noy, Dolev, "Sharing Memory Robustly in Message-Passing Systems", JACM 1995.
    .. [2] Lynch and Shvartsman, "Robust Emulation of Shared Memory Using Dynamic
       Quorum-Acknowledged Broadcasts", FTCS 1997: several writers, each put in two rounds.

    Examples
    --------
    >>> store = CPStore([Node(i) for i in range(3)], Network(rng=7))
    >>> store.network.partition({0}, {1, 2})
    >>> store.put("key", "value", at=1)
    >>> store.get("key", at=0)
    Traceback (most recent call last):
        ...
    capkit.Unavailable: get needed 2 of 3 replicas, but 1, 2 did not answer within 1000 ms
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        network: Network | None = None,
        *,
        write_back: bool = True,
        rejoin: bool = False,
    ) -> None:
        super().__init__(nodes, network)
        self.write_back = flag("write_back", write_back)
        self.rejoin = flag("rejoin", rejoin)

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        answers = yield from self.query(request, key)
        counter = _newest(answers).tag[0] + 1
        yield from self.store(request, key, Tagged((counter, self.tie_break(request)), value))

    def on_get(self, request: Request, key: Hashable) -> Process:
        answers = yield from self.query(request, key)
        newest = _newest(answers)
        # If the whole majority already agrees, writing back would change nothing.
        if self.write_back and any(answer.tag != newest.tag for answer in answers.values()):
            yield from self.store(request, key, newest)
        return newest.value

    def query(self, request: Request, key: Hashable) -> Process:
        def handle(node: Node) -> Tagged | Any:
            return self._held(node, key) if self._counts(node) else self.SILENT

        answers = yield from self.ask(request, "query", handle, need=self.majority)
        return answers

    def store(self, request: Request, key: Hashable, new: Tagged) -> Process:
        def handle(node: Node) -> Any:
            if not self._counts(node):
                return self.SILENT
            if self._held(node, key).tag < new.tag:
                self.write(node, key, new, (new.value,))
            return True

        yield from self.ask(request, "store", handle, need=self.majority)

    def _held(self, node: Node, key: Hashable) -> Tagged:
        held: Tagged = node.data.get(key, NOTHING)
        return held

    def _counts(self, node: Node) -> bool:
        """Whether a node may be part of a quorum: what it once promised, it must still know."""
        return self.rejoin or not node.forgot

    def tie_break(self, request: Request) -> Any:
        """What tells two puts apart that chose the same counter: an id that no other put has.

        The node comes first because the numbers alone follow the order of the puts: with those as
        ids, even a store without the counter would seem to work.
        """
        assert request.at is not None
        return self.nodes.index(self.by_id[request.at]), request.number


def _newest(answers: Answers) -> Tagged:
    newest: Tagged = max(answers.values(), key=lambda answer: answer.tag)
    return newest
