"""The named systems, one file each, and the same trouble for all of them in one table.

A system is data on top of a store of `capkit.stores`: its options in its own words, its sources,
and what it is called. `comparison` lets the same clients use several of them under the same faults.
"""

from capkit.systems.comparison import SCRIPTS, Comparison, Row, Script, freshness_of
from capkit.systems.system import Option, Profile
from capkit.systems.table import NAMES, compare, get

__all__ = [
    "NAMES",
    "SCRIPTS",
    "Comparison",
    "Option",
    "Profile",
    "Row",
    "Script",
    "compare",
    "freshness_of",
    "get",
]
