"""Two systems in the same trouble, and the plane of many: what is drawn is what was measured."""

import io

import ipywidgets as widgets
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from capkit import dashboards, plots, systems
from capkit.dashboards import system_dashboard
from capkit.plots.lettering import Words
from capkit.systems import SCRIPTS, compare, get

TABLE = compare(["MongoDB", "Cassandra", "Dynamo"], ["even split"], rng=7)


@pytest.fixture(scope="module")
def board():
    return dashboards.system()


def png(board):
    return bytes(board._image.value)


def controls(board):
    return board._controls


@pytest.mark.parametrize("name", systems.NAMES)
def test_every_configuration_of_every_system_draws(board, name):
    board.reset()
    for option in get(name).configurations:
        before = png(board)
        board.set(first=name, option=option, second="Riak", other="set")
        assert board.error is None
        assert f" {name}, {option}: " in board.reading
        assert " Riak, set: " in board.reading
        assert Image.open(io.BytesIO(png(board))).size == (900, 500)
        assert png(board) != before


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name != "20 % loss"])
@pytest.mark.parametrize("loss", [0.0, 0.5, 1.0])
def test_every_script_draws_at_every_loss(board, script, loss):
    board.reset()
    board.set(script=script, loss=loss)
    assert board.error is None
    assert board.reading.startswith(f"{script.capitalize()}, loss {loss:.2f}. ")
    assert "nan" not in board.reading


@pytest.mark.parametrize("loss", [0.0, 0.5, 1.0])
def test_both_timelines_have_letters_of_one_size(board, loss):
    board.reset()
    board.set(loss=loss)
    drawn = board._canvas.figure.findobj(lambda each: isinstance(each, Words))
    assert len(drawn) == 4  # the rows and the words of each
    sizes = [each.size for each in drawn]
    assert max(sizes) <= 1.02 * min(sizes)


def test_by_hand_a_new_system_brings_its_own_options(board):
    board.reset()
    first = controls(board)["first"]
    for name in systems.NAMES:
        first.value = name
        assert board.error is None
        assert list(controls(board)["option"].options) == list(get(name).configurations)
        assert board.settings["option"] == next(iter(get(name).configurations))


def observed(name, option, script):
    """History, verdict and row of a named system."""
    return system_dashboard._observed(system_dashboard._NAMED[name][option], script, 0.0)


def test_the_numbers_of_the_reading_are_those_of_the_store(board):
    board.reset()
    board.set(first="MongoDB", option="w: 1, local", script="leader cut off")
    history, verdict, row = observed("MongoDB", "w: 1, local", "leader cut off")
    lost = f"{row.lost or 'no'} acknowledged put{'s' * (row.lost != 1)} lost"
    assert f"{100 * row.answered:.0f} % answered" in board.reading
    assert lost in board.reading
    assert ("not linearizable" in board.reading.split(". ")[1]) == (verdict.ok is not True)
    assert len(history) > 20


@pytest.mark.parametrize("script, holds", [("no fault", True), ("even split", False)])
def test_a_set_that_merges_is_judged_as_a_set(board, script, holds):
    board.reset()
    board.set(second="Riak", other="set", script=script)
    assert board.error is None
    assert observed("Riak", "set", script)[1].ok is holds


@pytest.mark.parametrize("wrong", [{"first": "Oracle"}, {"option": "ONE"}, {"script": "flood"}])
def test_a_wrong_setting_is_refused_and_nothing_moves(board, wrong):
    board.reset()
    before = board.settings
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} must be one of"):
        board.set(**wrong)
    assert board.settings == before


def stories(board):
    return board._stories


def test_each_story_changes_picture_and_reading_and_reset_brings_them_back(board):
    board.reset()
    start = board.reading, png(board)
    told = set()
    for name, button in stories(board).items():
        button.click()
        assert board.error is None
        told.add(board.reading)
        assert (name == "Reset") == ((board.reading, png(board)) == start)
    assert len(told) == len(stories(board))
    board.reset()
    assert (board.reading, png(board)) == start


def test_the_stories_show_what_the_lesson_says(board):
    board.reset()
    strong = observed("DynamoDB", "strong reads", "minority cut off")[2]
    weak = observed("DynamoDB", "default reads", "minority cut off")[2]
    assert strong.stale == 0 < weak.stale
    assert strong.cut_off == 0 < weak.cut_off < 1
    for name, option in (("MongoDB", "w: 1, local"), ("relational", "asynchronous, failover")):
        assert observed(name, option, "leader cut off")[2].lost > 0
    sides = [
        observed("Dynamo", option, "even split")[2].cut_off
        for option in ("sloppy quorum", "strict quorum")
    ]
    assert sides == [1, 0]
    assert observed("Cassandra", "QUORUM", "clock 500 ms ahead")[2].lost
    assert not observed("Riak", "siblings", "clock 500 ms ahead")[2].lost


def test_what_is_drawn_in_place_equals_a_full_drawing(board):
    board.reset()
    board.set(first="Riak", option="siblings", script="even split")
    in_place = np.asarray(Image.open(io.BytesIO(png(board))))
    for artist in board._canvas.figure.findobj(lambda artist: artist.get_animated()):
        artist.set_animated(False)
    board._canvas.draw()
    assert np.array_equal(in_place, np.asarray(board._canvas.buffer_rgba())[..., :3])


def test_every_control_has_a_name_and_says_what_it_means(board):
    for control in controls(board).values():
        assert control.description
        assert control.tooltip
    assert board._sentence.text == board.reading
    assert not [each for each in board.children if isinstance(each, widgets.Output)]


# The plane.


def test_the_plane_says_where_each_configuration_stands():
    ax = plots.plane(TABLE)
    lines = repr(ax).splitlines()
    assert len(lines) == 3
    for number, (line, row) in enumerate(zip(lines, TABLE, strict=True), 1):
        assert line.startswith(f"{number} {row.system}, {row.options}, even split: ")
        assert f"{row.answered:.2f} answered, {row.fresh:.2f} fresh" in line


def test_each_point_stands_where_it_was_measured():
    ax = plots.plane(TABLE)
    points = {tuple(np.concatenate(line.get_data())) for line in ax.lines if len(line.get_xdata())}
    assert {(row.fresh, row.answered) for row in TABLE} <= points


def test_points_that_coincide_share_a_list_of_numbers():
    ax = plots.plane([*TABLE, *TABLE])
    words = [text.get_text() for text in ax.texts]
    assert any("," in text and text.replace(", ", "").isdigit() for text in words)
    listed = [n for text in words if text.replace(", ", "").isdigit() for n in text.split(", ")]
    assert sorted(listed) == list("123456")


def test_the_plane_draws_on_the_axes_that_it_is_given():
    ax = Figure().add_subplot()
    assert plots.plane(TABLE, ax=ax) is ax


@pytest.mark.parametrize("rows", [[], list(TABLE) * 5])
def test_too_few_or_too_many_rows_are_refused(rows):
    with pytest.raises(ValueError, match=f"rows must be 1 to 14, got {len(rows)}"):
        plots.plane(rows)
