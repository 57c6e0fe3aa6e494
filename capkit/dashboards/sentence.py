"""The sentence below a picture, which screen readers announce; it also names the controls."""

from __future__ import annotations

from pathlib import Path

import anywidget
from traitlets import Bool, Unicode

_HERE = Path(__file__).parent


class Sentence(anywidget.AnyWidget):
    """One sentence that a screen reader reads out whenever it changes.

    A slider of ipywidgets has no name that a screen reader can find, a picture no description,
    and a list no arrow keys; where the sentence stands in a dashboard, it gives them theirs.

    Attributes
    ----------
    text : str
        What is shown.
    wrong : bool
        Whether the sentence says that something went wrong.
    """

    _esm = (_HERE / "sentence.js").read_text("utf-8")
    _css = (_HERE / "sentence.css").read_text("utf-8")

    text = Unicode("").tag(sync=True)
    wrong = Bool(False).tag(sync=True)
