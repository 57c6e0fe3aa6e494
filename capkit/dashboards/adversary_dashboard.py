"""The dashboard of the smallest schedule that breaks a letter."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from capkit.adversary import Attack
from capkit.adversary.named import LONGEST, STORES, known
from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, choice, dropdown, slider
from capkit.history import History
from capkit.plots import TimelinePicture, drawing


def adversary(**start: Any) -> Dashboard:
    """The smallest schedule that breaks a letter of a store, as a timeline and as a story.

    Controls: the `store`; the `letter` to break; the `longest` schedule, in steps; and whether cuts
    may also fall into the middle of a request (`late`).

    Parameters
    ----------
    **start
        Controls that begin elsewhere, by their names, such as `store="AP"`.

    Raises
    ------
    ValueError
        If there is no such control, or it cannot take the value.

    Examples
    --------
    >>> print(adversary().reading.split(":")[0])
    3 steps break C of CP without write-back, and nothing smaller does (run 1,127)
    """
    [panel] = drawing.panels(height=4.6)
    drawing.margins(panel, 2.03, 0.72, 0.5, 0.5)
    picture, title = TimelinePicture(panel), drawing.heading(panel)

    def draw(settings: Settings) -> Drawn:
        found = _found(**settings)
        history = found.history or History()
        end = history.completed.max() if len(history) else 100.0
        artists = picture.update(history, found.verdict, span=(0.0, 1.2 * end))
        tried = _tried(found, settings["late"])
        title.set_text(_title(found, tried))
        return [*artists, title, panel.xaxis], f"{sentence(found)} {tried.capitalize()}."

    controls = {
        "store": dropdown("store", list(STORES), "what is attacked"),
        "letter": choice("letter", ("C", "A"), "what is to be broken"),
        "longest": slider("longest schedule", LONGEST, 1, LONGEST, 1, "requests, at most"),
        "late": choice("cuts in mid-request", ("yes", "no"), "or only before a request"),
    }
    controls["store"].value = "CP without write-back"
    stories: dict[str, Settings] = {
        "read at your own node": {"store": "CA: hot standby"},
        "split brain": {"store": "CA: failover"},
        "no cut at all": {"store": "AP"},
        "the other letter": {"store": "CP", "letter": "A"},
    }
    return Dashboard(panel.figure, controls, draw, stories, start=start)


def _title(found: Attack, tried: str) -> str:
    what = f"{found.letter} of {found.store}"
    if found.steps is None:
        return f"Nothing breaks {what} ({tried})"
    return f"To break {what}: {found.steps} step{'s' * (found.steps > 1)} ({tried})"


def _tried(found: Attack, late: str) -> str:
    """Which schedules are tried: what the slider and the last choice say, whatever they find."""
    steps = f"{found.longest} step{'s' * (found.longest > 1)}"
    return f"tried: up to {steps}, {'cuts' if late == 'yes' else 'no cuts'} in mid-request"


def sentence(found: Attack) -> str:
    """The story of an attack on one line."""
    first, *steps = repr(found).splitlines()
    return f"{first} {'; '.join(steps[:-1])}. {steps[-1]}" if steps else first


@lru_cache(maxsize=128)
def _found(store: str, letter: str, longest: int, late: str) -> Attack:
    return known(store, letter, longest, late == "yes")
