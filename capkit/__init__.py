"""The CAP theorem with a store that really fails, and a checker that says what went wrong.

Stores: `DistributedStore` (the thirty-line one), `CAStore`, `CPStore`, `APStore`, each of `Node`s;
your own is a subclass of `Store`.
What fails: `Network` (loss, latency), `Partition`, `Crash`, `Pause`, `Slow`, `Skew`; a client is
then told `Unavailable`.
Histories: `run` lets the clients of a `Workload` use a store; their `History` holds every
`Operation` with its `Outcome`, and `Siblings` where a get found several values.
Judges: `linearizable`, `availability`, `freshness`; more of them in `capkit.consistency`.
Before class: `python -m capkit check` says whether everything works, and what to type if not;
`python -m capkit web OUT` makes the lessons into web pages.
Beside them, to be imported by name: `tradeoff`, `staleness`, `adversary`, `systems`, `engines`,
`plots`, `dashboards`.
"""

from capkit.consistency import availability, freshness, linearizable
from capkit.history import History, Operation, Outcome, Siblings
from capkit.network import Crash, Network, Partition, Pause, Skew, Slow
from capkit.stores import APStore, CAStore, CPStore, DistributedStore, Node, Store, Unavailable
from capkit.workload import Workload, run

__all__ = [
    "APStore",
    "CAStore",
    "CPStore",
    "Crash",
    "DistributedStore",
    "History",
    "Network",
    "Node",
    "Operation",
    "Outcome",
    "Partition",
    "Pause",
    "Siblings",
    "Skew",
    "Slow",
    "Store",
    "Unavailable",
    "Workload",
    "availability",
    "freshness",
    "linearizable",
    "run",
]
