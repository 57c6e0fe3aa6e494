"""A cell that was run too early: the error says which cell to run first."""

from __future__ import annotations

import ast
import json
import os
import sys
from pathlib import Path
from typing import Any


def watch() -> None:
    """From now on, let a NameError in a notebook end with the cell that must be run first."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and shell.custom_exceptions == ():
        shell.set_custom_exc((NameError,), _explain)


def _explain(shell: Any, kind: Any, error: NameError, trace: Any, tb_offset: Any = None) -> None:
    error.add_note(first_cell(error.name or "", _this_notebook()))
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def first_cell(name: str, notebook: Path | None) -> str:
    """A sentence that says which cell of a notebook makes a name.

    Examples
    --------
    >>> first_cell("cluster", None)
    'Has a cell above not been run? Run all cells above this one, from the top.'
    """
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"] if notebook else []
    except (OSError, ValueError, KeyError):
        cells = []
    for cell in (cell for cell in cells if cell["cell_type"] == "code"):
        source = "".join(cell["source"])
        if line := _made(source).get(name):
            return f"Run first the cell with this line: {source.splitlines()[line - 1].strip()}"
    return "Has a cell above not been run? Run all cells above this one, from the top."


def _this_notebook() -> Path | None:
    """The file of the running notebook, where Jupyter says so."""
    name = os.environ.get("JPY_SESSION_NAME", "")
    return Path.cwd() / Path(name).name if name.endswith(".ipynb") else None


def _made(source: str) -> dict[str, int]:
    """Names that a cell gives to something, and in which line."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return {}
    made: dict[str, int] = {}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            made.setdefault(node.id, node.lineno)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.setdefault(node.name, node.lineno)
        elif isinstance(node, ast.alias):
            made.setdefault(node.asname or node.name, node.lineno)
    return made
