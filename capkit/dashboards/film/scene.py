"""All that a film shows, worked out from a traced history: plain data that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any

from matplotlib.colors import to_hex

from capkit.consistency import stale
from capkit.dashboards.film.moments import moments
from capkit.history import Copy, Fault, History, NodeId, Operation, Outcome
from capkit.history.equality import identity
from capkit.network import Crash, Partition, Pause, Skew, Slow
from capkit.plots.flights import flights, usual_flight
from capkit.plots.layout import faces, keys_of, nodes_of, short, span_of, values_of

Scene = dict[str, Any]


def scene(history: History, nodes: Sequence[NodeId] = ()) -> Scene:
    """What happens in a traced history and when (ms), for `film.js` to draw.

    Nodes are named by their place in `nodes`, from 0 on; if none are given, in the order of their
    names. A time that never comes is None.

    Raises
    ------
    ValueError
        If the history holds no messages, and nobody says which nodes there are.

    Examples
    --------
    >>> from capkit import CPStore, Network, Node, Workload, run
    >>> store = CPStore([Node(i) for i in range(3)], Network(loss=0.0, rng=7))
    >>> made = scene(run(store, Workload(clients=1, duration=300, rng=7), trace=True))
    >>> made["nodes"], made["operations"][0]["asks"], made["operations"][0]["told"]
    (['node 0', 'node 1', 'node 2'], 'put 1', 'done')
    """
    if not history.messages and not nodes:
        raise ValueError("history must have messages, as run(..., trace=True) keeps, got none")
    nodes = nodes or nodes_of(history)
    asked = [(each.client, each.node) for each in history]
    clients = {client: nodes.index(node) for client, node in reversed(asked) if node is not None}
    return {
        "usual": _ms(usual_flight(history.messages)),
        "end": _ms(span_of(history)[1]),
        "keys": [str(key) for key in keys_of(history, None)],
        "nodes": [f"node {node}" for node in nodes],
        "clients": [{"name": f"client {each}", "node": clients[each]} for each in sorted(clients)],
        "operations": _operations(history, sorted(clients)),
        "messages": _messages(history, nodes),
        "copies": _copies(history, nodes),
        "faults": [_fault(fault, nodes) for fault in history.faults],
        "moments": [[_ms(at), *rest] for at, *rest in moments(history, nodes)],
    }


def _ms(time: float) -> float | None:
    """A time as JSON can hold it, to a microsecond."""
    return round(time, 3) if math.isfinite(time) else None


def _operations(history: History, clients: list[int]) -> list[Scene]:
    with_key = len(keys_of(history, None)) > 1
    return [
        {
            "client": clients.index(operation.client),
            "from": _ms(operation.invoked),
            "until": _ms(operation.completed),
            "asks": asks(operation, with_key),
            "told": told(operation),
            "kind": operation.kind,
            "outcome": operation.outcome.value,
            "stale": missed >= 0,
        }
        for operation, missed in zip(history, stale(history).tolist(), strict=True)
        if operation.client in clients
    ]


def asks(operation: Operation, with_key: bool = False) -> str:
    """What a client asks for, in a few letters."""
    value = "" if operation.kind == "get" else f" {short(operation.value, 12)}"
    return operation.kind + (f" {operation.key}" if with_key else "") + value


def told(operation: Operation) -> str:
    """What a client is told in the end, in a few letters."""
    if operation.outcome is Outcome.UNKNOWN:
        return "no answer"
    if operation.outcome is Outcome.FAIL:
        return "refused"
    return short(operation.value, 12) if operation.kind == "get" else "done"


def _messages(history: History, nodes: Sequence[NodeId]) -> list[Scene]:
    return [
        {
            "from": nodes.index(source),
            "to": nodes.index(target),
            "sent": _ms(message.sent),
            "ends": _ms(end),
            "lost": message.lost,
            "label": message.label,
            "own": message.operation is not None,
        }
        for message, source, target, end in flights(history.messages)
    ]


def _copies(history: History, nodes: Sequence[NodeId]) -> list[list[Scene]]:
    """For each node all that it holds from each change on: a text and a colour for each value."""
    keys, colours = keys_of(history, None), _colours(history)
    found: list[list[Scene]] = [[] for _ in nodes]
    held: list[dict[Any, Copy]] = [{} for _ in nodes]
    for copy in sorted(history.copies, key=lambda each: each.at):
        if copy.key in keys:
            place = nodes.index(copy.node)
            held[place][copy.key] = copy
            shown = [
                [(f"{key} " if len(keys) > 1 else "") + short(value, 12), colours[identity(value)]]
                for key in keys
                if key in held[place]
                for value in held[place][key].values
            ]
            found[place].append({"at": _ms(copy.at), "values": shown})
    return found


def _colours(history: History) -> dict[Any, str]:
    return {each: to_hex(face) for each, face in faces(values_of(history.copies)).items()}


def _fault(fault: Fault, nodes: Sequence[NodeId]) -> Scene:
    pairs = permutations(range(len(nodes)), 2)
    parts = fault.parts if isinstance(fault, Partition) else lambda *_: False
    return {
        "at": _ms(fault.at),
        "until": _ms(fault.until),
        "says": str(fault),
        "cut": [[here, there] for here, there in pairs if parts(nodes[here], nodes[there])],
        "down": [place for place, node in enumerate(nodes) if fault.stops(node)],
        "marks": {str(nodes.index(node)): mark for node, mark in _marks(fault)},
    }


def _marks(fault: Fault) -> list[tuple[NodeId, str]]:
    """What is to be seen at a node while a fault lasts."""
    match fault:
        case Crash():
            return [(fault.node, "down")]
        case Pause():
            return [(fault.node, "stands still")]
        case Slow():
            return [(fault.node, f"slow, +{fault.delay:g} ms")]
        case Skew():
            return [(fault.node, f"clock {fault.offset:+g} ms")]
    return []
