"""The judge of registers: a million operations against a sort of their two million timestamps."""

import time

import numpy as np
import pytest

from capkit.consistency import linearizable
from capkit.history import History

OPERATIONS, CLIENTS, ROUNDS = 1_000_000, 50, 7


def columns(keys, wrong):
    """What 50 clients saw of registers that work, but for one old answer, as columns."""
    rng = np.random.default_rng(1)
    shape = (CLIENTS, OPERATIONS // CLIENTS)
    lasts, waits = rng.exponential(10, shape), rng.exponential(1, shape)
    end = np.cumsum(lasts + waits, axis=1)
    begin, moment = end - lasts, end - lasts * rng.random(shape)
    order = np.argsort(moment, axis=None)
    key = rng.integers(0, keys, OPERATIONS)
    is_put = rng.random(OPERATIONS) < 0.5
    value = np.where(is_put, np.cumsum(is_put) - 1, -1)
    # Each get returns the latest put of its key before it, in the order of the moments.
    by_key = np.argsort(key, kind="stable")
    latest = np.maximum.accumulate(np.where(is_put[by_key], np.arange(OPERATIONS), 0))
    latest = by_key[latest]
    value[by_key] = np.where(key[latest] == key[by_key], value[latest], -1)
    times = [column.ravel()[order] for column in (begin, end)]
    if wrong:
        first = by_key[np.flatnonzero(is_put[by_key] & (key[by_key] == 0))[0]]
        gets = np.flatnonzero(~is_put & (key == 0) & (value >= 0))
        value[gets[len(gets) // 2]] = value[first]
    by_start = np.argsort(times[0])
    names = ("key", "value", "invoked", "completed", "kind")
    found = (key, value, *times, np.where(is_put, 0, 1))
    return {name: column[by_start] for name, column in zip(names, found, strict=True)}


def seconds(work):
    """Of processor time: what else this machine does counts less."""
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize("keys, limit", [(1, 4), (1_000, 4), (100_000, 6)])
def test_a_million_operations_cost_few_sorts_of_their_times(keys, limit, wrong, benchmark, capsys):
    seen = columns(keys, wrong)
    times = np.concatenate([seen["invoked"], seen["completed"]])

    def judge():
        assert linearizable(History.from_columns(**seen)).ok is not wrong

    taken = {np.sort: [], judge: []}
    for _ in range(ROUNDS):  # in turns, so that a busy moment hits both alike
        taken[np.sort].append(seconds(lambda: np.sort(times)))
        taken[judge].append(seconds(judge))
    sort, whole = (min(each) for each in taken.values())
    benchmark.extra_info["ratio"] = whole / sort
    benchmark.pedantic(judge, rounds=3)
    with capsys.disabled():
        name = f"{keys:,} key{'s' * (keys > 1)}, {'one answer wrong' if wrong else 'all right'}"
        print(f"\n{name}: {1_000 * whole:.0f} ms, {whole / sort:.1f} times a sort", end="")
    assert whole <= limit * sort
