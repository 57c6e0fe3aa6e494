"""The dashboard of harvest and yield."""

from __future__ import annotations

from typing import Any

from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, slider
from capkit.plots import HarvestPicture, drawing

_SHARDS = 10


def harvest(**start: Any) -> Dashboard:
    """What is left of the answers when some of ten shards are out of reach.

    Controls: how many are `away`, and how many each request `touched`: ten for a search, two for a
    transfer.

    Parameters
    ----------
    **start
        Controls that begin elsewhere, by their names, such as `touched=2`.

    Raises
    ------
    ValueError
        If there is no such control, or it cannot take the value.

    Examples
    --------
    >>> harvest()
    3 of 10 shards are out of reach, and a request touches 10: yield (all or nothing) 0.000,
    harvest (partial answers) 0.700.
    """
    [panel] = drawing.panels()
    drawing.margins(panel, 0.86, 0.75, 3.0, 0.15)
    picture = HarvestPicture(panel, _SHARDS)

    def draw(settings: Settings) -> Drawn:
        return picture.update(settings["away"], settings["touched"]), panel.reading

    controls = {
        "away": slider("shards out of reach", 3, 0, _SHARDS, 1, "shards that nobody answers for"),
        "touched": slider("a request touches", 10, 1, _SHARDS, 1, "shards that one request needs"),
    }
    stories: dict[str, Settings] = {
        "a search": {"touched": 10},
        "a transfer": {"touched": 2},
        "a look-up": {"touched": 1},
    }
    return Dashboard(panel.figure, controls, draw, stories, start=start)
