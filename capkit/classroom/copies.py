"""A copy of the lessons to work in: without outputs, and never over what is there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capkit._arguments import flag

LESSONS = Path(__file__).parents[2] / "notebooks"
_FIRST = "00-start-here.ipynb"
_COPIED = ("*.ipynb", "solutions/*.ipynb", "recordings/*", "pictures/*")


def open_lessons(folder: str | Path = "my-lessons", *, browser: bool = True) -> None:
    """Copy the lessons into a folder to work in, and open the first of them in JupyterLab.

    The copies have no outputs, so that no answer is seen before it is asked for. A file that is
    there is never written over: new lessons are added, and where a lesson has changed since it was
    copied, the new one is put beside it, under a new name. What is done is printed.

    Parameters
    ----------
    folder : str or Path
        Where to copy to; it is made if it is not there.
    browser : bool
        Whether to open the first lesson.

    Raises
    ------
    FileNotFoundError
        If the lessons are not beside `capkit`, as in a clone.
    """
    flag("browser", browser)
    if not (LESSONS / _FIRST).exists():
        raise FileNotFoundError(f"no lessons in {LESSONS}: install capkit from its clone, with -e")
    folder = Path(folder)
    made = list(_copy_all(folder))
    for line in made or [f"The lessons in {folder} are those of this version."]:
        print(line)
    print(f"The same by hand: jupyter lab {folder / _FIRST}")
    if browser:
        address = f"--LabApp.default_url=/doc/tree/{_FIRST}"
        command = [sys.executable, "-m", "jupyterlab", address]
        subprocess.run([*command, f"--ServerApp.root_dir={folder.resolve()}"], check=False)


def _copy_all(folder: Path) -> Iterator[str]:
    """Copy what is missing, and put what has changed beside it; a line for each lesson."""
    fresh = not folder.exists()
    for source in (path for pattern in _COPIED for path in sorted(LESSONS.glob(pattern))):
        target = folder / source.relative_to(LESSONS)
        if not target.exists():
            _copy(source, target)
            if not fresh:
                yield f"New: {target}"
        elif source.suffix == ".ipynb" and _origin(target) != _digest(source):
            beside = _beside(target, _digest(source))
            if not beside.exists():
                _copy(source, beside)
                yield f"Changed since you copied it: {target}. The new one is {beside}"
    if fresh:
        lessons = len(list(LESSONS.glob("*.ipynb")))
        yield f"Copied {lessons} lessons into {folder}, without outputs. Work there."


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix != ".ipynb":
        shutil.copyfile(source, target)
        return
    lesson = json.loads(source.read_text("utf-8"))
    for cell in lesson["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    lesson["metadata"]["capkit"] = {"copied_from": _digest(source)}
    target.write_text(json.dumps(lesson, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _digest(source: Path) -> str:
    """A short name for what a lesson says, whatever its outputs are."""
    cells = json.loads(source.read_text("utf-8"))["cells"]
    said = [["".join(cell["source"]), cell["cell_type"]] for cell in cells]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:8]


def _origin(copy: Path) -> str:
    """The digest of the lesson that a copy was made from, which Jupyter keeps when it saves."""
    try:
        metadata: dict[str, Any] = json.loads(copy.read_text("utf-8"))["metadata"]
        return str(metadata["capkit"]["copied_from"])
    except (ValueError, KeyError, TypeError):
        return ""


def _beside(target: Path, digest: str) -> Path:
    """A name for a changed lesson: the next one that is free, or that of the same change."""
    number = 2
    while True:
        name = target.with_name(f"{target.stem}-version-{number}.ipynb")
        if not name.exists() or _origin(name) == digest:
            return name
        number += 1
