"""Staleness: the paper's table, a loop that does one trial at a time, and laws that must hold."""

from __future__ import annotations

import itertools
import math
import re
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from capkit.staleness import (
    LNKD_DISK,
    LNKD_SSD,
    PROFILES,
    WAN,
    YMMR,
    ParetoExponential,
    Profile,
    compare,
    k_staleness,
    monotonic_reads,
    simulate,
)
from capkit.staleness.paper import STEPS, TABLE

LEGS = ("write", "acknowledge", "request", "response")
QUORUMS = [(n, r, w) for n in (1, 2, 3, 5) for r in range(1, n + 1) for w in range(1, n + 1)]
# "Exact quantiles from millions of trials" of t, by hand from long runs of another program.
EXACT_T = {
    "LNKD-SSD": {(1, 1): 1.96, (1, 2): 1.85},
    "LNKD-DISK": {(1, 1): 52.1, (1, 2): 48.2, (2, 1): 14.1},
    "YMMR": {(1, 1): 1458, (1, 2): 1428, (2, 1): 219},
    "WAN": {(1, 1): 115.7, (2, 1): 30.7},
}
WEAK = [(name, *quorums) for name, rows in EXACT_T.items() for quorums in rows]
# Text of Bailis et al. 2012: fresh at once with N=3, R=W=1.
AT_ONCE = {"LNKD-SSD": 0.974, "LNKD-DISK": 0.439, "YMMR": 0.893, "WAN": 0.33}
FIT = ParetoExponential(share=0.38, smallest=1.05, alpha=1.51, rate=0.183)


class Recorded:
    """A distribution that draws what it is told, in order."""

    def __init__(self, table):
        self.table, self.taken = table, 0

    def rvs(self, size, random_state):
        self.taken += size[1]
        return self.table[:, self.taken - size[1] : self.taken]


def tables(n, trials, seed, largest=64):
    """Latencies that single precision holds exactly; of one read no two answers are equal."""
    draw = np.random.default_rng(seed)
    legs = [draw.integers(largest, size=(n, trials)) / 8 for _ in LEGS]
    legs[3] += np.arange(n)[:, None] / 1024
    return legs


def recorded(legs):
    return Profile(name="told", **{leg: Recorded(t) for leg, t in zip(LEGS, legs, strict=True)})


def loop(legs, r, w):
    """The WARS model, one trial at a time: latency of the read and the write, and is it fresh."""
    for column in zip(*(leg.T for leg in legs), strict=True):
        W, A, R, S = (list(map(float, leg)) for leg in column)
        acknowledged = sorted(W[i] + A[i] for i in range(len(W)))[w - 1]
        order = sorted(range(len(R)), key=lambda i: R[i] + S[i])[:r]

        def fresh(t, order=order, acknowledged=acknowledged, W=W, R=R):
            return any(acknowledged + t + R[i] >= W[i] for i in order)

        yield R[order[-1]] + S[order[-1]], acknowledged, fresh


@pytest.fixture(scope="session")
def trials(examples):
    """Two million trials by default; ten million with `--examples 100000`."""
    return 10_000_000 if examples >= 100_000 else 2_000_000


@pytest.mark.parametrize("n, r, w", QUORUMS)
def test_every_trial_is_what_a_plain_loop_makes_of_the_same_latencies(n, r, w):
    legs = tables(n, 300, seed=n)
    seen = simulate(recorded(legs), n, r, w, trials=300, rng=1)
    for trial, (read, write, fresh) in enumerate(loop(legs, r, w)):
        wait = float(seen.wait[trial])
        assert (seen.read[trial], seen.write[trial]) == (read, write)
        assert fresh(wait)
        assert wait == 0 or not fresh(wait - 1 / 8)


def test_latencies_that_are_equal_do_not_enlarge_the_read_quorum():
    """Two replicas answer at once, only the second has the write: the first alone is read."""
    legs = [np.array([row]).T for row in ([8, 0], [0, 0], [1, 1], [1, 1])]
    assert simulate(recorded(legs), 2, 1, 1, trials=1).wait.tolist() == [7]


