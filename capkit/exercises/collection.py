"""All exercises and guesses by name, such as "03.2", and the numbers that each student gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TypeVar
from zlib import crc32

from capkit.exercises.kinds import Kind

Judge = Callable[..., bool]
Numbers = Mapping[str, Sequence[Any]]
_Made = TypeVar("_Made", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exercise: which answers it takes, which of them are right, and what to think of.

    Attributes
    ----------
    kind : Kind
        What an answer must be, to be judged at all.
    hint : str
        What to think of, if an answer is not right; a `{name}` in it stands for that number.
    judge : callable
        Takes the answer, and the numbers by name, and returns whether it is right.
    numbers : mapping of str to sequence
        From which each number is drawn; the first is that of the lesson's text.
    shows : callable or None
        Takes the numbers and returns what `puzzle` gives.
    """

    kind: Kind
    hint: str
    judge: Judge
    numbers: Numbers = field(default_factory=dict)
    shows: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """One question before a result, as `dashboards.predict` takes it."""

    question: str
    answer: Callable[[], Any]
    options: Sequence[str] | None
    more: Mapping[str, Any]


EXERCISES: dict[str, Exercise] = {}
GUESSES: dict[str, Guess] = {}
_student: list[str] = []  # the last one counts


def exercise(
    name: str,
    kind: Kind,
    hint: str,
    *,
    shows: Callable[..., Any] | None = None,
    **numbers: Sequence[Any],
) -> Callable[[_Made], _Made]:
    """Make the function below it the judge of exercise `name`, for `check`.

    Examples
    --------
    >>> from capkit.exercises import check, kinds
    >>> @exercise("99.1", kinds.whole(0, 99), "count the replicas")
    ... def replicas(answer):
    ...     return answer == 3
    >>> check("99.1", 2)
    Not yet: count the replicas.
    >>> del EXERCISES["99.1"]
    """

    def keep(judge: _Made) -> _Made:
        made = Exercise(kind=kind, hint=hint, judge=judge, numbers=numbers, shows=shows)
        EXERCISES[name] = made
        return judge

    return keep


def guess(
    name: str, question: str, options: Sequence[str] | None = None, **more: Any
) -> Callable[[_Made], _Made]:
    """Make the function below it the answer of question `name`, for `predict`."""

    def keep(answer: _Made) -> _Made:
        GUESSES[name] = Guess(question=question, answer=answer, options=options, more=more)
        return answer

    return keep


def predict(name: str) -> Any:
    """Ask for a guess, and show the result beside it only after it is given.

    Parameters
    ----------
    name : str
        Such as "03.1": the first question of lesson 03.

    Returns
    -------
    Prediction
        As `dashboards.predict` makes it.

    Raises
    ------
    ValueError
        If there is no such question.

    Examples
    --------
    >>> predict("03.1")
    How many of these five requests get an answer? No guess yet.
    """
    from capkit import dashboards

    asked = named(name, GUESSES)
    return dashboards.predict(asked.question, asked.answer, asked.options, **asked.more)


def puzzle(name: str) -> Any:
    """What an exercise shows, such as a history whose store is to be named.

    Raises
    ------
    ValueError
        If there is no such exercise, or it shows nothing.

    Examples
    --------
    >>> puzzle("00.3")
    <History of 22 operations, 14 answered>
    """
    shows = named(name, EXERCISES).shows
    if shows is None:
        raise ValueError(f"name must be that of an exercise with a puzzle, got {name!r}")
    return shows(**numbers_of(name))


def student(name: str) -> None:
    """Give exercises the numbers of this student, always the same ones; `check` names them.

    Parameters
    ----------
    name : str
        Such as a matriculation number. An empty one brings the numbers of the text back.

    Examples
    --------
    >>> student("s123")
    Exercises with numbers of their own have those of s123; each check names them.
    >>> student("")
    The exercises have the numbers of the text.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, got {name!r}")
    _student[:] = [name] if name else []
    own = f"Exercises with numbers of their own have those of {name}; each check names them."
    print(own if name else "The exercises have the numbers of the text.")


def numbers_of(name: str) -> dict[str, Any]:
    """The numbers of an exercise, for the student who was named last."""
    numbers = named(name, EXERCISES).numbers
    if not _student:
        return {each: values[0] for each, values in numbers.items()}
    return {
        each: values[crc32(f"{_student[0]} {name} {each}".encode()) % len(values)]
        for each, values in numbers.items()
    }


def own_numbers(name: str) -> str:
    """The numbers of an exercise in words, if there is a student to whom they belong."""
    numbers = numbers_of(name) if _student else {}
    words = ", ".join(f"{each} = {value}" for each, value in numbers.items())
    return f"For {_student[0]}: {words}. " if words else ""


_Kept = TypeVar("_Kept", Exercise, Guess)


def named(name: str, kept: dict[str, _Kept]) -> _Kept:
    """The exercise or guess of that name; its lesson is loaded when somebody asks."""
    lesson = f"lesson_{str(name).partition('.')[0]}"
    if lesson in lessons():
        import_module(f"capkit.exercises.{lesson}")
    if name not in kept:
        raise ValueError(f"name must be one of {sorted(kept)}, got {name!r}")
    return kept[name]


def lessons() -> list[str]:
    """Names of the files that hold a lesson's exercises and guesses."""
    from capkit import exercises

    return [each.name for each in iter_modules(exercises.__path__) if each.name[-2:].isdigit()]
