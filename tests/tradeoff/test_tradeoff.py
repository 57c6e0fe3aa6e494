"""The formulas, the simulation, and a brute-force oracle that knows neither say the same."""

from __future__ import annotations

import itertools
import random
import re
import tracemalloc

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from capkit.tradeoff import Rates, cut_limit, during_cut, exact, quorum_overlap, simulate, wilson

LOSSES = (0.0, 0.05, 0.2, 0.5, 0.9)
SMALL = [(n, r, w) for n in range(1, 5) for r in range(1, n + 1) for w in range(1, n + 1)]
STORES = [(1, 1, 1), (3, 1, 2), (3, 2, 2), (3, 3, 1), (4, 2, 2), (5, 1, 1), (5, 3, 3), (7, 2, 3)]
BIG = [(17, 5, 4), (20, 10, 10)]


def close(value, expected):
    return np.testing.assert_allclose(value, expected, rtol=0, atol=1e-12)


def patterns(nodes, loss):
    """Every set of nodes that requests can reach, with its probability."""
    for arrived in itertools.product((True, False), repeat=len(nodes)):
        chance = np.prod([1 - loss if a else loss for a in arrived])
        yield {node for node, a in zip(nodes, arrived, strict=True) if a}, chance


def oracle(n, r, w, loss, sides=None, nodes_fail=False):
    """The three rates by going through every client, loss pattern and order of answers."""
    sides = [range(n)] if sides is None else sides
    put_ok = get_ok = both = fresh = 0.0
    for put_side, get_side in itertools.product(sides, repeat=2):
        homes = len(put_side) * len(get_side) / n**2
        for held, put_chance in patterns(put_side, loss):
            gets = [(held, 1.0)] if nodes_fail else patterns(get_side, loss)
            for reached, get_chance in gets:
                chance = homes * put_chance * get_chance
                acknowledged, answered = len(held) >= w, len(reached) >= r
                put_ok += chance * acknowledged
                get_ok += chance * answered
                if acknowledged and answered:
                    both += chance
                    orders = list(itertools.permutations(reached))
                    seen = sum(bool(held & set(order[:r])) for order in orders)
                    fresh += chance * seen / len(orders)
    return put_ok, get_ok, fresh / both if both else float("nan")


def three(rates: Rates):
    return rates.put_ok, rates.get_ok, rates.fresh


@pytest.mark.parametrize("failing", ["requests", "nodes"])
@pytest.mark.parametrize("n, r, w", SMALL)
def test_exact_is_what_every_loss_pattern_adds_up_to(n, r, w, failing):
    for loss in (*LOSSES, 1.0):
        close(
            three(exact(n, r, w, loss, failing=failing)),
            oracle(n, r, w, loss, nodes_fail=failing == "nodes"),
        )


@pytest.mark.parametrize("n, r, w", [store for store in SMALL if store[0] > 1])
def test_during_cut_is_what_every_client_and_loss_pattern_adds_up_to(n, r, w):
    for side, loss in itertools.product(range(1, n), (*LOSSES, 1.0)):
        sides = [range(side), range(side, n)]
        close(three(during_cut(n, r, w, loss, side=side)), oracle(n, r, w, loss, sides))


def test_exact_agrees_with_scipys_binomial_and_the_sum_over_replicas_that_hold_the_put():
    for n, r, w in [*STORES, *BIG]:
        for loss in LOSSES:
            rates, held = exact(n, r, w, loss), np.arange(w, n + 1)
            close(rates.put_ok, binom.sf(w - 1, n, 1 - loss))
            close(rates.get_ok, binom.sf(r - 1, n, 1 - loss))
            weight = binom.pmf(held, n, 1 - loss) / rates.put_ok
            meets = [quorum_overlap(n, r, int(k)) for k in held]
            close(rates.fresh, weight @ meets)


