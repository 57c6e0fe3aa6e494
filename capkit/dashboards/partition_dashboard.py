"""The dashboard of one cut, on CA, CP, AP, or a store of your own."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np

from capkit.consistency import Verdict, availability, linearizable, summary
from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, choice, slider
from capkit.dashboards.shared import LOSS
from capkit.history import History
from capkit.network import Network, Partition
from capkit.plots import TimelinePicture, drawing
from capkit.stores import APStore, CAStore, CPStore, Maker, build, name_of
from capkit.workload import Workload, run

_NODES = 5


_STORES: dict[str, Maker] = {
    "CA: block": CAStore,
    "CA: failover": partial(CAStore, on_partition="failover"),
    "CP": CPStore,
    "AP": APStore,
}


def partition(*makers: Maker, **start: Any) -> Dashboard:
    """The same clients under the same cut cable, on CA, CP, AP or stores of your own.

    Controls: the `store`; when the cut `begins` and how long it `lasts` (ms); how many of the five
    nodes are on its left side (`left`: nodes 0, 1, ...); and the `loss` besides.

    Parameters
    ----------
    *makers : callable
        Stores of your own to choose from, too: each a subclass of `Store`, or a function of nodes
        and a network. The dashboard begins with the first of them.
    **start
        Controls that begin elsewhere, by their names, such as `store="CP"`.

    Raises
    ------
    TypeError
        If one of them does not make a store.
    ValueError
        If there is no such control, or it cannot take the value.

    Examples
    --------
    >>> partition()
    CA: block at loss 0.00: during the cut from 500 to 1500 ms, nodes 0, 1 answer 75 % and
    nodes 2, 3, 4 answer 29 %; over the whole run, 82 % available, no stale reads, linearizable.
    """
    stores = {name_of(make): make for make in makers} | _STORES
    for make in makers:
        build(make, _NODES, Network())  # complains here, not when a control is moved
    [panel] = drawing.panels(height=5.4)
    drawing.margins(panel, 2.03, 0.72, 0.5, 0.09)
    picture = TimelinePicture(panel)

    def draw(settings: Settings) -> Drawn:
        run_of = settings | {"store": stores[settings["store"]]}
        history, verdict = _cut_run(**run_of)
        wrong = None if verdict.ok else verdict  # dots say what lesson 02 has yet to explain
        artists = picture.update(history, wrong, span=(0, 2_350))
        store = f"{settings['store']} at loss {settings['loss']:.2f}"
        return artists, f"{store}: {_sides(history)}{summary(history)}."

    controls = {
        "store": choice("store", list(stores), "how the store answers a cut"),
        "begins": slider("cut begins", 500, 0, 2_000, 50, "ms at which the cable is cut"),
        "lasts": slider("and lasts", 1_000, 0, 2_000, 50, "ms until it is mended; 0: no cut"),
        "left": slider("nodes on the left", 2, 1, _NODES - 1, 1, "nodes on one side of the cut"),
        "loss": slider("loss", 0.0, 0.0, 1.0, 0.01, LOSS),
    }
    stories: dict[str, Settings] = {
        "no cut": {"lasts": 0},
        "the primary cut off": {"left": 1},
        "for good": {"lasts": 2_000},
        "no cut, but 20 % loss": {"lasts": 0, "loss": 0.2},
    }
    return Dashboard(panel.figure, controls, draw, stories, start=start, keep=("store",))


@lru_cache(maxsize=256)
def _cut_run(
    store: Maker, begins: float, lasts: float, left: int, loss: float
) -> tuple[History, Verdict]:
    faults = [Partition(at=begins, until=begins + lasts, groups=[range(left)])] if lasts else []
    made = build(store, _NODES, Network(loss=loss, rng=7))
    history = run(made, Workload(clients=_NODES, rate=3, rng=7), faults)
    return history, linearizable(history)


def _sides(history: History) -> str:
    """Availability on each side of the cut, while it lasts."""
    for fault in (fault for fault in history.faults if isinstance(fault, Partition)):
        words = []
        left = list(fault.groups[0])
        right = [node for node in range(_NODES) if node not in left]
        for side in (left, right):
            share = availability(history, nodes=side, during=(fault.at, fault.until))
            names = f"node{'s' * (len(side) > 1)} {', '.join(map(str, side))}"
            answer = f"{names} answer{'s' * (len(side) == 1)} {100 * share:.0f} %"
            words.append(f"nobody asks {names}" if np.isnan(share) else answer)
        span = f"during the cut from {fault.at:g} to {fault.until:g} ms"
        return f"{span}, {' and '.join(words)}; over the whole run, "
    return ""