@pytest.mark.parametrize("name", PROFILES)
def test_latencies_are_those_of_the_papers_table_4(name, trials):
    """Against the mean where the table prints the same quantity in several rows."""
    rows = TABLE[name]
    for r, w in ((1, 1), (2, 2), (3, 3)):
        seen = simulate(PROFILES[name], 3, r, w, trials=trials, rng=17)
        reads = [row[0] for (of, _), row in rows.items() if of == r]
        writes = [row[1] for (_, of), row in rows.items() if of == w]
        assert seen.read_latency() == pytest.approx(np.mean(reads), rel=0.03)
        assert seen.write_latency() == pytest.approx(np.mean(writes), rel=0.03)


@pytest.mark.parametrize("name", PROFILES)
def test_fresh_at_once_is_what_the_paper_says(name, trials):
    seen = simulate(PROFILES[name], 3, 1, 1, trials=trials, rng=17)
    assert seen.fresh(0.0) == pytest.approx(AT_ONCE[name], abs=0.005)


@pytest.mark.parametrize("n, share", [(2, 0.575), (10, 0.211)])
def test_more_replicas_of_disks_are_fresh_at_once_less_often(n, share):
    assert simulate(LNKD_DISK, n, 1, 1, trials=500_000, rng=17).fresh(0.0) == pytest.approx(
        share, abs=0.005
    )


def test_disks_are_mostly_fresh_after_10_ms():
    seen = simulate(LNKD_DISK, 3, 1, 1, trials=500_000, rng=17)
    assert seen.fresh(10.0) == pytest.approx(0.925, abs=0.005)


@pytest.mark.parametrize("name, r, w", WEAK)
def test_t_is_exact_or_the_papers_depending_on_how_it_is_asked(name, r, w, trials):
    """The sweep is one lucky draw: the mean of ten is within 15 % of the one that was printed."""
    seen = simulate(PROFILES[name], 3, r, w, trials=trials, rng=17)
    exact, step = seen.t_visibility(), STEPS[name]
    sweeps = [seen.t_of_sweep(step=step, rng=seed) for seed in range(10)]
    assert exact == pytest.approx(EXACT_T[name][r, w], rel=0.05)
    assert np.mean(sweeps) == pytest.approx(TABLE[name][r, w][2], rel=0.15)
    assert np.mean(sweeps) < exact


def test_alpha_of_ymmr_is_the_simulators_and_not_the_papers():
    """The paper prints 3.35, which misses its own 0.893; 3.5 gives it."""
    paper = ParetoExponential(share=0.939, smallest=3, alpha=3.35, rate=0.0028)
    legs = {leg: getattr(YMMR, leg) for leg in LEGS} | {"write": paper}
    printed, ours = (
        simulate(profile, 3, 1, 1, trials=1_000_000, rng=3)
        for profile in (Profile(name="printed", **legs), YMMR)
    )
    assert abs(printed.fresh(0.0) - 0.893) > 0.004 > 0.002 > abs(ours.fresh(0.0) - 0.893)


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("n, r, w", [(1, 1, 1), (3, 2, 2), (3, 1, 3), (5, 3, 3), (5, 4, 2)])
def test_quorums_that_must_meet_are_fresh_at_once(name, n, r, w):
    seen = simulate(PROFILES[name], n, r, w, trials=50_000, rng=5)
    assert not seen.wait.any()
    assert seen.fresh(0.0) == 1
    assert "all reads are fresh at once. 99.9 %" in repr(seen)


@pytest.mark.parametrize("profile", [LNKD_DISK, WAN], ids=str)
def test_larger_quorums_wait_longer_and_read_fresher_in_every_single_trial(profile):
    """Common random numbers: r and w do not reshuffle the latencies."""
    runs = {(r, w): simulate(profile, 4, r, w, trials=20_000, rng=5) for _, r, w in FOUR}
    for (r, w), seen in runs.items():
        for more in ((r + 1, w), (r, w + 1)):
            if more in runs:
                assert np.all(runs[more].wait <= seen.wait)
                assert np.all(runs[more].read >= seen.read)
                assert np.all(runs[more].write >= seen.write)


