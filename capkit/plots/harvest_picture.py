"""Harvest and yield against the number of shards that are out of reach."""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from capkit import tradeoff as model
from capkit.plots.curves import Curves
from capkit.plots.drawing import describe, frame, unit_square, wide_panel

_LOOKS = {"put": "yield (all or nothing)", "fresh": "harvest (partial answers)"}


def harvest(shards: int = 10, away: int = 1, touched: int = 10, *, ax: Axes | None = None) -> Axes:
    """What a request gets that touches so many of all shards, some of which are out of reach.

    Parameters
    ----------
    shards, away, touched : int
        As for `tradeoff.harvest`.
    ax : matplotlib Axes, optional
        Where to draw, with room to its right. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If a number is outside its range; the error names it.

    Examples
    --------
    >>> harvest(10, 3, 2)
    3 of 10 shards are out of reach, and a request touches 2: yield (all or nothing) 0.467,
    harvest (partial answers) 0.700.
    """
    model.harvest(shards, away, touched)  # complains before drawing
    ax = wide_panel(0.86, 3.0) if ax is None else ax
    HarvestPicture(ax, shards).update(away, touched)
    return ax


class HarvestPicture:
    """Yield of all or nothing, and harvest of partial answers.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw, with room to its right.
    shards : int
        How many there are.

    Attributes
    ----------
    artists : list of Artist
        All that `update` may change, in the order in which to draw them.
    """

    def __init__(self, ax: Axes, shards: int = 10) -> None:
        self.ax, self.shards = ax, shards
        frame(ax, "shards out of reach", "share")
        unit_square(ax)
        ax.set_xlim(-0.01 * shards, 1.01 * shards)
        ax.set_xticks(range(0, shards + 1, max(1, shards // 10)))
        self.curves = Curves(ax, _LOOKS)
        self.artists: list[Artist] = self.curves.artists

    def update(self, away: int, touched: int) -> list[Artist]:
        """Show other numbers, and return the artists to draw again."""
        places = range(self.shards + 1)
        strict = [model.harvest(self.shards, each, touched).share for each in places]
        partial = [
            model.harvest(self.shards, each, touched, answer="partial").harvest for each in places
        ]
        lines = {"put": (strict, strict[away]), "fresh": (partial, partial[away])}
        words = self.curves.update(away, places, lines)
        where = f"{away} of {self.shards} shards are out of reach, and a request touches {touched}"
        describe(self.ax, f"{where}: {words}.")
        return self.artists
