"""The picture of staleness: how soon a write is seen, and what reads and writes cost in time."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from capkit._arguments import number
from capkit.plots.drawing import (
    BOX,
    LOOKS,
    curve,
    describe,
    dots,
    frame,
    tint,
    wide_panel,
)
from capkit.plots.lettering import INK, Label
from capkit.staleness import Races

LINEAR = 0.1  # ms up to which the axis is linear, so that 0 has a place on it
_BARS = {"get": (-0.17, "reads"), "put": (-0.38, "writes")}
_FLOOR, _CEILING = -0.49, 1.04


def staleness(seen: Races, *, until: float | None = None, ax: Axes | None = None) -> Axes:
    """Share of fresh reads against the time since the write, and how long reads and writes take.

    Parameters
    ----------
    seen : Races
        Of `staleness.simulate`.
    until : float, optional
        Last ms shown, at least 1; by default 3,000, or more if there is more to see.
    ax : matplotlib Axes, optional
        Where to draw, with room to its right. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes
        Time is logarithmic from 0.1 ms on.

    Raises
    ------
    ValueError
        If `until` is below 1.

    Examples
    --------
    >>> from capkit.staleness import WAN, simulate
    >>> staleness(simulate(WAN, 3, 2, 2, trials=100_000, rng=7))
    WAN, N=3, R=2, W=2: all reads are fresh at once.
    99.9 % of the reads take at most 151.31 ms, of the writes 168.49 ms.
    """
    if until is None:
        latest = max(seen.t_visibility(), seen.read_latency(), seen.write_latency())
        until = max(3_000.0, 1.5 * latest)
    number("until", until, 1)
    ax = wide_panel(0.86, 2.03) if ax is None else ax
    StalenessPicture(ax, until).update(seen)
    return ax


class StalenessPicture:
    """Share of fresh reads against time since the write, and the latencies below as bars.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw; it needs free room on its right for labels.
    until : float
        Last ms shown, at least 1. The axis is logarithmic from 0.1 ms on.

    Attributes
    ----------
    artists : list of Artist
        All that `update` may change, in the order in which to draw them.
    """

    def __init__(self, ax: Axes, until: float = 3_000.0) -> None:
        self.ax, self.until = ax, number("until", until, 1)
        frame(
            ax,
            "ms after the acknowledgement, or (bars) the request",
            "share of fresh reads",
        )
        ax.yaxis.set_label_coords(-0.095, 0.66)
        ax.set_xscale("symlog", linthresh=LINEAR, linscale=0.4)
        ax.set_xlim(0, until)
        ax.set_ylim(_FLOOR, _CEILING)
        ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
        ticks = [10.0**power for power in range(-1, 5) if 10.0**power <= until]
        ax.set_xticks([0.0, *ticks], ["0", *(f"{tick:,g}" for tick in ticks)])
        ax.minorticks_off()
        ax.axhline(0, color=INK, linewidth=0.8)
        self.curve = curve(ax, "fresh")
        zero = _FLOOR / (_FLOOR - _CEILING)
        self.now = ax.axvline(0, ymin=zero, color=INK, linewidth=1.5, dashes=(5, 4))
        self.points = dots(ax, "fresh", 13, clip_on=False)
        self.bars = {name: _bar(ax, name) for name in _BARS}
        side = ax.get_yaxis_transform()  # x in shares of the axis, y in those of the data
        self.at_once, self.later = Label(ax, bbox=BOX), Label(ax, transform=side)
        self.latencies = {
            name: Label(ax, x=1.03, y=y, transform=side) for name, (y, _) in _BARS.items()
        }
        self.artists: list[Artist] = [self.now, self.curve, *self.bars.values()]
        self.artists += [*self.latencies.values(), self.at_once, self.later, self.points]

    def update(self, seen: Races) -> list[Artist]:
        """Show another simulation, and return the artists to draw again."""
        times = np.append(np.linspace(0, LINEAR, 20), np.geomspace(LINEAR, self.until, 280))
        self.curve.set_data(times, np.asarray(seen.fresh(times)))
        first, late = float(seen.fresh(0.0)), seen.t_visibility()
        self.now.set_xdata([late, late])
        self.now.set_visible(late > 0)
        self.points.set_data([0, late], [first, 0.999 if late else first])
        self.at_once.set(text=f"{_share(first)} at once", x=LINEAR / 3)
        self.at_once.set_y(first + (0.09 if first < 0.15 else -0.09))
        words = f"0.999 fresh\nfrom {_ms(late)} on" if late else "at least 0.999\nfresh at once"
        self.later.set(text=words, x=1.03, y=0.95)
        for name, found in (("get", seen.read_latency()), ("put", seen.write_latency())):
            self.bars[name].set_width(found)
            self.latencies[name].set_text(f"99.9 % of {_BARS[name][1]}\nwithin {_ms(found)}")
        describe(self.ax, repr(seen))
        return self.artists


def _share(share: float) -> str:
    """Three digits, but no 1.000 for what falls short of it."""
    return "all fresh" if share == 1 else f"{min(share, 0.999):.3f} fresh"


def _ms(time: float) -> str:
    return f"{time:,.{0 if time >= 100 else 1 if time >= 10 else 2}f} ms"


def _bar(ax: Axes, name: str) -> Rectangle:
    look, (y, _) = LOOKS[name], _BARS[name]
    bar = Rectangle((0, y - 0.055), 0, 0.11, facecolor=tint(look.color, 0.35), edgecolor=INK)
    bar.set(hatch=look.hatch, linewidth=1.5)
    ax.add_patch(bar)
    return bar
