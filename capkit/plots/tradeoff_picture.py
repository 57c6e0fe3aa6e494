"""The plane of consistency and availability twice: the cable whole, and the cable cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox, blended_transform_factory
from numpy.typing import NDArray

from capkit import tradeoff as model
from capkit._arguments import count, flag, number, shown
from capkit.plots.drawing import (
    BOX,
    LOOKS,
    Panel,
    curve,
    describe,
    dots,
    dots_per_inch,
    frame,
    in_plain_style,
    margins,
    panels,
    tint,
)
from capkit.plots.lettering import INK, TEXT_SIZE, Label, text_width
from capkit.plots.naming import stand
from capkit.tradeoff import Rates

Point: TypeAlias = tuple[float, float]
Way: TypeAlias = NDArray[np.float64]  # a row for each loss: fresh, answered, hollow

_SIZES = {"CA": 25.0, "CP": 18.0, "AP": 12.0}  # those that coincide are seen one in the other
_LETTERS = 17.0  # points
_KEY, _GHOST, _MEASURED = 13.0, 11.0, 7.0  # small markers: at names, where it stood, of real runs
_WHOLE, _CUT = ("CA", "CP", "AP"), ("CA: block", "CA: failover", "CP", "AP")


def tradeoff(
    n: int = 5,
    loss: float = 0.0,
    *,
    share: float = 0.4,
    mean: bool = False,
    measured: Mapping[str, Sequence[Point]] | None = None,
) -> Panel:
    """Availability against consistency for CA, CP and AP, with the cable whole and with it cut.

    CA has a primary: a put must reach all nodes, a get the primary. CP uses majorities for both,
    and AP is content with one copy. Each request is sent once. A marker is hollow where no put can
    be acknowledged or nothing is answered: nothing can be stale.

    Parameters
    ----------
    n : int
        Replicas, at least 2.
    loss : float
        Chance that one request is lost, in [0, 1]. A trail shows the way from loss 0.
    share : float
        Share of the nodes that the cut keeps from the others, CA's primary among them, in
        (0, 0.5]; at least one node.
    mean : bool
        Whether to count the clients of both sides during the cut, and not those of the worse side.
    measured : mapping of str to two points, optional
        What runs of "CA: block", "CA: failover", "CP" or "AP" had, as (share fresh, share
        answered): first with the cable whole, then with it cut. Small and black.

    Returns
    -------
    Panel
        The right one; its figure shows both.

    Raises
    ------
    ValueError
        If a number is outside its range, or a name unknown; the error names it.

    Examples
    --------
    >>> tradeoff(5)  # doctest: +NORMALIZE_WHITESPACE
    Cable whole, 5 nodes, loss 0: CA, CP, AP 1.00 answered, 1.00 fresh.
    Cable cut, 2 | 3 nodes, on the worse side: CA: block 0.00 answered, nothing to be stale;
    CA: failover, AP 1.00 answered, 0.52 fresh; CP 0.00 answered, 1.00 fresh.
    """
    n, loss = count("n", n, 2), number("loss", loss, 0, 1)
    if not 0 < number("share", share) <= 0.5:
        raise ValueError(f"share must be in (0, 0.5], got {share}")
    flag("mean", mean)
    if not isinstance(measured, Mapping | None):
        raise TypeError(f"measured must be a dict of names and points, got {shown(measured)}")
    for name in measured or {}:
        if name not in _CUT:
            raise ValueError(f"measured must be among {list(_CUT)}, got {name!r}")
    picture = TradeoffPicture(5.0)
    picture.update(n, loss, share=share, mean=mean, measured=measured)
    return picture.cut.ax


class TradeoffPicture:
    """The plane of consistency and availability, with the cable whole and with it cut.

    Parameters
    ----------
    height : float
        Of a new figure, in inches.

    Attributes
    ----------
    figure : matplotlib Figure
        The new one.
    whole, cut : Plane
        The two halves.
    artists : list of Artist
        All that `update` may change, in the order in which to draw them.
    """

    @in_plain_style
    def __init__(self, height: float) -> None:
        left, right = panels(2, height=height)
        margins(left, 0.92, 0.95, 0.2, 0.62)
        left.figure.subplots_adjust(wspace=0.08)
        self.figure: Figure = left.figure
        self.whole, self.cut = Plane(left, _WHOLE), Plane(right, _CUT)
        left.set_yticks([0, 0.5, 1], ["0\nnone", "0.5", "1\nall"])
        style: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "center"}
        place = blended_transform_factory(self.figure.transFigure, left.transAxes)
        style |= {"transform": place, "fontsize": TEXT_SIZE, "color": INK}
        self.counted = left.text(0.02, 0.5, "", **style)
        self.artists: list[Artist] = [*self.whole.artists, *self.cut.artists, self.counted]

    @in_plain_style
    def update(
        self,
        n: int,
        loss: float,
        *,
        share: float = 0.4,
        mean: bool = False,
        measured: Mapping[str, Sequence[Point]] | None = None,
    ) -> list[Artist]:
        """Show other numbers, and return the artists to draw again."""
        flag("mean", mean)
        side = min(max(1, int(share * n + 0.5)), n - 1)
        losses = np.linspace(loss, 0, 101 if loss else 1)
        ran = {name: np.array(points) for name, points in (measured or {}).items()}
        stood = {name: _way(name, n, losses, None, mean) for name in _CUT}
        fallen = {name: _way(name, n, losses, side, mean) for name in _CUT}
        self.cut.forbid(_corner(n, side, mean), "nobody\ncan be here")
        for row, plane in enumerate((self.whole, self.cut)):
            plane.show_measured({name: points[row] for name, points in ran.items()})
        self.whole.show({"CA": stood["CA: block"]} | stood)
        self.cut.show(fallen, {name: way[0] for name, way in stood.items()})
        self.counted.set_text("answered, " + ("mean of all" if mean else "worse side"))
        cut, who = f"{side} | {n - side} nodes", "of all clients" if mean else "on the worse side"
        self.whole.title.set_text("cable whole")
        self.cut.title.set_text(f"cable cut, {cut}")
        self.whole.describe(f"Cable whole, {n} nodes, loss {loss:g}: ")
        self.cut.describe(f"Cable cut, {cut}, {who}: ")
        return self.artists


class Plane:
    """One plane, with a marker, a name, a trail, and perhaps an arrow for each store.

    Parameters
    ----------
    ax : Panel
        Where to draw.
    names : sequence of str
        Of the stores; the first two letters are their look.

    Attributes
    ----------
    artists : list of Artist
        All that can change, in the order in which to draw them.
    """

    def __init__(self, ax: Panel, names: Sequence[str]) -> None:
        self.ax, self.names = ax, tuple(names)
        frame(ax, "share of gets that are fresh")
        ax.set(xlim=(-0.02, 1.03), ylim=(-0.06, 1.04))
        ax.set_yticks([0, 0.5, 1], ["", "", ""])
        ax.set_xticks([0, 0.5, 1], ["0\nall old", "0.5", "1\nall fresh"])
        old, _, fresh = ax.get_xticklabels()
        old.set_horizontalalignment("left")
        fresh.set_horizontalalignment("right")
        style: dict[str, Any] = {"facecolor": tint(LOOKS["fault"].color, 0.3), "zorder": 0.5}
        self.corner = Polygon([(1, 1)], hatch="///", edgecolor="#777777", **style)
        ax.add_patch(self.corner)
        self.trails = {name: curve(ax, name[:2]) for name in names}
        self.arrows = [_arrow(ax) for _ in names]
        self.pointer = _arrow(ax)
        self.ghosts = {name: _marker(ax, name, _GHOST) for name in names}
        self.points = {name: _marker(ax, name, _SIZES[name[:2]]) for name in names}
        self.keys = {name: _marker(ax, name, _KEY) for name in names}
        self.measured = {name: _marker(ax, name, _MEASURED) for name in _CUT}
        self.labels = {
            name: Label(ax, fontsize=_LETTERS, fontweight="bold", bbox=BOX) for name in names
        }
        self.warning = Label(ax, ha="center", bbox=BOX)
        high = 1 + 0.37 * dots_per_inch(ax) / ax.bbox.height
        above: dict[str, Any] = {"transform": ax.transAxes, "x": 0.5, "y": high, "ha": "center"}
        self.title = Label(ax, fontsize=_LETTERS, **above)
        groups = self.trails, self.ghosts, self.points, self.keys, self.measured, self.labels
        self.artists: list[Artist] = [self.corner, *(a for group in groups for a in group.values())]
        self.artists += [*self.arrows, self.pointer, self.warning, self.title]

    def forbid(self, corner: Any, words: str) -> None:
        """Hatch what no store can reach, and say so."""
        self.corner.set_xy(corner)
        self.warning.set_text(words)

    def show(self, ways: Mapping[str, Way], stood: Mapping[str, Way] | None = None) -> None:
        """Put each store where its way begins, with an arrow from where it stood."""
        self.now = {name: ways[name][0] for name in self.names}
        for name, (fresh, answered, hollow) in self.now.items():
            self.trails[name].set_data(ways[name][:, 0], ways[name][:, 1])
            self.points[name].set_markerfacecolor("white" if hollow else LOOKS[name[:2]].color)
            self.points[name].set_data([fresh], [answered])
        for arrow, name in zip(self.arrows, self.names, strict=True):
            begin, end = (stood or self.now)[name][:2], self.now[name][:2]
            fell = bool(np.abs(begin - end).max() > 0.1)
            arrow.set_visible(fell)
            arrow.xy, arrow.xyann = tuple(end), tuple(begin)
            self.ghosts[name].set_data([begin[0]] if fell else [], [begin[1]] if fell else [])
        self._name_points()

    def show_measured(self, points: Mapping[str, Way]) -> None:
        """Small black markers where runs of real protocols stood."""
        self.ran = points
        for name, marker in self.measured.items():
            marker.set_data(*np.reshape(points.get(name, ()), (-1, 2)).T)

    def describe(self, begin: str) -> None:
        """Say where all stores stand; those that stand together in one breath."""
        said = _said({name: tuple(at) for name, at in self.now.items()})
        ran = _said({name: (*at, False) for name, at in self.ran.items()})
        describe(self.ax, f"{begin}{said}." + (f" Measured: {ran}." if ran else ""))

    def _name_points(self) -> None:
        """Names at their markers; where markers cover each other, each name has a small one."""
        larger = dots_per_inch(self.ax) / 72
        sizes = {name: larger * _SIZES[name[:2]] for name in self.names}
        squares = {name: self._square(self.now[name], size) for name, size in sizes.items()}
        small = [self._square(at, larger * _MEASURED) for at in self.ran.values()]
        ghosts = small + [self._square(each.xyann, larger * _GHOST) for each in self._seen_arrows()]
        names, high = list[Bbox](), larger * _LETTERS * 1.25
        for name, label in self.labels.items():
            crowd = [other for other in squares.values() if other.overlaps(squares[name])]
            others = [each.padded(8) for each in squares.values() if each not in crowd]
            taken = [*crowd, *others, *ghosts, *names]
            key = larger * 20 if len(crowd) > 1 else 0.0
            size = key + text_width(name, larger * _LETTERS, "bold"), high
            reach = max(other.width for other in crowd) / 2
            names.append(stand(_middle(squares[name]), reach, size, taken, self._room()))
            self._write(label, self.keys[name], name, names[-1], key)
        self._warn([*squares.values(), *ghosts, *names])

    def _write(self, label: Label, marker: Line2D, name: str, place: Bbox, key: float) -> None:
        """A name at its place, after its small marker if that takes any room."""
        y = _middle(place)[1]
        across, up = self._data(place.x0 + key / 2 - 2, y)
        marker.set(data=([across], [up]), visible=bool(key))
        x, y = self._data(place.x0 + key, y)
        label.set(text=name, x=x, y=y)

    def _warn(self, taken: Sequence[Bbox]) -> None:
        """Say what the hatched corner means where there is room for it."""
        self.pointer.set_visible(False)
        if not self.warning.get_text():
            return
        own, room = self.warning.get_window_extent(), self.ax.bbox
        edge, high = self.corner.get_xy()[40]  # two thirds of the way up
        fits = (1 - edge) * room.width > own.width + 30
        x, y = ((1 + edge) / 2, high) if fits else (0.4, 0.5)
        wish = self.ax.transData.transform((x, y))
        size = own.width + 8, own.height + 4
        place = stand((wish[0], wish[1]), -own.width / 2, size, taken, self._room())
        x, y = self._data(*_middle(place))
        self.warning.set(x=x, y=y)
        self.pointer.set_visible(not fits)
        self.pointer.xy, self.pointer.xyann = ((1 + edge) / 2, high), (x, y)

    def _seen_arrows(self) -> list[Annotation]:
        return [arrow for arrow in self.arrows if arrow.get_visible()]

    def _square(self, at: Any, wide: float) -> Bbox:
        x, y = self.ax.transData.transform(at[:2])
        return Bbox.from_bounds(x - wide / 2, y - wide / 2, wide, wide)

    def _room(self) -> Bbox:
        """Where names may stand: on the plane, and a little above what is always answered."""
        room = self.ax.bbox
        return Bbox.from_extents(room.x0 + 4, room.y0 + 2, room.x1, room.y1 + 14)

    def _data(self, x: float, y: float) -> Point:
        across, up = self.ax.transData.inverted().transform((x, y))
        return float(across), float(up)


def _said(places: Mapping[str, Sequence[float]]) -> str:
    """Where each stands, in words; those that stand together in one breath."""
    said: dict[str, list[str]] = {}
    for name, (fresh, answered, hollow) in places.items():
        words = "nothing to be stale" if hollow else f"{fresh:.2f} fresh"
        said.setdefault(f"{answered:.2f} answered, {words}", []).append(name)
    return "; ".join(f"{', '.join(names)} {words}" for words, names in said.items())


def _middle(frame: Bbox) -> Point:
    return (frame.x0 + frame.x1) / 2, (frame.y0 + frame.y1) / 2


def _marker(ax: Axes, name: str, size: float) -> Line2D:
    marker = dots(ax, name[:2], size, clip_on=False)
    if size == _MEASURED:
        marker.set(markerfacecolor="black", markeredgecolor="white", zorder=6.5)
    if size == _GHOST:
        marker.set(markerfacecolor=tint(LOOKS[name[:2]].color, 0.4), markeredgecolor="#777777")
    return marker


def _arrow(ax: Axes) -> Annotation:
    look: dict[str, Any] = {
        "arrowstyle": "-|>",
        "color": INK,
        "linewidth": 1.8,
        "mutation_scale": 18,
    }
    look |= {"shrinkA": 10, "shrinkB": 13}
    return ax.annotate("", (0, 0), (0, 0), arrowprops=look, zorder=3, annotation_clip=False)


def _way(name: str, n: int, losses: Any, side: int | None, mean: bool) -> Way:
    """Where a store stands at each loss; where nothing can be stale, at 1 and hollow."""
    rates = _rates(name, n, losses, side, mean)
    hollow = np.isnan(rates.fresh)
    return np.stack([np.where(hollow, 1.0, rates.fresh), rates.availability, hollow], axis=1)


def _rates(name: str, n: int, losses: Any, side: int | None, mean: bool) -> Rates:
    if name.startswith("CA"):
        does = name.removeprefix("CA: ")
        return model.primary(n, losses, side=side, on_partition=does, worse=not mean)
    quorum = n // 2 + 1 if name == "CP" else 1
    if side is None:
        return model.exact(n, quorum, quorum, losses)
    rule = model.during_cut if mean else model.worse_side
    return rule(n, quorum, quorum, losses, side=side)


def _corner(n: int, side: int, mean: bool) -> Any:
    """What no store reaches: the edge from always fresh to always answered, and the corner."""
    answered = np.linspace(max(side, n - side) / n if mean else 0, 1, 60)
    if mean:
        edge = model.cut_limit(n, answered, answered, side=side)
    else:
        edge = model.worse_side_limit(n, answered, side=side)
    return [*zip(np.atleast_1d(edge), answered, strict=True), (1.0, 1.0)]
