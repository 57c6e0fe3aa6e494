"""A history as a picture: clients above, the replicas' copies below, faults across both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.ticker import FuncFormatter

from capkit._arguments import flag
from capkit.consistency import Verdict, stale
from capkit.history import Copy, Fault, History, Outcome
from capkit.history.equality import identity
from capkit.history.records import in_order
from capkit.plots import layout
from capkit.plots.drawing import (
    LOOKS,
    describe,
    dots,
    dots_per_inch,
    in_plain_style,
    legend_below,
    margins,
    tint,
    wide_panel,
)
from capkit.plots.layout import keys_of, lanes_of, names, short, span_of, values_of
from capkit.plots.lettering import INK, PAPER, TEXT_SIZE, Words, text_width

_BAR = 0.39  # half the height of a bar, in lanes
_NARROWEST = 4.0  # pixels: an instant answer must still be seen
_OUTCOMES = (Outcome.OK, Outcome.FAIL, Outcome.UNKNOWN)
_MOST_ROWS = 16  # lanes that a figure of 5 inches shows with letters of full size
_FEWEST_ROWS = 5.0  # fewer get a lower figure


def timeline(
    history: History,
    verdict: Verdict | None = None,
    *,
    key: Any = None,
    span: tuple[float, float] | None = None,
    highlight: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Operations of every client over time, what the replicas held, and the faults.

    Bars are operations: solid if answered, hatched if failed, dashed and fading if nobody knows.
    A triangle marks a stale get, and a dashed line leads to it from the put that it missed.

    Parameters
    ----------
    history : History
        At best up to about 150 operations.
    verdict : Verdict, optional
        Of `linearizable`: its order is shown as dots where the operations take effect, its
        witness as rings, with the numbers by which its reason names operations.
    key : object, optional
        Show this key alone. Otherwise all keys up to three, or the first of more.
    span : (float, float), optional
        First and last ms shown. Otherwise all that happens.
    highlight : int, optional
        An operation to draw attention to.
    ax : matplotlib Axes, optional
        Where to draw. Otherwise a new figure, as tall as the rows need.

    Returns
    -------
    matplotlib Axes
        Its y axis counts lanes downwards.

    Raises
    ------
    ValueError
        If `span` does not start before it ends.

    Examples
    --------
    >>> from capkit.history import Operation
    >>> put = Operation(kind="put", key="x", value=1, invoked=0, completed=10)
    >>> get = Operation(kind="get", key="x", value=None, invoked=20, completed=25, client=1)
    >>> timeline(History([put, get]))
    2 operations of 2 clients in 25 ms: 2 OK. 1 stale get.
    """
    layout.refuse(history, verdict, span, highlight)
    own = ax is None
    ax = wide_panel(2.03, 0.5) if ax is None else ax
    picture = TimelinePicture(ax, fewest=1.0 if own else _FEWEST_ROWS)
    choices: dict[str, Any] = {"key": key, "span": span, "highlight": highlight}
    picture.update(history, verdict, **choices)
    rows = ax.get_ylim()[0]
    if own and not _FEWEST_ROWS <= rows <= _MOST_ROWS:
        height = 5 * rows / _MOST_ROWS if rows > _MOST_ROWS else 5 - 0.8 * (_FEWEST_ROWS - rows)
        width = ax.figure.get_size_inches()[0]  # type: ignore[union-attr]
        ax.figure.set_size_inches(width, height * width / 9)  # type: ignore[union-attr]
        margins(ax, 2.03, 0.75, 0.5, 0.15)
        picture.update(history, verdict, **choices)
    return ax


