"""What all pictures share: one palette, and Axes that show themselves in a notebook.

Colours are those of Okabe and Ito, which stay apart for readers who see fewer colours, and no
meaning rests on colour alone: each has a marker, a dash or a hatch as well.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import wraps
from html import escape
from io import BytesIO
from itertools import pairwise
from typing import Any, ParamSpec, TypeVar

from matplotlib import rc_context, rcParams, rcParamsDefault
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import blended_transform_factory

from capkit._arguments import count, flag, number
from capkit.plots.lettering import INK, PAPER, TEXT_SIZE, Label

BOX = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 1.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one meaning looks in every picture: a colour, and a second channel beside it."""

    color: str
    marker: str = "o"
    dash: Any = "-"
    hatch: str = ""


LOOKS = {
    "CA": Look(color="#009E73", marker="^", dash=(0, (9, 1))),
    "CP": Look(color="#0072B2", marker="s", dash="-"),
    "AP": Look(color="#E69F00", marker="o", dash=(0, (2, 1.2))),
    "your own": Look(color="#CC79A7", marker="D"),
    "OK": Look(color="#56B4E9"),
    "FAIL": Look(color="#D55E00", hatch="////"),
    "UNKNOWN": Look(color="#666666", dash=(0, (3, 2))),
    "stale": Look(color="#CC79A7", marker="v", dash=(0, (4, 2))),
    "put": Look(color="#222222", marker="s", dash="-", hatch="///"),
    "get": Look(color="#56B4E9", marker="o", dash=(0, (6, 2)), hatch="\\\\\\"),
    "fresh": Look(color="#CC79A7", marker="D", dash=(0, (2, 1.2))),
    "overlap": Look(color="#F0E442", hatch="xxx"),
    "fault": Look(color="#999999"),
    "takes effect": Look(color="#222222", marker="o"),
    "contradiction": Look(color="#222222", dash="-"),
}


_TINTS = ("#56B4E9", "#F0E442", "#CC79A7", "#009E73", "#E69F00", "#0072B2", "#D55E00", "#999999")


Given = ParamSpec("Given")
Drawn = TypeVar("Drawn")


def plain_style() -> AbstractContextManager[None]:
    """Matplotlib's own defaults, whatever style a notebook has chosen: all colours are ours."""
    plain = {n: each for n, each in rcParamsDefault.items() if not n.startswith(_NO_STYLE)}
    changed = {name: each for name, each in plain.items() if rcParams[name] != each}
    return rc_context(changed) if changed else nullcontext()


def in_plain_style(draw: Callable[Given, Drawn]) -> Callable[Given, Drawn]:
    """Let a function draw as if no style had been chosen."""

    @wraps(draw)
    def drawing(*args: Given.args, **kwargs: Given.kwargs) -> Drawn:
        with plain_style():
            return draw(*args, **kwargs)

    return drawing


_NO_STYLE = ("backend", "interactive", "toolbar", "timezone", "webagg", "date.", "docstring", "tk.")


