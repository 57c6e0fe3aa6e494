"""Dynamo: no leader, a sloppy quorum, and versions that the application merges."""

from __future__ import annotations

from capkit.stores import LeaderlessStore
from capkit.systems.system import BOTH, FEW, Option, System

SYSTEM = System(
    name="Dynamo",
    letters="AP",
    mechanism="no leader: N replicas on a ring, the next nodes stand in for those that are silent",
    options={
        "n": Option(default=3, values=FEW, meaning="replicas of each key"),
        "r": Option(default=2, values=FEW, meaning="replicas that must answer a get"),
        "w": Option(default=2, values=FEW, meaning="replicas that must acknowledge a put"),
        "sloppy_quorum": Option(
            default=True, values=BOTH, meaning="whether other nodes may stand in for replicas"
        ),
        "reconciliation": Option(
            default="application",
            values=("application", "timestamp"),
            meaning="who settles a conflict: the application, shown all, or the latest clock",
        ),
        "hinted_handoff": Option(
            default=True, values=BOTH, meaning="whether a stand-in hands over what it took"
        ),
        "read_repair": Option(
            default=True, values=BOTH, meaning="whether a get mends the replicas it found outdated"
        ),
        "anti_entropy": Option(
            default=True, values=BOTH, meaning="whether replicas regularly compare themselves"
        ),
    },
    configurations={"sloppy quorum": {}, "strict quorum": {"sloppy_quorum": False}},
    pacelc="PA/EL (Abadi 2012)",
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
