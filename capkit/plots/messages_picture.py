"""Every message between nodes over time: a line for each node, an arrow for each message."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from capkit._arguments import span as two_times
from capkit.history import Copy, History, Message, NodeId, Operation, Outcome
from capkit.history.columns import a_history
from capkit.history.equality import identity
from capkit.plots.drawing import (
    LOOKS,
    describe,
    dots_per_inch,
    in_plain_style,
    margins,
    tint,
    wide_panel,
)
from capkit.plots.flights import Flight, flights
from capkit.plots.layout import (
    Faces,
    faces,
    faults_in,
    keys_of,
    lanes_of,
    nodes_of,
    short,
    span_of,
    values_of,
)
from capkit.plots.lettering import INK, PAPER, TEXT_SIZE, Words, text_width

_STRIP = 0.13  # half the height of a node's line, in rows
_BAR = 0.34  # how far from it the bars of its clients are
_HEADING = 0.25  # height of a fault's name
_ENDS = {"cut": "stop at the cut", "down": "find a node down", "chance": "get lost"}


@in_plain_style
def messages(
    history: History,
    *,
    key: Any = None,
    span: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Every message between nodes over time, from the line of its sender to that of its receiver.

    A node's line has the colour of the value that it holds, as in `timeline`. Above it are the
    requests of its clients. A lost message ends on its way, in a cross.

    Parameters
    ----------
    history : History
        Of `run(..., trace=True)`, at best up to about 300 messages in what is shown.
    key : object, optional
        Whose value to show on the nodes' lines. Otherwise the first.
    span : (float, float), optional
        First and last ms shown. Otherwise all that happens.
    ax : matplotlib Axes, optional
        Where to draw. Otherwise a new figure, as tall as the nodes need.

    Returns
    -------
    matplotlib Axes
        Its y axis counts nodes downwards.

    Raises
    ------
    ValueError
        If there are no messages, or `span` does not start before it ends.

    Examples
    --------
    >>> from capkit import CPStore, Network, Node, Workload, run
    >>> store = CPStore([Node(i) for i in range(3)], Network(loss=0.0, rng=7))
    >>> messages(run(store, Workload(clients=1, duration=400, rng=7), trace=True))
    24 messages between 3 nodes in 402 ms: 24 arrive.
    """
    if span is not None:
        two_times("span", span)
    if not a_history(history).messages:
        raise ValueError("history must have messages, as run(..., trace=True) keeps, got none")
    nodes = nodes_of(history)
    if ax is None:
        ax = _panel(len(nodes))
    draw(ax, history, nodes, span_of(history) if span is None else span, key)
    describe(ax, _reading(history, len(nodes), ax.get_xlim()))
    return ax


def draw(
    ax: Axes, history: History, nodes: list[NodeId], span: tuple[float, float], key: Any = None
) -> None:
    """Draw what `messages` shows, of nodes that may have sent none."""
    _Drawing(ax, history, nodes, span).draw(key)


def _panel(nodes: int) -> Axes:
    ax = wide_panel(0.95, 0.4)
    larger = ax.figure.get_size_inches()[0] / 9  # type: ignore[union-attr]
    ax.figure.set_size_inches(9 * larger, (1.2 + 1.1 * nodes) * larger)  # type: ignore[union-attr]
    margins(ax, 0.95, 0.85, 0.4, 0.1)
    return ax


