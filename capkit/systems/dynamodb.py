"""DynamoDB: an elected leader with a lease, and reads that may skip it."""

from __future__ import annotations

from capkit.stores import LeaderStore
from capkit.systems.system import BOTH, Option, System

SYSTEM = System(
    name="DynamoDB",
    letters="CP",
    mechanism="an elected leader with a lease; a write is acknowledged once a quorum has logged it",
    options={
        "consistent_read": Option(
            default=False,
            values=BOTH,
            meaning="a strong read at the leader, or an eventually consistent one at any replica",
        ),
    },
    configurations={"strong reads": {"consistent_read": True}, "default reads": {}},
    pacelc="with strong reads PC/EC, by default PC/EL (both ours)",
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
