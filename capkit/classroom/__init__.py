"""For the lecturer and the students: whether everything works, and lessons to work in."""

from capkit.classroom.checks import check
from capkit.classroom.copies import open_lessons

__all__ = ["check", "open_lessons"]
