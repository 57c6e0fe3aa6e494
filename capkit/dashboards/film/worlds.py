"""The two worlds of a proof as one film: one clock, and a mark on what was received in both."""

from __future__ import annotations

from typing import Any

from capkit.adversary import Proof
from capkit.dashboards.film.scene import Scene, scene
from capkit.history import Message

_WIDE = 640  # units, instead of 900: two stand beside each other


def worlds(proof: Proof) -> Scene:
    """What happens in both worlds of a proof, each a scene of its own under `worlds`.

    The rest is what a film needs to let time pass over both.

    Examples
    --------
    >>> from capkit import CPStore
    >>> from capkit.adversary import prove
    >>> made = worlds(prove(CPStore))
    >>> made["worlds"][0]["title"]
    'World 1: nobody puts (◆ received in both worlds)'
    >>> [sum(m["same"] for m in each["messages"]) for each in made["worlds"]]
    [2, 2]
    """
    nodes = sorted({*proof.side, *proof.rest})
    both = [scene(world, nodes) for world in proof.worlds]
    puts = f"a client of node {proof.put_at} puts {proof.worlds[1][0].value}"
    mark = " (◆ received in both worlds)" if proof.same else ""
    shared = {"end": max(each["end"] for each in both), "wide": _WIDE}
    for number, (each, what) in enumerate(zip(both, ("nobody puts", puts), strict=True), 1):
        each |= shared | {"title": f"World {number}: {what}{mark}"}
        for message in each["messages"]:
            message["same"] = _facts(message, nodes) in [_key(m) for m in proof.same]
    return shared | {
        "usual": both[1]["usual"],
        "faults": both[1]["faults"],
        "messages": [message for each in both for message in each["messages"]],
        "moments": _moments(both),
        "worlds": both,
    }


def _key(message: Message) -> tuple[Any, ...]:
    times = round(message.sent, 3), round(message.arrived, 3)
    return message.label, message.source, message.target, *times


def _facts(shown: Scene, nodes: list[int]) -> tuple[Any, ...]:
    """The same of a message in a scene, which names nodes by their places."""
    ends = nodes[shown["from"]], nodes[shown["to"]]
    return shown["label"], *ends, shown["sent"], shown["ends"]


def _moments(both: list[Scene]) -> list[list[Any]]:
    """When something happens in either world, what, and whether it is more than a message."""
    first, second = ({at: each for at, *each in world["moments"]} for world in both)
    moments = []
    for at in sorted({*first, *second}):
        one, two = first.get(at, ["", False]), second.get(at, ["", False])
        moments.append([at, _words(one[0], two[0]), one[1] or two[1]])
    return moments


def _words(first: str, second: str) -> str:
    if first == second:
        return f"In both worlds: {first}"
    named = [f"World 1: {first}" if first else "", f"World 2: {second}" if second else ""]
    return " ".join(filter(None, named))
