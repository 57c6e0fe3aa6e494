"""The same clients under the same faults on several systems, or on stores of your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from capkit import systems
from capkit._arguments import RandomState, choice
from capkit.network import Network
from capkit.stores import Maker, Store, build, name_of
from capkit.systems.comparison import NODES, SCRIPTS, Comparison, Row, Script, judged, observe
from capkit.systems.system import System

Configuration: TypeAlias = str | tuple[str, Mapping[str, Any]] | Maker


class Candidate(NamedTuple):
    """What is compared: its name, options and letters, if any, and what makes it from a seed."""

    system: str
    options: str
    letters: str
    make: Callable[[int], Store]

    def row(self, script: str, found: Mapping[str, Any]) -> Row:
        """What was found out about it under a script."""
        return Row(
            system=self.system, options=self.options, letters=self.letters, script=script, **found
        )


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
    configurations : iterable of str, (str, mapping) or callable
        Names of systems, with options or without, and makers of stores: subclasses of `Store`, or
        functions of nodes and a network. By default all named systems as their letters mean them.
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
    >>> from capkit import CPStore
    >>> table = compare([("Cassandra", {"consistency": "QUORUM"}), CPStore], ["even split"], rng=7)
    >>> [f"{row.name}: {row.cut_off:.0%} and {row.rest:.0%} answered" for row in table]
    ['Cassandra, QUORUM: 0% and 100% answered', 'CPStore: 0% and 0% answered']
    """
    candidates = _candidates(configurations)
    chosen = _scripts(scripts)
    seed = int(np.random.default_rng(rng).integers(2**32))
    rows = []
    for candidate in candidates:
        calm = observe(candidate.make(seed), Script(), seed)
        for label, script in chosen.items():
            store = candidate.make(seed)
            rows.append(candidate.row(label, judged(store, observe(store, script, seed), calm)))
    return Comparison(rows)


def _candidates(configurations: Iterable[Configuration] | None) -> list[Candidate]:
    if configurations is None:
        return [named(each, next(iter(each.configurations.values()))) for each in systems.ALL]
    return [_candidate(each) for each in configurations]


def _candidate(configuration: Configuration) -> Candidate:
    if isinstance(configuration, str):
        return named(systems.get(configuration), {})
    if isinstance(configuration, tuple):
        name, options = configuration
        return named(systems.get(name), options)
    return own(configuration)


def named(system: System, options: Mapping[str, Any]) -> Candidate:
    """A named system, for a comparison."""
    make = partial(system.build, nodes=NODES, **options)
    system.check(options)
    return Candidate(system.name, system.named(options), system.letters, make)


def own(make: Maker) -> Candidate:
    """A store of one's own, for a comparison."""

    def fresh(seed: int) -> Store:
        return build(make, NODES, Network(loss=0.0, rng=seed))

    fresh(0)  # complains here, not in the middle of a comparison
    return Candidate(name_of(make), "", "", fresh)


def _scripts(scripts: Iterable[str] | Mapping[str, Script] | None) -> Mapping[str, Script]:
    if scripts is None or isinstance(scripts, Mapping):
        return SCRIPTS if scripts is None else scripts
    return {choice("scripts", name, tuple(SCRIPTS)): SCRIPTS[name] for name in scripts}
