"""The named systems, one file each, and a table of what they do under the same faults.

A system is data on top of a store of `capkit.stores`: its options in its own words, its sources,
and what it is called. `get` returns it, its `build` makes a store with any of its options, and
`compare` lets the same clients use several of them, or stores of your own, under the same faults.
"""

from importlib import import_module

from capkit._arguments import choice
from capkit.systems.comparison import SCRIPTS, Comparison, Row, Script, freshness_of
from capkit.systems.system import Option, System
from capkit.systems.table import compare

_FILES = (
    "relational",
    "bigtable",
    "dynamodb",
    "mongodb",
    "dynamo",
    "cassandra",
    "riak",
)

ALL: tuple[System, ...] = tuple(import_module(f"{__name__}.{each}").SYSTEM for each in _FILES)
"""The systems that are usually named: one is called CA, three CP, three AP."""

NAMES = tuple(system.name for system in ALL)


def get(name: str) -> System:
    """The system of a name.

    Raises
    ------
    ValueError
        If there is none of that name; the names are listed.

    Examples
    --------
    >>> get("MongoDB").letters
    'CP'
    >>> store = get("MongoDB").build(rng=7, read_concern="linearizable")
    >>> store.put("key", "value")
    >>> store.get("key")
    'value'
    """
    return ALL[NAMES.index(choice("name", name, NAMES))]


__all__ = [
    "ALL",
    "NAMES",
    "SCRIPTS",
    "Comparison",
    "Option",
    "Row",
    "Script",
    "System",
    "compare",
    "freshness_of",
    "get",
]
