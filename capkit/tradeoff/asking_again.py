"""Retries: a client that asks again because a reply was lost may be served twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from capkit._arguments import RandomState, count, flag, number, stream
from capkit.tradeoff.rates import Wholes, wilson

Messages: TypeAlias = NDArray[np.bool_]

_CHUNK = 2**16  # withdrawals at a time: what they need stays in the processor's cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """How often a withdrawal is paid, if its client asks again until it hears a reply.

    Attributes
    ----------
    never, once, twice : float
        Share of the withdrawals that are paid not at all, once, and more than once.
    low, high : float
        Ends of the 95 % Wilson interval of `twice`; both are `twice` if it is exact.
    trials : int
        How many withdrawals were simulated; 0 if the shares are exact.
    """

    never: float
    once: float
    twice: float
    low: float
    high: float
    trials: int = 0


def retries(loss: float, reply_loss: float, attempts: int, *, request_id: bool = False) -> Paid:
    """How often a retried withdrawal is paid, in closed form.

    Parameters
    ----------
    loss, reply_loss : float
        Chance in [0, 1] that a request is lost, and that a reply is.
    attempts : int
        The most times that the client asks, at least 1; it stops at the first reply.
    request_id : bool
        Whether each attempt carries the same id, so that the bank pays the first and answers the
        others with the same reply.

    Raises
    ------
    ValueError
        If a number is outside its range; the error names it.

    Notes
    -----
    Imagine that the client makes all its attempts. It is paid twice if two of them arrive and the
    first of these gets no reply; with a reply, the client would have stopped there:

        twice = reply_loss * P(at least 2 of `attempts` requests arrive).

    Examples
    --------
    >>> naive = retries(0.1, 0.2, attempts=5)
    >>> print(f"{naive.twice:.4f}", retries(0.1, 0.2, attempts=5, request_id=True).twice)
    0.1999 0.0
    """
    risk, silent = number("loss", loss, 0, 1), number("reply_loss", reply_loss, 0, 1)
    count("attempts", attempts)
    never = risk**attempts
    arrive_twice = float(bdtr(attempts - 2, attempts, risk)) if attempts > 1 else 0.0
    twice = 0.0 if flag("request_id", request_id) else silent * arrive_twice
    return Paid(never=never, once=1 - never - twice, twice=twice, low=twice, high=twice)


def simulate_retries(
    loss: float,
    reply_loss: float,
    attempts: int,
    *,
    request_id: bool = False,
    trials: int = 10_000,
    rng: RandomState = None,
) -> Paid:
    """How often a retried withdrawal is paid, counted over many of them.

    Parameters
    ----------
    loss, reply_loss, attempts, request_id
        As for `retries`.
    trials : int
        How many withdrawals, at least 1.
    rng : int, numpy.random.Generator or None
        A seed, a generator, or None for fresh randomness. The luck of a message does not depend on
        the chances, so that moving one of them moves a curve and does not reshuffle it.

    Raises
    ------
    ValueError
        As for `retries`, and if `trials` is below 1. O(trials * attempts).

    Examples
    --------
    >>> paid = simulate_retries(0.1, 0.2, attempts=5, trials=100_000, rng=7)
    >>> paid.low < retries(0.1, 0.2, attempts=5).twice < paid.high
    True
    """
    retries(loss, reply_loss, attempts)  # complains before anything is drawn
    generator = np.random.default_rng(stream(rng, "tradeoff.retries"))
    flag("request_id", request_id)
    counts, left = np.zeros(3, dtype=np.int64), count("trials", trials)
    while left:
        luck = generator.random((2, attempts, min(left, _CHUNK)))
        counts += _count(luck[0] >= loss, luck[1] >= reply_loss, request_id)
        left -= luck.shape[2]
    never, once, twice = (counts / trials).tolist()
    low, high = wilson(int(counts[2]), trials)
    return Paid(
        never=never, once=once, twice=twice, low=float(low), high=float(high), trials=trials
    )


def _count(arrives: Messages, answered: Messages, request_id: bool) -> Wholes:
    """How many withdrawals, one in each column, are paid never, once, and more often."""
    heard = arrives & answered
    asked_again: Messages = (
        np.cumsum(heard, axis=0) - heard == 0
    )  # no attempt before it was answered
    payments = (arrives & asked_again).sum(axis=0)
    most = 1 if request_id else 2
    return np.bincount(np.minimum(payments, most), minlength=3)
