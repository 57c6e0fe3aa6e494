"""The pictures of numbers: artists that are made once, and an `update` that moves them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import FancyBboxPatch, Polygon

from capkit import tradeoff as model
from capkit._arguments import count
from capkit.plots.drawing import (
    LOOKS,
    curve,
    describe,
    dots,
    dots_per_inch,
    frame,
    spread,
    stress,
    tint,
    unit_square,
)
from capkit.plots.lettering import INK, TEXT_SIZE, Label, text_width
from capkit.tradeoff import Rates

_RATES = {"put": ("put_ok", "put acknowledged"), "get": ("get_ok", "get answered")}
_RATES["fresh"] = ("fresh", "get is fresh")
_LOSSES = np.linspace(0, 1, 201)
_WIDTHS = {"CA": 10.0, "CP": 3.5, "AP": 3.5}  # CA and CP share the right edge: CA shows behind CP
MOST_NODES = 15


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
        heights = spread([0.5 if math.isnan(v) else v for v in values], *_room(self.ax))
        self.now.set_xdata([loss, loss])
        for (name, (field, words)), value, y in zip(_RATES.items(), values, heights, strict=True):
            self.curves[name].set_data(_LOSSES, getattr(lines, field))
            self.points[name].set_data([loss, _beside(self.ax, 0.29)], [value, y])
            text = "never happens" if math.isnan(value) else f"{value:.3f}"
            self.labels[name].set(text=f"{words}\n{text}", x=_beside(self.ax, 0.44), y=y)
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
        heights = spread([float(y) for _, y, _ in here.values()], *_room(self.ax))
        said = []
        for height, (name, (x, y, vacuous)) in zip(heights, here.items(), strict=True):
            fresh = "no answers" if np.isnan(x) else f"{x:.2f} fresh"
            words = f"{name} {y:.2f} answered,\n{'no put answered' if vacuous else fresh}"
            self.labels[name].set(text=words, x=_beside(self.ax, 0.46), y=height)
            self.points[name].set_data([x, _beside(self.ax, 0.3)], [y, height])
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


class QuorumsPicture:
    """Replicas in a row, a write quorum from the left, and the read quorum that meets it least.

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
        ax.set_axis_off()
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        self.boxes = {name: _quorum_box(ax, name) for name in ("put", "get", "overlap")}
        (self.circles,) = ax.plot([], [], "o", mfc="white", mec=INK, mew=2, zorder=4)
        centred: dict[str, Any] = {"ha": "center", "fontsize": 16, "zorder": 5}
        self.numbers = [Label(ax, text=str(node), **centred) for node in range(MOST_NODES)]
        self.labels = {name: Label(ax, fontsize=16, ha="center") for name in ("put", "get")}
        self.words = Label(ax, fontsize=17, ha="center", x=0.5, y=0.08, widest=0.94)
        parts = [*self.boxes.values(), self.circles, *self.numbers, *self.labels.values()]
        self.artists: list[Artist] = [*parts, self.words]

    def update(self, n: int, r: int, w: int) -> list[Artist]:
        """Show other numbers, and return the artists to draw again."""
        n = count("n", n, 1, MOST_NODES)
        r, w = count("r", r, 1, n), count("w", w, 1, n)
        step = min(0.2, 0.94 / n)
        centres = 0.5 + step * (np.arange(n) - (n - 1) / 2)
        self.circles.set(data=(centres, np.full(n, 0.58)))
        self.circles.set_markersize(0.62 * step * self.ax.bbox.width * 72 / dots_per_inch(self.ax))
        for place, text in enumerate(self.numbers):
            text.set(x=centres[min(place, n - 1)], y=0.58, visible=place < n)
        members = {"put": range(w), "get": range(n - r, n), "overlap": range(n - r, w)}
        for name, box in self.boxes.items():
            _fit(box, name, centres[list(members[name])], step)
        for name, words in (("put", f"write quorum W = {w}"), ("get", f"read quorum R = {r}")):
            middle, half = float(centres[list(members[name])].mean()), self._half(words)
            x = min(1 - half, max(half, middle))
            self.labels[name].set(text=words, x=x, y=0.93 if name == "put" else 0.24)
        self.words.set_text(_verdict_on_quorums(n, r, w))
        describe(self.ax, self.words.get_text().replace("\n", " "))
        return self.artists

    def _half(self, words: str) -> float:
        letters = 16 * dots_per_inch(self.ax) / 72
        return text_width(words, letters) / 2 / max(1.0, self.ax.bbox.width)


def _beside(ax: Axes, inches: float) -> float:
    """Where something stands that is so far right of a unit square, in its own coordinates."""
    return 1 + inches * dots_per_inch(ax) / max(1.0, ax.bbox.width)


def _room(ax: Axes) -> tuple[float, float, float]:
    """How far apart labels of two lines must be, and the lowest and the highest place for one."""
    line = TEXT_SIZE * dots_per_inch(ax) / 72 / max(1.0, ax.bbox.height)
    return 2.45 * line, 1.1 * line, 1 - 0.9 * line


def _place(n: int, r: int, w: int, losses: Any, side: int) -> tuple[Any, Any, Any]:
    """Freshness, availability, and whether no put is ever acknowledged, so nothing can be stale.

    With `side` nodes cut off, or no cut if it is 0.
    """
    found = model.during_cut(n, r, w, losses, side=side) if side else model.exact(n, r, w, losses)
    vacuous = (np.asarray(found.put_ok) == 0) & (np.asarray(found.get_ok) > 0)
    return np.where(vacuous, 1.0, found.fresh), found.availability, vacuous


def _verdict_on_quorums(n: int, r: int, w: int) -> str:
    if r + w > n:
        shared = f"{r + w - n} replica" + ("s" if r + w - n > 1 else "")
        return (
            f"Every read meets every write: R + W = {r + w} is more than N = {n}.\n"
            f"They share at least {shared}."
        )
    chance = model.quorum_overlap(n, r, w)
    return (
        f"A read can miss a write: R + W = {r + w} is not more than N = {n}.\n"
        f"A random read quorum meets this write quorum with probability {chance:.2f}."
    )


def _quorum_box(ax: Axes, name: str) -> FancyBboxPatch:
    look = LOOKS[name]
    face = tint(look.color, 0.9 if name == "overlap" else 0.18)
    box = FancyBboxPatch((0, 0), 0, 0, boxstyle="round,pad=0,rounding_size=0.02")
    box.set(facecolor=face, edgecolor=INK, linewidth=2.5)
    box.set(hatch=look.hatch, alpha=0.9, zorder=2 + (name == "overlap"))
    ax.add_patch(box)
    return box


def _fit(box: FancyBboxPatch, name: str, centres: Any, step: float) -> None:
    """Put a box around replicas: the write quorum reaches higher, the read quorum lower."""
    low, high = {"put": (0.39, 0.87), "get": (0.3, 0.77), "overlap": (0.39, 0.77)}[name]
    box.set_visible(len(centres) > 0)
    if len(centres):
        box.set_bounds(centres[0] - 0.46 * step, low, np.ptp(centres) + 0.92 * step, high - low)


def _bars(ax: Axes) -> LineCollection:
    bars = LineCollection([], colors=INK, linewidths=2.5, zorder=5)
    ax.add_collection(bars)
    return bars
