"""Letters drawn as outlines, many at once: the type of all pictures that a slider redraws."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Outline
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D, Bbox, IdentityTransform

INK = "#222222"
PAPER = "#ffffff"
TEXT_SIZE = 14.0  # points: readable from the last row at 9 x 5 inches


_SHARES = {"left": 0.0, "center": 0.5, "right": 1.0}  # of a text's width, left of its place


class Words(PathCollection):
    """Many short texts as one artist, ten times as fast to draw as one `Text` for each.

    Parameters
    ----------
    ax : matplotlib Axes
        Where they will stand.
    words : list of (float, float, str)
        Where each text begins, in the coordinates of the Axes, half-way up, and what it says.
    size : float
        Letters in pixels.
    **style
        Of the collection; `offset_transform` for other coordinates than those of the data.
    """

    def __init__(self, ax: Axes, words: list[tuple[float, float, str]], size: float, **style: Any):
        self.words, self.size = words, size
        style = dict[str, Any](facecolors=INK, linewidths=0, zorder=7) | style
        style.setdefault("offset_transform", ax.transData)
        paths = [_letters(text, size)[0] for _, _, text in words]
        super().__init__(paths, offsets=[word[:2] for word in words], **style)
        self.set_transform(IdentityTransform())


class Label(Text):
    """A `Text` of one or more lines that draws its letters as outlines, many times as fast.

    Parameters
    ----------
    ax : matplotlib Axes
        Where it stands.
    widest : float
        Share of the figure's width that it may take; a longer text has smaller letters.
    **style
        Of a `Text`. Lines are centred on `y`, and stand left of, on or right of `x` as `ha` says.
    """

    def __init__(self, ax: Axes, *, widest: float = math.inf, **style: Any) -> None:
        self._widest = widest * float(ax.figure.bbox.width)
        fixed: dict[str, Any] = {"fontsize": TEXT_SIZE, "color": INK, "zorder": 7, "text": ""}
        super().__init__(**fixed | {"va": "center", "transform": ax.transData} | style)
        self.set_clip_on(False)
        ax.add_artist(self)

    def get_window_extent(self, renderer: Any = None, dpi: Any = None) -> Bbox:
        """Where it stands, in pixels."""
        x, y = self.get_transform().transform(self.get_unitless_position())
        lines, wide, step = self._lines()
        share = _SHARES[self.get_horizontalalignment()]
        return Bbox.from_bounds(
            x - share * wide, y - len(lines) * step / 2, wide, len(lines) * step
        )

    def draw(self, renderer: Any) -> None:
        """Draw the box, if there is one, and the lines on it."""
        if not self.get_visible() or not self.get_text():
            return
        lines, wide, step = self._lines()
        frame = self.get_window_extent()
        gc = renderer.new_gc()
        gc.set_linewidth(0)
        if self.get_bbox_patch():
            place = Affine2D().scale(wide + 2 * _MARGIN, frame.height)
            place.translate(frame.x0 - _MARGIN, frame.y0)
            renderer.draw_path(gc, Outline.unit_rectangle(), place, (*to_rgb(PAPER), 0.85))
        share = _SHARES[self.get_horizontalalignment()]
        for row, (outline, width) in enumerate(lines):
            place = Affine2D().translate(frame.x0 + share * (wide - width), 0)
            place.translate(0, frame.y1 - step * (row + 0.5))
            renderer.draw_path(gc, outline, place, to_rgb(self.get_color()))
        gc.restore()

    def _lines(self) -> tuple[list[tuple[Outline, float]], float, float]:
        """Outline and width of each line; the largest width, and how far apart the lines are."""
        size = float(self.get_fontsize()) * self.figure.dpi / 72
        weight, words = self.get_fontweight(), self.get_text().split("\n")
        wide = max(text_width(line, size, weight) for line in words)
        size *= min(1.0, self._widest / max(wide, 1.0))
        lines = [_letters(line, size, weight) for line in words]
        return lines, max(width for _, width in lines), _LEADING * size


_MARGIN = 2.0  # pixels of a label's box at its sides
_LEADING = 1.15  # from line to line, in heights of its letters


def text_width(text: str, size: float, weight: str | int = "normal") -> float:
    """Pixels that a text takes, its letters being `size` pixels high."""
    return _letters(text, size, weight)[1]


@lru_cache(maxsize=4096)
def _letters(text: str, size: float, weight: str | int = "normal") -> tuple[Outline, float]:
    """The outline of a text, half-way up at the origin, and its width."""
    face = FontProperties(weight=weight)
    outline = TextPath((0, 0), text.replace("$", r"\$"), size=size, prop=face)  # not a formula
    width = float(outline.vertices[:, 0].max()) if len(outline.vertices) else 0.0
    return Affine2D().translate(0, -0.36 * size).transform_path(outline), width
