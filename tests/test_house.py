"""The rules of the house: imports, lengths, versions, commands, and how a notebook looks."""

import ast
import json
import keyword
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module

import pytest
from packaging.requirements import Requirement
from support import ROOT
from support.rooms import SHOWS

import capkit
from capkit import Outcome

MODULES = sorted((ROOT / "capkit").glob("**/*.py"))
NOTEBOOKS = sorted(
    path
    for path in (ROOT / "notebooks").glob("**/*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
COMMANDS = re.findall(r"^    (python -m pip .*)$", README, re.MULTILINE)


@pytest.mark.parametrize(
    "module, unwanted",
    [
        ("capkit", {"matplotlib", "ipywidgets"}),
        ("capkit.engines", {"matplotlib", "ipywidgets", "httpx", "redis", "psycopg"}),
    ],
)
def test_an_import_loads_no_library_that_it_may_not_need(module, unwanted):
    code = f"import sys, {module}; print(*{unwanted} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_student_reads_a_file_in_one_sitting(path):
    assert len(path.read_text("utf-8").splitlines()) <= 400


CLASSROOM, TESTS = ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt"


def packages(path):
    """Lines of a file of requirements without its comments."""
    lines = path.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


ROOMS = [path for path in MODULES if path.name == "__init__.py"]


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.parent.name)
def test_what_a_room_names_in_small_letters_stands_in_it(path):
    room = import_module(".".join(path.parent.relative_to(ROOT).parts))
    named = set(re.findall(r"`([a-z_]+)`", room.__doc__)) - set(keyword.kwlist)
    files = [each.stem for each in path.parent.iterdir()]
    code = "".join(each.read_text("utf-8") for each in path.parent.glob("*.py"))
    made = re.findall(r"(?:def|class) (\w+)", code)
    assert named - set(dir(room)) - {*files, *made} == set()


ENTRANCES = sorted(ROOT.glob("capkit/*/__init__.py"))  # where users import from, besides capkit


@pytest.mark.parametrize("path", ENTRANCES, ids=lambda path: path.parent.name)
def test_no_file_has_the_name_of_a_function_that_its_room_exports(path):
    room = import_module(".".join(path.parent.relative_to(ROOT).parts))
    exported = {name for name, each in vars(room).items() if callable(each)}
    assert exported & {each.stem for each in path.parent.iterdir()} == set()


def test_capkit_itself_exports_no_check():
    assert "check" not in capkit.__all__  # it is a command for the lecturer, and an exercise's


def test_the_readme_says_where_each_room_is():
    listed = re.findall(r"\bcapkit/(\w+)", README.partition("## Where things are")[2])
    assert sorted(listed) == [path.parent.name for path in ENTRANCES]


def pins():
    """Name and version of every pinned package."""
    lines = [line for path in (CLASSROOM, TESTS) for line in packages(path)]
    return dict(line.split(" ;")[0].split("==") for line in lines if "==" in line)


RANGES = [Requirement(line) for line in PROJECT["dependencies"]]
RANGES += [
    Requirement(line) for extra in PROJECT["optional-dependencies"].values() for line in extra
]


@pytest.mark.parametrize("wanted", RANGES, ids=str)
def test_the_tested_versions_lie_in_the_supported_ranges(wanted):
    assert wanted.specifier.contains(pins()[wanted.name])


def test_a_version_that_the_guide_names_is_the_tested_one():
    guide = (ROOT / "notebooks" / "instructor-guide.md").read_text("utf-8")
    named = dict(re.findall(r"(\w+)==([\d.]+)", guide))
    assert "nbgrader" in named
    assert named.items() <= pins().items()


def test_requirements_are_pinned_once_and_end_with_capkit_itself():
    *classroom, last = packages(CLASSROOM)
    everything = [*classroom, *packages(TESTS)]
    assert last == "-e ."
    pin = r"[a-z0-9-]+==[0-9.]+(\.post\d+)?( ; .*)?"  # where it exists, after the semicolon
    assert [line for line in everything if not re.fullmatch(pin, line)] == []
    assert len({line.partition("==")[0] for line in everything}) == len(everything)


def test_the_classroom_is_without_what_only_the_tests_need():
    classroom = {line.partition("==")[0] for line in packages(CLASSROOM)}
    tests = {Requirement(line).name for line in PROJECT["optional-dependencies"]["test"]}
    assert classroom & tests == {"nbformat"}  # JupyterLab needs it too


def test_the_readme_has_two_commands_that_do_everything():
    assert COMMANDS == [
        "python -m pip install -r requirements.txt && python -m capkit open",
        "python -m pip install -r requirements.txt -r tests/requirements.txt && python -m pytest",
    ]


@pytest.mark.parametrize("step", COMMANDS[1].split(" && "))
def test_ci_runs_the_commands_of_the_readme(step):
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert step in lines


def test_every_hint_to_install_names_this_project_and_an_extra_that_it_has():
    places = [*MODULES, *ROOT.glob("*.md"), *NOTEBOOKS, ROOT / "notebooks" / "instructor-guide.md"]
    text = "\n".join(path.read_text("utf-8") for path in places).replace("\\", "")
    assert "capkit[" not in text  # on PyPI that is somebody else's package
    hinted = set(re.findall(r'install -e "\.\[(\w+)\]"', text))
    assert {"engines"} <= hinted <= set(PROJECT["optional-dependencies"])


def test_github_runs_the_same_checks():
    assert "run: .ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")


