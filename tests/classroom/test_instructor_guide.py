"""What the instructor guide says is what `capkit` and the lessons say: readings, numbers, names."""

import re
from contextlib import redirect_stdout
from functools import cache
from io import StringIO

import nbformat
import pytest
from ipywidgets import Button
from support import ROOT

from capkit import History, dashboards, exercises
from capkit.consistency import summary
from capkit.dashboards.typed import short

NOTEBOOKS = ROOT / "notebooks"
GUIDE = (NOTEBOOKS / "instructor-guide.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
# Of each lesson, by its number: its file and its minutes.
LESSONS = {
    file[:2]: (file, int(minutes))
    for file, minutes in re.findall(r"\]\(notebooks/(\d\d-.*?\.ipynb)\) \| (\d+) \|", README)
}
PARTS = ("Say:", "Ask:", "Misconception:", "Picture:", "Readings:")  # after the timing


@cache
def read(name):
    return nbformat.read(NOTEBOOKS / name, as_version=4).cells


def printed(cell):
    """All text that a code cell has put out, with single spaces."""
    outputs = cell.get("outputs", [])
    texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in outputs]
    return " ".join(" ".join(texts).split())


def shown(code):
    """What the last line of a code block says of itself."""
    *before, last = code.strip().splitlines()
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(NOTEBOOKS)
        exec("\n".join(before), names)
        return " ".join(repr(eval(last, names)).split())


def sections():
    """Text of each section of the guide, and its blocks of code, by its lesson; "" comes first."""
    first, *rest = re.split(r"^(?=## \d\d )", GUIDE, flags=re.MULTILINE)
    found = {"": first} | {text[3:5]: text for text in rest}
    block = re.compile(r"```python\n(.*?)```", re.DOTALL)
    return {number: (block.sub("", text), block.findall(text)) for number, text in found.items()}


SECTIONS = sections()


