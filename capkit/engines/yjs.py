"""Yjs: every node takes puts from its own clients, and merges what the others have (a CRDT)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from capkit._arguments import choice, count
from capkit.engines.engine import Engine
from capkit.engines.lines import ask
from capkit.engines.programs import Program, library
from capkit.engines.server import Server, free_ports, private
from capkit.history import NodeId, Siblings
from capkit.stores import APStore, Unavailable


class Yjs(Engine):
    """Nodes with one shared document, each of which answers its own clients at once.

    The document is a conflict-free replicated data type, that of JupyterLab's own collaboration
    (the library pycrdt). Nodes send each other every change, and whatever a node has missed when a
    cable is mended, by the Yjs protocol.

    Parameters
    ----------
    nodes : int
        How many.
    merge : {"one", "all"}
        What becomes of concurrent puts of a key: one of them wins, the same one everywhere, or the
        key holds them all and a get returns them as `Siblings`, until a put at a node that
        has seen them replaces them.
    on_cut : {"drop", "reset"}
        What a cut cable does to connections: it swallows what is sent, or closes them at once.
    ports : sequence of int
        Ports for clients of your own, whose first line must be `secret`; by default free ones.
    """

    title = "Yjs"
    libraries = ("pycrdt",)
    model = APStore, 3

    def __init__(
        self,
        nodes: int = 3,
        *,
        merge: str = "one",
        on_cut: str = "drop",
        ports: Sequence[int] = (),
    ) -> None:
        super().__init__(count("nodes", nodes), on_cut=on_cut, ports=ports)
        self.merge = choice("merge", merge, ("one", "all"))

    def __repr__(self) -> str:
        return f"Yjs({len(self.places)}, merge={self.merge!r})"

    def copies(self) -> list[dict[str, Any]]:
        """What each node holds now, by key.

        Raises
        ------
        Unavailable
            If a node does not answer within a second.
        """
        self._running()
        return [self._copy(node) for node in self.nodes]

    def _find(self) -> Program:
        return library("pycrdt", "Yjs (pycrdt)")

    def _launch(self) -> None:
        secret = private(self.keeper.folder / "secret", self.secret)
        ports = free_ports(len(self.places))
        for place in self.places:
            words = self._command(place, ports, secret)
            self.nodes.append(Server(self.keeper, place, ports[place], partial(list, words)))
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait(partial(self._serves, node))

    def _command(self, place: int, ports: list[int], secret: Path) -> list[str]:
        """How to start a node. Of each pair of nodes the one with the lower number calls."""
        program = Path(__file__).with_name("yjs_server.py")
        file = self.keeper.folder / f"data{place}.yjs"
        calls = [self.cables.link(place, to, to=ports[to]) for to in self.places if to > place]
        words = (program, file, ports[place], secret, self.merge, *calls)
        return [sys.executable, "-P", *map(str, words)]

    def _serves(self, node: Server) -> bool:
        """Whether it answers, hears all others, and has what the first has."""
        with suppress(Unavailable):
            state = self._state(node, 0.5)
            others = sum(each.up for each in self.nodes) - 1
            return bool(
                state["peers"] == others
                and state["pairs"] == self._state(self.nodes[0], 0.5)["pairs"]
            )
        return False

    def _state(self, node: Server, seconds: float) -> Any:
        return self._ask(node.id, {"kind": "state"}, time.monotonic() + seconds)

    def _copy(self, node: Server) -> dict[str, Any]:
        pairs = self._state(node, 1.0)["pairs"]
        return {key: self._value(found) for key, found in sorted(pairs.items())}

    def _value(self, found: Any) -> Any:
        values = [json.loads(text) for text in found]
        return values[0] if len(values) == 1 else Siblings(values)

    def _put(self, place: NodeId, key: str, text: str, limit: float) -> None:
        self._ask(place, {"kind": "put", "key": key, "value": text}, limit)

    def _get(self, place: NodeId, key: str, limit: float) -> Any:
        return self._ask(place, {"kind": "get", "key": key}, limit) or None

    def _ask(self, place: NodeId, request: dict[str, str], limit: float) -> Any:
        node = self._node(place)
        port = self.cables.link(place, place, to=node.port)
        return ask(port, self.secret, request, limit)
