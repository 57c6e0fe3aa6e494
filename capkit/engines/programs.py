"""Where an engine's program comes from: this computer's own, or one inside a Python package."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from capkit._arguments import choice

_VERSION = re.compile(r"\d+(?:\.\d+)+")
_FROM = ("", "system", "wheels")


class NotInstalled(Exception):
    """The engine's program is not on this computer; the sentence says how to get it."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that serves an engine.

    Attributes
    ----------
    name, version : str
        What it is, as a picture names it.
    origin : str
        Its path, or the Python package that brought it.
    path : str
        Its file.
    sound : bool
        Whether its version is not known to lose data.
    """

    name: str
    version: str
    origin: str
    path: str = ""
    sound: bool = True

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def rank(self) -> tuple[bool, tuple[int, ...]]:
        """Sound programs before others, new ones before old ones."""
        return self.sound, tuple(map(int, re.findall(r"\d+", self.version)))


@dataclass(frozen=True, slots=True)
class Source:
    """Where to look for one program."""

    name: str  # what it is, as a picture names it
    file: str  # the file's name on this computer
    package: str = ""  # the Python package that brings it
    inside: str = ""  # where it lies there; may hold `*`

    def places(self, folders: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Every path where it lies, and where that comes from."""
        wanted = choice("CAPKIT_ENGINES", os.environ.get("CAPKIT_ENGINES", ""), _FROM)
        # A package's script of the same name lies on PATH too, in the environment's own folder.
        own = sysconfig.get_path("scripts")
        path = [each for each in os.environ.get("PATH", "").split(os.pathsep) if each != own]
        for folder in [*path, *folders] if wanted != "wheels" else ():
            if found := shutil.which(self.file, path=folder):
                yield found, found
        if wanted != "system" and self.package:
            for found in inside(self.package, self.inside):
                yield found, f"the package {self.package.replace('_', '-')}"


def find(
    sources: Sequence[Source],
    install: str,
    *,
    folders: Iterable[str] = (),
    unsound: Sequence[str] = (),
    user: str | None = None,
) -> Program:
    """The newest program from any of these sources; of equal ones, this computer's own.

    This computer may have it on PATH or in `folders`. `unsound` versions are taken only if there is
    no other. The account `user`, if any, must be able to run it. If there is none, `NotInstalled`
    says what helps: `install`.

    >>> find([Source("None Such", "no-such-engine")], "apt-get install no-such-engine")
    Traceback (most recent call last):
        ...
    capkit.engines.programs.NotInstalled: no-such-engine is not installed here;
    apt-get install no-such-engine
    """
    found: list[Program] = []
    broken: list[str] = []
    for source in sources:
        for path, origin in source.places(folders):
            if version := _version(path, user):
                found.append(Program(source.name, version, origin, path, version not in unsound))
            else:
                broken.append(path)
    if not found:
        names = " or ".join(source.file for source in sources)
        trouble = f" ({broken[0]} cannot be run by {user or 'you'})" if broken else ""
        raise NotInstalled(f"{names} is not installed here{trouble}; {install}")
    return max(found, key=lambda program: program.rank)  # the first of equal ones


def library(package: str, name: str) -> Program:
    """An engine that is a Python library.

    Raises
    ------
    NotInstalled
        If it is missing, with the command that installs it.
    """
    need(package)
    return Program(name, metadata.version(package), f"the package {package}")


def need(package: str) -> None:
    """Complain if a Python library is missing, before anything is started.

    Raises
    ------
    NotInstalled
        With the command that installs it.

    Examples
    --------
    >>> need("no_such_library")
    Traceback (most recent call last):
        ...
    capkit.engines.programs.NotInstalled: the library no_such_library is not installed here;
    get it with `python -m pip install -e ".[engines]"`
    """
    if importlib.util.find_spec(package) is None:
        command = '`python -m pip install -e ".[engines]"`'
        raise NotInstalled(f"the library {package} is not installed here; get it with {command}")


def inside(package: str, pattern: str) -> list[str]:
    """Files in a Python package, which is not loaded for that."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return []
    return sorted(map(str, Path(spec.origin).parent.glob(pattern)))


def _version(path: str, user: str | None) -> str:
    """What the program says about itself; nothing if it, or that account, cannot run it."""
    account = {} if user is None else {"user": user}
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, cwd="/", **account
        )  # type: ignore[call-overload]
    except (OSError, subprocess.SubprocessError):
        return ""
    found = _VERSION.search(said.stdout)
    return found[0] if found else ""
