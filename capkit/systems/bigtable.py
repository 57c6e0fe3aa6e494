"""Bigtable: one server at a time holds the lock of a tablet."""

from __future__ import annotations

from capkit.network import Network
from capkit.stores import LeaderlessStore, LeaseStore, Node, Store
from capkit.systems.system import BOTH, Option, Options, System


def _bigtable(nodes: list[Node], network: Network, options: Options) -> Store:
    if options["routing"] == "multi-cluster":  # every cluster answers its own clients, at once
        return LeaderlessStore(nodes, network, n=len(nodes), r=1, w=1, sloppy=False)
    return LeaseStore(nodes, network, fencing=options["fencing"])


SYSTEM = System(
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
            values=BOTH,
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