class Panel(Axes):
    """Axes whose figure a notebook shows when they are the last value of a cell.

    Attributes
    ----------
    reading : str
        What the picture shows, in words: the notebook's text output and the image's description.
    """

    reading: str = "an empty picture"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        with plain_style():
            super().__init__(*args, **kwargs)

    def __repr__(self) -> str:
        panels = [ax for ax in self._figure().axes if isinstance(ax, Panel)]
        return "\n".join(panel.reading for panel in panels)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The picture and its words, live as HTML too: JupyterLab describes no other image."""
        picture, words = self._repr_png_()
        png = base64.b64encode(picture).decode()
        image = f'<img alt="{escape(repr(self))}" src="data:image/png;base64,{png}">'
        live = {} if is_still() else {"text/html": image}
        return {"text/plain": repr(self), "image/png": png} | live, {"image/png": words}

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        file = BytesIO()
        with plain_style():
            FigureCanvasAgg(self._figure()).print_png(file)
        return file.getvalue(), {"alt": repr(self)}

    def _figure(self) -> Figure:
        figure = self.get_figure()
        assert isinstance(figure, Figure)
        return figure


def is_still() -> bool:
    """Whether a notebook is being made ready to be read without a kernel.

    Where no kernel runs, a live dashboard would be an error message; `CAPKIT_STILL=1` in the
    environment leaves it out.
    """
    return os.environ.get("CAPKIT_STILL") == "1"


def panels(columns: int = 1, rows: int = 1, *, width: float = 9.0, height: float = 5.0) -> Any:
    """Empty panels on one new figure, made without pyplot.

    Parameters
    ----------
    columns, rows : int
        How many panels stand beside and below each other.
    width, height : float
        Size of the whole figure in inches, at 100 pixels per inch, or 120 in `classroom`.

    Returns
    -------
    list of Panel
        Row by row. Give one as `ax=` to a function of `plots`.

    Examples
    --------
    >>> [left, right] = panels(2)
    >>> left
    an empty picture
    an empty picture
    """
    columns, rows = count("columns", columns, high=100), count("rows", rows, high=100)
    width, height = number("width", width, 2, 100), number("height", height, 2, 100)
    figure = Figure(figsize=(width, height), dpi=100 * _larger)
    figure.set_facecolor(PAPER)
    FigureCanvasAgg(figure)
    made = [
        figure.add_subplot(rows, columns, place + 1, axes_class=Panel, facecolor=PAPER)
        for place in range(rows * columns)
    ]
    margins(made[0], 0.9, 0.75, 0.135, 0.15)
    figure.subplots_adjust(wspace=0.3, hspace=0.35)
    return made


ENLARGED = 1.2  # 9 x 5 inches still fit a small projector, of 1280 x 720 pixels
_larger = 1.0


def classroom(on: bool = True) -> None:
    """Make all pictures and dashboards from now on larger, or as large as usual again.

    For a large room. A picture is larger by a fifth, with all its letters; that of a dashboard as
    far as the window has room for it beside the controls and above the sentence.

    Parameters
    ----------
    on : bool
        Whether they are larger.

    Examples
    --------
    >>> classroom()
    >>> panels()[0].figure.dpi
    120.0
    >>> classroom(False)
    """
    global _larger
    flag("on", on)
    _larger = ENLARGED if on else 1.0


def is_classroom() -> bool:
    """Whether pictures are larger now."""
    return _larger > 1


def margins(ax: Axes, left: float, bottom: float, right: float, top: float) -> None:
    """Leave so many inches at the four sides of a figure for what is written there."""
    figure = ax.figure
    width, height = figure.get_size_inches()  # type: ignore[union-attr]
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)


def describe(ax: Axes, reading: str) -> None:
    """Tell a panel what it shows; other Axes have no place for it."""
    if isinstance(ax, Panel):
        ax.reading = reading


def frame(ax: Axes, x_label: str = "", y_label: str = "") -> None:
    """Give Axes large type and only the two spines that carry numbers."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=TEXT_SIZE, colors=INK)
    ax.set_xlabel(x_label, fontsize=TEXT_SIZE, color=INK)
    ax.set_ylabel(y_label, fontsize=TEXT_SIZE, color=INK)


def heading(ax: Axes) -> Text:
    """A line above Axes, as yet empty, that begins where their names on the left begin."""
    place = blended_transform_factory(ax.figure.transFigure, ax.transAxes)
    return Label(ax, x=0.012, y=1.035, fontsize=16, fontweight="bold", transform=place, widest=0.97)


def dots_per_inch(ax: Axes) -> float:
    """Pixels per inch of the figure that Axes stand on."""
    figure = ax.get_figure()
    return float(figure.dpi) if figure else 100.0


def unit_square(ax: Axes) -> None:
    """Fix both axes to probabilities, with room for what lies at 0 and 1."""
    ax.set_xlim(-0.01, 1.01)
    ax.set_ylim(-0.02, 1.03)
    for set_ticks in (ax.set_xticks, ax.set_yticks):
        set_ticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])


def curve(ax: Axes, meaning: str, width: float = 3.5, **style: Any) -> Line2D:
    """An empty line in the look of its meaning, on a darker one so that pale colours stand out."""
    look = LOOKS[meaning]
    (line,) = ax.plot([], [], linestyle=look.dash, **style)
    stress(line, meaning, width)
    return line


def stress(line: Line2D, meaning: str, width: float) -> None:
    """Give a curve the full strength of its meaning, or less if it has no width."""
    color = LOOKS[meaning].color
    line.set(color=color if width else tint(color, 0.6), linewidth=width or 2.0)
    outline = withStroke(linewidth=width + 1.5, foreground=INK)
    line.set_path_effects([outline] if width else [])


