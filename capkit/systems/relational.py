"""A relational database with one primary, as PostgreSQL and MySQL work."""

from __future__ import annotations

from capkit._arguments import count
from capkit.network import Network
from capkit.stores import CAStore, Node, Store
from capkit.systems.system import FEW, Option, Options, System


def _relational(nodes: list[Node], network: Network, options: Options) -> Store:
    standbys, asked = len(nodes) - 1, options["num_sync"]
    waits_for = None if asked == "all" else count("num_sync", asked, 1, standbys)
    return CAStore(
        nodes,
        network,
        synchronous=options["synchronous_commit"] != "local",
        waits_for=waits_for,
        shown_first=options["synchronous_commit"] == "remote_apply",
        on_partition="failover" if options["failover"] == "automatic" else "block",
        read_from=options["target_session_attrs"],
    )


SYSTEM = System(
    name="relational",
    letters="CA",
    mechanism="one primary orders all writes, standbys copy its log (PostgreSQL, MySQL)",
    options={
        "synchronous_commit": Option(
            default="on",
            values=("on", "remote_apply", "local"),
            meaning="a commit waits until standbys have it on disk, until they show it, or not",
        ),
        "num_sync": Option(
            default="all",
            values=("all", *FEW[:5]),
            meaning="how many standbys a commit waits for, as with 'ANY num_sync (*)'",
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
        "hot standby, remote_apply": {
            "target_session_attrs": "any",
            "synchronous_commit": "remote_apply",
        },
    },
    pacelc="PC/EC (Abadi 2012)",
    sources=(
        "PostgreSQL documentation, chapters High Availability, and Write Ahead Log settings",
        "Jepsen: Amazon RDS for PostgreSQL 17.4 (2025)",
    ),
    make=_relational,
)
