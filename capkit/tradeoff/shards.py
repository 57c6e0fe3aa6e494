"""Harvest and yield: fewer answers, or less in each, when a part of the data is out of reach."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

from capkit._arguments import choice, count

ANSWERS = ("all or nothing", "partial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How many requests are answered, and how much of the data the answers rest on.

    Attributes
    ----------
    share : float
        Yield: the share of the requests that are answered, in [0, 1].
    harvest : float
        The share of what it asks for that is in an answer, in [0, 1], on average over all answers.
    """

    share: float
    harvest: float


def harvest(shards: int, away: int, touched: int, *, answer: str = "all or nothing") -> Answered:
    """Yield and harvest of requests for `touched` random shards while `away` of all are cut off.

    Parameters
    ----------
    shards : int
        Parts of the data, each on a node of its own, at least 1.
    away : int
        How many of them are out of reach, 0..shards.
    touched : int
        Shards that one request needs, 1..shards: all for a search, two for a transfer.
    answer : {"all or nothing", "partial"}
        Whether a request that misses a shard is refused, or answered with what there is, even if
        that is nothing.

    Raises
    ------
    ValueError
        If a number is outside its range; the error names it.

    Notes
    -----
    All `touched` shards are in reach with probability C(shards - away, touched) / C(shards,
    touched): that is the yield of all or nothing, with a harvest of 1. Partial answers have a yield
    of 1 and a harvest of 1 - away / shards [1]_. Where nothing is answered, the harvest is 0.

    References
    ----------
    .. [1] Fox and Brewer, "Harvest, Yield, and Scalable Tolerant Systems", HotOS 1999.

    Examples
    --------
    >>> harvest(10, 3, 10), harvest(10, 3, 10, answer="partial")
    (Answered(share=0.0, harvest=0.0), Answered(share=1.0, harvest=0.7))
    >>> print(f"{harvest(10, 3, 2).share:.3f}")
    0.467
    """
    shards, away = count("shards", shards), count("away", away, 0, shards)
    touched = count("touched", touched, 1, shards)
    if choice("answer", answer, ANSWERS) == "partial":
        return Answered(share=1.0, harvest=(shards - away) / shards)
    share = comb(shards - away, touched) / comb(shards, touched)
    return Answered(share=share, harvest=1.0 if share else 0.0)
