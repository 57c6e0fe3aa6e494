"""Dashboards: at every place of every control a picture and a reading that agree, and no error."""

import base64
import io
import itertools
import math
import re
from functools import partial

import ipywidgets as widgets
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image
from support import oracle
from support.boards import ALONE

from capkit import dashboards, tradeoff
from capkit.consistency import linearizable, stale, summary
from capkit.dashboards.dashboard import Dashboard, slider
from capkit.dashboards.sentence import Sentence
from capkit.history import History, Operation
from capkit.network import Network, Partition
from capkit.plots import classroom, drawing
from capkit.plots.lettering import Words
from capkit.stores import APStore, CAStore, CPStore, Node
from capkit.workload import Workload, run

OF_THEIR_OWN = (
    "pacelc",
    "staleness",
    "system",
)  # too many modes: see their own files
MAKERS = {name: make for name, make in ALONE.items() if name not in OF_THEIR_OWN}
HEIGHTS = {
    "adversary": 460,
    "failure": 500,
    "harvest": 500,
    "interval": 290,
    "retries": 500,
    "tradeoff": 490,
}


def inside(widget, kind):
    """All widgets of a kind in a widget, itself included."""
    found = [widget] if isinstance(widget, kind) else []
    return found + [
        each for child in getattr(widget, "children", ()) for each in inside(child, kind)
    ]


def controls(board):
    return board._controls


def buttons(board):
    return {button.description: button for button in inside(board, widgets.Button)}


def is_mode(control):
    return hasattr(control, "options")


def places(control):
    """Both ends and the middle of a slider, or all options."""
    if is_mode(control):
        return list(control.options)
    middle = (control.min + control.max) / 2
    return [control.min, type(control.value)(middle), control.max]


def png(board):
    [image] = inside(board, widgets.Image)
    return image.value


def pixels(board):
    return np.asarray(Image.open(io.BytesIO(png(board))))


def shown_text(board):
    """The sentence below the picture, as the browser shows it."""
    [sentence] = inside(board, Sentence)
    return sentence.text


def picture_says(board):
    return " ".join(panel.reading for panel in board._canvas.figure.axes)


def modes(board):
    """The settings of every combination of modes."""
    names = [name for name, control in controls(board).items() if is_mode(control)]
    options = [controls(board)[name].options for name in names]
    return [dict(zip(names, each, strict=True)) for each in itertools.product(*options)]


BOARDS = {name: make() for name, make in MAKERS.items()}
COMBINATIONS = [(name, mode) for name, board in BOARDS.items() for mode in modes(board)]


def ready(name):
    """A dashboard as it is at the start; making a new one for each test would take a minute."""
    BOARDS[name].reset()
    return BOARDS[name]


each_dashboard = pytest.mark.parametrize("name", MAKERS)
each_combination = pytest.mark.parametrize(
    "name, mode", COMBINATIONS, ids=lambda item: item if isinstance(item, str) else str(item)
)


def assert_sound(name, board):
    """It shows a picture of the right size and a sentence, and nothing went wrong."""
    assert board.error is None
    image = Image.open(io.BytesIO(png(board)))
    assert image.format == "PNG"
    assert image.size == (900, HEIGHTS.get(name, 540))
    assert np.all(np.asarray(image)[:, [0, -1]] == 255), "something is cut off at a side"
    assert board.reading.endswith(".")
    assert "nan" not in board.reading
    assert repr(board) == board.reading == shown_text(board)


@each_combination
def test_every_place_of_every_control_gives_a_picture_and_a_reading(name, mode):
    board = ready(name)
    sliders = {key: each for key, each in controls(board).items() if not is_mode(each)}
    for key, control in sliders.items():
        board.reset()
        board.set(**mode)
        drawn = []
        for place in places(control):
            board.set(**{key: place})
            assert_sound(name, board)
            drawn.append(png(board))
        assert drawn[0] != drawn[-1], f"{key} changes nothing"


