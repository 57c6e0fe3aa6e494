"""The dashboard of the adversary shows what the hunt finds, and does not let a hand wait."""

import io
import time

import pytest
from PIL import Image

from capkit import dashboards
from capkit.adversary import STORES, attack, replay
from capkit.adversary.named import known
from capkit.dashboards.adversary_dashboard import _found, sentence

BOARD = dashboards.adversary()


@pytest.fixture
def board():
    BOARD.reset()
    return BOARD


def png(board):
    return board._image.value


@pytest.mark.parametrize("letter", ["C", "A"])
@pytest.mark.parametrize("store", STORES)
def test_every_store_and_letter_has_a_picture_and_a_story(board, store, letter):
    for longest in (1, 2, 3):
        for late in ("yes", "no"):
            board.set(store=store, letter=letter, longest=longest, late=late)
            assert board.error is None
            assert Image.open(io.BytesIO(png(board))).size == (900, 460)
            found = known(store, letter, longest, late == "yes")
            cuts = "cuts" if late == "yes" else "no cuts"
            tried = f"Tried: up to {longest} step{'s' * (longest > 1)}, {cuts} in mid-request."
            assert board.reading == f"{sentence(found)} {tried}"
            assert board.reading.replace("; ", " ").split()[:9] == repr(found).split()[:9]
            assert f"{letter} of {store}" in board.reading
            [panel] = board._canvas.figure.axes
            many = f"{len(found.history)} operation" if found.history else "A timeline with no op"
            assert panel.reading.startswith(many)


def test_another_story_is_another_picture(board):
    drawn = [png(board)]
    for store in ("CA: hot standby", "CA: failover", "AP", "CP"):
        board.set(store=store)
        drawn.append(png(board))
    assert len(set(drawn)) == len(drawn)


def test_a_hand_is_answered_within_300_ms(board, tell):
    known.__globals__["_records"].cache_clear()
    _found.cache_clear()
    slowest = 0.0
    for store in STORES:
        for letter in "CA":
            began = time.process_time()
            board.set(store=store, letter=letter)
            slowest = max(slowest, time.process_time() - began)
    tell(f"dashboards.adversary: slowest of 12 changes {1_000 * slowest:.0f} ms")
    assert slowest < 0.3


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("letter", ["C", "A"])
@pytest.mark.parametrize("store", STORES)
def test_the_records_are_what_the_hunt_finds(store, letter, late, examples):
    # Three steps, which take the hunt seconds, are compared in tests/adversary/test_attack.py.
    for longest in (1, 2, 3) if examples >= 1_000 else (1, 2):
        fresh = attack(STORES[store], letter, longest, late=late, progress=False)
        kept = known(store, letter, longest, late)
        assert (kept.schedule, kept.tried) == (fresh.schedule, fresh.tried)


def test_what_is_shown_is_run_again():
    kept = known("CA: hot standby", "C")
    assert list(kept.history) == list(replay(STORES["CA: hot standby"], kept.schedule))


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("Spanner", "C"), "store must be one of"),
        (("CP", "P"), "letter must be one of 'C', 'A', got 'P'"),
        (("CP", "C", 4), r"longest must be in \[1, 3\], got 4"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        known(*arguments)
