"""The plane with the cable whole and cut: what stands where, and that every name can be read."""

import io
import itertools
import re

import numpy as np
import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from capkit import dashboards, plots, tradeoff
from capkit.plots import LOOKS, TradeoffPicture
from capkit.plots.naming import stand

NAMES = "CA: block", "CA: failover", "CP", "AP"
MEASURED = {name: [(1.0, 1.0), (0.6, 0.9)] for name in NAMES}


@pytest.fixture(scope="module")
def picture():
    return with_ticks(TradeoffPicture(4.9))


def with_ticks(picture):
    """Drawn once: before that, nobody knows where the numbers on the axes stand."""
    picture.update(5, 0.0)
    picture.figure.canvas.draw()
    return picture


def at(plane, name):
    [point] = plane.points[name].get_xydata()
    return tuple(point)


def test_with_the_cable_whole_and_no_loss_all_stand_in_the_corner(picture):
    for n in range(2, 16):
        picture.update(n, 0.0)
        assert {at(picture.whole, name) for name in ("CA", "CP", "AP")} == {(1, 1)}
        assert not any(arrow.get_visible() for arrow in picture.whole.arrows)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.4, 0.5])
@pytest.mark.parametrize("n", range(2, 16))
def test_when_it_is_cut_each_is_silent_on_the_worse_side_or_old(picture, n, share):
    picture.update(n, 0.0, share=share)
    assert at(picture.cut, "CA: block") == at(picture.cut, "CP") == (1, 0)
    assert at(picture.cut, "CA: failover") == at(picture.cut, "AP")
    fresh, answered = at(picture.cut, "AP")
    assert answered == 1
    assert 0.5 <= fresh < 0.95
    assert all(arrow.get_visible() and arrow.xyann == (1, 1) for arrow in picture.cut.arrows)


@pytest.mark.parametrize("loss", [0.1, 0.3, 0.9])
def test_loss_moves_each_along_its_trail_to_what_the_formulas_say(picture, loss):
    picture.update(5, loss)
    for name, quorum in {"CP": 3, "AP": 1}.items():
        whole = tradeoff.exact(5, quorum, quorum, loss)
        cut = tradeoff.worse_side(5, quorum, quorum, loss, side=2)
        assert at(picture.whole, name) == (whole.fresh, whole.availability)
        assert at(picture.cut, name) == (cut.fresh, cut.availability)
    trail = picture.whole.trails["AP"].get_xydata()
    assert tuple(trail[0]) == at(picture.whole, "AP")
    assert tuple(trail[-1]) == (1, 1)
    picture.update(5, 0.0)
    assert len(picture.whole.trails["AP"].get_xydata()) == 1  # no curve before there is loss


def test_a_mean_over_all_clients_is_a_second_view_that_says_so(picture):
    picture.update(15, 0.0, share=0.1)
    assert at(picture.cut, "CP") == (1, 0)
    assert picture.counted.get_text() == "answered, worse side"
    picture.update(15, 0.0, share=0.1, mean=True)
    assert at(picture.cut, "CP") == pytest.approx((1, 13 / 15))
    assert picture.counted.get_text() == "answered, mean of all"


def test_where_no_put_is_acknowledged_the_marker_is_hollow(picture):
    picture.update(5, 0.0)
    faces = {name: picture.cut.points[name].get_markerfacecolor() for name in NAMES}
    assert faces["CA: block"] == "white"
    assert all(faces[name] == LOOKS[name[:2]].color for name in NAMES[1:])


@pytest.mark.parametrize("mean", [False, True])
def test_no_store_stands_in_the_hatched_corner(picture, mean):
    for n, share, loss in itertools.product((2, 5, 8, 15), (0.1, 0.3, 0.5), (0, 0.2, 0.7)):
        picture.update(n, loss, share=share, mean=mean)
        edge, high = picture.cut.corner.get_xy()[:60].T
        for name in NAMES:
            fresh, answered = at(picture.cut, name)
            hollow = picture.cut.points[name].get_markerfacecolor() == "white"
            assert hollow or fresh <= np.interp(answered, high, edge) + 1e-4
        assert picture.cut.corner.get_path().contains_point((0.9999, 0.9999))
        assert len(picture.whole.corner.get_xy()) < 3  # nothing is forbidden while it is whole


def test_runs_of_real_protocols_stand_beside_the_formulas():
    right = plots.tradeoff(5, measured=MEASURED)
    small = [line for line in right.get_lines() if line.get_markerfacecolor() == "black"]
    assert [tuple(line.get_xydata()[0]) for line in small] == [(0.6, 0.9)] * 4
    assert "Measured: CA: block, CA: failover, CP, AP 0.90 answered, 0.60 fresh." in repr(right)


# Can all of it be read?


def extent(line):
    """Where a marker is seen, in pixels."""
    [point] = line.get_xydata()
    half = line.get_markersize() * line.figure.dpi / 72 / 2
    x, y = line.axes.transData.transform(point)
    return Bbox.from_extents(x - half, y - half, x + half, y + half)


