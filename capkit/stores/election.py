"""Who leads: terms, votes, and a promise to the old leader that the new one waits out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import simpy

from capkit.history import NodeId
from capkit.network import Network
from capkit.stores.cluster import Process
from capkit.stores.log import Entry
from capkit.stores.node import Node
from capkit.stores.store import Store

Log: TypeAlias = tuple[Entry, ...]


class Election(NamedTuple):
    """From `at` (ms) on, `node` believes that it leads in `term`."""

    at: float
    term: int
    node: NodeId


class Waiting(NamedTuple):
    """An answer that the leader may give once `size` entries are on a majority.

    A read also waits until a majority has answered a message sent at `since` or later.
    """

    answer: Any
    size: int
    since: float
    event: simpy.Event


@dataclass(slots=True, kw_only=True)
class Member:
    """What one node knows. Term, vote and log are on its disk, the rest goes with a crash.

    `log_term` is the term of the leader whose log it last copied. Times are those of its own timer.
    """

    term: int = 1
    vote: NodeId | None = None
    log: Log = ()
    log_term: int = 1
    committed: int = 0
    leader: NodeId | None = None
    heard: float = 0.0
    promised: float = 0.0
    # Of the leader alone: what it took over, from when on it serves, and who answered what.
    inherited: int = 0
    serves_from: float = 0.0
    copied: dict[NodeId, int] = field(default_factory=dict)
    confirmed: dict[NodeId, float] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)

    @property
    def rank(self) -> tuple[int, int]:
        """Orders logs: whose leader is of a later term, then which is longer."""
        return self.log_term, len(self.log)


class ElectedStore(Store):
    """A store whose nodes elect a leader; what the leader does, a subclass says.

    Who hears no leader asks for votes in a higher term, and a majority elects the node whose log is
    as new as theirs. Nobody votes twice in a term, so a term has one leader at the most.
    """

    beat_every = 25.0
    """Ms between two signs of life of the leader, each of which carries its log."""

    suspect_after = 150.0
    """Ms of silence after which a node asks for votes; chance adds up to as much again."""

    step_down_after = 500.0
    """Ms without an answer of a majority after which a leader gives up."""

    def __init__(self, nodes: Iterable[Node], network: Network | None, lease: float) -> None:
        super().__init__(nodes, network)
        self.lease = lease
        first = self.nodes[0].id
        self.members = {
            node.id: Member(vote=first, leader=first, promised=lease) for node in self.nodes
        }
        self.members[first].confirmed = dict.fromkeys(self.by_id, 0.0)
        self.elections = [Election(0.0, 1, first)]
        for node in self.nodes:
            self.env.process(self._beats(node))

    def _speak(self, node: Node, luck: list[list[float]]) -> None:
        """Tell all others that it leads."""
        raise NotImplementedError

    def _advance(self, node: Node) -> None:
        """Do what more nodes than before allow."""
        raise NotImplementedError

    def _follow(self, node: Node, term: int, leader: NodeId | None) -> None:
        """Take part in a term, and note who leads it."""
        replica, now = self.members[node.id], self.network.timer(node.id)
        if term > replica.term or leader != replica.leader:
            replica.waiting.clear()
        if term > replica.term:
            replica.term, replica.vote = term, None
        replica.leader = leader
        if leader is not None:
            replica.heard, replica.promised = now, now + self.lease

    def _confirmed(self, node: Node) -> float:
        """The latest time at which a majority surely still followed this leader."""
        here = {node.id: self.network.timer(node.id)}
        confirmed = {**self.members[node.id].confirmed, **here}
        return float(self._majority_has(confirmed, -math.inf))

    def _majority_has(self, reached: dict[NodeId, Any], least: Any) -> Any:
        """What a majority has reached at least."""
        return sorted((reached.get(each, least) for each in self.by_id), reverse=True)[
            self.majority - 1
        ]

    # How a leader is found.

    def _beats(self, node: Node) -> Process:
        beat = 0
        while True:
            yield self.env.timeout(self.beat_every)
            beat += 1
            if self.awake(node) and not node.forgot:
                if self._leads(node):
                    self._beat(node, beat)
                elif self._suspects(node):
                    self._canvass(node, beat, trial=True)

    def _beat(self, node: Node, beat: int) -> None:
        replica, now = self.members[node.id], self.network.timer(node.id)
        if now - max(replica.heard, self._confirmed(node)) > self.step_down_after:
            replica.heard = now
            self._follow(node, replica.term, None)
            return
        self._speak(node, self.network.draws(beat, f"beat of {node.id}"))
        self._advance(node)

    def _suspects(self, node: Node) -> bool:
        """Whether the silence has lasted too long; chance keeps two nodes from asking at once."""
        silence, term = self._silence(node), self.members[node.id].term
        if silence < self.suspect_after:
            return False
        luck = self.network.draws(term, f"patience of {node.id}")[0][0]
        return silence > self.suspect_after * (1 + luck)

    def _canvass(self, node: Node, turn: int, *, trial: bool) -> None:
        """Ask all for votes; in a trial, whether they would vote, so that no term is wasted."""
        replica = self.members[node.id]
        self._follow(node, replica.term + (not trial), None)
        if not trial:
            replica.vote, replica.heard = node.id, self.network.timer(node.id)
        term = replica.term + trial
        votes: dict[NodeId, float] = {}

        def count(voter: NodeId, its_term: int, promised: float | None) -> None:
            if its_term > term:
                self._follow(node, its_term, None)
            asks = not node.forgot and replica.leader is None and replica.term + trial == term
            if promised is None or not asks:
                return
            votes[voter] = promised
            if len(votes) == self.majority and trial:
                self._canvass(node, turn, trial=False)
            elif len(votes) == self.majority:
                self._lead(node, max(votes.values()))

        luck = self.network.draws(turn, f"{'trial' if trial else 'vote'} of {node.id}")
        for other, row in zip(self.nodes, luck, strict=True):
            if other is not node:
                hear = partial(self._vote, other, node, term, replica.rank, trial, count, row)
                self.network.send("vote", node.id, other.id, hear, row[:2])
        count(node.id, replica.term, self._promised(node))

    def _vote(
        self,
        node: Node,
        candidate: Node,
        term: int,
        rank: tuple[int, int],
        trial: bool,
        count: Any,
        luck: list[float],
    ) -> None:
        """Vote once in a term, and only for a node whose log is as new as one's own."""
        if node.forgot:
            return
        replica = self.members[node.id]
        if trial:
            quiet = not self._leads(node) and self._silence(node) >= self.suspect_after
            granted = quiet and term > replica.term and rank >= replica.rank
        else:
            if term > replica.term:
                self._follow(node, term, None)
            free = term == replica.term and replica.vote in (None, candidate.id)
            granted = free and rank >= replica.rank
            if granted:
                replica.vote, replica.heard = candidate.id, self.network.timer(node.id)
        promised = self._promised(node) if granted else None
        answer = partial(count, node.id, replica.term, promised)
        self.network.send("vote: answer", node.id, candidate.id, answer, luck[2:], reply=True)

    def _lead(self, node: Node, promised: float) -> None:
        """Begin to lead; serve when what the voters promised to an older leader is over."""
        replica, now = self.members[node.id], self.network.timer(node.id)
        slow = (1 + self.network.drift) / (1 - self.network.drift)
        replica.leader, replica.log_term = node.id, replica.term
        replica.inherited, replica.heard = len(replica.log), now
        replica.serves_from = now + promised * slow
        replica.copied, replica.confirmed = {}, {}
        self.elections.append(Election(float(self.env.now), replica.term, node.id))
        self._speak(node, self.network.draws(replica.term, f"first words of {node.id}"))
        self._advance(node)

    def _leads(self, node: Node) -> bool:
        return self.members[node.id].leader == node.id and not node.forgot

    def _silence(self, node: Node) -> float:
        """Ms since the node has heard a leader, or has voted."""
        return self.network.timer(node.id) - self.members[node.id].heard

    def _promised(self, node: Node) -> float:
        """Ms for which it still lets nobody but the old leader serve."""
        return max(0.0, self.members[node.id].promised - self.network.timer(node.id))

    # What happens to nodes.

    def crash(self, node: NodeId, *, lose_memory: bool) -> None:
        """Stop a node; term, vote and log are on disk, and go only with its memory."""
        super().crash(node, lose_memory=lose_memory)
        self._follow(self.by_id[node], self.members[node].term, None)
        if lose_memory:
            self.members[node] = Member(log_term=0)

    def restart(self, node: NodeId) -> None:
        """Start it again; it no longer knows whom it has heard when, and assumes just now."""
        super().restart(node)
        now = self.network.timer(node)
        self.members[node].heard, self.members[node].promised = now, now + self.lease