class _Drawing:
    """One picture: times from left to right, nodes from top to bottom, a row for each."""

    def __init__(
        self, ax: Axes, history: History, nodes: list[NodeId], span: tuple[float, float]
    ) -> None:
        self.ax, self.history, self.nodes = ax, history, nodes
        self.start, self.end = span
        ax.set_xlim(span)
        self.pixel = (self.end - self.start) / max(1.0, ax.bbox.width)  # ms
        self.size = TEXT_SIZE * dots_per_inch(ax) / 72
        self.words: list[tuple[float, float, str]] = []
        self.paper: list[list[tuple[float, float]]] = []  # behind words that arrows may cross
        _frame(ax, [f"node {node}" for node in nodes])

    def draw(self, key: Any) -> None:
        self._draw_faults()
        self._draw_copies([keys_of(self.history, key)[0]])
        self._draw_operations()
        self._draw_messages()
        style: dict[str, Any] = {"facecolors": PAPER, "alpha": 0.8, "linewidths": 0, "zorder": 6.5}
        self.ax.add_collection(PolyCollection(self.paper, **style))
        self.ax.add_collection(Words(self.ax, self.words, self.size))
        self.ax.add_artist(_legend(self.ax, self.kinds))

    def _draw_faults(self) -> None:
        shown = faults_in(self.history, self.start, self.end)
        lefts = [max(fault.at, self.start) for fault in shown]
        wide = [(text_width(str(each), self.size) + 9) * self.pixel for each in shown]
        lanes = lanes_of(lefts, [left + each for left, each in zip(lefts, wide, strict=True)])
        self.ax.set_ylim(len(self.nodes) - 0.6, -0.7 - _HEADING * (1 + max(lanes, default=-1)))
        for fault, left, lane in zip(shown, lefts, lanes, strict=True):
            style: dict[str, Any] = {"color": LOOKS["fault"].color, "alpha": 0.22, "linewidth": 0}
            self.ax.axvspan(left, min(fault.until, self.end), **style)
            self._write(str(fault), left, self.end, -0.7 - _HEADING * (lane + 0.5))

    def _draw_copies(self, keys: Sequence[Any]) -> None:
        colours = faces(values_of(self.history.copies))
        for row, node in enumerate(self.nodes):
            mine = [copy for copy in self.history.copies if copy.node == node and copy.key in keys]
            self.ax.hlines(row, self.start, self.end, color=INK, linewidth=1.5, zorder=2)
            for copy, end in zip(mine, [*(copy.at for copy in mine[1:]), math.inf], strict=False):
                self._draw_copy(copy, min(end, self.end), row, colours)

    def _draw_copy(self, copy: Copy, end: float, row: int, colours: Faces) -> None:
        left = max(copy.at, self.start)
        height = 2 * _STRIP / max(1, len(copy.values))
        for place, value in enumerate(copy.values if left < end else ()):
            top = row - _STRIP + place * height
            style: dict[str, Any] = {"facecolor": colours[identity(value)], "edgecolor": INK}
            self.ax.broken_barh([(left, end - left)], (top, height), zorder=3, **style)
        self._write(
            " | ".join(short(value, 12) for value in copy.values), left, end, row, centred=True
        )

    def _draw_operations(self) -> None:
        free = [self.start] * len(self.nodes)  # where a row has room for the next name
        for operation in self.history:
            if operation.node is not None and operation.invoked < self.end:
                row = self.nodes.index(operation.node)
                self._draw_bar(operation, row)
                got = operation.kind != "get" or operation.outcome is Outcome.OK
                name = operation.kind + (f" {short(operation.value, 12)}" if got else "")
                if operation.invoked >= free[row]:
                    right = self._write(name, operation.invoked, self.end, row - _BAR - 0.11)
                    free[row] = max(free[row], right)

    def _draw_bar(self, operation: Operation, row: int) -> None:
        look = LOOKS[operation.outcome.value]
        right = min(operation.completed, self.end)
        wide = max(right - operation.invoked, 4 * self.pixel)
        share = 1.0 if operation.kind == "put" and operation.outcome is Outcome.OK else 0.25
        style: dict[str, Any] = {"facecolor": tint(look.color, share), "edgecolor": INK}
        style |= {"hatch": look.hatch, "linestyle": look.dash, "zorder": 3}
        self.ax.broken_barh([(operation.invoked, wide)], (row - _BAR, 0.16), **style)

    def _draw_messages(self) -> None:
        seen = [
            flight
            for flight in flights(self.history.messages)
            if flight.message.sent < self.end and flight.end > self.start
        ]
        self.kinds = [kind for kind in _KINDS if any(_kind(each.message) == kind for each in seen)]
        for kind, look in _KINDS.items():
            lines = [self._line(each) for each in seen if _kind(each.message) == kind]
            style: dict[str, Any] = {"colors": look["color"], "linestyles": [look["linestyle"]]}
            self.ax.add_collection(LineCollection(lines, linewidths=1.6, zorder=5, **style))
            self._draw_ends(kind, lines)

    def _line(self, flight: Flight) -> list[tuple[float, float]]:
        here, there = self.nodes.index(flight.source), self.nodes.index(flight.target)
        way = 1 if there > here else -1
        low, high = here + way * _STRIP, there - way * _STRIP
        if flight.message.lost:  # between two lines: on one, it would seem to arrive
            high = here + way / 2
        return [(flight.message.sent, low), (flight.end, high)]

    def _draw_ends(self, kind: str, lines: list[list[tuple[float, float]]]) -> None:
        ends = np.array([line[1] for line in lines]).reshape(-1, 2)
        if kind == "lost":
            style: dict[str, Any] = {"color": LOOKS["FAIL"].color, "markeredgewidth": 2.5}
            self.ax.plot(ends[:, 0], ends[:, 1], "x", markersize=8, zorder=6, **style)
            return
        heads = [self._head(*line) for line in lines]
        face = INK if kind == "request" else PAPER
        self.ax.add_collection(PolyCollection(heads, facecolors=face, edgecolors=INK, zorder=6))

    def _head(self, start: tuple[float, float], end: tuple[float, float]) -> Any:
        """The tip of an arrow, which is to have one shape in pixels whatever the axes are."""
        tail, tip = self.ax.transData.transform([start, end])
        along = (tip - tail) / max(1e-9, float(np.hypot(*(tip - tail))))
        across = np.array([-along[1], along[0]])
        step = self.size * 0.5
        corners = [tip, tip - step * (along + across / 2.5), tip - step * (along - across / 2.5)]
        return self.ax.transData.inverted().transform(corners)

    def _write(
        self, text: str, left: float, right: float, y: float, centred: bool = False
    ) -> float:
        """Write where there is room, and say where the text ends."""
        wide = (text_width(text, self.size) + 6) * self.pixel
        if text and wide <= right - left:
            x = (left + right - wide) / 2 if centred else left
            self.words.append((x + 3 * self.pixel, y, text))
            half = 0.5 * self.size / self.ax.bbox.height * abs(np.diff(self.ax.get_ylim())[0])
            box = [(x, y - half), (x + wide, y - half), (x + wide, y + half), (x, y + half)]
            if not centred:
                self.paper.append(box)
            return x + wide
        return left


