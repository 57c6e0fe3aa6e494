"""What a check cell says: right, not yet, or in one sentence what is wrong with the answer."""

import json
import subprocess
import sys

import pytest

from capkit import exercises
from capkit.exercises import Wrong, check, collection, kinds
from capkit.stores import CPStore

RIGHT, DOTS = "Right.\n", "No answer yet: replace the dots.\n"


@pytest.fixture
def make(monkeypatch):
    """An exercise of one's own, which is gone after the test."""
    monkeypatch.setattr(collection, "EXERCISES", kept := dict(collection.EXERCISES))
    monkeypatch.setattr("capkit.exercises.checking.EXERCISES", kept)

    def make(kind, judge=lambda answer: answer == 3, hint="count again", **more):
        exercises.exercise("99.1", kind, hint, **more)(judge)

    return make


@pytest.fixture
def said(capsys):
    """What the check of that exercise prints about an answer."""

    def said(answer):
        check("99.1", answer)
        return capsys.readouterr().out

    return said


ANY = kinds.Kind("anything", lambda answer: True)


@pytest.mark.parametrize(
    "answer, says", [(..., DOTS), (3, RIGHT), (3.0, RIGHT), (2, "Not yet: count again.\n")]
)
def test_a_check_says_in_one_line_whether_an_answer_is_right(make, said, answer, says):
    make(kinds.whole(0, 9))
    assert said(answer) == says


def test_a_dictionary_with_dots_left_in_it_is_no_answer_yet(make, said):
    make(ANY, lambda answer: True)
    assert said({"cart": "A", "seat": ...}) == DOTS
    assert said({"cart": "A", "seat": "C"}) == RIGHT


@pytest.mark.parametrize("hint", ["Count the replicas.", "Count the replicas"])
def test_a_hint_ends_in_one_full_stop(make, said, hint):
    make(ANY, hint=hint)
    assert said(1) == "Not yet: Count the replicas.\n"


