"""Sweeps: the same rates to the bit from any executor, however many workers, even dying ones."""

from __future__ import annotations

import os
import pickle
import re
import sys
import threading
import tracemalloc
import warnings
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import tqdm.std

from capkit import tradeoff
from capkit.tradeoff import exact, simulate, sweep, sweeps

GRID = {"n": [3, 4], "r": [1, 2], "w": 2, "loss": [0.0, 0.2, 0.5]}
LIST = [
    {"n": n, "r": n // 2 + 1, "w": n // 2 + 1, "loss": loss}
    for n in (1, 3, 5)
    for loss in (0.1, 0.3)
]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Several chunks for each store, without millions of trials."""
    monkeypatch.setattr(sweeps, "_CHUNK", 1_000)


@pytest.fixture(scope="module")
def alone():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeps, "_CHUNK", 1_000)
        return sweep(GRID, 3_500, rng=7)


def same(first, second):
    """Equal in every bit, NaN and intervals among them."""
    return pickle.dumps(first) == pickle.dumps(second)


class Here:
    """An executor that works at once, in the order that it is told, and may fail."""

    def __init__(self, fails=lambda calls: False):
        self.calls, self.fails = 0, fails

    def submit(self, work, *arguments):
        self.calls += 1
        future = Future()
        if self.fails(self.calls):
            future.set_exception(OSError("worker lost"))
        else:
            future.set_result(work(*arguments))
        return future


class Backwards:
    """An executor that answers the newest question first, once it has a few."""

    def __init__(self):
        self.held = []

    def submit(self, work, *arguments):
        future = Future()
        self.held.append(lambda: future.set_result(work(*arguments)))
        if len(self.held) == 4:
            while self.held:
                self.held.pop()()
        return future


def test_rates_have_the_shape_of_the_grid(alone):
    assert alone.put_ok.shape == alone.low.fresh.shape == (2, 2, 3)
    assert alone.trials == 3_500
    assert sweep(LIST, 100, rng=7).put_ok.shape == (6,)
    assert isinstance(sweep({"n": 3, "r": 1, "w": 2, "loss": 0.2}, 100, rng=7).fresh, float)


def test_a_sweep_agrees_with_exact(monkeypatch):
    """Within three times the half width of each 95 % interval."""
    monkeypatch.setattr(sweeps, "_CHUNK", 30_000)
    n, r, loss = np.meshgrid(GRID["n"], GRID["r"], GRID["loss"], indexing="ij")
    listed = [np.array([point[name] for point in LIST]) for name in ("n", "r", "w", "loss")]
    for grid, truth in ((GRID, exact(n, r, 2, loss)), (LIST, exact(*listed))):
        seen = sweep(grid, 100_000, rng=3)
        for name in ("put_ok", "get_ok", "fresh"):
            low, high = getattr(seen.low, name), getattr(seen.high, name)
            assert np.all(abs(getattr(truth, name) - (low + high) / 2) <= 1.5 * (high - low)), name


def test_a_point_of_a_list_is_that_of_a_grid(alone):
    points = [
        {"n": n, "r": r, "w": 2, "loss": loss}
        for n in GRID["n"]
        for r in GRID["r"]
        for loss in GRID["loss"]
    ]
    assert sweep(points, 3_500, rng=7).fresh.tolist() == alone.fresh.ravel().tolist()


@pytest.mark.parametrize("place", [0, 1, 5])
def test_a_point_does_not_depend_on_its_neighbours(place):
    """Streams belong to chunks: a grid can grow and keep the points that it had."""
    together, single = sweep(LIST, 2_500, rng=7), sweep([LIST[place]], 2_500, rng=7)
    for name in ("put_ok", "get_ok", "fresh"):
        assert getattr(together, name)[place] == getattr(single, name)[0]


def test_every_chunk_has_luck_of_its_own():
    one, two = (sweep(LIST[2:3], trials, rng=7).put_ok[0] for trials in (1_000, 2_000))
    assert round(1_000 * one) != round(2_000 * two) - round(1_000 * one)


def test_more_loss_never_rescues_a_trial():
    rates = sweep({"n": 3, "r": 2, "w": 2, "loss": np.linspace(0, 1, 50)}, 300, rng=2)
    assert np.all(np.diff(rates.put_ok) <= 0)
    assert np.all(np.diff(rates.get_ok) <= 0)


def test_failing_nodes_keep_every_answer_fresh():
    rates = sweep({"n": 3, "r": 1, "w": 2, "loss": 0.2}, 2_000, rng=3, failing="nodes")
    assert rates.fresh == 1 > sweep({"n": 3, "r": 1, "w": 2, "loss": 0.2}, 2_000, rng=3).fresh


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_threads_give_the_same_to_the_bit(alone, workers):
    with ThreadPoolExecutor(workers) as pool:
        assert same(sweep(GRID, 3_500, pool, rng=7), alone)


def test_processes_give_the_same_to_the_bit(alone):
    with ProcessPoolExecutor(2) as pool:
        assert same(sweep(GRID, 3_500, pool, rng=7), alone)


def test_the_order_of_answers_does_not_matter(alone):
    assert same(sweep(GRID, 3_500, Backwards(), rng=7), alone)


@pytest.mark.engine
def test_a_dask_cluster_gives_the_same_to_the_bit_even_if_a_worker_dies(alone):
    """A real cluster of two workers, one of which is killed half-way through."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options, host="127.0.0.1", silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        assert same(sweep(GRID, 3_500, executor, rng=7), alone)
        victim = next(iter(client.run(os.getpid).values()))
        assassin = Assassin(executor, victim)
        assert same(sweep(GRID, 3_500, assassin, rng=7), alone)
        assert assassin.calls >= 16


class Assassin:
    """Passes work on, and kills one worker's process at the fifth task."""

    def __init__(self, executor, victim):
        self.executor, self.victim, self.calls = executor, victim, 0

    def submit(self, work, *arguments):
        self.calls += 1
        if self.calls == 5:
            os.kill(self.victim, 9 if sys.platform != "win32" else 15)
        return self.executor.submit(work, *arguments)


def die(*_):
    os._exit(3)


class Deadly:
    """Passes work on to a pool of processes, and one task that kills its worker."""

    def __init__(self, pool):
        self.pool, self.calls = pool, 0

    def submit(self, work, *arguments):
        self.calls += 1
        return self.pool.submit(die if self.calls == 3 else work, *arguments)


def test_a_broken_pool_of_processes_loses_nothing(alone):
    """All its tasks come back with BrokenProcessPool, and this process does them."""
    with ProcessPoolExecutor(2) as pool, pytest.warns(RuntimeWarning, match="BrokenProcessPool"):
        assert same(sweep(GRID, 3_500, Deadly(pool), rng=7), alone)


def test_a_pool_that_is_shut_down_loses_nothing(alone):
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.warns(RuntimeWarning, match="this process does its work instead: RuntimeError"):
        assert same(sweep(GRID, 3_500, pool, rng=7), alone)


def test_a_failed_task_is_submitted_again_and_nobody_needs_to_know(alone):
    executor = Here(fails=lambda calls: calls % 3 == 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(sweep(GRID, 3_500, executor, rng=7), alone)
    assert executor.calls > 16


def test_a_task_is_submitted_three_times_and_then_done_here(alone):
    executor = Here(fails=lambda calls: True)
    with pytest.warns(RuntimeWarning, match="OSError: worker lost"):
        assert same(sweep(GRID, 3_500, executor, rng=7), alone)
    assert executor.calls == 3 * 4 * 4  # four stores of four chunks


def test_a_cancelled_task_is_done_all_the_same(alone):
    class Cancelling(Here):
        def submit(self, work, *arguments):
            future = super().submit(work, *arguments)
            if self.calls in (2, 5):
                future = Future()
                future.cancel()
                future.set_running_or_notify_cancel()
            return future

    assert same(sweep(GRID, 3_500, Cancelling(), rng=7), alone)


def test_an_error_of_the_work_itself_is_raised(monkeypatch):
    def wrong(*_):
        raise ZeroDivisionError("in the work")

    monkeypatch.setattr(sweeps, "tally", wrong)
    wanted = pytest.raises(ZeroDivisionError, match="in the work")
    with pytest.warns(RuntimeWarning), wanted, ThreadPoolExecutor(1) as pool:
        sweep(GRID, 100, pool, rng=7)


def test_an_executor_never_holds_more_than_a_window_of_tasks(monkeypatch):
    """Nor does the caller: ten thousand tasks are handed out as others come back."""
    monkeypatch.setattr(sweeps, "_CHUNK", 1)
    monkeypatch.setattr(sweeps, "_IN_FLIGHT", 8)
    lock, now, most = threading.Lock(), 0, 0

    class Watched(ThreadPoolExecutor):
        def submit(self, work, *arguments):
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            future = super().submit(work, *arguments)
            future.add_done_callback(done)
            return future

    def done(_):
        nonlocal now
        with lock:
            now -= 1

    with Watched(2) as pool:
        rates = sweep({"n": 1, "r": 1, "w": 1, "loss": 0.0}, 1_000, pool, rng=1)
    assert (rates.put_ok, rates.trials) == (1, 1_000)
    assert 2 <= most <= 8


def test_memory_does_not_grow_with_trials(monkeypatch):
    monkeypatch.undo()
    sweep({"n": 3, "r": 1, "w": 2, "loss": 0.2}, 10, rng=1)
    tracemalloc.start()
    sweep({"n": 3, "r": 1, "w": 2, "loss": 0.2}, 3_000_000, rng=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


def test_a_single_chunk_is_as_good_as_simulate():
    """Not the same luck, but the same law: intervals of 99.99 % overlap."""
    ours = sweep({"n": 3, "r": 1, "w": 2, "loss": 0.2}, 50_000, rng=1)
    theirs = simulate(3, 1, 2, 0.2, trials=50_000, rng=1)
    for name in ("put_ok", "get_ok", "fresh"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=0.01)


def test_the_same_seed_gives_the_same_and_another_seed_others(alone):
    assert same(sweep(GRID, 3_500, rng=7), alone)
    assert not same(sweep(GRID, 3_500, rng=8), alone)
    assert not same(sweep(GRID, 3_500), sweep(GRID, 3_500))


def bars(monkeypatch, clock, **options):
    """What a bar printed while a sweep took so long for each task."""
    now = [0.0]

    def tick(*arguments):
        now[0] += clock
        return original(*arguments)

    original = sweeps.tally
    monkeypatch.setattr(sweeps, "tally", tick)
    monkeypatch.setattr(tqdm.std, "time", lambda: now[0])
    sweep(GRID, 3_500, rng=7, **options)


@pytest.mark.parametrize(
    "clock, options, shown",
    [(0.5, {}, True), (0.01, {}, False), (0.5, {"progress": False}, False)],
    ids=["slow", "quick", "not wanted"],
)
def test_a_bar_is_shown_from_the_first_second_on(monkeypatch, capsys, clock, options, shown):
    bars(monkeypatch, clock, **options)
    assert bool(capsys.readouterr().err.strip()) == shown


GOOD = {"n": 3, "r": 1, "w": 2, "loss": 0.2}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([], 10), "grid must have at least 1 point, got none"),
        ((GOOD | {"n": []}, 10), "grid must have at least 1 point, got none"),
        (({"n": 3}, 10), "grid must have the names n, r, w, loss, got ['n']"),
        ((GOOD | {"side": 1}, 10), "grid must have the names n, r, w, loss, got"),
        ((GOOD | {"r": [1, 4]}, 10), "r must be in [1, 3], got 4"),
        ((GOOD | {"loss": [0, 1.5]}, 10), "loss must be in [0, 1], got 1.5"),
        (([GOOD, GOOD | {"n": 0}], 10), "n must be at least 1, got 0"),
        ((GOOD, 0), "trials must be at least 1, got 0"),
    ],
)
def test_bad_numbers_are_named(arguments, message):
    generator, untouched = np.random.default_rng(1), np.random.default_rng(1)
    with pytest.raises(ValueError, match=re.escape(message)):
        sweep(*arguments, rng=generator)
    assert generator.random() == untouched.random()


def test_wrong_types_are_named():
    with pytest.raises(TypeError, match="executor must be a concurrent"):
        sweep(GOOD, 10, 4)
    with pytest.raises(TypeError, match="grid must be a mapping or a sequence of mappings, got 5"):
        sweep(5, 10)
    with pytest.raises(ValueError, match="failing must be one of"):
        sweep(GOOD, 10, failing="disks")


def test_lessons_call_it_by_the_name_of_the_tradeoff():
    assert tradeoff.sweep is sweeps.sweep
