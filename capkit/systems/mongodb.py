"""MongoDB: a replica set with elections, write concerns and read concerns."""

from __future__ import annotations

from capkit.network import Network
from capkit.stores import LeaderStore, Node, Store
from capkit.systems.system import Option, Options, System

_READS = {"local": "newest", "majority": "committed", "linearizable": "confirmed"}


def _mongodb(nodes: list[Node], network: Network, options: Options) -> Store:
    concern, nearest = options["read_concern"], options["read_preference"] == "nearest"
    if nearest and concern == "linearizable":
        rule = "read_concern must be 'local' or 'majority' with read_preference='nearest'"
        raise ValueError(f"{rule}, got 'linearizable'")
    return LeaderStore(
        nodes,
        network,
        acknowledge="majority" if options["write_concern"] == "majority" else "leader",
        reads=_READS[concern],
        read_from="any" if nearest else "leader",
    )


SYSTEM = System(
    name="MongoDB",
    letters="CP",
    mechanism="a replica set: an elected primary, whose log the secondaries copy",
    options={
        "write_concern": Option(
            default="majority",
            values=("majority", 1),
            meaning="who has a write before it is acknowledged: a majority, or the primary alone",
        ),
        "read_concern": Option(
            default="local",
            values=tuple(_READS),
            meaning="the node's newest value, what a majority has, or that after asking a majority",
        ),
        "read_preference": Option(
            default="primary",
            values=("primary", "nearest"),
            meaning="who answers a client's reads: the primary, or the nearest member",
        ),
    },
    configurations={
        "majority, linearizable": {"read_concern": "linearizable"},
        "majority, local": {},
        "w: 1, local": {"write_concern": 1},
        "majority, nearest": {"read_concern": "majority", "read_preference": "nearest"},
    },
    pacelc="PA/EC in 2012, with w: 1 (Abadi); with majority and linearizable PC/EC (ours)",
    sources=(
        "MongoDB manual, Read concern, Write concern, Replica set elections",
        "Jepsen: MongoDB 2.4.3 (2013), 2.6.7 (2015), 3.6.4 (2018)",
    ),
    make=_mongodb,
)