@pytest.mark.parametrize(
    "kind, answer, says",
    [
        (kinds.whole(0, 9), "3", "is a whole number from 0 to 9; yours is the text '3'."),
        (kinds.whole(0, 9), 12, "is a whole number from 0 to 9; yours is the number 12."),
        (kinds.whole(1), 2.5, "is a whole number of at least 1; yours is the number 2.5."),
        (kinds.whole(), None, "is a whole number; yours is None, which is nothing."),
        (kinds.number(0, 1), True, "is a number from 0 to 1; yours is the truth value True."),
        (kinds.number(), max, "is a number; yours is the function max."),
        (kinds.word("CA", "CP"), "ca", "Write 'CA', not 'ca'."),
        (kinds.word("CA", "CP"), "XYZ", "is one of 'CA', 'CP'; yours is the text 'XYZ'."),
        (kinds.words("hints", "repair"), {"hint"}, "Write 'hints', not 'hint'."),
        (kinds.words("hints", "repair"), 3, "a set of some of 'hints', 'repair'; yours is the num"),
        (kinds.order(3), [1, 2, 3], "is a list of the numbers from 0 to 2, each once; yours is"),
        (kinds.a(dict, "a dictionary"), [1], "is a dictionary; yours is the list [1]."),
        (kinds.function("side", "nodes"), 3, "is a function of side, nodes; yours is the number 3"),
        (kinds.function("a", "b"), lambda a: a, "Your function does not take 2 arguments (a, b)"),
        (kinds.store(CPStore), dict, "is a class derived from CPStore; yours is the class dict."),
        (kinds.whole(), list(range(99)), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and so on."),
    ],
)
def test_a_wrong_type_or_spelling_is_told_from_a_wrong_answer(make, said, kind, answer, says):
    make(kind, judge=lambda answer: pytest.fail("judged"))
    assert says in said(answer)
    assert ".." not in said(answer)


@pytest.mark.parametrize("result, says", [(None, "your function returned nothing"), (..., DOTS)])
def test_a_function_that_returns_nothing_or_dots_is_told(make, said, result, says):
    make(kinds.function("x"), judge=lambda mine: mine(1) == 3)
    assert says in said(lambda x: result)


CELL = "\n".join(["def mine(side, nodes):", "    return side / 0 > nodes"])


def notebook(*cells):
    """What the last cell of a notebook prints, each cell run as IPython runs it."""
    code = "import sys, json; from IPython.core.interactiveshell import InteractiveShell as S\n"
    code += "shell = S.instance(); shell.colors = 'NoColor'\n"
    code += "for cell in json.loads(sys.argv[1]): shell.run_cell(cell, store_history=True)"
    command = [sys.executable, "-c", code, json.dumps(cells)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_an_exception_in_a_students_code_shows_their_line_and_one_sentence():
    out = notebook("from capkit.exercises import check", CELL, 'check("03.3", mine)')
    assert out.splitlines() == [
        "Your code stopped at `return side / 0 > nodes` (line 2 of its cell). "
        "ZeroDivisionError: division by zero."
    ]


def test_an_exception_inside_a_students_store_shows_their_line():
    cell = "from capkit import CPStore\nclass Mine(CPStore):\n    def on_get(self, request, key):\n"
    cell += "        yield from nothing"
    out = notebook("from capkit.exercises import check", cell, 'check("04.2", Mine)')
    assert "Your code stopped at `yield from nothing` (line 4 of its cell)." in out


def test_what_capkit_does_not_take_is_one_sentence(capsys):
    check("07.1", {"consistent_reads": True})
    out = capsys.readouterr().out
    assert out.startswith("Not yet: capkit does not take this answer. ")
    assert "consistent_reads" in out


def test_an_error_of_our_own_is_not_hidden(make):
    make(ANY, judge=lambda answer: {}[answer])
    with pytest.raises(KeyError):
        check("99.1", 1)


def test_a_cell_run_too_early_names_the_cell_to_run_first(tmp_path, monkeypatch):
    cells = ["from capkit.exercises import check", "def mine(n):\n    return n", "print(mine(3))"]
    made = {"cells": [{"cell_type": "code", "source": each} for each in cells]}
    (tmp_path / "lesson.ipynb").write_text(json.dumps(made))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", "somewhere/lesson.ipynb")
    out = notebook(cells[0], cells[2])
    assert "NameError: name 'mine' is not defined" in out
    assert "Run first the cell with this line: def mine(n):" in out
    assert "Run all cells above this one" in notebook(cells[0], "unheard_of")


@pytest.mark.parametrize("answer", [..., 2, "three"])
def test_a_check_raises_where_answers_are_graded(make, monkeypatch, answer):
    make(kinds.whole())
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(Wrong):
        check("99.1", answer)
    check("99.1", 3)


def test_an_unknown_exercise_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(ValueError, match=r"name must be one of .*'03\.1'.* got '03\.9'"):
        check("03.9", 1)
    with pytest.raises(ValueError, match=r"exercise with a puzzle, got '03\.1'"):
        exercises.puzzle("03.1")


@pytest.fixture
def student(capsys):
    yield exercises.student
    exercises.student("")


def test_each_student_has_numbers_of_their_own_and_always_the_same(student, capsys):
    drawn = {}
    for name in [f"s{i}" for i in range(60)]:
        student(name)
        drawn[name] = collection.numbers_of("04.1")["nodes"]
        assert drawn[name] == collection.numbers_of("04.1")["nodes"]
    assert set(drawn.values()) == {5, 6, 7, 8, 9, 11}
    mine = drawn[name]
    capsys.readouterr()
    check("04.1", (mine - 1) // 2)
    assert capsys.readouterr().out == f"For s59: nodes = {mine}. Right.\n"
    student("")
    assert collection.numbers_of("04.1") == {"nodes": 7}
    check("04.1", 3)
    assert capsys.readouterr().out.endswith("\nRight.\n")
