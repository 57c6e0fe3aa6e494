"""What goes wrong, and the network between the nodes that it strikes.

`faults` are what a script can contain (`Partition`, `Crash`, ...), `node` is what stands at the
ends of the cables, and `network` says who reaches whom, how late, and with what luck.
"""

from capkit.network.faults import Crash, Partition, Pause, Promote, Skew, Slow
from capkit.network.network import Network
from capkit.network.node import Node

__all__ = ["Crash", "Network", "Node", "Partition", "Pause", "Promote", "Skew", "Slow"]
