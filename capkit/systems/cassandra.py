"""Cassandra: no leader, a consistency level for each request, and the last writer wins.

Here the coordinator's clock stamps a write. Today's drivers stamp it on the client by default; a
client's clock can be wrong as well, and what follows is the same.
"""

from __future__ import annotations

from capkit.network import Network
from capkit.stores import LeaderlessStore, Node, Store
from capkit.systems.system import BOTH, FEW, Option, Options, System, quorum


def _cassandra(nodes: list[Node], network: Network, options: Options) -> Store:
    n = options["replication_factor"]
    wait = quorum(options["consistency"].lower(), n)
    return LeaderlessStore(
        nodes,
        network,
        n=n,
        r=wait,
        w=wait,
        sloppy=False,
        hinted_handoff=options["hinted_handoff"],
        read_repair=options["read_repair"].lower(),
        anti_entropy=False,  # `nodetool repair` is run by hand
    )


SYSTEM = System(
    name="Cassandra",
    letters="AP",
    mechanism="no leader: a write goes to all replicas, the level says for how many to wait",
    options={
        "replication_factor": Option(default=3, values=FEW, meaning="replicas of each key"),
        "consistency": Option(
            default="ONE",
            values=("ONE", "QUORUM", "ALL"),
            meaning="replicas that must answer a read, and a write",
        ),
        "read_repair": Option(
            default="BLOCKING",
            values=("BLOCKING", "NONE"),
            meaning="whether a read mends outdated replicas before it answers",
        ),
        "hinted_handoff": Option(
            default=True,
            values=BOTH,
            meaning="whether the coordinator keeps what a replica missed",
        ),
    },
    configurations={
        "ONE": {},
        "QUORUM": {"consistency": "QUORUM"},
        "QUORUM, no repair": {"consistency": "QUORUM", "read_repair": "NONE"},
        "ALL": {"consistency": "ALL"},
    },
    pacelc="PA/EL (Abadi 2012)",
    sources=(
        "Lakshman, Malik, Cassandra, LADIS 2009",
        "Apache Cassandra documentation, Dynamo, Read repair, Hints",
    ),
    make=_cassandra,
)
