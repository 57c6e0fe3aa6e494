"""Pictures: what is drawn where, in words as well as in colour, and nothing global is touched."""

import io
import math
import re
import subprocess
import sys
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from PIL import Image

from capkit import plots, tradeoff
from capkit.consistency import linearizable, stale
from capkit.dashboards.film import scene
from capkit.history import Copy, History, Message, Note, Operation, Outcome, Siblings
from capkit.network import Crash, Partition
from capkit.plots import LOOKS, timeline_picture
from capkit.plots.drawing import _TINTS, spread, tint
from capkit.plots.layout import lanes_of
from capkit.plots.lettering import INK, PAPER, Words, text_width

OK, FAIL, UNKNOWN = Outcome


def operation(kind, value, invoked, completed, client=0, outcome=OK, **more):
    times = {"invoked": invoked, "completed": completed}
    return Operation(
        kind=kind, **{"key": "x"} | more, value=value, client=client, outcome=outcome, **times
    )


PUTS = [operation("put", 1, 0, 100), operation("put", 2, 200, 300, node=1)]
STALE = History(
    [*PUTS, operation("get", 1, 400, 500, client=1), operation("get", 2, 600, 700, client=2)]
)
FRESH = History([*PUTS, operation("get", 2, 400, 500, client=1)])
MIXED = History(
    [
        operation("put", 7, 0, 200, client=3, outcome=FAIL, node=2),
        operation("put", 8, 100, 400, client=3, outcome=UNKNOWN, node=2),
        operation("put", 9, 500, 900, client=0),
        operation("get", None, 950, math.inf, client=0, outcome=UNKNOWN),
        operation("get", None, 1000, 1010, client=1),
    ],
    faults=[
        Partition(at=100, until=600, groups=[{0}, {1, 2}]),
        Crash(at=300, until=500, node=2),
    ],
    copies=[
        Copy(at=0, node=0, key="x", values=(1,)),
        Copy(at=100, node=0, key="x", values=(8, 9)),
        Copy(at=0, node=1, key="x", values=(1,)),
        Copy(at=700, node=1, key="x", values=()),
    ],
)


def drawn(ax, label):
    """The artists with a label."""
    return [artist for artist in ax.get_children() if artist.get_label() == label]


def boxes(ax, label):
    """Left, right, top and bottom of each bar with a label."""
    corners = [path.vertices for one in drawn(ax, label) for path in one.get_paths()]
    return [(*np.sort(c[:, 0])[[0, -1]], *np.sort(c[:, 1])[[0, -1]]) for c in corners]


def words(ax, label="words"):
    return [text for one in drawn(ax, label) for _, _, text in one.words]


def where(ax, text):
    """Where a text begins: time and lane."""
    return next((x, y) for one in drawn(ax, "words") for x, y, said in one.words if said == text)


def dots(ax, label):
    return [tuple(point) for line in drawn(ax, label) for point in line.get_xydata()]


def pixels(ax):
    return np.asarray(Image.open(io.BytesIO(ax._repr_png_()[0])).convert("RGB"), dtype=int)


EVERY = {
    "timeline": lambda ax=None: plots.timeline(MIXED, ax=ax),
    "rates": lambda ax=None: plots.rates(3, 1, 2, 0.2, ax=ax),
    "quorums": lambda ax=None: plots.quorums(3, 2, 2, ax=ax),
}
every = pytest.mark.parametrize("draw", EVERY.values(), ids=EVERY)


@every
def test_a_picture_is_drawn_on_the_axes_given_and_returns_them(draw):
    ax = Figure().add_subplot()
    assert draw(ax) is ax
    assert len(ax.get_children()) > len(Figure().add_subplot().get_children())


@every
def test_a_new_picture_shows_itself_900_pixels_wide_with_words_for_those_who_cannot_see(draw):
    ax = draw()
    png, metadata = ax._repr_png_()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert pixels(ax).shape == (500, 900, 3)
    assert metadata["alt"] == repr(ax) != "an empty picture"
    assert " object at 0x" not in repr(ax)