@pytest.mark.parametrize("failing", ["requests", "nodes"])
@pytest.mark.parametrize("n, r, w", [*STORES, *BIG])
def test_simulation_agrees_with_exact(n, r, w, failing):
    """Within three times the half width of the 95 % interval: beyond 99.99 % for each rate."""
    losses = np.array(LOSSES)
    seen = simulate(n, r, w, losses, trials=20_000, rng=11, failing=failing)
    truth = exact(n, r, w, losses, failing=failing)
    for name in ("put_ok", "get_ok", "fresh"):
        low, high = getattr(seen.low, name), getattr(seen.high, name)
        centre, reach = (low + high) / 2, 1.5 * (high - low)
        assert np.all(abs(getattr(truth, name) - centre) <= reach), name


def test_about_95_of_100_intervals_hold_the_truth():
    """600 independent runs for each rate: four standard errors of 0.95 are 0.036."""
    runs = [simulate(5, 2, 2, 0.3, trials=500, rng=seed) for seed in range(600)]
    truth = exact(5, 2, 2, 0.3)
    for name in ("put_ok", "get_ok", "fresh"):
        right = getattr(truth, name)
        held = [getattr(run.low, name) <= right <= getattr(run.high, name) for run in runs]
        assert abs(np.mean(held) - 0.95) < 0.036, name


def test_majorities_answer_most_while_less_than_half_is_lost_and_least_above():
    """Of the pairs of five replicas that just meet, with as many gets as puts."""
    r, loss = np.arange(1, 6), np.arange(1, 20)[:, None] / 20
    answered = exact(5, r, 6 - r, loss).availability
    ahead = answered[:, [2]] - answered[:, r != 3]
    assert np.all(ahead[:9] > 0)
    close(ahead[9], 0)
    assert np.all(ahead[10:] < 0)


@pytest.mark.parametrize("loss, gets", [(0.2, 92), (0.3, 81), (0.4, 67)])
def test_read_one_write_all_answers_more_than_majorities_from_so_many_gets_in_100_on(loss, gets):
    one, most = exact(5, 1, 5, loss), exact(5, 3, 3, loss)
    share = np.arange(101) / 100
    ahead = share * (one.get_ok - most.get_ok) + (1 - share) * (one.put_ok - most.put_ok)
    assert list(ahead > 0) == [False] * gets + [True] * (101 - gets)


def test_plain_python_loop_over_the_thirty_line_store_agrees_with_exact():
    """A put tries every node and needs a majority; a get asks node by node; 0.8 per request."""
    draw, trials = random.Random(5), 40_000
    puts = gets = both = fresh = 0
    for _ in range(trials):
        data = [{} for _ in range(3)]
        written = 0
        for node in data:
            if draw.random() < 0.8:
                node["key"] = "value"
                written += 1
        answer = next((node.get("key", "none") for node in data if draw.random() < 0.8), None)
        puts += written > 1
        gets += answer is not None
        both += written > 1 and answer is not None
        fresh += written > 1 and answer == "value"
    truth = exact(3, 1, 2, 0.2)
    for successes, total, right in (
        (puts, trials, truth.put_ok),
        (gets, trials, truth.get_ok),
        (fresh, both, truth.fresh),
    ):
        low, high = wilson(successes, total, confidence=0.9999)
        assert low < right < high


def test_numbers_of_the_lesson():
    store = exact(3, 1, 2, 0.2)
    assert [round(rate, 3) for rate in three(store)] == [0.896, 0.992, 0.857]
    majorities = exact([5, 15], [3, 8], [3, 8], 0.2)
    assert majorities.availability.round(3).tolist() == [0.942, 0.996]
    assert majorities.fresh.tolist() == [1, 1]


def test_when_nodes_fail_availability_stays_and_every_answer_is_fresh():
    requests, nodes = exact(3, 1, 2, 0.2), exact(3, 1, 2, 0.2, failing="nodes")
    assert (nodes.put_ok, nodes.get_ok) == (requests.put_ok, requests.get_ok)
    assert requests.fresh < nodes.fresh == 1
    assert simulate(3, 1, 2, 0.2, rng=3, failing="nodes").fresh == 1


def test_more_loss_never_rescues_a_trial():
    losses = np.linspace(0, 1, 201)
    for n, r, w in [*STORES, *BIG]:
        rates = simulate(n, r, w, losses, trials=300, rng=2)
        assert np.all(np.diff(rates.put_ok) <= 0)
        assert np.all(np.diff(rates.get_ok) <= 0)