def test_github_publishes_the_pages_that_the_readme_links_to():
    pages = (ROOT / ".github" / "workflows" / "pages.yml").read_text("utf-8")
    assert "run: python -m capkit web site" in pages
    assert "path: site" in pages
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"[Look at it now]({project['urls']['Lessons']})" in README


LINKS = re.findall(r"\]\((?!http)([^)#]+)", README)


@pytest.mark.parametrize("link", LINKS)
def test_the_readme_links_to_files_that_exist(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("required, failures", [("1", 2), ("", 0)], ids=["required", "optional"])
def test_a_skipped_browser_or_engine_test_fails_where_it_is_required(tmp_path, required, failures):
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    test = "import pytest\n@pytest.mark.{0}\ndef test_{0}(): pytest.skip('none here')\n"
    plain = "def test_plain(): pytest.skip('fine')\n"
    (tmp_path / "test_it.py").write_text(test.format("browser") + test.format("engine") + plain)
    out = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "CAPKIT_REQUIRE_BROWSER": required, "CAPKIT_REQUIRE_ENGINE": required},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    failed = re.search(r"(\d+) failed", out.stdout)
    assert int(failed[1] if failed else 0) == failures
    assert ("although it must run here" in out.stdout) == bool(failures)
    assert f"{3 - failures} skipped" in out.stdout


TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True
).stdout.split("\0")[:-1]
WINDOWS = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)|[<>:\"|?*\\]|[. ]$", re.IGNORECASE)


@pytest.mark.skipif(not TRACKED, reason="these files are no clone, so there is nothing to compare")
def test_a_clone_holds_every_file_on_macos_and_windows_too():
    folded = [path.casefold() for path in TRACKED]
    assert [path for path in TRACKED if folded.count(path.casefold()) > 1] == []
    assert [path for path in TRACKED if any(map(WINDOWS.search, path.split("/")))] == []


def read(path):
    return json.loads(path.read_text("utf-8"))


def code_cells(path):
    """Sources of the code cells of a notebook, each as a list of lines."""
    cells = [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    return ["".join(cell["source"]).splitlines() for cell in cells]


def outputs(path):
    return [output for cell in read(path)["cells"] for output in cell.get("outputs", [])]


each_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT / "notebooks").as_posix()
)


@each_notebook
def test_a_notebook_runs_on_any_python_3(path):
    assert read(path)["metadata"]["kernelspec"]["name"] == "python3"


