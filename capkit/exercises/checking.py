"""What the check cell of an exercise says: right, not yet, or what is wrong with the answer."""

from __future__ import annotations

import linecache
import os
import traceback
from typing import Any

from capkit.exercises.collection import EXERCISES, named, numbers_of, own_numbers
from capkit.exercises.kinds import Dots, NothingReturned

_DOTS = "No answer yet: replace the dots."


class Wrong(Exception):
    """An answer that is not right, where answers are graded."""


def check(name: str, answer: Any) -> None:
    """Print whether the answer to an exercise is right, and otherwise what to think of.

    Parameters
    ----------
    name : str
        Such as "03.2": exercise 2 of lesson 03.
    answer : object
        The student's answer; `...` means that there is none yet.

    Raises
    ------
    ValueError
        If there is no such exercise.
    Wrong
        If the answer is not right and nbgrader grades it (`NBGRADER_EXECUTION` is set).

    Examples
    --------
    >>> check("03.2", ...)
    No answer yet: replace the dots.
    >>> check("03.2", "half")
    The answer is a number from 0 to 1; yours is the text 'half'.
    >>> check("03.2", 1)
    Not yet: a program gives the same answer to the same input.
    >>> check("03.2", 0.5)
    Right.
    """
    verdict = own_numbers(name) + _verdict(name, answer)
    if os.environ.get("NBGRADER_EXECUTION") and not verdict.endswith("Right."):
        raise Wrong(verdict)
    print(verdict)


def _verdict(name: str, answer: Any) -> str:
    exercise = named(name, EXERCISES)
    if any(each is ... for each in (answer.values() if isinstance(answer, dict) else [answer])):
        return _DOTS
    if problem := exercise.kind.problem(answer):
        return problem
    try:
        if exercise.judge(exercise.kind.given(answer), **numbers_of(name)):
            return "Right."
    except Dots:
        return _DOTS
    except NothingReturned:
        return "Not yet: your function returned nothing. It needs a line with `return`."
    except Exception as error:
        return _crash(error)
    return f"Not yet: {exercise.hint.format(**numbers_of(name)).rstrip('.')}."


def _crash(error: Exception) -> str:
    """What went wrong in the student's code, with their line, or what capkit did not take."""
    said = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".:")
    first: BaseException = error
    while first.__cause__:  # SimPy raises a copy of what a store raised
        first = first.__cause__
    for frame, line in reversed(list(traceback.walk_tb(first.__traceback__))):
        if frame.f_globals.get("__name__") == "__main__":
            text = linecache.getline(frame.f_code.co_filename, line).strip()
            return f"Your code stopped at `{text}` (line {line} of its cell). {said}."
    if isinstance(error, ValueError | TypeError):
        return f"Not yet: capkit does not take this answer. {said}."
    raise error
