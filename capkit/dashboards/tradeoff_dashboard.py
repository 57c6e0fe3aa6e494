"""The dashboard of the plane of availability and consistency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, choice, slider
from capkit.dashboards.shared import LOSS
from capkit.plots import TradeoffPicture, drawing


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
        "loss": slider("loss", 0.2, 0.0, 1.0, 0.01, LOSS),
    }
    stories: dict[str, Settings] = {
        "cut the cable": {"cut": "cut", "loss": 0.0},
        "heal": {"cut": "whole", "loss": 0.0},
        "buy redundancy": {"cut": "whole", "nodes": 15},
        "redundancy under a cut": {"cut": "cut", "nodes": 15, "side": 7},
    }
    return Dashboard(panel.figure, controls, draw, stories, arrange=_limit_side)


def _limit_side(controls: Mapping[str, Any]) -> None:
    controls["side"].max = controls["nodes"].value - 1
