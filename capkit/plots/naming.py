"""Where names stand: at their markers, and on nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

from matplotlib.transforms import Bbox

_GAP = 5.0  # pixels between a marker and its name
_LINES = 12  # so far from its marker a name is looked for before it stands anywhere


def stand(
    point: tuple[float, float],
    reach: float,
    size: tuple[float, float],
    taken: Sequence[Bbox],
    inside: Bbox,
) -> Bbox:
    """The free place, in pixels, for a name of this `size` that is nearest to its marker.

    The marker's middle is `point`, and its edge is `reach` from there. The name covers nothing that
    is `taken`, neither markers nor names that have their place, and stays `inside`.

    >>> place = stand((50, 50), 5, (20, 10), [], Bbox.from_extents(0, 0, 100, 100))
    >>> print(*place.bounds)
    20.0 45.0 20.0 10.0
    """
    taken = [_less(other) for other in taken]
    for places in (_near(point, reach + _GAP, size), _anywhere(point, size, inside)):
        for place in places:
            if _within(place, inside) and not any(place.overlaps(other) for other in taken):
                return place
    return Bbox.from_bounds(inside.x0, inside.y0, *size)


def _near(point: tuple[float, float], away: float, size: tuple[float, float]) -> Iterator[Bbox]:
    """Left of a marker, a line lower or higher, below and above it, right, and further off."""
    (x, y), (wide, high) = point, size
    for line in range(_LINES):
        for row in dict.fromkeys((line, -line)):
            yield Bbox.from_bounds(x - away - wide, y - (row + 0.5) * high, wide, high)
        for row in dict.fromkeys((line - 1, 1 - line)) if line else ():
            further = (away + 0.5 * high) * (1 if row >= 0 else -1) + row * high
            yield Bbox.from_bounds(x - wide / 2, y - further - high / 2, wide, high)
            yield Bbox.from_bounds(x + away, y - (row + 0.5) * high, wide, high)


def _anywhere(point: tuple[float, float], size: tuple[float, float], room: Bbox) -> Iterator[Bbox]:
    """All over a room, near a point first."""
    (x, y), (wide, high) = point, size
    lefts = [room.x0 + part / 12 * (room.width - wide) for part in range(13)]
    lows = [room.y0 + part / 12 * (room.height - high) for part in range(13)]

    def far(place: tuple[float, float]) -> float:
        return math.hypot(place[0] + wide / 2 - x, place[1] + high / 2 - y)

    for left, low in sorted(product(lefts, lows), key=far):
        yield Bbox.from_bounds(left, low, wide, high)


def _less(frame: Bbox) -> Bbox:
    """Smaller by half a pixel on each side, so that names may stand close below each other."""
    return Bbox.from_extents(frame.x0 + 0.5, frame.y0 + 0.5, frame.x1 - 0.5, frame.y1 - 0.5)


def _within(frame: Bbox, inside: Bbox) -> bool:
    return bool(
        inside.x0 <= frame.x0
        and inside.y0 <= frame.y0
        and frame.x1 <= inside.x1
        and frame.y1 <= inside.y1
    )