@each_notebook
def test_a_notebook_was_executed_once_from_top_to_bottom(path):
    counts = [c["execution_count"] for c in read(path)["cells"] if c["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_a_notebook_holds_no_widget_state(path):
    assert "widgets" not in read(path)["metadata"]


# Questions before a result, and the check of an answer.
NOT_TAUGHT = r"\bpredict\(|^check\("


@each_notebook
def test_a_notebook_is_one_sitting(path):
    free = path.parent.name == "solutions"
    _, *cells = code_cells(path)  # the first makes it run elsewhere; see test_ways_in
    taught = [lines for lines in cells if not re.search(NOT_TAUGHT, "\n".join(lines))]
    assert (0 if free else 10) <= len(taught) <= 15


@each_notebook
def test_a_cell_fits_a_slide_and_shows_its_last_value(path):
    assert [lines for lines in code_cells(path) if not 1 <= len(lines) <= 12] == []
    assert [
        line for lines in code_cells(path) for line in lines if line.rstrip().endswith(";")
    ] == []


@each_notebook
def test_a_notebook_holds_no_plotting_code_and_no_magic(path):
    text = "\n".join("\n".join(lines) for lines in code_cells(path))
    assert not re.search(r"\bplt\b|matplotlib", text)
    ast.parse(text)  # magic is not Python


@each_notebook
def test_a_notebook_ends_well_and_draws_no_svg(path):
    assert [out for out in outputs(path) if out["output_type"] == "error"] == []
    assert [out for out in outputs(path) if "image/svg+xml" in out.get("data", {})] == []


@each_notebook
def test_every_picture_of_a_notebook_is_described_in_words(path):
    for out in (out for out in outputs(path) if "image/png" in out.get("data", {})):
        words = "".join(out["data"]["text/plain"])
        assert len(words) > 20
        assert out["metadata"]["image/png"]["alt"] == words


@each_notebook
def test_a_notebook_is_read_without_a_kernel(path):
    live = "application/vnd.jupyter.widget-view+json"
    assert [out for out in outputs(path) if live in out.get("data", {})] == []


@each_notebook
def test_a_guess_is_asked_for_before_each_dashboard_of_a_lesson(path):
    if path.stem[:2].isdigit() and path.parent.name == "notebooks":
        cells = code_cells(path)
        shown = [place for place, lines in enumerate(cells) if re.match(SHOWS, lines[-1])]
        assert [n for n in shown if "predict(" not in "\n".join(cells[n - 1])] == []


@each_notebook
def test_a_lesson_shows_no_exercise_in_voila_and_not_its_first_cell_on_a_slide(path):
    if path.stem[:2].isdigit() and path.parent.name == "notebooks":
        hidden = json.loads((ROOT / "voila.json").read_text("utf-8"))["TagRemovePreprocessor"]
        cells = read(path)["cells"]
        left = [c for c in cells if not {*hidden["remove_cell_tags"]} & {*tags(c)}]
        assert not [c for c in left if "nbgrader" in c["metadata"]]
        assert "## Exercises" not in "".join("".join(c["source"]) for c in left)
        first = next(cell for cell in cells if cell["cell_type"] == "code")
        assert first["metadata"]["slideshow"]["slide_type"] == "skip"
        headed = [c for c in left if re.match("## ", "".join(c["source"])) and c != first]
        assert {c["metadata"]["slideshow"]["slide_type"] for c in headed} == {"slide"}


@each_notebook
def test_a_lesson_speaks_of_no_cell_where_voila_shows_none(path):
    if path.stem[:2].isdigit() and path.parent.name == "notebooks":
        shown = [c for c in read(path)["cells"] if "notebook-only" not in tags(c)]
        prose = "\n".join("".join(c["source"]) for c in shown if c["cell_type"] == "markdown")
        assert re.findall(r"\bcell\b|box below|next box", prose) == []


def tags(cell):
    return cell["metadata"].get("tags", [])


@each_notebook
def test_a_notebook_points_to_nothing_outside_the_project(path):
    assert "../shared" not in path.read_text("utf-8")


def test_the_readme_example_runs_and_its_comments_hold():
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(example, names)
    assert names["availability"](names["history"]) < 1
    refused = [each for each in names["history"] if each.outcome is not Outcome.OK]
    assert {each.node for each in refused} == {0, 1}
    assert names["linearizable"](names["history"]).ok is True