@pytest.mark.parametrize("name", ["failure", "interval", "quorum", "tradeoff"])
def test_all_ends_of_all_controls_go_together(name):
    board = ready(name)
    spots = [
        places(each) if is_mode(each) else places(each)[::2] for each in controls(board).values()
    ]
    for values in itertools.product(*spots):
        for control, value in zip(controls(board).values(), values, strict=True):
            control.value = value  # as a hand does, one after the other
        assert_sound(name, board)


@pytest.mark.parametrize("loss", [0.0, 1.0])
@pytest.mark.parametrize("begins, lasts", [(0, 50), (0, 2_000), (2_000, 50)])
@pytest.mark.parametrize("store", ["CA: block", "CA: failover", "CP", "AP"])
def test_the_ends_of_a_cut_and_of_loss_go_together(store, begins, lasts, loss):
    board = ready("partition")
    board.set(store=store, begins=begins, lasts=lasts, left=1, loss=loss)
    assert_sound("partition", board)


@each_combination
def test_what_is_drawn_in_place_equals_a_full_drawing(name, mode):
    board = ready(name)
    board.set(**mode)
    start, first = board.settings, pixels(board)
    for end in (0, -1):
        board.set(**{key: places(c)[end] for key, c in controls(board).items() if not is_mode(c)})
        in_place, figure = pixels(board), board._canvas.figure
        for artist in figure.findobj(lambda artist: artist.get_animated()):
            artist.set_animated(False)
        board._canvas.draw()
        assert np.array_equal(in_place, np.asarray(board._canvas.buffer_rgba())[..., :3])
        assert np.array_equal(in_place, first) == (board.settings == start)


# What the reading says is what the model and the picture say.


def three_digits(rates):
    return [f"{value:.3f}" for value in (rates.put_ok, rates.get_ok, rates.fresh)]


