"""`python -m capkit open`: a copy to work in, which nothing is ever written over."""

import json
import subprocess
import sys

import pytest

from capkit.classroom import copies, open_lessons


def lesson(text, **metadata):
    outputs = [{"output_type": "stream", "name": "stdout", "text": "42"}]
    cell = {"cell_type": "code", "source": text, "outputs": outputs, "execution_count": 3}
    return {"cells": [cell | {"metadata": {}}], "metadata": metadata, "nbformat": 4}


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """A clone with two lessons, a solution and a recording."""
    folder = tmp_path / "notebooks"
    for name in ("00-start-here", "01-next", "solutions/01-next"):
        path = folder / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(lesson("6 * 7")), "utf-8")
    (folder / "recordings").mkdir()
    (folder / "recordings" / "etcd.jsonl").write_text("{}")
    monkeypatch.setattr(copies, "LESSONS", folder)
    return folder


@pytest.fixture
def mine(tmp_path):
    return tmp_path / "my-lessons"


def opened(mine, capsys):
    open_lessons(mine, browser=False)
    return capsys.readouterr().out


def test_the_copies_have_no_outputs_and_the_lessons_keep_theirs(lessons, mine, capsys):
    out = opened(mine, capsys)
    assert out.splitlines() == [
        f"Copied 2 lessons into {mine}, without outputs. Work there.",
        f"The same by hand: jupyter lab {mine / '00-start-here.ipynb'}",
    ]
    [cell] = json.loads((mine / "01-next.ipynb").read_text("utf-8"))["cells"]
    assert (cell["source"], cell["outputs"], cell["execution_count"]) == ("6 * 7", [], None)
    assert "42" in (lessons / "01-next.ipynb").read_text("utf-8")
    assert (mine / "recordings" / "etcd.jsonl").read_text() == "{}"
    assert (mine / "solutions" / "01-next.ipynb").exists()


def test_nothing_that_is_there_is_written_over(lessons, mine, capsys):
    mine.mkdir()
    (mine / "00-start-here.ipynb").write_text("my own notes")
    out = opened(mine, capsys)
    assert (mine / "00-start-here.ipynb").read_text() == "my own notes"
    assert (mine / "00-start-here-version-2.ipynb").exists()
    assert "Changed since you copied it" in out


def test_a_second_time_nothing_is_copied(lessons, mine, capsys):
    opened(mine, capsys)
    before = {path: path.read_bytes() for path in mine.rglob("*.*")}
    assert f"The lessons in {mine} are those of this version." in opened(mine, capsys)
    assert {path: path.read_bytes() for path in mine.rglob("*.*")} == before


def work(path):
    """What a student's own answers and saving do to a copy."""
    copy = json.loads(path.read_text("utf-8"))
    copy["cells"][0]["source"] = "answer = 43"
    path.write_text(json.dumps(copy), "utf-8")


def test_an_update_adds_new_lessons_and_puts_changed_ones_beside(lessons, mine, capsys):
    opened(mine, capsys)
    work(mine / "00-start-here.ipynb")
    work(mine / "01-next.ipynb")
    worked = (mine / "01-next.ipynb").read_bytes()
    (lessons / "01-next.ipynb").write_text(json.dumps(lesson("7 * 7")), "utf-8")
    (lessons / "02-new.ipynb").write_text(json.dumps(lesson("8 * 7")), "utf-8")
    out = opened(mine, capsys)
    assert f"New: {mine / '02-new.ipynb'}" in out
    beside = mine / "01-next-version-2.ipynb"
    assert f"Changed since you copied it: {mine / '01-next.ipynb'}. The new one is {beside}" in out
    assert (mine / "01-next.ipynb").read_bytes() == worked
    assert "7 * 7" in beside.read_text("utf-8")
    assert "those of this version" in opened(mine, capsys)
    (lessons / "01-next.ipynb").write_text(json.dumps(lesson("9 * 7")), "utf-8")
    assert "01-next-version-3.ipynb" in opened(mine, capsys)


def test_new_outputs_alone_are_no_change(lessons, mine, capsys):
    opened(mine, capsys)
    changed = lesson("6 * 7")
    changed["cells"][0]["outputs"] = []
    (lessons / "01-next.ipynb").write_text(json.dumps(changed), "utf-8")
    assert "those of this version" in opened(mine, capsys)


def test_without_the_lessons_it_says_where_they_are(lessons, mine, monkeypatch):
    monkeypatch.setattr(copies, "LESSONS", mine)
    with pytest.raises(FileNotFoundError, match="install capkit from its clone"):
        open_lessons(mine, browser=False)


def test_the_first_lesson_is_opened_in_single_document_mode(lessons, mine, monkeypatch):
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    open_lessons(mine)
    assert commands == [
        [
            sys.executable,
            "-m",
            "jupyterlab",
            "--LabApp.default_url=/doc/tree/00-start-here.ipynb",
            f"--ServerApp.root_dir={mine}",
        ]
    ]


def test_the_command_copies_the_lessons(mine):
    command = [sys.executable, "-m", "capkit", "open", str(mine), "--no-browser"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "lessons into" in out
    assert (mine / "00-start-here.ipynb").exists()
    copied = json.loads((mine / "00-start-here.ipynb").read_text("utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in copied)
