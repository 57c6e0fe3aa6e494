"""What a class sees: every notebook in JupyterLab, Notebook 7 and Voila, and without a kernel."""

import re
from functools import partial

import nbformat
import pytest
from support import ROOT
from support.eyes import grave
from support.hands import changes, picture, reading, sliders, step, try_guesses
from support.rooms import DASHBOARD, dashboards_in, until, visit

from capkit import exercises
from capkit.dashboards.typed import short

NAMES = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
# Film, guesses, timelines and dashboards: enough to see that another room works as JupyterLab does.
SMOKE = ["00-start-here.ipynb", "03-ca.ipynb"]

pytestmark = pytest.mark.browser


def count(name):
    return dashboards_in(nbformat.read(ROOT / "notebooks" / name, as_version=4).cells)


def asked_in(name):
    """Names of the questions that a lesson takes from capkit.exercises."""
    text = "\n".join(
        cell.source for cell in nbformat.read(ROOT / "notebooks" / name, as_version=4).cells
    )
    return re.findall(r'^predict\("(.+)"\)$', text, re.MULTILINE)


def shown(page, name):
    """All dashboards of a notebook, once each shows a picture."""
    boards = page.locator(DASHBOARD)
    until(lambda: boards.count() == count(name), f"{count(name)} dashboards are shown", 120)
    for board in boards.all():
        until(lambda: picture(board) and reading(board), "the picture is shown")  # noqa: B023
    return boards.all()


def try_dashboards(page, name):
    """Move a slider of each; how every one of them moves is seen where they stand alone."""
    for board in shown(page, name):
        last = sliders(board)[-1]
        changes(board, last, partial(step, page, last))


@pytest.mark.parametrize("name", NAMES)
def test_every_notebook_runs_and_every_guess_and_dashboard_answers(page, lab, name):
    """After Run All each guess has its own answer, and each dashboard moves."""
    visit(page, "lab", lab, name)
    assert grave(page) == []
    answers = try_guesses(page)
    for asked in asked_in(name):
        wanted = exercises.predict(asked)
        shown_answer = wanted.answer if wanted._options else short(wanted.answer)
        assert answers.pop(wanted._question).startswith(shown_answer)
    try_dashboards(page, name)


@pytest.mark.parametrize("name", SMOKE)
@pytest.mark.parametrize("app", ["notebook", "voila"])
def test_other_rooms_show_the_same_dashboards(page, request, app, name):
    visit(page, app, request.getfixturevalue(app), name)
    try_dashboards(page, name)
    assert grave(page) == []
    if app == "voila":
        assert page.locator(".jp-CodeCell .jp-InputArea:visible").count() == 0
        text = page.locator("body").inner_text()
        assert "Exercises" not in text
        assert "grey box" not in text


@pytest.mark.parametrize("name", NAMES)
def test_without_a_kernel_every_picture_is_there_and_has_words(page, tmp_path, name):
    """As GitHub and nbviewer show it: each dashboard is a picture, and its alt text the reading."""
    from nbconvert import HTMLExporter

    html, _ = HTMLExporter(embed_images=True).from_filename(ROOT / "notebooks" / name)
    (tmp_path / "page.html").write_text(html, "utf-8")
    page.route(
        "**/*", lambda way: way.abort() if way.request.url.startswith("http") else way.continue_()
    )
    page.goto((tmp_path / "page.html").as_uri(), wait_until="domcontentloaded")
    images = page.locator(".jp-OutputArea img").all()
    assert len(images) >= count(name)
    for image in images:
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
        assert len(image.get_attribute("alt")) > 20
    assert page.get_by_text("Error displaying widget").count() == 0