@every
def test_nothing_is_cut_off_at_the_edge_of_the_picture(draw):
    image = pixels(draw())
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert (edge == 255).all()


@every
def test_a_picture_leaves_the_settings_of_matplotlib_alone(draw):
    before = dict(mpl.rcParams)
    draw()._repr_png_()
    assert dict(mpl.rcParams) == before


def test_no_picture_imports_pyplot():
    code = (
        "import sys; from capkit import plots; from capkit.history import History;"
        "plots.timeline(History())._repr_png_(); plots.rates()._repr_png_();"
        "plots.tradeoff(); plots.quorums(); print('matplotlib.pyplot' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_the_legend_names_what_is_there_and_nothing_else():
    [found] = [one for one in plots.timeline(STALE).get_children() if isinstance(one, Legend)]
    assert [text.get_text() for text in found.get_texts()] == ["put OK", "get OK", "stale"]


def test_panels_on_one_figure_speak_together():
    left, right = plots.panels(2)
    plots.quorums(3, 2, 2, ax=left)
    assert repr(right).splitlines() == [left.reading, "an empty picture"]


@pytest.mark.parametrize("history", [MIXED, STALE, FRESH], ids=["mixed", "stale", "fresh"])
def test_each_operation_is_one_bar_of_its_outcome(history):
    ax = plots.timeline(history)
    for outcome in Outcome:
        asked = [one for one in history if one.outcome is outcome]
        lefts = [left for left, *_ in boxes(ax, outcome.value)]
        assert lefts == [one.invoked for one in asked]


def test_bars_end_when_their_operations_do():
    assert [(left, right) for left, right, *_ in boxes(plots.timeline(STALE), "OK")] == [
        (0, 100), (200, 300), (400, 500), (600, 700),
    ]  # fmt: skip


def test_failed_bars_are_hatched_and_unknown_ones_are_open_dashed_and_fade():
    ax = plots.timeline(MIXED)
    [ok], [fail], [unknown] = (drawn(ax, outcome.value) for outcome in Outcome)
    assert fail.get_hatch()
    assert not ok.get_hatch()
    assert unknown.get_linestyle() != ok.get_linestyle()
    codes = [len(path.vertices) for path in unknown.get_paths()]
    assert codes == [4, 4]  # a closed bar has five corners, the last one being the first
    fades = boxes(ax, "may still happen")
    assert fades[0][0] == 400
    alphas = [face[3] for face in drawn(ax, "may still happen")[0].get_facecolors()[:7]]
    assert alphas == sorted(alphas, reverse=True)


def test_puts_are_darker_than_gets():
    [bars] = drawn(plots.timeline(FRESH), "OK")
    put, _, get = (sum(face[:3]) for face in bars.get_facecolors())
    assert put < get


def test_an_instant_answer_can_still_be_seen():
    ax = plots.timeline(History([operation("put", 1, 10, 10), operation("put", 2, 1000, 1010)]))
    left, right, *_ = boxes(ax, "OK")[0]
    assert (right - left) / np.ptp(ax.get_xlim()) * ax.bbox.width == pytest.approx(4)


def test_clients_are_rows_in_order_and_copies_stand_below_them():
    ax = plots.timeline(MIXED)
    [rows] = drawn(ax, "rows")
    assert [text for _, _, text in rows.words] == [
        "client 0", "client 1", "client 3 at node 2", "copy at node 0", "copy at node 1",
    ]  # fmt: skip
    heights = [y for _, y, _ in rows.words]
    assert heights == sorted(heights)


def test_a_client_that_talks_to_several_nodes_is_named_without_one():
    assert words(plots.timeline(STALE), "rows")[0] == "client 0"


def test_operations_of_one_client_that_overlap_do_not_cover_each_other():
    ax = plots.timeline(MIXED)
    [(_, _, top, bottom)], [(*_, other, _), _] = boxes(ax, "FAIL"), boxes(ax, "UNKNOWN")
    assert top < bottom < other


def test_lanes_are_reused_as_soon_as_they_are_free():
    assert lanes_of([0, 1, 2, 3], [2, 9, 3, 4]) == [0, 1, 0, 0]


def test_operations_are_named_where_there_is_room():
    said = words(plots.timeline(MIXED))
    assert {"put 7", "put 8", "put 9"} <= set(said)


def test_names_shrink_with_the_room_and_never_overlap():
    crowd = [operation("put", i, 20 * i, 20 * i + 5) for i in range(60)]
    ax = plots.timeline(History(crowd))
    [letters] = drawn(ax, "words")
    size = letters.size
    per_pixel = np.ptp(ax.get_xlim()) / ax.bbox.width
    spans = sorted((x, x + text_width(text, size) * per_pixel) for x, _, text in letters.words)
    assert len(spans) < 60
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


@pytest.mark.parametrize(
    "value, said",
    [
        (None, "get none"),
        (Siblings((3, 4)), "get 3 | 4"),
        ("a shopping list", "get a shoppi…"),
        ("$5$", "get $5$"),
        ("two\nlines", "get two lines"),
    ],
)
def test_a_get_is_named_after_what_it_returned(value, said):
    ax = plots.timeline(History([operation("get", value, 0, 100)]))
    ax._repr_png_()
    assert words(ax) == [said]


def test_a_value_between_dollars_is_no_formula():
    assert text_width("$5$", 20) > 2 * text_width("5", 20)


def test_a_get_without_an_answer_has_no_value():
    ax = plots.timeline(History([operation("get", None, 0, 100, outcome=FAIL)]))
    assert words(ax) == ["get"]


def test_a_stale_get_is_marked_and_linked_with_the_put_that_it_missed():
    ax = plots.timeline(STALE)
    assert stale(STALE).tolist() == [-1, -1, 1, -1]
    [(time, _)] = dots(ax, "stale")
    assert time == 500
    [link] = drawn(ax, "missed")
    [[start, end]] = link.get_segments()
    assert (start[0], end[0]) == (300, 400)


def test_a_fresh_history_has_no_mark_of_staleness():
    ax = plots.timeline(FRESH)
    assert drawn(ax, "stale") == drawn(ax, "missed") == []


def test_a_verdict_shows_when_each_operation_takes_effect():
    verdict = linearizable(FRESH)
    points = dots(plots.timeline(FRESH, verdict), "takes effect")
    assert [time for time, _ in points] == [0, 200, 400]
    assert dots(plots.timeline(FRESH), "takes effect") == []


def test_linearization_points_lie_in_their_bars_and_in_the_order_of_the_verdict():
    history = History(
        [
            operation("put", 1, 0, 100),
            operation("put", 2, 10, 90, client=1),
            operation("get", 1, 20, 80, client=2),
        ]
    )
    verdict = linearizable(history)
    times = [time for time, _ in dots(plots.timeline(history, verdict), "takes effect")]
    assert times == sorted(times)
    for row, time in zip(verdict.order, times, strict=True):
        assert history.invoked[row] <= time <= history.completed[row]


def test_the_operations_that_contradict_each_other_are_ringed():
    verdict = linearizable(STALE)
    ax = plots.timeline(STALE, verdict)
    rings = boxes(ax, "contradiction")
    assert len(rings) == len(verdict.witness) > 1
    for (left, right, *_), row in zip(rings, verdict.witness, strict=True):
        assert left < STALE.invoked[row] < STALE.completed[row] < right
    assert boxes(plots.timeline(FRESH, linearizable(FRESH)), "contradiction") == []


@pytest.mark.parametrize("duration", [300, 3_000], ids=["room", "no room"])
def test_a_ringed_operation_carries_the_number_by_which_the_reason_names_it(duration):
    verdict = linearizable(STALE)
    picture = timeline_picture.TimelinePicture(plots.panels()[0])
    picture.update(STALE, verdict, span=(0, duration))
    said = [word.split()[0] for _, _, word in picture.words if word.startswith("#")]
    assert sorted(said) == sorted(f"#{row}" for row in verdict.witness)
    assert set(re.findall(r"#\d+", verdict.reason)) <= set(said)


def test_one_operation_can_be_highlighted():
    [(left, right, *_)] = boxes(plots.timeline(STALE, highlight=3), "highlight")
    assert left < 600 < 700 < right


def test_faults_are_bands_from_their_beginning_to_their_end_with_their_names():
    ax = plots.timeline(MIXED)
    assert [(left, right) for left, right, *_ in boxes(ax, "fault band")] == [
        (100, 600),
        (300, 500),
    ]
    names = ["cut 0 | 1 2", "crash 2"]
    starts, lanes = zip(*(where(ax, name) for name in names), strict=True)
    assert 100 <= starts[0] < 200 < 300 <= starts[1] < 400
    assert lanes[0] != lanes[1]


def test_a_fault_without_an_end_lasts_to_the_edge_and_its_name_stays_inside():
    fault = Crash(at=95, node=2, lose_memory=True)
    ax = plots.timeline(History([operation("put", 1, 0, 100)], faults=[fault]))
    [(_, right, *_)] = boxes(ax, "fault band")
    assert right == ax.get_xlim()[1]
    assert where(ax, "crash 2, memory lost")[0] < 95
    assert "crash 2, memory lost from 95 ms on" in repr(ax)


def test_strips_show_what_each_copy_held_and_when():
    strips = boxes(plots.timeline(MIXED), "copies")
    end = plots.timeline(MIXED).get_xlim()[1]
    assert [(left, right) for left, right, *_ in strips] == [
        (0, 100), (100, end), (100, end), (0, 700),
    ]  # fmt: skip


def test_siblings_split_a_strip():
    _, (*_, first_low, first_high), (*_, second_low, second_high), whole = boxes(
        plots.timeline(MIXED), "copies"
    )
    assert first_high == pytest.approx(second_low)
    assert second_high - first_low == pytest.approx(whole[3] - whole[2])


def test_equal_values_have_equal_colours_and_others_differ():
    [strips] = drawn(plots.timeline(MIXED), "copies")
    one, eight, nine, again = map(tuple, strips.get_facecolors())
    assert one == again
    assert len({one, eight, nine}) == 3


LONG = np.zeros(5_000)
OTHER = np.concatenate([LONG[:2_500], [7.0], LONG[2_501:]])  # prints like the one before
ALIKE = [1, 1.0, np.int64(1), True, LONG, LONG.copy(), OTHER, {0, 8}, {8, 0}]
COLOURS = [0, 0, 0, 1, 2, 2, 3, 4, 4]


def holding(values):
    copies = [Copy(at=10 * i, node=0, key="x", values=(each,)) for i, each in enumerate(values)]
    hello = Message(label="hello", source=0, target=1, sent=0, arrived=9)
    put = operation("put", 1, 0, 100, node=0)
    return History([put], copies=copies, messages=[hello])


def colours_of(faces):
    """Colours as numbers, in the order in which they turn up."""
    known = list(map(tuple, faces))
    return [list(dict.fromkeys(known)).index(each) for each in known]


def test_values_have_one_colour_if_they_are_equal_to_the_judges():
    assert repr(LONG) == repr(OTHER)
    history = holding(ALIKE)
    [strips] = drawn(plots.timeline(history), "copies")
    assert colours_of(strips.get_facecolors()) == COLOURS
    film = [each["values"][0][1:] for each in scene(history)["copies"][0]]
    assert colours_of(film) == COLOURS


def test_messages_show_equal_values_in_one_colour():
    ax = plots.messages(holding(ALIKE))
    bars = [each for each in ax.collections if isinstance(each, PolyCollection)]
    height = {0.26}  # of a strip
    strips = [
        bar.get_facecolor()[0]
        for bar in bars
        if {round(np.ptp(path.vertices[:, 1]), 6) for path in bar.get_paths()} == height
    ]
    assert colours_of(strips) == COLOURS


def test_a_note_at_an_instant_is_drawn_even_at_the_start():
    put = operation("put", 1, 0, 1_000, node=0)
    hello = Message(label="hello", source=0, target=1, sent=0, arrived=9)
    notes = [Note(at=0, until=0, text="kill"), Note(at=600, until=600, text="heal")]
    history = History([put], faults=notes, messages=[hello])
    assert {"kill", "heal"} <= set(words(plots.timeline(history)))
    [named] = [one for one in plots.messages(history).collections if isinstance(one, Words)]
    assert {"kill", "heal"} <= {text for _, _, text in named.words}
    gone = plots.timeline(history, span=(1, 600))
    assert {"kill", "heal"} & set(words(gone)) == set()


def test_values_of_copies_are_printed():
    assert {"1", "8 | 9"} <= set(words(plots.timeline(MIXED)))


MANY = History(
    [operation("put", i, 100 * i, 100 * i + 50, key=f"k{i}") for i in range(4)],
    copies=[Copy(at=0, node=0, key=f"k{i}", values=(i,)) for i in range(4)],
)


@pytest.mark.parametrize("key, rows", [(None, "k0"), ("k2", "k2")])
def test_of_many_keys_one_is_shown(key, rows):
    ax = plots.timeline(MANY, key=key)
    assert [left for left, *_ in boxes(ax, "OK")] == [100 * int(rows[1])]
    assert words(ax, "rows") == ["client 0", "copy at node 0"]


def test_a_few_keys_are_shown_together_and_named():
    ax = plots.timeline(MANY.select(np.arange(2)), key=None)
    assert words(ax, "rows") == ["client 0", "copy at node 0"]  # the copies have four keys
    few = History(list(MANY)[:2], copies=MANY.copies[:2])
    ax = plots.timeline(few)
    assert words(ax, "rows")[1:] == ["k0 at node 0", "k1 at node 0"]
    assert "put k0 0" in words(ax)


def test_the_span_can_be_fixed():
    assert plots.timeline(STALE, span=(100, 900)).get_xlim() == (100, 900)


def test_a_span_must_start_before_it_ends():
    with pytest.raises(ValueError, match=r"span must start before it ends, got \(5, 5\)"):
        plots.timeline(STALE, span=(5, 5))


def test_an_empty_history_is_an_empty_timeline():
    assert repr(plots.timeline(History())) == "A timeline with no operations."


def test_many_rows_make_a_taller_figure_instead_of_smaller_letters():
    crowd = History([operation("put", i, i, i + 5, client=i) for i in range(30)])
    ax = plots.timeline(crowd)
    assert ax.figure.get_size_inches()[1] > 8
    [rows] = drawn(ax, "rows")
    assert rows.size == pytest.approx(14 * 100 / 72, abs=0.1)


def test_a_few_rows_make_a_lower_figure_without_an_empty_half():
    few = plots.timeline(FRESH)
    assert few.get_ylim()[0] == 2.15
    assert pixels(few).shape[0] < 300
    edge = pixels(few)[[0, -1]]
    assert (edge == 255).all()


def test_a_timeline_updates_in_place_with_few_artists():
    [ax] = plots.panels()
    picture = plots.TimelinePicture(ax)
    frame = len(ax.get_children())
    for history in (MIXED, STALE, MIXED):
        artists = picture.update(history, span=(0, 2000))
        assert len(ax.get_children()) == frame + len(artists)
    assert len(artists) < 20


def background(picture):
    """What is left of the picture when its artists are not drawn."""
    figure = picture.ax.figure
    for artist in picture.artists:
        artist.set_animated(True)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba()).copy()


