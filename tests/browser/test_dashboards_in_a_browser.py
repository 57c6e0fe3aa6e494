"""Every dashboard alone on a page, under the hands and before the eyes of everybody in the room."""

from functools import partial
from pathlib import Path

import pytest
from support.boards import ALONE
from support.hands import (
    BURST,
    SETTLED,
    changes,
    painted,
    picture,
    reading,
    reset,
    sliders,
    step,
    try_everything,
)
from support.rooms import DASHBOARD, room, until, visit, write

pytestmark = pytest.mark.browser

ALL = """\
from capkit import dashboards
dashboards.{}()"""
BROKEN = """\
from capkit.dashboards import dashboard
from capkit.plots import drawing
[panel] = drawing.panels()
def draw(settings):
    panel.set_title("drawn")
    return [panel.title], f"n is {1 / (settings['n'] - 3):.2f}."
dashboard.Dashboard(panel.figure, {"n": dashboard.slider("n", 1, 1, 5, 1, "any")}, draw, {})"""
DEAF = """\
board = dashboards.failure()
board.unobserve_all()
for control in board._controls.values():
    control.unobserve_all("value")
board"""


MAKERS = list(ALONE)
ASKED = 'dashboards.predict("How many?", lambda: 6 * 7, unit="nodes")'


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A JupyterLab with one notebook for each dashboard, a broken one, a deaf one, a question."""
    folder = tmp_path_factory.mktemp("stage")
    sources = {name: ALL.format(name) for name in MAKERS}
    sources |= {"broken": BROKEN, "deaf": f"from capkit import dashboards\n{DEAF}"}
    sources["asked"] = f"from capkit import dashboards\n{ASKED}"
    for name, source in sources.items():
        write(folder / f"{name}.ipynb", source)
    with room("lab", folder, tmp_path_factory.mktemp("room")) as address:
        yield address


def alone(page, stage, name):
    """The one dashboard of a notebook of the stage."""
    visit(page, "lab", stage, f"{name}.ipynb")
    board = page.locator(DASHBOARD)
    until(lambda: board.count() and picture(board) and reading(board), "the dashboard is shown")
    return board


@pytest.fixture(scope="module", params=MAKERS)
def board(request, browser, stage):
    """Each dashboard, alone on a page, for all tests that take it one after the other."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield alone(page, stage, request.param)
    page.close()


@pytest.fixture(autouse=True)
def _from_the_start(request):
    """What one test does to a dashboard, the next does not see."""
    yield
    if "board" in request.fixturenames:
        reset(request.getfixturevalue("board"))


def name_of(board):
    return board.page.url.rpartition("/")[2].partition(".")[0]


def test_every_slider_list_and_button_answers(board):
    try_everything(board.page, board)


def test_a_burst_of_keys_leaves_no_queue_and_ends_on_the_last_value(board, tell):
    """After a hundred key presses only what was under way is drawn, and the last of them."""
    name = name_of(board)
    seen = board.evaluate(BURST)
    tell(f"{name}: {seen['drawn']} pictures, the last {seen['late']:.0f} ms after the last key")
    assert 1 <= seen["drawn"] <= 100
    assert seen["after"] <= 4
    said, handle = reading(board), sliders(board)[-1]
    lowest = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin")
    away, back = ("ArrowRight", "ArrowLeft") if lowest else ("ArrowLeft", "ArrowRight")
    handle.press(away)
    until(lambda: reading(board) != said, "another place has another reading")
    handle.press(back)
    until(lambda: reading(board) == said, "the same place has the same reading")
    assert handle.get_attribute("aria-valuetext") == seen["value"]


def test_no_frame_is_blank_while_a_slider_moves(board):
    page = board.page
    last = sliders(board)[-1]
    changes(board, last, partial(step, page, last, large=False))

    def move():
        for _ in range(6):
            changes(board, last, partial(step, page, last))

    inks = painted(page, board, move)
    assert len(inks) > 6
    assert min(inks) > 0.3 * max(inks)


def test_what_goes_wrong_is_shown_where_the_class_is_looking(page, stage):
    board = alone(page, stage, "broken")
    [handle] = sliders(board)
    for wanted in ("n is -1.00.", "ZeroDivisionError: division by zero", "n is 1.00."):
        step(page, handle, large=False)
        until(lambda: reading(board) == wanted, f"the reading is {wanted!r}")  # noqa: B023
        assert board.locator(".capkit-wrong").count() == ("Error" in wanted)


def test_a_dashboard_that_does_not_answer_makes_these_tests_red(page, stage):
    board = alone(page, stage, "deaf")
    with pytest.raises(AssertionError, match="in vain until the picture changes"):
        try_everything(page, board, seconds=2)