def test_a_sweep_equals_one_run_for_each_loss():
    losses = np.array([[0.1, 0.4], [0.7, 0.2]])
    sweep = simulate(5, 2, 3, losses, trials=999, rng=4)
    assert sweep.put_ok.shape == sweep.low.fresh.shape == (2, 2)
    for place in np.ndindex(2, 2):
        alone = simulate(5, 2, 3, float(losses[place]), trials=999, rng=4)
        assert three(alone) == (sweep.put_ok[place], sweep.get_ok[place], sweep.fresh[place])


def test_the_same_seed_gives_the_same_rates_and_another_seed_others():
    first, again, other = (simulate(3, 1, 2, 0.2, rng=seed) for seed in (7, 7, 8))
    assert first == again
    assert three(first) != three(other)
    assert simulate(3, 1, 2, 0.2).put_ok != simulate(3, 1, 2, 0.25).put_ok


@pytest.mark.parametrize("trials", [1, 2, 7, 21_845, 50_001])
def test_every_trial_counts_once_however_they_are_cut_into_chunks(trials):
    rates = simulate(3, 1, 2, [0.0, 0.5, 1.0], trials=trials, rng=1)
    assert rates.trials == trials
    assert rates.put_ok[[0, 2]].tolist() == rates.get_ok[[0, 2]].tolist() == [1, 0]
    successes = rates.put_ok[1] * trials
    assert successes == pytest.approx(round(successes))


def test_memory_does_not_grow_with_trials():
    tracemalloc.start()
    simulate(3, 1, 2, 0.2, trials=2_000_000, rng=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


def test_fresh_is_not_a_number_where_nothing_is_answered():
    for rates in (exact(3, 1, 2, 1.0), simulate(3, 1, 2, 1.0), during_cut(4, 3, 3, side=2)):
        assert np.isnan(rates.fresh)
        assert rates.put_ok == 0
    seen = simulate(3, 1, 2, 1.0)
    assert (seen.low.fresh, seen.high.fresh) == (0, 1)


def test_during_a_cut_and_only_then_the_corner_is_empty():
    """For every store of up to 9 nodes, every cut and loss, no three rates beat the limit."""
    reached = 0
    for n in range(2, 10):
        quorums = np.arange(1, n + 1)
        r, w, side, loss = np.meshgrid(quorums, quorums, quorums[:-1], LOSSES)
        rates = during_cut(n, r, w, loss, side=side)
        everyone = np.minimum(rates.put_ok, rates.get_ok) > 1 - 1e-12
        ceiling = 1 - 2 * side * (n - side) / n**2
        close(rates.fresh[everyone], ceiling[everyone])
        assert np.all(ceiling < 1)
        answered = ~np.isnan(rates.fresh)
        limit = cut_limit(n, rates.put_ok, rates.get_ok, side=side)
        assert np.all(rates.fresh[answered] <= limit[answered] + 1e-12)
        reached += np.count_nonzero(abs(rates.fresh - limit) < 1e-12)
        uncut = exact(n, r, w, 0.0)
        assert np.any((uncut.availability == 1) & (uncut.fresh == 1))
    assert reached > 100


def test_a_store_that_is_always_fresh_during_a_cut_answers_at_most_the_larger_side():
    for n in range(2, 10):
        for side in range(1, n):
            share = max(side, n - side) / n
            assert cut_limit(n, share, share, side=side) == 1
            assert cut_limit(n, share + 0.01, share, side=side) < 1
            assert cut_limit(n, share, share + 0.01, side=side) < 1


def test_without_a_cut_more_replicas_approach_the_corner():
    sizes = np.arange(1, 60, 2)
    rates = exact(sizes, sizes // 2 + 1, sizes // 2 + 1, 0.2)
    assert np.all(np.diff(rates.availability) > 0)
    assert rates.availability[-1] > 0.999_99
    assert np.all(rates.fresh == 1)


def test_arguments_broadcast():
    rates = exact([[3], [5]], 1, 2, np.array([0.1, 0.2, 0.3]))
    assert rates.put_ok.shape == rates.get_ok.shape == rates.fresh.shape == (2, 3)
    assert rates.fresh[0, 1] == exact(3, 1, 2, 0.2).fresh
    cut = during_cut(5, 1, [1, 2, 3], [[0.0], [0.1]], side=2)
    assert cut.put_ok.shape == cut.get_ok.shape == cut.fresh.shape == (2, 3)
    assert cut.fresh[1, 2] == during_cut(5, 1, 3, 0.1, side=2).fresh


def test_quorum_overlap_is_the_share_of_read_sets_that_meet_the_write():
    for n, r, w in SMALL:
        reads = list(itertools.combinations(range(n), r))
        meets = sum(min(read) < w for read in reads)
        assert quorum_overlap(n, r, w) == pytest.approx(meets / len(reads), abs=1e-15)
        assert (quorum_overlap(n, r, w) == 1) == (r + w > n)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.9999])
