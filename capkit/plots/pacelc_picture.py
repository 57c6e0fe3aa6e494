"""What a store gives up while the cable is cut, and else: two planes, and a table below them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from capkit.plots.drawing import (
    BOX,
    LOOKS,
    describe,
    dots,
    frame,
    margins,
    panels,
    unit_square,
)
from capkit.plots.lettering import INK, Label

MOST = 8  # rows of the table
_COVER, _WORDS = (
    (0.03, 0.06),
    (0.2, 0.085),
)  # closer, as shares of a plane, hides a marker, a number
_LEAST, _LONGEST = 0.7, 2_000.0  # ms


class Spot(NamedTuple):
    """One store: its name, whose look it has, and how it does with the cable cut and whole.

    With the cable cut, the share `answered` on the worse side and the share of all gets that are
    `current`; with the cable whole, what a `get` and a `put` take in ms, and the share `fresh`.
    NaN where nothing was answered.
    """

    name: str
    look: str
    answered: float
    current: float
    get: float
    put: float
    fresh: float

    @property
    def words(self) -> tuple[str, str, str, str]:
        """The row of the table: answered and fresh, get and put in ms and fresh."""
        waits = " / ".join("never" if math.isnan(ms) else f"{ms:.3g}" for ms in self[4:6])
        return f"{self.answered:.2f}", _share(self.current), waits, _share(self.fresh)

    @property
    def places(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Where it stands on the two planes; where nothing is read, nothing is stale."""
        shares = [1.0 if math.isnan(share) else share for share in (self.current, self.fresh)]
        waits = [_LONGEST if math.isnan(ms) else ms for ms in (self.get, self.put)]
        return (shares[0], self.answered), (shares[1], max(waits))


def pacelc(spots: Iterable[Spot]) -> Axes:
    """Two planes: what stores do with the cable cut (P), and else (E).

    Right is fresher, up is better: more answered on the side that fares worse, or less time for the
    slower of get and put. Where several stores stand at one place, they lie on each other.

    Parameters
    ----------
    spots : iterable of Spot
        Up to 8 stores.

    Returns
    -------
    matplotlib Axes
        The left of the two.

    Raises
    ------
    ValueError
        If there are more than 8.

    Examples
    --------
    >>> pacelc([Spot("CP", "CP", 0.0, 1.0, 10.0, 20.0, 1.0)])
    Cable cut, answered and fresh: CP 0.00, 1.00.
    Cable whole, get / put ms and fresh: CP 10 / 20, 1.00.
    """
    left, right = planes()
    PacelcPicture(left, right).update(list(spots))
    return left  # type: ignore[no-any-return]


def planes() -> Any:
    """The two panels, with room for the table below them."""
    left, right = panels(2, height=4.9)
    margins(left, 0.8, 2.52, 0.3, 0.33)
    left.figure.subplots_adjust(wspace=0.34)
    return [left, right]


class PacelcPicture:
    """The two planes and their table.

    Parameters
    ----------
    left, right : matplotlib Axes
        Where to draw; below them is room for the table.

    Attributes
    ----------
    artists : list of Artist
        All that `update` may change, in the order in which to draw them.
    """

    def __init__(self, left: Axes, right: Axes) -> None:
        self.left, self.right = left, right
        frame(left, "share of gets that are fresh", "answered, worse side")
        frame(right, "share of gets that are fresh", "ms that an answer takes")
        unit_square(left)
        unit_square(right)
        right.set_yscale("log")
        right.set_ylim(_LONGEST, _LEAST)  # up is better in both
        right.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
        right.minorticks_off()
        self.titles = [_title(ax) for ax in (left, right)]
        self.rows = [_Row(left, right, place) for place in range(MOST)]
        _head(left)
        self.artists: list[Artist] = [artist for row in self.rows for artist in row.artists]
        self.artists += self.titles

    def update(self, spots: Sequence[Spot], cut: str = "") -> list[Artist]:
        """Show other stores, or other sides of the `cut`, and return the artists to draw again."""
        if len(spots) > MOST:
            raise ValueError(f"spots must be at most {MOST}, got {len(spots)}")
        for place, row in enumerate(self.rows):
            row.show(spots, place)
        for title, text in zip(self.titles, ("P: the cable is cut", "E: it is whole"), strict=True):
            title.set_text(f"{text} {cut}".strip())
        while_cut = (f"{s.name} {s.words[0]}, {s.words[1]}" for s in spots)
        whole = (f"{s.name} {s.words[2]}, {s.words[3]}" for s in spots)
        describe(self.left, f"Cable cut, answered and fresh: {'; '.join(while_cut)}.")
        describe(self.right, f"Cable whole, get / put ms and fresh: {'; '.join(whole)}.")
        return self.artists


