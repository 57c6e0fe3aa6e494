"""Exercises: what `check` says, and that every notebook's can be solved and are not solved yet."""

import ast
import json

import numpy as np
import pytest
from support import ROOT

from capkit.exercises import check

NOTEBOOKS = ROOT / "notebooks"
LESSONS = sorted(path.name for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
SOLUTIONS = sorted(path.name for path in NOTEBOOKS.glob("solutions/[0-9]*.ipynb"))

RIGHT, DOTS = "Right.", "No answer yet: replace the dots."


@pytest.mark.parametrize(
    "answer, right, says",
    [
        (..., 3, DOTS),
        (..., lambda answer: True, DOTS),
        (3, 3, RIGHT),
        (3.0, 3, RIGHT),
        ({"a", "b"}, {"b", "a"}, RIGHT),
        (None, None, RIGHT),
        (2, 3, "Not yet: count again."),
        ("3", 3, "Not yet: count again."),
        (None, 3, "Not yet: count again."),
        (4, lambda answer: answer > 3, RIGHT),
        (3, lambda answer: answer > 3, "Not yet: count again."),
        (4, lambda answer: np.bool_(answer > 3), RIGHT),
        (max, lambda function: function(1, 2) == 2, RIGHT),
    ],
)
def test_check_says_in_one_line_whether_an_answer_is_right(capsys, answer, right, says):
    assert check(answer, right, "count again") is None
    assert capsys.readouterr().out == says + "\n"


def test_a_hint_that_ends_in_a_full_stop_gets_no_second_one(capsys):
    check(1, 2, "Count the replicas.")
    assert capsys.readouterr().out == "Not yet: Count the replicas.\n"


def test_no_predicate_is_asked_about_an_answer_that_is_not_there(capsys):
    check(..., lambda answer: pytest.fail("asked"), "count again")
    assert capsys.readouterr().out == DOTS + "\n"


def test_an_answer_that_the_predicate_cannot_take_is_not_hidden():
    with pytest.raises(TypeError):
        check("three", lambda answer: answer > 3, "count again")


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
