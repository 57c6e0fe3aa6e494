"""The seven systems of the lessons, as their papers and handbooks describe them.

Times are scaled down: what takes a product ten seconds takes these stores some 300 ms, so that a
class sees it happen in a picture of two seconds.
"""

from __future__ import annotations

from capkit.network import Network
from capkit.stores import CAStore, LeaderlessStore, LeaderStore, LeaseStore, Node, Store
from capkit.systems.system import Option, Options, Profile

_BOTH = (True, False)
_FEW = tuple(range(1, 7))
_WORDS = ("one", "quorum", "all", *_FEW)

RELATIONAL = Profile(
    name="relational",
    letters="CA",
    mechanism="one primary orders all writes, standbys copy its log (PostgreSQL, MySQL)",
    options={
        "synchronous_commit": Option(
            default="on",
            values=("on", "local"),
            meaning="who has a commit before it is acknowledged: every standby, or nobody else",
        ),
        "failover": Option(
            default="manual",
            values=("manual", "automatic"),
            meaning="whether a tool promotes a standby when the primary is silent",
        ),
        "target_session_attrs": Option(
            default="primary",
            values=("primary", "any"),
            meaning="who answers a client's reads: the primary, or a hot standby too",
        ),
    },
    configurations={
        "synchronous": {},
        "asynchronous": {"synchronous_commit": "local"},
        "asynchronous, failover": {"synchronous_commit": "local", "failover": "automatic"},
        "hot standby": {"target_session_attrs": "any"},
    },
    pacelc="PC/EC",
    sources=(
        "PostgreSQL documentation, chapters High Availability, and Write Ahead Log settings",
        "Jepsen: Amazon RDS for PostgreSQL 17.4 (2025)",
    ),
    make=lambda nodes, network, options: CAStore(
        nodes,
        network,
        synchronous=options["synchronous_commit"] == "on",
        on_partition="failover" if options["failover"] == "automatic" else "block",
        read_from=options["target_session_attrs"],
    ),
)


def _bigtable(nodes: list[Node], network: Network, options: Options) -> Store:
    if options["routing"] == "multi-cluster":  # every cluster answers its own clients, at once
        return LeaderlessStore(nodes, network, n=len(nodes), r=1, w=1, sloppy=False)
    return LeaseStore(nodes, network, fencing=options["fencing"])


BIGTABLE = Profile(
    name="Bigtable",
    letters="CP",
    mechanism="one server at a time holds the lock of a tablet, for a lease; the log is shared",
    options={
        "routing": Option(
            default="single-cluster",
            values=("single-cluster", "multi-cluster"),
            meaning="one cluster, or copies of which the nearest answers (Cloud Bigtable)",
        ),
        "fencing": Option(
            default=True,
            values=_BOTH,
            meaning="whether the log refuses older lock generations (False: see what breaks)",
        ),
    },
    configurations={
        "one cluster": {},
        "replicated": {"routing": "multi-cluster"},
    },
    pacelc="PC/EC",
    sources=(
        "Chang et al., Bigtable, OSDI 2006",
        "Burrows, The Chubby Lock Service, OSDI 2006",
        "Cloud Bigtable documentation, Replication overview",
    ),
    make=_bigtable,
)

DYNAMODB = Profile(
    name="DynamoDB",
    letters="CP",
    mechanism="an elected leader with a lease; a write is acknowledged once a quorum has logged it",
    options={
        "consistent_read": Option(
            default=False,
            values=_BOTH,
            meaning="a strong read at the leader, or an eventually consistent one at any replica",
        ),
    },
    configurations={"strong reads": {"consistent_read": True}, "default reads": {}},
    pacelc="PC/EC with strong reads, PC/EL by default",
    sources=(
        "Elhemali et al., Amazon DynamoDB, USENIX ATC 2022",
        "DynamoDB documentation, Read consistency",
    ),
    make=lambda nodes, network, options: (
        LeaderStore(nodes, network, reads="lease")
        if options["consistent_read"]
        else LeaderStore(nodes, network, reads="committed", read_from="any")
    ),
)

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


MONGODB = Profile(
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
    pacelc="PA/EC by default (Abadi 2012), PC/EC with majority and linearizable",
    sources=(
        "MongoDB manual, Read concern, Write concern, Replica set elections",
        "Jepsen: MongoDB 2.4.3 (2013), 2.6.7 (2015), 3.6.4 (2018)",
    ),
    make=_mongodb,
)

