"""No style that a notebook chooses leaks into a picture."""

import matplotlib.pyplot as plt
import pytest

from capkit import History, Operation, Partition, plots
from capkit.consistency import ladder

PUT = Operation(kind="put", key=None, value=1, invoked=0, completed=10)
GET = Operation(kind="get", key=None, value=None, invoked=20, completed=25, client=1)
HISTORY = History([PUT, GET], faults=[Partition(at=5, until=22, groups=[{0}, {1}])])

PICTURES = {
    "timeline": lambda: plots.timeline(HISTORY),
    "timelines": lambda: plots.timelines({"one": HISTORY}),
    "rates": plots.rates,
    "tradeoff": plots.tradeoff,
    "quorums": lambda: plots.quorums(3, 2, 2),
    "ladder": lambda: plots.ladder(ladder(HISTORY)),
    "an empty panel": lambda: plots.panels()[0],
}


def drawn(picture):
    return picture()._repr_png_()[0]


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_a_picture_looks_the_same_in_any_style(picture):
    plain = drawn(picture)
    with plt.style.context(["ggplot", "dark_background"]):
        assert drawn(picture) == plain


def test_operations_without_a_key_are_drawn_like_any_others():
    keyed = History([Operation(**{**fields(each), "key": "x"}) for each in (PUT, GET)])
    assert drawn(lambda: plots.timeline(History([PUT, GET]))) == drawn(
        lambda: plots.timeline(keyed)
    )


def fields(operation):
    names = ("kind", "key", "value", "invoked", "completed", "client")
    return {name: getattr(operation, name) for name in names}
