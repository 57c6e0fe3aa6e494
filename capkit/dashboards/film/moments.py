"""What happens in a trace, moment by moment, in sentences for those who watch or listen."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from capkit.consistency import stale
from capkit.history import Copy, Fault, History, NodeId, Operation, Outcome
from capkit.history.records import in_order
from capkit.network import Crash, Partition, Pause, Skew, Slow
from capkit.plots.flights import flights
from capkit.plots.layout import keys_of, short

Moment = tuple[float, str, bool]
_ANSWER = ": answer"
_WHY = {"cut": "stops at the cut", "down": "finds a node that is down", "chance": "gets lost"}


def moments(history: History, nodes: Sequence[NodeId]) -> list[Moment]:
    """When something happens (ms), what, and whether it is more than a message under way.

    What happens at the same time is one moment.
    """
    told: dict[float, list[tuple[int, str, bool]]] = defaultdict(list)
    told[0.0].append((-1, _opening(history, len(nodes)), True))
    for at, place, sentence, is_main in [
        *_of_faults(history, nodes),
        *_of_copies(history),
        *_of_clients(history),
        *_of_messages(history),
    ]:
        told[at].append((place, sentence, is_main))
    return [
        (at, " ".join(each[1] for each in sorted(told[at])), any(each[2] for each in told[at]))
        for at in sorted(told)
    ]


_Told = tuple[float, int, str, bool]


def _opening(history: History, nodes: int) -> str:
    clients = len({each.client for each in history})
    cluster = f"{nodes} nodes with cables between them" if nodes > 1 else "One node"
    return f"{cluster}, and {clients} client{'s' * (clients != 1)}."


def _of_faults(history: History, nodes: Sequence[NodeId]) -> Iterable[_Told]:
    for fault in history.faults:
        begins, ends = _fault_words(fault, nodes)
        yield fault.at, 0, begins, True
        if math.isfinite(fault.until):
            yield fault.until, 0, ends, True


def _fault_words(fault: Fault, nodes: Sequence[NodeId]) -> tuple[str, str]:
    match fault:
        case Partition():
            return f"The cable is cut: {_sides(fault, nodes)}.", "The cable is mended."
        case Crash():
            lost = ", and loses its memory" if fault.lose_memory else ""
            return f"Node {fault.node} crashes{lost}.", f"Node {fault.node} is up again."
        case Pause():
            return f"Node {fault.node} stands still.", f"Node {fault.node} goes on."
        case Slow():
            late = f"now takes {fault.delay:g} ms longer"
            return f"All to and from node {fault.node} {late}.", f"Node {fault.node} is fast again."
        case Skew():
            ahead = f"{abs(fault.offset):g} ms {'ahead' if fault.offset > 0 else 'behind'}"
            return f"Node {fault.node}'s clock is {ahead}.", f"Node {fault.node}'s clock is right."
    return f"{str(fault).capitalize()} begins.", f"{str(fault).capitalize()} ends."


def _sides(fault: Partition, nodes: Sequence[NodeId]) -> str:
    groups: dict[int, list[NodeId]] = defaultdict(list)
    for node in nodes:
        groups[fault.side(node)].append(node)
    first, *rest = (several(groups[side]) for side in sorted(groups))
    if fault.one_way:
        return f"nothing from {first} reaches {' or '.join(rest)}"
    if len(rest) == 1:
        return f"{first} on one side, {rest[0]} on the other"
    return f"{'; '.join([first, *rest])} hear nothing of each other"


def several(nodes: Sequence[NodeId]) -> str:
    """Some nodes in words.

    Examples
    --------
    >>> several([0]), several([0, 1]), several([0, 1, 2])
    ('node 0', 'nodes 0 and 1', 'nodes 0, 1 and 2')
    """
    *most, last = map(str, sorted(nodes, key=in_order))
    return f"nodes {', '.join(most)} and {last}" if most else f"node {last}"


def _of_copies(history: History) -> Iterable[_Told]:
    keys = keys_of(history, None)
    same: dict[tuple[float, str], list[NodeId]] = defaultdict(list)
    for copy in history.copies:
        if copy.key in keys:
            same[copy.at, _held(copy, len(keys) > 1)].append(copy.node)
    for (at, held), nodes in same.items():
        verb = "holds" if len(nodes) == 1 else "hold"
        yield at, 2, f"{several(nodes).capitalize()} now {verb} {held}.", True


def _held(copy: Copy, with_key: bool) -> str:
    values = " and ".join(short(value, 30) for value in copy.values) or "nothing"
    return values + (f" for {copy.key}" if with_key else "")


def _of_clients(history: History) -> Iterable[_Told]:
    with_key = len(keys_of(history, None)) > 1
    for operation, missed in zip(history, stale(history).tolist(), strict=True):
        key = f" {operation.key}" if with_key else ""
        what = "for the value" if operation.kind == "get" else f"to {_verb(operation)}"
        if operation.kind == "get" and with_key:
            what = f"for{key}"
        asks = f"Client {operation.client} asks node {operation.node} {what}."
        yield operation.invoked, 4, asks, True
        if math.isfinite(operation.completed):
            missed_value = history[missed].value if missed >= 0 else None
            yield operation.completed, 3, _told(operation, missed >= 0, missed_value), True


def _verb(operation: Operation) -> str:
    value: Any = operation.value
    return f"{operation.kind} {short(value, 30)}"


def _told(operation: Operation, is_stale: bool, missed: Any) -> str:
    client = f"Client {operation.client}"
    if operation.outcome is Outcome.UNKNOWN:
        waited = operation.completed - operation.invoked
        return f"{client} gives up: no answer in {waited:.0f} ms to its {operation.kind}."
    if operation.outcome is Outcome.FAIL:
        return f"{client} is refused."
    if operation.kind != "get":
        return f"{client} is told that its {operation.kind} is done."
    got = "that there is nothing" if operation.value is None else short(operation.value, 30)
    late = f": stale, for {short(missed, 30)} had been put" if is_stale else ""
    return f"{client} is told {got}{late}."


def _of_messages(history: History) -> Iterable[_Told]:
    """Messages of one kind from one node that leave, or end, at the same time are one sentence."""
    sent: dict[tuple[float, NodeId, str], list[NodeId]] = defaultdict(list)
    ended: dict[tuple[float, NodeId, str, str], list[NodeId]] = defaultdict(list)
    for message, source, target, end in flights(history.messages):
        sent[message.sent, source, message.label].append(target)
        ended[end, source, message.label, message.lost].append(target)
    for (at, source, label), targets in sent.items():
        yield at, 5, _leaving(source, label, several(targets)), False
    for (at, source, label, lost), targets in ended.items():
        yield at, 1, _ending(source, label, several(targets), lost), False


def _leaving(source: NodeId, label: str, targets: str) -> str:
    if label.endswith(_ANSWER):
        return f"Node {source} answers the “{label.removesuffix(_ANSWER)}” of {targets}."
    return f"Node {source} sends “{label}” to {targets}."


def _ending(source: NodeId, label: str, targets: str, lost: str) -> str:
    what = f"“{label}” from node {source}"
    if label.endswith(_ANSWER):
        what = f"Node {source}'s answer to “{label.removesuffix(_ANSWER)}”"
    return f"{what} to {targets} {_WHY[lost]}." if lost else f"{what} reaches {targets}."
