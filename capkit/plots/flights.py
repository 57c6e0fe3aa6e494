"""How messages are seen to fly between nodes: from where to where, until when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from capkit.history import Message, NodeId


class Flight(NamedTuple):
    """A message on its way from node to node; at `end` (ms) it arrives, or is lost half-way."""

    message: Message
    source: NodeId
    target: NodeId
    end: float


def flights(messages: Sequence[Message]) -> list[Flight]:
    """The messages between two nodes, in the order in which they are sent.

    Nobody knows how long a lost message would have taken; it is shown as fast as most.

    Examples
    --------
    >>> lost = Message(label="store", source=0, target=1, sent=5, arrived=math.inf, lost="cut")
    >>> [flight.end for flight in flights([lost])]
    [10.0]
    """
    half = usual_flight(messages) / 2
    found = []
    for message in sorted(messages, key=lambda each: each.sent):
        source, target, end = message.source, message.target, message.arrived
        if source is not None and target is not None and source != target:
            end = message.sent + half if math.isinf(end) else end
            found.append(Flight(message, source, target, end))
    return found


def usual_flight(messages: Sequence[Message]) -> float:
    """Ms that a message between two nodes takes, in the middle; 10 where none arrived."""
    taken = [m.arrived - m.sent for m in messages if m.source != m.target]
    return float(np.median([each for each in taken if math.isfinite(each)] or [10.0])) or 10.0
