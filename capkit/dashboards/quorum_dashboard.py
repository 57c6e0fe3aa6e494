"""The dashboard of N, R and W."""

from __future__ import annotations

from typing import Any

from capkit import tradeoff as model
from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, slider
from capkit.dashboards.shared import LOSS, in_words, limit_quorums
from capkit.plots import QuorumsPicture, RatesPicture, drawing


def quorum(**start: Any) -> Dashboard:
    """N, R and W: whether a read quorum and a write quorum meet, and what that costs.

    Controls: `n` replicas, `r` of which must answer a get, `w` of which must acknowledge a put,
    and the `loss` of requests.

    Parameters
    ----------
    **start
        Controls that begin elsewhere, by their names, such as `r=2, w=2`.

    Raises
    ------
    ValueError
        If there is no such control, or it cannot take the value.

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
        numbers = in_words(model.exact(n, r, w, loss))
        return artists, f"N={n}, R={r}, W={w}: {meets}. At loss {loss:.2f}, {numbers}"

    controls = {
        "n": slider("replicas N", 3, 1, 15, 1, "copies of each key"),
        "r": slider("read quorum R", 1, 1, 3, 1, "replicas that must answer a get"),
        "w": slider("write quorum W", 2, 1, 3, 1, "replicas that must acknowledge a put"),
        "loss": slider("loss", 0.2, 0.0, 1.0, 0.01, LOSS),
    }
    stories: dict[str, Settings] = {
        "the thirty-line store": {},
        "majorities": {"r": 2, "w": 2},
        "read one, write all": {"r": 1, "w": 3},
        "one of each": {"r": 1, "w": 1},
    }
    return Dashboard(above.figure, controls, draw, stories, start=start, arrange=limit_quorums)
