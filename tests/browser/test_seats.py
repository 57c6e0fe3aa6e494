"""Where people sit: at a small laptop with the side panel open, or far from a small projector."""

import pytest
from support.boards import ALONE
from support.hands import picture, reading
from support.rooms import DASHBOARD, PATHS, room, until, visit, write

pytestmark = pytest.mark.browser

BEGIN = {
    "usual": "from capkit import dashboards",
    "classroom": "from capkit import dashboards, plots\nplots.classroom()",
}
# Boxes of a dashboard's parts and of the part of the page in which it is seen.
BOXES = """board => {
  const box = part => {
    const {left, top, right, bottom, width, height} = part.getBoundingClientRect();
    return {left, top, right, bottom, width, height};
  };
  board.scrollIntoView({block: 'start'});
  return {
    seen: box(board.closest('.jp-WindowedPanel-outer, .jp-Notebook')),
    board: box(board),
    picture: box(board.querySelector('img')),
    sentence: box(board.querySelector('[role=status]')),
    controls: [...board.querySelectorAll('.noUi-handle, select, button')].map(box),
  };
}"""
WIDER = "() => new Promise(resolve => setTimeout(resolve, 300))"  # a page is laid out again


@pytest.fixture(scope="module")
def seats(tmp_path_factory):
    """A JupyterLab with one notebook of all dashboards, and one of them as for a classroom."""
    folder = tmp_path_factory.mktemp("seats")
    for name, begin in BEGIN.items():
        write(folder / f"{name}.ipynb", begin, *(f"dashboards.{each}()" for each in ALONE))
    with room("lab", folder, tmp_path_factory.mktemp("room")) as address:
        yield address


def boards_of(page, seats, name):
    """All dashboards of a notebook by their names."""
    visit(page, "lab", seats, f"{name}.ipynb")
    boards = page.locator(DASHBOARD)
    until(lambda: boards.count() == len(ALONE), "all dashboards are shown", 120)
    for board in boards.all():
        until(lambda: picture(board) and reading(board), "the picture is shown", 180)  # noqa: B023
    return dict(zip(ALONE, boards.all(), strict=True))


def at_size(page, board, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(WIDER)
    return board.evaluate(BOXES)


def test_with_the_side_panel_open_controls_and_sentence_are_in_view_together(
    browser, seats, screenshots, monkeypatch
):
    """On a laptop of 1366 x 650 the sentence stands above the picture."""
    monkeypatch.setitem(PATHS, "lab", "lab/tree/{}?reset")
    page = browser.new_page(viewport={"width": 1366, "height": 650})
    for name, board in boards_of(page, seats, "usual").items():
        boxes = at_size(page, board, 1366, 650)
        page.screenshot(path=screenshots / f"{name}-beside-the-panel.png")
        assert boxes["seen"]["left"] > 250, "the side panel is open"
        for part in (boxes["sentence"], *boxes["controls"]):
            assert boxes["seen"]["top"] - 1 <= part["top"], name
            assert part["bottom"] <= boxes["seen"]["bottom"] + 1, name
            assert part["right"] <= boxes["seen"]["right"] + 1, name
        assert boxes["sentence"]["bottom"] <= boxes["picture"]["top"] + 1
        assert boxes["picture"]["width"] == 900
    page.close()


def test_in_a_classroom_a_picture_is_as_large_as_the_window_lets_it(browser, seats, screenshots):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    for name, board in boards_of(page, seats, "classroom").items():
        small = at_size(page, board, 1280, 720)
        page.screenshot(path=screenshots / f"{name}-classroom.png")
        assert small["board"]["height"] <= small["seen"]["height"], name
        assert small["board"]["right"] <= small["seen"]["right"], name
        assert small["picture"]["width"] >= 900, name
        large = at_size(page, board, 1920, 1080)
        assert large["board"]["height"] <= large["seen"]["height"], name
        assert large["picture"]["width"] == pytest.approx(1080, abs=1), name
        assert max(each["left"] for each in large["controls"]) < large["picture"]["left"], name
        proportions = [
            each["picture"]["height"] / each["picture"]["width"] for each in (small, large)
        ]
        assert proportions[0] == pytest.approx(proportions[1], rel=0.01)
    page.close()
