"""Real databases behind the surface that the simulated stores have, under real faults.

One file for each engine. `engine` is what they share; `proxy` stands for the cables between nodes;
`server` and `guard` start real processes and leave none behind; `clients` lets the clients of a
workload use an engine, by the clock on the wall.
"""

from capkit.engines.clients import run, run_or_replay
from capkit.engines.engine import Engine
from capkit.engines.etcd import Etcd
from capkit.engines.postgresql import PostgreSQL
from capkit.engines.redis import Redis
from capkit.engines.server import NotInstalled, StartFailed
from capkit.engines.sqlite import SQLite
from capkit.network import Promote

__all__ = [
    "Engine",
    "Etcd",
    "NotInstalled",
    "PostgreSQL",
    "Promote",
    "Redis",
    "SQLite",
    "StartFailed",
    "run",
    "run_or_replay",
]