def _frame(ax: Axes, rows: list[str]) -> None:
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(labelsize=TEXT_SIZE, colors=INK)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda time, _: f"{time:g} ms"))
    ax.locator_params(axis="x", nbins=6)


_KINDS: dict[str, dict[str, Any]] = {
    "request": {"color": INK, "linestyle": "-"},
    "answer": {"color": "#555555", "linestyle": (0, (4, 2))},
    "lost": {"color": LOOKS["FAIL"].color, "linestyle": "-"},
}


def _kind(message: Message) -> str:
    if message.lost:
        return "lost"
    return "answer" if message.label.endswith(": answer") else "request"


def _legend(ax: Axes, kinds: Sequence[str]) -> Legend:
    markers: dict[str, dict[str, Any]] = {
        "request": {"marker": ">", "markerfacecolor": INK},
        "answer": {"marker": ">", "markerfacecolor": PAPER},
        "lost": {"marker": "x", "markeredgewidth": 2.5},
    }
    handles = [
        Line2D([], [], label=kind, markersize=8, **_KINDS[kind], **markers[kind]) for kind in kinds
    ]
    below = -36 * dots_per_inch(ax) / 100 / max(1.0, ax.bbox.height)
    place: dict[str, Any] = {"loc": "upper right", "bbox_to_anchor": (1.01, below)}
    style: dict[str, Any] = {"fontsize": TEXT_SIZE - 1, "frameon": False, "ncols": 3}
    return Legend(ax, handles, list(kinds), borderpad=0, labelcolor=INK, **place, **style)


def _reading(history: History, nodes: int, span: tuple[float, float]) -> str:
    """How many messages there are, and what becomes of them."""
    seen = [
        message
        for message in history.messages
        if message.source != message.target and span[0] <= message.sent < span[1]
    ]
    ends = [("arrive", sum(not message.lost for message in seen))]
    ends += [(what, sum(m.lost == why for m in seen)) for why, what in _ENDS.items()]
    counted = ", ".join(f"{number} {what}" for what, number in ends if number)
    time = f"{span[1] - span[0]:.0f} ms"
    return f"{len(seen)} messages between {nodes} nodes in {time}: {counted or 'none'}."
