"""Three rates against the chance that a request fails."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from capkit import tradeoff as model
from capkit._arguments import count, instance, number
from capkit.plots.curves import Curves
from capkit.plots.drawing import (
    describe,
    dots,
    frame,
    unit_square,
    wide_panel,
)
from capkit.plots.lettering import INK
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
        If a number is outside its range; the error names it.

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
        self.curves = Curves(ax, {name: words for name, (_, words) in _RATES.items()})
        self.bars = {name: _bars(ax) for name in _RATES}
        self.simulated = {name: dots(ax, name, 8) for name in _RATES}
        more: list[Artist] = [*self.bars.values(), *self.simulated.values()]
        self.artists = sorted([*self.curves.artists, *more], key=lambda each: each.get_zorder())

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
        every = model.exact(n, r, w, _LOSSES, failing=failing)
        here = model.exact(n, r, w, loss, failing=failing)
        lines = {}
        for name, (field, _) in _RATES.items():
            lines[name] = getattr(every, field), float(getattr(here, field))
            self._show_simulated(name, field, simulated, loss)
        facts = self.curves.update(loss, _LOSSES, lines)
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