UPDATES = {
    "rates": (plots.RatesPicture, (3, 1, 2, 0.2), (5, 3, 3, 0.9)),
    "quorums": (plots.QuorumsPicture, (3, 1, 2), (15, 9, 8)),
    "timeline": (plots.TimelinePicture, (FRESH, None), (STALE, linearizable(STALE))),
}


@pytest.mark.parametrize("make, first, second", UPDATES.values(), ids=UPDATES)
def test_an_update_returns_all_that_changes(make, first, second):
    [ax] = plots.panels()
    picture = make(ax)
    more = {"span": (0, 1000)} if make is plots.TimelinePicture else {}
    picture.update(*first, **more)
    before = background(picture)
    picture.update(*second, **more)
    assert (background(picture) == before).all()
    for artist in picture.artists:
        ax.draw_artist(artist)
    assert (np.asarray(ax.figure.canvas.buffer_rgba()) != before).any()


def below_each_other():
    """Panels of two histories whose copies hold the same values, met in another order."""
    turned = [Copy(at=0, node=0, key="x", values=(9,)), Copy(at=50, node=0, key="x", values=(8,))]
    return plots.timelines({"AP": MIXED, "CP": History(STALE, copies=turned)}).figure.axes


def test_timelines_below_each_other_share_time_and_say_what_each_is_worth():
    above, below = below_each_other()
    assert above.get_xlim() == below.get_xlim()
    assert above.texts[0].get_text() == "AP: 50 % available, 1 stale read, not linearizable"
    assert repr(below).splitlines() == [above.texts[0].get_text(), below.texts[0].get_text()]
    edge = pixels(below)[[0, -1]]
    assert (edge == 255).all()


