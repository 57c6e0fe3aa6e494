"""How old an old read is: probabilistically bounded staleness, after Bailis et al. (VLDB 2012).

`latencies` says how long messages take, `races` lets a write race against a read, `simulation` runs
many such races, and `paper` has the paper's own table to compare with.
"""

from capkit.staleness.latencies import (
    LNKD_DISK,
    LNKD_SSD,
    PROFILES,
    WAN,
    YMMR,
    ParetoExponential,
    Profile,
)
from capkit.staleness.races import Races
from capkit.staleness.simulation import compare, k_staleness, monotonic_reads, simulate

__all__ = [
    "LNKD_DISK",
    "LNKD_SSD",
    "PROFILES",
    "WAN",
    "YMMR",
    "ParetoExponential",
    "Profile",
    "Races",
    "compare",
    "k_staleness",
    "monotonic_reads",
    "simulate",
]
