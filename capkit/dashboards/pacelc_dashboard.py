"""The dashboard of PACELC: what stores give up while the cable is cut, and else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from capkit.consistency import availability
from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, dropdown, slider
from capkit.dashboards.shared import limit_quorums
from capkit.history import History
from capkit.network import Network, Partition
from capkit.plots import PacelcPicture, Spot, planes
from capkit.systems import NAMES, freshness_of, get
from capkit.tradeoff import calm, worse_side
from capkit.workload import Workload, run

_ALONE = "none"
_NEAR = 5.0  # ms one way while the cable is cut: who waits in vain waits as long as you like
_CUT = 100.0  # ms
_COLUMNS = "If cut: answered, fresh; else: get / put ms, fresh."


def pacelc(**start: Any) -> Dashboard:
    """What stores give up if there is a Partition, and Else: latency or consistency.

    On the left the cable between two regions is cut, on the right it is whole. CP, AP and quorums
    of your own by formula; a named system, if there is one, by running it.

    Controls: `latency` (ms one way) and `distance` (ms more between the regions); the `system`;
    `nodes`, those in the first region (`side`), and the quorums `r` and `w` of the third store.

    Parameters
    ----------
    **start
        Controls that begin elsewhere, by their names, such as `latency=50.0`.

    Raises
    ------
    ValueError
        If there is no such control, or it cannot take the value.

    Examples
    --------
    >>> print(pacelc().reading.split(". ")[0])
    Regions of 2 and 3 nodes
    """
    left, right = planes()
    picture = PacelcPicture(left, right)

    def draw(settings: Settings) -> Drawn:
        spots = [*_quorums(**settings), *_system(**settings)]
        cut = f"{settings['side']} | {settings['nodes'] - settings['side']}"
        head = f"Regions of {cut.replace(' |', ' and')} nodes. {_COLUMNS}"
        return picture.update(spots, cut), " ".join([head, *map(_words, spots)])

    controls = {
        "latency": slider("latency", 5.0, 0.5, 50.0, 0.5, "ms that a message takes one way"),
        "distance": slider("distance", 0.0, 0.0, 100.0, 5.0, "ms more between the two regions"),
        "system": dropdown("named system", [_ALONE, *NAMES], "a system to compare with"),
        "nodes": slider("replicas N", 5, 3, 7, 1, "number of nodes"),
        "side": slider("in the first region", 2, 1, 4, 1, "nodes there; the others are far away"),
        "r": slider("read quorum R", 1, 1, 5, 1, "replicas that a get waits for, of your store"),
        "w": slider("write quorum W", 3, 1, 5, 1, "replicas that a put waits for, of your store"),
    }
    stories: dict[str, Settings] = {
        "one city": {"latency": 0.5},
        "one continent": {"latency": 15.0},
        "an ocean between": {"latency": 1.0, "distance": 50.0},
        "read one, write all": {"r": 1, "w": 5},
    }
    return Dashboard(
        left.figure,
        controls,
        draw,
        stories,
        start=start,
        arrange=_limit,
        keep=("system", "nodes", "side"),
    )


def _words(spot: Spot) -> str:
    """What one store does, in a few numbers: with eight stores all must fit below the picture."""
    answered, current, waits, fresh = spot.words
    name = spot.name.partition(", ")[2] if spot.name.startswith(NAMES) else spot.name
    return f"{name}: {answered}, {current}; {waits}, {fresh}."


def _limit(controls: Mapping[str, Any]) -> None:
    limit_quorums({"n": controls["nodes"], "r": controls["r"], "w": controls["w"]})
    controls["side"].max = controls["nodes"].value - 1


def _quorums(
    nodes: int, side: int, r: int, w: int, latency: float, distance: float, system: str
) -> Iterable[Spot]:
    """CP, AP, and the quorums of the sliders, by formula."""
    most = nodes // 2 + 1
    for name, look, reads, writes, rounds in (
        ("CP", "CP", most, most, 2),
        ("AP", "AP", 1, 1, 1),
        (f"R={r}, W={w}", "fresh", r, w, 1),
    ):
        cut = worse_side(nodes, reads, writes, side=side)
        far: dict[str, Any] = {"distance": distance, "side": side, "rounds": rounds}
        whole = calm(nodes, reads, writes, latency, **far)
        rates = float(cut.availability), float(cut.fresh)
        yield Spot(name, look, *rates, whole.get, whole.put, whole.fresh)


def _system(
    system: str, nodes: int, side: int, latency: float, distance: float, **quorums: int
) -> Iterable[Spot]:
    """Every configuration of a named system, by running it."""
    for name in get(system).configurations if system != _ALONE else ():
        cut = _while_cut(system, name, nodes, side)
        whole = _while_whole(system, name, nodes, side, latency, distance)
        yield Spot(f"{system}, {name}", get(system).letters, *cut, *whole)


@lru_cache(maxsize=256)
def _while_cut(system: str, name: str, nodes: int, side: int) -> tuple[float, float]:
    """Share answered on the worse side, and share of the gets that are fresh."""
    cut = Partition(at=_CUT, until=math.inf, groups=[range(side)])
    store, history = _run(system, name, nodes, side, _NEAR, 0.0, (cut,))
    sides = range(side), range(side, nodes)
    shares = [availability(history, nodes=each, during=(_CUT, math.inf)) for each in sides]
    return min(shares), freshness_of(store, history)


@lru_cache(maxsize=256)
def _while_whole(
    system: str, name: str, nodes: int, side: int, latency: float, distance: float
) -> tuple[float, float, float]:
    """Ms of a get and of a put in the region that waits longer, and share of fresh gets."""
    store, history = _run(system, name, nodes, side, latency, distance)
    waits = [
        _slower(history, kind & history.is_ok, side) for kind in (history.is_get, history.is_put)
    ]
    return waits[0], waits[1], freshness_of(store, history)


def _slower(history: History, kind: Any, side: int) -> float:
    """The median wait of the region that waits longer; NaN where nobody was answered."""
    first = np.array([each.node in range(side) for each in history])
    waits = history.completed - history.invoked
    some = [waits[kind & history.is_ok & region] for region in (first, ~first)]
    return max((float(np.median(each)) for each in some if len(each)), default=math.nan)


def _run(
    system: str,
    name: str,
    nodes: int,
    side: int,
    latency: float,
    distance: float,
    faults: Iterable[Partition] = (),
) -> tuple[Any, History]:
    network = Network(loss=0.0, latency=latency, rng=7)
    store = get(system).build(nodes=nodes, network=network, **get(system).configurations[name])
    network.separate(range(side), distance=distance)
    traffic = Workload(clients=nodes, duration=1_600, rate=20 / nodes, timeout=1_500, rng=7)
    return store, run(store, traffic, faults)