def table(text):
    """Rows of the table in a text, without its head."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return rows[2:]


ROWS = [(number, *row) for number in LESSONS for row in table(SECTIONS[number][0])]


def prose(text):
    """A text without its headings, its tables, the timing, and the targets of its links."""
    kept = [line for line in text.splitlines() if not line.startswith(("#", "|"))]
    text = re.sub(r"\*\*Timing:.*?\n\n", "", "\n".join(kept), flags=re.DOTALL)
    return re.sub(r"\]\(\S*\)", "]", text)


def numbers(text):
    """All numbers of a text but the names of nodes and clients, and versions (see test_house)."""
    text = re.sub(r"(?:node|client) \d+|==[\d.]+", "", text)
    return set(re.findall(r"\d+(?:\.\d+)?(?: ?%)?", text))


def says(text, claim):
    """Whether the parts of the claim stand in the text, in order, as whole words and numbers."""
    parts = [re.escape(part) for part in claim.split(" … ")]
    whole = r"(?<![\w.])(?<!not ){}(?!\w|\.\d)"
    return re.search(".*?".join(whole.format(part) for part in parts), text) is not None


def inside(widget):
    """All widgets in a widget, itself included, that have a name on the screen."""
    found = [widget] if getattr(widget, "description", "") else []
    return found + [each for child in getattr(widget, "children", ()) for each in inside(child)]


def controls(board):
    """Name of each control in code, by what stands beside it on the screen."""
    labels = [each.description for each in inside(board) if not isinstance(each, Button)]
    return dict(zip(labels, board.settings, strict=True))


def buttons(board):
    """The buttons, by what stands on them."""
    return {each.description: each for each in inside(board) if isinstance(each, Button)}


def move(board, moves):
    """Press the buttons in bold and set the controls in grey, from left to right."""
    one = r"\*\*(.+?)\*\*|`(.+?) = (.+?)`"
    assert re.fullmatch(f"({one})(, ({one}))*", moves), moves
    for button, label, value in re.findall(one, moves):
        if button:
            buttons(board)[button].click()
        else:
            name = controls(board)[label]
            board.set(**{name: type(board.settings[name])(value)})


@cache
def board(name):
    return getattr(dashboards, name)()


def reading(number, picture, moves):
    """What a dashboard, a recording, or a cell of the lesson says."""
    code = picture.strip("`")
    if dashboard := re.fullmatch(r"dashboards\.(\w+)\(\)", code):
        shown = board(dashboard[1])
        shown.reset()
        move(shown, moves)
        return shown.reading
    if code.startswith("recordings/"):
        assert moves == "replay"
        return summary(History.read(NOTEBOOKS / code))
    assert moves == "run"
    file, _ = LESSONS[number]
    [cell] = [each for each in read(file) if each.cell_type == "code" and code in each.source]
    assert "nbval-ignore-output" not in cell.metadata.get("tags", [])  # nobody checks those
    return printed(cell)


def test_the_guide_has_a_section_for_every_lesson_of_the_readme():
    assert list(SECTIONS) == ["", *LESSONS]


@pytest.mark.parametrize("number", LESSONS)
def test_a_section_has_all_its_parts_and_what_is_bold_in_it_is_on_the_screen(number):
    bold = re.findall(r"\*\*(.+?)\*\*", " ".join(prose(SECTIONS[number][0]).split()))
    assert [each for each in bold if each in PARTS] == list(PARTS)
    shown = [board(name) for name in used(number)]
    labels = {label for each in shown for label in [*controls(each), *buttons(each)]}
    assert {*bold} - {*PARTS} - labels == set()


def sources(number):
    """Sources of the code cells of a lesson."""
    return [cell.source for cell in read(LESSONS[number][0]) if cell.cell_type == "code"]


def used(number):
    """Names of the dashboards of a lesson; a film has no control, so its row says what it shows."""
    names = set(re.findall(r"dashboards\.(\w+)\(", "\n".join(sources(number))))
    return sorted(names - {"predict", "network"})


@cache
def asked(number):
    """What a lesson asks to guess, and what each box then shows."""
    found, names = {}, {}

    def predict(question, answer, options=None, *, unit="", **more):
        true = answer() if callable(answer) else answer
        found[question] = true if options else f"{short(true)} {unit}".strip()

    cells = sources(number)
    last = max([i for i, each in enumerate(cells) if "dashboards.predict(" in each], default=-1)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()):
        patch.chdir(NOTEBOOKS)
        patch.setattr(dashboards, "predict", predict)
        for each in cells[: last + 1]:
            exec(each, names)
        for name in re.findall(r'^predict\("(.+)"\)$', "\n".join(cells), re.MULTILINE):
            exercises.predict(name)
    return found


@pytest.mark.parametrize("number", LESSONS)
def test_the_guide_has_the_questions_of_the_lesson_word_for_word_and_answers_them(number):
    ask = SECTIONS[number][0].split("**Ask:**")[1].split("**Misconception:**")[0]
    bullets = [" ".join(each.split()) for each in ask.split("\n- ")[1:]]
    answers = dict(re.findall(r"^\*(.+?)\* (.+)", "\n".join(bullets), re.MULTILINE))
    assert list(answers) == list(asked(number))
    for question, true in asked(number).items():
        assert says(answers[question].casefold(), true.casefold()), f"{question} {true}"


@pytest.mark.parametrize("number", LESSONS)
def test_the_minutes_of_a_lesson_add_up_to_those_of_the_readme(number):
    [timing] = re.findall(r"\*\*Timing:\*\*(.*?)\n\n", SECTIONS[number][0], re.DOTALL)
    assert sum(map(int, re.findall(r"(\d+) min\b", timing))) == LESSONS[number][1]


def test_the_sessions_last_as_long_as_their_lessons_and_a_term_has_each_lesson_once():
    plan = table(SECTIONS[""][0])
    for _, lessons, minutes in plan:
        assert sum(LESSONS[number][1] for number in lessons.split(", ")) == int(minutes)
    term = [lessons for name, lessons, _ in plan if name.startswith("a term")]
    assert ", ".join(term).split(", ") == list(LESSONS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]} {row[2]}")
def test_what_you_will_read_is_what_you_will_read(row):
    *place, claim = row
    found = reading(*place)
    assert says(found, claim), f"{' '.join(place)}\nguide: {claim}\nfound: {found}"


@pytest.mark.parametrize("number", LESSONS)
def test_every_dashboard_of_a_lesson_has_two_rows_or_more(number):
    rows = [picture for lesson, picture, *_ in ROWS if lesson == number]
    counts = {name: rows.count(f"`dashboards.{name}()`") for name in used(number)}
    assert {name for name, count in counts.items() if count < 2} == set()


@pytest.mark.parametrize("number", LESSONS)
def test_every_film_of_a_lesson_has_a_row(number):
    films = re.findall(r"^dashboards\.network\(.*\)$", "\n".join(sources(number)), re.MULTILINE)
    rows = [picture.strip("`") for lesson, picture, *_ in ROWS if lesson == number]
    assert set(films) <= set(rows)


@pytest.mark.parametrize("number", SECTIONS, ids=lambda number: number or "opening")
def test_every_number_of_the_prose_stands_in_a_row_or_an_output_that_is_checked(number):
    text, blocks = SECTIONS[number]
    checked = " ".join(map(shown, blocks)) + "".join(
        line for line in text.splitlines() if line.startswith("|")
    )
    if number:
        checked += str(asked(number))
    assert numbers(prose(text)) - numbers(checked) == set()


LINKS = re.findall(r"\]\((?!https:)(\S+)\)", "".join(text for text, _ in SECTIONS.values()))


@pytest.mark.parametrize("link", LINKS)
def test_a_link_leads_to_a_heading_of_a_lesson(link):
    file, _, anchor = link.partition("#")
    text = "\n".join(cell.source for cell in read(file) if cell.cell_type == "markdown")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert not anchor or anchor in [heading.replace(" ", "-") for heading in headings]