def test_timelines_below_each_other_have_one_legend_for_all():
    above, below = below_each_other()
    assert not [one for one in above.get_children() if isinstance(one, Legend)]
    [found] = [one for one in below.get_children() if isinstance(one, Legend)]
    names = [text.get_text() for text in found.get_texts()]
    assert names == ["put OK", "get OK", "FAIL", "UNKNOWN", "stale"]


def test_a_value_has_one_colour_on_all_timelines():
    above, below = below_each_other()
    ((_, eight, nine, _),) = [one.get_facecolors().tolist() for one in drawn(above, "copies")]
    assert [one.get_facecolors().tolist() for one in drawn(below, "copies")] == [[nine, eight]]


def test_timelines_need_a_history():
    with pytest.raises(ValueError, match="histories must be at least 1, got 0"):
        plots.timelines({})


def test_rates_are_printed_at_the_current_loss():
    ax = plots.rates(3, 1, 2, 0.2)
    said = {text.get_text() for text in ax.texts}
    assert said == {"put acknowledged\n0.896", "get answered\n0.992", "get is fresh\n0.857"}


def test_curves_of_rates_are_the_exact_ones():
    [ax] = plots.panels()
    picture = plots.RatesPicture(ax)
    picture.update(5, 2, 4, 0.3)
    expected = tradeoff.exact(5, 2, 4, np.linspace(0, 1, 201))
    for name, field in (("put", "put_ok"), ("get", "get_ok"), ("fresh", "fresh")):
        expected_curve = getattr(expected, field)
        np.testing.assert_array_equal(picture.curves.curves[name].get_ydata(), expected_curve)
    assert list(picture.curves.now.get_xdata()) == [0.3, 0.3]


