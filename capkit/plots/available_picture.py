"""What stays available under a cut: the ladder of promises in three colours."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from capkit._arguments import choice
from capkit.consistency import RUNGS
from capkit.plots.drawing import LOOKS, describe, panels, tint
from capkit.plots.ladder_picture import PLACES, box, draw_lines, rung_label
from capkit.plots.lettering import INK, TEXT_SIZE

_MEANINGS = {"everybody": "OK", "those who stay": "overlap", "nobody": "FAIL"}


def available(rungs: Mapping[str, str], *, ax: Axes | None = None) -> Axes:
    """Which promises a store can keep under a cut while it answers everybody, and to whom.

    Filled boxes are kept for everybody, cross-hatched ones for clients that stay at their node, and
    striped ones for nobody.

    Parameters
    ----------
    rungs : mapping of str to {"everybody", "those who stay", "nobody"}
        One for each of `consistency.RUNGS`.
    ax : matplotlib Axes, optional
        Where to draw. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If a rung is missing, or has another word.

    Examples
    --------
    >>> from capkit.consistency import RUNGS
    >>> available(dict.fromkeys(RUNGS, "nobody") | {"convergent": "everybody"})
    Under a cut, kept for everybody: convergent. For nobody: linearizable, sequential, causal, read
    your writes, monotonic reads, monotonic writes, writes follow reads, 2-atomic, bounded
    staleness.
    """
    if set(rungs) != set(RUNGS):
        raise ValueError(f"rungs must be {', '.join(RUNGS)}, got {', '.join(rungs)}")
    for word in rungs.values():
        choice("rungs", word, tuple(_MEANINGS))
    if ax is None:
        (ax,) = panels()
        ax.figure.subplots_adjust(left=0.005, right=0.995, bottom=0.01, top=0.99)
    draw_lines(ax)
    for rung, word in rungs.items():
        _show(box(ax, *PLACES[rung]), word)
        rung_label(ax, rung)
    for place, word in enumerate(_MEANINGS):
        y = 0.95 - 0.075 * place
        _show(box(ax, 0.035, y, 0.05, 0.055), word)
        ax.text(0.07, y, f"kept for {word}", va="center", fontsize=TEXT_SIZE, color=INK)
    describe(ax, _reading(rungs))
    return ax


def _show(frame: FancyBboxPatch, word: str) -> None:
    look = LOOKS[_MEANINGS[word]]
    frame.set(facecolor=tint(look.color, 0.25 if look.hatch else 0.75), edgecolor=INK)
    frame.set(linewidth=2.5, hatch=look.hatch)


def _reading(rungs: Mapping[str, str]) -> str:
    """What the picture shows, for those who cannot see it."""
    said = []
    for word in _MEANINGS:
        some = [rung for rung in RUNGS if rungs[rung] == word]
        if some:
            said.append(f"or {word}: {', '.join(some)}.")
    return "Under a cut, kept f" + " F".join(said)
