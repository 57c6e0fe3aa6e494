"""SQLite as a server: one copy, and clients that may be cut off from it."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from capkit.engines.engine import Engine
from capkit.engines.lines import ask
from capkit.engines.programs import Program
from capkit.engines.server import Server, free_ports, private
from capkit.history import NodeId
from capkit.stores import CAStore


class SQLite(Engine):
    """One SQLite file that one process serves to clients; nothing has to be installed.

    Parameters
    ----------
    places : int
        Where clients are. Place 0 is the computer with the file, the others only have a cable to
        it, so there is one node.
    on_cut : {"drop", "reset"}
        What a cut cable does to connections: it swallows what is sent, or closes them at once.
    ports : sequence of int
        A port for clients of your own, whose first line must be `secret`; by default a free one.

    Examples
    --------
    >>> from capkit import Partition
    >>> with SQLite() as engine:
    ...     engine.put("seats", 9, at=2)
    ...     engine.strike(Partition(groups=[{0}]))
    ...     engine.get("seats", at=0)
    9
    """

    title = "SQLite"
    model = partial(CAStore, synchronous=False), 3

    def __init__(self, places: int = 3, *, on_cut: str = "drop", ports: Sequence[int] = ()) -> None:
        super().__init__(places, on_cut=on_cut, ports=ports)

    def __repr__(self) -> str:
        return f"SQLite({len(self.places)})"

    def _find(self) -> Program:
        return Program("SQLite", sqlite3.sqlite_version, "Python")

    def _launch(self) -> None:
        (port,) = free_ports(1)
        program = Path(__file__).with_name("sqlite_server.py")
        secret = private(self.keeper.folder / "secret", self.secret)
        file = self.keeper.folder / "data.sqlite"
        command = [sys.executable, "-P", *map(str, (program, file, port, secret))]
        node = Server(self.keeper, 0, port, lambda: command)
        self.nodes = [node]
        node.start()
        node.wait(lambda: self._serves(node))

    def _put(self, place: NodeId, key: str, text: str, limit: float) -> None:
        self._ask(place, {"kind": "put", "key": key, "value": text}, limit)

    def _get(self, place: NodeId, key: str, limit: float) -> Any:
        return self._ask(place, {"kind": "get", "key": key}, limit)

    def _ask(self, place: NodeId, request: dict[str, str], limit: float) -> Any:
        port = self.cables.link(place, 0, to=self.nodes[0].port)
        return ask(port, self.secret, request, limit)