def test_the_result_appears_only_beside_a_guess(page, stage):
    visit(page, "lab", stage, "asked.ipynb")
    status = page.locator(".capkit-dashboard [role=status]")
    button = page.get_by_role("button", name="That is my guess")
    button.click()
    until(lambda: "Write a number first" in status.inner_text(), "a guess is asked for")
    assert "42" not in page.locator(".capkit-dashboard").inner_text()
    page.get_by_role("textbox", name="your guess").fill("40")
    button.click()
    result = "Your guess: 40 nodes. Close, within 10 %: it is 42 nodes."
    until(lambda: status.inner_text() == result, "the result")


# For everybody in the room.

# Contrast of every text with what lies behind it, in the formula of the WCAG.
CONTRASTS = """board => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(board, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    const pair = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    found.push([walk.currentNode.textContent.trim(), ratio]);
  }
  return found;
}"""
ROOM = """board => {
  const panel = board.closest('.jp-WindowedPanel-outer, .jp-Notebook').getBoundingClientRect();
  const box = board.getBoundingClientRect();
  const wide = [...board.querySelectorAll('*')].filter(each => !each.closest('select'))
    .filter(each => each.getBoundingClientRect().right > panel.right + 1);
  return {high: box.height, room: panel.height, wide: wide.map(each => each.className)};
}"""
TOP = "board => board.scrollIntoView({block: 'start'})"
THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"


def test_a_dashboard_fits_a_small_projector_in_light_and_dark(board, screenshots):
    """At 1280 x 720 all of it is seen at once, and every text has a contrast of 4.5 : 1."""
    page, name = board.page, name_of(board)
    for theme in ("Light", "Dark"):
        page.evaluate(THEME, f"JupyterLab {theme}")
        themed = f"body[data-jp-theme-name='JupyterLab {theme}']"
        page.wait_for_selector(themed, state="attached")
        page.wait_for_selector("#jupyterlab-splash", state="detached")
        board.evaluate(TOP)
        page.screenshot(path=Path(screenshots, f"{name}-{theme.lower()}.png"))
        space = board.evaluate(ROOM)
        assert space["high"] <= space["room"]
        assert space["wide"] == []
        found = board.evaluate(CONTRASTS)
        assert len(found) > 5
        assert [each for each in found if each[1] < 4.5] == []
    page.evaluate(THEME, "JupyterLab Light")


@pytest.mark.parametrize("key, end", [("PageDown", "min"), ("PageUp", "max")])
def test_all_is_seen_at_once_with_every_slider_at_its_end(board, key, end):
    """By the keyboard, for each option of each list; the picture still has its words.

    Not by End: of a slider whose limit has moved, that key goes to where the limit was at first.
    """
    for _ in every_choice(board):
        until(partial(all_at_ends, board, key, end), f"{key} reaches every end")
        assert not board.locator(".capkit-wrong").count(), reading(board)
        assert board.locator("img").get_attribute("alt") == reading(board)
        space = board.evaluate(ROOM)
        assert (space["wide"], space["high"] <= space["room"]) == ([], True), reading(board)


def every_choice(board):
    """Choose each option of each list in turn, as those stand that the choices before have left."""
    lists = board.locator("select").all()
    for menu in lists:
        for label in menu.locator("option").all_inner_texts():
            menu.select_option(label)
            board.evaluate(SETTLED)
            yield
    if not lists:
        yield


def all_at_ends(board, key, end):
    """Press a key at each slider until it is at its end, and say whether it is still there then.

    Where one slider stands, the end of another may depend on it.
    """
    for handle in sliders(board):
        until(lambda: handle.press(key) or at_end(handle, end), f"{key} reaches the end")  # noqa: B023
    board.evaluate(SETTLED)
    return all(at_end(handle, end) for handle in sliders(board))


def at_end(handle, end):
    return handle.get_attribute("aria-valuenow") == handle.get_attribute(f"aria-value{end}")


FOCUSED = "() => document.activeElement.outerHTML"


def test_every_control_has_a_name_and_is_reached_by_the_keyboard(board):
    page = board.page
    handles = board.get_by_role("slider").all()
    assert handles
    for handle in handles:
        assert handle.get_attribute("aria-label")
        assert handle.get_attribute("aria-description")
    assert board.locator("img").get_attribute("alt") == reading(board)
    for group in board.locator(".widget-toggle-buttons").all():
        assert group.get_attribute("aria-label")
        assert group.locator("[aria-pressed=true]").count() == 1
    for menu in board.locator("select").all():
        assert menu.evaluate("menu => menu.labels.length")
    wanted = board.locator(".noUi-handle, select, button").count()
    board.locator(".noUi-handle, select, button").first.focus()
    reached = set()
    for _ in range(2 * wanted + 2):
        reached.add(page.evaluate(FOCUSED))
        page.keyboard.press("Tab")
    everything = board.locator(".noUi-handle, select, button").evaluate_all(
        "all => all.map(each => each.outerHTML)"
    )
    assert set(everything) <= reached