def test_wilson_agrees_with_scipy(confidence):
    trials = np.array([1, 2, 10, 1000])
    for successes in (trials * 0, trials // 3, trials // 2, trials):
        low, high = wilson(successes, trials, confidence)
        for k, n, bottom, top in zip(successes, trials, low, high, strict=True):
            expected = binomtest(int(k), int(n)).proportion_ci(confidence, method="wilson")
            close((bottom, top), (expected.low, expected.high))
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda f: f(3, 1, 2, 1.2), "loss must be in [0, 1], got 1.2"),
        (lambda f: f(3, 1, 2, -0.1), "loss must be in [0, 1], got -0.1"),
        (lambda f: f(3, 1, 2, float("nan")), "loss must be in [0, 1], got nan"),
        (lambda f: f(3, 1, 2, [0.1, 7.5, 9]), "loss must be in [0, 1], got 7.5"),
        (lambda f: f(3, 4, 2, 0.1), "r must be in [1, 3], got 4"),
        (lambda f: f(3, 1, 0, 0.1), "w must be in [1, 3], got 0"),
        (lambda f: f(-3, 1, 1, 0.1), "got -3"),
    ],
)
@pytest.mark.parametrize("function", [exact, simulate, during_cut])
def test_bad_numbers_are_named(function, call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(function)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: exact([3, 5, 2], 3, 2, 0.1), "r must be in [1, 2], got 3"),
        (lambda: exact(3, 1, 2, 0.1, failing="discs"), "failing must be one of"),
        (lambda: simulate(3, 1, 2, 0.1, failing="discs"), "failing must be one of"),
        (lambda: simulate(3, 1, 2, 0.1, trials=0), "trials must be at least 1, got 0"),
        (lambda: during_cut(3, 1, 2, side=3), "side must be in [1, 2], got 3"),
        (lambda: during_cut(1, 1, 1), "n must be at least 2, got 1"),
        (lambda: cut_limit(3, 1.5, 1), "put_ok must be in [0, 1], got 1.5"),
        (lambda: quorum_overlap(3, 1, 4), "w must be in [1, 3], got 4"),
        (lambda: wilson(4, 3), "successes must be in [0, 3], got 4"),
        (lambda: wilson(1, 3, 1), "confidence must be strictly between 0 and 1, got 1"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: exact(3.0, 1, 2, 0.1), "n must be a whole number, got 3.0"),
        (lambda: exact(3, [1, True], 2, 0.1), "r must be a whole number, got True"),
        (lambda: exact(3, 1, 2, "0.1"), "loss must be a number, got '0.1'"),
        (lambda: simulate(3, 1, 2, 0.1, rng="seven"), "rng must be a seed"),
        (lambda: simulate(3, 1, 2, 0.1, trials=1e4), "trials must be a whole number, got 10000.0"),
    ],
)
def test_wrong_types_are_named(call, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        call()


def test_bad_input_takes_nothing_from_the_generator():
    generator, untouched = np.random.default_rng(1), np.random.default_rng(1)
    with pytest.raises(ValueError, match="loss"):
        simulate(3, 1, 2, 2.0, rng=generator)
    assert generator.random() == untouched.random()
