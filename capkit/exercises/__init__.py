"""Exercises and guesses: a lesson's cells ask the questions, and the answers stand here.

`check("03.2", answer)` says whether the answer to exercise 2 of lesson 03 is right; where a
notebook is graded by nbgrader, it raises `Wrong` if not. `puzzle` is what an exercise
shows, `predict` asks for a guess before a result, and `student` gives each student numbers of
their own. One file holds the exercises and guesses of one lesson.
"""

from capkit.exercises import out_of_order
from capkit.exercises.checking import Wrong, check
from capkit.exercises.collection import exercise, guess, predict, puzzle, student

__all__ = ["Wrong", "check", "exercise", "guess", "predict", "puzzle", "student"]

out_of_order.watch()
