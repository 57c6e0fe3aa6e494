"""Judges of a history: linearizable or not, how available the store, how fresh its answers.

They know what clients saw and nothing of the store that answered them. `linearizability` judges
whether there seems to be one copy that does one thing at a time, and `promises` the weaker promises
below that. `measures` says which share of the requests was answered, and how many answers were
fresh; `ages` how old they were. `overview` puts the numbers and the verdict together.

`verdicts` has what every judge answers, `sentences` how it is put into words, and `smaller` how few
operations it takes to show what is wrong. An `allowance` bounds the work; `numbering` saves some.
"""

from capkit.consistency.ages import Staleness, convergence, staleness
from capkit.consistency.linearizability.models import (
    Appended,
    CasRegister,
    Counter,
    Growing,
    Model,
    Register,
)
from capkit.consistency.linearizability.one_copy import linearizable
from capkit.consistency.measures import availability, freshness, stale
from capkit.consistency.overview import summary
from capkit.consistency.promises.causality import causal
from capkit.consistency.promises.orders import k_atomic, sequential
from capkit.consistency.promises.rungs import RUNGS, Ladder, ladder
from capkit.consistency.promises.sessions import (
    monotonic_reads,
    monotonic_writes,
    read_your_writes,
    writes_follow_reads,
)
from capkit.consistency.verdicts import Verdict

__all__ = [
    "RUNGS",
    "Appended",
    "CasRegister",
    "Counter",
    "Growing",
    "Ladder",
    "Model",
    "Register",
    "Staleness",
    "Verdict",
    "availability",
    "causal",
    "convergence",
    "freshness",
    "k_atomic",
    "ladder",
    "linearizable",
    "monotonic_reads",
    "monotonic_writes",
    "read_your_writes",
    "sequential",
    "stale",
    "staleness",
    "summary",
    "writes_follow_reads",
]
