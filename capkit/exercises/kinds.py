"""What an answer must be before it is judged, so that a slip of the pen is told from an error."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np


class NothingReturned(Exception):
    """A student's function returned None."""


class Dots(Exception):
    """A student's function still returns the dots of its template."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What an answer must be.

    Attributes
    ----------
    what : str
        Such as "a whole number from 0 to 9".
    fits : callable
        Whether an answer is of this kind.
    given : callable
        What the judge gets for an answer.
    advice : callable
        A better sentence for some answers that do not fit, or nothing.
    """

    what: str
    fits: Callable[[Any], bool]
    given: Callable[[Any], Any] = lambda answer: answer
    advice: Callable[[Any], str] = lambda answer: ""

    def problem(self, answer: Any) -> str:
        """One sentence if the answer is not of this kind, else nothing."""
        if self.fits(answer):
            return ""
        return self.advice(answer) or f"The answer is {self.what}; yours is {described(answer)}."


def described(answer: Any) -> str:
    """An answer as a sentence names it, not longer than a line.

    Examples
    --------
    >>> [described(answer) for answer in ("3", None, [1, 2], max)]
    ["the text '3'", 'None, which is nothing', 'the list [1, 2]', 'the function max']
    """
    if answer is None:
        return "None, which is nothing"
    if isinstance(answer, type) or inspect.isroutine(answer):
        return f"the {'class' if isinstance(answer, type) else 'function'} {answer.__name__}"
    words = {str: "text", dict: "dictionary", bool: "truth value", int: "number", float: "number"}
    shown = repr(answer)
    shown = shown if len(shown) <= 40 else shown[:37] + " and so on"
    return f"the {words.get(type(answer), type(answer).__name__)} {shown}"


def whole(low: float = -math.inf, high: float = math.inf) -> Kind:
    """A whole number in low..high."""

    def fits(answer: Any) -> bool:
        return _is_number(answer) and answer == int(answer) and low <= answer <= high

    return Kind(f"a whole number{_span(low, high)}", fits, int)


def number(low: float = -math.inf, high: float = math.inf) -> Kind:
    """Any number in low..high."""
    return Kind(
        f"a number{_span(low, high)}", lambda answer: _is_number(answer) and low <= answer <= high
    )


def word(*options: str) -> Kind:
    """One of a few words, whose spelling counts."""

    def advice(answer: Any) -> str:
        return _spelling([answer], options)

    return Kind(f"one of {_listed(options)}", lambda answer: answer in options, advice=advice)


def words(*options: str) -> Kind:
    """A set of some of a few words, whose spelling counts."""

    def fits(answer: Any) -> bool:
        return isinstance(answer, set | frozenset | list | tuple) and set(answer) <= {*options}

    def advice(answer: Any) -> str:
        return _spelling(answer, options) if isinstance(answer, set | list | tuple) else ""

    return Kind(f"a set of some of {_listed(options)}", fits, set, advice)


def order(length: int) -> Kind:
    """A list of the numbers from 0 on, each once."""

    def fits(answer: Any) -> bool:
        return isinstance(answer, list | tuple) and sorted(map(str, answer)) == [
            str(each) for each in range(length)
        ]

    what = f"a list of the numbers from 0 to {length - 1}, each once"
    return Kind(what, fits, lambda answer: [int(each) for each in answer])


def a(kind: type | tuple[type, ...], what: str) -> Kind:
    """An object of some type."""
    return Kind(what, lambda answer: isinstance(answer, kind))


def function(*arguments: str) -> Kind:
    """A function of these arguments, which returns something."""

    def fits(answer: Any) -> bool:
        return callable(answer) and not isinstance(answer, type) and _takes(answer, arguments)

    def advice(answer: Any) -> str:
        if not callable(answer) or isinstance(answer, type):
            return ""
        return f"Your function does not take {what}, which is what it is given."

    def given(answer: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*values: Any) -> Any:
            result = answer(*values)
            if result is None:
                raise NothingReturned
            if result is ...:
                raise Dots
            return result

        return asked

    what = f"{len(arguments)} argument{'s' * (len(arguments) > 1)} ({', '.join(arguments)})"
    return Kind(f"a function of {', '.join(arguments)}", fits, given, advice)


def store(base: type) -> Kind:
    """A class of stores derived from `base`."""
    return Kind(
        f"a class derived from {base.__name__}",
        lambda answer: isinstance(answer, type) and issubclass(answer, base),
    )


def _is_number(answer: Any) -> bool:
    plain = isinstance(answer, int | float | np.integer | np.floating)
    return plain and not isinstance(answer, bool) and math.isfinite(answer)


def _span(low: float, high: float) -> str:
    if math.isfinite(high):
        return f" from {low:g} to {high:g}"
    return f" of at least {low:g}" if math.isfinite(low) else ""


def _listed(options: Sequence[str]) -> str:
    return ", ".join(map(repr, options))


def _spelling(answers: Any, options: Sequence[str]) -> str:
    """What was meant, if a word is nearly one of the options."""
    folded = {option.casefold(): option for option in options}
    for answer in answers:
        if isinstance(answer, str) and answer not in options:
            near = get_close_matches(answer.strip().casefold(), folded, n=1, cutoff=0.7)
            if near:
                return f"Write {folded[near[0]]!r}, not {answer!r}."
    return ""


def _takes(function: Callable[..., Any], arguments: Sequence[str]) -> bool:
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # some built-in functions do not say
        return True
    return True
