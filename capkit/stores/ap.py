"""Available under a partition: every live node answers its own clients, and replicas meet later.

message                  from, to                 what follows
replicate(version)       a coordinator, all       they merge it, and say that they have it; for
                                                  those that are silent a hint is kept
hint(version)            its keeper, its target   it merges it, and the hint is dropped
read repair, repair      a coordinator, all       who has what; then what each lacks
sync(all versions)       a node, another one      both merge what the other one has
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import contains
from typing import Any, NamedTuple, TypeAlias

from capkit._arguments import choice, flag
from capkit.history import NodeId, Siblings
from capkit.network import Network, Node
from capkit.stores.cluster import Process
from capkit.stores.question import Request
from capkit.stores.store import Store

Actor: TypeAlias = tuple[NodeId, int]


@dataclass(slots=True, eq=False)
class Origin:
    """The past of a version, which no node knows; `lost` judges by it.

    It belongs to put `number`, which began at `began` (ms). It follows some versions, and has
    `replaced` some on each node.
    """

    number: int
    began: float
    # Not printed: a past holds the past of others many times over.
    follows: list[Origin] = field(default_factory=list, repr=False)
    replaced: dict[NodeId, list[Origin]] = field(default_factory=dict, repr=False)


class Version(NamedTuple):
    """One value, with what it is known to follow.

    `dot` is the put that made it: its actor (a node in one of its incarnations) and its number,
    counted from 1. `past` is the version vector of what its client had read: for each actor the
    last of its puts that this version includes. `stamp` orders versions for last-writer-wins: the
    time that the coordinator's clock showed, then the node's place, then the operation's number.
    """

    value: Any
    past: dict[Actor, int]
    dot: tuple[Actor, int]
    stamp: tuple[float, int, int]
    origin: Origin

    @property
    def vector(self) -> dict[Actor, int]:
        """The version vector with the version's own put."""
        return self.past | dict([self.dot])

    def follows(self, other: Version) -> bool:
        """Whether this version includes `other`, or equals it."""
        actor, count = other.dot
        return self.dot == other.dot or self.past.get(actor, 0) >= count


class Reading(NamedTuple):
    """What a client has read: the value, and the context to pass on with a put that replaces it."""

    value: Any
    context: tuple[Version, ...]


class Hint(NamedTuple):
    """A version that its coordinator keeps for a node that did not acknowledge it."""

    target: Node
    key: Hashable
    version: Version


