"""The plane of consistency and availability, with a curve for each of CA, CP and AP."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from capkit import tradeoff as model
from capkit._arguments import count, number
from capkit.plots.drawing import (
    LOOKS,
    beside,
    curve,
    describe,
    dots,
    frame,
    room,
    spread,
    stress,
    tint,
    unit_square,
    wide_panel,
)
from capkit.plots.lettering import INK, TEXT_SIZE, Label

_LOSSES = np.linspace(0, 1, 201)
_WIDTHS = {"CA": 10.0, "CP": 3.5, "AP": 3.5}  # CA and CP share the right edge: CA shows behind CP


def tradeoff(
    n: int = 3, loss: float = 0.2, *, cut: bool = False, side: int = 1, ax: Axes | None = None
) -> Axes:
    """Availability against consistency, for CA, CP and AP and every loss, with and without a cut.

    CA reads one copy and writes all, CP uses majorities for both, AP is content with one copy.
    Strong curves are what holds now, pale ones the other case.

    Parameters
    ----------
    n : int
        Replicas, at least 2.
    loss : float
        Chance that one request is lost, in [0, 1]: the markers on the curves.
    cut : bool
        Whether the network is cut, counting the clients of both sides.
    side : int
        Replicas on one side of the cut, 1..n-1.
    ax : matplotlib Axes, optional
        Where to draw, with room to its right. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If a number is outside its range; it is named.

    Notes
    -----
    Where no put is acknowledged no answered get can be stale: such a point stands at 1, hollow.

    Examples
    --------
    >>> tradeoff(5, 0.0, cut=True, side=2)  # doctest: +NORMALIZE_WHITESPACE
    2 of 5 nodes cut off, loss 0. CA 0.50 answered, no put answered.
    CP 0.60 answered, 1.00 fresh. AP 1.00 answered, 0.52 fresh.
    """
    n, loss = count("n", n, 2), number("loss", loss, 0, 1)
    side = count("side", side, 1, n - 1)
    ax = wide_panel(0.86, 2.57) if ax is None else ax
    TradeoffPicture(ax).update(n, loss, cut=cut, side=side)
    return ax


class TradeoffPicture:
    """The plane of consistency and availability with a curve for each of CA, CP and AP.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw; it needs free room on its right for labels.

    Attributes
    ----------
    artists : list of Artist
        All that `update` may change, in the order in which to draw them.
    """

    def __init__(self, ax: Axes) -> None:
        self.ax = ax
        frame(ax, "consistency: share of gets that are fresh", "availability: share answered")
        unit_square(ax)
        style: dict[str, Any] = {"facecolor": tint(LOOKS["fault"].color, 0.3), "zorder": 0.5}
        self.corner = Polygon([(1, 1)], hatch="///", edgecolor="#777777", **style)
        ax.add_patch(self.corner)
        arrow = {"arrowstyle": "->", "color": INK, "linewidth": 1.5}
        place: dict[str, Any] = {"xytext": (0.79, 0.36), "ha": "center", "va": "center"}
        place |= {"fontsize": TEXT_SIZE, "color": INK, "arrowprops": arrow, "zorder": 7}
        self.corner_text = ax.annotate("", (1, 1), **place)
        self.whole = {name: curve(ax, name, _WIDTHS[name]) for name in _WIDTHS}
        self.cut = {name: curve(ax, name, _WIDTHS[name]) for name in _WIDTHS}
        self.points = {name: dots(ax, name, 15, clip_on=False) for name in _WIDTHS}
        self.labels = {name: Label(ax) for name in _WIDTHS}
        groups = self.whole, self.cut, self.points, self.labels
        self.artists: list[Artist] = [self.corner, *(a for group in groups for a in group.values())]
        self.artists.append(self.corner_text)

    def update(self, n: int, loss: float, *, cut: bool = False, side: int = 1) -> list[Artist]:
        """Show other numbers, and return the artists to draw again."""
        quorums = {"CA": (1, n), "CP": (n // 2 + 1, n // 2 + 1), "AP": (1, 1)}
        here = {}
        for name, (r, w) in quorums.items():
            for lines, is_cut in ((self.whole, False), (self.cut, True)):
                lines[name].set_data(*_place(n, r, w, _LOSSES, side if is_cut else 0)[:2])
                stress(lines[name], name, _WIDTHS[name] if is_cut == cut else 0)
            here[name] = _place(n, r, w, loss, side if cut else 0)
        words = self._show_points(here)
        self._show_corner(n, side, cut)
        where = f"{side} of {n} nodes cut off" if cut else f"{n} nodes, no cut"
        describe(self.ax, f"{where}, loss {loss:g}. {' '.join(words)}")
        return self.artists

    def _show_points(self, here: dict[str, tuple[Any, Any, Any]]) -> list[str]:
        """Mark the points, and name them on the right, where no curve is in the way."""
        heights = spread([float(y) for _, y, _ in here.values()], *room(self.ax))
        said = []
        for height, (name, (x, y, vacuous)) in zip(heights, here.items(), strict=True):
            fresh = "no answers" if np.isnan(x) else f"{x:.2f} fresh"
            words = f"{name} {y:.2f} answered,\n{'no put answered' if vacuous else fresh}"
            self.labels[name].set(text=words, x=beside(self.ax, 0.46), y=height)
            self.points[name].set_data([x, beside(self.ax, 0.3)], [y, height])
            self.points[name].set_markerfacecolor("white" if vacuous else LOOKS[name].color)
            said.append(words.replace("\n", " ") + ".")
        return said

    def _show_corner(self, n: int, side: int, cut: bool) -> None:
        share = max(side, n - side) / n
        answered = np.linspace(share, 1, 60)
        edge = model.cut_limit(n, answered, answered, side=side)
        self.corner.set_xy([*zip(np.atleast_1d(edge), answered, strict=True), (1, 1)])
        self.corner.set_alpha(1.0 if cut else 0.45)
        during = "empty during a cut:\nno store can be here"
        self.corner_text.set_text(during if cut else "only a cut\nempties this corner")
        middle = np.array([np.atleast_1d(edge)[30], answered[30]])
        self.corner_text.xy = tuple(middle + 0.3 * (1 - middle))


def _place(n: int, r: int, w: int, losses: Any, side: int) -> tuple[Any, Any, Any]:
    """Freshness, availability, and whether no put is ever acknowledged, so nothing can be stale.

    With `side` nodes cut off, or no cut if it is 0.
    """
    found = model.during_cut(n, r, w, losses, side=side) if side else model.exact(n, r, w, losses)
    vacuous = (np.asarray(found.put_ok) == 0) & (np.asarray(found.get_ok) > 0)
    return np.where(vacuous, 1.0, found.fresh), found.availability, vacuous
