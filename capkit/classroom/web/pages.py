"""A page of each notebook: its text, its pictures with their words, and what needs no kernel.

nbconvert turns Markdown and code into HTML. Its own pages ask other servers for scripts, which a
page on a memory stick cannot; and Voila, JupyterLite and thebe need a kernel. So the page around
the cells is ours.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from capkit.classroom.web.grid import draw_all, small
from capkit.classroom.web.live import Live, live_cells
from capkit.dashboards.dashboard import Dashboard
from capkit.dashboards.network_dashboard import Film
from capkit.dashboards.prediction import Prediction

SOURCE = "https://github.com/capkit/capkit/blob/main/notebooks/"
_NAMED = re.compile(r"dashboards\.(\w+)\(")
_EXERCISE = re.compile(r"^check\(", re.MULTILINE)


@dataclass
class Page:
    """One page while it is made.

    Attributes
    ----------
    notebook : Path
        Where its text is.
    out : Path
        The folder of the whole site.
    draws : collection of str
        The dashboards that this page draws beforehand; others do so for the rest.
    boards : list
        Name, settings and sentence of each dashboard on it.
    files : set of Path
        All files that it may load.
    """

    notebook: Path
    out: Path
    draws: Collection[str] = ()
    boards: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    files: set[Path] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Name of the page's file."""
        return f"{self.notebook.stem}.html"

    def body(self) -> str:
        """All cells, one after the other."""
        cells = json.loads(self.notebook.read_text("utf-8"))
        live = live_cells(cells, self.notebook.parent)
        parts = [self._cell(cell, live.get(place)) for place, cell in enumerate(cells["cells"])]
        return "\n".join(part for part in parts if part)

    def _cell(self, cell: Mapping[str, Any], live: Live | None) -> str:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            return markdown(source)
        hidden = cell["metadata"].get("jupyter", {}).get("source_hidden") or "predict(" in source
        parts = [] if hidden else [_code(source)]
        if _EXERCISE.search(source):
            return "\n".join([*parts, self._needs_jupyter()])
        outputs = cell["outputs"]
        if live is not None:
            outputs = [each for each in outputs if each["output_type"] == "stream"]
        parts += [self._output(each) for each in outputs if cell.get("id") != "ways-in"]
        return "\n".join([*parts, self._live(live, source)])

    def _needs_jupyter(self) -> str:
        place = f"notebooks%2F{self.notebook.name}"
        binder = f"https://mybinder.org/v2/gh/capkit/capkit/main?labpath={place}"
        colab = SOURCE.replace("https://github.com", "https://colab.research.google.com/github")
        return (
            '<p class="needs">To do this exercise you need Jupyter: '
            f'<a href="{binder}">Binder</a> or <a href="{colab}{self.notebook.name}">Colab</a> run '
            "this lesson in your browser; <code>python -m capkit open</code> runs it on your own "
            "computer.</p>"
        )

    def _output(self, output: Mapping[str, Any]) -> str:
        if output["output_type"] == "stream":
            return _text(output["text"])
        if output["output_type"] == "error":
            return _text([f"{output['ename']}: {output['evalue']}"])
        words = "".join(output["data"].get("text/plain", ()))
        if "image/png" not in output["data"]:
            return _text([words])
        return self._picture(b64decode(output["data"]["image/png"]), words)

    def _picture(self, png: bytes, words: str) -> str:
        path = self.out / "pictures" / f"{hashlib.sha256(png).hexdigest()[:16]}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(small(png))
        self.files.add(path)
        source = path.relative_to(self.out).as_posix()
        return f'<p><img src="{source}" alt="{_attribute(words)}" loading="lazy"></p>'

    def _live(self, live: Live | None, source: str) -> str:
        if isinstance(live, Dashboard):
            return self._dashboard(live, _NAMED.findall(source)[-1])
        if isinstance(live, Film):
            return film(live)
        return guess(live) if isinstance(live, Prediction) else ""

    def _dashboard(self, board: Dashboard, name: str) -> str:
        """A place for a dashboard as the cell left it; `finish` knows what was drawn for it."""
        self.boards.append((name, board.settings, board.reading))
        if name in self.draws:
            folder = self.out / "pictures" / name
            data = draw_all(board, name, folder)
            (folder / "states.js").write_text(_OPENING.format(name) + _plain(data), "utf-8")
        return f"<!-- board {len(self.boards) - 1} -->"

    def finish(self, body: str) -> str:
        """Put the dashboards into their places, once each is drawn."""
        for place, (name, settings, reading) in enumerate(self.boards):
            folder = self.out / "pictures" / name
            text = (folder / "states.js").read_text("utf-8").removeprefix(_OPENING.format(name))
            data = json.loads(text)
            self.files |= {folder / picture for picture in data["pictures"]}
            self.files.add(folder / "states.js")
            board = _board(name, data, _places(data, settings), reading)
            body = body.replace(f"<!-- board {place} -->", board)
        return body


_OPENING = "capkit.boards[{!r}] =\n"


def _plain(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _places(data: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Where the values of some settings stand among those that were drawn."""
    pairs = zip(data["controls"], settings.values(), strict=True)
    return ",".join(str(control["raw"].index(value)) for control, value in pairs)


def _board(name: str, data: Mapping[str, Any], start: str, reading: str) -> str:
    picture = data["pictures"][data["states"][start][0]]
    wide, high = data["size"]
    return (
        f'<div class="board" data-board="{name}" data-folder="pictures/{name}" '
        f'data-start="{start}"><div class="stage">'
        f'<img src="pictures/{name}/{picture}" width="{wide}" height="{high}" '
        f'alt="{_attribute(reading)}">'
        f'<div role="status">{escape(reading, quote=False)}</div></div></div>'
    )


def film(live: Film) -> str:
    """A film, which its script draws."""
    return f'<div class="film">{_data(live.scene)}</div>'


def guess(live: Prediction) -> str:
    """A question, and what the page needs to judge a guess."""
    question = escape(live.question, quote=False)
    data = _data(live.plain())
    return f'<div class="guess"><p>{question}</p>{data}<div role="status"></div></div>'


def _data(data: Any) -> str:
    """Plain data inside a page, which a script reads."""
    text = _plain(data).replace("</", "<\\/")
    return f'<script type="application/json">{text}</script>'


def _code(source: str) -> str:
    from nbconvert.filters.highlight import Highlight2HTML

    to_html: Any = Highlight2HTML
    html = to_html()(source, language="python")
    return f"<details><summary>code</summary>{html}</details>"


def _text(lines: Sequence[str] | str) -> str:
    text = "".join(lines).rstrip()
    return f'<pre class="text" tabindex="0">{escape(text, quote=False)}</pre>' if text else ""


def _attribute(text: str) -> str:
    return escape(" ".join(text.split()))


def markdown(source: str) -> str:
    """Text as HTML; links to lessons lead to their pages, other relative ones to the source."""
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    html = str(markdown2html_mistune(source))
    html = re.sub(r'href="([\w-]+)\.ipynb(#[^"]*)?"', r'href="\1.html\2"', html)
    return re.sub(r'href="(?!https?:|#|[\w-]+\.html)([^"]+)"', rf'href="{SOURCE}\1"', html)
