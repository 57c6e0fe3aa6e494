"""Homework with nbgrader: a lesson is generated, handed in by four students, graded, exported."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from support import ROOT

NAME = "03-ca.ipynb"
CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "cap"
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors." + name
    for name in ("LockCells", "ClearOutput", "CheckCellMetadata", "ComputeChecksums", "SaveCells")
]
c.Execute.timeout = 8
"""
RULES = {
    "right": "def answer(side, nodes):\n    return side > nodes / 2",
    "wrong": "def answer(side, nodes):\n    return side >= nodes / 2",
    "crashing": "def answer(side, nodes):\n    return side > nodes / 0",
    "endless": "def answer(side, nodes):\n    while True:\n        pass",
}


def lesson():
    """The exercises of a lesson with the cells that they need: a lesson as short as can be."""
    made = nbformat.read(ROOT / "notebooks" / NAME, as_version=4)
    marked = [cell for cell in made.cells if "nbgrader" in cell.metadata]
    imports = [cell for cell in made.cells if "from capkit.exercises import" in cell.source]
    made.cells = imports + marked
    return made


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course's folder, and a function that runs nbgrader in it."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "nbgrader_config.py").write_text(CONFIG)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # alembic's
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder), "PATH": programs}

    def nbgrader(*words):
        command = [sys.executable, "-m", "nbgrader", *words]
        out = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        return out.stdout + out.stderr

    def put(path, made):
        (folder / path).parent.mkdir(parents=True)
        nbformat.write(made, folder / path)

    put(f"source/cap/{NAME}", lesson())
    log = nbgrader("generate_assignment", "cap", "--create")
    assert (folder / "release" / "cap" / NAME).exists(), log
    released = nbformat.read(folder / "release" / "cap" / NAME, as_version=4)
    for student, rule in RULES.items():
        answers = iter(["answer = 500", "answer = 0.5", rule])
        handed_in = released.copy()
        for cell in handed_in.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = next(answers)
        put(f"submitted/{student}/cap/{NAME}", handed_in)
    log = nbgrader("autograde", "cap", "--create")
    log += nbgrader("export")
    assert (folder / "grades.csv").exists(), log
    return folder


def test_what_students_get_is_the_lesson_with_its_templates(course):
    released = nbformat.read(course / "release" / "cap" / NAME, as_version=4)
    sources = [cell.source for cell in released.cells if "nbgrader" in cell.metadata]
    assert sources == [cell.source for cell in lesson().cells if "nbgrader" in cell.metadata]
    assert [cell for cell in released.cells if cell.get("outputs")] == []


def test_the_table_of_grades_tells_right_from_wrong_crashing_and_endless(course):
    with open(course / "grades.csv") as file:
        scores = {row["student_id"]: float(row["raw_score"]) for row in csv.DictReader(file)}
    assert scores == {"right": 3, "wrong": 2, "crashing": 2, "endless": 2}


@pytest.mark.parametrize(
    "student, says",
    [
        ("right", "Right."),
        ("wrong", "Not yet: two sides cannot both hold more than half"),
        ("crashing", "Your code stopped at `return side > nodes / 0`"),
        ("endless", "Timeout"),
    ],
)
def test_each_student_reads_what_was_wrong(course, student, says):
    graded = nbformat.read(course / "autograded" / student / "cap" / NAME, as_version=4)
    assert says in str(graded.cells[-1].outputs) or says in str(graded.cells[-2].outputs)