DYNAMO = Profile(
    name="Dynamo",
    letters="AP",
    mechanism="no leader: N replicas on a ring, the next nodes stand in for those that are silent",
    options={
        "n": Option(default=3, values=_FEW, meaning="replicas of each key"),
        "r": Option(default=2, values=_FEW, meaning="replicas that must answer a get"),
        "w": Option(default=2, values=_FEW, meaning="replicas that must acknowledge a put"),
        "sloppy_quorum": Option(
            default=True, values=_BOTH, meaning="whether other nodes may stand in for replicas"
        ),
        "reconciliation": Option(
            default="application",
            values=("application", "timestamp"),
            meaning="who settles a conflict: the application, shown all, or the latest clock",
        ),
        "hinted_handoff": Option(
            default=True, values=_BOTH, meaning="whether a stand-in hands over what it took"
        ),
        "read_repair": Option(
            default=True, values=_BOTH, meaning="whether a get mends the replicas it found outdated"
        ),
        "anti_entropy": Option(
            default=True, values=_BOTH, meaning="whether replicas regularly compare themselves"
        ),
    },
    configurations={"sloppy quorum": {}, "strict quorum": {"sloppy_quorum": False}},
    pacelc="PA/EL",
    sources=("DeCandia et al., Dynamo, SOSP 2007",),
    make=lambda nodes, network, options: LeaderlessStore(
        nodes,
        network,
        n=options["n"],
        r=options["r"],
        w=options["w"],
        sloppy=options["sloppy_quorum"],
        resolve="siblings" if options["reconciliation"] == "application" else "lww",
        hinted_handoff=options["hinted_handoff"],
        read_repair="background" if options["read_repair"] else "none",
        anti_entropy=options["anti_entropy"],
    ),
)


def _cassandra(nodes: list[Node], network: Network, options: Options) -> Store:
    n = options["replication_factor"]
    wait = _quorum(options["consistency"].lower(), n)
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


CASSANDRA = Profile(
    name="Cassandra",
    letters="AP",
    mechanism="no leader: a write goes to all replicas, the level says for how many to wait",
    options={
        "replication_factor": Option(default=3, values=_FEW, meaning="replicas of each key"),
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
            values=_BOTH,
            meaning="whether the coordinator keeps what a replica missed",
        ),
    },
    configurations={
        "ONE": {},
        "QUORUM": {"consistency": "QUORUM"},
        "QUORUM, no repair": {"consistency": "QUORUM", "read_repair": "NONE"},
        "ALL": {"consistency": "ALL"},
    },
    pacelc="PA/EL",
    sources=(
        "Lakshman, Malik, Cassandra, LADIS 2009",
        "Apache Cassandra documentation, Dynamo, Read repair, Hints",
    ),
    make=_cassandra,
)


def _riak(nodes: list[Node], network: Network, options: Options) -> Store:
    n, is_set = options["n_val"], options["data_type"] == "set"
    r, w, pr, pw = (_quorum(options[name], n) for name in ("r", "w", "pr", "pw"))
    return LeaderlessStore(
        nodes,
        network,
        n=n,
        r=r,
        w=w,
        pr=pr,
        pw=pw,
        resolve="siblings" if options["allow_mult"] or is_set else "lww",
        collect=is_set,
        read_repair="background",
        notfound_ok=options["notfound_ok"],
    )


RIAK = Profile(
    name="Riak",
    letters="AP",
    mechanism="no leader: Dynamo's ring and stand-ins, version vectors with dots",
    options={
        "n_val": Option(default=3, values=_FEW, meaning="replicas of each key"),
        "r": Option(default="quorum", values=_WORDS, meaning="nodes that must answer a get"),
        "w": Option(default="quorum", values=_WORDS, meaning="nodes that must acknowledge a put"),
        "pr": Option(
            default=0, values=(0, *_WORDS), meaning="how many of r must be the key's own replicas"
        ),
        "pw": Option(
            default=0, values=(0, *_WORDS), meaning="how many of w must be the key's own replicas"
        ),
        "allow_mult": Option(
            default=False,
            values=_BOTH,
            meaning="whether conflicting values are kept (buckets with a type: True)",
        ),
        "notfound_ok": Option(
            default=True, values=_BOTH, meaning="whether a not-found answer counts toward r"
        ),
        "data_type": Option(
            default=None, values=(None, "set"), meaning="a set takes up each value that is put"
        ),
    },
    configurations={
        "last write wins": {},
        "siblings": {"allow_mult": True},
        "set": {"data_type": "set"},
        "PR = PW = quorum": {"pr": "quorum", "pw": "quorum"},
    },
    pacelc="PA/EL",
    sources=(
        "Riak KV documentation, Replication properties, Conflict resolution, Data types",
        "Kingsbury, Jepsen: Riak (2013)",
    ),
    make=_riak,
)


def _quorum(word: str | int, n: int) -> int:
    """How many of n replicas a word asks for."""
    return {"one": 1, "quorum": n // 2 + 1, "all": n}[word] if isinstance(word, str) else word


PROFILES = (RELATIONAL, BIGTABLE, DYNAMODB, MONGODB, DYNAMO, CASSANDRA, RIAK)
