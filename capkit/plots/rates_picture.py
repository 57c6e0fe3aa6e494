"""Three rates against the chance that a request fails."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from capkit import tradeoff as model
from capkit._arguments import count, instance, number
from capkit.plots.drawing import (
    beside,
    curve,
    describe,
    dots,
    frame,
    room,
    spread,
    unit_square,
    wide_panel,
)
from capkit.plots.lettering import INK, Label
from capkit.tradeoff import Rates

_RATES = {"put": ("put_ok", "put acknowledged"), "get": ("get_ok", "get answered")}
_RATES["fresh"] = ("fresh", "get is fresh")
_LOSSES = np.linspace(0, 1, 201)


def rates(
    n: int = 3,
    r: int = 1,
    w: int = 2,
    loss: float = 0.2,
    *,
    simulated: Rates | None = None,
    failing: str = "requests",
    ax: Axes | None = None,
) -> Axes:
    """How often a put and a get succeed and the get is fresh, against the chance of failure.

    Parameters
    ----------
    n, r, w : int
        Replicas, read quorum and write quorum, 1 <= r, w <= n.
    loss : float
        The loss whose three values are printed, in [0, 1].
    simulated : Rates, optional
        Of `tradeoff.simulate`, drawn as dots with their intervals: at `loss` if it holds numbers,
        at losses evenly spaced from 0 to 1 if it holds arrays.
    failing : {"requests", "nodes"}
        What fails independently, as in `tradeoff.exact`.
    ax : matplotlib Axes, optional
        Where to draw. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If a number is outside its range; it is named.

    Examples
    --------
    >>> rates(3, 1, 2, 0.2)
    N=3, R=1, W=2 at loss 0.2: put acknowledged 0.896, get answered 0.992, get is fresh 0.857.
    """
    model.exact(n, r, w, number("loss", loss, 0, 1), failing=failing)  # complains before drawing
    ax = wide_panel(0.86, 2.25) if ax is None else ax
    if simulated is not None:
        instance("simulated", simulated, Rates)
    r, w = count("r", r, 1, count("n", n)), count("w", w, 1, n)
    RatesPicture(ax).update(n, r, w, loss, simulated=simulated, failing=failing)
    return ax


class RatesPicture:
    """Curves of the three rates against loss, with the current loss as a line.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.

    Attributes
    ----------
    artists : list of Artist
        All that `update` may change, in the order in which to draw them.
    """

    def __init__(self, ax: Axes) -> None:
        self.ax = ax
        frame(ax, "loss: chance that one request fails", "how often")
        unit_square(ax)
        self.now = ax.axvline(0, color=INK, linewidth=1.5, linestyle=(0, (5, 4)))
        self.curves = {name: curve(ax, name) for name in _RATES}
        self.bars = {name: _bars(ax) for name in _RATES}
        self.simulated = {name: dots(ax, name, 8) for name in _RATES}
        self.points = {name: dots(ax, name, 13, clip_on=False) for name in _RATES}
        self.labels = {name: Label(ax) for name in _RATES}
        groups = self.curves, self.bars, self.simulated, self.points, self.labels
        self.artists: list[Artist] = [self.now, *(a for group in groups for a in group.values())]

    def update(
        self,
        n: int,
        r: int,
        w: int,
        loss: float,
        *,
        simulated: Rates | None = None,
        failing: str = "requests",
    ) -> list[Artist]:
        """Show other numbers, and return the artists to draw again."""
        lines = model.exact(n, r, w, _LOSSES, failing=failing)
        here = model.exact(n, r, w, loss, failing=failing)
        values = [float(getattr(here, field)) for field, _ in _RATES.values()]
        heights = spread([0.5 if math.isnan(v) else v for v in values], *room(self.ax))
        self.now.set_xdata([loss, loss])
        for (name, (field, words)), value, y in zip(_RATES.items(), values, heights, strict=True):
            self.curves[name].set_data(_LOSSES, getattr(lines, field))
            self.points[name].set_data([loss, beside(self.ax, 0.29)], [value, y])
            text = "never happens" if math.isnan(value) else f"{value:.3f}"
            self.labels[name].set(text=f"{words}\n{text}", x=beside(self.ax, 0.44), y=y)
            self._show_simulated(name, field, simulated, loss)
        facts = ", ".join(text.get_text().replace("\n", " ") for text in self.labels.values())
        describe(self.ax, f"N={n}, R={r}, W={w} at loss {loss:g}: {facts}.")
        return self.artists

    def _show_simulated(self, name: str, field: str, simulated: Rates | None, loss: float) -> None:
        if simulated is None:
            self.simulated[name].set_data([], [])
            self.bars[name].set_segments([])
            return
        values = np.atleast_1d(getattr(simulated, field))
        at = np.linspace(0, 1, len(values)) if len(values) > 1 else np.array([loss])
        self.simulated[name].set_data(at, values)
        if simulated.low is not None and simulated.high is not None:
            ends = [np.atleast_1d(getattr(end, field)) for end in (simulated.low, simulated.high)]
            rows = np.stack([at, *ends], axis=1)[~np.isnan(values)]
            self.bars[name].set_segments([[(x, low), (x, high)] for x, low, high in rows])


def _bars(ax: Axes) -> LineCollection:
    bars = LineCollection([], colors=INK, linewidths=2.5, zorder=5)
    ax.add_collection(bars)
    return bars
