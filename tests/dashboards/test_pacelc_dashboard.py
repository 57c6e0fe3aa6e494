"""The dashboard of PACELC: what it shows at every end of every control."""

import io
import re

import pytest
from PIL import Image

from capkit import dashboards, systems
from capkit.tradeoff import calm, worse_side

BOARD = dashboards.pacelc()
SLIDERS = [name for name, control in BOARD._controls.items() if not hasattr(control, "options")]


@pytest.fixture
def board():
    BOARD.reset()
    return BOARD


def picture(board):
    image = board._image.value
    assert Image.open(io.BytesIO(image)).size == (900, 490)
    assert board.error is None
    assert board.reading.endswith(".")
    assert "nan" not in board.reading
    return bytes(image)


def said(board, name):
    """What the sentence says of one store: answered, fresh, get, put, fresh."""
    number = r"([\d.]+|-|never)"
    words = rf"\. {re.escape(name)}: {number}, {number}; {number} / {number}, {number}\."
    return re.search(words, board.reading).groups()


@pytest.mark.parametrize("name", SLIDERS)
def test_every_slider_changes_the_picture_and_nothing_goes_wrong_at_its_ends(board, name):
    control = board._controls[name]
    board.set(**{name: control.min})
    low = picture(board)
    board.set(**{name: control.max})
    assert picture(board) != low


@pytest.mark.parametrize("end", ["min", "max"])
def test_all_sliders_at_their_ends_at_once(board, end):
    board.set(nodes=getattr(board._controls["nodes"], end))
    board.set(**{name: getattr(board._controls[name], end) for name in SLIDERS})
    picture(board)


@pytest.mark.parametrize("system", systems.NAMES)
def test_each_configuration_of_a_system_has_a_row_at_the_ends_of_latency(board, system):
    board.set(nodes=3, side=1, system=system)
    for latency, distance in ((0.5, 0), (50, 100)):
        board.set(latency=latency, distance=distance)
        picture(board)
        assert len(board.reading) <= 410  # four lines, all that a screen of 720 pixels has room for
        for configuration in systems.get(system).configurations:
            said(board, configuration)


def test_the_formulas_stand_in_the_sentence(board):
    board.set(latency=50, r=2, w=3)
    for name, r, w, rounds in (("CP", 3, 3, 2), ("AP", 1, 1, 1), ("R=2, W=3", 2, 3, 1)):
        whole, cut = calm(5, r, w, 50, side=2, rounds=rounds), worse_side(5, r, w, side=2)
        answered, current, get, put, fresh = said(board, name)
        assert (float(get), float(put)) == (whole.get, whole.put)
        assert float(fresh) == pytest.approx(whole.fresh, abs=0.006)
        assert float(answered) == cut.availability
        assert float(current) == pytest.approx(cut.fresh, abs=0.006)


def test_a_named_quorum_waits_as_long_as_the_formula_says(board):
    board.set(nodes=3, side=1, system="Cassandra", latency=20, distance=40)
    _, _, get, put, fresh = said(board, "QUORUM")
    whole = calm(3, 2, 2, 20, distance=40)
    assert float(get) == pytest.approx(whole.get, abs=2)
    assert float(put) == pytest.approx(whole.put, abs=2)
    assert float(fresh) == 1


def test_a_primary_waits_for_its_standbys_and_refuses_across_the_cut(board):
    board.set(nodes=3, side=1, system="relational", latency=20)
    answered, _, get, put, fresh = said(board, "synchronous")
    assert (answered, get, put, fresh) == ("0.00", "40", "80", "1.00")


def test_quorums_are_never_more_than_the_nodes(board):
    board.set(nodes=7, r=7, w=7, side=6)
    board.set(nodes=3)
    assert [board.settings[name] for name in ("r", "w", "side")] == [3, 3, 2]
    picture(board)


def test_a_story_keeps_the_system_and_the_regions(board):
    board.set(system="Riak", nodes=3, side=1)
    board._stories["one city"].click()
    assert board.settings["system"] == "Riak"
    assert board.settings["latency"] == 0.5
    assert (board.settings["nodes"], board.settings["side"]) == (3, 1)


def test_no_row_of_the_table_is_left_over_when_a_system_goes(board):
    before = picture(board)
    board.set(system="MongoDB")
    assert picture(board) != before
    board.set(system="none")
    assert picture(board) == before


@pytest.mark.parametrize("name", systems.NAMES)
def test_each_named_system_fits_into_the_table_beside_quorums_of_ones_own(board, name):
    board.set(system=name, r=2)
    assert board.error is None
