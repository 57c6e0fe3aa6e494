"""Without a leader: any node coordinates, n nodes hold each key, r or w of them must answer.

    message           from, to                       what follows
    get(key)          a coordinator, the replicas    they answer with their versions, until r have
    put(version)      a coordinator, the replicas    they merge it and acknowledge, until w have
    context(key)      a coordinator, the replicas    before a put of siblings: what it replaces
    ...: stand in     a coordinator, other nodes     the next ones on the ring, instead of replicas
                                                     that are silent; they keep hints
    repair            a coordinator, replicas        after a get: what they lack

Hints, background repair and anti-entropy are those of `ap`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from operator import contains
from typing import Any, TypeAlias
from zlib import crc32

from capkit._arguments import choice, count, flag
from capkit.history import NodeId
from capkit.network import Network, Node
from capkit.stores.ap import APStore, Hint, Version, versions_of
from capkit.stores.cluster import Process, checked
from capkit.stores.question import Answers, Question, Request

Demand: TypeAlias = tuple[str, list[NodeId], int]  # in words: of which nodes how many must answer


class Round(Question):
    """A question to the replicas of a key, and to those that stand in for them.

    `asked` maps each node that is asked to the replica that it is or stands in for. `version` is
    what a put writes; other questions only read. `given_up` are replicas without any stand-in.
    """

    def __init__(
        self,
        store: LeaderlessStore,
        request: Request,
        purpose: str,
        key: Hashable,
        version: Version | None,
        demands: list[Demand],
    ) -> None:
        handle, enough = partial(store.handle, asked=self), partial(store.enough, self)
        super().__init__(store, request, purpose, handle, enough, self._among)
        self.key, self.version, self.demands = key, version, demands
        ring = store.preference(key)
        self.asked = {replica: replica for replica in ring[: store.n]}
        self.spare = ring[store.n :] * store.sloppy
        self.given_up: list[NodeId] = []

    def _among(self, node: Node) -> bool:
        return node.id in self.asked

    def silent(self) -> list[NodeId]:
        """Replicas that have not answered, and whose stand-ins have not either."""
        settled = [*self.given_up, *(self.asked[node] for node in self.answers)]
        return [each for each in dict.fromkeys(self.asked.values()) if each not in settled]


class LeaderlessStore(APStore):
    """Each key has n replicas; a put waits for w of them and a get for r: Dynamo and its heirs.

    The replicas of a key are the n nodes that follow its place on a ring. Any node coordinates for
    its own clients: it asks all n, and again, until enough have answered or their time is up.

    Parameters
    ----------
    nodes : iterable of Node
        At least n, with different ids, in the order of the ring.
    network : Network, optional
        By default each request to a node is lost with probability 0.2, and sent again.
    n, r, w : int
        Replicas of each key; answers that a get and a put wait for. 1 <= r, w <= n.
    pr, pw : int
        How many answers must come from the key's own replicas, in 0..n. What a put has stored
        remains, even if too few of them answer.
    sloppy : bool
        True: the next nodes on the ring stand in for replicas that are silent for `hint_after` ms,
        and keep the version with a hint until the replica has it. False (strict): only the
        key's replicas count, and the coordinator keeps the hints.
    resolve : {"lww", "siblings"}
        What a replica keeps: the version with the latest time on its coordinator's clock (last
        writer wins), or all that no other one follows. A put then first learns what one replica
        holds, as a client that reads before it writes.
    merge : callable, optional
        With siblings: makes one value of a tuple of them when they are read.
    collect : bool
        With siblings: puts add their values to a set that only grows, and gets return the set.
    hinted_handoff, anti_entropy : bool
        As in `APStore`; two nodes compare the keys that both are replicas of.
    read_repair : {"blocking", "background", "none"}
        "blocking": a get brings those that it waited for up to date before it answers, so that
        with r > n / 2 no later get sees an older version. "background": it compares all meanwhile.
    notfound_ok : bool
        Whether an answer "not found" counts. Otherwise it does only when n nodes have answered.

    Notes
    -----
    `lost` judges what a put follows: with siblings, all that its coordinator knew; with "lww", what
    it replaced where its coordinator sent it. What a hint or a repair alone replaces is lost.

    References
    ----------
    .. [1] DeCandia et al., "Dynamo: Amazon's Highly Available Key-value Store", SOSP 2007.
    .. [2] Apache Cassandra documentation, "Dynamo" and "Read repair".
    .. [3] Riak KV documentation, "Replication Properties" and "Causal Context".

    Examples
    --------
    >>> nodes = [Node(i) for i in range(6)]
    >>> store = LeaderlessStore(nodes, Network(rng=7), resolve="siblings")
    >>> store.network.partition({0, 2, 4}, {1, 3, 5})
    >>> store.put("cart", "milk", at=0)
    >>> store.put("cart", "eggs", at=1)
    >>> store.network.heal()
    >>> store.wait(2_000)
    >>> store.get("cart", at=5)
    Siblings('milk', 'eggs')
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        network: Network | None = None,
        *,
        n: int = 3,
        r: int = 2,
        w: int = 2,
        pr: int = 0,
        pw: int = 0,
        sloppy: bool = True,
        resolve: str = "lww",
        merge: Callable[[tuple[Any, ...]], Any] | None = None,
        collect: bool = False,
        hinted_handoff: bool = True,
        read_repair: str = "blocking",
        anti_entropy: bool = True,
        notfound_ok: bool = True,
    ) -> None:
        nodes = checked(nodes)
        self.n = count("n", n, 1, len(nodes) or math.inf)
        self.r, self.w = count("r", r, 1, self.n), count("w", w, 1, self.n)
        self.pr, self.pw = count("pr", pr, 0, self.n), count("pw", pw, 0, self.n)
        choice("read_repair", read_repair, ("blocking", "background", "none"))
        if flag("collect", collect) and (resolve != "siblings" or merge is not None):
            rule = "collect must be False unless resolve='siblings' without merge"
            raise ValueError(f"{rule}, got {collect!r}")
        super().__init__(
            nodes,
            network,
            resolve=resolve,
            merge=merge,
            hinted_handoff=hinted_handoff,
            anti_entropy=anti_entropy,
        )
        self.sloppy, self.collect = flag("sloppy", sloppy), collect
        self.notfound_ok = flag("notfound_ok", notfound_ok)
        self.read_repair = read_repair
        self.issued: dict[NodeId, dict[Hashable, Version]] = {node: {} for node in self.by_id}

    def preference(self, key: Hashable) -> list[NodeId]:
        """All nodes, along the ring from the key's place on: first its n replicas."""
        ids = list(self.by_id)
        place = crc32(str(key).encode()) % len(ids)
        return ids[place:] + ids[:place]

    def replicas(self, key: Hashable) -> list[NodeId]:
        """The n nodes that are to hold a copy of `key`."""
        return self.preference(key)[: self.n]

    def converged(self) -> bool:
        """Whether all live replicas of each key hold the same versions, and no hint waits."""
        for key in {key for node in self.nodes for key in node.data}:
            up = [node for node in self.nodes if node.id in self.replicas(key) and node.up]
            if any(versions_of(node, key) != versions_of(up[0], key) for node in up):
                return False
        return not any(self.hints.values())

    # What a client's node does.

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        node = self._coordinated_by(request)
        known = yield from self._context(request, node, key)
        version = self._next_version(request, node, known, value)
        self.issued[node.id][key] = version
        yield from self._ask_replicas(request, "w", key, version)
        yield from self._answer(request)

    def _context(self, request: Request, node: Node, key: Hashable) -> Process:
        """What a put replaces: what a replica holds, and what its coordinator wrote last.

        Version vectors count the coordinator's puts, so each must follow the ones before it.
        """
        if self.resolve == "lww" or self.collect:
            return ()
        if request.context is not None:
            return request.context
        known = versions_of(node, key)
        if node.id not in self.replicas(key):
            asked = yield from self._ask_replicas(request, "context", key)
            known = next(iter(asked.answers.values()))
        last = self.issued[node.id].get(key)
        return known if last is None else (*known, last)

    def on_get(self, request: Request, key: Hashable) -> Process:
        asked = yield from self._ask_replicas(request, "r", key)
        newest = self._resolved([version for held in asked.answers.values() for version in held])
        if self.read_repair == "blocking":
            yield from self._write_back(asked, newest)
        elif self.read_repair == "background":
            node = self._coordinated_by(request)
            self.env.process(self._repair(replace(request, timeout=math.inf), node, key))
        yield from self._answer(request)
        return self._told(request, newest)

    def _write_back(self, asked: Round, newest: Sequence[Version]) -> Process:
        """Bring all that have answered up to date, and wait until they are."""
        behind = [node for node, held in asked.answers.items() if held != newest]
        among = partial(contains, [self.by_id[each] for each in behind])
        keep = partial(self._keep, asked=asked, new=newest)
        asked.demands[:] = [("all answers to agree", behind, len(behind))]
        if behind:
            yield from self.ask(
                asked.request,
                "repair",
                keep,
                need=len(behind),
                among=among,
                refusal=partial(self._why_late, asked.request, asked.demands),
            )

    def _shown(self, versions: Sequence[Version]) -> Any:
        if self.collect:
            return frozenset(version.value for version in versions)
        return super()._shown(versions)

    # How a coordinator talks to the replicas of a key, and to those that stand in for them.

    def _ask_replicas(
        self, request: Request, letter: str, key: Hashable, new: Version | None = None
    ) -> Process:
        """Ask until enough (r, w, or else one) have answered; `new` is the version of a put."""
        ring = self.preference(key)
        replicas, able = ring[: self.n], ring if self.sloppy else ring[: self.n]
        kinds = {"r": ("get", self.r, self.pr), "w": ("put", self.w, self.pw)}
        purpose, needed, own = kinds.get(letter, (letter, 1, 0))
        amount = f"{letter}={needed}" if letter in kinds else "the versions of one"
        names = f"of the {self.n} replicas {', '.join(map(str, replicas))}"
        words = f"{amount} {names}{' or their stand-ins' * self.sloppy}"
        themselves = f"p{letter}={own} {names} themselves"
        demands = [(themselves, replicas, own), (words, able, needed)]
        asked = Round(self, request, purpose, key, new, demands)
        self._later(asked)
        yield from asked.wait(partial(self._why_late, request, demands))
        return asked

    def enough(self, asked: Round, answers: Answers) -> bool:
        """Whether the answers to a question meet all demands."""
        counted = list(answers)
        if asked.purpose == "get" and not self.notfound_ok and len(counted) < self.n:
            counted = [node for node in counted if answers[node]]
        return all(
            sum(node in nodes for node in counted) >= needed for _, nodes, needed in asked.demands
        )

    def _later(self, asked: Round) -> None:
        # A coordinator that stands still finds nobody silent before it is awake.
        act = partial(self._replace_silent, asked)
        awake = partial(self.network.when_awake, asked.request.at, act)
        self.network.after(self.hint_after, awake)

    def _replace_silent(self, asked: Round) -> None:
        """Ask the next nodes on the ring instead; if there is none, keep the hint here."""
        if not self._runs(asked.request) or (asked.done.triggered and not asked.version):
            return
        fresh: list[Node] = []
        for replica in asked.silent():
            if asked.spare:
                fresh.append(self.by_id[asked.spare.pop(0)])
                asked.asked[fresh[-1].id] = replica
            else:
                asked.given_up.append(replica)
                if asked.version and self.hinted_handoff:
                    here = self._coordinated_by(asked.request).id
                    self.hints[here].append(Hint(self.by_id[replica], asked.key, asked.version))
        asked.send(fresh, f"{asked.purpose}: stand in", len(asked.spare))
        if asked.silent():
            self._later(asked)

    def _why_late(self, request: Request, demands: list[Demand], answers: Answers) -> str:
        timeout = request.timeout
        for words, nodes, needed in demands:
            silent = [str(node) for node in nodes if node not in answers]
            if len(nodes) - len(silent) < needed:
                said = f"{request.kind} needed {words}, but {', '.join(silent)} did not answer"
                return f"{said} within {timeout:g} ms"
        return f"{request.kind} got no answer from node {request.at} within {timeout:g} ms"

    # What a replica or its stand-in does with versions.

    def handle(self, node: Node, asked: Round) -> Any:
        """Say what the node holds, or take a put, and note which earlier ones it replaces here."""
        if not asked.version:
            return versions_of(node, asked.key)
        self._keep(node, asked, [asked.version])
        put = asked.version.origin
        # With a clock that is ahead it may replace one that began later: that one is lost.
        replaced = put.replaced.get(node.id, ())
        put.follows += [each for each in replaced if each.began <= put.began]
        for held in versions_of(node, asked.key) if self.resolve == "lww" else ():
            if put.began < held.origin.began:  # a put that began earlier only arrived late
                held.origin.follows.append(put)
        return True

    def _keep(self, node: Node, asked: Round, new: Sequence[Version]) -> bool:
        self._accept(node, asked.key, new)
        target = self.by_id[asked.asked[node.id]]
        if node is not target and self.hinted_handoff:
            hints = [Hint(target, asked.key, version) for version in new]
            self.hints[node.id] += [hint for hint in hints if hint not in self.hints[node.id]]
        return True

    def _accept(self, node: Node, key: Hashable, new: Sequence[Version]) -> bool:
        before = versions_of(node, key)
        super()._accept(node, key, new)
        if self.resolve == "lww" and before != (after := versions_of(node, key)):
            # A repair may come before the put itself; that still replaces what was there.
            after[0].origin.replaced[node.id] = [version.origin for version in before]
        return True

    def _resolved(self, versions: Sequence[Version]) -> tuple[Version, ...]:
        if self.collect:
            distinct = {version.stamp: version for version in versions}
            return tuple(distinct[stamp] for stamp in sorted(distinct))
        return super()._resolved(versions)

    def _drop(self, node: Node, target: Node, told: Any, hint: Hint) -> None:
        """Drop a hint that was delivered, and with the last one the copy of a stand-in."""
        super()._drop(node, target, told, hint)
        waits = any(other.key == hint.key for other in self.hints[node.id])
        if not waits and hint.key in node.data and node.id not in self.replicas(hint.key):
            self.erase(node, hint.key)

    def _common(self, node: Node, other: Node) -> dict[Hashable, Any]:
        """A node's copies of the keys of which another one is a replica as well."""
        pair = {node.id, other.id}
        return {key: held for key, held in node.data.items() if pair <= set(self.replicas(key))}

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node: it no longer knows which versions it has issued."""
        super().crash(node, lose_memory=lose_memory)
        self.issued[node].clear()
