"""Timelines of several histories, below each other on one axis of time."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.artist import Artist

from capkit._arguments import count, instance, shown
from capkit.consistency import summary
from capkit.history import History
from capkit.plots.drawing import (
    Panel,
    describe,
    heading,
    in_plain_style,
    legend_below,
    margins,
    panels,
)
from capkit.plots.layout import span_of, values_of
from capkit.plots.timeline_picture import TimelinePicture


@in_plain_style
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
    if not isinstance(histories, Mapping):
        raise TypeError(f"histories must be a dict of names and histories, got {shown(histories)}")
    for history in histories.values():
        instance("each of histories", history, History)
    number = count("histories", len(histories))
    made = panels(1, number, height=0.55 + 2.55 * number)
    margins(made[0], 2.03, 0.65, 0.5, 0.3)
    made[0].figure.subplots_adjust(hspace=0.16)
    values = values_of(copy for history in histories.values() for copy in history.copies)
    end = max(span_of(history)[1] for history in histories.values())
    artists: list[Artist] = []
    pictures = [TimelinePicture(panel, values, legend=False) for panel in made]
    spans = [(min(0, span_of(history)[0]), end) for history in histories.values()]
    drawn = list(zip(pictures, histories.values(), spans, strict=True))
    rows = [_rows(picture, history, span) for picture, history, span in drawn]
    grown = max(1.0, max(rows) / _ROWS)  # as high as the rows need, with letters of full size
    made[0].figure.set_size_inches(9, 0.95 + grown * (2.55 * number - 0.4))
    margins(made[0], 2.03, 0.65, 0.5, 0.3)
    for panel, (name, history), (picture, _, span) in zip(
        made, histories.items(), drawn, strict=True
    ):
        artists += picture.update(history, span=span)
        describe(panel, f"{name}: {summary(history).split(': ')[0]}")
        heading(panel).set_text(panel.reading)
        panel.tick_params(labelbottom=panel is made[-1])
    for legend in legend_below(made[-1], artists):
        made[-1].add_artist(legend)
    return made[-1]  # type: ignore[no-any-return]


_ROWS = 8.5  # that a panel of the usual height shows with letters of full size


def _rows(picture: TimelinePicture, history: History, span: tuple[float, float]) -> float:
    """How many lanes a history takes."""
    picture.update(history, span=span)
    return float(picture.ax.get_ylim()[0])