class TimelinePicture:
    """The artists of a timeline; `update` replaces them all and leaves the frame alone.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    values : sequence of objects, optional
        Values that copies may hold, in the order of their colours: the same in several pictures.
    fewest : float
        Lanes that there is always room for; so many or fewer are equally high.
    legend : bool
        Whether a legend stands below.
    """

    @in_plain_style
    def __init__(
        self, ax: Axes, values: Sequence[Any] = (), fewest: float = 5.0, legend: bool = True
    ) -> None:
        self.ax, self.values, self.fewest = ax, values, fewest
        self.legend = flag("legend", legend)
        self.artists: list[Artist] = []
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.set_yticks([])
        ax.xaxis.set_major_formatter(FuncFormatter(lambda time, _: f"{time:g} ms"))
        ax.locator_params(axis="x", nbins=6)
        ax.tick_params(labelsize=TEXT_SIZE, colors=INK)

    @in_plain_style
    def update(
        self,
        history: History,
        verdict: Verdict | None = None,
        *,
        key: Any = None,
        span: tuple[float, float] | None = None,
        highlight: int | None = None,
    ) -> list[Artist]:
        """Draw a history, and return the artists in the order in which to draw them.

        With the same `span` each time, nothing outside the returned artists changes.
        """
        for artist in self.artists:
            artist.remove()
        self.artists = []
        self.history, self.keys = history, keys_of(history, key)
        self.start, self.end = span_of(history) if span is None else span
        self.ax.set_xlim(self.start, self.end)
        self.words: list[tuple[float, float, str]] = []
        self.stale = stale(history)
        self.ringed = () if verdict is None or verdict.ok is not False else verdict.witness
        self._lay_out()
        self._draw_faults()
        self._draw_bars()
        self._draw_rings(highlight)
        self._draw_stale()
        self._draw_points(verdict)
        self._draw_copies()
        self._add(Words(self.ax, self.words, self.size * self.dots, label="words"))
        for legend in legend_below(self.ax, self.artists if self.legend else ()):
            self._add(legend)
        describe(self.ax, layout.reading(history, self.stale, verdict))
        return self.artists

    def _lay_out(self) -> None:
        """Give every fault, operation and copy its height; the y axis counts lanes downwards."""
        history = self.history
        self.dots = dots_per_inch(self.ax) / 100  # all pixels here are a hundredth of an inch
        self.pixel = (self.end - self.start) * self.dots / max(1.0, self.ax.bbox.width)
        self.size = self._letter_size()
        self.faults = layout.faults_in(history, self.start, self.end)
        named = [(fault, self._fault_name(fault)) for fault in self.faults]
        taken = [(min(f.at, x), max(f.until, y)) for f, (x, y) in named]
        self.fault_lanes = lanes_of(*zip(*taken, strict=True)) if taken else []
        top = 1 + max(self.fault_lanes, default=-1)
        self.y = np.full(len(history), math.nan)
        self.rows: list[tuple[float, str]] = []
        self.edges = [float(top)]
        shown = np.isin(history.key, [self._code(key) for key in self.keys])
        for client in np.unique(history.client[shown]).tolist():
            mine = np.flatnonzero(shown & (history.client == client))
            lanes = lanes_of(history.invoked[mine], history.completed[mine])
            self.y[mine] = top + 0.5 + np.array(lanes)
            height = 1 + max(lanes)
            self.rows.append((top + height / 2, layout.client_label(history, client, mine)))
            top += height
            self.edges.append(float(top))
        self._lay_out_copies(top + 0.15)

    def _lay_out_copies(self, top: float) -> None:
        self.strips: dict[tuple[Any, Any], list[Copy]] = {}
        for copy in sorted(self.history.copies, key=lambda copy: copy.at):
            if copy.key in self.keys:
                self.strips.setdefault((copy.node, copy.key), []).append(copy)
        self.strip_tops = {}
        for node, key in sorted(self.strips, key=lambda row: (str(row[1]), in_order(row[0]))):
            self.strip_tops[node, key] = top
            name = "copy" if len(self.keys) == 1 else str(key)
            self.rows.append((top + 0.5, f"{name} at node {node}"))
            top += 1
        rows = max(top, self.fewest)
        self.ax.set_ylim(rows, -0.015 * rows)
        self.size = self._letter_size(self.ax.bbox.height / self.dots / rows)
        self._write_rows()

    def _write_rows(self) -> None:
        across = self.ax.get_yaxis_transform()
        pixel = self.dots / max(1.0, self.ax.bbox.width)
        rows = [(-pixel * (9 + text_width(row, self.size)), y, row) for y, row in self.rows]
        self._add(
            Words(self.ax, rows, self.size * self.dots, offset_transform=across, label="rows")
        )
        self.artists[-1].set_clip_on(False)
        lines = [[(0, edge), (1, edge)] for edge in self.edges]
        self._add(LineCollection(lines, colors="#bbbbbb", linewidths=0.8, transform=across))

    def _draw_faults(self) -> None:
        low, high = self.ax.get_ylim()
        header, bands = [], []
        for fault, lane in zip(self.faults, self.fault_lanes, strict=True):
            left, right = max(fault.at, self.start), min(fault.until, self.end)
            bands.append(layout.box(left, right, low, high))
            header.append(layout.box(left, right, lane + 0.08, lane + 0.92))
            self.words.append((self._fault_name(fault)[0], lane + 0.5, str(fault)))
        grey = LOOKS["fault"]
        self._polygons(bands, facecolors=grey.color, alpha=0.22, zorder=0.5, label="fault band")
        style: dict[str, Any] = {"edgecolors": "#555555", "linewidths": 1}
        self._polygons(header, facecolors=tint(grey.color, 0.35), label="fault", **style)

    def _fault_name(self, fault: Fault) -> tuple[float, float]:
        """From where to where a fault is named."""
        band = max(fault.at, self.start), min(fault.until, self.end)
        wide, gap = self._width(str(fault)), 4 * self.pixel
        x = layout.name_band(wide, band, (self.start, self.end), gap)
        return x, x + wide + gap

    def _draw_bars(self) -> None:
        """One collection for each outcome: hundreds of artists would take ten times as long."""
        look = {outcome: LOOKS[outcome.value] for outcome in _OUTCOMES}
        for code, outcome in enumerate(_OUTCOMES):
            rows = np.flatnonzero((self.history.outcome == code) & ~np.isnan(self.y))
            puts = self.history.is_put[rows]
            strong = 1.0 if outcome is Outcome.OK else 0.35
            faces = [tint(look[outcome].color, strong if put else 0.15) for put in puts]
            boxes = [self._bar(row) for row in rows.tolist()]
            style: dict[str, Any] = {"hatch": look[outcome].hatch, "label": outcome.value}
            style["edgecolors"] = INK if outcome is Outcome.OK else look[outcome].color
            style |= {"linestyles": [look[outcome].dash], "linewidths": 1.2, "zorder": 2}
            style["closed"] = outcome is not Outcome.UNKNOWN
            self._polygons(boxes, facecolors=faces, **style)
        self._draw_fades()
        self.paper: list[Any] = []
        self._draw_labels()
        self._polygons(self.paper, facecolors=PAPER, alpha=0.85, linewidths=0, zorder=3)

    def _draw_fades(self) -> None:
        """Let what has no answer fade out to the right: it may still happen."""
        rows = np.flatnonzero((self.history.outcome == 2) & ~np.isnan(self.y))
        boxes = layout.fades(self._right(rows), self.y[rows], 5 * self.pixel, _BAR)
        grey = tint(LOOKS["UNKNOWN"].color, 0.5)
        faces = [(*grey, share * 0.7) for _ in rows for share in layout.FADE]
        self._polygons(boxes, facecolors=faces, linewidths=0, zorder=1.9, label="may still happen")

    def _draw_labels(self) -> None:
        """Name each operation in its bar or right of it, as long as there is room."""
        rows = np.flatnonzero(~np.isnan(self.y))
        rights = dict(zip(rows.tolist(), self._right(rows), strict=True))
        for lane in np.unique(self.y[rows]):
            here = rows[self.y[rows] == lane].tolist()
            bars = [self._nameable(row, rights[row]) for row in here]
            for place, x, name in layout.name_bars(bars, self.end, self._width, 2 * self.pixel):
                if x < rights[here[place]]:
                    self._centre(name, x, float(lane), self.history.outcome[here[place]] != 0)
                else:
                    self.words.append((x, float(lane), name))
        for row in self.ringed:
            self._number(row, self.history.invoked[row], rights[row])

    def _nameable(self, row: int, right: float) -> layout.Bar:
        operation, ringed = self.history[row], row in self.ringed
        tag = f"#{row} " if ringed else ""
        return layout.Bar(
            left=max(operation.invoked, self.start),
            right=right,
            names=[tag + name for name in names(operation, len(self.keys) > 1)],
            gap=(10 if ringed else 3) * self.pixel,  # so that a ring covers no letter
            open_ended=operation.outcome is Outcome.UNKNOWN,
            alone=ringed,
        )

    def _number(self, row: int, left: float, right: float) -> None:
        """Write the number left of a ring, if there was no room: the verdict's reason names it."""
        y, text, gap = float(self.y[row]), f"#{row}", 9 * self.pixel
        if any(at == y and word.split()[0] == text for _, at, word in self.words):
            return
        x = left - gap - (wide := self._width(text))
        x = x if x > self.start else right + gap
        self.words = layout.without(self.words, y, x, x + wide, self._width)
        self.words.append((x, y, text))
        self.paper.append(layout.box(x - gap / 3, x + wide + gap / 9, y - 0.3, y + 0.3))

    def _draw_rings(self, highlight: int | None) -> None:
        boxes = [self._bar(row, margin=5) for row in self.ringed]
        style: dict[str, Any] = {"facecolors": "none", "edgecolors": INK, "linewidths": 3}
        self._polygons(boxes, zorder=4, label="contradiction", **style)
        glow = [] if highlight is None else [self._bar(highlight, margin=8)]
        yellow = LOOKS["overlap"].color
        self._polygons(glow, facecolors=yellow, edgecolors=INK, zorder=1.8, label="highlight")

    def _draw_stale(self) -> None:
        look = LOOKS["stale"]
        rows = np.flatnonzero((self.stale >= 0) & ~np.isnan(self.y))
        missed = self.stale[rows]
        seen = ~np.isnan(self.y[missed])
        starts = zip(self.history.completed[missed], self.y[missed], strict=True)
        ends = zip(self.history.invoked[rows], self.y[rows], strict=True)
        lines = [pair for pair, ok in zip(zip(starts, ends, strict=True), seen, strict=True) if ok]
        width = 2.2 if len(lines) < 9 else 1.2
        style: dict[str, Any] = {"linestyles": [look.dash], "linewidths": width, "zorder": 5}
        if lines:
            self._add(LineCollection(lines, colors="#9c3f73", label="missed", **style))
        self._dots("stale", self.history.completed[rows], self.y[rows] - _BAR, markersize=12)

    def _draw_points(self, verdict: Verdict | None) -> None:
        """Put each operation's linearization point as early as the order before it allows."""
        order = [] if verdict is None else list(verdict.order)
        times = np.maximum.accumulate(self.history.invoked[order]) if order else np.zeros(0)
        self._dots("takes effect", times, self.y[order] + _BAR if order else times)

    def _draw_copies(self) -> None:
        colours = layout.faces([*self.values, *values_of(self.history.copies)])
        boxes, faces = [], []
        for row, copies in self.strips.items():
            ends = [*(copy.at for copy in copies[1:]), math.inf]
            for copy, end in zip(copies, ends, strict=True):
                left, right = max(copy.at, self.start), min(end, self.end)
                for place, value in enumerate(copy.values if left < right else ()):
                    height = 0.84 / len(copy.values)
                    top = self.strip_tops[row] + 0.08 + place * height
                    boxes.append(layout.box(left, right, top, top + height))
                    faces.append(colours[identity(value)])
                text = " | ".join(short(value) for value in copy.values)
                if text and self._width(text) + 4 * self.pixel <= right - left:
                    self._centre(text, (left + right) / 2, self.strip_tops[row] + 0.5)
        style: dict[str, Any] = {"edgecolors": PAPER, "linewidths": 1.0, "zorder": 2}
        self._polygons(boxes, facecolors=faces, label="copies", **style)

    def _code(self, key: Any) -> int:
        if key is None:
            return -1
        if (keys := self.history.keys) is None:
            return int(key) if isinstance(key, int) else -2
        return keys.index(key) if key in keys else -2

    def _right(self, rows: Any) -> Any:
        """Where the bars end: wide enough to be seen, and inside the picture."""
        left = self.history.invoked[rows]
        right = np.maximum(self.history.completed[rows], left + _NARROWEST * self.pixel)
        return np.minimum(right, np.maximum(self.end, left))

    def _bar(self, row: int, margin: float = 0.0) -> Any:
        edge = margin * self.pixel
        margin *= self.dots * self.ax.get_ylim()[0] / self.ax.bbox.height
        right = float(self._right(np.array([row]))[0]) + edge
        low, high = self.y[row] - _BAR - margin, self.y[row] + _BAR + margin
        return layout.box(float(self.history.invoked[row]) - edge, right, low, high)

    def _letter_size(self, lane: float = math.inf) -> float:
        """Letter size in pixels: readable from the last row of a class, if the lanes have room."""
        return round(min(TEXT_SIZE * 100 / 72, max(11.0, 0.88 * lane)), 1)

    def _width(self, text: str) -> float:
        return text_width(text, self.size) * self.pixel

    def _centre(self, text: str, x: float, y: float, on_hatch: bool = False) -> None:
        half = self._width(text) / 2
        self.words.append((x - half, y, text))
        if on_hatch:
            gap = 3 * self.pixel
            self.paper.append(layout.box(x - half - gap, x + half + gap, y - 0.3, y + 0.3))

    def _dots(self, meaning: str, times: Any, heights: Any, **style: Any) -> None:
        if len(times):
            line = dots(self.ax, meaning, 8, label=meaning, clip_on=False)
            line.set(data=(times, heights), markeredgecolor=PAPER if meaning != "stale" else INK)
            line.set(**style)
            self.artists.append(line)

    def _polygons(self, boxes: Sequence[Any], **style: Any) -> None:
        if boxes:
            self._add(PolyCollection(boxes, **style))

    def _add(self, artist: Any) -> None:
        self.artists.append(self.ax.add_artist(artist))
