"""The dashboard of staleness, which `dashboards` re-exports."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, choice, slider
from capkit.dashboards.shared import limit_quorums
from capkit.plots import StalenessPicture, drawing
from capkit.staleness import PROFILES, Races, simulate

_MOST_NODES = 10


def staleness(**start: Any) -> Dashboard:
    """How soon after its acknowledgement a write is seen, and what that costs in latency.

    Controls: the `profile` of measured latencies, `n` replicas, `r` of which must answer a get, and
    `w` of which must acknowledge a put. Nothing is lost here; messages only take time.

    Parameters
    ----------
    **start
        Controls that begin elsewhere, by their names, such as `profile="WAN"`.

    Raises
    ------
    ValueError
        If there is no such control, or it cannot take the value.

    Examples
    --------
    >>> staleness()
    LNKD-DISK, N=3, R=1, W=1: 0.437 of the reads are fresh at once, 0.999 from 53.19 ms on.
    99.9 % of the reads take at most 0.65 ms, of the writes 11.03 ms.
    """
    [panel] = drawing.panels(height=5.4)
    drawing.margins(panel, 0.85, 0.76, 2.03, 0.1)
    picture = StalenessPicture(panel)

    def draw(settings: Settings) -> Drawn:
        return picture.update(_simulated(**settings)), panel.reading

    tip = "one-way latencies: LinkedIn's disks, its solid-state disks, Yammer, and far apart"
    controls = {
        "profile": choice("profile", ["LNKD-DISK", "LNKD-SSD", "YMMR", "WAN"], tip),
        "n": slider("replicas N", 3, 1, _MOST_NODES, 1, "copies of each key"),
        "r": slider("read quorum R", 1, 1, 3, 1, "replicas that must answer a get"),
        "w": slider("write quorum W", 1, 1, 3, 1, "replicas that must acknowledge a put"),
    }
    stories: dict[str, Settings] = {
        "one of each": {"n": 3, "r": 1, "w": 1},
        "write to two": {"n": 3, "r": 1, "w": 2},
        "quorums meet": {"n": 3, "r": 2, "w": 2},
        "read one, write all": {"n": 3, "r": 1, "w": 3},
        "ten copies": {"n": 10, "r": 1, "w": 1},
    }
    return Dashboard(
        panel.figure, controls, draw, stories, start=start, arrange=limit_quorums, keep=("profile",)
    )


@lru_cache(maxsize=32)
def _simulated(profile: str, n: int, r: int, w: int) -> Races:
    """As many messages whatever n is, so that every picture takes the same few milliseconds."""
    return simulate(PROFILES[profile], n, r, w, trials=600_000 // n, rng=7)
