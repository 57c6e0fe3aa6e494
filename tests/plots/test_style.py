"""No style that a notebook chooses leaks into a picture."""

import inspect
import io
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from capkit import CPStore, History, Network, Node, Operation, Partition, Workload, plots, run
from capkit.adversary import prove
from capkit.consistency import RUNGS, ladder
from capkit.staleness import WAN, simulate
from capkit.systems import compare

PUT = Operation(kind="put", key=None, value=1, invoked=0, completed=10)
GET = Operation(kind="get", key=None, value=None, invoked=20, completed=25, client=1)
CUT = Partition(at=5, until=22, groups=[{0}, {1}])
HISTORY = History([PUT, GET], faults=[CUT])

SPOT = plots.Spot("one", "CP", 0.5, 0.75, 10.0, 20.0, 1.0)


@cache
def traced():
    store = CPStore([Node(i) for i in range(3)], Network(loss=0.1, rng=7))
    return run(store, Workload(clients=2, duration=200, rng=7), [CUT], trace=True)


@cache
def compared():
    return compare(["MongoDB"], ["no fault"], rng=7)


PICTURES = {
    "available": lambda: plots.available(dict.fromkeys(RUNGS, "nobody")),
    "harvest": plots.harvest,
    "ladder": lambda: plots.ladder(ladder(HISTORY)),
    "messages": lambda: plots.messages(traced()),
    "pacelc": lambda: plots.pacelc([SPOT]),
    "panels": lambda: plots.panels()[0],
    "plane": lambda: plots.plane(compared()),
    "planes": lambda: plots.planes()[0],
    "quorums": lambda: plots.quorums(3, 2, 2),
    "rates": plots.rates,
    "retries": plots.retries,
    "staleness": lambda: plots.staleness(simulate(WAN, 3, 2, 2, trials=1_000, rng=7)),
    "timeline": lambda: plots.timeline(HISTORY),
    "timelines": lambda: plots.timelines({"one": HISTORY}),
    "tradeoff": plots.tradeoff,
    "worlds": lambda: plots.worlds(prove(CPStore)),
}


def test_all_pictures_are_here():
    drawing = {name for name in plots.__all__ if inspect.isfunction(getattr(plots, name))}
    assert set(PICTURES) == drawing - {"classroom"}


def drawn(picture):
    return picture()._repr_png_()[0]


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_a_picture_looks_the_same_in_any_style(picture):
    plain = drawn(picture)
    with plt.style.context(["ggplot", "dark_background"]):
        assert drawn(picture) == plain


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_nothing_of_a_picture_is_cut_off_at_a_side(picture):
    pixels = np.asarray(Image.open(io.BytesIO(drawn(picture))).convert("RGB"))
    assert np.all(pixels[:, [0, -1]] == 255)


def test_operations_without_a_key_are_drawn_like_any_others():
    keyed = History([Operation(**{**fields(each), "key": "x"}) for each in (PUT, GET)])
    assert drawn(lambda: plots.timeline(History([PUT, GET]))) == drawn(
        lambda: plots.timeline(keyed)
    )


def fields(operation):
    names = ("kind", "key", "value", "invoked", "completed", "client")
    return {name: getattr(operation, name) for name in names}
