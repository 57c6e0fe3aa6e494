"""Links open each notebook on Binder, Colab and nbviewer; its first cell lets it run there.

The first cell does nothing where capkit is installed. Elsewhere it fetches the project, installs
it, and goes into the notebook's folder, from which a lesson finds its recordings.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import quote

import pytest
from packaging.requirements import Requirement
from support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DEPENDENCIES = [Requirement(line) for line in PROJECT["dependencies"]]
HOME = "https://github.com/capkit/capkit"
NOTEBOOKS = sorted(
    path
    for path in (ROOT / "notebooks").glob("**/*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
LINKS = (
    "[Binder](https://mybinder.org/v2/gh/capkit/capkit/main?labpath={quoted}) · "
    "[Colab](https://colab.research.google.com/github/capkit/capkit/blob/main/{name}) · "
    "[nbviewer](https://nbviewer.org/github/capkit/capkit/blob/main/{name})"
)
FIRST_CELL = """\
import os
import sys
from importlib.util import find_spec
from subprocess import check_call

if not (found := find_spec("capkit")):  # as on Colab
    if not os.path.exists("capkit-lessons"):
        check_call(["git", "clone", "-q", "https://github.com/capkit/capkit", "capkit-lessons"])
    check_call([sys.executable, "-m", "pip", "install", "-q", "./capkit-lessons"])
elif not os.path.exists(os.path.join(os.path.dirname(found.origin or ""), "exercises")):
    raise ImportError("this is another capkit; type: python -m pip uninstall capkit")
os.chdir("capkit-lessons/{folder}" if os.path.exists("capkit-lessons") else ".")"""


def ways_in(path):
    """The line of links at the top of a notebook, and its first code cell."""
    name = Path(path).resolve().relative_to(ROOT).as_posix()
    links = LINKS.format(name=name, quoted=quote(name, safe=""))
    return links, FIRST_CELL.format(folder=name.rpartition("/")[0])


def first(path, kind):
    """Source of the first cell of a kind."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return next("".join(cell["source"]) for cell in cells if cell["cell_type"] == kind)


each_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT / "notebooks").as_posix()
)


@each_notebook
def test_a_notebook_begins_with_links_to_open_it_elsewhere(path):
    assert ways_in(path)[0] in first(path, "markdown").splitlines()


@each_notebook
def test_the_first_cell_of_a_notebook_makes_it_run_elsewhere(path):
    assert first(path, "code") == ways_in(path)[1]


def test_the_links_and_the_first_cell_name_the_project_s_address():
    assert PROJECT["urls"]["Source"] == HOME
    assert f'"{HOME}"' in FIRST_CELL
    assert LINKS.count(HOME.removeprefix("https://github.com/")) == 3


HERE = importlib.util.find_spec("capkit")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A computer without capkit; what the first cell would run there is written down."""
    commands = []

    def call(words):
        commands.append(words)
        if words[0] == "git":
            (tmp_path / "capkit-lessons/notebooks/solutions").mkdir(parents=True)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "check_call", call)
    return commands


@each_notebook
def test_the_first_cell_does_nothing_where_capkit_is_installed(path, nowhere, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: HERE)
    before = os.getcwd()
    exec(ways_in(path)[1], {})
    assert (nowhere, os.getcwd(), capsys.readouterr()) == ([], before, ("", ""))


@each_notebook
def test_the_first_cell_fetches_capkit_and_goes_where_the_notebook_is(path, nowhere, tmp_path):
    exec(ways_in(path)[1], {})
    assert nowhere == [
        ["git", "clone", "-q", HOME, "capkit-lessons"],
        [sys.executable, "-m", "pip", "install", "-q", "./capkit-lessons"],
    ]
    assert Path.cwd() == tmp_path / "capkit-lessons" / path.relative_to(ROOT).parent


def test_the_first_cell_fetches_the_project_once_and_finds_it_again_after_a_restart(
    nowhere, monkeypatch, tmp_path
):
    cell = ways_in(NOTEBOOKS[0])[1]
    exec(cell, {})
    del nowhere[:]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: HERE)
    exec(cell, {})  # once more
    assert Path.cwd() == tmp_path / "capkit-lessons/notebooks"
    monkeypatch.chdir(tmp_path)
    exec(cell, {})  # in a new kernel
    assert Path.cwd() == tmp_path / "capkit-lessons/notebooks"
    assert nowhere == []


def test_the_first_cell_says_where_capkit_is_somebody_elses(monkeypatch, tmp_path):
    (tmp_path / "capkit").mkdir()
    (tmp_path / "capkit" / "__init__.py").write_text("", "utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", ways_in(NOTEBOOKS[0])[1]]
    out = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    last = out.stderr.splitlines()[-1]
    assert last == "ImportError: this is another capkit; type: python -m pip uninstall capkit"


def test_colab_keeps_its_own_widgets():
    """It has loaded ipywidgets 7 before the first cell runs, and shows no others."""
    (needed,) = [each for each in DEPENDENCIES if each.name == "ipywidgets"]
    assert needed.specifier.contains("7.7.1")
