"""Numbers about a history: how many requests were answered, and how fresh the answers were."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from capkit._arguments import shown
from capkit.consistency.numbering import numbers
from capkit.history import History, NodeId, Siblings
from capkit.history.columns import Column, Mask, a_history
from capkit.history.equality import identity
from capkit.history.order import Ranks


def availability(
    history: History,
    *,
    nodes: Collection[NodeId] | None = None,
    during: tuple[float, float] = (-math.inf, math.inf),
) -> float:
    """Share of the operations that were answered in time, where the client's node stayed up.

    An operation counts if no fault stopped its node between its start and its deadline
    (without a deadline: its end). This is what Fox and Brewer call yield [1]_. The availability of
    the CAP theorem [2]_ is another thing, a promise without a number or a time: every request
    to a live node is eventually answered.

    Parameters
    ----------
    history : History
        What the clients saw.
    nodes : collection of int or str, optional
        Count only operations whose client talked to one of these nodes, say one side of a cut.
    during : (float, float)
        Count only operations that began in this span, in ms; its end is not part of it.

    Returns
    -------
    float
        In 0..1; NaN if no operation counts. O(n) for each fault.

    Raises
    ------
    ValueError
        If `during` ends before it starts.

    References
    ----------
    .. [1] Fox and Brewer, "Harvest, Yield, and Scalable Tolerant Systems", HotOS 1999.
    .. [2] Gilbert and Lynch, "Brewer's Conjecture and the Feasibility of Consistent, Available,
       Partition-Tolerant Web Services", ACM SIGACT News 33(2), 2002.

    Examples
    --------
    >>> from capkit.history import Outcome
    >>> history = History.from_columns(
    ...     kind=["put", "get"],
    ...     key=["x", "x"],
    ...     invoked=[0, 5],
    ...     completed=[3, 105],
    ...     outcome=[Outcome.OK, Outcome.UNKNOWN],
    ...     node=[0, 1],
    ... )
    >>> availability(history), availability(history, nodes=[0])
    (0.5, 1.0)
    """
    a_history(history)
    start, end = _span(during)
    nodes = None if nodes is None else _nodes(nodes)
    counts = (start <= history.invoked) & (history.invoked < end)
    last = np.where(np.isinf(history.deadline), history.completed, history.deadline)
    for code in np.unique(history.node).tolist():
        node, here = history.decode("node", code), history.node == code
        if nodes is not None and node not in nodes:
            counts &= ~here
        for fault in history.faults:
            if node is not None and fault.stops(node):
                counts &= ~(here & (fault.at <= last) & (history.invoked < fault.until))
    return _share(history.is_ok & counts, counts)


def _span(during: Any) -> tuple[float, float]:
    rule = "during must be a span (start, end) with start <= end"
    try:
        start, end = during
        if float(start) <= float(end):
            return float(start), float(end)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{rule}, got {shown(during)}") from None
    raise ValueError(f"{rule}, got {during}")


def _nodes(nodes: Any) -> Collection[NodeId]:
    if isinstance(nodes, str) or not isinstance(nodes, Iterable):
        raise TypeError(f"nodes must be a collection of node ids, got {shown(nodes)}")
    return list(nodes)


def stale(history: History) -> Column:
    """For each stale get, the newest acknowledged put that it missed.

    A get is stale if some acknowledged put of its key began after the returned value's put had
    finished, and itself finished before the get began. The clients know all this for certain, so no
    fresh get is called stale. A value put several times counts as its last put, siblings as the
    newest of them; a put without answer never finishes, and a value that nobody put is wrong, but
    not stale.

    Keys with other operations than puts and gets are left out: there, not only puts change the
    value.

    Parameters
    ----------
    history : History
        What the clients saw.

    Returns
    -------
    ndarray of int, shape (len(history),)
        The index of the missed put, or -1 where the operation is no stale get. O(n log n).

    Examples
    --------
    >>> from capkit.history import story
    >>> history = story("x=1 x=2 x?1")
    >>> stale(history).tolist()
    [-1, -1, 1]
    """
    began, ended = _ranks(a_history(history))[0]
    newest = _newest_before(history, began, ended)
    late = history.is_get & history.is_ok & (newest >= 0)
    late[late] = began[newest[late]] > _last_finish(history, ended)[late]
    if (other := history.kind > 1).any():
        late &= ~np.isin(history.key, history.key[other])
    if history.order.links.size:  # these ranks say too much
        for row, puts in zip(*missed(history, np.flatnonzero(late)), strict=True):
            newest[row] = puts[-1] if puts.size else -1
    return np.where(late, newest, -1)


def missed(history: History, gets: Column) -> tuple[list[int], list[Column]]:
    """These gets, and for each the acknowledged newer puts that it missed, in order of start."""
    puts = np.flatnonzero(history.is_put & history.is_ok)
    puts = puts[np.lexsort((history.began[puts], history.key[puts]))]
    bounds = {key: puts[history.key[puts] == key] for key in set(history.key[gets].tolist())}
    ranks = [(*each, _last_finish(history, each[1])) for each in _ranks(history)]
    found = []
    for row in gets.tolist():
        mine = bounds[history.key[row].item()]
        for began, ended, since in ranks:
            mine = mine[(began[mine] > since[row]) & (ended[mine] < began[row])]
        found.append(mine)
    return gets.tolist(), found


def _ranks(history: History) -> tuple[Ranks, ...]:
    """Ranks that together say exactly what came before what."""
    return history.order.refinements or (history.order[:2],)


def freshness(history: History) -> float:
    """Share of the answered gets that are not stale; see `stale`.

    A linearizable history has freshness 1. The converse is false: two gets may both overlap
    a put, the first see the new value and the second the old one again, and neither is stale.

    Returns
    -------
    float
        In 0..1; NaN if no get was answered. O(n log n).

    Examples
    --------
    >>> freshness(History())
    nan
    """
    answered = a_history(history).is_get & history.is_ok
    return _share(answered & (stale(history) < 0), answered)


def _newest_before(history: History, began: Column, ended: Column) -> Column:
    """For each operation, the newest acknowledged put of its key that was over when it began.

    The newest is the one that began last. -1 if there is none.
    """
    size = len(history)
    puts = np.flatnonzero(history.is_put & history.is_ok)
    by_start = puts[np.argsort(began[puts], kind="stable")]
    # One line of events per key, on which each put's end follows the starts of the same rank.
    rows = np.concatenate([np.arange(size), by_start])
    value = np.concatenate([np.zeros(size, np.int64), np.arange(1, len(puts) + 1)])
    time = np.concatenate([began, ended[by_start]])
    order = np.lexsort((value > 0, time, history.key[rows]))
    keys = np.cumsum(np.diff(history.key[rows[order]], prepend=history.key[rows[order][:1]]) != 0)
    shift = keys * (len(puts) + 1)
    best = np.maximum.accumulate(value[order] + shift) - shift
    newest = np.full(size, -1)
    begins = order < size
    newest[order[begins]] = np.append(-1, by_start)[best[begins]]
    return newest


def _last_finish(history: History, ended: Column) -> Column:
    """The rank at which the put of each operation's value had finished for certain.

    The initial value: -inf. Without answer, or if nobody put it: inf.
    """
    happened = np.flatnonzero(history.is_put & (history.outcome != 1))
    value = numbers(history.value)
    number = numbers(numbers(history.key) * (value.max(initial=0) + 1) + value)
    last = np.full(number.max(initial=-1) + 1, -np.inf)
    end = np.where(history.outcome == 2, np.inf, ended)
    np.maximum.at(last, number[happened], end[happened])
    put = np.zeros(len(last), np.bool_)
    put[number[happened]] = True
    finished = np.where(put[number] | (history.value < 0), last[number], np.inf)
    return _with_siblings(history, finished, happened)


def _with_siblings(history: History, finished: Column, puts: Column) -> Column:
    """The same, where several values found side by side count as the one that finished last."""
    values = history.values or ()
    several = [code for code, value in enumerate(values) if isinstance(value, Siblings)]
    several = [code for code in several if code not in set(history.value[puts].tolist())]
    if not several:
        return finished
    codes = {identity(value): code for code, value in enumerate(values)} | {identity(None): -1}
    names = zip(history.key[puts].tolist(), history.value[puts].tolist(), strict=True)
    ends = dict(zip(names, finished[puts].tolist(), strict=True))
    for row in np.flatnonzero(np.isin(history.value, several)).tolist():
        key = int(history.key[row])
        found = [codes.get(identity(value)) for value in values[history.value[row]]]
        last = [ends.get((key, code), -math.inf if code == -1 else math.inf) for code in found]
        finished[row] = max(last, default=-math.inf)
    return finished


def _share(part: Mask, whole: Mask) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else math.nan
