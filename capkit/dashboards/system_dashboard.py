"""The dashboard of two systems under the same script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.text import Text

from capkit.consistency import Verdict, linearizable
from capkit.dashboards.dashboard import Dashboard, Drawn, Settings, dropdown, slider
from capkit.dashboards.shared import LOSS
from capkit.history import History, Siblings
from capkit.plots import TimelinePicture, drawing
from capkit.stores import Maker
from capkit.systems import ALL, SCRIPTS, Row, Script
from capkit.systems.comparison import as_sets, judged, observe
from capkit.systems.table import Candidate, named, own

_SPAN = (0.0, 2_300.0)
_SEED, _RATE = 7, 3.5
_NAMED = {
    each.name: {option: named(each, chosen) for option, chosen in each.configurations.items()}
    for each in ALL
}
_SCRIPTS = [name for name, script in SCRIPTS.items() if not script.loss]  # there is a slider


def system(*makers: Maker, **start: Any) -> Dashboard:
    """Two systems, each with an option, and what the same trouble does to both.

    Controls: the `first` system and its `option`, the `second` and its `other` option, and the
    `script`: what goes wrong from 500 to 2,000 ms, for six clients at six nodes; and the `loss`
    besides.

    Parameters
    ----------
    *makers : callable
        Stores of your own to choose from, too: each a subclass of `Store`, or a function of nodes
        and a network. The dashboard begins with the first of them above.
    **start
        Controls that begin elsewhere, by their names, such as `second="Riak"`.

    Raises
    ------
    TypeError
        If one of them does not make a store.
    ValueError
        If there is no such control, or it cannot take the value.

    Examples
    --------
    >>> print(system().reading.split(". ")[0])
    Minority cut off, loss 0.00
    """
    offered = {each.system: {each.options: each} for each in map(own, makers)} | _NAMED
    names = list(offered)
    offer = partial(_offer, offered)
    upper, lower = drawing.panels(rows=2, height=5.0)
    drawing.margins(upper, 2.03, 0.72, 0.5, 0.3)
    upper.figure.subplots_adjust(hspace=0.2)
    pictures = [TimelinePicture(panel, fewest=7, legend=False) for panel in (upper, lower)]
    titles = [drawing.heading(panel) for panel in (upper, lower)]
    upper.tick_params(labelbottom=False)

    def draw(settings: Settings) -> Drawn:
        artists: list[Artist] = []
        sentences, seen = [], []
        pairs = [(settings["first"], settings["option"]), (settings["second"], settings["other"])]
        for (name, option), picture, title in zip(pairs, pictures, titles, strict=True):
            candidate = offered[name][option]
            history, verdict, row = _observed(candidate, settings["script"], settings["loss"])
            picture.update(history, verdict, span=_SPAN)
            seen.append((history, verdict))
            title.set_text(f"{row.name}: {_worth(verdict, row)}")
            sentences.append(_sentence(row, verdict, history))
        _share_height((upper, lower), titles)
        for picture, (history, verdict) in zip(pictures, seen, strict=True):
            artists += picture.update(history, verdict, span=_SPAN)
        for legend in [each for each in lower.artists if isinstance(each, Legend)]:
            legend.remove()
        legends = [lower.add_artist(legend) for legend in drawing.legend_below(lower, artists)]
        edges = [part for ax in (upper, lower) for part in (ax.spines["bottom"], ax.xaxis)]
        artists += [*edges, *titles, *legends]
        trouble = f"{settings['script'].capitalize()}, loss {settings['loss']:.2f}"
        return artists, f"{trouble}. {' '.join(sentences)}"

    controls = {
        "first": dropdown("first system", names, "the system above"),
        "option": dropdown("as", list(offered[names[0]]), "how it is configured"),
        "second": dropdown("second system", names, "the system below"),
        "other": dropdown("as", list(offered[names[0]]), "how it is configured"),
        "script": dropdown("what goes wrong", _SCRIPTS, "from 500 to 2,000 ms"),
        "loss": slider("loss", 0.0, 0.0, 1.0, 0.01, LOSS),
    }
    controls["first"].value = names[0] if makers else "MongoDB"
    controls["second"].value = "Cassandra"
    controls["script"].value = "minority cut off"
    offer(controls)
    stories: dict[str, Settings] = {
        "one read option": _pair("DynamoDB", "strong reads", "DynamoDB", "default reads"),
        "acknowledged, then gone": _pair("MongoDB", "w: 1, local", "relational", _FAILOVER)
        | {"script": "leader cut off"},
        "both sides": _pair("Dynamo", "sloppy quorum", "Dynamo", "strict quorum")
        | {"script": "even split"},
        "a wrong clock": _pair("Cassandra", "QUORUM", "Riak", "siblings")
        | {"script": "clock 500 ms ahead"},
    }
    return Dashboard(upper.figure, controls, draw, stories, start=start, arrange=offer)


def _share_height(panels: Sequence[Axes], titles: Sequence[Text]) -> None:
    """Give both timelines lanes of one height, and so letters of one size, below their titles."""
    specs = [spec for ax in panels if (spec := ax.get_subplotspec())]
    specs[0].get_gridspec().set_height_ratios([ax.get_ylim()[0] for ax in panels])
    for ax, spec, title in zip(panels, specs, titles, strict=True):
        ax.set_subplotspec(spec)
        title.set_y(1 + 0.16 * drawing.dots_per_inch(ax) / ax.bbox.height)


_FAILOVER = "asynchronous, failover"
_SIBLINGS = " (a get of siblings has no place in an order: one copy holds one value)"


def _pair(first: str, option: str, second: str, other: str) -> Settings:
    return {"first": first, "option": option, "second": second, "other": other}


def _offer(offered: Mapping[str, Mapping[str, Candidate]], controls: Mapping[str, Any]) -> None:
    """Let each system's control of options offer those of that system."""
    for name, option in (("first", "option"), ("second", "other")):
        options = list(offered[controls[name].value])
        if list(controls[option].options) != options:
            controls[option].options = options


