"""Which of several programs serves an engine, and what to type where there is none."""

import sys

import pytest

from capkit import engines
from capkit.engines.programs import Source, find

HINTS = {
    engines.PostgreSQL: "apt-get install postgresql",
    engines.Etcd: "apt-get install etcd-server",
    engines.Redis: "apt-get install redis-server",
    engines.Yjs: r"pip install -e .\.\[engines\]",
}


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Makes programs that say their version: on PATH, and inside a package called `bringer`."""
    package = tmp_path / "lib" / "bringer"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("CAPKIT_ENGINES", "")
    monkeypatch.syspath_prepend(tmp_path / "lib")

    def make(place, name, version):
        file = (tmp_path / "bin" if place == "system" else package / "bin") / name
        file.write_text(f"#!/bin/sh\necho {name} version {version}\n")
        file.chmod(0o755)
        return str(file)

    yield make
    sys.modules.pop("bringer", None)


WELL = Source("Well", "well", "bringer", "bin/well")


@pytest.mark.skipif(sys.platform == "win32", reason="the programs of this test are scripts")
@pytest.mark.parametrize(
    "system, brought, chosen",
    [
        ("7.0", "9.1.2", "the package bringer"),
        ("10.0", "9.1.2", "system"),
        ("9.1.2", "9.1.2", "system"),
        (None, "1.0", "the package bringer"),
        ("1.0", None, "system"),
        ("broken", "1.0", "the package bringer"),
        ("1.0", "2.0.13", "system"),  # which is unsound
    ],
)
def test_the_newest_sound_program_serves_and_this_computers_own_of_two_equal_ones(
    programs, system, brought, chosen
):
    own = programs("system", "well", system) if system else None
    if brought:
        programs("package", "well", brought)
    found = find([WELL], "get it", unsound=["2.0.13"])
    assert found.origin == (own if chosen == "system" else chosen)
    assert str(found) == f"Well {system if chosen == 'system' else brought}"


@pytest.mark.skipif(sys.platform == "win32", reason="the programs of this test are scripts")
def test_who_records_or_checks_can_ask_for_one_origin(programs, monkeypatch):
    own = programs("system", "well", "7.0")
    programs("package", "well", "9.0")
    monkeypatch.setenv("CAPKIT_ENGINES", "system")
    assert find([WELL], "get it").origin == own
    monkeypatch.setenv("CAPKIT_ENGINES", "wheels")
    assert find([WELL], "get it").origin == "the package bringer"
    monkeypatch.setenv("CAPKIT_ENGINES", "elsewhere")
    with pytest.raises(ValueError, match="CAPKIT_ENGINES must be one of"):
        find([WELL], "get it")


@pytest.mark.parametrize("make", [each for each in engines.ALL if each is not engines.SQLite])
def test_a_missing_engine_comes_with_the_command_that_installs_it(make, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("pathlib.Path.glob", lambda *_: [])
    with pytest.raises(engines.NotInstalled, match=HINTS.get(make, "install")), make():
        pass


@pytest.mark.parametrize("make", [engines.Etcd, engines.Redis, engines.PostgreSQL])
def test_a_missing_library_comes_with_the_command_that_installs_it(make, monkeypatch):
    module = sys.modules[make.__module__]
    monkeypatch.setattr(module, "find", lambda *_, **__: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(engines.NotInstalled, match=r"pip install -e .\.\[engines\]"):
        make().find()
