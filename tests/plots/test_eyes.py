"""Colours for everybody: who sees fewer of them can tell meanings apart, and reads every text."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from capkit.plots import LOOKS, classroom, panels, quorums, rates
from capkit.plots.drawing import _TINTS, tint
from capkit.plots.lettering import INK, PAPER

# What eyes with one kind of cone missing make of linear RGB: Machado, Oliveira and Fernandes,
# "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009, severity 1.0.
EYES = {
    "all colours": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# CIE XYZ of linear sRGB (IEC 61966-2-1), and the white of a screen.
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = XYZ.sum(axis=1)


def linear(color):
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(color, eyes):
    """Lightness and hue of a colour as those eyes see it, in CIE Lab."""
    x, y, z = np.cbrt(XYZ @ np.clip(np.array(EYES[eyes]) @ linear(color), 1e-4, 1) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one, other, eyes):
    """How different two colours look; from about 2 on side by side, 10 at a glance."""
    return float(np.linalg.norm(lab(one, eyes) - lab(other, eyes)))


def contrast(one, other):
    """The ratio of the Web Content Accessibility Guidelines, 1 to 21."""
    low, high = sorted(float(XYZ[1] @ linear(color)) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


TOGETHER = [("CA", "CP", "AP"), ("put", "get", "fresh"), ("OK", "FAIL", "UNKNOWN", "stale")]
PAIRS = [pair for group in TOGETHER for pair in itertools.combinations(group, 2)]


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("one, other", PAIRS)
def test_what_stands_in_one_picture_is_told_apart_by_all_eyes(one, other, eyes):
    assert apart(LOOKS[one].color, LOOKS[other].color, eyes) > 10


@pytest.mark.parametrize("one, other", PAIRS)
def test_no_meaning_rests_on_colour_alone(one, other):
    a, b = LOOKS[one], LOOKS[other]
    assert (a.marker, a.dash, a.hatch) != (b.marker, b.dash, b.hatch)


def test_the_simulation_of_eyes_is_right():
    """Red and green of equal lightness: a glaring difference for most, next to none for some."""
    red, green = "#b26a00", "#6e8b00"
    assert apart(red, green, "all colours") > 40
    assert apart(red, green, "deuteranopia") < 15
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


GROUNDS = [
    PAPER,
    tint(LOOKS["fault"].color, 0.35),
    *(tint(color, 0.5) for color in _TINTS),
]
GROUNDS += [LOOKS["OK"].color, *(tint(LOOKS[name].color, 0.35) for name in ("FAIL", "UNKNOWN"))]


@pytest.mark.parametrize("ground", GROUNDS, ids=str)
def test_every_text_of_a_picture_has_enough_contrast(ground):
    assert contrast(INK, ground) >= 4.5


@pytest.fixture
def larger():
    classroom()
    yield
    classroom(False)


@pytest.mark.parametrize("draw", [rates, quorums])
def test_in_a_classroom_the_picture_is_larger_with_its_letters(draw, larger):
    ax = draw()
    assert tuple(ax.figure.bbox.size) == (1080, 600)
    size = min(text.get_fontsize() for text in ax.texts if text.get_text())
    assert size * ax.figure.dpi / 72 >= 23  # pixels, a thirtieth of a small projector's height
    frames = [text.get_window_extent() for text in ax.texts if text.get_text()]
    assert all(frame.x0 >= 0 and frame.x1 <= 1080 for frame in frames)


def test_after_class_pictures_are_as_large_as_usual(larger):
    classroom(False)
    assert panels()[0].figure.dpi == 100
