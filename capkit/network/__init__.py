"""What goes wrong, and the network between the nodes that it strikes.

`faults` are what a script can contain (`Partition`, `Crash`, ...); `network` says who reaches whom,
how late, and with what luck.
"""

from capkit.network.faults import Crash, Partition, Pause, Promote, Skew, Slow
from capkit.network.network import Network

__all__ = ["Crash", "Network", "Partition", "Pause", "Promote", "Skew", "Slow"]
