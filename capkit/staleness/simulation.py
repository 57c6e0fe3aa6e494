"""How old an old read is: probabilistically bounded staleness, after Bailis et al. (VLDB 2012).

A write goes to all `n` replicas and is acknowledged when `w` of them have answered. A read that
starts `t` ms later asks all `n` and returns the newest of the first `r` answers. It is fresh if one
of those replicas had the write when the read's request came. Nothing is lost, nothing fails, and no
other write is under way: what makes a read stale here is only that messages take time.

The four profiles are the paper's fits to measured latencies, in ms: `LNKD_SSD` and `LNKD_DISK`
(LinkedIn's Voldemort on solid-state and spinning disks), `YMMR` (Yammer's Riak) and `WAN`
(`LNKD_DISK`, with 75 ms more each way to all replicas but one). The write fit of `YMMR` has
alpha = 3.5, as in the authors' simulator; the paper prints 3.35, which does not give its table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from capkit._arguments import RandomState, choice, count, number, shown, stream
from capkit.staleness.latencies import (
    PROFILES,
    Profile,
)
from capkit.staleness.paper import STEPS, TABLE
from capkit.staleness.races import Races, race

_COLUMNS = ("paper", "ours", "paper", "ours", "paper", "sweep", "exact")
_CHUNK = 2**16  # messages drawn at a time: few enough to stay in the processor's cache


def simulate(
    profile: Profile, n: int, r: int, w: int, *, trials: int = 100_000, rng: RandomState = None
) -> Races:
    """Race many writes against reads of the same key: the paper's WARS model.

    Parameters
    ----------
    profile : Profile
        One-way latencies, for example `LNKD_DISK`.
    n, r, w : int
        Replicas, read quorum and write quorum, 1 <= r, w <= n.
    trials : int
        How many writes, each with its read, at least 1.
    rng : int, numpy.random.Generator or None
        A seed, a generator, or None for fresh randomness.

    Raises
    ------
    ValueError
        If a number is outside its range, or the profile draws a negative latency.
    TypeError
        If `profile` is no `Profile`.

    Notes
    -----
    In each trial, replica i has a write that takes W[i], its acknowledgement A[i], a request R[i]
    and its response S[i]. The write is acknowledged at c, the w-th smallest of W + A. The r
    replicas with the smallest R + S answer. One of them had the write if c + t + R[i] >= W[i], so
    the read is fresh from t = min(W[i] - R[i]) - c on: one pass gives all t [1]_.

    Latencies depend on `n` and the seed but not on `r` and `w`: moving a quorum moves a curve and
    does not reshuffle it (common random numbers). They have single precision, about seven digits.
    Costs O(trials * n * (r + w)), memory for the result (12 bytes per trial) and one chunk.

    References
    ----------
    .. [1] Bailis et al., "Probabilistically Bounded Staleness for Practical Partial Quorums",
       VLDB 2012, section 4.1. One print has the comparison the other way round.

    Examples
    --------
    >>> from capkit.staleness import LNKD_DISK
    >>> simulate(LNKD_DISK, 3, 2, 2, trials=100_000, rng=7)
    LNKD-DISK, N=3, R=2, W=2: all reads are fresh at once.
    99.9 % of the reads take at most 1.62 ms, of the writes 21.19 ms.
    """
    if not isinstance(profile, Profile):
        raise TypeError(f"profile must be a Profile, got {profile!r}")
    n, r, w, trials = *_quorums(n, r, w), count("trials", trials)
    generator = np.random.default_rng(stream(rng, "staleness.simulate"))
    read, write, wait = np.empty((3, trials), dtype=np.float32)
    chunk = max(1, _CHUNK // n)
    for start in range(0, trials, chunk):
        part = slice(start, min(start + chunk, trials))
        latencies = profile.draw(n, part.stop - start, generator)
        read[part], write[part], wait[part] = race(latencies, r, w)
    return Races(name=profile.name, n=n, r=r, w=w, read=read, write=write, wait=wait)


def compare(
    profiles: Iterable[str] = tuple(TABLE), *, trials: int = 1_000_000, rng: RandomState = None
) -> str:
    r"""Print the paper's table 4 beside a simulation: latencies, and both definitions of t.

    Parameters
    ----------
    profiles : iterable of str
        Among the keys of `PROFILES`.
    trials : int
        Writes, each with its read, per row, at least 1.
    rng : int, numpy.random.Generator or None
        A seed, a generator, or None for fresh randomness.

    Returns
    -------
    str
        A table of three replicas, the paper's numbers beside ours. The paper's t and `sweep` are
        where an estimate from 50,000 reads first reached 0.999, which is too early; `exact` is the
        time from which 0.999 of all trials are fresh.

    Raises
    ------
    ValueError
        If a profile is unknown or `trials` below 1.

    References
    ----------
    .. [1] Bailis et al., "Probabilistically Bounded Staleness for Practical Partial Quorums",
       VLDB 2012, table 4.

    Examples
    --------
    >>> print(*compare(["LNKD-SSD"], trials=20_000, rng=7).splitlines()[:2], sep="\n")
    in ms            99.9 % of reads  99.9 % of writes           0.999 fresh from
    profile   R W     paper     ours    paper     ours    paper    sweep    exact
    """
    if isinstance(profiles, str) or not isinstance(profiles, Iterable):
        raise TypeError(f"profiles must be names, got {shown(profiles)}")
    seeds = stream(rng, "staleness.compare")
    generator = np.random.default_rng(seeds)
    lines = [
        f"{'in ms':14}{'99.9 % of reads':>18}{'99.9 % of writes':>18}{'0.999 fresh from':>27}",
        f"{'profile':10}R W " + "".join(f"{word:>9}" for word in _COLUMNS),
    ]
    for name in profiles:
        choice("profiles", name, tuple(TABLE))
        seed = int(generator.integers(2**63))
        for (r, w), (read, write, t) in TABLE[name].items():
            ours = simulate(PROFILES[name], 3, r, w, trials=trials, rng=seed)
            sweep = ours.t_of_sweep(step=STEPS[name], rng=generator)
            latencies = read, ours.read_latency(), write, ours.write_latency()
            numbers = *latencies, t, sweep, ours.t_visibility()
            lines.append(f"{name:10}{r} {w} " + "".join(f"{each:9.2f}" for each in numbers))
    return "\n".join(lines)


def k_staleness(n: int, r: int, w: int, k: int = 1) -> float:
    """Probability that a read misses all of the `k` newest writes, each at `w` random replicas.

    It is (C(n-w, r) / C(n, r))**k, equation 2 of Bailis et al. 2012, for writes that spread no
    further than their quorum. Quorums outside 1..n and `k` below 1 raise ValueError.

    Examples
    --------
    >>> [round(k_staleness(3, 1, 1, k), 2) for k in (1, 2, 5)]
    [0.67, 0.44, 0.13]
    """
    return float(_miss(n, r, w) ** count("k", k))


def monotonic_reads(n: int, r: int, w: int, *, writes: float, reads: float) -> float:
    """Probability that a client's next read is at least as new as its last one.

    Parameters
    ----------
    n, r, w : int
        Replicas, read quorum and write quorum, 1 <= r, w <= n.
    writes : float
        Writes of the key per second by all clients, at least 0.
    reads : float
        Reads of the key per second by this client, above 0.

    Returns
    -------
    float
        1 - (C(n-w, r) / C(n, r))**(1 + writes / reads), equation 3 of Bailis et al. 2012: the
        read may miss all versions since the last one, but not that one too.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> print(f"{monotonic_reads(3, 1, 1, writes=1, reads=1):.3f}")
    0.556
    """
    between = number("writes", writes, 0)
    if not 0 < number("reads", reads) < math.inf or math.isinf(between):
        raise ValueError(f"reads must be above 0 and both finite, got {reads} and {writes}")
    return float(1 - _miss(n, r, w) ** (1 + between / reads))


def _miss(n: int, r: int, w: int) -> float:
    n, r, w = _quorums(n, r, w)
    return math.comb(n - w, r) / math.comb(n, r)


def _quorums(n: int, r: int, w: int) -> tuple[int, int, int]:
    n = count("n", n)
    return n, count("r", r, 1, n), count("w", w, 1, n)
