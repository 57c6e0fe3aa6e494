"""What the cells of a notebook end in: its dashboards, guesses and films, made by running it."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from capkit.dashboards.dashboard import Dashboard
from capkit.dashboards.network_dashboard import Film
from capkit.dashboards.prediction import Prediction

Live = Dashboard | Film | Prediction
_MAYBE = re.compile(r"predict\(|dashboards\.|\bboard$", re.MULTILINE)


def live_cells(notebook: Mapping[str, Any], folder: Path) -> dict[int, Live]:
    """The live value of each cell that ends in one, by the cell's place in the notebook.

    The cells are run in `folder` from the first to the last that may end in one.

    Raises
    ------
    Exception
        What a cell raises, unless its tags say that it may.
    """
    from IPython.core.interactiveshell import InteractiveShell

    shell: Any = InteractiveShell.instance()
    found: dict[int, Live] = {}
    with _inside(folder), contextlib.redirect_stdout(io.StringIO()):
        for place, cell in _cells_to_run(notebook):
            result = shell.run_cell("".join(cell["source"]))
            if "raises-exception" not in cell["metadata"].get("tags", ()):
                result.raise_error()
            if isinstance(result.result, Live):
                found[place] = result.result
    return found


def _cells_to_run(notebook: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    code = [(i, cell) for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code"]
    wanted = [n for n, (_, cell) in enumerate(code) if _MAYBE.search("".join(cell["source"]))]
    return code[: max(wanted, default=-1) + 1]


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