FOUR = [(4, r, w) for r in range(1, 5) for w in range(1, 5)]


def test_fresh_rises_with_time_and_is_the_inverse_of_t_visibility():
    seen = simulate(LNKD_DISK, 3, 1, 1, trials=10_000, rng=5)
    shares = seen.fresh(np.linspace(0, 500, 2001))
    assert np.all(np.diff(shares) >= 0)
    assert shares[0] < shares[-1] <= 1
    for p in (0.07, 0.5, 0.57, 0.9, 0.999, 1.0):
        t = seen.t_visibility(p)
        assert seen.fresh(t) >= p
        assert t == 0 or seen.fresh(np.nextafter(np.float32(t), np.float32(0))) < p


def test_fresh_takes_a_number_or_an_array_of_any_shape():
    seen = simulate(LNKD_DISK, 3, 1, 1, trials=10_000, rng=5)
    times = np.array([[0.0, 1.0], [30.0, math.inf]])
    shares = seen.fresh(times)
    assert shares.shape == (2, 2)
    assert [seen.fresh(float(t)) for t in times.flat] == shares.ravel().tolist()
    assert shares[1, 1] == 1


def test_a_sweep_of_one_wide_step_stops_there():
    seen = simulate(LNKD_DISK, 3, 1, 1, trials=10_000, rng=5)
    assert seen.t_of_sweep(step=1e6, rng=1) == 1e6
    assert seen.t_of_sweep(0.0, step=1.0, rng=1) == 0


def test_a_sweep_in_fine_steps_goes_on_until_it_is_there():
    """More than a block of 1,024 steps."""
    seen = simulate(LNKD_DISK, 3, 1, 1, trials=10_000, rng=5)
    assert 20 < seen.t_of_sweep(0.99, step=0.005, rng=1) < seen.t_visibility(0.999)


@pytest.mark.parametrize("trials", [1, 2, 21_845, 21_846, 50_001])
def test_every_trial_is_run_once_however_they_are_cut_into_chunks(trials):
    legs = tables(3, trials, seed=2)
    seen = simulate(recorded(legs), 3, 1, 2, trials=trials)
    done = np.sort(legs[0] + legs[1], axis=0)[1]
    assert seen.write.tolist() == done.tolist()


def test_the_same_seed_gives_the_same_trials_and_another_seed_others():
    first, again, other = (simulate(WAN, 3, 1, 1, trials=500, rng=seed) for seed in (7, 7, 8))
    assert first.wait.tolist() == again.wait.tolist()
    assert first.wait.tolist() != other.wait.tolist()
    first, other = (simulate(WAN, 3, 1, 1, trials=500) for _ in range(2))
    assert first.wait.tolist() != other.wait.tolist()


