"""A write quorum and a read quorum, and whether they meet."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from capkit import tradeoff as model
from capkit._arguments import count
from capkit.plots.drawing import (
    LOOKS,
    describe,
    dots_per_inch,
    tint,
    wide_panel,
)
from capkit.plots.lettering import INK, Label, text_width

MOST_NODES = 15


def quorums(n: int = 3, r: int = 2, w: int = 2, *, ax: Axes | None = None) -> Axes:
    """A write quorum and the read quorum that shares the fewest replicas with it.

    Parameters
    ----------
    n, r, w : int
        Replicas (at most 15), read quorum and write quorum, 1 <= r, w <= n.
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
    >>> quorums(3, 2, 2)
    Every read meets every write: R + W = 4 is more than N = 3. They share at least 1 replica.
    """
    count("n", n, 1, MOST_NODES), count("r", r, 1, n), count("w", w, 1, n)
    ax = wide_panel(0.18, 0.18, bottom=0.15) if ax is None else ax
    QuorumsPicture(ax).update(n, r, w)
    return ax


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
