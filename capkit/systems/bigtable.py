"""Bigtable-like, with Chubby's sequencer: one server at a time serves a tablet.

In Bigtable a tablet *server* locks a Chubby file of its own, and the master deletes that file
before it gives the server's tablets to others (Chang et al. 2006, section 5.2). Here the lock is
the tablet's. That a log refuses the sequencer of an older lock is Chubby's offer (Burrows 2006,
section 2.4); that Bigtable takes it up, no paper says.
"""

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
    mechanism="one server at a time has a tablet's lock; the log checks Chubby's sequencer",
    options={
        "routing": Option(
            default="single-cluster",
            values=("single-cluster", "multi-cluster"),
            meaning="one cluster, or copies of which the nearest answers (Cloud Bigtable)",
        ),
        "fencing": Option(
            default=True,
            values=BOTH,
            meaning="whether the log checks sequencers (Chubby's; of Bigtable no paper says it)",
        ),
    },
    configurations={
        "one cluster": {},
        "replicated": {"routing": "multi-cluster"},
    },
    pacelc="PC/EC (Abadi 2012, of BigTable and HBase)",
    sources=(
        "Chang et al., Bigtable, OSDI 2006",
        "Burrows, The Chubby Lock Service, OSDI 2006",
        "Cloud Bigtable documentation, Replication overview",
    ),
    make=_bigtable,
)
