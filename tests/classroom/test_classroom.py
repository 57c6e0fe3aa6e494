"""`python -m capkit check` says for each thing whether it works, and what to type if not."""

import platform
import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import jupyter_core.paths
import matplotlib.font_manager
import pytest
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from packaging.requirements import Requirement

from capkit import classroom, engines

LESSONS = ("ipywidgets", "matplotlib", "numpy", "scipy", "simpy", "ipykernel", "jupyterlab")
WORKS = "The classroom works."


@pytest.fixture
def said(capsys):
    """What `classroom.all_works()` prints, line by line."""

    def said():
        works = classroom.all_works()
        lines = capsys.readouterr().out.splitlines()
        assert works == (lines[-1] == WORKS)
        return lines

    return said


@pytest.fixture
def install(monkeypatch):
    """Let a package seem to have another version, or none at all."""
    true = metadata.version

    def install(package, version):
        def seems(name):
            if name.replace("-", "_") != package:
                return true(name)
            if version is None:
                raise metadata.PackageNotFoundError(name)
            return version

        monkeypatch.setattr(metadata, "version", seems)

    return install


def bad(lines):
    return [line for line in lines if line.startswith("FAIL")]


def test_everything_works_here(said):
    *lines, last = said()
    assert (bad(lines), last) == ([], WORKS)
    assert {line.split()[0] for line in lines} <= {"ok", "none"}
    for name in LESSONS:
        assert f"ok   {name} {metadata.version(name)}" in lines
    assert f"ok   Python {platform.python_version()}" in lines
    assert f"ok   jupyterlab_widgets {metadata.version('jupyterlab_widgets')}" in lines


def test_every_package_that_capkit_needs_has_one_line(said):
    needed = [Requirement(line) for line in metadata.requires("capkit-lessons")]
    lines = said()
    for each in needed:
        if each.marker is None:
            assert len([line for line in lines if line.split()[1].rstrip(":") == each.name]) == 1


@pytest.mark.parametrize(
    "package, version, line",
    [
        (
            "ipywidgets",
            "7.7.1",
            "FAIL ipywidgets 7.7.1: the sliders will not show; "
            'type: python -m pip install "ipywidgets>=8.1,<9"',
        ),
        (
            "numpy",
            "1.26.4",
            "FAIL numpy 1.26.4: the lessons need another version; "
            'type: python -m pip install "numpy>=2.0,<3"',
        ),
        (
            "matplotlib",
            "4.0.0",
            "FAIL matplotlib 4.0.0: there will be no pictures; "
            'type: python -m pip install "matplotlib>=3.9,<4"',
        ),
        (
            "simpy",
            None,
            "FAIL simpy is missing: the lessons need it; "
            'type: python -m pip install "simpy>=4.1,<5"',
        ),
        (
            "jupyterlab",
            "3.6.8",
            "FAIL jupyterlab 3.6.8: no lesson will open; "
            'type: python -m pip install "jupyterlab>=4.2,<5"',
        ),
    ],
)
def test_a_package_that_does_not_fit_is_one_line_with_what_to_type(
    package, version, line, install, said
):
    install(package, version)
    *lines, last = said()
    assert (bad(lines), last) == ([line], "1 thing to do before class.")


@pytest.mark.parametrize("version", ["1.1.11", None], ids=["too old", "missing"])
def test_widgets_that_jupyterlab_cannot_show_are_told(version, install, said):
    (wanted,) = [
        each.specifier
        for each in map(Requirement, metadata.requires("ipywidgets"))
        if each.name == "jupyterlab_widgets"
    ]
    install("jupyterlab_widgets", version)
    *lines, last = said()
    seen = version or "is missing"
    assert bad(lines) == [
        f"FAIL jupyterlab_widgets {seen}: the sliders will not show; "
        f'type: python -m pip install "jupyterlab_widgets{wanted}"'
    ]
    assert last == "1 thing to do before class."


def test_a_lost_part_of_jupyterlab_is_told(monkeypatch, said, tmp_path):
    monkeypatch.setattr(jupyter_core.paths, "jupyter_path", lambda *_: [str(tmp_path)])
    *lines, last = said()
    again = "type: python -m pip install --force-reinstall --no-deps"
    assert bad(lines)[0] == (
        "FAIL JupyterLab does not show ipywidgets: the sliders will not show; "
        f"{again} jupyterlab_widgets"
    )
    assert all(again in line for line in bad(lines))
    assert last.startswith(str(len(bad(lines))))


def test_things_to_do_are_counted(install, monkeypatch, said):
    install("numpy", "1.26.4")
    monkeypatch.setattr(platform, "python_version", lambda: "3.10.14")
    *lines, last = said()
    assert bad(lines)[0].startswith("FAIL Python 3.10.14: capkit needs 3.11 or newer; type: ")
    assert (len(bad(lines)), last) == (2, "2 things to do before class.")


def test_a_class_can_do_without_voila(install, said):
    install("voila", None)
    *lines, last = said()
    assert [line for line in lines if line.startswith("none voila: ")]
    assert last == WORKS


@pytest.mark.parametrize("program", ["python", "python3", sys.executable])
def test_a_kernel_of_this_python_is_right(program, monkeypatch, said):
    found = SimpleNamespace(argv=[program, "-m", "ipykernel_launcher"])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: found)
    assert f"ok   kernel: notebooks run {sys.executable}" in said()


