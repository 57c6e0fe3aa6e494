"""Pictures: a history or rates in, matplotlib Axes out. They draw and decide nothing.

Every function draws on `ax=`, or on a new figure that a notebook shows by itself. Behind each is a
class whose `update` returns all artists that can change, so that a dashboard may redraw only them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from capkit import tradeoff as model
from capkit._arguments import count, number
from capkit.consistency import Verdict, summary
from capkit.history import History
from capkit.plots.drawing import LOOKS, Panel, classroom, describe, heading, margins, panels
from capkit.plots.ladder_picture import LadderPicture, ladder
from capkit.plots.layout import span_of, values_of
from capkit.plots.pictures import MOST_NODES, QuorumsPicture, RatesPicture, TradeoffPicture
from capkit.plots.plane_picture import plane
from capkit.plots.staleness_picture import StalenessPicture
from capkit.plots.timeline_picture import TimelinePicture, legend_below
from capkit.staleness import Staleness
from capkit.tradeoff import Rates

__all__ = [
    "LOOKS",
    "LadderPicture",
    "Panel",
    "QuorumsPicture",
    "RatesPicture",
    "StalenessPicture",
    "TimelinePicture",
    "TradeoffPicture",
    "classroom",
    "ladder",
    "panels",
    "plane",
    "quorums",
    "rates",
    "staleness",
    "timeline",
    "timelines",
    "tradeoff",
]

_MOST_ROWS = 16  # lanes that a figure of 5 inches shows with letters of full size
_FEWEST_ROWS = 5.0  # fewer get a lower figure


def timeline(
    history: History,
    verdict: Verdict | None = None,
    *,
    key: Any = None,
    span: tuple[float, float] | None = None,
    highlight: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Operations of every client over time, what the replicas held, and the faults.

    Bars are operations: solid if answered, hatched if failed, dashed and fading if nobody knows.
    A triangle marks a stale get, and a dashed line leads to it from the put that it missed.

    Parameters
    ----------
    history : History
        At best up to about 150 operations.
    verdict : Verdict, optional
        Of `linearizable`: its order is shown as dots where the operations take effect, its
        witness as rings.
    key : object, optional
        Show this key alone. Otherwise all keys up to three, or the first of more.
    span : (float, float), optional
        First and last ms shown. Otherwise all that happens.
    highlight : int, optional
        An operation to draw attention to.
    ax : matplotlib Axes, optional
        Where to draw. Otherwise a new figure, as tall as the rows need.

    Returns
    -------
    matplotlib Axes
        Its y axis counts lanes downwards.

    Raises
    ------
    ValueError
        If `span` does not start before it ends.

    Examples
    --------
    >>> from capkit.history import Operation
    >>> put = Operation(kind="put", key="x", value=1, invoked=0, completed=10)
    >>> get = Operation(kind="get", key="x", value=None, invoked=20, completed=25, client=1)
    >>> timeline(History([put, get]))
    2 operations of 2 clients in 25 ms: 2 OK. 1 stale get.
    """
    if span is not None and not span[0] < span[1]:
        raise ValueError(f"span must start before it ends, got {span}")
    own = ax is None
    ax = _wide_panel(2.03, 0.5) if ax is None else ax
    picture = TimelinePicture(ax, fewest=1.0 if own else _FEWEST_ROWS)
    choices: dict[str, Any] = {"key": key, "span": span, "highlight": highlight}
    picture.update(history, verdict, **choices)
    rows = ax.get_ylim()[0]
    if own and not _FEWEST_ROWS <= rows <= _MOST_ROWS:
        height = 5 * rows / _MOST_ROWS if rows > _MOST_ROWS else 5 - 0.8 * (_FEWEST_ROWS - rows)
        width = ax.figure.get_size_inches()[0]  # type: ignore[union-attr]
        ax.figure.set_size_inches(width, height * width / 9)  # type: ignore[union-attr]
        margins(ax, 2.03, 0.75, 0.5, 0.15)
        picture.update(history, verdict, **choices)
    return ax


def timelines(histories: Mapping[str, History]) -> Panel:
    """Timelines below each other on one axis of time, each under its name and what it is worth.

    Parameters
    ----------
    histories : mapping of str to History
        At least one, at best up to four of about 30 operations, under the names to print.

    Returns
    -------
    Panel
        The last; its figure shows them all.

    Raises
    ------
    ValueError
        If there are no histories.

    Examples
    --------
    >>> from capkit.history import Operation
    >>> put = Operation(kind="put", key="x", value=1, invoked=0, completed=10)
    >>> get = Operation(kind="get", key="x", value=None, invoked=20, completed=25, client=1)
    >>> timelines({"fresh": History([put]), "old": History([put, get])})
    fresh: 100 % available, no stale reads, linearizable
    old: 100 % available, 1 stale read, not linearizable
    """
    number = count("histories", len(histories))
    made = panels(1, number, height=0.55 + 2.55 * number)
    margins(made[0], 2.03, 0.65, 0.5, 0.3)
    made[0].figure.subplots_adjust(hspace=0.16)
    values = values_of(copy for history in histories.values() for copy in history.copies)
    end = max(span_of(history)[1] for history in histories.values())
    artists: list[Artist] = []
    for panel, (name, history) in zip(made, histories.items(), strict=True):
        picture = TimelinePicture(panel, values, legend=False)
        artists += picture.update(history, span=(min(0, span_of(history)[0]), end))
        describe(panel, f"{name}: {summary(history).split(': ')[0]}")
        heading(panel).set_text(panel.reading)
        panel.tick_params(labelbottom=panel is made[-1])
    for legend in legend_below(made[-1], artists):
        made[-1].add_artist(legend)
    return made[-1]  # type: ignore[no-any-return]


