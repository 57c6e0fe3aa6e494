"""The film of a trace: messages that fly along cables, and a cable that is cut."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, cast

import anywidget
from traitlets import Dict

from capkit import plots
from capkit.adversary import Proof
from capkit.dashboards.film import scene, worlds
from capkit.dashboards.lifetime import close_inside, keep_few
from capkit.history import History
from capkit.network import Network, Partition
from capkit.plots.drawing import is_still
from capkit.stores import Maker, build
from capkit.workload import Arrival, Requests, run

_FILES = Path(__file__).parent / "film"
SCRIPT = "\n".join(
    (_FILES / f"{name}.js").read_text("utf-8") for name in ("state", "stage", "film")
)
STYLE = (_FILES / "film.css").read_text("utf-8")


class Film(anywidget.AnyWidget):
    """The film of a traced history, which plays in the browser without the kernel.

    Attributes
    ----------
    history : History or Proof
        What it shows: the two worlds of a proof beside each other.
    scene : dict
        The same as plain data, sent to the browser once.
    reading : str
        What happens in it, in a sentence; also what `repr` returns.
    """

    _esm = SCRIPT
    _css = STYLE

    scene = Dict().tag(sync=True)

    def __init__(self, history: History | Proof) -> None:
        self.history = history
        if isinstance(history, Proof):
            picture, shown = plots.worlds(history), worlds(history)
        else:
            picture, shown = cast(plots.Panel, plots.messages(history)), scene(history)
        self.reading = repr(picture)
        self._png, self._words = picture._repr_png_()  # the figure itself would be kept for good
        super().__init__(scene=shown)
        keep_few("network", self)

    def close(self) -> None:
        """Take the film off its page, and free its scene and its picture; `reading` stays."""
        close_inside(self)
        super().close()
        self.scene = {}
        self._png = b""

    def __repr__(self) -> str:
        return self.reading

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The film, and for readers without a kernel all its messages in one picture."""
        found: Any = {} if is_still() else super()._repr_mimebundle_(**options)
        live, *_ = found if isinstance(found, tuple) else (found,)
        shown = {"text/plain": self.reading, "image/png": base64.b64encode(self._png).decode()}
        return dict(live or {}) | shown, {"image/png": self._words}


# A greeting that changes while the cable is cut: the first thing that a class sees.
_GREETING = [
    Arrival(20, 0, "put", "greeting", "hello"),
    Arrival(100, 2, "get", "greeting"),
    Arrival(210, 0, "put", "greeting", "good evening"),
    Arrival(280, 2, "get", "greeting"),
    Arrival(640, 2, "get", "greeting"),
]


def network(history_or_maker: History | Proof | Maker) -> Film:
    """A film of the network: nodes, clients, and the messages that fly between them.

    Play, step from moment to moment, or drag the scrubber below the timeline; a sentence says what
    happens. Where nothing is under way time passes faster.

    Parameters
    ----------
    history_or_maker : History, Proof or callable
        A history that `run(..., trace=True)` made, at best up to a few seconds of it. Or what
        `adversary.prove` returned, whose two worlds then stand beside each other. Or a maker of a
        store, such as `CPStore`, called with nodes and a network: then three nodes are asked for
        a greeting before, during and after a cut of node 2.

    Returns
    -------
    Film
        In a notebook, the film; where no kernel runs, the picture of `plots.messages`, or of
        `plots.worlds`.

    Raises
    ------
    ValueError
        If the history holds no messages.
    TypeError
        If it is neither a history nor a proof nor a maker of a store.

    Examples
    --------
    >>> from capkit import CPStore
    >>> network(CPStore)
    37 messages between 3 nodes in 696 ms: 26 arrive, 11 stop at the cut.
    """
    if isinstance(history_or_maker, History | Proof):
        return Film(history_or_maker)
    if not callable(history_or_maker):
        kinds = "a History, a Proof or a maker"
        raise TypeError(f"history_or_maker must be {kinds}, got {history_or_maker!r}")
    return Film(_greeted(history_or_maker))


def _greeted(make: Maker) -> History:
    store = build(make, 3, Network(loss=0.0, rng=7))
    traffic = Requests(requests=_GREETING, clients=3, duration=700, timeout=150)
    cable = Partition(at=180, until=500, groups=[{0, 1}, {2}])
    return run(store, traffic, [cable], trace=True)