def test_simulated_rates_are_dots_with_their_intervals():
    losses = np.linspace(0, 1, 6)
    counted = tradeoff.simulate(3, 1, 2, losses, trials=200, rng=1)
    [ax] = plots.panels()
    picture = plots.RatesPicture(ax)
    picture.update(3, 1, 2, 0.2, simulated=counted)
    np.testing.assert_array_equal(picture.simulated["put"].get_xdata(), losses)
    np.testing.assert_array_equal(picture.simulated["put"].get_ydata(), counted.put_ok)
    low, high = picture.bars["put"].get_segments()[2]
    assert (low[1], high[1]) == (counted.low.put_ok[2], counted.high.put_ok[2])
    assert len(picture.bars["fresh"].get_segments()) == 5  # at loss 1 nothing was counted
    picture.update(3, 1, 2, 0.2)
    assert len(picture.simulated["put"].get_xdata()) == len(picture.bars["put"].get_segments()) == 0


def test_one_simulated_rate_stands_at_the_current_loss():
    [ax] = plots.panels()
    picture = plots.RatesPicture(ax)
    picture.update(3, 1, 2, 0.4, simulated=tradeoff.simulate(3, 1, 2, 0.4, trials=50, rng=1))
    assert list(picture.simulated["get"].get_xdata()) == [0.4]


