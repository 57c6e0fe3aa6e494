"""How long widgets live: the last few of a kind, so that cells run again do not fill the memory.

A widget is kept in the kernel and in the page until somebody closes it, and IPython keeps what a
cell has shown. A hub with a hundred seats cannot wait for either.
"""

from __future__ import annotations

from collections import deque
from typing import Any

FEW = 4
_living: dict[str, deque[Any]] = {}


def keep_few(kind: str, made: Any) -> None:
    """Count `made` among the widgets of a kind, and close the oldest if there are too many.

    Parameters
    ----------
    kind : str
        Such as the name of a dashboard: a lesson shows at most `FEW` of each.
    made : widget
        What was just made; its `close` frees what it holds.
    """
    living = _living.setdefault(kind, deque())
    living.append(made)
    while len(living) > FEW:
        living.popleft().close()


def close_inside(widget: Any) -> None:
    """Close all widgets in a widget, with their layouts and styles, but not the widget itself."""
    for child in getattr(widget, "children", ()):
        close_inside(child)
        child.close()
    for part in (getattr(widget, "layout", None), getattr(widget, "style", None)):
        if part is not None:
            part.close()
