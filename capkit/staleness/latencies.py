"""How long messages take one way: fits that Bailis et al. published, and profiles of your own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capkit._arguments import count, number

Times: TypeAlias = NDArray[np.float32]

_LEGS = ("write", "acknowledge", "request", "response")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoExponential:
    """Latencies in ms of which a share is Pareto and the rest exponential.

    Parameters
    ----------
    share : float
        Probability of the Pareto part, in [0, 1].
    smallest : float
        Least latency of the Pareto part in ms (x_m), above 0.
    alpha : float
        Shape of the Pareto part, above 0. The smaller, the heavier the tail.
    rate : float
        Of the exponential part, per ms, above 0: its mean is 1 / rate.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> fit = ParetoExponential(share=0.38, smallest=1.05, alpha=1.51, rate=0.183)
    >>> print(f"{fit.cdf(10.0):.3f} of the messages take at most 10 ms")
    0.888 of the messages take at most 10 ms
    """

    share: float
    smallest: float
    alpha: float
    rate: float

    def __post_init__(self) -> None:
        number("share", self.share, 0, 1)
        for name in ("smallest", "alpha", "rate"):
            if not 0 < number(name, getattr(self, name)) < math.inf:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")

    def cdf(self, x: ArrayLike) -> Any:
        """Probability that a message takes at most `x` ms, of the shape of `x`."""
        time = np.maximum(np.asarray(x, dtype=np.float64), 0)
        pareto = 1 - (self.smallest / np.maximum(time, self.smallest)) ** self.alpha
        return self.share * pareto - (1 - self.share) * np.expm1(-self.rate * time)

    def rvs(self, size: Any = 1, random_state: np.random.Generator | None = None) -> Times:
        """Latencies in ms of shape `size`, in single precision, as SciPy's distributions draw them.

        One uniform number decides which part a message belongs to and, by its distance from the
        border, how long it takes. It has 24 bits: the slowest of 30 million messages may come out
        too fast. To choose by bits costs a tenth of `numpy.where`, which guesses at every branch.
        """
        generator = np.random.default_rng(random_state)
        border = round(self.share * 2**24) / 2**24
        height: Times = generator.random(size, dtype=np.float32)
        height -= np.float32(border)
        height += np.float32(2**-25)  # never 0, and as often above as below a multiple of 2**-24
        pareto = height.view(np.int32) >> 31  # all bits set below the border, else none
        np.abs(height, out=height)
        np.log(height, out=height)
        times = height * np.float32(-1 / self.alpha)
        times += np.float32(_log(border) / self.alpha + math.log(self.smallest))
        np.exp(times, out=times)
        height *= np.float32(-1 / self.rate)
        height += np.float32(_log(1 - border) / self.rate)
        take(height, times, pareto)
        return height


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """Latencies of the four messages between a coordinator and one replica.

    Parameters
    ----------
    name : str
        What pictures call it.
    write, acknowledge : distribution or sequence of float
        One-way latencies of a write to a replica (W) and of its acknowledgement (A), in ms. A
        distribution is anything with SciPy's `rvs(size=, random_state=)`, for example a frozen
        distribution of `scipy.stats`; a sequence holds recorded latencies, which are drawn again
        with replacement.
    request, response : distribution or sequence of float
        The same for a read's request (R) and response (S).
    distance : float
        Further ms each way to all replicas but one, which is drawn at random, separately for the
        read and the write.

    Raises
    ------
    ValueError
        If there are no recorded latencies, or one is negative or not finite, or `distance` is
        negative.
    TypeError
        If a latency is neither a distribution nor a sequence of numbers.

    Examples
    --------
    >>> from scipy.stats import gamma
    >>> Profile(name="mine", write=gamma(2), acknowledge=[0.9, 1.1], request=gamma(1), response=[1])
    Profile('mine')
    """

    name: str
    write: Any
    acknowledge: Any
    request: Any
    response: Any
    distance: float = 0.0

    def __post_init__(self) -> None:
        if math.isinf(number("distance", self.distance, 0)):
            raise ValueError(f"distance must be finite, got {self.distance}")
        for leg in _LEGS:
            if not hasattr(getattr(self, leg), "rvs"):
                object.__setattr__(self, leg, _recorded(leg, getattr(self, leg)))

    def __repr__(self) -> str:
        return f"Profile({self.name!r})"

    def draw(self, n: int, trials: int, rng: np.random.Generator) -> tuple[Times, ...]:
        """Latencies W, A, R and S in ms, each of shape (n, trials), in arrays of their own."""
        n, trials = count("n", n), count("trials", trials)
        legs = tuple(_drawn(leg, getattr(self, leg), (n, trials), rng) for leg in _LEGS)
        if self.distance:
            _move_away(legs, np.float32(self.distance), rng)
        return legs


def take(left: Times, right: Times, where: NDArray[np.int32]) -> NDArray[np.int32]:
    """Copy `right` into `left` where all bits of `where` are set; where none are, keep `left`.

    Returns the bits that have changed.
    """
    change = left.view(np.int32) ^ right.view(np.int32)
    change &= where
    bits = left.view(np.int32)
    bits ^= change
    return change


def exchange(left: Times, right: Times, where: NDArray[np.int32]) -> None:
    """Swap two arrays where all bits of `where` are set; where none are, keep both."""
    bits = right.view(np.int32)
    bits ^= take(left, right, where)


def _move_away(legs: tuple[Times, ...], distance: np.float32, rng: np.random.Generator) -> None:
    """Delay all replicas but one, drawn separately for reads and for writes."""
    write, acknowledge, request, response = legs
    for leg in (write, acknowledge):
        leg[1:] += distance  # replicas differ in nothing else, so 0 may as well be the near one
    n, trials = write.shape
    near = rng.integers(n, size=trials, dtype=np.uint32)
    for replica in range(n):
        further = distance * (near != replica)
        request[replica] += further
        response[replica] += further


def _log(share: float) -> float:
    return math.log(share) if share else 0.0  # of a part that is never drawn, any number will do


def _recorded(leg: str, values: Any) -> Times:
    array = np.array(values)
    if not array.ndim or (array.size and array.dtype.kind not in "iuf"):
        rule = "must be a distribution with `rvs` or a sequence of numbers"
        raise TypeError(f"{leg} {rule}, got {values!r}")
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{leg} must be a row of at least 1 latency, got shape {array.shape}")
    return _checked(leg, array.astype(np.float32))


def _drawn(leg: str, latency: Any, shape: tuple[int, int], rng: np.random.Generator) -> Times:
    if isinstance(latency, ParetoExponential):
        return latency.rvs(shape, rng)
    if isinstance(latency, np.ndarray):
        return np.asarray(latency[rng.integers(latency.size, size=shape)])
    drawn = np.array(latency.rvs(size=shape, random_state=rng), dtype=np.float32)
    if drawn.shape != shape:
        raise ValueError(f"{leg} must draw latencies of shape {shape}, got {drawn.shape}")
    return _checked(leg, drawn)


def _checked(leg: str, times: Times) -> Times:
    for extreme in (times.min(), times.max()):  # NaN is both
        if not 0 <= extreme < math.inf:
            raise ValueError(f"{leg} must be latencies of at least 0 ms, got {extreme}")
    return times


_SSD = ParetoExponential(share=0.9122, smallest=0.235, alpha=10, rate=1.66)
_DISK = ParetoExponential(share=0.38, smallest=1.05, alpha=1.51, rate=0.183)
_YMMR_WRITE = ParetoExponential(share=0.939, smallest=3, alpha=3.5, rate=0.0028)
_YMMR = ParetoExponential(share=0.982, smallest=1.5, alpha=3.8, rate=0.0217)
_FAST: dict[str, Any] = {"acknowledge": _SSD, "request": _SSD, "response": _SSD}

LNKD_SSD = Profile(name="LNKD-SSD", write=_SSD, **_FAST)
LNKD_DISK = Profile(name="LNKD-DISK", write=_DISK, **_FAST)
YMMR = Profile(name="YMMR", write=_YMMR_WRITE, acknowledge=_YMMR, request=_YMMR, response=_YMMR)
WAN = Profile(name="WAN", write=_DISK, **_FAST, distance=75.0)
PROFILES = {profile.name: profile for profile in (LNKD_SSD, LNKD_DISK, YMMR, WAN)}