def seen(picture):
    """Frames of all texts and of all markers, in pixels, and what they are."""
    texts = [each for each in picture.figure.findobj(Text) if each.get_visible()]
    texts = [each for each in texts if each.axes and each.get_text().strip()]
    groups = [g for plane in (picture.whole, picture.cut) for g in (plane.points, plane.keys)]
    lines = [line for group in groups for line in group.values() if line.get_visible()]
    return [(t.get_text(), t.get_window_extent()) for t in texts], [extent(line) for line in lines]


def assert_readable(picture):
    width, height = picture.cut.ax.figure.bbox.size
    texts, markers = seen(picture)
    for (one, a), (other, b) in itertools.combinations(texts, 2):
        assert not a.padded(-1).overlaps(b.padded(-1)), (one, other)
    for text, frame in texts:
        inside = frame.x0 >= 0 and frame.y0 >= 0 and frame.x1 <= width and frame.y1 <= height
        assert inside, text
        assert not any(frame.padded(-1).overlaps(marker.padded(-1)) for marker in markers), text
    for plane in (picture.whole, picture.cut):
        for name, label in plane.labels.items():
            frame, panel = label.get_window_extent(), plane.ax.bbox
            assert panel.x0 <= frame.x0, name
            assert frame.x1 <= panel.x1, name
            assert panel.y0 <= frame.y0, name


PLACES = [
    (n, share, mean)
    for n in range(2, 16)
    for share in (0.1, 0.2, 0.3, 0.4, 0.5)
    for mean in (False, True)
]


@pytest.mark.parametrize("n, share, mean", PLACES)
def test_no_name_covers_another_a_marker_or_an_edge(picture, n, share, mean):
    """At 900 x 490 pixels, which is how a screen of 1280 x 720 shows it beside its controls."""
    for loss in (0, 0.04, 0.2, 0.5, 0.8, 1):
        picture.update(n, float(loss), share=share, mean=mean)
        assert_readable(picture)


def test_no_position_of_the_loss_slider_hides_a_name(picture):
    for loss in np.linspace(0, 1, 101):
        picture.update(5, float(loss))
        assert_readable(picture)


def test_a_name_stands_further_off_where_its_place_is_taken():
    room = Bbox.from_extents(0, 0, 100, 100)
    first = stand((90, 50), 5, (30, 10), [], room)
    second = stand((90, 50), 5, (30, 10), [first], room)
    assert first.bounds == (50, 45, 30, 10)
    assert second.bounds == (50, 35, 30, 10)
    assert not first.padded(-1).overlaps(second)


# What every picture must do, for one that has two planes.


def without_artists(picture):
    """What is left of the picture when its artists are not drawn."""
    for artist in picture.artists:
        artist.set_animated(True)
    picture.figure.canvas.draw()
    return np.asarray(picture.figure.canvas.buffer_rgba()).copy()


def test_an_update_returns_all_that_changes():
    picture = TradeoffPicture(5.0)
    picture.update(3, 0.2)
    before = without_artists(picture)
    picture.update(9, 0.7, share=0.2, mean=True, measured=MEASURED)
    assert (without_artists(picture) == before).all()
    for artist in picture.artists:
        picture.cut.ax.draw_artist(artist)
    assert (np.asarray(picture.figure.canvas.buffer_rgba()) != before).any()


def test_the_picture_is_900_pixels_wide_says_what_it_shows_and_touches_no_edge():
    right = plots.tradeoff(5, 0.2)
    image = np.asarray(Image.open(io.BytesIO(right._repr_png_()[0])).convert("RGB"))
    assert image.shape == (500, 900, 3)
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert (edge == 255).all()
    assert right._repr_png_()[1]["alt"] == repr(right)


def test_in_a_classroom_every_name_can_be_read_too():
    plots.classroom()
    try:
        picture = with_ticks(TradeoffPicture(4.9))
        for n, loss in itertools.product((2, 5, 15), (0.0, 0.2, 0.6)):
            picture.update(n, loss)
            assert_readable(picture)
    finally:
        plots.classroom(False)


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ({"n": 1}, "n must be at least 2, got 1"),
        ({"loss": 1.2}, "loss must be in [0, 1], got 1.2"),
        ({"share": 0.0}, "share must be in (0, 0.5], got 0.0"),
        ({"share": 0.6}, "share must be in (0, 0.5], got 0.6"),
        ({"measured": {"MongoDB": []}}, "measured must be among ['CA: block'"),
    ],
)
def test_bad_numbers_are_named(arguments, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        plots.tradeoff(**arguments)


def test_the_dashboard_reads_what_both_planes_show():
    board = dashboards.tradeoff()
    left, right = board._canvas.figure.axes
    board.set(nodes=7, loss=0.3)
    assert board.reading == f"{left.reading} {right.reading}"