class APStore(Store):
    """Every live node answers at once from its own copy, and tells the others in the background.

    Parameters
    ----------
    nodes : iterable of Node
        At least one, with different ids.
    network : Network, optional
        By default each request to a node is lost with probability 0.2.
    resolve : {"lww", "siblings"}
        What a node does with two versions neither of which follows the other: keep the one with
        the later time stamp (last writer wins), or keep both.
    merge : callable, optional
        With siblings: makes one value of a tuple of them when they are read.
    hinted_handoff, read_repair, anti_entropy : bool
        The three ways in which a replica that missed a put learns of it later: the coordinator
        keeps a hint for it; a get compares all replicas; each node regularly compares itself with
        another one, taking turns, so that after one round with each other node all are equal.

    Examples
    --------
    >>> store = APStore([Node(0), Node(1)], Network(rng=7), resolve="siblings")
    >>> store.network.partition({0}, {1})
    >>> store.put("cart", "milk", at=0)
    >>> store.put("cart", "eggs", at=1)
    >>> store.network.heal()
    >>> store.wait(1_000)
    >>> store.get("cart", at=0)
    Siblings('milk', 'eggs')
    """

    service = 1.0
    """Ms that a node takes to answer its own client."""

    hint_after = 100.0
    """Ms after which a replica that has not acknowledged a put is given a hint."""

    handoff_every = 100.0
    """Ms between two attempts to deliver hints."""

    sync_every = 200.0
    """Ms between two rounds of anti-entropy."""

    def __init__(
        self,
        nodes: Iterable[Node],
        network: Network | None = None,
        *,
        resolve: str = "lww",
        merge: Callable[[tuple[Any, ...]], Any] | None = None,
        hinted_handoff: bool = True,
        read_repair: bool = True,
        anti_entropy: bool = True,
    ) -> None:
        choice("resolve", resolve, ("lww", "siblings"))
        if merge is not None and (resolve != "siblings" or not callable(merge)):
            raise ValueError(
                f"merge must be a function and needs resolve='siblings', got {merge!r}"
            )
        super().__init__(nodes, network)
        self.resolve, self.merge = resolve, merge
        self.hinted_handoff = flag("hinted_handoff", hinted_handoff)
        self.read_repair: bool | str = flag("read_repair", read_repair)
        self.hints: dict[NodeId, list[Hint]] = {node.id: [] for node in self.nodes}
        self._dots: dict[Actor, int] = {}
        if hinted_handoff:
            self.every(self.handoff_every, self._hand_off)
        if flag("anti_entropy", anti_entropy) and len(self.nodes) > 1:
            self.every(self.sync_every, self._synchronise)

    def put(
        self,
        key: Hashable,
        value: Any,
        *,
        at: NodeId | None = None,
        context: Sequence[Version] | None = None,
    ) -> None:
        """Write `value` under `key`, as a client of node `at`; by default, of the first that is up.

        Parameters
        ----------
        key, value, at
            As for every store.
        context : sequence of versions, optional
            With siblings: what the client has read, from `read`, and now replaces; `()` if it has
            read nothing. By default it counts as having just read what its coordinator holds.

        Raises
        ------
        Unavailable
            If it is not acknowledged within `timeout` ms of simulated time. It may still happen.
        """
        said = None if context is None else tuple(context)
        self._ask_by_hand("put", key, value, at=at, context=said)

    def read(self, key: Hashable, *, at: NodeId | None = None) -> Reading:
        """A get that also returns the context that a later put may pass on.

        Raises
        ------
        Unavailable
            If no answer comes within `timeout` ms of simulated time.

        Examples
        --------
        >>> store = APStore([Node(0), Node(1)], Network(rng=7), resolve="siblings")
        >>> store.put("cart", "milk")
        >>> value, seen = store.read("cart")
        >>> store.put("cart", "eggs", context=())  # has read nothing, and replaces nothing
        >>> store.get("cart")
        Siblings('milk', 'eggs')
        >>> store.put("cart", f"{value} and bread", context=seen)
        >>> store.get("cart")
        Siblings('eggs', 'milk and bread')
        """
        found: list[Version] = []
        value = self._ask_by_hand("get", key, at=at, context=found)
        return Reading(value, tuple(found))

    def lost(self) -> list[Any]:
        """Values of acknowledged puts that no surviving version holds or follows.

        Judged by which puts each coordinator held when, not by the version vectors.
        """
        kept = [version for node in self.nodes for held in node.data.values() for version in held]
        found = {version.origin.number: version.origin for version in kept}
        left = list(found.values())
        for origin in left:  # the loop adds to the list that it walks
            left += [each for each in origin.follows if each.number not in found]
            found |= {each.number: each for each in origin.follows}
        return [put.value for put in self.acknowledged if put.number not in found]

    def converged(self) -> bool:
        """Whether all nodes that are up hold the same versions."""
        up = [node for node in self.nodes if node.up]
        return all(node.data == up[0].data for node in up)

    # What a client's node does.

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        node = self._coordinated_by(request)
        held = versions_of(node, key) if request.context is None else request.context
        version = self._next_version(request, node, held, value)
        self._accept(node, key, [version])
        self.env.process(self._replicate(replace(request, timeout=math.inf), node, key, version))
        yield from self._answer(request)

    def on_get(self, request: Request, key: Hashable) -> Process:
        node = self._coordinated_by(request)
        versions = versions_of(node, key)
        if self.read_repair:
            self.env.process(self._repair(replace(request, timeout=math.inf), node, key))
        yield from self._answer(request)
        return self._told(request, versions)

    def _told(self, request: Request, versions: Sequence[Version]) -> Any:
        """The answer to a get, with its context if that is asked for."""
        if request.context is not None:
            request.context.extend(versions)
        return self._shown(versions)

    def _shown(self, versions: Sequence[Version]) -> Any:
        """What a client sees of some versions."""
        values = tuple(version.value for version in versions)
        if len(values) < 2:
            return values[0] if values else None
        return self.merge(values) if self.merge else Siblings(values)

    def _answer(self, request: Request) -> Process:
        yield self.env.timeout(self.service)
        if not self.goes_on(request):
            yield self.env.event()  # it crashed, and never answers

    def _coordinated_by(self, request: Request) -> Node:
        assert request.at is not None
        return self.by_id[request.at]

    def _next_version(
        self, request: Request, node: Node, known: Sequence[Version], value: Any
    ) -> Version:
        """A version that follows all those that its client or its coordinator knows."""
        past: dict[Actor, int] = {}
        for held in known:
            for actor, count in held.vector.items():
                past[actor] = max(count, past.get(actor, 0))
        actor = (node.id, node.incarnation)
        # The operation's number serves as a count: no two puts share it, and it mostly grows.
        number = max(request.number, past.get(actor, 0), self._dots.get(actor, 0)) + 1
        self._dots[actor] = number
        stamp = (self.network.clock(node.id), self.nodes.index(node), request.number)
        origin = Origin(request.number, self.env.now, [held.origin for held in known])
        return Version(value, past, (actor, number), stamp, origin)

    # What a replica does with versions.

    def _accept(self, node: Node, key: Hashable, new: Sequence[Version]) -> bool:
        """Merge versions into a node's copy; the order in which they come makes no difference."""
        held = versions_of(node, key)
        kept = self._resolved([*held, *new])
        if kept != held:
            self.write(node, key, kept, tuple(version.value for version in kept))
        return True

    def _resolved(self, versions: Sequence[Version]) -> tuple[Version, ...]:
        distinct = {version.stamp: version for version in versions}
        ordered = [distinct[stamp] for stamp in sorted(distinct)]
        if self.resolve == "lww":
            return tuple(ordered[-1:])
        return tuple(
            version
            for version in ordered
            if not any(other.follows(version) for other in ordered if other is not version)
        )

    # What goes on in the background.

    def _replicate(self, request: Request, node: Node, key: Hashable, version: Version) -> Process:
        """Send a put to every other node, and keep hints for those that do not acknowledge it."""
        accept = partial(self._accept, key=key, new=[version])
        told = yield from self.ask(
            request, "replicate", accept, need=len(self.nodes), patience=self.hint_after
        )
        if self.hinted_handoff and self.goes_on(request):
            missed = [other for other in self.nodes if other.id not in told]
            self.hints[node.id] += [Hint(other, key, version) for other in missed]

    def _hand_off(self, node: Node, turn: int) -> None:
        """Deliver the hints of a node, again and again until each is acknowledged."""
        for hint in self.hints[node.id]:
            accept = partial(self._accept, key=hint.key, new=[hint.version])
            drop, luck = partial(self._drop, node, hint=hint), f"hints of {node.id}"
            self.call(node, [hint.target], "hint", accept, drop, turn=turn - 1, luck=luck)

    def _drop(self, node: Node, target: Node, told: Any, hint: Hint) -> None:
        """The target of a hint has said that it has the version."""
        if hint in self.hints[node.id]:
            self.hints[node.id].remove(hint)

    def _repair(self, request: Request, node: Node, key: Hashable) -> Process:
        """Compare all replicas of a key, and tell each what it lacks."""
        replicas = self.replicas(key)
        held = yield from self.ask(
            request,
            "read repair",
            lambda other: versions_of(other, key),
            need=len(replicas),
            among=lambda other: other.id in replicas,
            patience=self.hint_after,
        )
        newest = self._resolved([version for versions in held.values() for version in versions])
        behind = [self.by_id[each] for each in held if held[each] != newest]
        if newest and behind and self.goes_on(request):
            accept = partial(self._accept, key=key, new=newest)
            among = partial(contains, behind)
            yield from self.ask(
                request, "repair", accept, need=len(behind), among=among, patience=self.hint_after
            )

    def _synchronise(self, node: Node, turn: int) -> None:
        """Exchange all versions with one other node, a different one each round."""
        done, place, size = turn - 1, self.nodes.index(node), len(self.nodes)
        other = self.nodes[(place + 1 + done % (size - 1)) % size]
        swap = partial(self._swap, source=node, theirs=self._common(node, other))
        luck = self.network.draws(done, f"anti-entropy of {node.id}")[place]
        self.send(node.id, [other], "sync", swap, partial(self._accept_all, node), [luck] * size)

    def _swap(self, node: Node, source: Node, theirs: dict[Hashable, Any]) -> Any:
        """Take over what another node has, and answer with what was here before."""
        mine = self._common(node, source)
        self._accept_all(node, source, theirs)
        return mine

    def _common(self, node: Node, other: Node) -> dict[Hashable, Any]:
        """The part of a node's copy that another one is to hold as well."""
        return dict(node.data)

    def _accept_all(self, node: Node, source: Node, data: dict[Hashable, Any]) -> None:
        for key, versions in data.items():
            self._accept(node, key, versions)

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node; its copy and its hints are on disk, and are lost only with its memory."""
        super().crash(node, lose_memory=lose_memory)
        if lose_memory:
            self.hints[node].clear()


def versions_of(node: Node, key: Hashable) -> tuple[Version, ...]:
    """The versions of `key` that a node holds."""
    held: tuple[Version, ...] = node.data.get(key, ())
    return held
