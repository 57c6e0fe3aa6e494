"""The numbers and the verdict on a history together."""

from __future__ import annotations

import math

from capkit.consistency.linearizability.one_copy import linearizable
from capkit.consistency.measures import availability, stale
from capkit.history import History


def summary(history: History) -> str:
    """The numbers and the verdict in one sentence.

    Examples
    --------
    >>> from capkit.history import Operation
    >>> print(summary(History([Operation(kind="get", key="x", invoked=0, completed=4)])))
    100 % available, no stale reads, linearizable
    """
    old = int((stale(history) >= 0).sum())
    reads = "1 stale read" if old == 1 else f"{old or 'no'} stale reads"
    return f"{_available(availability(history))}, {reads}, {linearizable(history)}"


def _available(share: float) -> str:
    """A share in words, rounded to 1 % without rounding a failure away."""
    if math.isnan(share):
        return "nothing was asked of a live node"
    if 0.995 <= share < 1:
        return "over 99 % available"
    return "under 1 % available" if 0 < share < 0.005 else f"{100 * share:.0f} % available"
