"""The film in a browser: it says at every moment what the history says, and plays by itself."""

import bisect
import itertools
import json
import math
import statistics
from pathlib import Path

import pytest
from support.rooms import room, until, visit, write

from capkit import (
    APStore,
    CAStore,
    CPStore,
    Crash,
    Network,
    Node,
    Partition,
    Workload,
    dashboards,
    run,
)
from capkit.adversary import prove
from capkit.consistency import stale
from capkit.dashboards.network_dashboard import SCRIPT, STYLE

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><meta charset="utf-8"><title>film</title>
<style>body {{ --jp-layout-color1: {paper}; --jp-content-font-color1: {ink};
background: {paper}; color: {ink} }} {style}</style>
<main id="film"></main>
<script>(() => {{ {script} }})();
film.render({{model: {{get: () => ({scene})}}, el: document.getElementById("film")}});</script>"""
FAULTS = [
    Partition(at=100, until=250, groups=[{0, 1}]),
    Crash(at=300, until=380, node=2),
]
# What a page says: who holds what, which messages are where, what each client does.
SAYS = """time => {
  const root = document.querySelector('.capkit-film');
  if (time !== null) root.film.seek(time);
  const all = (query, read) => [...root.querySelectorAll(query)].map(read);
  return {
    time: root.film.time,
    held: all('.node', node => node.dataset.held),
    cut: all('.cable:not([data-cut=""])', cable => cable.dataset.cable),
    ways: all('.cable:not([data-cut=""])', cable => cable.dataset.cut),
    cursor: Number(root.querySelector('.cursor').getAttribute('d').match(/[\\d.]+/)[0]),
    flying: all('.message', ({dataset: {from, to, label, lost, gone}}) =>
      [Number(from), Number(to), label, lost, gone === 'true']),
    clients: all('.client', client => [client.dataset.look, client.lastChild.textContent]),
    sentence: root.querySelector('[role=status]').textContent,
    words: root.querySelector('svg').getAttribute('aria-label'),
  };
}"""


def show(page, film, dark=False):
    """A page with the film alone."""
    ink, paper = ("#eeeeee", "#111111") if dark else ("#222222", "#ffffff")
    script = SCRIPT.replace("export default", "window.film =")
    scene = json.dumps(film.scene)
    page.set_content(PAGE.format(ink=ink, paper=paper, style=STYLE, script=script, scene=scene))
    return page.locator(".capkit-film")


def traced(make):
    store = make([Node(i) for i in range(5)], Network(loss=0.1, rng=7))
    traffic = Workload(clients=5, duration=400, rate=8, timeout=100, rng=7)
    return run(store, traffic, FAULTS, trace=True)


def between(history):
    """A moment between each two at which anything happens."""
    times = {0.0, *history.invoked, *history.completed, *(copy.at for copy in history.copies)}
    for message in history.messages:
        times |= {message.sent, message.arrived}
    times = sorted(time for time in times if math.isfinite(time))
    return [(a + b) / 2 for a, b in itertools.pairwise(times) if b - a > 0.01]


def held(history, node, time):
    copies = sorted((c for c in history.copies if c.node == node), key=lambda copy: copy.at)
    place = bisect.bisect([copy.at for copy in copies], time)
    return " | ".join(map(str, copies[place - 1].values)) if place else ""


def looks(history, client, time):
    """What the client that asked last is seen to do."""
    rows = [i for i, o in enumerate(history) if o.client == client and o.invoked <= time]
    if not rows:
        return "idle"
    operation = history[rows[-1]]
    if time < operation.completed:
        return "waits"
    return "stale" if stale(history)[rows[-1]] >= 0 else operation.outcome.value


@pytest.mark.parametrize("make", [CAStore, CPStore, APStore])
def test_the_page_says_at_every_moment_what_the_history_says(page, make):
    history = traced(make)
    film = dashboards.network(history)
    show(page, film)
    sent = [m for m in history.messages if m.source != m.target]
    half = statistics.median(m.arrived - m.sent for m in sent if not m.lost) / 2  # to the middle
    moments = between(history)
    for time in moments[:: max(1, len(moments) // 150)]:
        said = page.evaluate(SAYS, time)
        assert said["held"] == [held(history, node, time) for node in range(5)]
        assert [look for look, _ in said["clients"]] == [
            looks(history, client, time) for client in range(5)
        ]
        arriving = [each[:3] for each in said["flying"] if not each[3]]
        assert sorted(arriving) == sorted(
            [m.source, m.target, m.label] for m in sent if m.sent <= time < m.arrived < math.inf
        )
        doomed = [each[:3] for each in said["flying"] if each[3] and not each[4]]
        assert sorted(doomed) == sorted(
            [m.source, m.target, m.label] for m in sent if m.lost and m.sent <= time < m.sent + half
        )
        assert said["cursor"] == pytest.approx(90 + 800 * min(1, time / film.scene["end"]), abs=0.1)
        cut = 100 <= time < 250
        assert said["cut"] == ([f"{a}-{b}" for a in (0, 1) for b in (2, 3, 4)] if cut else [])
        assert all(f"node {node} holds" in said["words"] for node in range(5))


@pytest.mark.parametrize("groups, way", [([{0}], "there"), ([{1, 2}], "back")])
def test_a_cable_that_is_cut_one_way_shows_which(page, groups, way):
    """As seen from the node of the smaller number."""
    one_way = Partition(at=50, until=90, groups=groups, one_way=True)
    store = CPStore([Node(i) for i in range(3)], Network(loss=0, rng=7))
    traffic = Workload(clients=3, duration=150, rate=20, rng=7)
    show(page, dashboards.network(run(store, traffic, [one_way], trace=True)))
    said = page.evaluate(SAYS, 70)
    assert (said["cut"], said["ways"]) == (["0-1", "0-2"], [way, way])
    assert page.evaluate(SAYS, 95)["cut"] == []


# Of each message that is lost now: how far from the middle of its cable it stands, in pixels.
FROM_THE_MIDDLE = """time => {
  const root = document.querySelector('.capkit-film');
  root.film.seek(time);
  const centre = ({x, y, width, height}) => [x + width / 2, y + height / 2];
  const nodes = [...root.querySelectorAll('.node .rim')]
    .map(rim => centre(rim.getBoundingClientRect()));
  return [...root.querySelectorAll('.message[data-gone="true"]')].map(message => {
    const {from, to} = message.dataset;
    const [x, y] = centre(message.querySelector('path').getBoundingClientRect());
    const middle = [0, 1].map(i => (nodes[from][i] + nodes[to][i]) / 2);
    return Math.hypot(x - middle[0], y - middle[1]);
  });
}"""


def test_a_message_that_the_cut_swallows_stops_in_the_middle_of_its_cable(page):
    history = traced(CPStore)
    film = dashboards.network(history)
    show(page, film)
    ends = [each["ends"] for each in film.scene["messages"] if each["lost"] == "cut"]
    places = [place for end in ends for place in page.evaluate(FROM_THE_MIDDLE, end + 0.1)]
    assert len(places) >= len(ends) > 3
    assert max(places) < 20


def test_steps_go_through_all_sentences_and_back(page):
    film = dashboards.network(CPStore)
    root = show(page, film)
    sentences = [says for _, says, _ in film.scene["moments"]]
    seen = [page.evaluate(SAYS, None)["sentence"]]
    for _ in sentences[1:]:
        root.get_by_role("button", name="Step").click()
        seen.append(page.evaluate(SAYS, None)["sentence"])
    assert seen == sentences
    root.get_by_role("button", name="Back").click()
    assert page.evaluate(SAYS, None)["sentence"] == sentences[-2]
    root.get_by_role("button", name="Jump to the cut").click()
    said = page.evaluate(SAYS, None)
    assert said["time"] == 180
    assert said["sentence"].startswith("The cable is cut: nodes 0 and 1 on one side")


def test_a_stale_answer_and_a_client_that_gives_up_are_marked(page):
    show(page, dashboards.network(APStore))
    assert page.evaluate(SAYS, 300)["clients"][1] == ["stale", "▼ hello, stale"]
    show(page, dashboards.network(CPStore))
    assert page.evaluate(SAYS, 300)["clients"][1] == ["waits", "waits, 20 ms"]
    assert page.evaluate(SAYS, 450)["clients"][1] == ["UNKNOWN", "? no answer"]


def test_play_lets_time_pass_faster_at_a_higher_speed_and_pause_stops_it(page):
    root = show(page, dashboards.network(CPStore))
    passed = []
    for speed in ("0.25", "4"):
        page.evaluate(SAYS, 20)
        root.get_by_role("combobox", name="speed").select_option(speed)
        root.get_by_role("button", name="Play").click()
        page.wait_for_timeout(500)
        root.get_by_role("button", name="Pause").click()
        passed.append(page.evaluate(SAYS, None)["time"] - 20)
    assert 0 < 4 * passed[0] < passed[1]
    time = page.evaluate(SAYS, None)["time"]
    page.wait_for_timeout(100)
    assert page.evaluate(SAYS, None)["time"] == time


def test_it_ends_by_itself_and_plays_again_from_the_start(page):
    film = dashboards.network(CPStore)
    root = show(page, film)
    page.evaluate(SAYS, film.scene["end"] - 5)
    root.get_by_role("button", name="Play").click()
    until(lambda: root.get_by_role("button", name="Play").count(), "it has stopped", 10)
    assert page.evaluate(SAYS, None)["time"] == film.scene["end"]
    root.get_by_role("button", name="Play").click()
    until(lambda: page.evaluate(SAYS, None)["time"] < 100, "it begins again", 5)


# Frames of a page that does nothing else, in the same second.
EMPTY = """() => new Promise(resolve => {
  const times = [];
  const look = now => {
    times.push(now);
    if (now - times[0] < 1500) requestAnimationFrame(look);
    else resolve((times.length - 1) * 1000 / (now - times[0]));
  };
  requestAnimationFrame(look);
})"""


def test_it_is_as_smooth_as_the_browser_can_be(page, tell):
    """60 frames a second, or nearly what an empty page reaches on a busy machine."""
    film = dashboards.network(CAStore)
    rates = []
    for _ in range(3):
        page.set_content("<p>nothing</p>")
        most = page.evaluate(EMPTY)
        root = show(page, film)
        root.get_by_role("button", name="Play").click()
        page.wait_for_timeout(2_000)
        rates.append(
            (page.evaluate("document.querySelector('.capkit-film').film.framesPerSecond"), most)
        )
    tell(f"frames a second: {rates}")
    assert statistics.median(film / most for film, most in rates) > 0.75


def test_it_stands_still_for_those_who_asked_for_less_motion(page):
    page.emulate_media(reduced_motion="reduce")
    root = show(page, dashboards.network(CPStore))
    root.get_by_role("button", name="Play").click()
    places = "() => document.querySelector('.capkit-film svg').innerHTML"
    before = page.evaluate(places)
    page.wait_for_timeout(800)
    assert page.evaluate(places) == before
    until(lambda: page.evaluate(places) != before, "the next moment is shown", 5)
    page.emulate_media(reduced_motion="no-preference")


def test_the_keyboard_reaches_and_moves_everything(page):
    root = show(page, dashboards.network(CPStore))
    page.keyboard.press("Tab")
    slider = root.get_by_role("slider", name="moment")
    assert slider.evaluate("each => each === document.activeElement")
    for _ in range(10):
        page.keyboard.press("PageUp")
    said = page.evaluate(SAYS, None)
    assert said["time"] > 300
    assert slider.get_attribute("aria-valuetext") == f"{said['time']:.0f} ms"
    names = []
    for _ in range(5):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent || ''"))
    assert [name.strip("▶◀ ") for name in names[:4]] == ["Play", "Back", "Step", "Jump to the cut"]
    assert names[4].startswith("×")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.evaluate(SAYS, None)["time"] == 180


def test_a_click_on_the_timeline_goes_to_that_moment(page):
    film = dashboards.network(CPStore)
    box = show(page, film).locator("svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 490 / 900, box["y"] + box["height"] - 20)
    assert page.evaluate(SAYS, None)["time"] == pytest.approx(film.scene["end"] / 2, rel=0.02)


# Of each world: its name, the marked messages under way, and what its clients are told.
WORLDS = """time => {
  const root = document.querySelector('.capkit-film');
  root.film.seek(time);
  return [...root.querySelectorAll('figure')].map(each => ({
    name: each.querySelector('figcaption').textContent,
    marked: [...each.querySelectorAll('.message:has(.same)')].map(m => m.dataset.label),
    told: [...each.querySelectorAll('.client .says')].map(says => says.textContent),
    box: each.getBoundingClientRect().toJSON(),
  }));
}"""


@pytest.mark.parametrize("wide, beside", [(1_000, True), (800, False)])
def test_two_worlds_stand_beside_each_other_where_there_is_room(page, wide, beside):
    page.set_viewport_size({"width": wide, "height": 720})
    show(page, dashboards.network(prove(CPStore)))
    first, second = page.evaluate(WORLDS, 307)
    assert first["name"] == "World 1: nobody puts (◆ received in both worlds)"
    assert second["name"] == "World 2: a client of node 0 puts 1 (◆ received in both worlds)"
    assert first["marked"] == second["marked"] == ["query"]
    assert [first["told"], second["told"]] == [["waits, 5 ms"], ["? no answer", "waits, 5 ms"]]
    assert (first["box"]["top"] == second["box"]["top"]) == beside


def test_one_button_plays_both_worlds(page):
    root = show(page, dashboards.network(prove(CPStore)))
    assert root.get_by_role("button", name="Play").count() == 1
    page.evaluate(SAYS, 303)
    root.get_by_role("button", name="Play").click()
    moved = "() => [...document.querySelectorAll('.cursor')].map(each => each.getAttribute('d'))"
    before = page.evaluate(moved)
    until(lambda: not {*page.evaluate(moved)} & {*before}, "time passes in both worlds", 10)


@pytest.fixture(scope="module")
def lab_with_film(tmp_path_factory):
    folder = tmp_path_factory.mktemp("film")
    cells = ["from capkit import CPStore, dashboards", "dashboards.network(CPStore)"]
    write(folder / "film.ipynb", *cells)
    with room("lab", folder, tmp_path_factory.mktemp("room")) as address:
        yield address


SHUT = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"


def test_it_plays_in_jupyterlab_and_needs_no_kernel(page, lab_with_film, screenshots):
    visit(page, "lab", lab_with_film, "film.ipynb")
    root = page.locator(".capkit-film")
    until(lambda: root.count() == 1, "the film is shown")
    page.evaluate(SHUT)
    for theme in ("Light", "Dark"):
        page.evaluate(THEME, f"JupyterLab {theme}")
        root.get_by_role("button", name="Play").click()
        before = page.evaluate(SAYS, None)["time"]
        until(lambda: page.evaluate(SAYS, None)["time"] > before + 5, "time passes")  # noqa: B023
        root.get_by_role("button", name="Pause").click()
        page.evaluate(SAYS, 330)
        root.evaluate("each => each.scrollIntoView({block: 'start'})")
        page.screenshot(path=Path(screenshots, f"network-{theme.lower()}.png"))
        high = root.bounding_box()["height"]
        assert (
            high
            < page.locator(".jp-WindowedPanel-outer, .jp-Notebook").first.bounding_box()["height"]
        )
    page.evaluate(THEME, "JupyterLab Light")