_COLUMNS = (0.035, 0.065, 0.09, 0.475, 0.605, 0.705, 0.9)  # marker, number, name, four values
_TOP, _STEP = 0.335, 0.0385


class _Row:
    """One store: its points on both planes, and its row in the table."""

    def __init__(self, left: Axes, right: Axes, place: int) -> None:
        y = _TOP - _STEP * (place + 1)
        self.points = [dots(ax, "CP", clip_on=False) for ax in (left, right)]
        self.mark = Line2D([_COLUMNS[0]], [y], transform=left.figure.transFigure, zorder=6)
        self.mark.set(markeredgecolor=INK, markersize=13, linestyle="", clip_on=False)
        left.add_artist(self.mark)
        style: dict[str, Any] = {"y": y, "transform": left.figure.transFigure}
        self.words = [Label(left, x=x, widest=0.37, **style) for x in _COLUMNS[2:]]
        bold: dict[str, Any] = {"fontweight": "bold"}
        self.number = Label(left, x=_COLUMNS[1], text=str(place + 1), ha="center", **style | bold)
        self.numbers = [Label(ax, ha="right", bbox=BOX, **bold) for ax in (left, right)]
        self.artists: list[Artist] = [*self.points, self.mark, self.number]
        self.artists += [*self.words, *self.numbers]

    def show(self, spots: Sequence[Spot], place: int) -> None:
        """Show one of the stores, or nothing."""
        for artist in self.artists:
            artist.set_visible(place < len(spots))
        if place >= len(spots):
            return
        spot = spots[place]
        look = LOOKS[spot.look]
        for mark in (*self.points, self.mark):
            mark.set(marker=look.marker, markerfacecolor=look.color)
        for plane, (point, number) in enumerate(zip(self.points, self.numbers, strict=True)):
            x, y = spot.places[plane]
            covering = [_near((x, y), each.places[plane], plane, _COVER) for each in spots]
            point.set_data([x], [y])
            point.set_markersize(13 + 6 * sum(covering[place + 1 :]))  # the last lies on top
            left, names = _names(spots, place, plane)
            number.set(x=left - 0.055, y=y, text=names)
        for label, text in zip(self.words, (spot.name, *spot.words), strict=True):
            label.set_text(text)


def _title(ax: Axes) -> Label:
    place: dict[str, Any] = {"x": 0.5, "y": 1.08, "transform": ax.transAxes, "ha": "center"}
    return Label(ax, fontsize=16, fontweight="bold", **place)


def _head(ax: Axes) -> None:
    """The names of the columns, drawn once."""
    heads = zip(_COLUMNS[3:], ("answered", "fresh", "get / put ms", "fresh"), strict=True)
    above = ((_COLUMNS[3], "P: cable cut"), (_COLUMNS[5], "E: cable whole"))
    for row, names in ((0, heads), (1, above)):
        for x, text in names:
            style: dict[str, Any] = {"fontweight": "bold" if row else "normal"}
            y = _TOP + row * _STEP
            Label(ax, x=x, y=y, text=text, transform=ax.figure.transFigure, **style)


def _names(spots: Sequence[Spot], place: int, plane: int) -> tuple[float, str]:
    """The numbers to write for one store, and left of where: one list for those close together."""
    places = [spot.places[plane] for spot in spots]
    first = [
        next(at for at, each in enumerate(places) if _near(each, one, plane, _WORDS))
        for one in places
    ]
    if place not in first:
        return places[place][0], ""
    some = [at for at, leader in enumerate(first) if leader == place]
    return min(places[at][0] for at in some), ", ".join(str(at + 1) for at in some)


def _near(
    one: tuple[float, float], other: tuple[float, float], plane: int, room: tuple[float, float]
) -> bool:
    """Whether two points of a plane are closer than so much of its width and height."""
    (x, y), (there, high) = one, other
    up = math.log(y / high) / math.log(_LONGEST / _LEAST) if plane else y - high
    return abs(x - there) < room[0] and abs(up) < room[1]


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
