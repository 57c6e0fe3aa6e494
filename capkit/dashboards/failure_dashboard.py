"""The dashboard of failing requests, on the thirty-line store."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from capkit import tradeoff as model
from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, slider
from capkit.dashboards.shared import LOSS, in_words
from capkit.plots import RatesPicture, drawing

_LOSSES = np.linspace(0, 1, 11)


def failure(**start: Any) -> Dashboard:
    """How often the thirty-line store succeeds: exact curves, and dots that really ran.

    Controls: `loss`, the chance that one request fails, and `nodes`. A put needs a majority, a
    get takes the first node that answers.

    Parameters
    ----------
    **start
        Controls that begin elsewhere, by their names, such as `loss=0.3`.

    Raises
    ------
    ValueError
        If there is no such control, or it cannot take the value.

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
        numbers = in_words(model.exact(n, 1, n // 2 + 1, loss))
        return artists, f"{n} node{'s' * (n > 1)}, loss {loss:.2f}: {numbers}"

    controls = {
        "loss": slider("loss", 0.2, 0.0, 1.0, 0.01, LOSS),
        "nodes": slider("nodes", 3, 1, 15, 1, "number of replicas"),
    }
    stories: dict[str, Settings] = {
        "as written: 0.8 succeed": {"loss": 0.2, "nodes": 3},
        "every second request lost": {"loss": 0.5},
        "fifteen nodes": {"nodes": 15},
    }
    return Dashboard(panel.figure, controls, draw, stories, start=start)


@lru_cache(maxsize=32)
def _simulated(n: int) -> model.Rates:
    return model.simulate(n, 1, n // 2 + 1, _LOSSES, trials=1_000, rng=7)
