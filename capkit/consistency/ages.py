"""How old answers were, in versions and in ms, and when the replicas' copies became equal."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from capkit._arguments import shown
from capkit.consistency.measures import missed, stale
from capkit.history import Copy, History, NodeId, Siblings
from capkit.history.columns import Column, a_history
from capkit.history.equality import identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """How old the answered gets' values were at least; see `staleness`.

    Attributes
    ----------
    versions : ndarray of int, shape (n,)
        How many acknowledged newer puts each get missed: 0 if it was fresh, -1 where the operation
        is no answered get.
    ms : ndarray of float, shape (n,)
        For how long an acknowledged newer put had been over when the get began, in ms: 0 if it
        was fresh, NaN where the operation is no answered get.
    """

    versions: Column
    ms: Column


def staleness(history: History) -> Staleness:
    """Say for every answered get how many newer puts it missed, and how long they had been over.

    A get missed a put as in `stale`: the put was acknowledged, began after the returned value's put
    had finished, and finished before the get began. Both numbers are lower bounds, as far as
    the clients can know; a get that missed m puts refutes m-atomicity.

    Parameters
    ----------
    history : History
        What the clients saw.

    Returns
    -------
    Staleness
        O(n log n), and for each stale get the puts between its value's and its start.

    Examples
    --------
    >>> from capkit.history import story
    >>> history = story("x=1 x=2 x=3 x?1")
    >>> old = staleness(history)
    >>> old.versions.tolist(), old.ms.tolist()
    ([-1, -1, -1, 2], [nan, nan, nan, 15.0])
    """
    answered = a_history(history).is_get & history.is_ok
    versions = np.where(answered, 0, -1)
    ms = np.where(answered, 0.0, np.nan)
    for row, puts in zip(*missed(history, np.flatnonzero(stale(history) >= 0)), strict=True):
        versions[row] = len(puts)
        ms[row] = max(0.0, history.invoked[row] - history.completed[puts].min())
    return Staleness(versions=versions, ms=ms)


def convergence(history: History, *, nodes: Iterable[NodeId] | None = None) -> float | None:
    """Ms from the last put or fault until all nodes held the same for good.

    The clock starts when the last put has ended and the last fault is over (one that never ends:
    when it begins).

    Parameters
    ----------
    history : History
        With `copies`. Let the run go on for a while after the last put: `run(..., settle=2_000)`.
    nodes : iterable of int or str, optional
        Those that are to hold copies. By default those that clients talked to, and those that ever
        held one.

    Returns
    -------
    float or None
        0 if they were equal by then; None if they were not equal at the end; NaN if nobody recorded
        the copies.

    Examples
    --------
    >>> from capkit.history import story
    >>> history = story("x=1")
    >>> history.copies = tuple(
    ...     Copy(at=at, node=node, key="x", values=(1,)) for at, node in [(5, 0), (25, 1)]
    ... )
    >>> convergence(history)
    20.0
    """
    if not a_history(history).copies:
        return math.nan
    if isinstance(nodes, str) or not (nodes is None or isinstance(nodes, Iterable)):
        raise TypeError(f"nodes must be a collection of node ids, got {shown(nodes)}")
    if nodes is None:
        nodes = {copy.node for copy in history.copies}
        nodes |= {history.decode("node", code) for code in set(history.node.tolist())} - {None}
    keepers = frozenset(nodes)
    held: defaultdict[object, dict[NodeId | None, object]] = defaultdict(
        lambda: dict.fromkeys(keepers, frozenset())
    )
    apart: set[object] = set()
    equal_since: float | None = -math.inf
    theirs = (copy for copy in history.copies if copy.node in keepers)
    in_time = sorted(theirs, key=lambda copy: copy.at)
    for at, copies in groupby(in_time, key=lambda copy: copy.at):
        before = bool(apart)
        for copy in copies:
            key = identity(copy.key)
            held[key][copy.node] = _contents(copy)
            different = len(set(held[key].values())) > 1
            (apart.add if different else apart.discard)(key)
        if apart:
            equal_since = None
        elif before or equal_since is None:
            equal_since = at
    return None if equal_since is None else max(0.0, equal_since - _calm(history))


def _contents(copy: Copy) -> frozenset[object]:
    """What a copy holds; in which order siblings stand does not matter."""
    values = [each for v in copy.values for each in (v if isinstance(v, Siblings) else (v,))]
    return frozenset(identity(each) for each in values)


def _calm(history: History) -> float:
    """When the last put and the last fault were over."""
    ends = history.completed[history.is_put]
    faults = [fault.until if math.isfinite(fault.until) else fault.at for fault in history.faults]
    return max([*ends[np.isfinite(ends)].tolist(), *faults], default=-math.inf)