def test_rates_that_never_happen_say_so():
    assert "get is fresh never happens" in repr(plots.rates(3, 1, 2, 1.0))


@pytest.mark.parametrize("loss", [0.0, 0.2, 0.55, 1.0])
def test_labels_do_not_overlap(loss):
    ax = plots.rates(loss=loss)
    ax.figure.canvas.draw()
    frames = [text.get_window_extent() for text in ax.texts if text.get_position()[0] > 1]
    assert len(frames) == 3
    assert not any(a.overlaps(b) for i, a in enumerate(frames) for b in frames[:i])


@pytest.mark.parametrize(
    "n, r, w, meets", [(3, 2, 2, True), (3, 1, 2, False), (5, 1, 5, True), (1, 1, 1, True)]
)
def test_quorums_say_and_show_whether_every_read_meets_every_write(n, r, w, meets):
    [ax] = plots.panels()
    picture = plots.QuorumsPicture(ax)
    picture.update(n, r, w)
    assert picture.boxes["overlap"].get_visible() == meets
    assert repr(ax).startswith("Every read meets" if meets else "A read can miss")
    assert len(picture.circles.get_xdata()) == n


@pytest.mark.parametrize("n, r, w", [(3, 2, 2), (7, 5, 6), (15, 1, 2)])
def test_the_boxes_of_quorums_hold_so_many_replicas(n, r, w):
    [ax] = plots.panels()
    picture = plots.QuorumsPicture(ax)
    picture.update(n, r, w)
    centres = picture.circles.get_xdata()
    for name, size in (("put", w), ("get", r), ("overlap", r + w - n)):
        box = picture.boxes[name]
        left, right = box.get_x(), box.get_x() + box.get_width()
        if box.get_visible():
            assert sum((left < centres) & (centres < right)) == size
    write, read = picture.boxes["put"], picture.boxes["get"]
    assert write.get_x() < centres[0] <= centres[-1] < read.get_x() + read.get_width()


