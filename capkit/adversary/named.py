"""The stores of the lessons, and what the hunt has found on them, for a picture without waiting.

A hunt for three steps takes seconds, and a slider does not. So `found.json` keeps the smallest
schedules; each is run again before it is shown, and tests repeat the hunts. To record them anew:

    python -m capkit.adversary.named
"""

from __future__ import annotations

import json
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

from capkit._arguments import choice, count
from capkit.adversary.attacks import Attack, attack, reported
from capkit.adversary.hunt import Hunt
from capkit.adversary.schedules import Step
from capkit.adversary.schedules import steps as every_step
from capkit.adversary.trials import Rules
from capkit.stores import APStore, CAStore, CPStore, Maker

STORES: dict[str, Maker] = {
    "CA: block": CAStore,
    "CA: hot standby": partial(CAStore, read_from="any"),
    "CA: failover": partial(CAStore, on_partition="failover"),
    "CP without write-back": partial(CPStore, write_back=False),
    "CP": CPStore,
    "AP": APStore,
}
LONGEST = 3

_FILE = Path(__file__).with_name("found.json")


def known(store: str, letter: str, longest: int = LONGEST, late: bool = True) -> Attack:
    """What `attack` finds on a store of the lessons, from its records.

    Parameters
    ----------
    store : str
        A name of `STORES`.
    letter, longest, late
        As for `attack`; at most 3 steps.

    Raises
    ------
    ValueError
        If the store is unknown, or an argument out of range.

    Examples
    --------
    >>> known("CP without write-back", "C").steps
    3
    """
    choice("store", store, tuple(STORES))
    choice("letter", letter, ("C", "A"))
    steps, tried = _records()[_name(store, letter, count("longest", longest, 1, LONGEST), late)]
    schedule = tuple(Step(*step) for step in steps) if steps else None
    hunt = Hunt(
        make=STORES[store],
        letter=letter,
        longest=longest,
        rules=Rules(),
        options=every_step(3, late=late),
    )
    return reported(hunt, store, schedule, tried)


def _name(store: str, letter: str, longest: int, late: bool) -> str:
    return f"{store}, {letter}, {longest}, {'late' if late else 'early'}"


@cache
def _records() -> dict[str, Any]:
    return dict(json.loads(_FILE.read_text("utf-8")))


def record() -> None:
    """Hunt for everything, and keep what was found."""
    found = {}
    for each in product(STORES, ("C", "A"), range(1, LONGEST + 1), (True, False)):
        store, letter, longest, late = each
        result = attack(STORES[store], letter, longest, late=late)
        steps = [(s.kind, s.at, s.fault, s.hit, s.late) for s in result.schedule or ()]
        found[_name(*each)] = steps, result.tried
        print(_name(*each), result.steps, result.tried, flush=True)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in found.items())
    _FILE.write_text(f"{{\n{lines}\n}}\n", "utf-8")


if __name__ == "__main__":
    record()
