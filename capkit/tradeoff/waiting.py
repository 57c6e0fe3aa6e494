"""What consistency costs while no cable is cut: how long clients wait, and how fresh they read.

Replicas stand in two regions, with a client at each. A message takes `latency` ms one way, and
`distance` ms more between the regions. An operation waits for its quorum, the nearest first.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from capkit._arguments import count, number
from capkit.tradeoff.rates import Floats

_LOCAL = 1.0  # ms that a node takes to answer its own client


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """How a store does while nothing is cut.

    Attributes
    ----------
    get, put : float
        Ms that a get and a put take: the median over the clients of the region that waits longer.
    fresh : float
        Share of all clients' gets that are not stale, in [0, 1].
    """

    get: float
    put: float
    fresh: float


def calm(
    n: int,
    r: int,
    w: int,
    latency: float,
    *,
    distance: float = 0.0,
    side: int = 1,
    rounds: int = 1,
    rate: float = 2.0,
) -> Calm:
    """Latency and freshness of quorums while no cable is cut and no message lost.

    Parameters
    ----------
    n, r, w : int
        Replicas, read quorum and write quorum, 1 <= r, w <= n.
    latency, distance : float
        Ms that a message takes one way, and how many more between the regions; at least 0.
    side : int
        Replicas in the first region, 1..n-1.
    rounds : int
        Rounds of messages of a put; 2 where it first asks for the newest version, as in `CPStore`.
    rate : float
        Puts of each client in a second, on average, at random times (Poisson).

    Raises
    ------
    ValueError
        If a number is outside its range; the error names it.

    Notes
    -----
    A put of age `a` is seen by a get whose quorum has heard of it: if a >= d(i, k) - d(j, k) for a
    replica k in the quorum of client j, where d(i, k) is the one-way time from client i to replica
    k; client i puts. The put is acknowledged after `rounds` round trips to its W-th nearest
    replica. Between the two ages it is acknowledged and not seen, and a get is stale if no newer
    put is seen. If R + W > N there is no such age: freshness is 1, and the price is time [1]_.

    References
    ----------
    .. [1] Abadi, "Consistency Tradeoffs in Modern Distributed Database System Design", IEEE
       Computer 45(2), 2012.

    Examples
    --------
    >>> calm(3, 2, 2, latency=50, rounds=2)
    Calm(get=100.0, put=200.0, fresh=1.0)
    >>> one = calm(3, 1, 1, latency=50)
    >>> print(f"{one.get:g} {one.put:g} {one.fresh:.2f}")
    1 1 0.83
    """
    n = count("n", n, 2)
    r, w, side = count("r", r, 1, n), count("w", w, 1, n), count("side", side, 1, n - 1)
    number("latency", latency, 0), number("distance", distance, 0), number("rate", rate, 0)
    region = np.arange(n) < side
    apart = region[:, None] != region
    ways = (float(latency) + float(distance) * apart) * ~np.eye(n, dtype=bool)
    get, put = _trips(ways, r), _trips(ways, w) * count("rounds", rounds)
    slower = [max(np.median(ms[region]), np.median(ms[~region])) for ms in (get, put)]
    fresh = np.mean([_fresh(ways, put, reader, r, rate / 1_000) for reader in range(n)])
    return Calm(get=float(slower[0]), put=float(slower[1]), fresh=float(fresh))


def _trips(ways: Floats, quorum: int) -> Floats:
    """Ms of the round trip to the last of the nearest `quorum` replicas, for each client."""
    return np.maximum(_LOCAL, 2 * np.sort(ways, axis=1)[:, quorum - 1])


def _fresh(ways: Floats, acknowledged: Floats, reader: int, r: int, rate: float) -> float:
    """Probability that a get of one client is not stale; `rate` in puts of a client per ms.

    The youngest put that is acknowledged and not seen makes the get stale, unless a put that is
    seen is younger still. Between two of the ages at which anything changes, the rates of both
    kinds are constant, and the integral over the age of that put is elementary.
    """
    quorum = np.argsort(ways[reader], kind="stable")[:r]
    seen = np.maximum(0.0, np.min(ways[:, quorum] - ways[reader, quorum], axis=1))
    ages = np.unique([0.0, *seen, *acknowledged])
    stale, none_yet = 0.0, 1.0  # none_yet: no younger put is seen, or acknowledged and not seen
    for start, end in pairwise(ages.tolist()):
        missed = rate * np.count_nonzero((acknowledged <= start) & (start < seen))
        either = missed + rate * np.count_nonzero(seen <= start)
        if either:
            ends = 1 - np.exp(-either * (end - start))
            stale += none_yet * missed / either * ends
            none_yet *= 1 - ends
    return 1 - stale
