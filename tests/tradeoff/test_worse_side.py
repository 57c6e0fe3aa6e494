"""The side of a cut that fares worse: by hand, by brute force, and what no store can have there."""

import itertools
import re

import numpy as np
import pytest

from capkit.tradeoff import during_cut, exact, primary, worse_side, worse_side_limit

LOSSES = (0.0, 0.05, 0.2, 0.5, 0.9)


def close(value, expected):
    return np.testing.assert_allclose(value, expected, rtol=0, atol=1e-12)


def reached(size, at_least, loss):
    """P(at least so many of `size` requests arrive), by going through every pattern of losses."""
    patterns = itertools.product((True, False), repeat=size)
    chance = {each: np.prod([1 - loss if ok else loss for ok in each]) for each in patterns}
    return sum(share for each, share in chance.items() if sum(each) >= at_least)


@pytest.mark.parametrize("n, side", [(2, 1), (3, 1), (3, 2), (5, 2), (5, 4), (6, 3)])
def test_the_worse_side_is_the_one_whose_requests_reach_fewer_quorums(n, side):
    for r, w, loss in itertools.product(range(1, n + 1), range(1, n + 1), LOSSES):
        both = [(reached(s, w, loss), reached(s, r, loss)) for s in (side, n - side)]
        rates = worse_side(n, r, w, loss, side=side)
        close((rates.put_ok, rates.get_ok), min(both, key=sum))
        close(rates.fresh, during_cut(n, r, w, loss, side=side).fresh)


def test_the_mean_hides_the_theorem_and_the_worse_side_does_not():
    """With one of 101 nodes cut off, majorities answer 0.990 on average, all of it fresh."""
    mean, worse = (rule(101, 51, 51, side=1) for rule in (during_cut, worse_side))
    close((mean.availability, mean.fresh), (100 / 101, 1))
    assert (worse.availability, worse.fresh) == (0, 1)


@pytest.mark.parametrize("n", range(2, 10))
def test_no_store_is_always_answered_and_always_fresh_on_the_worse_side(n):
    quorums = np.arange(1, n + 1)
    r, w, side, loss = np.meshgrid(quorums, quorums, quorums[:-1], LOSSES)
    rates = worse_side(n, r, w, loss, side=side)
    answered = ~np.isnan(rates.fresh)
    limit = worse_side_limit(n, np.clip(rates.availability, 0, 1), side=side)
    assert np.all(rates.fresh[answered] <= limit[answered] + 1e-12)
    uncut = exact(n, r, w, 0.0)
    assert np.all((uncut.availability == 1) & (uncut.fresh == 1) | (r + w <= n))
    close(rates.fresh[(rates.availability > 1 - 1e-12)], limit[rates.availability > 1 - 1e-12])


def test_the_limit_is_reached_by_majorities_and_by_one_of_each():
    for n, side in ((3, 1), (5, 2), (101, 1)):
        silent, wrong = (worse_side(n, q, q, side=side) for q in (n // 2 + 1, 1))
        assert worse_side_limit(n, silent.availability, side=side) == silent.fresh == 1
        close(worse_side_limit(n, wrong.availability, side=side), wrong.fresh)


def test_equal_shares_of_puts_and_gets_are_what_the_limit_allows_most():
    """All that the smaller side may answer, with everything answered on the larger one."""
    for small, puts, gets in itertools.product((0.1, 0.5, 1.0), *[np.linspace(0, 1, 11)] * 2):
        fresh = (1 + small**2 * puts * gets) / (1 + small * puts) / (1 + small * gets)
        n = 22
        side = round(n * small / (1 + small))
        if abs(side / (n - side) - small) < 1e-12:
            assert fresh <= worse_side_limit(n, (puts + gets) / 2, side=side) + 1e-12


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n, side", [(2, 1), (5, 2), (7, 6)])
def test_a_primary_with_standbys_asks_all_for_a_put_and_the_primary_for_a_get(n, side, loss):
    whole, block = primary(n, loss), primary(n, loss, side=side)
    close((whole.put_ok, whole.get_ok, whole.fresh), (reached(n, n, loss), 1 - loss, 1))
    close((block.put_ok, block.get_ok), (0, (1 - loss) * side / n))
    assert np.isnan(block.fresh)
    assert primary(n, loss, side=side, worse=True).availability == 0
    split = primary(n, loss, side=side, on_partition="failover", worse=True)
    larger = max(side, n - side)
    close((split.put_ok, split.get_ok), (reached(larger, larger, loss), 1 - loss))
    if loss == 0:
        close(split.fresh, worse_side(n, 1, 1, side=side).fresh)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: worse_side(3, 1, 2, side=3), "side must be in [1, 2], got 3"),
        (lambda: worse_side(3, 4, 2, side=1), "r must be in [1, 3], got 4"),
        (lambda: worse_side_limit(3, 1.5), "answered must be in [0, 1], got 1.5"),
        (lambda: primary(0), "n must be at least 1, got 0"),
        (lambda: primary(1, side=1), "n must be at least 2, got 1"),
        (lambda: primary(3, 1.2), "loss must be in [0, 1], got 1.2"),
        (lambda: primary(3, on_partition="wait"), "on_partition must be one of"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
