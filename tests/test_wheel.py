"""The wheel holds all that the package needs when it is installed, and works from it alone."""

import os
import subprocess
import sys
from zipfile import ZipFile

import pytest
from support import ROOT

# Reads each kind of file that is not Python: sentence, film, known attacks, web pages, type marker.
USES_ALL = """\
from pathlib import Path
import capkit
from capkit import CPStore, adversary, dashboards
from capkit.classroom import web
from capkit.adversary import named
from capkit.classroom.web import site
print(dashboards.failure())
print(dashboards.network(CPStore))
print(named.known("AP", "C", 3, True).steps)
print(Path(capkit.__file__).with_name("py.typed").exists(), Path(capkit.__file__).parent)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [made] = folder.glob("*.whl")
    return made


def test_the_wheel_holds_every_file_of_the_package(wheel):
    files = [path for path in (ROOT / "capkit").rglob("*") if path.is_file()]
    wanted = {path.relative_to(ROOT).as_posix() for path in files if path.suffix != ".pyc"}
    held = {name for name in ZipFile(wheel).namelist() if name.startswith("capkit/")}
    assert held == wanted
    assert {"py.typed", "found.json", "sentence.js", "sentence.css", "film.js", "site.css"} <= {
        name.rpartition("/")[2] for name in held
    }


def test_what_is_installed_from_the_wheel_works_without_the_clone(wheel, tmp_path):
    ZipFile(wheel).extractall(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    out = subprocess.run(
        [sys.executable, "-c", USES_ALL],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert out.returncode == 0, out.stderr
    lines = out.stdout.splitlines()
    assert lines[0].startswith("3 nodes, loss 0.20")
    assert lines[1].startswith("37 messages between 3 nodes")
    assert lines[2:] == ["2", f"True {tmp_path / 'capkit'}"]
