"""Where things stand on a timeline, what they are called, and what the whole picture says."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from capkit._arguments import count, instance
from capkit._arguments import span as two_times
from capkit.consistency import Verdict
from capkit.history import Copy, Fault, History, NodeId, Operation, Outcome, Siblings
from capkit.history.columns import Column, a_history
from capkit.history.equality import identity
from capkit.history.records import in_order
from capkit.plots.drawing import value_face

_LONGEST = 9  # letters of a value
_MOST_KEYS = 3
FADE = np.linspace(0.8, 0.1, 7)  # how strong the end is of a bar that has none


def short(value: Any, longest: int = _LONGEST) -> str:
    """A value in a few letters, at most `longest`.

    Examples
    --------
    >>> short(3), short(None), short("a rather long value"), short(Siblings((3, 4)))
    ('3', 'none', 'a rather…', '3 | 4')
    >>> short(frozenset({2, 1}))
    '{1, 2}'
    """
    if isinstance(value, Siblings):
        return " | ".join(short(each, longest) for each in value)
    if isinstance(value, frozenset):
        value = f"{{{', '.join(sorted(map(str, value)))}}}"
    text = "none" if value is None else " ".join(str(value).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def names(operation: Operation, with_key: bool = False) -> list[str]:
    """What to call an operation, the longest name first, for as much room as there is.

    Examples
    --------
    >>> names(Operation(kind="put", key="x", value=3, invoked=0, completed=1), with_key=True)
    ['put x 3', 'put 3', '3']
    """
    if operation.kind == "get" and operation.outcome is not Outcome.OK:
        return ["get"]
    value = short(operation.value)
    key = [f"{operation.kind} {operation.key} {value}"] if with_key else []
    return [*key, f"{operation.kind} {value}", value]


def reading(history: History, stale: Column, verdict: Verdict | None = None) -> str:
    """What a timeline shows, for those who cannot see it."""
    if not len(history):
        return "A timeline with no operations."
    ends = history.completed[np.isfinite(history.completed)]
    end = max(float(history.invoked.max()), *ends.tolist(), -math.inf)
    outcomes = np.bincount(history.outcome, minlength=3).tolist()
    counted = [
        f"{number} {outcome.value}"
        for outcome, number in zip(history.outcomes, outcomes, strict=True)
        if number
    ]
    clients = len(np.unique(history.client))
    sentences = [
        f"{_many(len(history), 'operation')} of {_many(clients, 'client')} "
        f"in {end:.0f} ms: {', '.join(counted)}",
        *(f"{fault} {_during(fault)}" for fault in history.faults),
        _many(int((stale >= 0).sum()), "stale get"),
    ]
    if verdict is not None:
        sentences.append(repr(verdict).capitalize())
    return ". ".join(sentences) + "."


def _during(fault: Fault) -> str:
    if math.isinf(fault.until):
        return f"from {fault.at:.0f} ms on"
    return f"from {fault.at:.0f} to {fault.until:.0f} ms"


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def refuse(history: History, verdict: Any, span: Any, highlight: Any) -> None:
    """Raise an error for what a timeline cannot show."""
    a_history(history)
    if verdict is not None:
        rule = f"of this history, which has {len(history)} operations"
        if instance("verdict", verdict, Verdict).operations not in (None, len(history)):
            raise ValueError(f"verdict must be {rule}, got one of {verdict.operations}")
        rows = (*verdict.witness, *verdict.order)
        if max(rows, default=-1) >= len(history):
            raise ValueError(f"verdict must be {rule}, got one about #{max(rows)}")
    if span is not None:
        two_times("span", span)
    if highlight is not None:
        count("highlight", highlight, 0, max(0, len(history) - 1))


def keys_of(history: History, key: Any) -> list[Any]:
    """The keys to show: the one asked for, or all of them while they are few."""
    if key is not None:
        return [key]
    codes = dict.fromkeys(history.key.tolist())
    known = [history.decode("key", code) for code in codes]
    known += [copy.key for copy in history.copies]
    every = list({identity(key): key for key in reversed(known)}.values())[::-1]
    return every if len(every) <= _MOST_KEYS else every[:1]


def span_of(history: History) -> tuple[float, float]:
    """From the first thing that happens to the last, with a little room after it."""
    faults = [time for fault in history.faults for time in (fault.at, fault.until)]
    times = [*history.invoked, *history.completed, *(copy.at for copy in history.copies), *faults]
    finite = [float(time) for time in times if math.isfinite(time)] or [0.0]
    start, end = min(0.0, *finite), max(finite)
    return start, end + 0.04 * (end - start) if end > start else start + 1.0


def lanes_of(starts: Sequence[float] | Any, ends: Sequence[float] | Any) -> list[int]:
    """The first lane that is free for each of some intervals, sorted by their start."""
    free: list[float] = []
    lanes = []
    for start, end in zip(starts, ends, strict=True):
        lane = next((place for place, until in enumerate(free) if until <= start), len(free))
        free[lane : lane + 1] = [end]
        lanes.append(lane)
    return lanes


def values_of(copies: Iterable[Copy]) -> list[Any]:
    """The values that copies hold, once each, in the order in which they turn up."""
    found = {identity(value): value for copy in copies for value in copy.values}
    return list(found.values())


Faces: TypeAlias = dict[Any, tuple[float, float, float]]


def faces(values: Iterable[Any]) -> Faces:
    """A colour for the `identity` of each value: equal values have one."""
    return {each: value_face(i) for i, each in enumerate(dict.fromkeys(map(identity, values)))}


def faults_in(history: History, start: float, end: float) -> list[Fault]:
    """The faults that last between two times, or strike for an instant, by their beginning."""
    inside = (f for f in history.faults if f.at < end and (f.until > start or f.at >= start))
    return sorted(inside, key=lambda fault: fault.at)


def nodes_of(history: History) -> list[NodeId]:
    """All nodes that a history speaks of, in the order of their names."""
    spoken = [copy.node for copy in history.copies]
    spoken += [each.node for each in history if each.node is not None]
    for message in history.messages:
        spoken += [end for end in (message.source, message.target) if end is not None]
    return sorted(set(spoken), key=in_order)


def box(left: float, right: float, low: float, high: float) -> list[tuple[float, float]]:
    """Corners of a bar; left open, such a polygon has no right end."""
    return [(right, low), (left, low), (left, high), (right, high)]


def client_label(history: History, client: int, rows: Any) -> str:
    """A client, and its node if it has but one."""
    nodes = np.unique(history.node[rows])
    if len(nodes) > 1 or nodes[0] < 0:
        return f"client {client}"
    return f"client {client} at node {history.decode('node', int(nodes[0]))}"


def fades(rights: Any, heights: Any, step: float, half: float) -> list[list[tuple[float, float]]]:
    """Boxes right of bars, one for each step of `FADE`."""
    return [
        box(right + place * step, right + (place + 1) * step, y - half, y + half)
        for right, y in zip(rights, heights, strict=True)
        for place in range(len(FADE))
    ]


def name_band(
    wide: float, band: tuple[float, float], axis: tuple[float, float], gap: float
) -> float:
    """Where the name of a band begins: in it if there is room, else right of it, or left.

    Examples
    --------
    >>> [name_band(30, band, (0, 100), 1) for band in ((10, 60), (10, 20), (90, 100))]
    [11, 21, 59]
    """
    left, right = band
    if wide + 2 * gap <= right - left:
        return left + gap
    x = right + gap if right + 2 * gap + wide < axis[1] else left - gap - wide
    return max(x, axis[0] + gap)


class Bar(NamedTuple):
    """A bar of one lane, and what it may be called, the longest name first.

    No name stands right of an `open_ended` bar. An `alone` bar never shares a list of names.
    """

    left: float
    right: float
    names: Sequence[str]
    gap: float = 0.0
    open_ended: bool = False
    alone: bool = False


def name_bars(
    bars: Sequence[Bar], end: float, width: Callable[[str], float], air: float = 0.0
) -> list[tuple[int, float, str]]:
    """Name the bars of a lane: in their middle, right of them, or several right of the last.

    A name stands in full if there is room, else as the value alone. Bars too near to each other
    for names between them are named after the last of them, in their order.

    Returns
    -------
    list of (int, float, str)
        Which bar, where (its middle, or else where the name begins), and its name or names.

    Examples
    --------
    >>> bars = [Bar(0, 9, ["put 1", "1"]), Bar(20, 20, ["put 2", "2"]), Bar(20, 20, ["get 2", "2"])]
    >>> name_bars(bars, 40, len)
    [(0, 4.5, 'put 1'), (2, 20.0, 'put 2, get 2')]
    """
    found: list[tuple[int, float, str]] = []
    waiting: list[Bar] = []
    ahead = [*(bar.left for bar in bars[1:]), end]
    for place, (bar, after) in enumerate(zip(bars, ahead, strict=True)):
        room = 0.0 if bar.open_ended else after - bar.right - bar.gap - air
        called = next(_fitting(bar, room, waiting, width, air), None)
        if called:
            found.append((place, *called))
        waits = not (called or bar.open_ended or bar.alone)
        waiting = [*waiting, bar] if waits else []
    return found


def _fitting(
    bar: Bar, room: float, waiting: Sequence[Bar], width: Callable[[str], float], air: float
) -> Iterator[tuple[float, str]]:
    """Names that have room in a bar or right of it, with those of the bars that wait first."""
    for names in _lists([*waiting, bar]):
        if width(names) <= room:
            yield bar.right + bar.gap, names
    for name in bar.names:
        if width(name) <= bar.right - bar.left - bar.gap - air:
            yield (bar.left + bar.right) / 2, name
        if width(name) <= room:
            yield bar.right + bar.gap, name


def _lists(bars: Sequence[Bar]) -> list[str]:
    """The names of several bars in one line, in full and short."""
    if len(bars) == 1 or any(bar.alone for bar in bars):
        return []
    return [", ".join(bar.names[place] for bar in bars) for place in (0, -1)]


_Words = list[tuple[float, float, str]]


def without(
    words: _Words, y: float, low: float, high: float, width: Callable[[str], float]
) -> _Words:
    """The words that leave the span from `low` to `high` at a height free."""
    return [
        (start, at, word)
        for start, at, word in words
        if at != y or start > high or start + width(word) < low
    ]
