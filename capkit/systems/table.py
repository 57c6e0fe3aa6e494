"""The named systems, and the same trouble for all of them in one table.

A label is one configuration of a mechanism. `get` returns a system's profile, whose `build` makes a
store with any of its options; `compare` runs configurations through scripts of faults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from capkit._arguments import RandomState, choice
from capkit.systems.bigtable import BIGTABLE
from capkit.systems.cassandra import CASSANDRA
from capkit.systems.comparison import NODES, SCRIPTS, Comparison, Row, Script, judged, observe
from capkit.systems.dynamo import DYNAMO
from capkit.systems.dynamodb import DYNAMODB
from capkit.systems.mongodb import MONGODB
from capkit.systems.relational import RELATIONAL
from capkit.systems.riak import RIAK
from capkit.systems.system import Option, Profile

__all__ = ["NAMES", "SCRIPTS", "Comparison", "Option", "Profile", "Row", "Script", "compare", "get"]

Configuration: TypeAlias = str | tuple[str, Mapping[str, Any]]

PROFILES = (RELATIONAL, BIGTABLE, DYNAMODB, MONGODB, DYNAMO, CASSANDRA, RIAK)

NAMES = tuple(profile.name for profile in PROFILES)
"""The systems that are usually named: one is called CA, three CP, three AP."""


def get(name: str) -> Profile:
    """The profile of a system.

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
    return PROFILES[NAMES.index(choice("name", name, NAMES))]


def compare(
    configurations: Iterable[Configuration] | None = None,
    scripts: Iterable[str] | Mapping[str, Script] | None = None,
    rng: RandomState = None,
) -> Comparison:
    """Run the same clients under the same faults on several systems.

    Six clients at six nodes put and get one key for 2,000 ms; a client waits for 300 ms. Then the
    faults are over, and the replicas have 2,000 ms to become equal.

    Parameters
    ----------
    configurations : iterable of str or (str, mapping)
        Names of systems, with options or without. By default all seven as their letters mean them.
    scripts : iterable of str, or mapping of str to Script
        Names among `SCRIPTS`, or scripts of your own. By default all of `SCRIPTS`.
    rng : int, numpy.random.Generator or None
        Seed of the workload and of the network, the same for every run.

    Returns
    -------
    Comparison
        A row for each configuration and script.

    Raises
    ------
    ValueError
        If a system, an option or a script is unknown; before anything runs.

    Examples
    --------
    >>> compare([("Cassandra", {"consistency": "QUORUM"})], ["even split"], rng=7)[0].cut_off < 1
    True
    """
    pairs = _pairs(configurations)
    chosen = _scripts(scripts)
    seed = int(np.random.default_rng(rng).integers(2**32))
    rows = []
    for name, options in pairs:
        profile = get(name)
        calm = observe(profile.build(seed, nodes=NODES, **options), Script(), seed)
        for label, script in chosen.items():
            store = profile.build(seed, nodes=NODES, **options)
            found = judged(store, observe(store, script, seed), calm)
            rows.append(Row(system=name, options=profile.named(options), script=label, **found))
    return Comparison(rows)


def _pairs(configurations: Iterable[Configuration] | None) -> list[tuple[str, Mapping[str, Any]]]:
    if configurations is None:
        return [(each.name, next(iter(each.configurations.values()))) for each in PROFILES]
    pairs = [(each, {}) if isinstance(each, str) else each for each in configurations]
    for name, options in pairs:
        get(name).check(options)
    return pairs


def _scripts(scripts: Iterable[str] | Mapping[str, Script] | None) -> Mapping[str, Script]:
    if scripts is None or isinstance(scripts, Mapping):
        return SCRIPTS if scripts is None else scripts
    return {choice("scripts", name, tuple(SCRIPTS)): SCRIPTS[name] for name in scripts}
