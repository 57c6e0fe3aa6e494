"""Real databases behind the surface that the simulated stores have, under real faults.

Engines are in `ALL`; each runs in a `with` block, in a temporary folder, behind a secret of its
own. `run` lets the clients of a `Workload` use one while faults strike it, by the clock on the
wall, and returns the same kind of `History` as for a simulated store; `lost` says which
acknowledged puts an audit missed.
What goes wrong: `Partition`, `Crash`, `Pause`, `Slow`, and a failover by hand, `Promote`.
`NotInstalled` says how to get a program that is not here, `StartFailed` what its log said.

One file for each engine, and one line here. `engine` is what they share; `programs` finds what
serves them; `proxy` stands for the cables between nodes; `server` and `guard` start real processes
and leave none behind; `lines` is the protocol of our own servers; `clients` has `run`, and `audit`
has `lost`.
"""

from capkit.engines.audit import lost
from capkit.engines.clients import run, run_or_replay
from capkit.engines.engine import Engine
from capkit.engines.etcd import Etcd
from capkit.engines.postgresql import PostgreSQL
from capkit.engines.programs import NotInstalled
from capkit.engines.redis import Redis
from capkit.engines.server import StartFailed
from capkit.engines.sqlite import SQLite
from capkit.engines.yjs import Yjs
from capkit.network import Promote

ALL: tuple[type[Engine], ...] = (SQLite, PostgreSQL, Etcd, Redis, Yjs)

__all__ = [
    "ALL",
    "Engine",
    "Etcd",
    "NotInstalled",
    "PostgreSQL",
    "Promote",
    "Redis",
    "SQLite",
    "StartFailed",
    "Yjs",
    "lost",
    "run",
    "run_or_replay",
]
