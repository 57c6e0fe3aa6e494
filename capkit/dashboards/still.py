"""A dashboard as one picture, for readers who have no kernel: the picture, its sentence below."""

from __future__ import annotations

from io import BytesIO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from capkit.plots import LOOKS
from capkit.plots.lettering import INK, PAPER, TEXT_SIZE, text_width

_LETTERS = 100 * TEXT_SIZE / 72  # pixels
_LEADING = 1.35 * _LETTERS


def still(png: bytes, sentence: str) -> bytes:
    """The picture with its sentence below it, as one PNG.

    Examples
    --------
    >>> from capkit.plots import panels
    >>> picture, _ = panels()[0]._repr_png_()
    >>> Image.open(BytesIO(still(picture, "Nothing is drawn yet."))).size
    (900, 550)
    """
    above = Image.open(BytesIO(png))
    below = _written(sentence, above.width)
    both = Image.new("RGB", (above.width, above.height + below.height), PAPER)
    both.paste(above, (0, 0))
    both.paste(below, (0, above.height))
    file = BytesIO()
    both.save(file, "png", optimize=True)
    return file.getvalue()


def _written(sentence: str, width: int) -> Image.Image:
    """The sentence in as many lines as it needs."""
    lines = [""]
    for word in sentence.split():
        longer = f"{lines[-1]} {word}".strip()
        fits = text_width(longer, _LETTERS) < width - 40
        lines = [*lines[:-1], longer] if fits else [*lines, word]
    high = 24 + _LEADING * len(lines)
    figure = Figure(figsize=(width / 100, high / 100), dpi=100, facecolor=PAPER)
    canvas = FigureCanvasAgg(figure)
    figure.add_artist(Line2D([0.003, 0.003], [0, 1], color=LOOKS["CP"].color, linewidth=8))
    for row, line in enumerate(lines):
        y = 1 - (12 + _LEADING * (row + 0.75)) / high
        figure.text(20 / width, y, line.replace("$", r"\$"), fontsize=TEXT_SIZE, color=INK)
    file = BytesIO()
    canvas.print_png(file)
    return Image.open(file).convert("RGB")
