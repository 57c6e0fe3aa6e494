"""What a named system is: a mechanism, options in its own words, and what it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from capkit._arguments import RandomState, count
from capkit.network import Network
from capkit.stores import Node, Store

Options = Mapping[str, Any]
Recipe = Callable[[list[Node], Network, Options], Store]

BOTH = (True, False)
FEW = tuple(range(1, 7))  # replicas or quorums of the six nodes that are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a system: its default, the values that it takes, and what it means."""

    default: Any
    values: tuple[Any, ...]
    meaning: str

    def takes(self, value: Any) -> bool:
        """Whether `value` is one of the values; 1 is not True."""
        return any(type(value) is type(each) and value == each for each in self.values)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class System:
    """A named system: one mechanism, and the options that it is known for.

    It prints as a page of a handbook.

    Attributes
    ----------
    name : str
    letters : str
        What it is usually called: "CA", "CP" or "AP".
    mechanism : str
        How it works.
    options : mapping of str to Option
        In the product's own words.
    configurations : mapping of str to dict
        Options worth comparing, under a short name. The letters describe the first.
    pacelc : str
        Its class by PACELC, which names what it *keeps*: during a Partition Availability or
        Consistency, Else low Latency or Consistency. "(ours)" marks what no source says.
    sources : tuple of str
        Where all this is documented.
    """

    name: str
    letters: str
    mechanism: str
    options: Mapping[str, Option]
    configurations: Mapping[str, Options]
    pacelc: str
    sources: tuple[str, ...]
    make: Recipe

    def build(
        self,
        rng: RandomState = None,
        *,
        nodes: int = 6,
        network: Network | None = None,
        **options: Any,
    ) -> Store:
        """Make a store that works as this system does with the given options.

        Parameters
        ----------
        rng : int, numpy.random.Generator or None
            Seed of the network's luck.
        nodes : int
            How many, at least 1.
        network : Network, optional
            By default one that loses nothing.
        **options
            Those of `options`; the others keep their defaults.

        Raises
        ------
        ValueError
            If an option is unknown, or does not take its value; the valid ones are listed.
        """
        chosen = self.check(options)
        made = [Node(i) for i in range(count("nodes", nodes))]
        return self.make(made, Network(loss=0.0, rng=rng) if network is None else network, chosen)

    def check(self, options: Options) -> Options:
        """All options with their values, those that are not given with their defaults."""
        for name, value in options.items():
            if name not in self.options:
                known = ", ".join(self.options)
                raise ValueError(f"options of {self.name} must be among {known}, got {name!r}")
            if not self.options[name].takes(value):
                rule = ", ".join(map(repr, self.options[name].values))
                raise ValueError(f"{name} must be one of {rule}, got {value!r}")
        return {name: option.default for name, option in self.options.items()} | dict(options)

    def named(self, options: Options) -> str:
        """What a configuration is called: its own name, or its options."""
        chosen = self.check(options)
        same = (name for name, each in self.configurations.items() if self.check(each) == chosen)
        words = ", ".join(f"{name}={value}" for name, value in options.items())
        return next(same, words or "defaults")

    def __repr__(self) -> str:
        rows = [("usually called", self.letters), ("PACELC", self.pacelc)]
        rows += [("how it works", self.mechanism)]
        rows += [
            (f"{name} = {option.default!r}", f"{option.meaning}: {_listed(option.values)}")
            for name, option in self.options.items()
        ]
        rows += [("read", source) for source in self.sources]
        width = max(len(left) for left, _ in rows)
        return "\n".join([self.name, *(f"  {left:<{width}}  {right}" for left, right in rows)])


def _listed(values: tuple[Any, ...]) -> str:
    return ", ".join(map(repr, values))


def quorum(word: str | int, n: int) -> int:
    """How many of n replicas a word asks for."""
    return {"one": 1, "quorum": n // 2 + 1, "all": n}[word] if isinstance(word, str) else word
