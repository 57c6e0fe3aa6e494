"""The two worlds of a proof on one axis of time, message by message."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.legend import Legend

from capkit.adversary import Proof
from capkit.history import Operation, Outcome
from capkit.plots.drawing import (
    LOOKS,
    Panel,
    describe,
    dots_per_inch,
    heading,
    in_plain_style,
    margins,
    panels,
)
from capkit.plots.layout import short
from capkit.plots.lettering import INK, TEXT_SIZE
from capkit.plots.messages_picture import draw


@in_plain_style
def worlds(proof: Proof) -> Panel:
    """The two worlds of a proof below each other, with what was received in both marked.

    Parameters
    ----------
    proof : Proof
        Of `adversary.prove`.

    Returns
    -------
    Panel
        The lower one, of the world with the put; its figure shows both.

    Examples
    --------
    >>> from capkit import CPStore
    >>> from capkit.adversary import prove
    >>> worlds(prove(CPStore))
    nobody puts: node 2 gets none
    node 0 puts 1: node 2 gets none. 2 messages received in both worlds
    """
    made: list[Panel] = panels(1, 2, height=7.2)
    margins(made[0], 0.95, 0.85, 0.4, 0.45)
    made[0].figure.subplots_adjust(hspace=0.22)
    span = (0.0, max(world.completed.max() for world in proof.worlds) + 45)
    nodes: list[Any] = sorted({*proof.side, *proof.rest})
    for panel, world in zip(made, proof.worlds, strict=True):
        draw(panel, world, nodes, span)
        _mark(panel, proof, nodes)
        panel.tick_params(labelbottom=panel is made[-1])
    first, second = (f"node {proof.get_at} gets {_answer(get)}" for get in proof.gets)
    many = f"{len(proof.same)} message{'s' * (len(proof.same) != 1)} received in both worlds"
    describe(made[0], f"nobody puts: {first}")
    describe(made[1], f"node {proof.put_at} puts {proof.worlds[1][0].value}: {second}. {many}")
    for panel in made:
        heading(panel).set_text(panel.reading.split(". ")[0])
    return made[-1]


def _mark(ax: Axes, proof: Proof, nodes: list[int]) -> None:
    """A diamond where each message arrives that came in both worlds."""
    points = [(each.arrived, nodes.index(int(each.target or 0))) for each in proof.same]
    look = LOOKS["fresh"]
    style: dict[str, Any] = {"markerfacecolor": look.color, "markeredgecolor": INK, "zorder": 7}
    times, rows = zip(*points, strict=True) if points else ((), ())
    ax.plot(
        times,
        rows,
        look.marker,
        linestyle="",
        markersize=10,
        label="received in both worlds",
        **style,
    )
    for legend in [each for each in ax.artists if isinstance(each, Legend)]:
        legend.remove()
    below = -36 * dots_per_inch(ax) / 100 / max(1.0, ax.bbox.height)
    place: dict[str, Any] = {"loc": "upper right", "bbox_to_anchor": (1.01, below)}
    if ax is ax.figure.axes[-1]:
        ax.legend(fontsize=TEXT_SIZE - 1, frameon=False, borderpad=0, labelcolor=INK, **place)


def _answer(get: Operation) -> str:
    return short(get.value) if get.outcome is Outcome.OK else "no answer"