def rates(
    n: int = 3,
    r: int = 1,
    w: int = 2,
    loss: float = 0.2,
    *,
    simulated: Rates | None = None,
    failing: str = "requests",
    ax: Axes | None = None,
) -> Axes:
    """How often a put and a get succeed and the get is fresh, against the chance of failure.

    Parameters
    ----------
    n, r, w : int
        Replicas, read quorum and write quorum, 1 <= r, w <= n.
    loss : float
        The loss whose three values are printed, in [0, 1].
    simulated : Rates, optional
        Of `tradeoff.simulate`, drawn as dots with their intervals: at `loss` if it holds numbers,
        at losses evenly spaced from 0 to 1 if it holds arrays.
    failing : {"requests", "nodes"}
        What fails independently, as in `tradeoff.exact`.
    ax : matplotlib Axes, optional
        Where to draw. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If a number is outside its range; it is named.

    Examples
    --------
    >>> rates(3, 1, 2, 0.2)
    N=3, R=1, W=2 at loss 0.2: put acknowledged 0.896, get answered 0.992, get is fresh 0.857.
    """
    model.exact(n, r, w, number("loss", loss, 0, 1), failing=failing)  # complains before drawing
    ax = _wide_panel(0.86, 2.25) if ax is None else ax
    RatesPicture(ax).update(n, r, w, loss, simulated=simulated, failing=failing)
    return ax


def tradeoff(
    n: int = 3, loss: float = 0.2, *, cut: bool = False, side: int = 1, ax: Axes | None = None
) -> Axes:
    """Availability against consistency, for CA, CP and AP and every loss, with and without a cut.

    CA reads one copy and writes all, CP uses majorities for both, AP is content with one copy.
    Strong curves are what holds now, pale ones the other case.

    Parameters
    ----------
    n : int
        Replicas, at least 2.
    loss : float
        Chance that one request is lost, in [0, 1]: the markers on the curves.
    cut : bool
        Whether the network is cut, counting the clients of both sides.
    side : int
        Replicas on one side of the cut, 1..n-1.
    ax : matplotlib Axes, optional
        Where to draw, with room to its right. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If a number is outside its range; it is named.

    Notes
    -----
    Where no put is acknowledged no answered get can be stale: such a point stands at 1, hollow.

    Examples
    --------
    >>> tradeoff(5, 0.0, cut=True, side=2)  # doctest: +NORMALIZE_WHITESPACE
    2 of 5 nodes cut off, loss 0. CA 0.50 answered, no put answered.
    CP 0.60 answered, 1.00 fresh. AP 1.00 answered, 0.52 fresh.
    """
    n, loss = count("n", n, 2), number("loss", loss, 0, 1)
    side = count("side", side, 1, n - 1)
    ax = _wide_panel(0.86, 2.57) if ax is None else ax
    TradeoffPicture(ax).update(n, loss, cut=cut, side=side)
    return ax


def quorums(n: int = 3, r: int = 2, w: int = 2, *, ax: Axes | None = None) -> Axes:
    """A write quorum and the read quorum that shares the fewest replicas with it.

    Parameters
    ----------
    n, r, w : int
        Replicas (at most 15), read quorum and write quorum, 1 <= r, w <= n.
    ax : matplotlib Axes, optional
        Where to draw. Otherwise a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If a number is outside its range; it is named.

    Examples
    --------
    >>> quorums(3, 2, 2)
    Every read meets every write: R + W = 4 is more than N = 3. They share at least 1 replica.
    """
    count("n", n, 1, MOST_NODES), count("r", r, 1, n), count("w", w, 1, n)
    ax = _wide_panel(0.18, 0.18, bottom=0.15) if ax is None else ax
    QuorumsPicture(ax).update(n, r, w)
    return ax


def staleness(seen: Staleness, *, until: float | None = None, ax: Axes | None = None) -> Axes:
    """Share of fresh reads against the time since the write, and how long reads and writes take.

    Parameters
    ----------
    seen : Staleness
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
    ax = _wide_panel(0.86, 2.03) if ax is None else ax
    StalenessPicture(ax, until).update(seen)
    return ax


def _wide_panel(left: float, right: float, bottom: float = 0.75) -> Panel:
    """One panel with so many inches beside and below it."""
    (panel,) = panels()
    margins(panel, left, bottom, right, 0.15)
    return panel  # type: ignore[no-any-return]
