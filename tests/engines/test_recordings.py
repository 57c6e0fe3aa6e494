"""Where a program is missing, a recording takes its place."""

import json

import pytest
from support.engines import CUT, WORKLOAD
from support.stores import new

from capkit import History, Workload, engines, run
from capkit.exercises import lesson_08
from capkit.stores import LeaderStore


def missing(*_, **__):
    raise engines.NotInstalled("etcd is not installed here; get it")


def test_a_recorded_run_takes_the_place_of_a_missing_program(monkeypatch, tmp_path, capsys):
    file = tmp_path / "etcd.jsonl"
    recorded = run(new(LeaderStore), WORKLOAD, [CUT])
    recorded.write(file)
    monkeypatch.setattr("capkit.engines.etcd.find", missing)
    engine = engines.Etcd()
    history = engines.run_or_replay(engine, WORKLOAD, [CUT], recording=file)
    assert list(history) == list(recorded)
    assert "not installed here; get it. What follows is the recording" in capsys.readouterr().out
    assert engine.label == "etcd, recorded"
    (tmp_path / "labels.json").write_text('{"etcd.jsonl": "etcd 1.2.3"}')
    engines.run_or_replay(engine, WORKLOAD, [CUT], recording=file)
    assert engine.label == "etcd 1.2.3, recorded"


@pytest.mark.parametrize("record, written", [("1", True), ("", False)])
def test_a_run_is_recorded_where_that_is_asked_for(monkeypatch, tmp_path, record, written):
    file = tmp_path / "sqlite.jsonl"
    monkeypatch.setenv("CAPKIT_RECORD", record)
    short, engine = Workload(clients=3, duration=300, rng=7), engines.SQLite()
    history = engines.run_or_replay(engine, short, recording=file)
    assert file.exists() == written
    if written:
        assert list(History.read(file)) == list(history)
        assert json.loads((tmp_path / "labels.json").read_text()) == {"sqlite.jsonl": engine.label}


def test_the_guess_of_lesson_08_names_every_engine_and_has_its_recording():
    names = [make.title for make in engines.ALL]
    assert names == lesson_08._ENGINES
    assert all(len(lesson_08._recording(name)) for name in names)
