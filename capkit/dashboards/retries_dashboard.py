"""The dashboard of lost replies and clients that ask again."""

from __future__ import annotations

from typing import Any

from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, slider
from capkit.dashboards.shared import LOSS
from capkit.plots import RetriesPicture, drawing
from capkit.tradeoff import simulate_retries

_TRIALS = 2_000


def retries(**start: Any) -> Dashboard:
    """How many withdrawals are paid twice when replies are lost and clients ask again.

    The curves are exact; the white dot is 2,000 simulated withdrawals without a request id.

    Controls: `reply_loss`, the `loss` of requests, and how many `attempts` a client makes.

    Parameters
    ----------
    **start
        Controls that begin elsewhere, by their names, such as `attempts=1`.

    Raises
    ------
    ValueError
        If there is no such control, or it cannot take the value.

    Examples
    --------
    >>> print(retries().reading.split("; ")[0])
    Reply loss 0.2, loss 0, at most 5 attempts: paid twice (naive) 0.200, paid twice (with
    an id) 0.000
    """
    [panel] = drawing.panels()
    drawing.margins(panel, 0.86, 0.75, 2.65, 0.15)
    picture = RetriesPicture(panel)

    def draw(settings: Settings) -> Drawn:
        found = simulate_retries(**settings, trials=_TRIALS, rng=7)
        artists = picture.update(**settings, simulated=found)
        counted = f"of {_TRIALS:,} simulated without an id, {found.twice:.3f}"
        return artists, f"{panel.reading.removesuffix('.')}; {counted}."

    controls = {
        "reply_loss": slider("reply loss", 0.2, 0.0, 1.0, 0.01, "chance that one reply is lost"),
        "loss": slider("loss", 0.0, 0.0, 1.0, 0.01, LOSS),
        "attempts": slider("attempts at most", 5, 1, 10, 1, "how often a client asks"),
    }
    stories: dict[str, Settings] = {
        "ask once": {"attempts": 1},
        "ask twice": {"attempts": 2},
        "a bad line": {"reply_loss": 0.5, "loss": 0.5},
    }
    return Dashboard(panel.figure, controls, draw, stories, start=start)
