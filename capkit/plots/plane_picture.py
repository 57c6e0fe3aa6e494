"""Where systems stand on the plane of availability and consistency, as numbered points."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from matplotlib.axes import Axes

from capkit.plots.drawing import BOX, describe, dots, frame, margins, panels, unit_square
from capkit.plots.lettering import INK, TEXT_SIZE
from capkit.systems import Row

_SIZE = 14.0  # points
_LINE = 0.072  # between two names, as a share of the plane's height
_NEAR = 0.04  # points closer than that, as a share of the plane, have their numbers side by side


def plane(rows: Iterable[Row], *, ax: Axes | None = None) -> Axes:
    """Points for configurations of systems: how many operations were answered, how many gets fresh.

    Colour and marker are those of the letters that each system is usually called by; the numbers
    stand left of the points, in one list where several points lie close together.

    Parameters
    ----------
    rows : iterable of Row
        Of `systems.compare`, up to 14.
    ax : matplotlib Axes, optional
        Where to draw, with room to its right. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If there are no rows, or more than 14.

    Examples
    --------
    >>> from capkit.systems import compare
    >>> plane(compare(["MongoDB"], ["no fault"], rng=7))
    1 MongoDB, majority, local, no fault: 1.00 answered, 1.00 fresh.
    """
    rows = list(rows)
    if not 1 <= len(rows) <= 14:
        raise ValueError(f"rows must be 1 to 14, got {len(rows)}")
    if ax is None:
        (ax,) = panels(height=5.6)
        margins(ax, 0.77, 0.78, 3.96, 0.17)
    frame(ax, "consistency: share of gets that are fresh", "availability: share answered")
    unit_square(ax)
    scripts = {row.script for row in rows}
    for number, row in enumerate(rows, 1):
        height = 1.0 - _LINE * (number - 1)
        _point(ax, row, _consistency(row), row.answered)
        _point(ax, row, 1.07, height)
        name = row.name + (f", {row.script}" if len(scripts) > 1 else "")
        ax.text(1.11, height, f"{number}  {name}", fontsize=TEXT_SIZE, color=INK, va="center")
    for x, y, numbers in _clusters(rows):
        style: dict[str, Any] = {
            "fontsize": TEXT_SIZE,
            "fontweight": "bold",
            "color": INK,
            "bbox": BOX,
        }
        words = ", ".join(map(str, numbers))
        style |= {"ha": "right", "va": "center"}
        place = x - 0.035, y
        if _covers(rows, numbers, x - 0.08 - 0.025 * len(words), x, y):
            style |= {"ha": "center", "va": "top"}
            place = x, y - 0.03
        ax.text(*place, words, zorder=8, **style)
    describe(ax, "\n".join(_words(number, row) for number, row in enumerate(rows, 1)))
    return ax


def _point(ax: Axes, row: Row, x: float, y: float) -> None:
    point = dots(ax, row.letters or "your own", _SIZE, clip_on=False)
    point.set_data([x], [y])


def _consistency(row: Row) -> float:
    """Where nothing was read, nothing was stale."""
    return 1.0 if math.isnan(row.fresh) else row.fresh


def _clusters(rows: list[Row]) -> list[tuple[float, float, list[int]]]:
    """Points so close that one list of numbers serves them, left of the leftmost."""
    found: list[tuple[float, float, list[int]]] = []
    for number, row in enumerate(rows, 1):
        x, y = _consistency(row), row.answered
        near = next((c for c in found if abs(c[0] - x) < _NEAR and abs(c[1] - y) < _NEAR), None)
        if near is None:
            found.append((x, y, [number]))
        else:
            place = found.index(near)
            found[place] = (min(x, near[0]), near[1], [*near[2], number])
    return found


def _covers(rows: list[Row], numbers: list[int], left: float, right: float, y: float) -> bool:
    """Whether a point of none of these numbers lies where their list would stand."""
    others = [row for number, row in enumerate(rows, 1) if number not in numbers]
    return any(left < _consistency(o) < right and abs(o.answered - y) < _NEAR for o in others)


def _words(number: int, row: Row) -> str:
    fresh = "nothing read" if math.isnan(row.fresh) else f"{row.fresh:.2f} fresh"
    return f"{number} {row.name}, {row.script}: {row.answered:.2f} answered, {fresh}."
