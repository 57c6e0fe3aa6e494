"""The dashboard of one read that is dragged through a small history."""

from __future__ import annotations

from typing import Any

from capkit.consistency import linearizable
from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, choice, slider
from capkit.history import History, Operation
from capkit.plots import TimelinePicture, drawing


def interval(**start: Any) -> Dashboard:
    """Drag one read through a small history and watch the verdict flip.

    Client 0 puts 1, then 2; client 1 reads 2 while that put is still under way. The controls move
    client 2's read: `begins` and `lasts` (ms), and the value it `returns`.

    Parameters
    ----------
    **start
        Controls that begin elsewhere, by their names, such as `begins=370`.

    Raises
    ------
    ValueError
        If there is no such control, or it cannot take the value.

    Examples
    --------
    >>> interval()
    Read #3 of 1, from 240 to 300 ms: linearizable.
    """
    [panel] = drawing.panels(height=2.9)
    drawing.margins(panel, 0.9, 0.78, 0.5, 0.09)
    picture = TimelinePicture(panel, fewest=3)

    def draw(settings: Settings) -> Drawn:
        history = _with_read(**settings)
        verdict = linearizable(history)
        read = len(history) - 1
        artists = picture.update(history, verdict, span=(0, 700), highlight=read)
        begins, ends = settings["begins"], settings["begins"] + settings["lasts"]
        value = settings["returns"]
        return artists, f"Read #{read} of {value}, from {begins} to {ends} ms: {verdict!r}."

    controls = {
        "begins": slider("read begins", 240, 0, 500, 10, "ms at which client 2 asks"),
        "lasts": slider("and lasts", 60, 10, 200, 10, "ms until client 2 has its answer"),
        "returns": choice("and returns", ["1", "2", "nothing"], "what client 2 is told"),
    }
    stories: dict[str, Settings] = {
        "too late for 1": {"begins": 500},
        "new, then old": {"begins": 380, "lasts": 50},
        "too early for 2": {"begins": 130, "lasts": 60, "returns": "2"},
    }
    return Dashboard(panel.figure, controls, draw, stories, start=start)


def _with_read(begins: int, lasts: int, returns: str) -> History:
    def operation(client: int, kind: str, value: int | None, start: int, end: int) -> Operation:
        return Operation(
            kind=kind, key="x", value=value, invoked=start, completed=end, client=client
        )

    read = None if returns == "nothing" else int(returns)
    operations = [
        operation(0, "put", 1, 20, 120),
        operation(0, "put", 2, 200, 460),
        operation(1, "get", 2, 280, 360),
        operation(2, "get", read, begins, begins + lasts),
    ]
    return History(operations)  # the read comes last, and keeps its number wherever it is dragged
