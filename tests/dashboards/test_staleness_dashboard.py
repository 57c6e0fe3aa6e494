"""The picture of staleness says what the simulation says, and its dashboard follows the hand."""

import io
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from capkit import dashboards, plots
from capkit.plots import StalenessPicture, drawing
from capkit.staleness import LNKD_DISK, LNKD_SSD, PROFILES, Profile, simulate

DISKS = simulate(LNKD_DISK, 3, 1, 1, trials=20_000, rng=7)
STRICT = simulate(LNKD_DISK, 3, 2, 2, trials=20_000, rng=7)


def picture(seen):
    [panel] = drawing.panels()
    panel.figure.subplots_adjust(0.095, 0.14, 0.775, 0.98)
    made = StalenessPicture(panel)
    made.update(seen)
    return made


def texts(made):
    return [text.get_text() for text in (made.at_once, made.later, *made.latencies.values())]


def test_the_curve_is_the_share_of_fresh_reads():
    made = picture(DISKS)
    times, shares = made.curve.get_data()
    assert times[0] == 0
    assert times[-1] >= made.until * (1 - 1e-9)
    np.testing.assert_array_equal(shares, DISKS.fresh(times))


def test_points_and_line_stand_where_the_numbers_say():
    made = picture(DISKS)
    late = DISKS.t_visibility()
    assert np.array(made.points.get_data()).T.tolist() == [[0, DISKS.fresh(0.0)], [late, 0.999]]
    assert made.now.get_visible()
    assert list(made.now.get_xdata()) == [late, late]


def test_bars_are_as_long_as_reads_and_writes_take():
    made = picture(DISKS)
    assert made.bars["get"].get_width() == DISKS.read_latency()
    assert made.bars["put"].get_width() == DISKS.write_latency()
    looks = [(bar.get_hatch(), bar.get_facecolor()) for bar in made.bars.values()]
    assert len({hatch for hatch, _ in looks}) == len({color for _, color in looks}) == 2


def test_labels_print_the_numbers():
    found = texts(picture(DISKS))
    assert found == [
        f"{DISKS.fresh(0.0):.3f} fresh at once",
        f"0.999 fresh\nfrom {DISKS.t_visibility():.1f} ms on",
        f"99.9 % of reads\nwithin {DISKS.read_latency():.2f} ms",
        f"99.9 % of writes\nwithin {DISKS.write_latency():.1f} ms",
    ]


def test_strict_quorums_are_fresh_at_once_and_need_no_line():
    made = picture(STRICT)
    assert not made.now.get_visible()
    assert texts(made)[:2] == ["all fresh at once", "at least 0.999\nfresh at once"]


def test_nearly_all_is_not_called_all():
    nearly = simulate(LNKD_SSD, 3, 2, 1, trials=20_000, rng=7)
    assert 0.999 < nearly.fresh(0.0) < 1
    assert texts(picture(nearly))[0] == "0.999 fresh at once"


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("r, w", [(1, 1), (1, 3), (3, 1), (2, 2)])
def test_no_label_leaves_the_picture_or_covers_another(name, r, w):
    made = picture(simulate(PROFILES[name], 3, r, w, trials=5_000, rng=7))
    figure = made.ax.figure
    figure.canvas.draw()
    labels = [made.at_once, made.later, *made.latencies.values()]
    boxes = [label.get_window_extent() for label in labels]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    overlaps = [one.overlaps(other) for one in boxes for other in boxes if one is not other]
    assert not any(overlaps)


def test_an_update_draws_what_a_new_picture_draws():
    def pixels(made):
        made.ax.figure.canvas.draw()
        return np.asarray(made.ax.figure.canvas.buffer_rgba())

    moved = picture(STRICT)
    assert not np.array_equal(pixels(moved), pixels(picture(DISKS)))
    moved.update(DISKS)
    assert np.array_equal(pixels(moved), pixels(picture(DISKS)))


def test_plots_staleness_shows_itself_and_says_what_it_shows():
    ax = plots.staleness(DISKS)
    assert repr(ax) == repr(DISKS)
    assert Image.open(io.BytesIO(ax._repr_png_()[0])).size == (900, 500)


def test_plots_staleness_draws_on_the_axes_that_it_is_given():
    ax = Figure().add_subplot()
    assert plots.staleness(DISKS, until=100, ax=ax) is ax
    assert ax.get_xlim() == (0, 100)
    with pytest.raises(ValueError, match="until must be at least 1, got 0"):
        plots.staleness(DISKS, until=0)


def test_the_axis_is_as_long_as_the_latencies_need():
    legs = dict.fromkeys(("write", "acknowledge", "request", "response"), (9_000.0,))
    ax = plots.staleness(simulate(Profile(name="slow", **legs), 3, 1, 1, trials=10))
    assert ax.get_xlim()[1] == 1.5 * 18_000
    assert plots.staleness(DISKS).get_xlim()[1] == 3_000


@pytest.fixture(scope="module")
def board():
    return dashboards.staleness()


def numbers_of(reading):
    return [float(word) for word in re.findall(r"[0-9.]*[0-9]", reading.split(": ")[1])]


def size(board):
    return Image.open(io.BytesIO(board._image.value)).size


def test_a_larger_quorum_is_fresher_and_slower(board):
    board.set(profile="LNKD-DISK", n=3, r=1, w=1)
    before, png = board.reading, bytes(board._image.value)
    board.set(w=2)
    assert board.error is None
    assert board.reading != before
    assert bytes(board._image.value) != png
    assert size(board) == (900, 540)
    numbers = [numbers_of(text) for text in (before, board.reading)]
    assert numbers[0][0] < numbers[1][0]  # fresh at once
    assert numbers[0][-1] < numbers[1][-1]  # latency of writes


def test_quorums_never_exceed_the_replicas(board):
    board.set(n=5, r=5, w=4)
    board.set(n=2)
    assert (board.settings["r"], board.settings["w"]) == (2, 2)
    assert board.error is None
    with pytest.raises(ValueError, match=r"r must be in \[1, 2\], got 3"):
        board.set(r=3)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("n, r, w", [(1, 1, 1), (3, 2, 1), (10, 1, 1), (10, 10, 10)])
def test_every_corner_draws(board, profile, n, r, w):
    board.set(profile=profile, n=n, r=r, w=w)
    assert board.error is None
    assert board.reading.startswith(f"{profile}, N={n}, R={r}, W={w}: ")
    assert size(board) == (900, 540)


def test_a_story_keeps_the_profile(board):
    board.set(profile="WAN", n=3, r=1, w=1)
    buttons = board._stories
    buttons["quorums meet"].click()
    assert board.settings == {"profile": "WAN", "n": 3, "r": 2, "w": 2}
    buttons["Reset"].click()
    assert board.settings == {"profile": "LNKD-DISK", "n": 3, "r": 1, "w": 1}