@pytest.mark.parametrize("n", [1, 2, 3, 15])
@pytest.mark.parametrize("loss", [0.0, 0.2, 0.99])
def test_failure_prints_the_exact_rates_of_the_thirty_line_store(n, loss):
    board = ready("failure")
    board.set(nodes=n, loss=loss)
    exact = three_digits(tradeoff.exact(n, 1, n // 2 + 1, loss))
    assert re.findall(r"\d\.\d{3}", board.reading) == exact
    assert re.findall(r"\d\.\d{3}", picture_says(board)) == exact


@pytest.mark.parametrize("n, r, w", [(1, 1, 1), (3, 1, 2), (3, 2, 2), (5, 1, 5), (15, 7, 8)])
@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_quorum_says_whether_quorums_meet_and_prints_the_exact_rates(n, r, w, loss):
    board = ready("quorum")
    board.set(n=n, r=r, w=w, loss=loss)
    exact = three_digits(tradeoff.exact(n, r, w, loss))
    assert re.findall(r"\d\.\d{3}", board.reading) == exact
    assert re.findall(r"\d\.\d{3}", picture_says(board)) == exact
    for text in (board.reading, picture_says(board)):
        assert ("every read meets every write" in text.lower()) == (r + w > n)
        assert ("a read can miss a write" in text.lower()) == (r + w <= n)


@pytest.mark.parametrize("make", [dashboards.failure, dashboards.quorum])
def test_where_nothing_is_answered_nothing_is_called_fresh(make):
    board = ready(make.__name__)
    board.set(loss=1.0)
    assert "nothing is left to be fresh" in board.reading


@pytest.mark.parametrize("counted", ["the worse side", "all clients"])
@pytest.mark.parametrize("n, share, side", [(2, 0.1, 1), (5, 0.4, 2), (15, 0.5, 8)])
@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_tradeoff_prints_where_the_exact_rates_put_each_store(counted, n, share, side, loss):
    board = ready("tradeoff")
    board.set(counted=counted, nodes=n, share=share, loss=loss)
    whole, cut = board.reading.split("Cable cut, ")
    assert cut.startswith(f"{side} | {n - side} nodes")
    rule = tradeoff.worse_side if counted == "the worse side" else tradeoff.during_cut
    for store, quorum in {"CP": n // 2 + 1, "AP": 1}.items():
        said = [(whole, tradeoff.exact(n, quorum, quorum, loss))]
        said += [(cut, rule(n, quorum, quorum, loss, side=side))]
        for half, found in said:
            never = np.isnan(found.fresh)
            fresh = "nothing to be stale" if never else f"{found.fresh:.2f} fresh"
            assert re.search(rf"{store}[\w, :]* {found.availability:.2f} answered, {fresh}", half)


def replay(store, cut, lasts, left, loss):
    """The run that the partition dashboard should show."""
    make = {
        "CA: block": partial(CAStore, on_partition="block"),
        "CA: failover": partial(CAStore, on_partition="failover"),
        "CP": CPStore,
        "AP": APStore,
    }[store]
    faults = [Partition(at=cut, until=cut + lasts, groups=[range(left)])]
    made = make([Node(i) for i in range(5)], Network(loss=loss, rng=7))
    return run(made, Workload(clients=5, rate=3, rng=7), faults if lasts else [])


def dots(board, label):
    """How many points a picture shows under one meaning."""
    lines = board._canvas.figure.axes[0].get_lines()
    return sum(len(line.get_xdata()) for line in lines if line.get_label() == label)


def has_rings(board):
    return any(a.get_label() == "contradiction" for a in board._canvas.figure.findobj())


@pytest.mark.parametrize("store", ["CA: block", "CA: failover", "CP", "AP"])
@pytest.mark.parametrize(
    "cut, lasts, left, loss", [(500, 1_000, 2, 0.0), (0, 0, 2, 0.2), (700, 600, 1, 0.1)]
)
def test_partition_gives_the_verdict_on_the_run_that_it_shows(store, cut, lasts, left, loss):
    board = ready("partition")
    board.set(store=store, begins=cut, lasts=lasts, left=left, loss=loss)
    history = replay(store, cut, lasts, left, loss)
    verdict = linearizable(history)
    assert board.reading.startswith(store)
    assert board.reading.endswith(f"{summary(history)}.")
    assert ("not linearizable" in board.reading) == (verdict.ok is False) == has_rings(board)
    assert dots(board, "stale") == np.count_nonzero(stale(history) >= 0)
    assert dots(board, "takes effect") == 0  # the dashboard is met before lesson 02 explains them


def test_partition_shows_what_the_lessons_are_about():
    """CA blocks or splits, CP refuses the smaller side, AP answers all; only the first and CP are
    linearizable."""
    board, sides, verdicts = ready("partition"), {}, {}
    for store in controls(board)["store"].options:
        board.set(store=store)
        sides[store] = [int(share) for share in re.findall(r"answer (\d+) %", board.reading)]
        verdicts[store] = "not linearizable" not in board.reading
    assert sides["AP"] == [100, 100]
    assert sides["CP"][0] < 50 < sides["CP"][1] == 100
    assert max(sides["CA: block"]) < 100
    assert verdicts == {"CA: block": True, "CA: failover": False, "CP": True, "AP": False}


def test_where_nobody_asks_during_the_cut_no_share_is_given():
    board = ready("partition")
    board.set(begins=2_000, left=1)
    assert "nobody asks node 0 and nobody asks nodes 1, 2, 3, 4" in board.reading


@pytest.mark.parametrize("begins", range(0, 501, 100))
@pytest.mark.parametrize("returns", ["1", "2", "nothing"])
def test_interval_gives_the_verdict_of_brute_force(begins, returns):
    board = ready("interval")
    board.set(begins=begins, returns=returns)
    made = partial(Operation, key="x")
    value = None if returns == "nothing" else int(returns)
    right = oracle.linearizable(
        History(
            [
                made(kind="put", value=1, invoked=20, completed=120, client=0),
                made(kind="put", value=2, invoked=200, completed=460, client=0),
                made(kind="get", value=2, invoked=280, completed=360, client=1),
                made(kind="get", value=value, invoked=begins, completed=begins + 60, client=2),
            ]
        )
    )
    assert ("not linearizable" not in board.reading) == right
    assert has_rings(board) == (not right)
    assert f"from {begins} to {begins + 60} ms" in board.reading


# Buttons.


@each_dashboard
def test_reset_brings_everything_back(name):
    board = ready(name)
    before = board.settings, board.reading, png(board)
    for key, control in controls(board).items():
        controls(board)[key].value = places(control)[-1]
    assert board.settings != before[0]
    buttons(board)["Reset"].click()
    assert (board.settings, board.reading, png(board)) == before


STORIES = [
    (name, story) for name, board in BOARDS.items() for story in buttons(board) if story != "Reset"
]


@pytest.mark.parametrize("name, story", STORIES)
def test_a_story_tells_the_same_from_wherever_it_begins(name, story):
    told = []
    board, kept = ready(name), {"store": "AP"} if name == "partition" else {}
    far = {key: places(each)[-1] for key, each in controls(board).items()}
    for begin in (board.settings, far):
        board.set(**begin | kept)
        buttons(board)[story].click()
        assert_sound(name, board)
        told.append((board.settings, board.reading, png(board)))
    assert told[0] == told[1]
    assert told[0][0] | kept == told[0][0]


@each_dashboard
def test_each_dashboard_has_reset_and_at_least_two_stories_that_differ(name):
    board = ready(name)
    names = list(buttons(board))
    assert names[0] == "Reset"
    assert len(names) >= 3
    told = []
    for button in buttons(board).values():
        button.click()
        told.append(board.reading)
    assert len(set(told)) >= 3


# Settings from code.


@each_dashboard
def test_an_unknown_setting_is_refused_by_name(name):
    board = ready(name)
    before = board.settings, png(board)
    first, value = next(iter((key, places(each)[-1]) for key, each in controls(board).items()))
    with pytest.raises(ValueError, match=rf"settings must be among \['{first}'.*\], got 'los'"):
        board.set(**{first: value, "los": 0.3})
    assert (board.settings, png(board)) == before


WRONG = [
    (name, key, wrong)
    for name, board in BOARDS.items()
    for key, each in controls(board).items()
    for wrong in (
        ["XX", None, 0.5]
        if is_mode(each)
        else [each.min - 1, each.max + 1, math.nan, math.inf, "many", None]
        + [each.min + 0.5] * isinstance(each, widgets.IntSlider)
    )
]


@pytest.mark.parametrize("name, key, wrong", WRONG)
def test_a_value_that_a_control_cannot_take_is_refused_and_nothing_moves(name, key, wrong):
    board = ready(name)
    before, images = board.settings, seen(board)
    other, control = [(k, c) for k, c in controls(board).items() if k != key][-1]
    control_range = re.escape(rule(controls(board)[key]))
    with pytest.raises(ValueError, match=f"^{key} must be {control_range}, got {wrong!r}$"):
        board.set(**{other: places(control)[-1], key: wrong})
    assert board.settings == before
    assert images == []
    assert board.error is None


def rule(control):
    if is_mode(control):
        return f"one of {list(control.options)}"
    return f"in [{control.min}, {control.max}]"


def seen(board):
    """A list to which every later picture is added."""
    [image] = inside(board, widgets.Image)
    pictures = []
    image.observe(lambda change: pictures.append(change.new), "value")
    return pictures


@pytest.mark.parametrize(
    "make, settings",
    [
        (dashboards.failure, {"loss": 0.5, "nodes": 7}),
        (dashboards.partition, {"store": "CP", "begins": 800, "left": 4}),
        (dashboards.quorum, {"r": 9, "w": 8, "n": 15}),
        (dashboards.tradeoff, {"share": 0.5, "nodes": 10, "counted": "all clients"}),
    ],
)
def test_settings_move_together_in_any_order_and_are_drawn_once(make, settings):
    board = ready(make.__name__)
    pictures = seen(board)
    for number, order in enumerate([list(settings), list(reversed(settings))]):
        board.reset()
        board.set(**{key: settings[key] for key in order})
        assert board.settings | settings == board.settings
        assert len(pictures) == 2 * number + 1


@pytest.mark.parametrize("name", ALONE)
def test_settings_given_at_once_are_where_a_dashboard_begins_and_reset_ends(name):
    first = ALONE[name]()
    ends = {key: places(control)[-1] for key, control in controls(first).items()}
    begun = {}
    for key, end in ends.items():  # one after the other: of each kind only a few live
        board = ALONE[name](**{key: end})
        begun[key] = board.settings, board.reading, png(board)
        board.tell(list(board.stories)[-1])
        board.reset()
        assert (board.settings, board.reading, png(board)) == begun[key]
        assert board.start == board.settings
    usual = ALONE[name]()
    for key, end in ends.items():
        usual.reset()
        usual.set(**{key: end})
        assert (usual.settings, usual.reading, png(usual)) == begun[key]


def test_a_story_tells_the_same_wherever_the_dashboard_begins():
    usual, board = dashboards.quorum(), dashboards.quorum(n=15, r=8, w=8)
    for each in (usual, board):
        each.tell("the thirty-line store")
    assert (usual.settings, usual.reading) == (board.settings, board.reading)


@pytest.mark.parametrize("name", ALONE)
def test_a_wrong_setting_given_at_once_is_named(name):
    with pytest.raises(ValueError, match=r"^settings must be among \['.* got 'colour'$"):
        ALONE[name](colour="red")
    key = next(iter(controls(ALONE[name]())))
    with pytest.raises(ValueError, match=f"^{key} must be (one of|in) .* got 'red'$"):
        ALONE[name](**{key: "red"})


def test_quorums_follow_the_number_of_replicas():
    board = ready("quorum")
    board.set(n=9, r=9, w=7)
    controls(board)["n"].value = 4
    assert board.settings == {"n": 4, "r": 4, "w": 4, "loss": 0.2}
    assert board.reading.startswith("N=4, R=4, W=4")
    with pytest.raises(ValueError, match=r"r must be in \[1, 4\], got 5"):
        board.set(r=5)


def test_the_setting_that_is_wrong_is_named_even_if_others_depend_on_it():
    board = ready("quorum")
    with pytest.raises(ValueError, match=r"^n must be in \[1, 15\], got 0$"):
        board.set(r=3, n=0)
    assert board.settings == {"n": 3, "r": 1, "w": 2, "loss": 0.2}


@pytest.mark.parametrize("nodes", range(2, 16))
def test_more_nodes_bring_no_store_back_to_the_corner(nodes):
    board = ready("tradeoff")
    board.set(nodes=nodes)
    assert "CA, CP, AP 1.00 answered, 1.00 fresh" in board.reading
    _, cut = board.reading.split("Cable cut, ")
    assert re.search(r"CP 0\.00 answered", cut) or "CA: block, CP 0.00 answered" in cut
    assert re.search(r"CA: failover, AP 1\.00 answered, 0\.[45]\d fresh", cut)


# Drawing, and errors in it.


def counting(draw_what=lambda n: None):
    """A small dashboard, and the settings that it was asked to draw."""
    [panel] = drawing.panels()
    words = panel.text(0.5, 0.5, "")
    asked = []

    def draw(settings):
        asked.append(settings["n"])
        draw_what(settings["n"])
        words.set_text(str(settings["n"]))
        return [words], f"n is {settings['n']}."

    board = Dashboard(panel.figure, {"n": slider("n", 1, 0, 9, 1, "a number")}, draw, {})
    return board, asked


def test_a_control_that_is_set_to_its_value_draws_nothing():
    board, asked = counting()
    board.set(n=4)
    controls(board)["n"].value = 4
    board.set(n=4)
    board.set()
    assert asked == [1, 4]
    board.reset()
    board.reset()
    assert asked == [1, 4, 1]


def fail_at_three(n):
    if n == 3:
        raise ZeroDivisionError("3 < 4 & more")


def test_an_error_while_drawing_is_shown_and_the_next_change_recovers():
    board, asked = counting(fail_at_three)
    board.set(n=2)
    before = png(board)
    board.set(n=3)
    assert isinstance(board.error, ZeroDivisionError)
    assert board.reading == repr(board) == "ZeroDivisionError: 3 < 4 & more"
    assert shown_text(board) == board.reading
    assert inside(board, Sentence)[0].wrong
    assert png(board) == before
    board.set(n=2)
    assert (board.error, board.reading, shown_text(board)) == (None, "n is 2.", "n is 2.")
    assert not inside(board, Sentence)[0].wrong
    assert png(board) == before
    assert asked == [1, 2, 3, 2]


def test_an_error_at_the_start_is_shown_too():
    board, _ = counting(lambda n: fail_at_three(n + 2))
    assert board.reading == "ZeroDivisionError: 3 < 4 & more"
    board.set(n=5)
    assert board.error is None
    assert pixels(board).shape == (500, 900, 3)


def test_an_error_of_a_real_dashboard_leaves_nothing_behind(monkeypatch):
    board, fine = dashboards.interval(), dashboards.interval()
    with monkeypatch.context() as broken:
        broken.setattr("capkit.dashboards.interval_dashboard.linearizable", lambda history: 1 / 0)
        board.set(begins=10)
    assert "ZeroDivisionError" in shown_text(board)
    board.set(begins=20)
    fine.set(begins=20)
    assert (board.reading, png(board)) == (fine.reading, png(fine))


# A large room.


def labels(board):
    """All that is written in a picture."""
    found = board._canvas.figure.findobj(lambda each: isinstance(each, Words | Text))
    words = [word for each in found if isinstance(each, Words) for _, _, word in each.words]
    texts = [each for each in found if isinstance(each, Text) and each.get_visible()]
    return sorted([*words, *(each.get_text() for each in texts)])


@pytest.mark.parametrize("name", ALONE)
def test_in_a_classroom_the_picture_is_larger_and_loses_no_label(name):
    usual = ALONE[name]()
    classroom()
    try:
        board = ALONE[name]()
    finally:
        classroom(False)
    sizes = [np.array(Image.open(io.BytesIO(png(each))).size) for each in (usual, board)]
    assert np.allclose(sizes[1], 1.2 * sizes[0], atol=1)
    for story in board.stories:
        for each in (usual, board):
            each.tell(story)
            assert each.error is None
        assert len(labels(usual)) > 8
        assert labels(board) == labels(usual)


# What a reader without a kernel, or without a mouse, has.


@each_dashboard
def test_without_a_kernel_there_are_the_picture_and_the_reading(name):
    board = ready(name)
    bundle, metadata = board._repr_mimebundle_()
    assert bundle["text/plain"] == board.reading
    assert metadata["image/png"]["alt"] == board.reading
    still = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))))
    width, height = 900, HEIGHTS.get(name, 540)
    assert np.array_equal(still[:height], pixels(board))
    assert still.shape[1] == width
    assert 40 < still.shape[0] - height < 165  # the sentence: one to five lines
    below = still[height:, 20:]
    assert (below < 100).any()  # there is ink
    assert (below[:, -12:] > 250).all()  # and no line runs over the edge
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_a_notebook_to_be_committed_holds_no_live_dashboard(monkeypatch):
    monkeypatch.setenv("CAPKIT_STILL", "1")
    bundle, _ = ready("failure")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}


@each_dashboard
def test_the_examples_of_a_dashboard_open_in_the_same_state_twice(name):
    first, second = MAKERS[name](), ready(name)
    assert (first.reading, png(first)) == (second.reading, png(second))


@each_dashboard
def test_no_output_widget_flickers_in_it(name):
    assert inside(ready(name), widgets.Output) == []


@each_dashboard
def test_every_control_has_a_name_and_says_what_it_means(name):
    for key, control in controls(ready(name)).items():
        assert control.description, key
        assert control.tooltip, key
        if isinstance(control, widgets.FloatSlider | widgets.IntSlider):
            assert control.continuous_update


@each_dashboard
def test_every_button_has_a_name_of_its_own_and_the_reading_is_announced(name):
    board = ready(name)
    found = inside(board, widgets.Button)
    assert all(button.description.strip() for button in found)
    assert len({button.description for button in found}) == len(found)
    assert shown_text(board) == board.reading  # in a Sentence, which the browser tests hear


@each_dashboard
def test_the_picture_never_changes_its_size_on_the_page(name):
    board = ready(name)
    [image] = inside(board, widgets.Image)
    width, height = 900, HEIGHTS.get(name, 540)
    assert (image.layout.width, image.layout.height) == (f"{width}px", f"{height}px")
