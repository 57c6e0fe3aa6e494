"""What holds of any engine: its clients, its faults, its history."""

import pytest
from support.engines import CUT, WORKLOAD, every_engine, fresh, shared

from capkit import Crash, History, Pause, Slow, Unavailable, engines


@every_engine
def test_what_was_put_is_found(make):
    running = shared(make)
    running.serve("put", "seats", {"left": [9, "nine"]}, at=running.places[-1], timeout=5_000)
    assert running.serve("get", "seats", at=running.places[-1], timeout=5_000) == {
        "left": [9, "nine"]
    }
    assert running.serve("get", "nothing", timeout=5_000) is None


@every_engine
def test_clients_ask_at_their_times_and_wait_no_longer_than_their_deadline(make, tmp_path):
    running, workload = shared(make), fresh(WORKLOAD)
    faults = [CUT, Slow(at=0, until=100, node=0, delay=5)]
    asked = [(each.time, each.client, each.kind) for each in workload.arrivals()]
    history = engines.run(running, workload, faults)
    assert sorted((each.client, each.kind) for each in history) == sorted(
        (client, kind) for _, client, kind in asked
    )
    assert (history.completed <= history.deadline).all()
    assert (history.invoked >= [time for time, _, _ in asked]).all()
    assert {each.node for each in history} == set(running.places)
    assert history.faults[:2] == tuple(faults)
    history.write(tmp_path / "run.jsonl")
    assert list(History.read(tmp_path / "run.jsonl")) == list(history)
    with pytest.raises(ValueError, match="keys must be new to the engine, got 'x "):
        engines.run(running, workload)


@every_engine
@pytest.mark.parametrize("fault", [Crash, Pause])
def test_a_node_that_was_killed_or_paused_serves_again_with_its_data(make, fault):
    running = shared(make)
    running.serve("put", fault.__name__, 1, timeout=5_000)
    running.strike(fault(node=0))
    with pytest.raises(Unavailable):
        running.serve("get", fault.__name__, at=0, timeout=300)
    assert running.nodes[0].up == (fault is Pause)
    running.heal()
    assert running.serve("get", fault.__name__, at=0, timeout=5_000) == 1


@every_engine
@pytest.mark.parametrize("key", [7, None, ("a", "b"), b"x"])
def test_a_key_that_is_no_string_is_refused_by_all_engines_alike(make, key):
    running = shared(make)
    sentence = "key must be a string, got "
    with pytest.raises(TypeError, match=sentence):
        running.put(key, 1)
    with pytest.raises(TypeError, match=sentence):
        running.get(key)
    with pytest.raises(TypeError, match=sentence):
        engines.run(running, fresh(WORKLOAD, duration=10).__class__(keys=[key], rng=7))


@every_engine
def test_a_picture_can_say_what_was_running(make):
    running = shared(make)
    assert running.label == str(running.program)
    assert running.program.version in running.label
    assert make().label == make.title


def test_every_engine_is_in_the_list():
    kinds = [each for each in vars(engines).values() if isinstance(each, type)]
    kinds = [each for each in kinds if issubclass(each, engines.Engine)]
    assert set(engines.ALL) == set(kinds) - {engines.Engine}
    assert len({each.title for each in engines.ALL}) == len(engines.ALL)
