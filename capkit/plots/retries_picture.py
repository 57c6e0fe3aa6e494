"""How often a retried withdrawal is paid twice, against the chance that a reply is lost."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from capkit import tradeoff as model
from capkit._arguments import instance
from capkit.plots.curves import Curves
from capkit.plots.drawing import LOOKS, describe, dots, frame, unit_square, wide_panel
from capkit.tradeoff import Paid

_LOOKS = {"put": "paid twice (naive)", "get": "paid twice (with an id)"}
_LOSSES = np.linspace(0, 1, 101)


def retries(
    reply_loss: float = 0.2,
    loss: float = 0.0,
    attempts: int = 5,
    *,
    simulated: Paid | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The share of withdrawals that are paid more than once, with and without a request id.

    Parameters
    ----------
    reply_loss, loss, attempts
        As for `tradeoff.retries`.
    simulated : Paid, optional
        Of `tradeoff.simulate_retries`, drawn as a dot with its interval.
    ax : matplotlib Axes, optional
        Where to draw, with room to its right. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If a number is outside its range; the error names it.

    Examples
    --------
    >>> retries(0.2)
    Reply loss 0.2, loss 0, at most 5 attempts: paid twice (naive) 0.200, paid twice (with
    an id) 0.000.
    """
    model.retries(loss, reply_loss, attempts)  # complains before drawing
    ax = wide_panel(0.86, 2.65) if ax is None else ax
    if simulated is not None:
        instance("simulated", simulated, Paid)
    RetriesPicture(ax).update(reply_loss, loss, attempts, simulated=simulated)
    return ax


class RetriesPicture:
    """The share that is paid twice, against reply loss: a curve without request ids, one with.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw, with room to its right.

    Attributes
    ----------
    artists : list of Artist
        All that `update` may change, in the order in which to draw them.
    """

    def __init__(self, ax: Axes) -> None:
        self.ax = ax
        frame(ax, "reply loss: chance that one reply is lost", "share of withdrawals")
        unit_square(ax)
        self.curves = Curves(ax, _LOOKS)
        self.bar = LineCollection([], colors=LOOKS["FAIL"].color, linewidths=4, zorder=7)
        ax.add_collection(self.bar)
        self.dot = dots(ax, "put", 7, zorder=8, markerfacecolor="white")
        self.artists: list[Artist] = [*self.curves.artists, self.bar, self.dot]

    def update(
        self, reply_loss: float, loss: float, attempts: int, *, simulated: Paid | None = None
    ) -> list[Artist]:
        """Show other numbers, and return the artists to draw again."""
        lines = {}
        for look, with_id in (("put", False), ("get", True)):
            twice = [
                model.retries(loss, each, attempts, request_id=with_id).twice
                for each in (*_LOSSES.tolist(), reply_loss)
            ]
            lines[look] = (twice[:-1], twice[-1])
        words = self.curves.update(reply_loss, _LOSSES, lines)
        self.dot.set_data(*([], []) if simulated is None else ([reply_loss], [simulated.twice]))
        ends = (
            [] if simulated is None else [(reply_loss, simulated.low), (reply_loss, simulated.high)]
        )
        self.bar.set_segments([ends] if ends else [])
        tries = f"at most {attempts} attempt{'s' * (attempts > 1)}"
        describe(self.ax, f"Reply loss {reply_loss:g}, loss {loss:g}, {tries}: {words}.")
        return self.artists
