"""For the lecturer: whether everything works before class."""

from capkit.classroom.checks import check

__all__ = ["check"]
