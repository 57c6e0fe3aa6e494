"""What must come before what, in every order of the operations that explains the gets.

If a get returns A, any other put of the key comes before A or after the get. So what comes before
the get comes before A, and what comes after A comes after the get; with what happened before, this
is repeated until nothing new follows [1]_. A circle means that there is no such order.

References
----------
.. [1] Zennou, Bouajjani, Enea and Erradi, "Gradual Consistency Checking", CAV 2019.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from capkit.consistency.promises.happened_before import Past
from capkit.history.columns import Mask


def forced(past: Past, gets: Iterable[int]) -> Mask:
    """What must come before what, if these gets are to be explained; values must be distinct."""
    before, gets = past.before.copy(), list(gets)
    known = -1
    while known < before.sum() and not before.diagonal().any():
        known = int(before.sum())
        for get in gets:
            (put,) = past.got[get]
            _precede(before, before[:, get] & past.rivals[put], past.just(put))
            _precede(before, past.just(get), before[put] & past.rivals[put])
    return before


def _precede(before: Mask, first: Mask, then: Mask) -> None:
    """All of some come before all of others, and so does what comes before and after those."""
    if not before[np.ix_(first, then)].all():
        first = first | before[:, first].any(axis=1)
        then = then | before[then].any(axis=0)
        before[first] |= then
