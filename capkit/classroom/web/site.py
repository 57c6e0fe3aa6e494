"""The folder of pages: a front page, a page for each lesson, and what they share."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from html import escape
from multiprocessing import get_context
from pathlib import Path

from capkit.classroom.copies import LESSONS
from capkit.classroom.web.pages import Page, film, markdown

_HERE = Path(__file__).parent
_ROW = re.compile(r"^\| \[.*?\]\(notebooks/(.+?)\.ipynb\) \| (\d+) \| (.+?) \|$", re.MULTILINE)
_DRAWS = re.compile(r"dashboards\.(?!predict|network)(\w+)\(")


def build(out: str | Path) -> list[Page]:
    """Make the lessons into web pages that need no kernel and ask nothing of the internet.

    Any server can hold the folder, and so can a memory stick. What was in it before is replaced
    if it is such a site.

    Parameters
    ----------
    out : str or Path
        The folder.

    Returns
    -------
    list of Page
        The pages of the lessons; the front page is `index.html`.

    Raises
    ------
    FileExistsError
        If the folder holds something else.
    FileNotFoundError
        If the lessons are not beside `capkit`, as in a clone.
    """
    lessons = sorted(LESSONS.glob("[0-9]*.ipynb"))
    if not lessons:
        raise FileNotFoundError(f"no lessons in {LESSONS}: install capkit from its clone, with -e")
    out = Path(out)
    _clear(out)
    pages = [Page(lesson, out, draws) for lesson, draws in _shared_out(lessons)]
    heaviest = sorted(pages, key=lambda page: -len(page.draws))
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        made = dict(zip([page.name for page in heaviest], pool.map(_made, heaviest), strict=True))
    pages = [made[page.name][0] for page in pages]
    _write_shared(out)
    titles = [title(page.notebook) for page in pages]
    for place, page in enumerate(pages):
        (out / page.name).write_text(
            _lesson(page, made[page.name][1], titles, pages, place), "utf-8"
        )
    (out / "index.html").write_text(_front(pages, titles), "utf-8")
    return pages


def _clear(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        if not (out / "site.js").exists():
            raise FileExistsError(f"out must be a new folder or an earlier site, got {out}")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)


def _shared_out(lessons: list[Path]) -> Iterator[tuple[Path, set[str]]]:
    """Each lesson with the dashboards that it has first, and so draws."""
    drawn: set[str] = set()
    for lesson in lessons:
        mine = set(_DRAWS.findall(lesson.read_text("utf-8"))) - drawn
        drawn |= mine
        yield lesson, mine


def _made(page: Page) -> tuple[Page, str]:
    os.environ["CAPKIT_STILL"] = "1"
    return page, page.body()


def _write_shared(out: Path) -> None:
    from capkit.dashboards.network_dashboard import SCRIPT, STYLE

    player = SCRIPT.replace("export default", "window.capkit.film =")
    start = "window.capkit = { boards: {} };\n"
    (out / "film.js").write_text(f"{start}(() => {{\n{player}\n}})();\n", "utf-8")
    site = (_HERE / "site.js").read_text("utf-8")
    (out / "site.js").write_text(f"(() => {{\n{site}\n}})();\n", "utf-8")
    (out / "site.css").write_text(
        (_HERE / "site.css").read_text("utf-8") + STYLE + _code_style(), "utf-8"
    )


def _code_style() -> str:
    """Colours of code that stand out from the page, light and dark."""
    from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    plain = ".highlight, .highlight pre { background: var(--shade) !important; }"
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{plain}\n"


def title(notebook: Path) -> str:
    """The first heading of a notebook."""
    first = json.loads(notebook.read_text("utf-8"))["cells"][0]
    return re.sub(r"^#\s*(\d+\.\s*)?", "", "".join(first["source"]).splitlines()[0]).strip()


def _lesson(page: Page, body: str, titles: list[str], pages: list[Page], place: int) -> str:
    body = page.finish(body)
    links = ['<a href="index.html">All lessons</a>']
    for word, other in (("Before", place - 1), ("Next", place + 1)):
        if 0 <= other < len(pages):
            name = escape(titles[other], quote=False)
            links.append(f'<a href="{pages[other].name}">{word}: {name}</a>')
    boards = dict.fromkeys(name for name, *_ in page.boards)
    scripts = [f"pictures/{name}/states.js" for name in boards]
    return _page(titles[place], body, links, scripts)


def _page(name: str, body: str, links: list[str], scripts: list[str]) -> str:
    loaded = "\n".join(
        f'<script src="{each}"></script>' for each in ["film.js", *scripts, "site.js"]
    )
    nav = "".join(links)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(name, quote=False)} - capkit</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="site.css">
</head>
<body>
<header><nav aria-label="lessons">{nav}</nav></header>
<main>
{body}
</main>
<footer><nav aria-label="lessons, again">{nav}</nav></footer>
{loaded}
</body>
</html>
"""


_TITLE = "# The CAP theorem, to play with"
_WHAT = """A website keeps its data on several computers. While the network between them is cut, it
must leave some requests unanswered, or give some answers that are out of date. That is the **CAP
theorem**: of *consistency* (every answer is the latest) and *availability* (every request is
answered), a cut leaves you one.

Press **Play**. A circle is a node with what it holds, a dot is a message. While the cable is cut,
what should node 2 tell its client?
"""
_LESSONS = """## The lessons

Each can be read alone, here or in Jupyter, where you can change everything:
[how to get it](https://github.com/capkit/capkit).
"""


def _front(pages: list[Page], titles: list[str]) -> str:
    from capkit import CPStore, dashboards

    rows = {name: (minutes, can) for name, minutes, can in _ROW.findall(_readme())}
    cards = []
    for page, name in zip(pages, titles, strict=True):
        minutes, can = rows.get(page.notebook.stem, ("", ""))
        words = (
            f"<p>{minutes} minutes. After it you can {escape(can, quote=False)}.</p>" if can else ""
        )
        number = page.notebook.stem[:2]
        link = f'<a href="{page.name}">{number} {escape(name, quote=False)}</a>'
        cards.append(f"<li><h3>{link}</h3>{words}</li>")
    shown = f"<div>{markdown(_WHAT)}</div>{film(dashboards.network(CPStore))}"
    body = [markdown(_TITLE), f'<div class="front">{shown}</div>', markdown(_LESSONS)]
    body.append(f'<ul class="cards">{"".join(cards)}</ul>')
    return _page(
        "The CAP theorem",
        "\n".join(body),
        ['<a href="https://github.com/capkit/capkit">The project</a>'],
        [],
    )


def _readme() -> str:
    path = LESSONS.parent / "README.md"
    return path.read_text("utf-8") if path.exists() else ""


def weights(pages: list[Page]) -> dict[str, int]:
    """Bytes that each page may load, whatever its controls show, and those of the whole site."""
    out = pages[0].out
    shared = sum((out / name).stat().st_size for name in ("film.js", "site.js", "site.css"))
    loads = {
        page.name: shared
        + (out / page.name).stat().st_size
        + sum(f.stat().st_size for f in page.files)
        for page in pages
    }
    every = (path for path in out.rglob("*") if path.is_file())
    return loads | {"everything": sum(path.stat().st_size for path in every)}
