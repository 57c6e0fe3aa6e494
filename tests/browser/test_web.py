"""The lessons as web pages: opened from a folder, with no kernel and no network."""

import io
import json
import os
import random
import re
import time
from contextlib import redirect_stdout
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from support.eyes import grave
from support.rooms import until

from capkit import __main__, dashboards
from capkit.classroom.copies import LESSONS

pytestmark = pytest.mark.browser

NAMES = sorted(path.stem for path in LESSONS.glob("[0-9]*.ipynb"))
PAGES = ["index", *NAMES]
A_LESSON, ALL = 5e6, 30e6  # bytes
LONGEST = 2 * 180  # seconds: three minutes of two cores, whoever else uses them


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder, what its pages weigh, and the seconds that it took, waited and worked."""
    out, printed = tmp_path_factory.mktemp("web") / "site", io.StringIO()
    before, began = os.times(), time.monotonic()
    with redirect_stdout(printed):
        assert __main__.main(["web", str(out)]) == 0
    after = os.times()
    waited = time.monotonic() - began
    used = sum(after[:4]) - sum(before[:4])  # of this process and those that it started
    found = re.findall(r"^ *([\d.]+) MB  (.+)$", printed.getvalue(), re.MULTILINE)
    return out, {name: float(size) * 1e6 for size, name in found}, (waited, used)


@pytest.fixture
def offline(page, site):
    """A page that may load files of the site and nothing else, and that must not complain."""
    wrong = []

    def let(way):
        if way.request.url.startswith((site[0].as_uri(), "data:")):
            way.continue_()
        else:
            wrong.append(way.request.url)
            way.abort()

    page.route("**/*", let)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.context.set_offline(True)
    page.set_default_timeout(20_000)
    yield page
    page.context.set_offline(False)
    assert wrong == []


CHECKS = {"preload": False}  # it would ask for the style sheet again, which no file:// page may do


def visit(page, site, name):
    page.goto((site[0] / f"{name}.html").as_uri())


def test_the_whole_site_is_built_in_time_and_weighs_what_it_may(site, tell):
    _, weights, (waited, used) = site
    tell(f"built in {waited:.0f} s, {used:.0f} s of a core")
    tell("".join(f"\n{size / 1e6:6.2f} MB {name}" for name, size in weights.items()))
    assert used <= LONGEST
    assert set(weights) == {f"{name}.html" for name in NAMES} | {"everything"}
    assert weights.pop("everything") <= ALL
    assert {name: size for name, size in weights.items() if size > A_LESSON} == {}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_valid_html(site, name):
    text = (site[0] / f"{name}.html").read_text("utf-8")
    html5lib.HTMLParser(strict=True).parse(text)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_complete_and_accessible_without_a_network(offline, site, name):
    visit(offline, site, name)
    assert offline.locator("h1").count() == 1
    for image in offline.locator("img").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
        assert len(image.get_attribute("alt")) > 20
    for link in offline.locator("a[href]").all():
        target = link.get_attribute("href").partition("#")[0]
        assert target.startswith("https://") or (site[0] / target).exists()
    for scheme in ("light", "dark"):
        offline.emulate_media(color_scheme=scheme)
        assert grave(offline, context=None, options=CHECKS) == []


def words_of(html):
    """All that a page says, in text and in place of pictures, with single spaces."""
    alts = [each.get("alt") for each in html.iter("img")]
    return " ".join(" ".join([*html.itertext(), *filter(None, alts)]).split())


def printed(cell):
    """What a cell of a notebook printed, and the words of what it drew."""
    for out in cell["outputs"]:
        words = out.get("text") or out.get("data", {}).get("text/plain", ())
        yield from map(str.strip, "".join(words).removesuffix(" No guess yet.").splitlines())


def parsed(site, name):
    text = (site[0] / f"{name}.html").read_text("utf-8")
    return html5lib.parse(text, namespaceHTMLElements=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_all_that_its_notebook_shows(site, name):
    """Also what cells printed that were not run here, for no dashboard comes after them."""
    cells = json.loads((LESSONS / f"{name}.ipynb").read_text("utf-8"))["cells"]
    html = parsed(site, name)
    words, films = words_of(html), 0
    for cell in (each for each in cells if each["cell_type"] == "code"):
        source = "".join(cell["source"])
        films += (film := "dashboards.network(" in source)
        lines = [] if film or source.startswith("check(") else printed(cell)
        assert [line for line in lines if " ".join(line.split()) not in words] == []
    assert len([each for each in html.iter("div") if each.get("class") == "film"]) == films
    headings = [len(list(html.iter(f"h{depth}"))) for depth in (2, 3)]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    assert headings == [len(re.findall(rf"^#{{{n}}} ", text, re.MULTILINE)) for n in (2, 3)]


def test_the_front_page_has_a_card_for_each_lesson(site):
    [cards] = [each for each in parsed(site, "index").iter("ul") if each.get("class") == "cards"]
    words = [" ".join(" ".join(card.itertext()).split()) for card in cards]
    assert [card.find(".//a").get("href") for card in cards] == [f"{name}.html" for name in NAMES]
    assert [
        each for each in words if not re.search(r" \d+ minutes. After it you can \w", each)
    ] == []


@pytest.mark.parametrize("name", NAMES)
def test_code_is_folded_and_an_exercise_says_where_it_can_be_done(site, name):
    html = parsed(site, name)
    folded = list(html.iter("details"))
    assert folded
    assert [each for each in folded if each.get("open") is not None] == []
    cells = json.loads((LESSONS / f"{name}.ipynb").read_text("utf-8"))["cells"]
    checks = sum("".join(cell["source"]).startswith("check(") for cell in cells)
    notes = [each for each in html.iter("p") if each.get("class") == "needs"]
    assert len(notes) == checks > 0
    for note in notes:
        hosts = {urlsplit(link.get("href")).hostname for link in note.iter("a")}
        assert {"mybinder.org", "colab.research.google.com"} <= hosts


@pytest.mark.parametrize("name", PAGES)
def test_a_link_into_a_page_leads_to_what_is_there(site, name):
    for link in parsed(site, name).iter("a"):
        page, _, place = link.get("href", "").partition("#")
        if place and not page.startswith("https://"):
            there = parsed(site, page.removesuffix(".html") or name)
            assert {place, unquote(place)} & {each.get("id") for each in there.iter()}


def seen(board):
    image = board.locator("img")
    image.evaluate("image => image.decode()")
    return image.get_attribute("src"), board.locator("[role=status]").inner_text()


def boards(page):
    return page.locator(".board").all()


WITH_BOARDS = [name for name in NAMES if "dashboards." in (LESSONS / f"{name}.ipynb").read_text()]


@pytest.mark.parametrize("name", WITH_BOARDS)
def test_every_control_of_every_dashboard_changes_picture_and_sentence(offline, site, name):
    visit(offline, site, name)
    for board in boards(offline):
        reset = board.get_by_role("button", name="Reset", exact=True)
        assert board.locator("input:disabled, select:disabled").count() == 0
        for slider in board.locator("input[type=range]").all():
            reset.click()
            changes(board, lambda: move(slider))  # noqa: B023
        for button in board.locator(".choice button:not([aria-pressed=true])").all():
            reset.click()
            changes(board, button.click)
        for menu in board.locator("select").all():
            reset.click()
            changes(board, lambda: choose(menu))  # noqa: B023
        for story in board.locator(".stories button").all()[1:]:
            reset.click()
            start = seen(board)
            story.click()
            assert (seen(board) != start) or story.inner_text() in same_as_start(board)


@pytest.mark.parametrize("name", WITH_BOARDS)
def test_both_ends_of_each_slider_and_all_of_each_list_are_reached_by_the_keyboard(
    offline, site, name
):
    visit(offline, site, name)
    for board in boards(offline):
        for slider in board.locator("input[type=range]").all():
            board.get_by_role("button", name="Reset", exact=True).press("Enter")
            ends = [at_end(board, slider, key) for key in ("Home", "End")]
            assert ends[0] != ends[1]
        for menu in board.locator("select").all():
            board.get_by_role("button", name="Reset", exact=True).press("Enter")
            menu.press("Home")
            count = menu.locator("option").count()
            found = [(seen(board), menu.press("ArrowDown"))[0] for _ in range(count)]
            assert len(set(found)) == count


def at_end(board, slider, key):
    slider.press(key)
    end = "min" if key == "Home" else "max"
    assert slider.evaluate(f"each => each.value === each.{end}")
    return seen(board)


def same_as_start(board):
    """The stories that are the start itself."""
    data = board.evaluate("each => window.capkit.boards[each.dataset.board]")
    start = [int(each) for each in board.get_attribute("data-start").split(",")]
    return [label for label, to in data["stories"] if keep(data, to, start) == start]


def keep(data, to, start):
    return [start[i] if i in data["keep"] else place for i, place in enumerate(to)]


def changes(board, act):
    before = seen(board)
    act()
    after = seen(board)
    assert after[0] != before[0]
    assert after[1] != before[1]


def move(slider):
    at, most = slider.evaluate("each => [Number(each.value), Number(each.max)]")
    slider.press("ArrowRight" if at < most else "ArrowLeft")


def choose(menu):
    at = menu.evaluate("menu => menu.selectedIndex")
    menu.select_option(index=0 if at else 1)


def test_the_sentence_is_that_of_the_live_dashboard_at_ten_random_settings(site):
    """And so is every setting: the page's values are those of the live controls."""
    drawn = sorted((site[0] / "pictures").glob("*/states.js"))
    assert drawn
    for path in drawn:
        name = path.parent.name
        data = json.loads(path.read_text("utf-8").partition("=\n")[2])
        board = getattr(dashboards, name)()
        for control, each in zip(data["controls"], board.controls.values(), strict=True):
            if control["kind"] == "slider":  # the end of one may depend on where another stands
                assert control["raw"][0] <= each.min
                assert control["raw"][-1] >= each.max
        for key in random.Random(7).sample(sorted(data["states"]), 10):
            places = map(int, key.split(","))
            values = [c["raw"][place] for c, place in zip(data["controls"], places, strict=True)]
            board.set(**dict(zip(board.controls, values, strict=True)))
            assert data["states"][key][1] == board.reading


