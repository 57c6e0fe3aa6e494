"""Riak: no leader, a sloppy quorum, and siblings, the last writer, or sets that merge."""

from __future__ import annotations

from capkit.network import Network
from capkit.stores import LeaderlessStore, Node, Store
from capkit.systems.system import BOTH, FEW, Option, Options, System, quorum

_WORDS = ("one", "quorum", "all", *FEW)


def _riak(nodes: list[Node], network: Network, options: Options) -> Store:
    n, is_set = options["n_val"], options["data_type"] == "set"
    r, w, pr, pw = (quorum(options[name], n) for name in ("r", "w", "pr", "pw"))
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


SYSTEM = System(
    name="Riak",
    letters="AP",
    mechanism="no leader: Dynamo's ring and stand-ins, version vectors with a dot for each put",
    options={
        "n_val": Option(default=3, values=FEW, meaning="replicas of each key"),
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
            values=BOTH,
            meaning="whether conflicting values are kept (buckets with a type: True)",
        ),
        "notfound_ok": Option(
            default=True, values=BOTH, meaning="whether a not-found answer counts toward r"
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
    pacelc="PA/EL (Abadi 2012)",
    sources=(
        "Riak KV documentation, Replication properties, Conflict resolution, Data types",
        "Kingsbury, Jepsen: Riak (2013)",
    ),
    make=_riak,
)