BAD = [
    (plots.rates, {"loss": 1.2}, r"loss must be in \[0, 1\], got 1.2"),
    (plots.rates, {"n": 3, "r": 4}, "r must be"),
    (plots.quorums, {"n": 16}, r"n must be in \[1, 15\], got 16"),
    (plots.quorums, {"w": 0}, r"w must be in \[1, 3\], got 0"),
]


@pytest.mark.parametrize("draw, arguments, complaint", BAD)
def test_bad_numbers_are_named_before_anything_is_drawn(draw, arguments, complaint):
    ax = Figure().add_subplot()
    before = len(ax.get_children()), ax.get_xlim(), ax.axison
    with pytest.raises(ValueError, match=complaint):
        draw(**arguments, ax=ax)
    assert (len(ax.get_children()), ax.get_xlim(), ax.axison) == before


def contrast(one, other):
    """Ratio of luminances, as WCAG 2 defines it."""

    def luminance(color):
        parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in color]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(to_rgb(one)), luminance(to_rgb(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    "ground", [PAPER, LOOKS["OK"].color, *(tint(color, 0.5) for color in _TINTS)], ids=str
)
def test_letters_stand_out_from_what_they_are_written_on(ground):
    assert contrast(INK, ground) >= 4.5


@pytest.mark.parametrize("group", [("CA", "CP", "AP"), ("put", "get", "fresh")], ids=str)
def test_curves_of_one_picture_differ_in_colour_marker_and_dash(group):
    for channel in ("color", "marker", "dash"):
        assert len({getattr(LOOKS[name], channel) for name in group}) == 3


@pytest.mark.parametrize("heights", [[0.5, 0.5, 0.5], [0, 0, 0], [1, 1, 1], [0.9, 0.1, 0.88]])
def test_labels_spread_keeps_a_gap_and_the_order_and_stays_inside(heights):
    placed = spread(heights, 0.2, 0, 1)
    order = sorted(placed)
    assert all(b - a >= 0.2 - 1e-9 for a, b in pairwise(order))
    assert order[0] >= 0
    assert order[-1] <= 1
    assert np.argmin(placed) in np.flatnonzero(np.array(heights) == min(heights))
