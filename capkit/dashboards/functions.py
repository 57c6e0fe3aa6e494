"""The dashboards of the lessons: one function each, which a notebook's cell calls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from capkit import tradeoff as model
from capkit.consistency import Verdict, availability, linearizable, summary
from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, choice, slider
from capkit.dashboards.prediction import predict
from capkit.dashboards.staleness_dashboard import staleness
from capkit.dashboards.system_dashboard import system
from capkit.history import History, Operation
from capkit.network import Network, Partition
from capkit.plots import QuorumsPicture, RatesPicture, TimelinePicture, TradeoffPicture, drawing
from capkit.stores import APStore, CAStore, CPStore, Node, Store
from capkit.workload import Workload, run

__all__ = [
    "failure",
    "interval",
    "partition",
    "predict",
    "quorum",
    "staleness",
    "system",
    "tradeoff",
]

_LOSSES = np.linspace(0, 1, 11)
_LOSS = "chance that one request to one node is lost"
_NODES = 5
_STORES = ("CA: block", "CA: failover", "CP", "AP")


def failure() -> Dashboard:
    """How often the thirty-line store succeeds: exact curves, and dots that really ran.

    Controls: `loss`, the chance that one request fails, and `nodes`. A put needs a majority, a
    get takes the first node that answers.

    Examples
    --------
    >>> failure()
    3 nodes, loss 0.20: 0.896 of puts are acknowledged, 0.992 of gets answered,
    and 0.857 of those gets are fresh.
    """
    [panel] = drawing.panels()
    drawing.margins(panel, 0.85, 0.75, 2.3, 0.15)
    picture = RatesPicture(panel)

    def draw(settings: Settings) -> Drawn:
        n, loss = settings["nodes"], settings["loss"]
        artists = picture.update(n, 1, n // 2 + 1, loss, simulated=_simulated(n))
        numbers = _rates(model.exact(n, 1, n // 2 + 1, loss))
        return artists, f"{n} node{'s' * (n > 1)}, loss {loss:.2f}: {numbers}"

    controls = {
        "loss": slider("loss", 0.2, 0.0, 1.0, 0.01, _LOSS),
        "nodes": slider("nodes", 3, 1, 15, 1, "number of replicas"),
    }
    stories: dict[str, Settings] = {
        "as written: 0.8 succeed": {"loss": 0.2, "nodes": 3},
        "every second request lost": {"loss": 0.5},
        "fifteen nodes": {"nodes": 15},
    }
    return Dashboard(panel.figure, controls, draw, stories)


def interval() -> Dashboard:
    """Drag one read through a small history and watch the verdict flip.

    Client 0 puts 1, then 2; client 1 reads 2 while that put is still under way. The controls move
    client 2's read: `begins` and `lasts` (ms), and the value it `returns`.

    Examples
    --------
    >>> interval()
    Read #2 of 1, from 240 to 300 ms: linearizable.
    """
    [panel] = drawing.panels(height=2.9)
    drawing.margins(panel, 0.9, 0.78, 0.5, 0.09)
    picture = TimelinePicture(panel, fewest=3)

    def draw(settings: Settings) -> Drawn:
        history = _with_read(**settings)
        verdict = linearizable(history)
        read = int(np.flatnonzero(history.client == 2)[0])
        artists = picture.update(history, verdict, span=(0, 700), highlight=read)
        begins, ends = settings["begins"], settings["begins"] + settings["lasts"]
        value = settings["returns"]
        return artists, f"Read #{read} of {value}, from {begins} to {ends} ms: {verdict!r}."

    controls = {
        "begins": slider("read begins", 240, 0, 500, 10, "ms at which client 2 asks"),
        "lasts": slider("and lasts", 60, 10, 200, 10, "ms until client 2 has its answer"),
        "returns": choice("and returns", ["1", "2", "nothing"], "what client 2 is told"),
    }
    stories: dict[str, Settings] = {
        "too late for 1": {"begins": 500},
        "new, then old": {"begins": 380, "lasts": 50},
        "too early for 2": {"begins": 130, "lasts": 60, "returns": "2"},
    }
    return Dashboard(panel.figure, controls, draw, stories)


def partition() -> Dashboard:
    """The same clients under the same cut cable, on CA, CP or AP.

    Controls: the `store`; when the `cut` begins and how long it `lasts` (ms); how many of the five
    nodes are on its left side (`left`: nodes 0, 1, ...); and the `loss` besides.

    Examples
    --------
    >>> partition()
    CA: block at loss 0.00: during the cut from 500 to 1500 ms, nodes 0, 1 answer 75 % and
    nodes 2, 3, 4 answer 29 %; over the whole run, 82 % available, no stale reads, linearizable.
    """
    [panel] = drawing.panels(height=5.4)
    drawing.margins(panel, 2.03, 0.72, 0.5, 0.09)
    picture = TimelinePicture(panel)

    def draw(settings: Settings) -> Drawn:
        history, verdict = _cut_run(**settings)
        artists = picture.update(history, verdict, span=(0, 2_350))
        store = f"{settings['store']} at loss {settings['loss']:.2f}"
        return artists, f"{store}: {_sides(history)}{summary(history)}."

    controls = {
        "store": choice("store", _STORES, "how the store answers a cut"),
        "cut": slider("cut begins", 500, 0, 2_000, 50, "ms at which the cable is cut"),
        "lasts": slider("and lasts", 1_000, 0, 2_000, 50, "ms until it is mended; 0: no cut"),
        "left": slider("nodes on the left", 2, 1, _NODES - 1, 1, "nodes on one side of the cut"),
        "loss": slider("loss", 0.0, 0.0, 1.0, 0.01, _LOSS),
    }
    stories: dict[str, Settings] = {
        "no cut": {"lasts": 0},
        "the primary cut off": {"left": 1},
        "for good": {"lasts": 2_000},
        "no cut, but 20 % loss": {"lasts": 0, "loss": 0.2},
    }
    return Dashboard(panel.figure, controls, draw, stories, keep=("store",))


def quorum() -> Dashboard:
    """N, R and W: whether a read quorum and a write quorum meet, and what that costs.

    Controls: `n` replicas, `r` of which must answer a get, `w` of which must acknowledge a put,
    and the `loss` of requests.

    Examples
    --------
    >>> quorum()
    N=3, R=1, W=2: a read can miss a write. At loss 0.20, 0.896 of puts are acknowledged,
    0.992 of gets answered, and 0.857 of those gets are fresh.
    """
    above, below = drawing.panels(rows=2, height=5.4)
    drawing.margins(below, 0.85, 0.72, 2.3, 0.05)
    above.set_position((0.02, 0.52, 0.96, 0.47))
    circles, rates = QuorumsPicture(above), RatesPicture(below)

    def draw(settings: Settings) -> Drawn:
        n, r, w, loss = settings.values()
        artists = [*circles.update(n, r, w), *rates.update(n, r, w, loss)]
        meets = "every read meets every write" if r + w > n else "a read can miss a write"
        numbers = _rates(model.exact(n, r, w, loss))
        return artists, f"N={n}, R={r}, W={w}: {meets}. At loss {loss:.2f}, {numbers}"

    controls = {
        "n": slider("replicas N", 3, 1, 15, 1, "copies of each key"),
        "r": slider("read quorum R", 1, 1, 3, 1, "replicas that must answer a get"),
        "w": slider("write quorum W", 2, 1, 3, 1, "replicas that must acknowledge a put"),
        "loss": slider("loss", 0.2, 0.0, 1.0, 0.01, _LOSS),
    }
    stories: dict[str, Settings] = {
        "the thirty-line store": {},
        "majorities": {"r": 2, "w": 2},
        "read one, write all": {"r": 1, "w": 3},
        "one of each": {"r": 1, "w": 1},
    }
    return Dashboard(above.figure, controls, draw, stories, arrange=_limit_quorums)


def tradeoff() -> Dashboard:
    """The plane of availability and consistency: loss moves a store along its curve, a cut cannot.

    Controls: `loss` of requests, `nodes`, whether there is a `cut`, and how many nodes are on its
    `side` that is cut off.

    Examples
    --------
    >>> tradeoff()
    5 nodes, no cut, loss 0.2. CA 0.66 answered, 1.00 fresh. CP 0.94 answered, 1.00 fresh.
    AP 1.00 answered, 0.80 fresh. Hatched: what cutting off 2 of 5 would empty.
    """
    [panel] = drawing.panels(height=5.4)
    drawing.margins(panel, 0.85, 0.78, 2.57, 0.15)
    picture = TradeoffPicture(panel)

    def draw(settings: Settings) -> Drawn:
        n, cut = settings["nodes"], settings["cut"] == "cut"
        artists = picture.update(n, settings["loss"], cut=cut, side=settings["side"])
        corner = f" Hatched: what cutting off {settings['side']} of {n} would empty."
        return artists, panel.reading + ("" if cut else corner)

    controls = {
        "cut": choice("the network is", ["whole", "cut"], "whether a partition lasts"),
        "side": slider("nodes cut off", 2, 1, 4, 1, "nodes on one side of the cut"),
        "nodes": slider("nodes", 5, 2, 15, 1, "number of replicas"),
        "loss": slider("loss", 0.2, 0.0, 1.0, 0.01, _LOSS),
    }
    stories: dict[str, Settings] = {
        "cut the cable": {"cut": "cut", "loss": 0.0},
        "heal": {"cut": "whole", "loss": 0.0},
        "buy redundancy": {"cut": "whole", "nodes": 15},
        "redundancy under a cut": {"cut": "cut", "nodes": 15, "side": 7},
    }
    return Dashboard(panel.figure, controls, draw, stories, arrange=_limit_side)


def _limit_quorums(controls: Mapping[str, Any]) -> None:
    for name in ("r", "w"):
        controls[name].max = controls["n"].value


def _limit_side(controls: Mapping[str, Any]) -> None:
    controls["side"].max = controls["nodes"].value - 1


@lru_cache(maxsize=32)
def _simulated(n: int) -> model.Rates:
    return model.simulate(n, 1, n // 2 + 1, _LOSSES, trials=1_000, rng=7)


@lru_cache(maxsize=256)
def _cut_run(
    store: str, cut: float, lasts: float, left: int, loss: float
) -> tuple[History, Verdict]:
    faults = [Partition(at=cut, until=cut + lasts, groups=[range(left)])] if lasts else []
    made = _store(store, Network(loss=loss, rng=7))
    history = run(made, Workload(clients=_NODES, rate=3, rng=7), faults)
    return history, linearizable(history)


def _store(name: str, network: Network) -> Store:
    nodes = [Node(i) for i in range(_NODES)]
    if name == "CP":
        return CPStore(nodes, network)
    if name == "AP":
        return APStore(nodes, network)
    return CAStore(nodes, network, on_partition=name.removeprefix("CA: "))


def _with_read(begins: int, lasts: int, returns: str) -> History:
    def operation(client: int, kind: str, value: int | None, start: int, end: int) -> Operation:
        return Operation(
            kind=kind, key="x", value=value, invoked=start, completed=end, client=client
        )

    read = None if returns == "nothing" else int(returns)
    operations = [
        operation(0, "put", 1, 20, 120),
        operation(0, "put", 2, 200, 460),
        operation(1, "get", 2, 280, 360),
        operation(2, "get", read, begins, begins + lasts),
    ]
    return History(sorted(operations, key=lambda each: each.invoked))


def _rates(rates: model.Rates) -> str:
    words = f"{rates.put_ok:.3f} of puts are acknowledged, {rates.get_ok:.3f} of gets answered, "
    if np.isnan(rates.fresh):
        return words + "and nothing is left to be fresh."
    return words + f"and {rates.fresh:.3f} of those gets are fresh."


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
