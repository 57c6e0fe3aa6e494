"""The dashboard of the plane of availability and consistency."""

from __future__ import annotations

from typing import Any

from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, choice, slider
from capkit.dashboards.shared import LOSS
from capkit.plots import TradeoffPicture

_COUNTED = ["the worse side", "all clients"]


def tradeoff(**start: Any) -> Dashboard:
    """The plane of availability and consistency, with the cable whole and with it cut.

    Controls: the `share` of nodes that the cut keeps from the others, `nodes`, `loss` of requests,
    and whose requests are `counted` during the cut.

    Parameters
    ----------
    **start
        Controls that begin elsewhere, by their names, such as `nodes=15`.

    Raises
    ------
    ValueError
        If there is no such control, or it cannot take the value.

    Examples
    --------
    >>> tradeoff()  # doctest: +NORMALIZE_WHITESPACE
    Cable whole, 5 nodes, loss 0: CA, CP, AP 1.00 answered, 1.00 fresh.
    Cable cut, 2 | 3 nodes, on the worse side: CA: block 0.00 answered, nothing to be stale;
    CA: failover, AP 1.00 answered, 0.52 fresh; CP 0.00 answered, 1.00 fresh.
    """
    picture = TradeoffPicture(4.9)

    def draw(settings: Settings) -> Drawn:
        mean = settings["counted"] == _COUNTED[1]
        n, loss, share = settings["nodes"], settings["loss"], settings["share"]
        artists = picture.update(n, loss, share=share, mean=mean)
        return artists, f"{picture.whole.ax.reading} {picture.cut.ax.reading}"

    controls = {
        "nodes": slider("nodes", 5, 2, 15, 1, "number of replicas"),
        "share": slider("share of nodes cut off", 0.4, 0.1, 0.5, 0.1, "the smaller side"),
        "loss": slider("loss", 0.0, 0.0, 1.0, 0.01, LOSS),
        "counted": choice("during the cut, count", _COUNTED, "whose requests are counted"),
    }
    stories: dict[str, Settings] = {
        "buy nodes": {"nodes": 15},
        "lose requests": {"loss": 0.2},
        "lose requests, buy nodes": {"loss": 0.2, "nodes": 15},
        "the mean hides it": {"nodes": 15, "share": 0.1, "counted": _COUNTED[1]},
    }
    return Dashboard(picture.figure, controls, draw, stories, start=start)
