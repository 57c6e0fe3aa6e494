"""The timeline in the README is what the dashboard draws today."""

import io
import os
import re

import numpy as np
from PIL import Image
from support import ROOT

from capkit import dashboards
from capkit.dashboards.still import still

PICTURE = ROOT / "notebooks" / "pictures" / "partition.png"


def test_the_picture_of_the_readme_is_today_s():
    """`CAPKIT_RECORD=1 python -m pytest` of this file draws it anew."""
    board = dashboards.partition()
    board.set(store="AP")
    now = still(board._image.value, board.reading)
    if os.environ.get("CAPKIT_RECORD"):
        PICTURE.write_bytes(now)
    kept, drawn = (np.asarray(Image.open(each)) for each in (PICTURE, io.BytesIO(now)))
    assert kept.shape == drawn.shape
    assert np.mean(np.abs(kept.astype(int) - drawn.astype(int)) > 32) < 0.001


def test_the_words_of_the_picture_are_those_of_its_sentence():
    readme = (ROOT / "README.md").read_text("utf-8")
    words = " ".join(re.search(r"!\[([^]]*)\]\(notebooks/pictures/partition", readme)[1].split())
    board = dashboards.partition()
    board.set(store="AP")
    assert "from 500 to 1500 ms" in words
    assert "from 500 to 1500 ms" in board.reading
    assert "eight gets are marked as stale" in words
    assert "8 stale reads" in board.reading
