"""Staleness: a million trials against the time that NumPy needs to draw their random numbers."""

import time

import numpy as np
import pytest

from capkit.staleness import PROFILES, simulate

TRIALS, REPLICAS, ROUNDS = 1_000_000, 3, 15
MESSAGES = 4 * REPLICAS * TRIALS  # a write, its acknowledgement, a request, its response
PIECE = 2**16  # numbers drawn at a time, over and over into the same memory, as is fastest


def drawing(kind, distance):
    """Draw what the trials use: a uniform number per message, and which replica is near."""
    generator, memory = np.random.default_rng(1), np.empty(PIECE, dtype=kind)
    for _ in range(MESSAGES // PIECE):
        generator.random(out=memory, dtype=kind)
    if distance:
        for _ in range(TRIALS // PIECE):
            generator.integers(REPLICAS, size=PIECE, dtype=np.uint32)


def seconds(work, *arguments):
    """Of processor time: what else this machine does counts less."""
    start = time.process_time()
    work(*arguments)
    return time.process_time() - start


@pytest.mark.parametrize("name", PROFILES)
def test_a_million_trials_cost_at_most_4_times_their_random_numbers(name, benchmark, capsys):
    """Of single precision, as the simulation draws them; doubles are for comparison."""
    profile = PROFILES[name]

    def trials():
        simulate(profile, REPLICAS, 1, 1, trials=TRIALS, rng=1)

    rounds = [  # in turns, so that a busy moment hits all alike
        (
            seconds(trials),
            seconds(drawing, np.float32, profile.distance),
            seconds(drawing, np.float64, profile.distance),
        )
        for _ in range(ROUNDS)
    ]
    ours, single, double = (min(times) for times in zip(*rounds, strict=True))
    benchmark.extra_info["ratio"] = ours / single
    benchmark.pedantic(trials, rounds=3)
    with capsys.disabled():
        print(f"\n{name}: a million trials in {1_000 * ours:.0f} ms,", end=" ")
        print(f"{ours / single:.1f} times their random numbers", end=" ")
        print(f"({ours / double:.1f} times as many of double precision)")
    assert ours <= 4 * single
