"""Real servers as child processes: found, started, killed, paused, and never left behind."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import SystemRandom
from typing import Any

from capkit.history import NodeId

_PORTS = range(20_000, 32_000)  # below those that the system gives to outgoing connections


class NotInstalled(Exception):
    """The engine's program is not on this computer; the sentence says how to get it."""


class StartFailed(Exception):
    """An engine's server ended, or did not answer, at its start; with the end of its log."""


class Keeper:
    """The guard process of one engine, which starts its servers and outlives a killed kernel."""

    def __init__(self) -> None:
        guard = Path(__file__).with_name("guard.py")
        self._lock = threading.Lock()
        self._guard = subprocess.Popen(
            [sys.executable, "-P", str(guard)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C and a kernel's restart are not for it
        )
        self.pid = self._guard.pid
        self.folder = Path(self._answer())

    def ask(self, do: str, **details: Any) -> Any:
        """Let the guard do something, and return its answer."""
        assert self._guard.stdin is not None
        with self._lock:
            self._guard.stdin.write(json.dumps({"do": do} | details) + "\n")
            self._guard.stdin.flush()
            return self._answer()

    def close(self) -> None:
        """Stop all servers, remove the folder, and wait until both is done."""
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        with self._lock:
            if not self._guard.stdin.closed:
                self._guard.stdin.write('{"do": "end"}\n')
                self._guard.stdin.close()
                self._guard.wait()
                self._guard.stdout.close()

    def run(self, argv: list[str], log: Path, user: str | None = None) -> None:
        """Run a command to its end.

        Raises
        ------
        StartFailed
            If it fails; with the last lines of what it printed.
        """
        pid = self.ask("start", argv=argv, log=str(log), user=user, stop="SIGKILL", environment={})
        while (code := self.ask("poll", pid=pid)) is None:
            time.sleep(0.02)
        if code != 0:
            raise StartFailed(_died(Path(argv[0]).name, code, log))

    def _answer(self) -> Any:
        assert self._guard.stdout is not None
        line = self._guard.stdout.readline()
        if not line:
            raise StartFailed("the guard of the engine's processes ended unexpectedly")
        answer = json.loads(line)
        if "error" in answer:
            raise StartFailed(f"a server could not be started: {answer['error']}")
        return answer["answer"]


class Server:
    """One node of a real engine.

    Attributes
    ----------
    id : int
        Its name.
    port : int
        Where it listens, on 127.0.0.1.
    up : bool
        Whether its process runs.
    paused : bool
        Whether it stands still.
    retired : bool
        Whether an operator has stopped it for good.
    pid : int or None
        Number of its process, or None if it does not run.
    """

    def __init__(
        self,
        keeper: Keeper,
        id: NodeId,
        port: int,
        command: Callable[[], list[str]],
        *,
        user: str | None = None,
        stop: str = "SIGKILL",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.id, self.port, self.user = id, port, user
        self.log = keeper.folder / f"{id}.log"
        self._keeper, self._command, self._stop = keeper, command, stop
        self._environment = dict(environment or {})
        self.pid: int | None = None
        self.up = self.paused = self.retired = False

    def start(self) -> None:
        """Start it, or start it again with the data that it has."""
        if self.up:
            raise RuntimeError(f"node must be down to be started, got {self.id!r} which is up")
        self.pid = self._keeper.ask(
            "start",
            argv=self._command(),
            log=str(self.log),
            user=self.user,
            stop=self._stop,
            environment=self._environment,
        )
        self.up = True

    def kill(self) -> None:
        """End it without warning (kill -9). What it has written to disk stays there."""
        self._keeper.ask("kill", pid=self.pid)
        self.up, self.paused, self.pid = False, False, None

    def stop(self) -> None:
        """Let it end in its own way, for good."""
        self._keeper.ask("stop", pid=self.pid)
        self.up, self.paused, self.pid, self.retired = False, False, None, True

    def pause(self) -> None:
        """Let it stand still (SIGSTOP)."""
        self._keeper.ask("pause", pid=self.pid)
        self.paused = True

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._keeper.ask("resume", pid=self.pid)
        self.paused = False

    def wait(self, ready: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until `ready()`.

        Raises
        ------
        StartFailed
            If its process ends, or nothing is ready after so many seconds.
        """
        limit = time.monotonic() + seconds
        while not ready():
            code = self._keeper.ask("poll", pid=self.pid)
            if code is not None:
                self.up = False
                raise StartFailed(_died(f"node {self.id!r}", code, self.log))
            if time.monotonic() > limit:
                raise StartFailed(
                    f"node {self.id!r} did not answer within {seconds:g} s; its log ends\n"
                    f"{tail(self.log)}"
                )
            time.sleep(0.02)

    def __repr__(self) -> str:
        return f"<node {self.id!r} on port {self.port}, {'up' if self.up else 'down'}>"


def find(
    program: str, install: str, *, package: str = "", inside: str = "", folders: Iterable[str] = ()
) -> str:
    """Path of a program: the system's own, else the one inside a Python package.

    Raises
    ------
    NotInstalled
        If there is neither; `install` is the command that helps.

    Examples
    --------
    >>> find("no-such-engine", "apt-get install no-such-engine")
    Traceback (most recent call last):
        ...
    capkit.engines.server.NotInstalled: no-such-engine is not installed here;
    apt-get install no-such-engine
    """
    # A package's script of the same name lies on PATH too, in the environment's own folder.
    own = sysconfig.get_path("scripts")
    path = [each for each in os.environ.get("PATH", "").split(os.pathsep) if each != own]
    if found := shutil.which(program, path=os.pathsep.join([*path, *folders])):
        return found
    if package and (spec := importlib.util.find_spec(package)) and spec.origin:
        inner = Path(spec.origin).parent / inside
        if inner.exists():
            return str(inner)
    raise NotInstalled(f"{program} is not installed here; {install}")


def need(library: str) -> None:
    """Complain if a Python library is missing, before anything is started.

    Raises
    ------
    NotInstalled
        With the command that installs it.

    Examples
    --------
    >>> need("no_such_library")
    Traceback (most recent call last):
        ...
    capkit.engines.server.NotInstalled: the library no_such_library is not installed here;
    get it with `python -m pip install -e ".[engines]"`
    """
    if importlib.util.find_spec(library) is None:
        command = '`python -m pip install -e ".[engines]"`'
        raise NotInstalled(f"the library {library} is not installed here; get it with {command}")


def free_ports(number: int) -> list[int]:
    """Different ports of 127.0.0.1 on which nobody listens now."""
    sockets: list[socket.socket] = []
    random = SystemRandom()  # two kernels at a time must not try the same ones
    try:
        while len(sockets) < number:
            candidate = socket.socket()
            try:
                candidate.bind(("127.0.0.1", random.choice(_PORTS)))
            except OSError:
                candidate.close()
            else:
                sockets.append(candidate)
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def listens(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def tail(log: Path, lines: int = 10) -> str:
    """The last lines of a log, indented."""
    text = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    return "\n".join(f"    {line}" for line in text[-lines:]) or "    (nothing)"


def _died(name: str, code: int, log: Path) -> str:
    return f"{name} ended at its start with exit code {code}; its log ends\n{tail(log)}"
