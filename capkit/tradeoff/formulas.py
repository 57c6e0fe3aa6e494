"""Availability against freshness: exact formulas, and a simulation that agrees with them.

The model is one put on a clean store, then one get. A put asks all `n` replicas and is acknowledged
if at least `w` of them hear it. A get asks all `n` replicas, is answered if at least `r` hear it,
and returns the newest value among the first `r` to answer, in random order. Every request is lost
independently with probability `loss`, replies never. The thirty-line store has n=3, r=1, w=2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr

from capkit._arguments import RandomState, choice, count, flag, stream
from capkit.tradeoff.rates import (
    FAILING,
    Floats,
    Rates,
    Wholes,
    from_counts,
    plain,
    probabilities,
    rates_of,
    ratio,
    tally,
    wholes,
)


def exact(
    n: ArrayLike, r: ArrayLike, w: ArrayLike, loss: ArrayLike, *, failing: str = "requests"
) -> Rates:
    """Rates of one put on a clean store, then one get, in closed form.

    Parameters
    ----------
    n, r, w : int or array of int
        Replicas, read quorum and write quorum, 1 <= r, w <= n. All arguments broadcast.
    loss : float or array of float
        Probability that one request is lost (or that one node is down), in [0, 1].
    failing : {"requests", "nodes"}
        Whether each request is lost by itself, or each node is down for both put and get.

    Raises
    ------
    ValueError
        If a quorum is outside 1..n, or `loss` outside [0, 1] or NaN.

    Notes
    -----
    If `k` replicas hold the value, the `r` that answer miss them all with probability
    C(n-k, r) / C(n, r) [1]_. Summed over k, this is simpler from the get's side: the put missed the
    get's `r` replicas, yet reached `w` of the others. With B(n) successes in n requests,

        stale = loss**r * P(B(n - r) >= w) / P(B(n) >= w).

    When nodes fail, `put_ok` and `get_ok` are the same numbers but `fresh` is 1: whoever is up for
    the get was up for the put. What makes a read stale here is a replica that missed a message and
    answers later, not one that is dead. Put and get then also fail together: after an acknowledged
    put, a get is answered more often than `get_ok` says.

    References
    ----------
    .. [1] Bailis et al., "Probabilistically Bounded Staleness", VLDB 2012, eq. 1.

    Examples
    --------
    >>> store = exact(3, 1, 2, 0.2)
    >>> print(f"{store.put_ok:.3f} {store.get_ok:.3f} {store.fresh:.3f}")
    0.896 0.992 0.857
    >>> exact([5, 15], [3, 8], [3, 8], 0.2).put_ok.round(3)
    array([0.942, 0.996])
    """
    choice("failing", failing, FAILING)
    size = wholes("n", n)
    read, write = wholes("r", r, high=size), wholes("w", w, high=size)
    size, read, write, risk = np.broadcast_arrays(size, read, write, probabilities("loss", loss))
    put_ok, get_ok = _arrive(size, write, risk), _arrive(size, read, risk)
    stale = risk**read * _arrive(size - read, write, risk) if failing == "requests" else 0.0
    return rates_of(put_ok, get_ok, ratio(put_ok - stale, put_ok))


def simulate(
    n: int,
    r: int,
    w: int,
    loss: ArrayLike,
    *,
    trials: int = 10_000,
    rng: RandomState = None,
    failing: str = "requests",
) -> Rates:
    """Rates of one put on a clean store, then one get, counted over many trials.

    Parameters
    ----------
    n, r, w, loss, failing
        As in `exact`, but of these only `loss` may be an array.
    trials : int
        How many puts, each followed by a get, at least 1.
    rng : int, numpy.random.Generator or None
        A seed, a generator, or None for fresh randomness.

    Raises
    ------
    ValueError
        As `exact`, and if `trials` is below 1.

    Notes
    -----
    Every request draws its luck, uniform in [0, 1), and arrives if its luck is at least `loss`.
    Luck does not depend on `loss`, so a larger loss never rescues a put that failed: moving `loss`
    moves a curve and does not reshuffle it (common random numbers). Replicas answer a get in the
    order of their luck, which is a random order of those that were reached.
    Costs O(trials * (n**2 + size of loss)) for few replicas, and memory for one chunk of trials.

    Examples
    --------
    >>> store = simulate(3, 1, 2, 0.2, trials=100_000, rng=7)
    >>> store.low.fresh < exact(3, 1, 2, 0.2).fresh < store.high.fresh
    True
    """
    n = count("n", n)
    r, w, trials = count("r", r, 1, n), count("w", w, 1, n), count("trials", trials)
    risk = probabilities("loss", loss)
    shared = choice("failing", failing, FAILING) == "nodes"
    seeds = stream(rng, "tradeoff.simulate")
    counts = tally(seeds, (n, r, w), risk.ravel(), trials, shared)
    return from_counts(counts.reshape(4, *risk.shape), trials)


def during_cut(
    n: ArrayLike, r: ArrayLike, w: ArrayLike, loss: ArrayLike = 0.0, *, side: ArrayLike = 1
) -> Rates:
    """Rates over the clients of both sides of a partition, in closed form.

    Clients are spread evenly over the replicas. The putting and the getting client are independent,
    and the requests of each reach only the replicas of its own side.

    Parameters
    ----------
    n, r, w, loss
        As in `exact`, but n >= 2.
    side : int or array of int
        Replicas on one side of the cut, 1..n-1; the rest are on the other. All broadcast.

    Raises
    ------
    ValueError
        If a quorum is outside 1..n, `side` outside 1..n-1, or `loss` outside [0, 1] or NaN.

    Notes
    -----
    A get on the other side than the put never sees it, so `put_ok`, `get_ok` and `fresh` are never
    all 1 (Gilbert and Lynch 2002, theorem 1); `cut_limit` says how far they can go. Without a cut
    nothing forbids it: more replicas buy both, as the second example of `exact` shows.

    Examples
    --------
    >>> majorities, anyone = during_cut(5, 3, 3, side=2), during_cut(5, 1, 1, side=2)
    >>> (majorities.availability, majorities.fresh), (anyone.availability, anyone.fresh)
    ((0.6, 1.0), (1.0, 0.52))
    """
    return _mean(*_quorum_sides(n, r, w, loss, side))


def worse_side(
    n: ArrayLike, r: ArrayLike, w: ArrayLike, loss: ArrayLike = 0.0, *, side: ArrayLike = 1
) -> Rates:
    """Rates of the clients on the side of a partition where fewer requests are answered.

    Gilbert and Lynch's availability is a promise to *every* client. A mean over all clients hides
    who gets no answer: with one of 101 nodes cut off, majorities answer 0.990 on average, and
    nothing on the smaller side.

    Parameters
    ----------
    n, r, w, loss, side
        As in `during_cut`. All broadcast.

    Returns
    -------
    Rates
        `put_ok` and `get_ok` of the worse side; `fresh` as in `during_cut`, of all answered gets
        after puts that were acknowledged anywhere.

    Raises
    ------
    ValueError
        As `during_cut`.

    Examples
    --------
    >>> majorities, anyone = worse_side(5, 3, 3, side=2), worse_side(5, 1, 1, side=2)
    >>> (majorities.availability, majorities.fresh), (anyone.availability, anyone.fresh)
    ((0.0, 1.0), (1.0, 0.52))
    >>> during_cut(101, 51, 51, side=1).availability, worse_side(101, 51, 51, side=1).availability
    (0.9900990099009901, 0.0)
    """
    return _worse(*_quorum_sides(n, r, w, loss, side))


def primary(
    n: ArrayLike,
    loss: ArrayLike = 0.0,
    *,
    side: ArrayLike | None = None,
    on_partition: str = "block",
    worse: bool = False,
) -> Rates:
    """Rates of a primary with synchronous standbys: a put must reach all nodes, a get the primary.

    Parameters
    ----------
    n, loss
        As in `exact`; n >= 2 during a cut.
    side : int, array of int or None
        Nodes on the primary's side of a partition, 1..n-1, or None for no partition.
    on_partition : {"block", "failover"}
        Whether puts wait for the other side, or each side goes on with a primary of its own.
    worse : bool
        During a cut, whether to count the clients of the worse side, as `worse_side`, or all.

    Raises
    ------
    ValueError
        As `during_cut`, and if `on_partition` is neither.

    Examples
    --------
    >>> primary(5).availability, primary(5, side=2, worse=True).availability
    (1.0, 0.0)
    >>> split = primary(5, side=2, on_partition="failover", worse=True)
    >>> split.availability, split.fresh
    (1.0, 0.52)
    """
    flag("worse", worse)
    fails_over = choice("on_partition", on_partition, ("block", "failover")) == "failover"
    size, risk = wholes("n", n, low=1 if side is None else 2), probabilities("loss", loss)
    if side is None:
        put_ok, get_ok = np.broadcast_arrays((1 - risk) ** size, 1 - risk)
        return rates_of(put_ok, get_ok, ratio(put_ok * get_ok, put_ok * get_ok))
    size, risk, here = np.broadcast_arrays(size, risk, wholes("side", side, high=size - 1))
    sides = np.array([here, size - here])
    put_ok, get_ok = (1 - risk) ** sides, np.array([1 - risk, 1 - risk])
    if not fails_over:
        put_ok, get_ok = 0 * put_ok, np.array([1 - risk, 0 * risk])
    return (_worse if worse else _mean)(sides, put_ok, get_ok, put_ok * get_ok)


def cut_limit(
    n: ArrayLike, put_ok: ArrayLike, get_ok: ArrayLike, *, side: ArrayLike = 1
) -> float | Floats:
    """Greatest freshness possible during a cut if these shares of puts and gets are answered.

    It is 1 while neither rate exceeds `s`, the share of clients on the larger side: that side can
    do all the work. What exceeds `s` is done on the smaller side, and is stale across the cut:

        1 - (min(s, put_ok) * (get_ok - s)+ + (put_ok - s)+ * min(s, get_ok)) / (put_ok * get_ok)

    When all are answered that leaves 1 - 2 * s * (1 - s). `during_cut` never exceeds it, whatever
    r, w and loss are. Arguments broadcast and are checked as in `during_cut`; rates must be in
    [0, 1].

    Examples
    --------
    >>> cut_limit(5, 0.6, 0.6, side=2), cut_limit(5, 1, 1, side=2)
    (1.0, 0.52)
    """
    size = wholes("n", n, low=2)
    here = wholes("side", side, high=size - 1)
    puts, gets = probabilities("put_ok", put_ok), probabilities("get_ok", get_ok)
    share = np.maximum(here, size - here) / size
    more_puts, more_gets = np.maximum(0, puts - share), np.maximum(0, gets - share)
    across = np.minimum(share, puts) * more_gets + more_puts * np.minimum(share, gets)
    return plain(1 - ratio(across, puts * gets, never=0.0))


def worse_side_limit(n: ArrayLike, answered: ArrayLike, *, side: ArrayLike = 1) -> float | Floats:
    """Greatest freshness possible during a cut if the worse side answers this share.

    With `a` the number of nodes on the smaller side, divided by that on the larger, and everything
    answered on the larger side, an answered get shows an acknowledged put at most with probability

        (1 + (a * answered)**2) / (1 + a * answered)**2.

    Unequal shares of puts and gets leave less. `worse_side` never exceeds it, whatever r, w and
    loss are, and it is 1 only where the worse side is silent. Arguments broadcast and are checked
    as in `during_cut`; `answered` must be in [0, 1].

    Examples
    --------
    >>> print(worse_side_limit(5, [0, 0.5, 1], side=2).round(3))
    [1.    0.625 0.52 ]
    """
    size = wholes("n", n, low=2)
    here, share = wholes("side", side, high=size - 1), probabilities("answered", answered)
    small = np.minimum(here, size - here) / np.maximum(here, size - here) * share
    return plain((1 + small**2) / (1 + small) ** 2)


def quorum_overlap(n: int, r: int, w: int) -> float:
    """Probability that a read of `r` random replicas meets a write that reached exactly `w`.

    It is 1 - C(n-w, r) / C(n, r), equation 1 of Bailis et al. 2012; exactly 1 when r + w > n. A put
    may reach more than its quorum: `exact` counts that. Quorums outside 1..n raise ValueError.

    Examples
    --------
    >>> quorum_overlap(3, 2, 2)
    1.0
    """
    n = count("n", n)
    r, w = count("r", r, 1, n), count("w", w, 1, n)
    return 1 - math.comb(n - w, r) / math.comb(n, r)


def _quorum_sides(
    n: ArrayLike, r: ArrayLike, w: ArrayLike, loss: ArrayLike, side: ArrayLike
) -> tuple[Wholes, Floats, Floats, Floats]:
    """For both sides of a cut: nodes, puts and gets answered, and both with a fresh value."""
    size = wholes("n", n, low=2)
    read, write = wholes("r", r, high=size), wholes("w", w, high=size)
    here, risk = wholes("side", side, high=size - 1), probabilities("loss", loss)
    size, read, write, here, risk = np.broadcast_arrays(size, read, write, here, risk)
    sides = np.array([here, size - here])
    put_ok, get_ok = _arrive(sides, write, risk), _arrive(sides, read, risk)
    stale = risk**read * _arrive(sides - read, write, risk)
    return sides, put_ok, get_ok, get_ok * (put_ok - stale)


def _mean(sides: Wholes, put_ok: Floats, get_ok: Floats, both_fresh: Floats) -> Rates:
    """Rates over the clients of both sides; a get on the other side than the put is stale."""
    puts, gets = (sides * put_ok).sum(axis=0), (sides * get_ok).sum(axis=0)
    size, fresh = sides.sum(axis=0), (sides**2 * both_fresh).sum(axis=0)
    return rates_of(puts / size, gets / size, ratio(fresh, puts * gets))


def _worse(sides: Wholes, put_ok: Floats, get_ok: Floats, both_fresh: Floats) -> Rates:
    """Rates of the clients on the side that answers less; `fresh` is that of all clients."""
    worse = np.argmin(put_ok + get_ok, axis=0)[np.newaxis]
    put_there, get_there = (np.take_along_axis(each, worse, 0)[0] for each in (put_ok, get_ok))
    return rates_of(put_there, get_there, _mean(sides, put_ok, get_ok, both_fresh).fresh)


def _arrive(n: Wholes, at_least: Wholes, loss: Floats) -> Floats:
    """P(at least `at_least` of `n` requests arrive); 0 if `at_least` is more than `n`."""
    chance = bdtr(np.maximum(n - at_least, 0), np.maximum(n, 1), loss)
    return np.where(at_least <= n, chance, 0.0)
