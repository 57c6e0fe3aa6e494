"""Whether the classroom works: one line for each thing that the lessons need, and what to type."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_NEED = "the lessons need it"
_NEEDS = {
    "anywidget": "the dashboards will not show",
    "ipykernel": "no code will run",
    "ipywidgets": "the sliders will not show",
    "jupyterlab": "no lesson will open",
    "jupyterlab_widgets": "the sliders will not show",
    "matplotlib": "there will be no pictures",
}
_OPTIONAL = {"voila": "it shows a lesson without its code"}
# What JupyterLab must have of a package, in its folder labextensions.
_SHOWN_BY = {
    "ipywidgets": ("@jupyter-widgets/jupyterlab-manager", "jupyterlab_widgets"),
    "anywidget": ("anywidget", "anywidget"),
}


def all_works() -> bool:
    """Print whether the classroom works: a line for each thing, and what to type if it does not.

    A line begins with `ok`, with `FAIL`, or with `none` if the thing is missing but the lessons
    can do without it. The last line is a summary. `python -m capkit check` does the same.

    Returns
    -------
    bool
        Whether everything that the lessons need is there.

    Examples
    --------
    >>> works = all_works()  # doctest: +ELLIPSIS
    ok   Python 3...
    ok   ipywidgets 8...
    ...
    The classroom works.
    """
    failures = 0
    for line in chain(
        _python(), _namesake(), _packages(), _widgets(), _kernel(), _font(), _engines()
    ):
        print(line)
        failures += line.startswith("FAIL")
    if failures:
        print(f"{failures} thing{'' if failures == 1 else 's'} to do before class.")
    else:
        print("The classroom works.")
    return not failures


def _fail(what: str, why: str, command: str) -> str:
    return f"FAIL {what}: {why}; type: {command}"


def _install(name: str, versions: object = "") -> str:
    """The command that installs a package, with its lower limit before the upper one."""
    limits = ",".join(sorted(str(versions).split(","), reverse=True))
    return f'python -m pip install "{name}{limits}"'


def _have(*packages: str) -> bool:
    return None not in map(find_spec, packages)


def _on_colab() -> bool:
    """Whether this is Google Colab, which has a notebook and widgets of its own."""
    return "google.colab" in sys.modules


def _python() -> Iterator[str]:
    version = platform.python_version()
    if tuple(map(int, version.split(".")[:2])) >= (3, 11):
        yield f"ok   Python {version}"
    else:
        command = "python3.11 -m venv .venv (get Python 3.11 or newer from python.org first)"
        yield _fail(f"Python {version}", "capkit needs 3.11 or newer", command)


def _namesake() -> Iterator[str]:
    """Whether the other `capkit`, which is on PyPI, stands in the way of this one."""
    try:
        version = metadata.version("capkit")
    except metadata.PackageNotFoundError:
        return
    command = "python -m pip uninstall capkit; python -m pip install -r requirements.txt"
    yield _fail(f"capkit {version}", "this is another package of the same name", command)


def _packages() -> Iterator[str]:
    """What capkit itself needs and, except on Colab, what JupyterLab does."""
    if not _have("packaging"):
        yield _fail("packaging is missing", "versions cannot be compared", _install("packaging"))
        return
    from packaging.requirements import Requirement

    try:
        texts = metadata.requires("capkit-lessons") or []
    except metadata.PackageNotFoundError:
        command = "python -m pip install -r requirements.txt"
        yield _fail("capkit is not installed", "it was only found in this folder", command)
        return
    extra = "" if _on_colab() else "notebooks"
    needed = {}
    for each in map(Requirement, texts):
        if each.marker is None or each.marker.evaluate({"extra": extra}):
            needed[each.name] = each  # JupyterLab's limits are the narrower ones, and come last
    yield from map(_package, needed.values())


def _package(needed: Requirement) -> str:
    name, command = needed.name, _install(needed.name, needed.specifier)
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        if name in _OPTIONAL:
            return f"none {name}: {_OPTIONAL[name]}; to have it, type: {command}"
        return _fail(f"{name} is missing", _NEEDS.get(name, _NEED), command)
    if needed.specifier.contains(version, prereleases=True):
        return f"ok   {name} {version}"
    why = _NEEDS.get(name, "the lessons need another version")
    return _fail(f"{name} {version}", why, command)


def _widgets() -> Iterator[str]:
    """Whether JupyterLab has its part of the widgets, in the version that they ask for."""
    if _on_colab() or not _have("packaging", "jupyter_core"):
        return
    from jupyter_core.paths import jupyter_path
    from packaging.requirements import Requirement

    for name, (folder, package) in _SHOWN_BY.items():
        if not _have(name):
            continue  # which has been said
        for each in map(Requirement, metadata.requires(name) or []):
            if each.name.replace("-", "_") == package:
                yield _package(each)
        if any((Path(path) / folder).is_dir() for path in jupyter_path("labextensions")):
            yield f"ok   JupyterLab shows {name}"
        else:
            command = f"python -m pip install --force-reinstall --no-deps {package}"
            yield _fail(f"JupyterLab does not show {name}", _NEEDS[name], command)


def _kernel() -> Iterator[str]:
    """Which Python a notebook runs: in one this one, else the one that Jupyter would start."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        yield f"ok   kernel: this notebook runs {sys.executable}"
        return
    if not _have("jupyter_client"):
        return
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        yield _fail("kernel python3 is missing", _NEEDS["ipykernel"], _install("ipykernel"))
        return
    by_name = program in ("python", "python3", "python{}.{}".format(*sys.version_info))
    if by_name or Path(program).parent == Path(sys.executable).parent:
        yield f"ok   kernel: notebooks run {sys.executable}"
    else:
        why = f"notebooks run {program}, which may be without capkit"
        yield _fail("kernel", why, "python -m ipykernel install --user")


def _font() -> Iterator[str]:
    """Whether the pictures have the type that their words were measured in."""
    if not _have("matplotlib", "packaging"):
        return
    again = "python -m pip install --force-reinstall matplotlib"
    try:
        from matplotlib.font_manager import findfont

        findfont("DejaVu Sans", fallback_to_default=False)
        yield "ok   font DejaVu Sans"
    except ImportError:
        yield _fail("matplotlib does not load", _NEEDS["matplotlib"], again)
    except ValueError:
        yield _fail("font DejaVu Sans is missing", "words in pictures will overlap", again)


def _engines() -> Iterator[str]:
    """Which of the real engines of lesson 08 are here, in which version and from where."""
    try:
        from capkit import engines
    except ModuleNotFoundError as missing:
        yield _fail(f"{missing.name} is missing", "lesson 08 needs it", _install(str(missing.name)))
        return
    for make in engines.ALL:
        try:
            program = make().find()
            warning = "" if program.sound else "; it may lose data when it is killed"
            yield f"ok   {program} from {program.origin}{warning}"
        except engines.NotInstalled as missing:
            yield f"none {make.title}: lesson 08 shows a recorded run; {missing}"
