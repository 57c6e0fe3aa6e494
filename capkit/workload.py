"""Clients that use a store for a while, and the faults that strike it meanwhile."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from capkit._arguments import (
    RandomState,
    choice,
    count,
    flag,
    instance,
    number,
    several,
    shown,
    stream,
)
from capkit.history import Fault, History, Operation, Outcome
from capkit.history.records import as_processes
from capkit.stores import Store, Unavailable
from capkit.stores.cluster import Process

_MOST = 10_000_000  # operations of one run: more would take hours, and all memory
_MANY = 5_000  # operations of one run: more take longer than a class likes to wait


class Arrival(NamedTuple):
    """When (ms) which client asks for what, and at which node, modulo their number."""

    time: float
    client: int
    kind: str
    key: str
    value: Any = None
    place: int | None = None

    @property
    def node(self) -> int:
        """The number of the node that it talks to: by default the client's own."""
        return self.client if self.place is None else self.place


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What the clients do, decided before the store answers anything.

    The workload is open-loop: operations arrive when they arrive, also while earlier ones still
    wait. Clients that waited for their answers would hide the very outage that makes them wait.
    The values written are 1, 2, 3, ..., so that each get tells whose put it saw.

    Attributes
    ----------
    clients : int
        How many; client `i` talks to node `i` (modulo the number of nodes), if it stays there.
    duration : float
        Ms in which operations arrive.
    rate : float
        Operations that one client asks for in a second, on average (Poisson arrivals).
    puts : float
        Share of puts in [0, 1]; the rest are gets.
    keys : sequence of str
        Each operation picks one of these.
    timeout : float
        Ms that a client waits for an answer.
    roaming : float
        Chance in [0, 1] that a client moves to a random node before an operation, and stays there
        until it moves again. At 0 clients are *sticky*: each stays at its node.
    rng : int, numpy.random.Generator or None
        Seed of the arrivals; None is fresh entropy.

    Examples
    --------
    >>> [arrival.kind for arrival in Workload(clients=1, duration=1_000, rng=7).arrivals()][:5]
    ['put', 'put', 'get', 'get', 'put']
    """

    clients: int = 5
    duration: float = 2_000.0
    rate: float = 4.0
    puts: float = 0.5
    keys: Sequence[str] = ("x",)
    timeout: float = 300.0
    roaming: float = 0.0
    rng: RandomState = None

    def __post_init__(self) -> None:
        count("clients", self.clients)
        number("duration", self.duration, 0)
        number("rate", self.rate, 0)
        number("puts", self.puts, 0, 1)
        number("timeout", self.timeout, 0)
        number("roaming", self.roaming, 0, 1)
        if isinstance(self.keys, str | bytes) or not isinstance(self.keys, Sequence):
            raise TypeError(f"keys must be a list of keys, got {shown(self.keys)}")
        if not self.keys:
            raise ValueError("keys must name at least one key, got none")
        if self.expected > _MOST:
            rule = f"rate must ask for at most {_MOST:,} operations in all"
            raise ValueError(f"{rule}, got {self.expected:.3g} with this duration and clients")
        if not isinstance(self.rng, np.random.Generator):
            stream(self.rng, "workload")  # complains here, not in the middle of a run

    @property
    def expected(self) -> float:
        """How many operations the clients ask for, on average."""
        return self.clients * self.rate * self.duration / 1_000

    def arrivals(self) -> list[Arrival]:
        """The operations in the order of their arrival.

        Each client has a random stream of its own, so one client more leaves the others alone.
        """
        streams = stream(self.rng, "workload").spawn(self.clients)
        drawn = [row for client, seed in enumerate(streams) for row in self._draw(client, seed)]
        drawn.sort()
        puts = 0
        arrivals = []
        for time, client, is_put, key, place in drawn:
            puts += is_put
            kind, value = ("put", puts) if is_put else ("get", None)
            arrivals.append(Arrival(time, client, kind, key, value, place))
        return arrivals

    def _draw(
        self, client: int, seed: np.random.SeedSequence
    ) -> Iterable[tuple[float, int, bool, str, int]]:
        rng = np.random.default_rng(seed)
        ways = np.random.default_rng(seed.spawn(1)[0])  # roaming moves nothing else
        time, place = 0.0, client
        while self.rate > 0:
            gap, kind, key = rng.random(3)
            time += -1_000 / self.rate * float(np.log1p(-gap))
            if time >= self.duration:
                return
            moves, to = ways.random(), int(ways.integers(2**31))
            place = to if moves < self.roaming else place
            yield time, client, bool(kind < self.puts), self.keys[int(key * len(self.keys))], place


@dataclass(frozen=True, kw_only=True)
class Requests(Workload):
    """Given requests at given times, instead of random ones.

    Attributes
    ----------
    requests : iterable of Arrival
        Each says when (ms) which client asks for what; clients count from 0. Their keys are the
        workload's `keys`.

    Examples
    --------
    >>> asked = [Arrival(20, 0, "put", "x", 1), Arrival(40, 1, "get", "x")]
    >>> [arrival.kind for arrival in Requests(requests=asked, clients=2).arrivals()]
    ['put', 'get']
    """

    requests: Iterable[Arrival] = ()

    def __post_init__(self) -> None:
        requests = several("requests", self.requests, "Arrivals")
        for place, request in enumerate(requests):
            _check(f"requests[{place}]", request, count("clients", self.clients))
        object.__setattr__(self, "requests", tuple(sorted(requests, key=lambda r: r.time)))
        if requests:
            object.__setattr__(self, "keys", tuple(dict.fromkeys(each.key for each in requests)))
        Workload.__post_init__(self)

    @property
    def expected(self) -> float:
        """How many operations the clients ask for."""
        return len(tuple(self.requests))

    def arrivals(self) -> list[Arrival]:
        """The given requests, in the order of their times."""
        return list(self.requests)


def _check(name: str, request: Any, clients: int) -> None:
    """Complain of a request that no client can make, before any is made."""
    instance(name, request, Arrival)
    number(f"{name}.time", request.time, 0)
    count(f"{name}.client", request.client, 0)
    if request.client >= clients:
        rule = f"below clients ({clients}), as they count from 0"
        raise ValueError(f"{name}.client must be {rule}, got {request.client}")
    choice(f"{name}.kind", request.kind, ("put", "get"))
    if request.place is not None:
        count(f"{name}.place", request.place, 0)


def run(
    store: Store,
    workload: Workload,
    faults: Iterable[Fault] = (),
    *,
    settle: float = 0.0,
    trace: bool = False,
) -> History:
    """Let clients use a store while faults strike it, and return what they saw.

    Parameters
    ----------
    store : Store
        It is used as it is, and can be looked at afterwards.
    workload : Workload
        What the clients ask for.
    faults : iterable of faults
        Partition, Crash, Pause, Slow or Skew, with times in ms from the start of the run.
    settle : float
        Ms that the run goes on after the last deadline, for replicas to converge.
    trace : bool
        Whether `history.messages` is to hold every message.

    Returns
    -------
    History
        Times in ms from the start of the run.

    Raises
    ------
    ValueError
        If a fault names an unknown node, before anything happens.

    Warns
    -----
    UserWarning
        If it asks for more than about 5,000 operations, before the first of them.

    Examples
    --------
    >>> from capkit import CPStore, Network, Node
    >>> store = CPStore([Node(i) for i in range(3)], Network(loss=0.1, rng=7))
    >>> run(store, Workload(rng=7))
    <History of 49 operations, 49 answered>
    """
    number("settle", settle, 0)
    flag("trace", trace)
    instance("store", store, Store)
    instance("workload", workload, Workload)
    if not isinstance(faults, Iterable):
        raise TypeError(f"faults must be a list of faults, got {shown(faults)}")
    network, start, faults = store.network, float(store.env.now), list(faults)
    if any(node.data for node in store.nodes):
        raise ValueError("store must be new, got one that already holds data; make another")
    _warn_of_many(workload.expected)
    arrivals = workload.arrivals()
    network.schedule(faults)
    network.messages = [] if trace else None
    copies = len(store.copies)
    clients = [store.env.process(_ask(store, workload, arrival)) for arrival in arrivals]
    store.wait(workload.duration + workload.timeout + settle)
    asked: list[Operation] = [client.value for client in clients if client.value is not None]
    return History(
        as_processes(asked, workload.clients),
        faults=faults,
        messages=[
            replace(message, sent=message.sent - start, arrived=message.arrived - start)
            for message in network.messages or ()
        ],
        copies=[replace(copy, at=copy.at - start) for copy in store.copies[copies:]],
    )


def _warn_of_many(operations: float) -> None:
    """Say before a long run that it is long, and how to stop it."""
    if operations > _MANY:
        long = f"this run has about {operations:,.0f} operations, and may take minutes"
        warnings.warn(f"{long}; to stop it, interrupt the kernel (the square button)", stacklevel=3)


def _ask(store: Store, workload: Workload, arrival: Arrival) -> Process:
    """One client's one operation, from its arrival to its answer or its deadline."""
    start = float(store.env.now)
    yield store.env.timeout(arrival.time)
    invoked = float(store.env.now) - start
    node = store.nodes[arrival.node % len(store.nodes)].id
    value, outcome = arrival.value, Outcome.OK
    try:
        answer = yield from store.serve(
            arrival.kind,
            arrival.key,
            arrival.value,
            at=node,
            timeout=workload.timeout,
            client=arrival.client,
        )
        value = answer if arrival.kind == "get" else arrival.value
    except Unavailable as refusal:
        outcome = Outcome.FAIL if refusal.certain else Outcome.UNKNOWN
    return Operation(
        kind=arrival.kind,
        key=arrival.key,
        value=value,
        invoked=invoked,
        completed=float(store.env.now) - start,
        outcome=outcome,
        client=arrival.client,
        node=node,
        deadline=invoked + workload.timeout,
    )