def test_memory_beyond_the_result_does_not_grow_with_trials():
    trials = 2_000_000
    tracemalloc.start()
    simulate(LNKD_DISK, 3, 1, 1, trials=trials, rng=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - 12 * trials < 6_000_000


@pytest.mark.parametrize(
    "fit", [FIT, LNKD_SSD.write, YMMR.write, YMMR.request], ids=["disk", "ssd", "ymmr-w", "ymmr"]
)
def test_a_fit_draws_what_its_distribution_says(fit):
    """Kolmogorov and Smirnov find no difference in 200,000 draws, nor does the far tail."""
    drawn = np.sort(fit.rvs(200_000, np.random.default_rng(3)).astype(float))
    assert stats.kstest(drawn, fit.cdf).pvalue > 0.001
    beyond = drawn[-200]
    assert 1 - fit.cdf(beyond) == pytest.approx(0.001, rel=0.3)


def test_the_distribution_of_a_fit_is_scipys_mixture():
    times = np.array([-1.0, 0.0, 0.5, 1.05, 1.2, 10.0, 1e6])
    pareto = stats.pareto.cdf(times, 1.51, scale=1.05)
    exponential = stats.expon.cdf(times, scale=1 / 0.183)
    expected = 0.38 * pareto + 0.62 * exponential
    np.testing.assert_allclose(FIT.cdf(times), expected, atol=1e-12)


@pytest.mark.parametrize("share, other", [(0, stats.expon(scale=0.5)), (1, stats.pareto(4))])
def test_a_fit_may_have_one_part_alone(share, other):
    fit = ParetoExponential(share=share, smallest=1, alpha=4, rate=2)
    drawn = fit.rvs((2, 50_000), np.random.default_rng(3))
    assert drawn.shape == (2, 50_000)
    assert stats.kstest(drawn.ravel().astype(float), other.cdf).pvalue > 0.001


def test_scipys_distributions_are_profiles():
    """With exponential latencies the fit and SciPy's own differ by chance alone."""
    fit = ParetoExponential(share=0, smallest=1, alpha=1, rate=0.5)
    ours = Profile(name="ours", **dict.fromkeys(LEGS, fit))
    scipys = Profile(name="SciPy's", **dict.fromkeys(LEGS, stats.expon(scale=2)))
    first, second = (simulate(one, 3, 1, 1, trials=100_000, rng=5) for one in (ours, scipys))
    for name in ("read", "write", "wait"):
        drawn = getattr(first, name), getattr(second, name)
        assert stats.ks_2samp(*drawn, method="asymp").pvalue > 0.001


def test_recorded_latencies_are_drawn_again_each_as_often():
    profile = Profile(name="log", write=[1, 2], acknowledge=(0,), request=[0.0], response=[5.0])
    seen = simulate(profile, 1, 1, 1, trials=100_000, rng=5)
    assert set(seen.write.tolist()) == {1, 2}
    assert np.mean(seen.write == 1) == pytest.approx(0.5, abs=0.01)
    assert set(seen.read.tolist()) == {5}


def test_recorded_latencies_stay_as_they_were():
    log = np.array([1.0, 2.0, 4.0])
    profile = Profile(name="log", **dict.fromkeys(LEGS, log))
    first = simulate(profile, 3, 2, 1, trials=100, rng=5)
    assert log.tolist() == [1, 2, 4]
    log[:] = 9
    assert simulate(profile, 3, 2, 1, trials=100, rng=5).read.tolist() == first.read.tolist()


def test_distance_is_added_both_ways_to_all_replicas_but_one():
    """With no other latency: the near replica answers at once, the others after a round trip."""
    profile = Profile(name="far", **{leg: [0.0] for leg in LEGS}, distance=10)
    for rank, latency in ((1, 0), (2, 20), (3, 20)):
        seen = simulate(profile, 3, rank, rank, trials=90_000, rng=5)
        assert set(seen.read.tolist()) == set(seen.write.tolist()) == {latency}
    waits = simulate(profile, 3, 1, 1, trials=90_000, rng=5).wait
    assert set(waits.tolist()) == {0, 10}  # the read's near replica is not always the write's
    assert np.mean(waits == 0) == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("n, r, w", QUORUMS)
def test_k_staleness_is_counted_over_all_quorums(n, r, w):
    reads, writes = (list(itertools.combinations(range(n), size)) for size in (r, w))
    pairs = list(itertools.product(reads, writes))
    miss = sum(not set(read) & set(write) for read, write in pairs) / len(pairs)
    for k in (1, 2, 5):
        assert k_staleness(n, r, w, k) == pytest.approx(miss**k, abs=1e-12)
    assert monotonic_reads(n, r, w, writes=6, reads=2) == pytest.approx(1 - miss**4)


def test_k_staleness_of_the_paper():
    assert k_staleness(3, 1, 1) == pytest.approx(2 / 3)
    assert k_staleness(3, 2, 2) == 0
    assert monotonic_reads(3, 2, 2, writes=1, reads=1) == 1


def test_a_table_beside_the_papers_has_a_row_for_each_of_its_rows():
    lines = compare(["YMMR", "WAN"], trials=1_000, rng=1).splitlines()
    assert len(lines) == 2 + 2 * 6
    assert {len(line) for line in lines} == {len(lines[0])}
    assert lines[2].split()[:4] == ["YMMR", "1", "1", "5.58"]
    assert compare(["WAN"], trials=1_000, rng=1) == compare(["WAN"], trials=1_000, rng=1)


def profile(**legs):
    return Profile(name="bad", **{leg: [1.0] for leg in LEGS} | legs)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: simulate(WAN, 0, 1, 1), "n must be at least 1, got 0"),
        (lambda: simulate(WAN, 3, 4, 1), "r must be in [1, 3], got 4"),
        (lambda: simulate(WAN, 3, 1, 0), "w must be in [1, 3], got 0"),
        (lambda: simulate(WAN, 3, 1, 1, trials=0), "trials must be at least 1, got 0"),
        (lambda: simulate(profile(write=stats.norm()), 3, 1, 1), "write must be latencies of"),
        (lambda: profile(request=[1.0, -2.0]), "request must be latencies of at least 0 ms"),
        (lambda: profile(response=[math.nan]), "response must be latencies of at least 0 ms"),
        (lambda: profile(response=[]), "response must be a row of at least 1 latency"),
        (lambda: profile(response=[[1.0]]), "row of at least 1 latency, got shape (1, 1)"),
        (lambda: profile(distance=-1), "distance must be at least 0, got -1"),
        (lambda: profile(distance=math.inf), "distance must be finite, got inf"),
        (lambda: profile(write=Recorded(np.ones((1, 9)))).draw(2, 9, None), "of shape (2, 9)"),
        (lambda: k_staleness(3, 1, 4), "w must be in [1, 3], got 4"),
        (lambda: k_staleness(3, 1, 1, 0), "k must be at least 1, got 0"),
        (lambda: monotonic_reads(3, 1, 1, writes=-1, reads=1), "writes must be at least 0"),
        (lambda: monotonic_reads(3, 1, 1, writes=1, reads=0), "reads must be above 0"),
        (lambda: compare(["none"]), "profiles must be one of 'LNKD-SSD'"),
        (lambda: ParetoExponential(share=2, smallest=1, alpha=1, rate=1), "share must be in"),
        (lambda: ParetoExponential(share=0, smallest=0, alpha=1, rate=1), "smallest must be above"),
        (lambda: ParetoExponential(share=0, smallest=1, alpha=-1, rate=1), "alpha must be above"),
        (lambda: ParetoExponential(share=0, smallest=1, alpha=1, rate=0), "rate must be above 0"),
    ],
)
def test_bad_numbers_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda seen: seen.fresh(-1.0), "t must be at least 0, got -1.0"),
        (lambda seen: seen.fresh([1.0, math.nan]), "t must be at least 0, got nan"),
        (lambda seen: seen.fresh(np.array([1.0, math.nan])), "t must be at least 0, got nan"),
        (lambda seen: seen.fresh(10**400), "t must be finite, got 1000"),
        (lambda seen: seen.fresh([1.0, 10**400]), "t must be finite, got 1000"),
        (lambda seen: seen.t_visibility(1.2), "p must be in [0, 1], got 1.2"),
        (lambda seen: seen.read_latency(-1), "p must be in [0, 1], got -1"),
        (lambda seen: seen.t_of_sweep(step=0), "step must be above 0, got 0"),
        (lambda seen: seen.t_of_sweep(step=1, trials=0), "trials must be at least 1, got 0"),
    ],
)
def test_bad_questions_are_named(call, message):
    seen = simulate(LNKD_SSD, 3, 1, 1, trials=10, rng=1)
    with pytest.raises(ValueError, match=re.escape(message)):
        call(seen)


@pytest.mark.parametrize("bad", ["x", "5", None, True, 1j, [1, "x"], [[1], [2, 3]]])
def test_a_time_that_is_no_number_is_named(bad):
    seen = simulate(LNKD_SSD, 3, 1, 1, trials=10, rng=1)
    with pytest.raises(TypeError, match="t must be a number, got "):
        seen.fresh(bad)


@pytest.mark.parametrize("bad", ["fast", None, 1.0, [1, "x"]])
def test_wrong_types_are_named(bad):
    with pytest.raises(TypeError, match="write must be a distribution"):
        profile(write=bad)
    with pytest.raises(TypeError, match="profile must be a Profile, got 'WAN'"):
        simulate("WAN", 3, 1, 1)
