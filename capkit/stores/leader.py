"""Consistent under a partition: one elected leader at a time, whose log a majority copies.

message             from, to                 what follows
put(entry)          a client's node, leader  the leader logs it, and answers when it is committed
get(key)            a client's node, leader  the leader answers, perhaps after a majority has
                                             confirmed that it still leads
log(News)           leader, all others       they copy the log, and answer how much of it they
                                             have: `Copied`. What a majority has is committed
vote(Candidacy)     candidate, all others    they answer whether they vote for it: `Ballot`. The
                                             first round is a trial, the second one counts
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import simpy

from capkit._arguments import choice, number
from capkit.history import NodeId
from capkit.network import Network, Node
from capkit.stores.cluster import Process
from capkit.stores.election import Ballot, Candidacy, Election, Member, Waiting
from capkit.stores.log import Entry, Log, LogStore, newest
from capkit.stores.question import Request


class News(NamedTuple):
    """What a leader sends: its log, how much of it is committed, and when it sent this."""

    leader: NodeId
    term: int
    log: Log
    committed: int
    sent: float


class Copied(NamedTuple):
    """The answer to `News`: the node's own term, and how much it has of the log sent then."""

    own_term: int
    term: int
    size: int
    sent: float


class LeaderStore(LogStore):
    """One leader orders all writes in its log, and a majority of the nodes copies it.

    A node that has not heard from a leader for a while asks for votes in a higher term, and a
    majority elects a node whose log is as new as theirs [1]_ [2]_. Nobody votes twice in a term, so
    a term has at most one leader. A deposed leader takes over the new one's log, and rolls back
    what is not in it.

    Parameters
    ----------
    nodes : iterable of Node
        The first leads at the start.
    network : Network, optional
        By default each request to a node is lost with probability 0.2, and sent again.
    acknowledge : {"majority", "leader"}
        Who must have logged a put before it is acknowledged.
    reads : {"confirmed", "lease", "committed", "newest"}
        What a get returns. "confirmed": the leader's newest value, after a majority has confirmed
        that it still leads. "lease": the newest value that a majority has, as long as its
        lease lasts. "committed": the same without any lease. "newest": what the node has logged,
        even if nobody else has.
    read_from : {"leader", "any"}
        Who answers a get: the leader, or the client's own node, which may only answer with what
        is "committed" or "newest" there.
    lease : float
        Ms for which a node that heard the leader lets no other one serve, used by reads="lease".
        Each node measures it on its own timer, and the leader stops early by as much as timers
        may drift.

    Attributes
    ----------
    elections : list of Election
        Who became leader when.

    References
    ----------
    .. [1] Ongaro, Ousterhout, "In Search of an Understandable Consensus Algorithm", ATC 2014.
    .. [2] Liskov, Cowling, "Viewstamped Replication Revisited", MIT 2012: compares logs as here.

    Examples
    --------
    >>> store = LeaderStore([Node(i) for i in range(3)], Network(loss=0.0, rng=7))
    >>> store.network.partition({0}, {1, 2})
    >>> store.wait(500)
    >>> store.put("key", "value", at=1)
    >>> store.elections[-1].node, store.elections[-1].term
    (1, 2)
    >>> store.get("key", at=0)
    Traceback (most recent call last):
        ...
    capkit.Unavailable: get got no answer within 1000 ms: node 0 knows no leader
    """

    beat_every = 25.0
    """Ms between two signs of life of the leader, each of which carries its log.

    It is read when the store is made: a subclass may set another one.
    """

    suspect_after = 150.0
    """Ms of silence after which a node asks for votes; chance adds up to as much again."""

    step_down_after = 500.0
    """Ms without an answer of a majority after which a leader gives up."""

    def __init__(
        self,
        nodes: Iterable[Node],
        network: Network | None = None,
        *,
        acknowledge: str = "majority",
        reads: str = "confirmed",
        read_from: str = "leader",
        lease: float = 300.0,
    ) -> None:
        choice("acknowledge", acknowledge, ("majority", "leader"))
        choice("reads", reads, ("confirmed", "lease", "committed", "newest"))
        choice("read_from", read_from, ("leader", "any"))
        if read_from == "any" and reads in ("confirmed", "lease"):
            rule = "reads must be 'committed' or 'newest' with read_from='any'"
            raise ValueError(f"{rule}, got {reads!r}")
        super().__init__(nodes, network)
        self.acknowledge, self.reads, self.read_from = acknowledge, reads, read_from
        self.lease = number("lease", lease, 0) if reads == "lease" else 0.0
        first, held = self.nodes[0].id, self.lease
        self.members = {id: Member(vote=first, leader=first, promised=held) for id in self.by_id}
        self.members[first].confirmed = dict.fromkeys(self.by_id, 0.0)
        self.elections = [Election(0.0, 1, first)]
        self.every(self.beat_every, self._beat)

    def latest_log(self) -> Log:
        """The newest by rank: nobody without it can be elected next."""
        known = [self.members[node.id] for node in self.nodes if not node.forgot]
        return max(known, key=attrgetter("rank"), default=Member()).log

    # A client's node asks the leader that it knows, or itself.

    def on_put(self, request: Request, key: Hashable, value: Any) -> Process:
        append = partial(self._append, entry=Entry(request.number, key, value))
        yield from self.ask_one(request, append, self._leader_of(request))

    def on_get(self, request: Request, key: Hashable) -> Process:
        def read_here(node: Node) -> Any:
            return self.SILENT if node.forgot else node.get(key)

        if self.read_from == "any":
            asked = self.ask_one(request, read_here, lambda node: node.id == request.at)
        else:
            read = partial(self._read, request=request, key=key)
            asked = self.ask_one(request, read, self._leader_of(request))
        answer = yield from asked
        return answer

    def _leader_of(self, request: Request) -> Callable[[Node], bool]:
        """Picks the node that the client's node takes for the leader when it asks."""
        assert request.at is not None
        here = request.at
        return lambda node: node.id == self.members[here].leader

    # The leader logs a put or looks at a key, and answers as soon as it may.

    def _append(self, node: Node, entry: Entry) -> Any:
        """Log an entry once, and answer when enough nodes have it."""
        if not self._leads(node):
            return self.SILENT
        member = self.members[node.id]
        if entry not in member.log:
            member.log = (*member.log, entry)
            self._show(node)
            self._speak(node, entry.number, "replicate")
        if self.acknowledge == "leader":
            return True
        return self._when(node, True, member.log.index(entry) + 1, -math.inf)

    def _read(self, node: Node, request: Request, key: Hashable) -> Any:
        member = self.members[node.id]
        if not self._leads(node) or (self.reads == "lease" and not self._holds_lease(node)):
            return self.SILENT
        if self.reads != "confirmed":
            return node.get(key)
        answer = newest(member.log).get(key)
        waiting = self._when(node, answer, len(member.log), self.network.timer(node.id))
        self._speak(node, request.number, "confirm")
        return waiting

    def _when(self, node: Node, answer: Any, size: int, since: float) -> simpy.Event:
        """An event that triggers with the answer as soon as the leader may give it."""
        event = self.env.event()
        self.members[node.id].waiting.append(Waiting(answer, size, since, event))
        self._advance(node)
        return event

    def _speak(self, node: Node, turn: int, luck: str) -> None:
        """Send the log to every other node, which is also the leader's sign of life."""
        member, now = self.members[node.id], self.network.timer(node.id)
        news = News(node.id, member.term, member.log, member.committed, now)
        copy, count = partial(self._copy, news=news), partial(self._count, node)
        self.call(node, self.others(node), "log", copy, count, turn=turn, luck=luck)

    def _copy(self, node: Node, news: News) -> Any:
        """Copy the log of a leader, unless it was deposed, and tell it how much is copied."""
        member = self.members[node.id]
        if news.term >= member.term:
            self._follow(node, news.term, news.leader)
        if node.forgot:
            return self.SILENT
        if news.term == member.term:
            if (news.term, len(news.log)) > member.rank:
                member.log, member.log_term = news.log, news.term
            member.committed = max(member.committed, news.committed)
            self._show(node)
        return Copied(member.term, news.term, len(member.log), news.sent)

    def _count(self, node: Node, other: Node, copied: Copied) -> None:
        """Note how much another node has copied, and that it still followed this leader."""
        member = self.members[node.id]
        if copied.own_term > member.term:
            self._follow(node, copied.own_term, None)
        if copied.term == copied.own_term == member.term and self._leads(node):
            before = member.confirmed.get(other.id, -math.inf)
            member.copied[other.id] = max(copied.size, member.copied.get(other.id, 0))
            member.confirmed[other.id] = max(copied.sent, before)
            self._advance(node)

    def _advance(self, node: Node) -> None:
        """Commit what a majority has copied, and give the answers that waited for it."""
        member, now = self.members[node.id], self.network.timer(node.id)
        if not self._leads(node) or now < member.serves_from:
            return
        copied = {**member.copied, node.id: len(member.log)}
        member.committed = max(member.committed, self._majority_has(copied, 0))
        self._show(node)
        confirmed = self._confirmed(node)
        waiting, member.waiting = member.waiting, []
        for each in waiting:
            if each.size <= member.committed and each.since <= confirmed:
                each.event.succeed(each.answer)
            else:
                member.waiting.append(each)

    def _show(self, node: Node) -> None:
        """Let the node's copy hold what its readers may see of the log."""
        member = self.members[node.id]
        size = len(member.log) if self.reads == "newest" else member.committed
        self.show(node, member.log[:size])

    # Who still follows the leader, and for how long.

    def _leads(self, node: Node) -> bool:
        return self.members[node.id].leader == node.id and not node.forgot

    def _holds_lease(self, node: Node) -> bool:
        """Whether no other leader can serve yet: the timers of the others may run fast."""
        member, now = self.members[node.id], self.network.timer(node.id)
        safe = self.lease * (1 - self.network.drift) / (1 + self.network.drift)
        served = now >= member.serves_from and member.committed >= member.inherited
        return served and now < self._confirmed(node) + safe

    def _confirmed(self, node: Node) -> float:
        """The latest time at which a majority surely still followed this leader."""
        here = {node.id: self.network.timer(node.id)}
        return float(self._majority_has(self.members[node.id].confirmed | here, -math.inf))

    def _majority_has(self, reached: dict[NodeId, Any], least: Any) -> Any:
        """The highest that a majority has reached."""
        ranked = sorted((reached.get(each, least) for each in self.by_id), reverse=True)
        return ranked[self.majority - 1]

    # Every node, regularly: the leader gives a sign of life, the others miss it.

    def _beat(self, node: Node, turn: int) -> None:
        if node.forgot:
            return
        if not self._leads(node):
            if self._suspects(node):
                self._canvass(node, turn, trial=True)
            return
        member, now = self.members[node.id], self.network.timer(node.id)
        if now - max(member.heard, self._confirmed(node)) > self.step_down_after:
            member.heard = now
            self._follow(node, member.term, None)
            return
        self._speak(node, turn, f"beat of {node.id}")
        self._advance(node)

    def _suspects(self, node: Node) -> bool:
        """Whether the silence has lasted too long; a random wait keeps two from asking at once."""
        silence, term = self._silence(node), self.members[node.id].term
        if silence < self.suspect_after:
            return False
        luck = self.network.draws(term, f"patience of {node.id}")[0][0]
        return silence > self.suspect_after * (1 + luck)

    # A candidate asks all for their votes, first on trial, and leads if a majority gives them.

    def _canvass(self, node: Node, turn: int, *, trial: bool) -> None:
        member = self.members[node.id]
        self._follow(node, member.term + (not trial), None)
        if not trial:
            member.vote, member.heard = node.id, self.network.timer(node.id)
        asked = Candidacy(node.id, member.term + trial, member.rank, trial)
        votes: dict[NodeId, float] = {}

        def count(voter: Node, ballot: Ballot) -> None:
            if ballot.term > asked.term:
                self._follow(node, ballot.term, None)
            still = member.leader is None and member.term + trial == asked.term
            if ballot.promised is None or node.forgot or not still:
                return
            votes[voter.id] = ballot.promised
            if len(votes) == self.majority and trial:
                self._canvass(node, turn, trial=False)
            elif len(votes) == self.majority:
                self._lead(node, max(votes.values()))

        vote, luck = partial(self._vote, asked=asked), "trial" if trial else "vote"
        purpose = f"{luck} of {node.id}"
        self.call(node, self.others(node), "vote", vote, count, turn=turn, luck=purpose)
        count(node, Ballot(member.term, self._promised(node)))

    def _vote(self, node: Node, asked: Candidacy) -> Any:
        """Vote, or on trial say whether it would; a node that still hears a leader would not."""
        if node.forgot:
            return self.SILENT
        member = self.members[node.id]
        quiet = not self._leads(node) and self._silence(node) >= self.suspect_after
        granted = member.votes_for(asked) and (quiet or not asked.trial)
        if granted and not asked.trial:
            member.vote, member.heard = asked.candidate, self.network.timer(node.id)
        return Ballot(member.term, self._promised(node) if granted else None)

    def _lead(self, node: Node, promised: float) -> None:
        """Begin to lead, and to serve once the voters' promises to an older leader have expired."""
        member, now = self.members[node.id], self.network.timer(node.id)
        slow = (1 + self.network.drift) / (1 - self.network.drift)
        member.leader, member.log_term = node.id, member.term
        member.inherited, member.heard = len(member.log), now
        member.serves_from = now + promised * slow
        member.copied, member.confirmed = {}, {}
        self.elections.append(Election(float(self.env.now), member.term, node.id))
        self._speak(node, member.term, f"first words of {node.id}")
        self._advance(node)

    def _follow(self, node: Node, term: int, leader: NodeId | None) -> None:
        """Take part in a term; note who leads it, and when that leader was last heard."""
        member, now = self.members[node.id], self.network.timer(node.id)
        member.follow(term, leader)
        if leader is not None:
            member.heard, member.promised = now, now + self.lease

    def _silence(self, node: Node) -> float:
        """Ms since the node has heard a leader, or has voted."""
        return self.network.timer(node.id) - self.members[node.id].heard

    def _promised(self, node: Node) -> float:
        """Ms for which it has promised that nobody but the old leader serves."""
        return max(0.0, self.members[node.id].promised - self.network.timer(node.id))

    # What happens to nodes, and what clients are told.

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node; term, vote and log are on disk, and are lost only with its memory."""
        super().crash(node, lose_memory=lose_memory)
        self._follow(self.by_id[node], self.members[node].term, None)
        if lose_memory:
            self.members[node] = Member(log_term=0)

    def restart(self, node: NodeId) -> None:
        """Start it again; it forgot when it last heard a leader, and assumes just now."""
        super().restart(node)
        now = self.network.timer(node)
        self.members[node].heard, self.members[node].promised = now, now + self.lease

    def why_late(self, request: Request) -> str:
        """Say what may be wrong with the leader, as the client's node sees it."""
        assert request.at is not None
        leader = self.members[request.at].leader
        if leader is None:
            return f"node {request.at} knows no leader"
        if request.kind == "get" and self.reads == "lease":
            return f"leader {leader} was not reached, or its lease has ended"
        return f"leader {leader} was not reached, or reached no majority"
