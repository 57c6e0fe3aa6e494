"""For the lecturer and the students: whether everything works, lessons to work in, web pages.

`checks` is `python -m capkit check`, `copies` is `python -m capkit open`, and `web` is
`python -m capkit web OUT`.
"""

from capkit.classroom.checks import all_works
from capkit.classroom.copies import open_lessons

__all__ = ["all_works", "open_lessons"]
