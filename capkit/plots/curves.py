"""Curves with a line that marks where one is, and their values there, named on the right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from capkit.plots.drawing import beside, curve, dots, room, spread
from capkit.plots.lettering import INK, Label


class Curves:
    """Curves over one axis, and the place on it that a slider has.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw, with room to its right.
    looks : mapping of str to str
        The look of each curve, and what it shows.

    Attributes
    ----------
    artists : list of Artist
        All that `update` may change, in the order in which to draw them.
    """

    def __init__(self, ax: Axes, looks: Mapping[str, str]) -> None:
        self.ax, self.looks = ax, dict(looks)
        self.now = ax.axvline(0, color=INK, linewidth=1.5, linestyle=(0, (5, 4)))
        self.curves = {look: curve(ax, look) for look in looks}
        self.points = {look: dots(ax, look, 13, clip_on=False) for look in looks}
        self.labels = {look: Label(ax) for look in looks}
        groups = self.curves, self.points, self.labels
        self.artists: list[Artist] = [self.now, *(a for group in groups for a in group.values())]

    def update(self, at: float, places: Any, lines: Mapping[str, tuple[Any, float]]) -> str:
        """Draw each curve, mark its value where x is `at`, and return the values in words."""
        values = [value for _, value in lines.values()]
        heights = spread([0.5 if math.isnan(value) else value for value in values], *room(self.ax))
        low, high = self.ax.get_xlim()
        right = [low + beside(self.ax, inches) * (high - low) for inches in (0.29, 0.44)]
        self.now.set_xdata([at, at])
        said = []
        for (look, (line, value)), y in zip(lines.items(), heights, strict=True):
            self.curves[look].set_data(places, line)
            self.points[look].set_data([at, right[0]], [value, y])
            text = "never happens" if math.isnan(value) else f"{value:.3f}"
            self.labels[look].set(text=f"{self.looks[look]}\n{text}", x=right[1], y=y)
            said.append(f"{self.looks[look]} {text}")
        return ", ".join(said)
