"""The ladder of promises as a picture: which rungs a history holds, and what follows from what."""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text

from capkit.consistency import RUNGS, Ladder
from capkit.plots.drawing import BOX, LOOKS, describe, panels, tint
from capkit.plots.lettering import INK, PAPER, TEXT_SIZE

_STEP = 0.26
PLACES = {  # the middle of each box, as shares of the picture
    "linearizable": (0.39, 0.9),
    "sequential": (0.39, 0.9 - _STEP),
    "causal": (0.39, 0.9 - 2 * _STEP),
    "read your writes": (0.09, 0.9 - 3 * _STEP),
    "monotonic reads": (0.29, 0.9 - 3 * _STEP),
    "monotonic writes": (0.49, 0.9 - 3 * _STEP),
    "writes follow reads": (0.69, 0.9 - 3 * _STEP),
    "2-atomic": (0.69, 0.9 - _STEP),
    "bounded staleness": (0.69, 0.9 - 2 * _STEP),
    "convergent": (0.91, 0.9 - 3 * _STEP),
}
_WIDTH, _HEIGHT = 0.17, 0.15
_MEANINGS = {True: ("holds", "OK"), False: ("fails", "FAIL"), None: ("undecided", "UNKNOWN")}


def ladder(table: Ladder, *, ax: Axes | None = None) -> Axes:
    """Which promises a history holds: a rung is above those that follow from it.

    Filled boxes hold, hatched ones fail (with a thick edge if nothing below them does), dashed ones
    are undecided.

    Parameters
    ----------
    table : Ladder
        Of `consistency.ladder`.
    ax : matplotlib Axes, optional
        Where to draw. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from capkit.consistency import ladder as climb
    >>> from capkit.history import story
    >>> ladder(climb(story("x=1")))
    Holds: linearizable, sequential, causal, read your writes, monotonic reads, monotonic writes,
    writes follow reads, 2-atomic, bounded staleness. Undecided: convergent.
    """
    if ax is None:
        (ax,) = panels()
        ax.figure.subplots_adjust(left=0.005, right=0.995, bottom=0.01, top=0.99)
    LadderPicture(ax).update(table)
    return ax


class LadderPicture:
    """The rungs as boxes, upper ones above those that follow from them.

    Filled if the history holds the rung, hatched if it fails, with a dashed edge if nobody knows.
    The weakest rungs that fail have a thick edge.

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
        draw_lines(ax)
        self.boxes = {rung: box(ax, *PLACES[rung]) for rung in RUNGS}
        self.labels = {rung: rung_label(ax, rung) for rung in RUNGS}
        _samples(ax)
        self.artists: list[Artist] = [*self.boxes.values(), *self.labels.values()]

    def update(self, table: Ladder) -> list[Artist]:
        """Show another table, and return the artists to draw again."""
        for rung, frame in self.boxes.items():
            _show(frame, table[rung].ok, weakest=rung in table.weakest)
            behind = self.labels[rung].get_bbox_patch()
            assert behind is not None
            behind.set_visible(table[rung].ok is False)  # a hatch behind letters is hard to read
        describe(self.ax, _reading(table))
        return self.artists


def draw_lines(ax: Axes) -> None:
    """The lines between rungs, on Axes that show nothing else."""
    ax.set_axis_off()
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    for upper, lower in ((rung, each) for rung in RUNGS for each in RUNGS[rung]):
        (x, top), (below, bottom) = PLACES[upper], PLACES[lower]
        ends = [top - _HEIGHT / 2, bottom + _HEIGHT / 2]
        ax.plot([x, below], ends, color=INK, linewidth=2, zorder=1)


def box(
    ax: Axes, x: float, y: float, width: float = _WIDTH, height: float = _HEIGHT
) -> FancyBboxPatch:
    """A box around its middle, as yet without colour."""
    corner = x - width / 2, y - height / 2
    style = "round,pad=0,rounding_size=0.02"
    made = FancyBboxPatch(corner, width, height, boxstyle=style, zorder=2)
    ax.add_patch(made)
    return made


def _show(frame: FancyBboxPatch, ok: bool | None, *, weakest: bool) -> None:
    look = LOOKS[_MEANINGS[ok][1]]
    face = PAPER if ok is None else tint(look.color, 0.75 if ok else 0.25)
    edge = INK if ok or weakest else look.color
    frame.set(facecolor=face, edgecolor=edge, linewidth=5 if weakest else 2.5)
    frame.set(hatch=look.hatch, linestyle=look.dash)


def rung_label(ax: Axes, rung: str) -> Text:
    """The rung's name in the middle of its box, on two lines if it has several words."""
    first, *rest = rung.rsplit(" ", 1)
    return ax.text(
        *PLACES[rung],
        "\n".join([first, *rest]),
        ha="center",
        va="center",
        fontsize=TEXT_SIZE,
        color=INK,
        bbox=BOX | {"alpha": 0.7},
        zorder=3,
    )


def _samples(ax: Axes) -> None:
    """Small boxes that say what the large ones mean."""
    for place, (ok, (word, _)) in enumerate([*_MEANINGS.items(), (False, ("weakest to fail", ""))]):
        y = 0.95 - 0.075 * place
        sample = box(ax, 0.035, y, 0.05, 0.055)
        _show(sample, ok, weakest=place == len(_MEANINGS))
        ax.text(0.07, y, word, va="center", fontsize=TEXT_SIZE, color=INK)


def _reading(table: Ladder) -> str:
    """What the picture shows, for those who cannot see it."""
    sentences = []
    for ok, word in ((True, "Holds"), (False, "Fails"), (None, "Undecided")):
        rungs = [rung for rung in table if table[rung].ok is ok]
        if rungs:
            sentences.append(f"{word}: {', '.join(rungs)}.")
    sentences += [f"Not {rung}: {table[rung].reason}." for rung in table.weakest]
    return " ".join(sentences)
