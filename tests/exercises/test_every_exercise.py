"""Every exercise of every lesson: whatever is given for an answer, one line says what is wrong."""

from importlib import import_module

import pytest

from capkit.exercises import check, collection


def crashing(*given):
    raise RuntimeError("no idea")


def nothing(*given):
    return None


for lesson in collection.lessons():
    import_module(f"capkit.exercises.{lesson}")
NAMES = sorted(name for name in collection.EXERCISES if not name.startswith("99"))
ANSWERS = {
    "dots": ...,
    "nothing": None,
    "a text": "no idea",
    "a number": -12_345.5,
    "an endless number": float("inf"),
    "a truth value": True,
    "an empty list": [],
    "a set of texts": {"no", "idea"},
    "a class": dict,
    "a function of too much": lambda a, b, c, d, e, f: 0,
    "a function that returns nothing": nothing,
    "a function that crashes": crashing,
}


def test_there_are_exercises_of_every_lesson():
    assert {name[:2] for name in NAMES} == {lesson[-2:] for lesson in collection.lessons()}


@pytest.mark.parametrize("given", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_given_one_line_says_what_is_wrong(name, given, capsys):
    try:
        check(name, given)
    except RuntimeError:  # not in a notebook: there it is shown with the student's line
        assert given is crashing
        return
    out = capsys.readouterr().out
    assert out.endswith(".\n")
    assert len(out.splitlines()) == 1
    assert ".." not in out.replace("...", "")
    assert "Right." not in out
