"""Nodes on a network: what each holds, what it does by itself, and what it tells the others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from functools import partial
from itertools import count
from typing import Any, Final, TypeAlias

import simpy

from capkit._arguments import number, shown
from capkit.history import Copy, NodeId
from capkit.network import Network, Node

Process: TypeAlias = Generator[simpy.Event, Any, Any]

_SURE = (1.0, 0.0, 1.0, 0.0)  # the luck of a message that a node sends to itself


class Cluster:
    """The nodes of a store; `Store` adds what they do for clients."""

    SILENT: Final = object()
    """What a `handle` returns to send no answer."""

    own_link_fails = False
    """Whether a client's link to its own node loses requests."""

    def __init__(self, nodes: Iterable[Node], network: Network | None = None) -> None:
        self.nodes = checked(nodes)
        self.network = Network() if network is None else network
        if not isinstance(self.network, Network):
            raise TypeError(f"network must be a Network, got {shown(network)}")
        self.network.attach(self.nodes, self.crash, self.restart)
        self.env = self.network.env
        self.by_id = {node.id: node for node in self.nodes}
        self.majority = len(self.nodes) // 2 + 1
        self.copies: list[Copy] = []
        self.visible: dict[tuple[NodeId | None, Hashable], tuple[Any, ...]] = {}

    # What happens to nodes.

    def write(
        self, node: Node, key: Hashable, stored: Any, values: tuple[Any, ...] | None = None
    ) -> None:
        """Let a node hold `stored` under `key`; readers see `values` in it, by default itself."""
        node.put(key, stored)
        self._note(node, key, (stored,) if values is None else values)

    def erase(self, node: Node, key: Hashable) -> None:
        """Let a node hold nothing under `key`."""
        node.data.pop(key, None)
        self._note(node, key, ())

    def _note(self, node: Node, key: Hashable, values: tuple[Any, ...]) -> None:
        self.visible[node.id, key] = values
        self.copies.append(Copy(at=float(self.env.now), node=node.id, key=key, values=values))

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node; `Network.crash` calls this."""
        replica = self.by_id[node]
        replica.up = False
        if lose_memory:
            for key in list(replica.data):
                self.erase(replica, key)
            replica.forgot = True

    def restart(self, node: NodeId) -> None:
        """Start a node again; `Network.restart` calls this."""
        replica = self.by_id[node]
        replica.up = True
        replica.incarnation += 1

    # What nodes do by themselves.

    def every(self, duration: float, action: Callable[[Node, int], object]) -> None:
        """Let each node do something every `duration` ms of the run while it is awake.

        `action` takes the node and the number of its turn, from 1 on.
        """
        if number("duration", duration, 0) == 0:
            raise ValueError(f"duration must be above 0, got {duration}")
        for node in self.nodes:
            self.env.process(self._turns(node, duration, action))

    def _turns(self, node: Node, duration: float, action: Callable[[Node, int], object]) -> Process:
        for turn in count(1):
            yield self.env.timeout(duration)
            if self.awake(node):
                action(node, turn)

    def awake(self, node: Node) -> bool:
        """Whether a node is at work: it has not crashed, and does not stand still."""
        return node.up and not self.network.paused(node.id)

    def others(self, node: Node) -> list[Node]:
        """All nodes but one."""
        return [other for other in self.nodes if other is not node]

    def call(
        self,
        node: Node,
        others: Iterable[Node],
        label: str,
        handle: Callable[[Node], Any],
        hear: Callable[[Node, Any], object] | None = None,
        *,
        turn: int,
        luck: str | None = None,
    ) -> None:
        """Send one message from `node` to each of `others`, and hear what they reply.

        Parameters
        ----------
        node : Node
            Who sends.
        others : iterable of Node
            Who receive.
        label : str
            What pictures call the message.
        handle : callable
            What each of the others does when the message arrives. What it returns is its reply,
            unless that is `SILENT`; an event replies when it triggers.
        hear : callable, optional
            What `node` does when a reply arrives; takes who replied, and what. By default nobody
            replies.
        turn : int
            Which of the node's messages of this label it is: each draws its own luck.
        luck : str, optional
            What names its stream of random numbers; by default the label and the node.
        """
        rows = self.network.draws(turn, luck or f"{label} of {node.id}")
        self.send(node.id, list(others), label, handle, hear, rows)

    def send(
        self,
        source: NodeId | None,
        targets: Sequence[Node],
        label: str,
        handle: Callable[[Node], Any],
        hear: Callable[[Node, Any], object] | None,
        luck: Sequence[Sequence[float]],
        operation: int | None = None,
    ) -> None:
        """Send each target a message, and its reply back; `luck` has a row for each node."""

        def reached(target: Node, row: Sequence[float]) -> None:
            answer = handle(target)
            if isinstance(answer, simpy.Event):
                answer.callbacks.append(lambda event: reply(target, row, event.value))
            else:
                reply(target, row, answer)

        def reply(target: Node, row: Sequence[float], answer: Any) -> None:
            if hear is not None and answer is not self.SILENT:
                back, name = partial(hear, target, answer), f"{label}: answer"
                message(name, target.id, source, back, row[2:], reply=True, operation=operation)

        message = self.network.send
        for target, row in zip(self.nodes, luck, strict=True):
            if target in targets:
                sure = target.id == source and not self.own_link_fails
                row = _SURE if sure else row
                there = partial(reached, target, row)
                message(label, source, target.id, there, row[:2], operation=operation)


def checked(nodes: Iterable[Node]) -> list[Node]:
    """The nodes of a store: at least one, with different ids."""
    if not isinstance(nodes, Iterable):
        raise TypeError(f"nodes must be a list of Node, got {shown(nodes)}")
    nodes = list(nodes)
    if not nodes:
        raise ValueError("nodes must have at least 1 Node, got none")
    for node in nodes:
        if not isinstance(node, Node):
            raise TypeError(f"nodes must be Node objects, got {shown(node)}")
    ids = [node.id for node in nodes]
    for each in ids:
        if ids.count(each) > 1:
            raise ValueError(f"nodes must have different ids, got {each!r} twice")
    return nodes