@lru_cache(maxsize=256)
def _observed(candidate: Candidate, script: str, loss: float) -> tuple[History, Verdict, Row]:
    store = candidate.make(_SEED)
    history = observe(store, replace(SCRIPTS[script], loss=loss), _SEED, _RATE)
    row = candidate.row(script, judged(store, history, _calm(candidate)))
    clients = History(history, faults=history.faults)  # the copies would take half the picture
    collects = store.collect
    verdict = linearizable(as_sets(history), model="set") if collects else linearizable(history)
    return clients, verdict, row


@lru_cache(maxsize=64)
def _calm(candidate: Candidate) -> History:
    return observe(candidate.make(_SEED), Script(), _SEED, _RATE)


def _worth(verdict: Verdict, row: Row) -> str:
    lost = f", {row.lost} put{'s' * (row.lost > 1)} lost" if row.lost else ""
    return f"{100 * row.answered:.0f} % answered, {_held(verdict)}{lost}"


def _held(verdict: Verdict) -> str:
    return "linearizable" if verdict.ok else "not linearizable"


def _sentence(row: Row, verdict: Verdict, history: History) -> str:
    sides = ""
    if not math.isnan(row.cut_off):
        sides = (
            f" ({100 * row.cut_off:.0f} % on the side cut off, {100 * row.rest:.0f} % elsewhere)"
        )
    side_by_side = not row.stale and any(isinstance(each.value, Siblings) for each in history)
    stale = f"{row.stale or 'no'} stale read{'s' * (row.stale != 1)}"
    return (
        f"{row.name}: {100 * row.answered:.0f} % answered{sides}, {stale}, "
        f"{row.lost or 'no'} acknowledged put{'s' * (row.lost != 1)} lost, {_held(verdict)}"
        f"{_SIBLINGS if side_by_side and not verdict.ok else ''}."
    )
