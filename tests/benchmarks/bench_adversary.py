"""The hunt: schedules a second, on one core and with two workers, beside a plain loop."""

import itertools
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from capkit import APStore, CPStore, linearizable
from capkit.adversary import STORES, attack, replay
from capkit.adversary.schedules import steps

ROUNDS = 3
half = partial(CPStore, write_back=False)


def plain(schedules):
    """A fresh store, a run and a verdict for each schedule."""
    for schedule in schedules:
        linearizable(replay(half, schedule))


def rate(work, count):
    """How many a second of processor time, in the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return count / best


def test_a_hunt_decides_2000_schedules_of_three_steps_a_second(benchmark, capsys):
    options = steps(3)
    every = list(itertools.islice(itertools.product(options, repeat=3), 0, None, 251))
    naive = rate(lambda: plain(every), len(every))
    found = attack(APStore, "A", progress=False)
    runs = rate(lambda: attack(APStore, "A", progress=False), found.tried)
    benchmark.extra_info["runs per second"] = runs
    benchmark.pedantic(lambda: attack(half, "C", 2, progress=False), rounds=1)
    with capsys.disabled():
        decided = runs * found.schedules / found.tried
        print(f"\nplain loop {naive:,.0f} schedules a second; the hunt {runs:,.0f} runs, which")
        print(f"decide {decided:,.0f} schedules ({decided / naive:.1f} times as many)", end=" ")
    assert runs > 1.3 * naive
    assert decided > 2_000


def test_two_workers_are_faster_than_one_and_find_the_same(capsys):
    times, found = {}, {}
    for workers in (1, 2):
        with ProcessPoolExecutor(workers) as pool:
            attack(half, "C", 1, executor=pool, progress=False)  # the workers have started
            start = time.perf_counter()
            found[workers] = attack(half, "C", executor=pool, progress=False)
            times[workers] = time.perf_counter() - start
    rates = {workers: found[workers].tried / times[workers] for workers in times}
    with capsys.disabled():
        print(f"\none worker {rates[1]:,.0f} runs a second, two {rates[2]:,.0f}", end=" ")
    assert found[1] == found[2] or repr(found[1]) == repr(found[2])


def test_the_whole_table_to_three_steps(capsys):
    with ProcessPoolExecutor() as pool:
        start = time.perf_counter()
        hunted = {
            name: [attack(make, letter, executor=pool, progress=False) for letter in "CA"]
            for name, make in STORES.items()
        }
        took = time.perf_counter() - start
    table = {name: [found.steps for found in row] for name, row in hunted.items()}
    runs = sum(found.tried for row in hunted.values() for found in row)
    with capsys.disabled():
        print(f"\nthe whole table, {runs:,} runs on all cores, in {took:.1f} s: {table}", end=" ")
    assert all(any(row) for row in table.values())
    assert took < 30
