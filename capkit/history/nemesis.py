"""What a log says of its faults: whom the nemesis struck, from when to when."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from capkit._arguments import clipped
from capkit.history import edn
from capkit.history.records import Fault, Note

# What ends what, by the names that Jepsen's own tools use.
_ENDS = {
    "resume": ("pause",),
    "restart": ("kill",),
    "start": ("kill",),
    "heal": ("start", "partition", "start-partition"),
    "stop": ("start", "partition", "kill", "pause"),
}
_BEGINS = ("start", "kill", "pause", "partition")
_STATES = {":paused": "Pause", ":killed": "Crash", ":stopped": "Crash"}


class Strike(NamedTuple):
    """One event of the nemesis, in ms."""

    time: float
    f: str
    value: Any


class _Span(NamedTuple):
    """What it did, from the event that announces it to the one that says it is done."""

    f: str
    at: float
    done: float
    values: tuple[Any, ...]


def faults(strikes: list[Strike]) -> list[Fault]:
    """The faults of a log: those that can be named by kind and node, and notes on the others."""
    opened: list[_Span] = []
    found: list[Fault] = []
    for span in _spans(strikes):
        ended = [each for each in opened if each.f in _ended(span.f)]
        if ended:
            opened = [each for each in opened if each not in ended]
            found += [fault for each in ended for fault in _faults(each, span.done)]
        elif span.f.startswith(_BEGINS):
            opened.append(span)
        else:
            found += _note(span, span.done)
    found += [fault for each in opened for fault in _faults(each, math.inf)]
    return sorted(found, key=lambda fault: fault.at)


def _spans(strikes: list[Strike]) -> Iterator[_Span]:
    waiting: Strike | None = None
    for each in strikes:
        if waiting is not None and waiting.f == each.f:
            yield _Span(each.f, waiting.time, each.time, (each.value, waiting.value))
            waiting = None
            continue
        if waiting is not None:
            yield _Span(waiting.f, waiting.time, waiting.time, (waiting.value,))
        waiting = each
    if waiting is not None:
        yield _Span(waiting.f, waiting.time, waiting.time, (waiting.value,))


def _ended(f: str) -> tuple[str, ...]:
    """Names of what this ends."""
    if f.startswith("stop-"):
        return (f.replace("stop-", "start-", 1),)
    return _ENDS.get(f, ())


def _faults(span: _Span, until: float) -> list[Fault]:
    """What kind of fault it was, if it says so."""
    times = {"at": max(0.0, span.at), "until": max(0.0, span.at, until)}
    for value in span.values:
        if groups := _groups(_grudge(value)):
            return [Fault.kinds["Partition"](**times, groups=groups)]  # type: ignore[call-arg]
        if struck := _struck(span.f, value):
            return [Fault.kinds[kind](**times, node=node) for node, kind in struck]  # type: ignore[call-arg]
    return _note(span, until)


def _note(span: _Span, until: float) -> list[Fault]:
    said = next((value for value in span.values if value is not None), None)
    text = span.f if said is None else f"{span.f} {_words(said)}"
    return [Note(at=max(0.0, span.at), until=max(0.0, span.at, until), text=clipped(text))]


def _words(value: Any) -> str:
    """A value as EDN would be said aloud."""
    if isinstance(value, dict):
        return ", ".join(f"{_name(key)}: {_words(each)}" for key, each in value.items())
    if isinstance(value, tuple | frozenset):
        return " ".join(map(_words, sorted(value, key=repr))) or "none"
    return _name(value)


def _struck(f: str, value: Any) -> list[tuple[str, str]]:
    """Nodes that were stopped, and how; none if the value does not say."""
    if isinstance(value, dict) and value and all(v in _STATES for v in _texts(value.values())):
        return [(_name(node), _STATES[state]) for node, state in value.items()]
    kind = {"kill": "Crash", "pause": "Pause"}.get(f)
    if kind is None or not isinstance(value, dict | tuple | frozenset | str):
        return []
    nodes = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(node, str) for node in nodes) or nodes[0:1] in ([":all"], [":one"]):
        return []
    named = isinstance(value, dict) or not any(node.startswith(":") for node in nodes)
    return [(_name(node), kind) for node in sorted(nodes)] if named else []


def _texts(items: Any) -> list[str]:
    return [item if isinstance(item, str) else "" for item in items]


def _grudge(value: Any) -> dict[str, set[str]]:
    """Whom each node does not hear: a map of nodes to sets, alone, in a pair or in a sentence."""
    if isinstance(value, tuple) and value and isinstance(value[-1], dict):
        value = value[-1]
    if isinstance(value, str) and "{" in value:
        try:
            value = edn.value(value[value.index("{") :])
        except ValueError:
            return {}
    if not (
        isinstance(value, dict) and all(isinstance(v, frozenset | tuple) for v in value.values())
    ):
        return {}
    return {_name(node): set(map(_name, others)) for node, others in value.items()}


def _groups(grudge: dict[str, set[str]]) -> list[set[str]]:
    """The groups between which nothing passes; none if that is not what the grudge says."""
    nodes = sorted({*grudge, *(other for others in grudge.values() for other in others)})
    cut = {(a, b) for a in nodes for b in nodes if b in grudge.get(a, ())}
    groups: list[set[str]] = []
    for node in nodes:
        mine = [group for group in groups if any((node, other) not in cut for other in group)]
        groups = [group for group in groups if group not in mine]
        groups.append({node}.union(*mine))
    apart = {(a, b) for g in groups for h in groups if g is not h for a in g for b in h}
    return groups if len(groups) > 1 and apart == cut else []


def _name(node: Any) -> str:
    return str(node).removeprefix(":")
