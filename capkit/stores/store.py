"""What all stores share: nodes on a network, and requests that replicas answer or not."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, TypeAlias

import simpy

from capkit._arguments import number
from capkit.history import Copy, NodeId
from capkit.network import Network
from capkit.stores.node import Node, Unavailable

__all__ = ["Answers", "Node", "Process", "Request", "Store", "Unavailable"]

Process: TypeAlias = Generator[simpy.Event, Any, Any]
Answers: TypeAlias = dict[NodeId, Any]

_SURE = (1.0, 0.0, 1.0, 0.0)  # the luck of a message that a node sends to itself


@dataclass(slots=True, kw_only=True)
class Request:
    """One operation under way: who asked, until when, and which replicas have answered so far.

    `client` is None where a put or get is called by hand, and nobody knows whose it is.
    """

    number: int
    kind: str
    at: NodeId | None
    deadline: float
    incarnation: int
    client: int | None = None
    needed: int = 0
    heard: Answers = field(default_factory=dict)


class Store:
    """What all stores share: nodes on a network, and requests that replicas answer or not.

    A subclass says in `on_put` and `on_get` what its coordinator does, as SimPy processes.
    """

    retry_every = 40.0
    """Ms after which a request that was not answered is sent again."""

    timeout = 1_000.0
    """Ms after which a put or get that is called by hand gives up."""

    own_link_fails = False
    """Whether a client's link to its own node loses requests."""

    def __init__(self, nodes: Iterable[Node], network: Network | None = None) -> None:
        self.nodes = _checked(nodes)
        self.network = Network() if network is None else network
        if not isinstance(self.network, Network):
            raise TypeError(f"network must be a Network, got {network!r}")
        self.network.attach(self)
        self.env = self.network.env
        self.by_id = {node.id: node for node in self.nodes}
        self.majority = len(self.nodes) // 2 + 1
        self.copies: list[Copy] = []
        self._numbers = count()

    def put(self, key: Hashable, value: Any, *, at: NodeId | None = None) -> None:
        """Write `value` under `key`, as a client of node `at`; by default, of the first that is up.

        Raises
        ------
        Unavailable
            If it is not acknowledged within `timeout` ms of simulated time. It may still happen.
        """
        self.env.run(until=self.env.process(self.serve("put", key, value, at=at)))

    def get(self, key: Hashable, *, at: NodeId | None = None) -> Any:
        """Read `key`, as a client of node `at`; by default, of the first that is up.

        Raises
        ------
        Unavailable
            If no answer comes within `timeout` ms of simulated time.
        """
        return self.env.run(until=self.env.process(self.serve("get", key, at=at)))

    def wait(self, duration: float) -> None:
        """Let `duration` ms of simulated time pass, in which the nodes go on by themselves."""
        until = self.env.now + number("duration", duration, 0)
        if until > self.env.now:
            self.env.run(until=until)

    def serve(
        self,
        kind: str,
        key: Hashable,
        value: Any = None,
        *,
        at: NodeId | None = None,
        timeout: float | None = None,
        client: int | None = None,
    ) -> Process:
        """Serve one operation, as a SimPy process whose value is the answer."""
        if at is not None:
            self.network.check("at", [at])
        timeout = self.timeout if timeout is None else timeout
        request = self._request(kind, self._coordinator() if at is None else at, timeout)
        request.client = client
        steps = self.on_put(request, key, value) if kind == "put" else self.on_get(request, key)
        protocol = self.env.process(self._while_awake(request, steps))
        yield protocol | self.env.timeout(timeout)
        if not protocol.triggered:
            protocol.defused = True  # nobody waits for it any more
            if not self._runs(request):
                raise Unavailable(f"{kind} got no answer: node {request.at} crashed meanwhile")
            raise Unavailable(self._missing(request, timeout))
        return protocol.value

    def _while_awake(self, request: Request, steps: Process) -> Process:
        """The protocol's steps; a node that stands still begins them, and answers, afterwards."""
        yield from self._wait_awake(request)
        answer = yield from steps
        yield from self._wait_awake(request)
        return answer

    def _wait_awake(self, request: Request) -> Process:
        if self.network.paused(request.at):
            awake = self.env.event()
            self.network.when_awake(request.at, awake.succeed)
            yield awake
            if not self._goes_on(request):
                yield self.env.event()  # it comes too late, and is forgotten

    def _request(self, kind: str, at: NodeId | None, timeout: float) -> Request:
        if at is not None and not self.by_id[at].up:
            sentence = f"{kind} was refused: node {at}, which the client talks to, is down"
            raise Unavailable(sentence, certain=True)
        return Request(
            number=next(self._numbers),
            kind=kind,
            at=at,
            deadline=self.env.now + timeout,
            incarnation=0 if at is None else self.by_id[at].incarnation,
        )

    def _coordinator(self) -> NodeId | None:
        return next((node.id for node in self.nodes if node.up), self.nodes[0].id)

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        """Say what the coordinator does on a put; the put is acknowledged when this returns."""
        raise NotImplementedError

    def on_get(self, request: Request, key: Hashable) -> Process:
        """Say what the coordinator does on a get; what it returns is the answer."""
        raise NotImplementedError

    # How a coordinator talks to replicas.

    def ask(
        self,
        request: Request,
        purpose: str,
        handle: Callable[[Node], Any],
        *,
        need: int,
        among: Callable[[Node], bool] = lambda node: True,
        patience: float = math.inf,
    ) -> Process:
        """Ask replicas until `need` of them have answered; the value maps node ids to answers.

        `handle` is what a node does when the request reaches it. It returns the answer, None for
        no answer, or an event that triggers when there is one. With finite `patience` (ms)
        nothing is sent twice, and the value is what has come by then.
        """
        answers: Answers = {}
        request.heard, request.needed = answers, need
        enough = self.env.event()

        def hear(node: NodeId, answer: Any) -> None:
            if self._goes_on(request) and not enough.triggered:
                answers[node] = answer
                if len(answers) == need:
                    enough.succeed()

        def send(attempt: int) -> None:
            if enough.triggered or not self._goes_on(request):
                return
            luck = self.network.draws(request.number, purpose, attempt)
            for node, row in zip(self.nodes, luck, strict=True):
                if node.id not in answers and among(node):
                    self._exchange(request, purpose, node, handle, row, hear)
            if patience == math.inf:
                self.network.after(self.retry_every, partial(send, attempt + 1))

        send(0)
        yield enough if patience == math.inf else enough | self.env.timeout(patience)
        return dict(answers)

    def _exchange(
        self,
        request: Request,
        purpose: str,
        node: Node,
        handle: Callable[[Node], Any],
        luck: Sequence[float],
        hear: Callable[[NodeId, Any], None],
    ) -> None:
        if node.id == request.at and not self.own_link_fails:
            luck = _SURE
        send = partial(self.network.send, operation=request.number)

        def reply(answer: Any) -> None:
            back = partial(hear, node.id, answer)
            send(f"{purpose}: answer", node.id, request.at, back, luck[2:], reply=True)

        def reached() -> None:
            answer = handle(node)
            if isinstance(answer, simpy.Event):
                answer.callbacks.append(lambda event: reply(event.value))
            elif answer is not None:
                reply(answer)

        send(purpose, request.at, node.id, reached, luck[:2])

    def _goes_on(self, request: Request) -> bool:
        """Whether the coordinator still works on it: in time, and not crashed since."""
        return self.env.now <= request.deadline and self._runs(request)

    def awake(self, node: Node) -> bool:
        """Whether a node does anything at all now: it has not crashed and does not stand still."""
        return node.up and not self.network.paused(node.id)

    def _runs(self, request: Request) -> bool:
        """Whether its coordinator has not crashed since."""
        node = None if request.at is None else self.by_id[request.at]
        return node is None or (node.up and node.incarnation == request.incarnation)

    def _missing(self, request: Request, timeout: float) -> str:
        silent = [str(node.id) for node in self.nodes if node.id not in request.heard]
        return (
            f"{request.kind} needed {request.needed} of {len(self.nodes)} replicas, but "
            f"{', '.join(silent)} did not answer within {timeout:g} ms"
        )

    # What happens to nodes.

    def write(self, node: Node, key: Hashable, stored: Any, values: tuple[Any, ...]) -> bool:
        """Let a node hold `stored` under `key`, and note which `values` a reader sees in it."""
        node.put(key, stored)
        self.copies.append(Copy(at=float(self.env.now), node=node.id, key=key, values=values))
        return True

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node; `Network.crash` calls this."""
        replica = self.by_id[node]
        replica.up = False
        if lose_memory:
            for key in list(replica.data):
                self.write(replica, key, None, ())
            replica.data.clear()
            replica.forgot = True

    def restart(self, node: NodeId) -> None:
        """Start a node again; `Network.restart` calls this."""
        replica = self.by_id[node]
        replica.up = True
        replica.incarnation += 1


def _checked(nodes: Iterable[Node]) -> list[Node]:
    nodes = list(nodes)
    if not nodes:
        raise ValueError("nodes must be at least one Node, got none")
    for node in nodes:
        if not isinstance(node, Node):
            raise TypeError(f"nodes must be Node objects, got {node!r}")
    ids = [node.id for node in nodes]
    for each in ids:
        if ids.count(each) > 1:
            raise ValueError(f"nodes must have different ids, got {each!r} twice")
    return nodes
