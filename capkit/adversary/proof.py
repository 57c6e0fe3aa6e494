"""The theorem of Gilbert and Lynch as a program: two worlds that one side cannot tell apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from capkit._arguments import count, flag, number, several
from capkit.adversary.calm_network import calm
from capkit.consistency import linearizable
from capkit.history import History, Message, Operation, Outcome
from capkit.network import Partition
from capkit.stores import Maker, Store, Unavailable, build, name_of
from capkit.stores.cluster import Process
from capkit.stores.question import Request
from capkit.workload import Arrival, Requests, run

PREMISES = {
    "put": "the put was refused (A)",
    "get": "the get was refused (A)",
    "latest": "the get is not the latest put (C)",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Proof:
    """Two worlds under one cut, and which premise of the theorem a store gives up.

    It prints as a story.

    Attributes
    ----------
    store : str
        What the proof is run on.
    side, rest : tuple of int
        The nodes on the side of the put, and on that of the get.
    put_at, get_at : int
        The nodes that the two clients talk to.
    worlds : (History, History)
        What clients saw, with every message: where nobody puts, and where somebody does.
    same : tuple of Message
        What the side of the get received in both worlds until the get was over.
    different : tuple of str
        What it received in one world alone.
    broken : tuple of {"put", "get", "latest"}
        Which premises fail: the put or the get is refused, or the get is not the latest put.
    """

    store: str
    side: tuple[int, ...]
    rest: tuple[int, ...]
    put_at: int
    get_at: int
    worlds: tuple[History, History]
    same: tuple[Message, ...]
    different: tuple[str, ...]
    broken: tuple[str, ...]

    @property
    def letters(self) -> str:
        """The letters that are given up: "A", "C" or "AC"; none with a `channel`."""
        return "A" * bool({"put", "get"} & {*self.broken}) + "C" * ("latest" in self.broken)

    @property
    def gets(self) -> tuple[Operation, Operation]:
        """The get of each world."""
        first, second = (world[len(world) - 1] for world in self.worlds)
        return first, second

    @property
    def channel(self) -> str:
        """What went around the network, in one sentence, or nothing."""
        if self.different:
            return f"node {self.get_at}'s side received {'; '.join(self.different)}"
        if _answer(self.gets[0]) != _answer(self.gets[1]):
            return f"node {self.get_at} answered differently, although no message told it anything"
        return ""

    def __repr__(self) -> str:
        left, right = (" ".join(map(str, group)) for group in (self.side, self.rest))
        put = self.worlds[1][0]
        done = "acknowledged" if put.outcome is Outcome.OK else "refused"
        first, second = map(_answer, self.gets)
        lines = [
            f"{self.store}, cut {left} | {right}.",
            f"World 1: nobody puts. A client of node {self.get_at} gets: {first}.",
            f"World 2: a client of node {self.put_at} puts {put.value}: {done}. "
            f"Then a client of node {self.get_at} gets: {second}.",
        ]
        return "\n".join([*lines, self._same_words(), self._end()])

    def _same_words(self) -> str:
        who = f"Node{'s' * (len(self.rest) > 1)} {', '.join(map(str, self.rest))}"
        many = f"same {len(self.same)} messages" if len(self.same) > 1 else "same message"
        many = many if self.same else "same messages, namely none,"
        if self.different:
            return f"{who} did not receive the same in both worlds."
        return f"{who} received the {many} in both worlds and cannot tell them apart."

    def _end(self) -> str:
        if self.channel:
            return (
                f"Something goes around the network: {self.channel}. Look for variables that "
                "nodes share, and for nodes that look into each other."
            )
        return f"So {' and '.join(PREMISES[each] for each in self.broken)}."


def prove(
    make: Maker,
    *,
    nodes: int = 3,
    side: Collection[int] = (0,),
    oracle: bool = False,
    timeout: float = 300.0,
) -> Proof:
    """Run the proof of Gilbert and Lynch [1]_ on a store, and say which premise it gives up.

    Two worlds under the same cut. In one nobody puts, in the other a client on one side does; in
    both a client on the other side then gets. That side receives the same messages in both worlds,
    so it answers the same. Then the put was refused, or the get was, or the get is not the latest
    put: there is no fourth way.

    Parameters
    ----------
    make : callable
        A Store class, or a function of (nodes, network) that returns a fresh store.
    nodes : int
        Nodes of the store, at least 2.
    side : collection of int
        Who is cut off from the rest. The client of its first node puts; the client of the
        highest other node gets. `[2, 1]` is the other direction of `[0]`.
    oracle : bool
        Whether nodes may ask an oracle which others they reach at this moment, and then refuse at
        once what they would wait for in vain. It changes when a client is told, and not what.
    timeout : float
        Ms that a client waits for an answer.

    Returns
    -------
    Proof
        It prints as a story; `plots.worlds` draws it.

    Raises
    ------
    ValueError
        If `side` is empty, is everybody or names an unknown node, or if two runs of one world
        differ, because the store draws luck from elsewhere.
    TypeError
        If `make` makes no store.

    References
    ----------
    .. [1] Gilbert and Lynch, "Brewer's Conjecture and the Feasibility of Consistent, Available,
       Partition-Tolerant Web Services", ACM SIGACT News 33(2), 2002, theorem 1.

    Examples
    --------
    >>> from capkit import APStore
    >>> prove(APStore)
    APStore, cut 0 | 1 2.
    World 1: nobody puts. A client of node 2 gets: None.
    World 2: a client of node 0 puts 1: acknowledged. Then a client of node 2 gets: None.
    Nodes 1, 2 received the same 2 messages in both worlds and cannot tell them apart.
    So the get is not the latest put (C).
    """
    count("nodes", nodes, 2)
    number("timeout", timeout, 1, 1e6)
    flag("oracle", oracle)
    left = several("side", side, "nodes")
    rest = tuple(node for node in range(nodes) if node not in left)
    if not left or not rest or not all(node in range(nodes) for node in left):
        raise ValueError(f"side must be some of the nodes 0 to {nodes - 1}, not all, got {left}")
    worlds = _Worlds(make, nodes, left, rest, oracle, timeout).both()
    same, different = _compared(*(_received(each, rest) for each in worlds))
    return Proof(
        store=name_of(make),
        side=left,
        rest=rest,
        put_at=left[0],
        get_at=rest[-1],
        worlds=worlds,
        same=same,
        different=different,
        broken=_broken(worlds[1]),
    )


def divisions(make: Maker, *, nodes: int = 3, oracle: bool = False) -> tuple[Proof, ...]:
    """Run the proof on every division of the nodes into two sides, in both directions.

    Parameters
    ----------
    make, nodes, oracle
        As for `prove`; at most 6 nodes.

    Returns
    -------
    tuple of Proof
        One for each side that may put, the small ones first: 2**nodes - 2.

    Raises
    ------
    ValueError
        If there are fewer than 2 or more than 6 nodes.

    Examples
    --------
    >>> from capkit import CPStore
    >>> [proof.broken for proof in divisions(CPStore)]
    [('put',), ('put',), ('put',), ('get',), ('get',), ('get',)]
    """
    count("nodes", nodes, 2, 6)
    flag("oracle", oracle)
    sides = [side for k in range(1, nodes) for side in combinations(range(nodes), k)]
    # Where node 0 gets, the highest node puts: the two directions of a cut mirror each other.
    ordered = [side if 0 in side else side[::-1] for side in sides]
    return tuple(prove(make, nodes=nodes, side=side, oracle=oracle) for side in ordered)


@dataclass(frozen=True, slots=True)
class _Worlds:
    make: Maker
    nodes: int
    side: tuple[int, ...]
    rest: tuple[int, ...]
    oracle: bool
    timeout: float

    def both(self) -> tuple[History, History]:
        """The two worlds, each of them run twice: a proof may not depend on luck."""
        first, second, *again = (self._once(puts) for puts in (False, True, False, True))
        for one, other in zip((first, second), again, strict=True):
            if list(one) != list(other) or one.messages != other.messages:
                raise ValueError(
                    "make must give stores that draw luck from their network alone and share "
                    "nothing, got two runs of one world that differ: look for `random`, and for "
                    "variables that outlive a store"
                )
        return first, second

    def _once(self, puts: bool) -> History:
        store = build(self.make, self.nodes, calm())
        if self.oracle:
            store.ask = _with_oracle(store)  # type: ignore[method-assign]
        asked = [Arrival(self.timeout + 2, self.rest[-1], "get", "x", None)]
        if puts:
            asked.append(Arrival(1, self.side[0], "put", "x", 1))
        else:
            next(store._numbers)  # the simulation numbers requests; nodes are not to learn from it
        end = 2 * self.timeout + 3
        requests = Requests(requests=asked, clients=self.nodes, duration=end, timeout=self.timeout)
        return run(store, requests, [Partition(groups=[self.side])], trace=True)


def _with_oracle(store: Store) -> Callable[..., Process]:
    """What `store.ask` becomes where nodes may ask an oracle which others they reach.

    Where a store waits for one certain node, the oracle is not asked.
    """
    ask = store.ask

    def ask_oracle_first(request: Request, *what: Any, need: int, **more: Any) -> Process:
        near = [node.id for node in store.nodes if store.network.reaches(request.at, node.id)]
        if len(near) < need and "patience" not in more:
            raise Unavailable(
                f"{request.kind} needs {need} replicas, and the oracle says that node {request.at} "
                f"reaches {', '.join(map(str, near))} alone"
            )
        return (yield from ask(request, *what, need=need, **more))

    return ask_oracle_first


def _received(world: History, nodes: Collection[int]) -> list[Message]:
    """What came from other nodes before the get was over."""
    answered = world.completed[-1]
    return [
        each
        for each in world.messages
        if each.target in nodes and each.source != each.target and each.arrived <= answered
    ]


def _compared(
    first: list[Message], second: list[Message]
) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """What was received in both worlds, and in words what was not."""
    counts = Counter(map(_key, first))
    same = []
    for message in second:
        if counts[_key(message)]:
            counts[_key(message)] -= 1
            same.append(message)
    alone = list(_alone(first, second, 1)) + list(_alone(second, first, 2))
    return tuple(same), tuple(alone)


def _alone(here: list[Message], there: list[Message], world: int) -> Iterator[str]:
    for key, many in (Counter(map(_key, here)) - Counter(map(_key, there))).items():
        label, source, target, _, arrived = key
        times = "" if many == 1 else f" {many} times"
        yield (
            f"'{label}' from node {source} to node {target} at {arrived:g} ms{times} in world "
            f"{world} alone"
        )


def _key(message: Message) -> tuple[Any, ...]:
    return message.label, message.source, message.target, message.sent, message.arrived


def _broken(world: History) -> tuple[str, ...]:
    put, get = world
    holds = {
        "put": put.outcome is Outcome.OK,
        "get": get.outcome is Outcome.OK,
        "latest": linearizable(world).ok is True,
    }
    return tuple(name for name in PREMISES if not holds[name])


def _answer(get: Operation) -> Any:
    return get.value if get.outcome is Outcome.OK else "no answer"