def test_a_kernel_of_another_python_is_told(monkeypatch, said):
    found = SimpleNamespace(argv=["/other/bin/python", "-m", "ipykernel_launcher"])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: found)
    assert bad(said()) == [
        "FAIL kernel: notebooks run /other/bin/python, which may be without capkit; "
        "type: python -m ipykernel install --user"
    ]


def test_a_missing_kernel_is_told(monkeypatch, said):
    def none(_, name):
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", none)
    assert bad(said()) == [
        'FAIL kernel python3 is missing: no code will run; type: python -m pip install "ipykernel"'
    ]


def test_inside_a_notebook_its_own_python_counts(monkeypatch, said):
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert f"ok   kernel: this notebook runs {sys.executable}" in said()


def test_colab_has_older_widgets_and_no_jupyterlab(install, monkeypatch, said):
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    install("ipywidgets", "7.7.1")
    *lines, last = said()
    assert "ok   ipywidgets 7.7.1" in lines
    assert [line for line in lines if "jupyterlab" in line.lower()] == []
    assert last == WORKS


def test_a_missing_font_is_told(monkeypatch, said):
    def none(name, **options):
        raise ValueError(name)

    monkeypatch.setattr(matplotlib.font_manager, "findfont", none)
    assert bad(said()) == [
        "FAIL font DejaVu Sans is missing: words in pictures will overlap; "
        "type: python -m pip install --force-reinstall matplotlib"
    ]


def test_a_library_that_does_not_load_is_told(monkeypatch, said):
    monkeypatch.setitem(sys.modules, "matplotlib.font_manager", None)
    assert bad(said()) == [
        "FAIL matplotlib does not load: there will be no pictures; "
        "type: python -m pip install --force-reinstall matplotlib"
    ]


def test_a_class_can_do_without_engines(monkeypatch, said):
    for make in engines.ALL:
        if make is not engines.SQLite:
            monkeypatch.setattr(make, "find", missing)
    *lines, last = said()
    absent = [line for line in lines if line.startswith("none")]
    names = [make.title for make in engines.ALL if make is not engines.SQLite]
    assert absent == [
        f"none {name}: lesson 08 shows a recorded run; it is not installed here" for name in names
    ]
    assert [line for line in lines if line.startswith("ok   SQLite 3.")]
    assert last == WORKS


def missing(engine):
    raise engines.NotInstalled("it is not installed here")


@pytest.mark.parametrize("make", engines.ALL)
def test_an_engine_is_told_with_its_version_and_its_origin(make, said):
    try:
        program = make().find()
    except engines.NotInstalled as reason:
        pytest.skip(str(reason))
    (line,) = [line for line in said() if make.title in line or program.name in line]
    assert line.startswith(f"ok   {program.name} {program.version} from {program.origin}")
    assert ("it may lose data" in line) != program.sound


def test_an_engine_without_its_library_is_missing(monkeypatch, said):
    monkeypatch.setitem(sys.modules, "httpx", None)
    (line,) = [line for line in said() if "etcd" in line]
    assert line.startswith("none etcd: ")
    assert 'python -m pip install -e ".[engines]"' in line or "etcd-server" in line


def test_another_capkit_is_told(monkeypatch, said):
    true = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "1.4" if name == "capkit" else true(name))
    assert bad(said()) == [
        "FAIL capkit 1.4: this is another package of the same name; type: "
        "python -m pip uninstall capkit; python -m pip install -r requirements.txt"
    ]


def test_a_folder_that_is_not_installed_is_told(monkeypatch, said):
    true = metadata.requires

    def requires(name):
        if name == "capkit-lessons":
            raise metadata.PackageNotFoundError(name)
        return true(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert bad(said()) == [
        "FAIL capkit is not installed: it was only found in this folder; "
        "type: python -m pip install -r requirements.txt"
    ]


@pytest.mark.parametrize("missing", ["packaging", "matplotlib", "psutil", "jupyter_client"])
def test_it_speaks_even_where_much_is_missing(missing):
    code = f"import sys; sys.modules[{missing!r}] = None; "
    code += "from capkit import classroom; classroom.all_works()"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    assert out.stdout.splitlines()[-1] in (WORKS, "1 thing to do before class.")


def test_nothing_is_loaded_before_somebody_asks():
    unwanted = {"matplotlib", "ipywidgets", "packaging", "capkit.engines"}
    code = f"import sys, capkit.classroom; print(*{unwanted} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""


def test_the_command_says_the_same_and_its_exit_status_says_whether_it_works():
    command = [sys.executable, "-m", "capkit", "check"]
    fine = subprocess.run(command, capture_output=True, text=True)
    assert (fine.returncode, fine.stdout.splitlines()[-1]) == (0, WORKS)
    broken = "import sys; sys.modules['packaging'] = None; from capkit.__main__ import main; "
    code = broken + "sys.exit(main(['check']))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (out.returncode, out.stdout.splitlines()[-1]) == (1, "1 thing to do before class.")


def test_an_unknown_command_is_refused_and_the_known_ones_are_listed():
    out = subprocess.run([sys.executable, "-m", "capkit", "dance"], capture_output=True, text=True)
    assert out.returncode == 2
    assert "check" in out.stderr
