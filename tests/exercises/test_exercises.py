"""Exercises: what `check` says, and that every notebook's can be solved and are not solved yet."""

import ast
import json
import re

import pytest
from support import ROOT

NOTEBOOKS = ROOT / "notebooks"
LESSONS = sorted(path.name for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
SOLUTIONS = sorted(path.name for path in NOTEBOOKS.glob("solutions/[0-9]*.ipynb"))

RIGHT, DOTS = "Right.", "No answer yet: replace the dots."


def exercises(path):
    """For each cell that checks an answer: how many checks it has, and the lines it prints."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    found = []
    for cell in (cell for cell in cells if cell["cell_type"] == "code"):
        calls = [
            node
            for node in ast.walk(ast.parse("".join(cell["source"])))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check"
        ]
        texts = ["".join(output.get("text", "")) for output in cell["outputs"]]
        if calls:
            found.append((len(calls), "".join(texts).splitlines()))
    return found


def test_every_lesson_has_solutions_and_no_solutions_lack_a_lesson():
    assert SOLUTIONS == LESSONS
    assert LESSONS


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_has_two_to_four_exercises_in_cells_of_their_own(name):
    checks = [calls for calls, _ in exercises(NOTEBOOKS / name)]
    assert 2 <= len(checks) <= 4
    assert checks == [1] * len(checks)


@pytest.mark.parametrize("name", LESSONS)
def test_no_exercise_of_a_lesson_is_solved_before_a_student_comes(name):
    for _, lines in exercises(NOTEBOOKS / name):
        assert RIGHT not in lines
        assert lines[-1] == DOTS or lines[-1].startswith("Not yet: ")


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solutions_of_a_lesson_are_all_right(name):
    solved = exercises(NOTEBOOKS / "solutions" / name)
    assert [lines[-1] for _, lines in solved] == [RIGHT] * len(solved)
    assert len(solved) == len(exercises(NOTEBOOKS / name))


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_asks_what_is_right_and_does_not_say_it(name):
    """A check cell holds a name and an answer; nbgrader may lock and grade it, and empty none."""
    cells = json.loads((NOTEBOOKS / name).read_text("utf-8"))["cells"]
    marked = [cell for cell in cells if "nbgrader" in cell["metadata"]]
    assert len(marked) == 2 * len(exercises(NOTEBOOKS / name))
    for number, (answer, checks) in enumerate(zip(marked[::2], marked[1::2], strict=True), 1):
        exercise = f"{name[:2]}.{number}"
        assert re.fullmatch(rf'check\("{exercise}", \w+\)', "".join(checks["source"]))
        kind, graded = answer["metadata"]["nbgrader"], checks["metadata"]["nbgrader"]
        assert (kind["solution"], kind["grade"], kind["locked"]) == (True, False, False)
        assert (graded["solution"], graded["grade"], graded["locked"]) == (False, True, True)
        assert graded["points"] == 1
        assert graded["grade_id"] == f"check-{name[:2]}-{number}"
