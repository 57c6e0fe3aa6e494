"""Real servers as child processes: started, killed, paused, and never left behind."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import Any

import psutil

from capkit.engines import guard
from capkit.engines.proxy import Door
from capkit.history import NodeId

_PORTS = range(20_000, 32_000)  # below those that the system gives to outgoing connections
_GUARD_ENDED = "the guard of the engine's processes ended unexpectedly"


class StartFailed(Exception):
    """An engine's server ended, or did not answer, at its start; with the end of its log."""


class Keeper:
    """The guard process of one engine, which starts its servers and outlives a killed kernel.

    If the guard itself is killed, this process cleans up in its place.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guard = subprocess.Popen(
            [sys.executable, "-P", guard.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # so Ctrl-C and a kernel's restart do not reach it
        )
        self.pid = self._guard.pid
        try:
            self.folder = Path(self._answer())
        except BaseException:
            self._dismiss()
            raise
        self._servers: list[psutil.Process] = []
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def ask(self, do: str, **details: Any) -> Any:
        """Let the guard do something, and return its answer."""
        assert self._guard.stdin is not None
        with self._lock:
            try:
                self._guard.stdin.write(json.dumps({"do": do} | details) + "\n")
                self._guard.stdin.flush()
            except (OSError, ValueError) as error:
                raise StartFailed(_GUARD_ENDED) from error
            return self._answer()

    def check(self) -> None:
        """Complain if the guard has ended."""
        if self._guard.poll() is not None:
            raise StartFailed(_GUARD_ENDED)

    def start(self, argv: list[str], log: Path, **details: Any) -> int:
        """Let the guard start a server, and return the number of its process."""
        pid: int = self.ask("start", argv=argv, log=str(log), **details)
        with suppress(psutil.NoSuchProcess):
            self._servers.append(psutil.Process(pid))
        return pid

    def close(self) -> None:
        """Stop all servers, remove the folder, and wait until both is done."""
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        with self._lock:
            with suppress(OSError, ValueError):  # it may be dead, or closed before
                self._guard.stdin.write('{"do": "end"}\n')
            with suppress(OSError):
                self._guard.stdin.close()
            self._watcher.join()
            self._guard.stdout.close()

    def run(self, argv: list[str], log: Path, user: str | None = None) -> None:
        """Run a command to its end.

        Raises
        ------
        StartFailed
            If it fails; with the last lines of what it printed.
        """
        pid = self.start(argv, log, user=user, stop="SIGKILL", environment={})
        while (code := self.ask("poll", pid=pid)) is None:
            time.sleep(0.01)
        if code != 0:
            raise StartFailed(_died(Path(argv[0]).name, code, log))

    def _watch(self) -> None:
        """Finish what the guard could not, if somebody has killed it."""
        self._guard.wait()
        guard.sweep(self._servers, str(self.folder))

    def _dismiss(self) -> None:
        """Let a guard end that has not begun."""
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        self._guard.stdin.close()
        self._guard.wait()
        self._guard.stdout.close()

    def _answer(self) -> Any:
        assert self._guard.stdout is not None
        line = self._guard.stdout.readline()
        if not line:
            raise StartFailed(_GUARD_ENDED)
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
    port : int or str
        Where it listens: a port of 127.0.0.1, or the path of a socket.
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
        port: Door,
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
        self._keeper.check()  # else there is no folder for what it needs
        self.pid = self._keeper.start(
            self._command(),
            self.log,
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
            If its process ends, or nothing is ready after `seconds`.
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
        return f"<node {self.id!r} at {self.port}, {'up' if self.up else 'down'}>"


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


def private(path: Path, text: str, user: str | None = None) -> Path:
    """A file that its owner alone may read (0600), by default whoever runs this."""
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    if user is not None:
        shutil.chown(path, user)
    return path


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