@pytest.mark.parametrize("name", NAMES)
def test_a_guess_gets_its_answer_and_no_answer_is_seen_before(offline, site, name):
    visit(offline, site, name)
    for guess in offline.locator(".guess").all():
        data = json.loads(guess.locator("script").text_content())
        assert guess.locator("[role=status]").inner_text() == ""
        give = guess.get_by_role("button", name="That is my guess")
        give.click()
        assert "first" in guess.locator("[role=status]").inner_text()
        if data["options"]:
            for option, verdict in data["options"]:
                guess.get_by_role("button", name=option, exact=True).click()
                give.click()
                assert guess.locator("[role=status]").inner_text() == verdict.strip()
        else:
            guess.locator("input").fill(str(data["answer"]))
            guess.locator("input").press("Enter")
            assert ". Right: it is " in guess.locator("[role=status]").inner_text()


@pytest.mark.parametrize("typed", ["0.757", "75.7 %", "3/4", "60", "71", "101", "many", "1e5", ""])
@pytest.mark.parametrize("answer, unit", [(75.7, "%"), (0.757, ""), (1515, "ms"), (1e-5, "")])
def test_a_number_is_judged_as_in_the_notebook(page, site, typed, answer, unit):
    from capkit.classroom.web.pages import guess

    live = dashboards.predict("How much?", answer, unit=unit, because="So it is.")
    script = (site[0] / "site.js").read_text("utf-8")
    page.set_content(f"<main>{guess(live)}</main><script>window.capkit={{}};{script}</script>")
    page.locator(".guess input").fill(typed)
    page.locator(".guess input").press("Enter")
    live._field.value = typed
    live._taken()
    assert page.locator(".guess [role=status]").inner_text() == live._sentence.text


