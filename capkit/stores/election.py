"""Who may lead: what a node that takes part in elections knows, and for whom it votes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import simpy

from capkit.history import NodeId
from capkit.stores.log import Log

Rank: TypeAlias = tuple[int, int]  # of a log: the term of the leader it was copied from, its length


class Candidacy(NamedTuple):
    """A request for votes. A trial only asks whether they would be given, and begins no term."""

    candidate: NodeId
    term: int
    rank: Rank
    trial: bool


class Ballot(NamedTuple):
    """The answer: None for no, else for how many more ms an older leader holds the vote."""

    term: int
    promised: float | None


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
    """What one node knows. Term, vote and log are on its disk, the rest is lost in a crash.

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
    def rank(self) -> Rank:
        """Orders logs by how new they are."""
        return self.log_term, len(self.log)

    def follow(self, term: int, leader: NodeId | None) -> None:
        """Take part in a term, and note who leads it; an older leader's answers are dropped."""
        if term > self.term or leader != self.leader:
            self.waiting.clear()
        if term > self.term:
            self.term, self.vote = term, None
        self.leader = leader

    def votes_for(self, asked: Candidacy) -> bool:
        """Vote once in a term, and only for a node whose log is as new as one's own."""
        if asked.trial:
            return asked.term > self.term and asked.rank >= self.rank
        if asked.term > self.term:
            self.follow(asked.term, None)
        free = asked.term == self.term and self.vote in (None, asked.candidate)
        return free and asked.rank >= self.rank
