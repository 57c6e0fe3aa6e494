"""Rates and their intervals, and the count of simulated trials that they come from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from capkit._arguments import count, number

Floats: TypeAlias = NDArray[np.float64]
Wholes: TypeAlias = NDArray[np.int64]
Luck: TypeAlias = NDArray[np.uint32]

FAILING = ("requests", "nodes")

_CHUNK = 2**16  # requests drawn at a time: few enough to stay in the processor's cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often a put and a get succeed, and how often the get then sees the put.

    Attributes
    ----------
    put_ok, get_ok : float or ndarray
        Probability that the put is acknowledged; that the get is answered, whatever the put did.
    fresh : float or ndarray
        Probability that the get returns the put's value, given that the put was acknowledged and
        the get answered. NaN where that never happens: no answer is neither fresh nor stale.
    low, high : Rates or None
        Ends of the 95 % Wilson interval of each rate. None for exact rates.
    trials : int
        How many puts, each followed by a get, were simulated; 0 for exact rates.
    """

    put_ok: float | Floats
    get_ok: float | Floats
    fresh: float | Floats
    low: Rates | None = None
    high: Rates | None = None
    trials: int = 0

    @property
    def availability(self) -> float | Floats:
        """Share of operations that are answered when half are puts and half are gets."""
        return (self.put_ok + self.get_ok) / 2


def wilson(
    successes: ArrayLike, trials: ArrayLike, confidence: float = 0.95
) -> tuple[float | Floats, float | Floats]:
    """Ends of Wilson's (1927) interval for a probability; 0 and 1 where there was no trial.

    Whole numbers 0 <= successes <= trials broadcast; `confidence` is strictly between 0 and 1.
    Anything else raises ValueError.

    Examples
    --------
    >>> low, high = wilson(8, 10)
    >>> print(f"{low:.3f} {high:.3f}")
    0.490 0.943
    """
    total = wholes("trials", trials, low=0)
    good = wholes("successes", successes, low=0, high=total)
    if number("confidence", confidence, 0, 1) in (0, 1):
        raise ValueError(f"confidence must be strictly between 0 and 1, got {confidence}")
    z, bad = ndtri((1 + confidence) / 2), total - good
    centre = (good + z**2 / 2) / (total + z**2)
    half = z * np.sqrt(good * ratio(bad, total, never=0.0) + z**2 / 4) / (total + z**2)
    low = np.where(good == 0, 0.0, centre - half)
    return plain(low), plain(np.where(bad == 0, 1.0, centre + half))


def tally(
    seeds: np.random.SeedSequence,
    quorums: tuple[int, int, int],
    losses: Floats,
    trials: int,
    shared: bool,
) -> Wholes:
    """Count trials whose put, get, both, and both with a fresh value succeed, at each loss.

    `quorums` are n, r and w; `losses` has one dimension; `shared` luck is that of a node, for put
    and get alike. The result has shape (4, losses).
    """
    n, r, w = quorums
    generator = np.random.default_rng(seeds)
    counts = np.zeros((4, losses.size), dtype=np.int64)
    levels = [math.ceil(level) for level in losses * 2**32]
    chunk = max(1, _CHUNK // n)
    for start in range(0, trials, chunk):
        put_luck = _draw(generator, n, min(chunk, trials - start))
        get_luck = put_luck if shared else _draw(generator, *put_luck.shape)
        for row, bears in zip(counts, _bearable(put_luck, get_luck, r, w), strict=True):
            row += np.array([np.count_nonzero(bears >= level) for level in levels], dtype=int)
    return counts


def from_counts(counts: Wholes, trials: int) -> Rates:
    """Rates with their intervals, from counts of `tally` of any further shape."""
    puts, gets, both, fresh = counts
    shares = (puts, trials), (gets, trials), (fresh, both)
    lows, highs = zip(*(wilson(*share) for share in shares), strict=True)
    rates = rates_of(*(ratio(*share) for share in shares))
    return replace(rates, low=rates_of(*lows), high=rates_of(*highs), trials=trials)


def rates_of(put_ok: ArrayLike, get_ok: ArrayLike, fresh: ArrayLike) -> Rates:
    """Rates without intervals."""
    return Rates(put_ok=plain(put_ok), get_ok=plain(get_ok), fresh=plain(fresh))


def ratio(part: ArrayLike, whole: ArrayLike, never: float = math.nan) -> Floats:
    """Part over whole, or `never` where the whole is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(whole, 0), never, np.true_divide(part, whole))


def plain(values: ArrayLike) -> float | Floats:
    """The values as an array, or as a float if there is one without an axis."""
    array = np.asarray(values, dtype=np.float64)
    return array if array.ndim else float(array)


def wholes(name: str, values: ArrayLike, low: int = 1, high: ArrayLike = math.inf) -> Wholes:
    """The values as whole numbers in low..high, or an error that names one that is not."""
    array, most = np.broadcast_arrays(np.asarray(values, dtype=object), high)
    for value, limit in zip(array.flat, most.flat, strict=True):
        count(name, value, low, float(limit))
    return array.astype(np.int64)


def probabilities(name: str, values: ArrayLike) -> Floats:
    """The values as numbers in [0, 1], or an error that names one that is not."""
    array = np.asarray(values, dtype=object)
    for value in array.flat:
        number(name, value, 0, 1)
    return array.astype(np.float64)


def _draw(generator: np.random.Generator, n: int, trials: int) -> Luck:
    """Luck of each request in steps of 2**-32, shape (n, trials)."""
    words = generator.integers(2**64, size=(n, (trials + 1) // 2), dtype=np.uint64)
    return words.view(np.uint32)[:, :trials]


def _bearable(put_luck: Luck, get_luck: Luck, r: int, w: int) -> tuple[Luck, Luck, Luck, Luck]:
    """Largest loss at which, in each trial, put, get, both, and both with a fresh value succeed.

    A put needs `w` requests to arrive, so it bears any loss up to the w-th largest luck; a get
    likewise. The `r` luckiest answer first, whatever the loss, and one of them holds the put if
    the loss is at most the greatest luck that a put request to them had.
    """
    put, get = _largest(put_luck, w), _largest(get_luck, r)
    seen = np.zeros_like(put)
    for to_replica, from_replica in zip(put_luck, get_luck, strict=True):
        np.maximum(seen, to_replica * (from_replica >= get), out=seen)
    both = np.minimum(put, get)
    return put, get, both, np.minimum(both, seen)


def _largest(luck: Luck, rank: int) -> Luck:
    """The rank-th largest luck of each trial."""
    if len(luck) > 16:
        return np.asarray(np.sort(luck, axis=0)[-rank])
    rows: list[Luck] = list(luck)  # for few replicas, sorting whole rows by hand is far faster
    for place in range(rank):
        for other in range(place + 1, len(rows)):
            pair = rows[place], rows[other]
            rows[place], rows[other] = np.maximum(*pair), np.minimum(*pair)
    return rows[rank - 1]
