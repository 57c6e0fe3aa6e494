"""The answers to a failing network: one file for each kind of store.

`store` is what all share, and how to write one of your own; below it, `cluster` is the nodes.
`makers` make a fresh store for each run. `thirty_lines` is the store of
lesson 01; `ca`, `cp` and `ap` are those of lessons 03 to 05. `leader`, `lease` and `leaderless` are
the mechanisms under the named systems of lesson 07; lesson 10 has `counter`, `gossip` and `teller`.
"""

from capkit.network import Node
from capkit.stores.ap import APStore
from capkit.stores.ca import CAStore
from capkit.stores.counter import CounterStore, EscrowStore
from capkit.stores.cp import CPStore
from capkit.stores.gossip import GossipStore
from capkit.stores.leader import LeaderStore
from capkit.stores.leaderless import LeaderlessStore
from capkit.stores.lease import LeaseStore
from capkit.stores.makers import Maker, build, name_of
from capkit.stores.question import Unavailable
from capkit.stores.store import Store
from capkit.stores.teller import TellerStore
from capkit.stores.thirty_lines import DistributedStore

__all__ = [
    "APStore",
    "CAStore",
    "CPStore",
    "CounterStore",
    "DistributedStore",
    "EscrowStore",
    "GossipStore",
    "LeaderStore",
    "LeaderlessStore",
    "LeaseStore",
    "Maker",
    "Node",
    "Store",
    "TellerStore",
    "Unavailable",
    "build",
    "name_of",
]
