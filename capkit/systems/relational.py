"""A relational database with one primary, as PostgreSQL and MySQL work."""

from __future__ import annotations

from capkit.stores import CAStore
from capkit.systems.system import Option, System

SYSTEM = System(
    name="relational",
    letters="CA",
    mechanism="one primary orders all writes, standbys copy its log (PostgreSQL, MySQL)",
    options={
        "synchronous_commit": Option(
            default="on",
            values=("on", "remote_apply", "local"),
            meaning="a commit waits until every standby has it on disk, until every one shows it, "
            "or for no standby",
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
    make=lambda nodes, network, options: CAStore(
        nodes,
        network,
        synchronous=options["synchronous_commit"] != "local",
        shown_first=options["synchronous_commit"] == "remote_apply",
        on_partition="failover" if options["failover"] == "automatic" else "block",
        read_from=options["target_session_attrs"],
    ),
)
