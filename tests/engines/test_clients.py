"""Clients by the clock on the wall: nobody waits for anybody, and nothing loses a run."""

import os
import signal
import threading
import time

import pytest
from support.engines import CUT, WORKLOAD, fresh, shared

from capkit import Crash, Pause, Unavailable, Workload, engines
from capkit.history import Note

PAUSED = Pause(at=0, node=0)


def test_requests_that_wait_delay_nobody_and_the_run_says_who_came_late():
    busy = Workload(clients=1, duration=2_000, rate=350, timeout=5_000, rng=7)
    planned = sorted(each.time for each in busy.arrivals())
    with engines.SQLite() as running:  # one's own: what waited here is done later
        history = engines.run(running, busy, [PAUSED])
    assert len(history) == len(planned)
    waiting = [sum((history.invoked <= t) & (t < history.completed)) for t in history.invoked]
    assert max(waiting) > 500
    late = sum(came - time > 250 for came, time in zip(history.invoked, planned, strict=True))
    notes = [str(each) for each in history.faults if isinstance(each, Note)]
    assert notes == ([f"{late} arrivals came more than 250 ms late, 0 never"] if late else [])


def test_a_run_says_how_many_arrivals_it_could_not_keep(monkeypatch):
    kept, start = [0], threading.Thread.start

    def limited(thread):
        kept[0] += 1
        if kept[0] > 8:
            raise RuntimeError("can't start new thread")
        start(thread)

    running, workload = shared(engines.SQLite), fresh(WORKLOAD, duration=600)
    asked = len(workload.arrivals())
    monkeypatch.setattr("threading.Thread.start", limited)
    history = engines.run(running, workload)
    assert len(history) == 7  # and one thread is the operator's
    (note,) = history.faults
    assert str(note) == f"0 arrivals came more than 250 ms late, {asked - 7} never"


@pytest.fixture
def interruptible():
    """An interrupt raises here, also where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="Windows interrupts in another way")
@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_a_run_at_once_whatever_the_timeouts():
    waiting = Workload(clients=3, duration=500, rate=20, timeout=60_000, rng=7)
    pressed = []

    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    with engines.SQLite() as running:
        threading.Timer(1.0, press).start()
        with pytest.raises(KeyboardInterrupt):
            engines.run(running, waiting, [PAUSED])
        assert time.monotonic() - pressed[0] < 1


@pytest.mark.engine
@pytest.mark.parametrize("make", [engines.Redis, engines.PostgreSQL])
@pytest.mark.parametrize("fault, state", [(Crash, "is down"), (Pause, "is paused")])
def test_a_failover_that_fails_is_noted_and_the_run_goes_on(make, fault, state):
    running, strike = shared(make), fault(at=100, until=1_500, node=1)
    promotion = engines.Promote(at=300, until=1_000, node=1)
    history = engines.run(running, fresh(WORKLOAD), [strike, promotion, CUT])
    assert history.faults[0] == strike
    note = history.faults[1]
    assert isinstance(note, Note)
    assert (note.at, note.until) == (300, 1_000)
    assert str(note) == f"promote 1 failed: node 1 cannot be promoted: it {state}"
    assert len(history) == len(WORKLOAD.arrivals())
    running.heal()
    running.serve("put", f"after {state}", 1, at=0, timeout=5_000)


@pytest.mark.parametrize("act, words", [("strike", "failed"), ("mend", "did not end")])
def test_an_error_that_nobody_expects_is_noted_and_later_faults_strike(act, words, monkeypatch):
    running = shared(engines.SQLite)
    first, second = (Crash(at=at, until=at + 50, node=0) for at in (50, 200))
    done = {"strike": [], "mend": []}

    def once(name, real):
        def do(fault):
            done[name].append(fault)
            if name == act and fault == first:
                raise KeyError("gone")
            real(fault)

        return do

    for name in done:
        monkeypatch.setattr(running, name, once(name, getattr(running, name)))
    history = engines.run(running, fresh(WORKLOAD, duration=400), [first, second])
    monkeypatch.undo()
    running.heal()
    assert done == {"strike": [first, second], "mend": [first, second]}
    note = next(each for each in history.faults if isinstance(each, Note))
    assert str(note) == f"crash 0 {words}: KeyError: 'gone'"
    left = {"strike": [note, second], "mend": [first, second, note]}
    assert list(history.faults) == left[act]


@pytest.mark.engine
def test_a_second_promotion_is_noted():
    with engines.PostgreSQL() as running:
        faults = [engines.Promote(at=100, node=1), engines.Promote(at=900, node=1)]
        history = engines.run(running, fresh(WORKLOAD), faults)
        with pytest.raises(Unavailable, match="node 1 cannot be promoted: it is a primary"):
            running.strike(faults[0])
    assert str(history.faults[0]) == "promote 1"
    assert str(history.faults[1]) == (
        "promote 1 failed: node 1 cannot be promoted: it is a primary"
    )