def dots(ax: Axes, meaning: str, size: float = 11.0, **style: Any) -> Line2D:
    """Empty markers in the look of their meaning."""
    look = LOOKS[meaning]
    style = dict[str, Any](markerfacecolor=look.color, markeredgecolor=INK, zorder=6) | style
    (line,) = ax.plot([], [], look.marker, markersize=size, **style)
    return line


def spread(heights: list[float], gap: float, low: float, high: float) -> list[float]:
    """Heights for labels: as near to those wanted as a gap between neighbours allows.

    Examples
    --------
    >>> spread([0.5, 0.5, 0.1], gap=0.2, low=0, high=1)
    [0.5, 0.3, 0.1]
    """
    order = sorted(range(len(heights)), key=lambda place: (-heights[place], place))
    placed = [min(high, height) for height in heights]
    for above, below in pairwise(order):
        placed[below] = round(min(placed[below], placed[above] - gap), 9)
    floor = low
    for place in reversed(order):
        placed[place] = max(placed[place], floor)
        floor = round(placed[place] + gap, 9)
    return placed


def samples() -> list[Any]:
    """Samples for the legend; `gid` is the label of the artists that each explains."""
    blue, stale_look = LOOKS["OK"].color, LOOKS["stale"]
    handles: list[Any] = [
        Patch(label="put OK", facecolor=blue, edgecolor=INK, gid="OK"),
        Patch(label="get OK", facecolor=tint(blue, 0.15), edgecolor=INK, gid="OK"),
    ]
    for name in ("FAIL", "UNKNOWN"):
        look = LOOKS[name]
        style: dict[str, Any] = {"hatch": look.hatch, "linestyle": look.dash, "gid": name}
        face = tint(look.color, 0.25)
        handles.append(Patch(label=name, facecolor=face, edgecolor=look.color, **style))
    point: dict[str, Any] = {"linestyle": "", "markersize": 10, "markeredgecolor": INK}
    for name, color in (("stale", stale_look.color), ("takes effect", INK)):
        marker = LOOKS[name].marker
        handles.append(Line2D([], [], marker=marker, color=color, label=name, gid=name, **point))
    ring: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidth": 3}
    return [*handles, Patch(label="contradiction", gid="contradiction", **ring)]


def tint(color: str, share: float) -> tuple[float, float, float]:
    """`share` of a colour, the rest white."""
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(color))
    return red, green, blue


def value_face(place: int) -> tuple[float, float, float]:
    """Colour of what holds a value: by its place in the order in which values turn up."""
    return tint(_TINTS[place % len(_TINTS)], 0.5)


def beside(ax: Axes, inches: float) -> float:
    """Where something stands that is so far right of a unit square, in its own coordinates."""
    return 1 + inches * dots_per_inch(ax) / max(1.0, ax.bbox.width)


def room(ax: Axes) -> tuple[float, float, float]:
    """How far apart labels of two lines must be, and the lowest and the highest place for one."""
    line = TEXT_SIZE * dots_per_inch(ax) / 72 / max(1.0, ax.bbox.height)
    return 2.45 * line, 1.1 * line, 1 - 0.9 * line


def wide_panel(left: float, right: float, bottom: float = 0.75) -> Panel:
    """One panel with so many inches beside and below it."""
    (panel,) = panels()
    margins(panel, left, bottom, right, 0.15)
    return panel  # type: ignore[no-any-return]


def legend_below(ax: Axes, artists: Iterable[Artist]) -> list[Legend]:
    """A legend of what is among the artists, if anything there needs one."""
    shown = {artist.get_label() for artist in artists}
    kept = [handle for handle in samples() if handle.get_gid() in shown]
    larger = dots_per_inch(ax) / 100
    below = -36 * larger / max(1.0, ax.bbox.height)
    place: dict[str, Any] = {"loc": "upper right", "bbox_to_anchor": (1.01, below)}
    style: dict[str, Any] = {"fontsize": TEXT_SIZE - 1, "frameon": False, "ncols": len(kept)}
    style |= {"handlelength": 1.3, "columnspacing": 1.1, "handletextpad": 0.4}
    style["labelcolor"] = INK
    names = [str(handle.get_label()) for handle in kept]
    return [Legend(ax, kept, names, borderpad=0, **place, **style)] if kept else []
