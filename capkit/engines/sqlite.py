"""SQLite as a server: one copy, and clients that may be cut off from it."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from capkit.engines.engine import Engine, remaining
from capkit.engines.proxy import HOST
from capkit.engines.server import Server, free_ports
from capkit.history import NodeId
from capkit.stores import Unavailable


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
        A port for clients of your own; by default a free one.

    Examples
    --------
    >>> from capkit import Partition
    >>> with SQLite() as engine:
    ...     engine.put("seats", 9, at=2)
    ...     engine.strike(Partition(groups=[{0}]))
    ...     engine.get("seats", at=0)
    9
    """

    def __init__(self, places: int = 3, *, on_cut: str = "drop", ports: Sequence[int] = ()) -> None:
        super().__init__(places, on_cut=on_cut, ports=ports)

    def __repr__(self) -> str:
        return f"SQLite({len(self.places)})"

    def _find(self) -> None:
        """Python brings it along."""

    def _launch(self) -> None:
        (port,) = free_ports(1)
        program = Path(__file__).with_name("sqlite_server.py")
        file = self.keeper.folder / "data.sqlite"
        command = [sys.executable, "-P", str(program), str(file), str(port)]
        node = Server(self.keeper, 0, port, lambda: command)
        self.nodes = [node]
        node.start()
        node.wait(lambda: self._serves(node))

    def _put(self, place: NodeId, key: str, text: str, limit: float) -> None:
        self._ask(place, {"kind": "put", "key": key, "value": text}, limit)

    def _get(self, place: NodeId, key: str, limit: float) -> str | None:
        return self._ask(place, {"kind": "get", "key": key}, limit)

    def _ask(self, place: NodeId, request: dict[str, str], limit: float) -> str | None:
        kind = request["kind"]
        port = self.cables.link(place, 0, to=self.nodes[0].port)
        try:
            link = socket.create_connection((HOST, port), timeout=remaining(limit, kind))
        except OSError as error:
            raise Unavailable(f"{kind} was not sent: {error}", certain=True) from error
        try:
            with link, link.makefile("rwb") as file:
                file.write(json.dumps(request).encode() + b"\n")
                file.flush()
                link.settimeout(remaining(limit, kind))
                answer: str | None = json.loads(file.readline())["value"]
                return answer
        except (OSError, ValueError) as error:
            raise Unavailable(f"{kind} got no answer: {error}") from error
