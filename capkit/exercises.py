"""How an exercise's cell tells a student whether the answer is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def check(answer: Any, right: Callable[[Any], bool] | Any, hint: str) -> None:
    """Print whether `answer` is right, and otherwise what to think of.

    Parameters
    ----------
    answer : object
        The student's answer; `...` means that there is none yet.
    right : callable or object
        Says of an answer whether it is right, or is what the answer must equal.
    hint : str
        What to think of, if it is not right.

    Examples
    --------
    >>> check(..., 3, "count the replicas")
    No answer yet: replace the dots.
    >>> check(2, 3, "count the replicas")
    Not yet: count the replicas.
    >>> check(3, lambda answer: answer > 2, "count the replicas")
    Right.
    """
    if answer is ...:
        print("No answer yet: replace the dots.")
        return
    is_right = right(answer) if callable(right) else bool(answer == right)
    print("Right." if is_right else f"Not yet: {hint.rstrip('.')}.")