@pytest.mark.parametrize("name", ["index", "00-start-here", "04-cp"])
def test_the_film_plays_on_a_page(offline, site, name):
    visit(offline, site, name)
    film = offline.locator(".capkit-film").first
    time = film.evaluate("each => each.film.time")
    film.get_by_role("button", name="Play").click()
    until(lambda: film.evaluate("each => each.film.time") > time + 10, "time passes", 20)


LOADED = """() => Promise.all([...document.images].map(image => {
  image.loading = 'eager';
  return image.decode();
}))"""
# Halfway between two moments of a film, that far on in the list of them.
BETWEEN = """({film}, part) => {
  const times = film.scene.moments.map(([at]) => at);
  const place = 1 + Math.floor(part * (times.length - 1));
  film.seek((times[place - 1] + times[place]) / 2);
}"""


@pytest.mark.parametrize("name", ["00-start-here", "04-cp"])
def test_five_pictures_of_the_films_to_be_looked_at(offline, site, screenshots, name):
    """As the lesson shows them, light and dark, from the first message to the last answer."""
    for scheme in ("light", "dark"):
        offline.emulate_media(color_scheme=scheme)
        visit(offline, site, name)
        offline.evaluate(LOADED)
        film = offline.locator(".capkit-film").first
        shots = set()
        for number in range(5):
            film.evaluate(BETWEEN, number / 5)
            shots.add(film.screenshot(path=screenshots / f"film-{name}-{scheme}-{number}.png"))
        assert len(shots) == 5


@pytest.mark.parametrize("wide, high", [(1400, 1000), (1280, 720), (390, 844)])
def test_the_whole_film_of_the_front_page_is_seen_at_once(offline, site, screenshots, wide, high):
    """On a phone below the text, else with its controls beside it."""
    offline.set_viewport_size({"width": wide, "height": high})
    for scheme in ("light", "dark"):
        offline.emulate_media(color_scheme=scheme)
        visit(offline, site, "index")
        film = offline.locator(".capkit-film")
        film.evaluate(BETWEEN, 0.5)
        offline.screenshot(path=screenshots / f"front-{wide}-{scheme}.png", full_page=wide < high)
        assert offline.evaluate("document.documentElement.scrollWidth") <= wide
        assert film.evaluate("each => each.scrollWidth <= each.clientWidth")
        box = film.bounding_box()
        assert box["height"] <= high if wide < high else box["y"] + box["height"] <= high


@pytest.mark.parametrize("name", NAMES)
def test_exercises_say_that_they_need_jupyter(offline, site, name):
    visit(offline, site, name)
    wanted = (LESSONS / f"{name}.ipynb").read_text("utf-8").count('"check(')
    assert offline.locator(".needs").count() == wanted
    assert offline.get_by_text("No answer yet").count() == 0


def test_pages_to_be_looked_at(offline, site, screenshots):
    for scheme in ("light", "dark"):
        offline.emulate_media(color_scheme=scheme)
        for name in PAGES:
            visit(offline, site, name)
            offline.screenshot(path=screenshots / f"web-{name}-{scheme}.png", full_page=True)


def test_it_never_overwrites_a_folder_of_somebody_else(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("two years of work")
    assert __main__.main(["web", str(tmp_path)]) == 1
    assert "out must be a new folder" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
