"""Races of a write against a read: who answers first, and how long the write stays unseen."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capkit._arguments import RandomState, count, number, stream
from capkit.staleness.latencies import Times, exchange, take

_STEPS = 10**7  # of a sweep: some seconds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Races:
    """What many writes and reads took, and how long each write stayed invisible.

    Attributes
    ----------
    name : str
        The profile's.
    n, r, w : int
        Replicas, read quorum and write quorum.
    read, write : ndarray of float32, shape (trials,)
        Latency of each read and of each write in ms.
    wait : ndarray of float32, shape (trials,)
        Ms after the write's acknowledgement from which this trial's read is fresh; 0: at once.
        Rows of the three arrays belong together.
    """

    name: str
    n: int
    r: int
    w: int
    read: Times = field(repr=False)
    write: Times = field(repr=False)
    wait: Times = field(repr=False)

    def __repr__(self) -> str:
        first, late = float(self.fresh(0.0)), self.t_visibility()
        share = first if first < 0.999 else math.floor(first * 1e4) / 1e4  # only all is 1
        words = "all" if first == 1 else f"{share:.{3 if first < 0.999 else 4}f} of the"
        later = f", 0.999 from {late:.2f} ms on" if late else ""
        return (
            f"{self.name}, N={self.n}, R={self.r}, W={self.w}: {words} reads are fresh at once"
            f"{later}. 99.9 % of the reads take at most {self.read_latency():.2f} ms, "
            f"of the writes {self.write_latency():.2f} ms."
        )

    def fresh(self, t: ArrayLike) -> float | NDArray[np.float64]:
        """Share of reads that are fresh if they start `t` ms after the acknowledgement.

        Parameters
        ----------
        t : float or array of float
            Times in ms, at least 0.

        Returns
        -------
        float or ndarray
            Counted over all trials, of the shape of `t`. Costs one sort of the trials.

        Raises
        ------
        ValueError
            If a time is negative or NaN.
        """
        times = _times(t)
        if not times.ndim:
            return np.count_nonzero(self.wait <= float(times)) / self.wait.size
        return _share(np.sort(self.wait), times)

    def t_visibility(self, p: float = 0.999) -> float:
        """Least time in ms from which a share `p` (in [0, 1]) of the reads is fresh, exactly.

        Examples
        --------
        >>> from capkit.staleness import LNKD_DISK, simulate
        >>> disks = simulate(LNKD_DISK, 3, 2, 1, trials=200_000, rng=7)
        >>> print(f"{disks.fresh(0.0):.2f} {disks.t_visibility():.0f} ms")
        0.76 14 ms
        """
        rank = max(_rank(number("p", p, 0, 1), self.wait.size), 1) - 1
        return float(np.sort(self.wait)[rank])  # a partition is slow where many are equal

    def t_of_sweep(
        self, p: float = 0.999, *, step: float, trials: int = 50_000, rng: RandomState = None
    ) -> float:
        """Time in ms at which a sweep of estimates first reaches `p`, as in the paper's table.

        The sweep estimates the share of fresh reads at 0, `step`, 2 * `step` ..., each time from
        `trials` new reads, and stops at the first estimate that is at least `p`.

        Parameters
        ----------
        p : float
            In [0, 1].
        step : float
            In ms, above 0.
        trials : int
            Reads per estimate, at least 1.
        rng : int, numpy.random.Generator or None
            A seed, a generator, or None for fresh randomness.

        Returns
        -------
        float
            Usually less than `t_visibility`: with many estimates, one is lucky early, and the
            finer the steps, the earlier.

        Examples
        --------
        >>> from capkit.staleness import LNKD_DISK, simulate
        >>> disks = simulate(LNKD_DISK, 3, 1, 1, trials=200_000, rng=7)
        >>> disks.t_of_sweep(step=0.1, rng=7) < disks.t_visibility()
        True
        """
        number("p", p, 0, 1)
        if not 0 < number("step", step) < math.inf:
            raise ValueError(f"step must be above 0, got {step}")
        least = float(self.wait[np.isfinite(self.wait)].max(initial=0)) / _STEPS
        if step < least:
            raise ValueError(f"step must be at least {least:g} for these reads, got {step}")
        needed = _rank(p, count("trials", trials))
        generator = np.random.default_rng(stream(rng, "staleness.t_of_sweep"))
        ordered, first = np.sort(self.wait), 0
        while True:
            times = step * np.arange(first, first + 1024, dtype=np.float64)
            lucky = generator.binomial(trials, _share(ordered, times)) >= needed
            if lucky.any():
                return float(times[lucky.argmax()])
            first += 1024

    def read_latency(self, p: float = 0.999) -> float:
        """Time in ms within which a share `p` (in [0, 1]) of the reads is answered."""
        return _quantile(self.read, p)

    def write_latency(self, p: float = 0.999) -> float:
        """Time in ms within which a share `p` (in [0, 1]) of the writes is acknowledged."""
        return _quantile(self.write, p)


def race(latencies: tuple[Times, ...], r: int, w: int) -> tuple[Times, Times, Times]:
    """Latency of each read and write, and the wait between them; uses the arrays up."""
    write, acknowledge, request, response = latencies
    acknowledge += write
    done = _smallest(list(acknowledge), w)
    response += request
    write -= request  # by how much the write is later at a replica than a request sent with it
    _order(list(response), list(write), r)
    wait = write[:r].min(axis=0)
    wait -= done
    return response[r - 1], done, np.maximum(wait, 0, out=wait)


def _smallest(rows: list[Times], rank: int) -> Times:
    """The rank-th smallest number of each column."""
    for place in range(rank):
        for other in range(place + 1, len(rows)):
            pair = rows[place], rows[other]
            rows[place] = np.minimum(*pair)
            if place + 1 < rank:
                rows[other] = np.maximum(*pair)
    return rows[rank - 1]


def _order(rows: list[Times], carried: list[Times], rank: int) -> None:
    """Bring the `rank` smallest of each column to the front, in place; `carried` goes along."""
    for place in range(rank):
        for other in range(place + 1, len(rows)):
            less = (rows[other] - rows[place]).view(np.int32)
            less >>= 31  # a negative difference has all bits set now, any other none
            move = exchange if place + 1 < rank else take  # who comes after them does not matter
            move(rows[place], rows[other], less)
            move(carried[place], carried[other], less)


def _times(t: ArrayLike) -> NDArray[np.float64]:
    """The times as numbers of at least 0, or an error that names one that is not."""
    array = np.asarray(t, dtype=None if isinstance(t, np.ndarray) else object)
    if array.dtype.kind not in "iuf":
        for value in array.flat:
            number("t", value, 0, finite=False)
    times = array.astype(np.float64)
    if not np.all(times >= 0):
        raise ValueError(f"t must be at least 0, got {times[~(times >= 0)].flat[0]}")
    return times


def _share(ordered: Times, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the ordered numbers that are at most each time."""
    return np.searchsorted(ordered, times, side="right") / ordered.size


def _quantile(values: Times, p: float) -> float:
    """Smallest of the values that a share p of them does not exceed."""
    rank = max(_rank(number("p", p, 0, 1), values.size), 1) - 1
    return float(np.partition(values, rank)[rank])


def _rank(p: float, trials: int) -> int:
    return math.ceil(p * trials * (1 - 1e-12))  # 0.07 * 100 is a little more than 7
