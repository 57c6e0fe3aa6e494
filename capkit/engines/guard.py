"""A process that starts an engine's servers, and ends them when the process that asked has ended.

It is run as a script. It makes a temporary folder, takes its orders from standard input, one line
of JSON each, and answers likewise. When that input ends, or its parent is no more, it stops
what it started, removes the folder and ends. As the servers' parent it can never mistake
another process for one of them, and it outlives a kernel that is killed with -9.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

LOOK_EVERY = 0.25
"""Seconds between two looks at whether the parent still lives."""

PATIENCE = 1.5
"""Seconds that a server has to stop by itself before it is killed."""

_SWEEPS = 20  # tries to remove the folder, in which the last of a dying server may still write


class Guard:
    """The servers that were started, by process id, and the folder that they may write to."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.servers: dict[int, subprocess.Popen[bytes]] = {}
        self.endings: dict[int, str] = {}
        self.lock = threading.Lock()
        self.ended = False

    def start(
        self, argv: list[str], log: str, user: str | None, stop: str, environment: dict[str, str]
    ) -> int:
        """Start a server as `user`; `stop` is the signal that it wants in the end."""
        account: dict[str, Any] = {}
        if user is not None:
            account = {"user": user, "group": _group(user), "extra_groups": []}
        with open(log, "ab") as file:
            server = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=os.path.dirname(log),
                env=os.environ | environment,
                **account,
            )
        self.servers[server.pid] = server
        self.endings[server.pid] = stop
        return server.pid

    def poll(self, pid: int) -> int | None:
        """The exit code of a server, or None while it runs."""
        return self.servers[pid].poll()

    def kill(self, pid: int) -> None:
        """End a server and all its children without warning (kill -9)."""
        if self.poll(pid) is None:
            kill(psutil.Process(pid))
        self.servers[pid].wait()

    def stop(self, pid: int) -> None:
        """Ask a server to stop in its own way, and kill it if it does not."""
        self._ask_to_stop(pid)
        self._make_sure(pid, time.monotonic() + PATIENCE)

    def pause(self, pid: int) -> None:
        """Let a server and its children stand still (SIGSTOP)."""
        for process in self._family(pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def resume(self, pid: int) -> None:
        """Let them go on (SIGCONT)."""
        for process in reversed(self._family(pid)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def end(self) -> None:
        """Stop everything and remove the folder."""
        with self.lock:
            if self.ended:
                return
            self.ended = True
            running = [pid for pid in self.servers if self.poll(pid) is None]
            for pid in running:
                self._ask_to_stop(pid)
            limit = time.monotonic() + PATIENCE
            for pid in running:
                self._make_sure(pid, limit)
            sweep([], self.folder)

    def obey(self, order: dict[str, Any]) -> Any:
        """Do what one order says."""
        with self.lock:
            if self.ended:
                raise RuntimeError("the guard has ended")
            return getattr(self, order.pop("do"))(**order)

    def _ask_to_stop(self, pid: int) -> None:
        if self.endings[pid] == "SIGKILL":  # which its children would not hear of
            self.kill(pid)
            return
        self.resume(pid)
        self.servers[pid].send_signal(getattr(signal, self.endings[pid], signal.SIGTERM))

    def _make_sure(self, pid: int, limit: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.servers[pid].wait(max(0.0, limit - time.monotonic()))
        self.kill(pid)

    def _family(self, pid: int) -> list[psutil.Process]:
        return [] if self.poll(pid) is not None else family(psutil.Process(pid))


def sweep(servers: Iterable[psutil.Process], folder: str) -> None:
    """Kill the servers that still run, and remove their shared memory and the folder."""
    for server in servers:
        kill(server)
    _free_memory(Path(folder))
    for _ in range(_SWEEPS):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(0.05)


def family(server: psutil.Process) -> list[psutil.Process]:
    """A server and all its children; nothing if it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [server, *server.children(recursive=True)]
    return []


def kill(server: psutil.Process) -> None:
    """End a server and all its children without warning, and wait until none of them works."""
    known: set[psutil.Process] = set()
    while new := {*family(server)} - known:
        for process in new:  # who stands still starts no more children
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        known |= new
    for process in known:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    limit = time.monotonic() + PATIENCE
    while any(map(_works, known)) and time.monotonic() < limit:
        time.sleep(0.005)


def _works(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _free_memory(folder: Path) -> None:
    """Remove the segments of shared memory that a killed PostgreSQL has left.

    Their keys and numbers are in the seventh line of its pid file, which a server that stops in
    its own way removes.
    """
    for file in folder.glob("*/postmaster.pid"):
        # The file may vanish meanwhile, or be half written: then there is nothing to be known.
        with contextlib.suppress(OSError, ValueError):
            words = " ".join(file.read_text().splitlines()[6:7]).split()
            if len(words) == 2 and hasattr(library := ctypes.CDLL(None), "shmctl"):
                key, segment = ctypes.c_int(int(words[0])), int(words[1])
                if library.shmget(key, ctypes.c_size_t(0), 0) == segment:  # still the same one
                    library.shmctl(segment, 0, None)  # 0 is IPC_RMID


def _group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def _listen(guard: Guard) -> None:
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "end":
            return
        try:
            answer = {"answer": guard.obey(order)}
        except (OSError, RuntimeError, KeyError, psutil.Error) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def main() -> None:
    """Obey until the input ends or the parent does, then leave nothing behind."""
    parent = os.getppid()
    os.umask(0o077)  # nobody else may read logs and data
    for name in (
        "SIGINT",
        "SIGTERM",
        "SIGHUP",
    ):  # only the end of its input ends it
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: None)
    guard = Guard(tempfile.mkdtemp(prefix="capkit-"))
    print(json.dumps({"answer": guard.folder}), flush=True)
    listener = threading.Thread(target=_listen, args=[guard], daemon=True)
    listener.start()
    while listener.is_alive() and os.getppid() == parent:
        listener.join(LOOK_EVERY)
    guard.end()
    os._exit(0)  # the listener may hang in a read that nothing ends


if __name__ == "__main__":
    main()
