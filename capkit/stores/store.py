"""What all stores share, and how to write one of your own.

A store is a subclass of `Store`. It says what a coordinator does, which is the node that a client
talks to, `request.at`:

    on_put(request, key, value)    the put is acknowledged when this returns
    on_get(request, key)           what this returns is the answer

and may say more than the defaults do about

    replicas(key)    which nodes are to hold equal copies of a key: by default all
    lost()           which acknowledged values are gone: by default judged by the copies

In `on_put` and `on_get` it can call:

    yield from ask(request, purpose, handle, need=2)
                                   let every node `handle` it until two have answered; the value
                                   maps their ids to their answers
    write(node, key, stored, values)
                                   let a node hold `stored`, in which its readers see `values`
    erase(node, key)               let a node hold nothing under a key
    goes_on(request)               whether the client still waits and its node has not crashed
    yield env.timeout(duration)    let `duration` ms pass

A `handle` that returns `SILENT` sends no answer.

What nodes do without being asked, it can begin in `__init__`:

    every(duration, action)        give each node a regular turn, as long as it is `awake`
    call(node, others, label, handle, hear, turn=1)
                                   send others a message, and hear what they reply

`history()` returns what was asked of a store by hand, with `put` and `get`, for a picture.

At hand are `nodes`, `by_id`, `majority`, the `network`, and its clock `env`. A class may set

    retry_every    ms after which `ask` sends a request again
    timeout        ms after which a put or get by hand gives up
    collect        True: a put adds its value to a set, which a get returns

A subclass of another store changes a step of it, and calls the others:

    query(request, key), store(request, key, copy), tie_break(request)
                                   in a `CPStore`: ask a majority for its copies, let a majority
                                   hold one, and make the id of a put
    take_down(node, key, amount)   in an `EscrowStore`: let a node add an amount

Examples
--------
A put waits for a majority, a get takes the first answer:

>>> from capkit import Network, Node, Store
>>> class WriteToMost(Store):
...     def on_put(self, request, key, value):
...         def keep(node):
...             self.write(node, key, value)
...
...         yield from self.ask(request, "put", keep, need=self.majority)
...
...     def on_get(self, request, key):
...         answers = yield from self.ask(request, "get", lambda node: node.get(key), need=1)
...         return next(iter(answers.values()))
>>> store = WriteToMost([Node(i) for i in range(3)], Network(rng=7))
>>> store.put("key", "value", at=1)
>>> store.get("key", at=1)
'value'
>>> store.network.partition({0}, {1, 2})
>>> store.put("key", "newer", at=0)
Traceback (most recent call last):
    ...
capkit.Unavailable: put needed 2 of 3 replicas, but 1, 2 did not answer within 1000 ms
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Hashable, Iterable
from functools import partial
from itertools import count
from typing import Any

import simpy

from capkit._arguments import number
from capkit.history import History, NodeId, Operation, Outcome
from capkit.history.records import as_processes
from capkit.network import Network, Node
from capkit.stores.cluster import Cluster, Process
from capkit.stores.question import Answers, Question, Request, Unavailable


class Store(Cluster):
    """What all stores share: nodes on a network, and requests that replicas answer or not.

    Parameters
    ----------
    nodes : iterable of Node
        At least one, with different ids.
    network : Network, optional
        By default each request to a node is lost with probability 0.2.
    """

    retry_every = 40.0
    """Ms after which a request that was not answered is sent again."""

    timeout = 1_000.0
    """Ms after which a put or get that is called by hand gives up."""

    collect = False
    """Whether a put adds its value to a set, which a get returns, and replaces nothing."""

    def __init__(self, nodes: Iterable[Node], network: Network | None = None) -> None:
        super().__init__(nodes, network)
        self.puts: list[Request] = []
        self.acknowledged: list[Request] = []
        self._seen: list[Operation] = []
        self._numbers = count()

    def put(self, key: Hashable, value: Any, *, at: NodeId | None = None) -> None:
        """Write `value` under `key`, as a client of node `at`; by default, of the first that is up.

        Raises
        ------
        Unavailable
            If it is not acknowledged within `timeout` ms of simulated time. It may still happen.
        """
        self._ask_by_hand("put", key, value, at=at)

    def get(self, key: Hashable, *, at: NodeId | None = None) -> Any:
        """Read `key`, as a client of node `at`; by default, of the first that is up.

        Raises
        ------
        Unavailable
            If no answer comes within `timeout` ms of simulated time.
        """
        return self._ask_by_hand("get", key, at=at)

    def _ask_by_hand(
        self,
        kind: str,
        key: Hashable,
        value: Any = None,
        *,
        at: NodeId | None,
        context: Any = None,
    ) -> Any:
        """Run until one request is served, and keep what its client saw."""
        node, began = self._coordinator() if at is None else at, float(self.env.now)
        saw = partial(self._saw, kind=kind, key=key, node=node, invoked=began)
        serving = self.serve(kind, key, value, at=at, context=context)
        try:
            answer = self.env.run(until=self.env.process(serving))
        except Unavailable as refusal:
            saw(value=value, outcome=Outcome.FAIL if refusal.certain else Outcome.UNKNOWN)
            raise
        saw(value=value if kind == "put" else answer)
        return answer

    def _saw(self, node: NodeId | None, **what: Any) -> None:
        client = 0 if node is None else self.nodes.index(self.by_id[node])
        completed = float(self.env.now)
        operation = Operation(client=client, node=node, completed=completed, **what)
        self._seen.append(operation)

    def history(self) -> History:
        """What the clients saw whose puts and gets were called by hand, one client at each node.

        Examples
        --------
        >>> from capkit import CPStore
        >>> store = CPStore([Node(i) for i in range(3)], Network(rng=7))
        >>> store.put("key", "value", at=1)
        >>> [(each.client, each.kind, each.value) for each in store.history()]
        [(1, 'put', 'value')]
        """
        asked = as_processes(self._seen, len(self.nodes))
        return History(asked, faults=self.network.faults, copies=self.copies)

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
        context: Any = None,
    ) -> Process:
        """Serve one operation, as a SimPy process whose value is the answer."""
        if at is not None:
            self.network.check("at", [at])
        timeout = self.timeout if timeout is None else timeout
        where = self._coordinator() if at is None else at
        asked = {"kind": kind, "key": key, "value": value, "client": client, "context": context}
        request = self._request(where, timeout, **asked)
        protocol = self.env.process(self._steps(request))
        yield protocol | self.env.timeout(timeout)
        if not protocol.triggered:
            if not self._runs(request):
                protocol.defused = True  # nobody waits for it any more
                raise Unavailable(f"{kind} got no answer: node {request.at} crashed meanwhile")
            protocol.interrupt()
            yield protocol  # it raises Unavailable, and says what it waited for
        request.ended = self.env.now
        if kind == "put":
            self.acknowledged.append(request)
        return protocol.value

    def _steps(self, request: Request) -> Process:
        """Take the coordinator's steps; a paused node begins, and answers, when it goes on."""
        try:
            yield from self._wait_awake(request)
            if request.kind == "put":
                request.saw += self.visible.get((request.at, request.key), ())
                steps = self.on_put(request, request.key, request.value)
            else:
                steps = self.on_get(request, request.key)
            answer = (yield from steps) if isinstance(steps, Generator) else steps
            yield from self._wait_awake(request)
        except simpy.Interrupt:
            raise Unavailable(self.late(request, f"node {request.at} has not finished")) from None
        return answer

    def _wait_awake(self, request: Request) -> Process:
        if self.network.paused(request.at):
            awake = self.env.event()
            self.network.when_awake(request.at, awake.succeed)
            yield awake
            if not self.goes_on(request):
                yield self.env.event()  # it comes too late, and is forgotten

    def _request(self, at: NodeId | None, timeout: float, **what: Any) -> Request:
        kind = what["kind"]
        if at is not None and not self.by_id[at].up:
            sentence = f"{kind} was refused: node {at}, which the client talks to, is down"
            raise Unavailable(sentence, certain=True)
        request = Request(
            number=next(self._numbers),
            at=at,
            incarnation=0 if at is None else self.by_id[at].incarnation,
            began=float(self.env.now),
            timeout=timeout,
            **what,
        )
        if kind == "put":
            self.puts.append(request)
        return request

    def _coordinator(self) -> NodeId | None:
        return next((node.id for node in self.nodes if node.up), self.nodes[0].id)

    # What a store of your own says.

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process | None:
        """Say what the coordinator does on a put; the put is acknowledged when this returns."""
        raise NotImplementedError

    def on_get(self, request: Request, key: Hashable) -> Process | Any:
        """Say what the coordinator does on a get; what it returns is the answer."""
        raise NotImplementedError

    def replicas(self, key: Hashable) -> list[NodeId]:
        """The nodes that are to hold equal copies of `key`; none if the store has no copies."""
        return list(self.by_id)

    def lost(self) -> list[Any]:
        """Values of acknowledged puts that are gone, as far as copies can tell.

        A put is not lost as long as a node holds it, or a put that may follow it: one that ran at
        the same time, or whose coordinator had met it at a replica.
        """
        found = [put for put in self.puts if self._is_held(put)]
        for put in found:  # the loop adds to the list that it walks
            found += [each for each in self.puts if each not in found and put.may_follow(each)]
        return [put.value for put in self.acknowledged if put not in found]

    def _is_held(self, put: Request) -> bool:
        return any(put.value in self.visible.get((node.id, put.key), ()) for node in self.nodes)

    # What a coordinator calls.

    def ask(
        self,
        request: Request,
        purpose: str,
        handle: Callable[[Node], Any],
        *,
        need: int,
        among: Callable[[Node], bool] = lambda node: True,
        patience: float = math.inf,
        refusal: Callable[[Answers], str] | None = None,
    ) -> Process:
        """Ask replicas until `need` of them have answered; the value maps node ids to answers.

        Parameters
        ----------
        request : Request
            What the coordinator works on.
        purpose : str
            What pictures call the messages.
        handle : callable
            What a node does when the request reaches it. It returns the answer, `SILENT` for none,
            or an event that triggers when there is one.
        need : int
            How many answers are enough.
        among : callable
            Whether a node is asked; by default all are, again and again.
        patience : float
            Ms. If it is finite nothing is sent twice, and the value is what has come by then.
        refusal : callable, optional
            Turns the answers so far into the sentence for a client whose time is up.

        Raises
        ------
        Unavailable
            If the client's time is up.
        """

        def enough(answers: Answers) -> bool:
            return len(answers) >= need

        def why(answers: Answers) -> str:
            return self.too_few(request, answers, need)

        question = Question(self, request, purpose, handle, enough, among)
        answers = yield from question.wait(refusal or why, patience)
        return answers

    def too_few(
        self, request: Request, answers: Answers, need: int, within: float | None = None
    ) -> str:
        """What a client is told when too few replicas have answered `within` so many ms."""
        silent = [str(node.id) for node in self.nodes if node.id not in answers]
        return (
            f"{request.kind} needed {need} of {len(self.nodes)} replicas, but {', '.join(silent)} "
            f"did not answer within {request.timeout if within is None else within:g} ms"
        )

    def late(self, request: Request, why: str) -> str:
        """What a client is told when its time is up, and why."""
        return f"{request.kind} got no answer within {request.timeout:g} ms: {why}"

    def own_request(self, node: Node, number: int, timeout: float = math.inf) -> Request:
        """A request that no client has made: a node asks for itself, for `timeout` ms."""
        return Request(
            number=number,
            kind="own",
            at=node.id,
            incarnation=node.incarnation,
            began=float(self.env.now),
            timeout=timeout,
        )

    def goes_on(self, request: Request) -> bool:
        """Whether the coordinator still works on it: in time, and not crashed since."""
        return self.env.now <= request.deadline and self._runs(request)

    def _runs(self, request: Request) -> bool:
        """Whether its coordinator has not crashed since."""
        node = None if request.at is None else self.by_id[request.at]
        return node is None or (node.up and node.incarnation == request.incarnation)
