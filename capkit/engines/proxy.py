"""Proxies that stand for the cables between nodes: cut, delayed, healed.

They listen on ports of 127.0.0.1, or on sockets that are files.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, TypeAlias, TypeVar

from capkit._arguments import choice
from capkit.history import NodeId

Result = TypeVar("Result")
Way: TypeAlias = tuple[NodeId, NodeId]
Door: TypeAlias = int | str  # a port of this computer, or the path of a socket
Caller: TypeAlias = Callable[[int], NodeId | None]  # by the number of a process

HOST = "127.0.0.1"
_FILES = 10_240  # what macOS allows at most
_AT_ONCE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)  # SO_LINGER: close with a reset


class Cables:
    """All links of one engine. Each direction between two nodes can be cut or slow by itself.

    Parameters
    ----------
    on_cut : {"drop", "reset"}
        "drop": what is sent into a cut gets no answer, and arrives if the cut ends while its
        connection lives, as TCP would send it again. New connections wait likewise. "reset":
        connections are closed at once, and new ones too.

    Examples
    --------
    >>> cables = Cables()
    >>> port = cables.link(0, 1, to=9)  # a proxy to port 9, as node 0 sees node 1
    >>> cables.set(cut={(0, 1), (1, 0)})
    >>> cables.close()
    """

    def __init__(self, on_cut: str = "drop") -> None:
        self.on_cut = choice("on_cut", on_cut, ("drop", "reset"))
        self._cut: frozenset[Way] = frozenset()
        self._delays: Mapping[NodeId, float] = {}
        self._ports: dict[tuple[NodeId, NodeId, Door], int] = {}
        self._open: dict[asyncio.Task[None], tuple[Way, asyncio.StreamWriter]] = {}
        self._lock = threading.Lock()  # many clients ask at a time
        self._listeners: list[asyncio.Server] = []
        _allow_many_files()
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def link(self, source: NodeId, target: NodeId, *, to: Door) -> int:
        """The port at which `source` reaches door `to` of `target`; made at the first call."""
        key = (source, target, to)
        with self._lock:
            if key not in self._ports:
                self._ports[key] = self._do(self._listen(target, to, source, 0))
            return self._ports[key]

    def front(self, target: NodeId, *, to: Door, port: int) -> None:
        """Open a port before door `to` of `target`, for its own clients.

        Raises
        ------
        ValueError
            If somebody else listens there.
        """
        self._do(self._listen(target, to, target, port))

    def common(self, target: NodeId, *, to: Door, path: str, caller: Caller) -> None:
        """Open one socket at `path` before door `to` of `target`, for all nodes.

        `caller` says which node a process is; a process that is no node is refused.
        """
        self._do(self._listen(target, to, caller, path))

    def set(self, cut: Collection[Way] = (), delays: Mapping[NodeId, float] | None = None) -> None:
        """Cut these directions, heal all others; delay (ms) what each of these nodes sends or gets.

        Nothing delays what a client sends to its own node.
        """
        self._do(self._set(frozenset(cut), dict(delays or {})))

    def close(self) -> None:
        """Close all links."""
        if self._loop.is_running():
            self._do(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self, target: NodeId, to: Door, caller: Caller | NodeId, door: Door) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            try:
                source = caller(_process_behind(writer)) if callable(caller) else caller
                if source is not None:
                    self._open[task] = (source, target), writer
                    there = _Line(self, (source, target), reader)
                    await self._join(there, to, writer)
            except (OSError, asyncio.CancelledError):
                _reset(writer)  # if one connection is broken, so is the other
            finally:
                self._open.pop(task, None)
                writer.close()

        if isinstance(door, str):
            self._listeners.append(await asyncio.start_unix_server(serve, door))
            return 0
        try:
            listener = await asyncio.start_server(serve, HOST, door)
        except OSError as error:
            raise ValueError(f"ports must be free, got {door}: {error}") from error
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])

    async def _set(self, cut: frozenset[Way], delays: Mapping[NodeId, float]) -> None:
        self._cut, self._delays = cut, delays
        self._changed.set()
        self._changed = asyncio.Event()
        if self.on_cut == "reset":
            for task, (way, writer) in list(self._open.items()):
                if self._is_cut(way):
                    _reset(writer)
                    task.cancel()

    async def _end(self) -> None:
        for listener in self._listeners:
            listener.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_cut(self, way: Way) -> bool:
        return way in self._cut or way[::-1] in self._cut

    async def _join(self, there: _Line, to: Door, writer: asyncio.StreamWriter) -> None:
        """Connect a caller with the port that it wants, until both have said all."""
        try:
            if not await self._allows(there):
                return
            far_reader, far_writer = await _connect(to)
        except BaseException:
            there.stop()
            raise
        back = _Line(self, there.way[::-1], far_reader)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(there.feed(far_writer))
                both.create_task(back.feed(writer))
        except* OSError:
            _reset(writer)
            _reset(far_writer)
        finally:
            there.stop()
            back.stop()
            far_writer.close()

    async def _allows(self, there: _Line) -> bool:
        """Wait until a connection can be made, unless its caller gives up before."""
        if not self._is_cut(there.way):
            return True
        if self.on_cut == "reset":
            raise ConnectionResetError
        while self._is_cut(there.way):  # a handshake needs both directions
            await self._changed.wait()
        return not there.ended

    async def passes(self, way: Way, sent: float) -> None:
        """Wait until what was sent at `sent` may arrive."""
        if way[0] != way[1]:
            delay = sum(self._delays.get(node, 0.0) for node in way) / 1_000
            await asyncio.sleep(sent + delay - self._loop.time())
        while way in self._cut:
            await self._changed.wait()


class _Line:
    """One direction of one connection: what was read, when, until it may be written."""

    def __init__(self, cables: Cables, way: Way, reader: asyncio.StreamReader) -> None:
        self.way, self.ended = way, False
        self._cables, self._reader = cables, reader
        self._queue: asyncio.Queue[tuple[float, bytes | OSError]] = asyncio.Queue(maxsize=256)
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        clock = asyncio.get_running_loop().time
        while not self.ended:
            item: bytes | OSError
            try:
                item = await self._reader.read(2**16)
            except OSError as error:
                item = error
            self.ended = isinstance(item, OSError) or not item
            await self._queue.put((clock(), item))

    async def feed(self, writer: asyncio.StreamWriter) -> None:
        """Write what was read, each piece when it may pass, and at last the end."""
        while True:
            sent, item = await self._queue.get()
            await self._cables.passes(self.way, sent)
            if isinstance(item, OSError):
                raise item
            if not item:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            writer.write(item)
            await writer.drain()

    def stop(self) -> None:
        self._task.cancel()


async def _connect(door: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(door, int):
        return await asyncio.open_connection(HOST, door)
    return await asyncio.open_unix_connection(door)


def _process_behind(writer: asyncio.StreamWriter) -> int:
    """The process at the other end of a socket that is not a port."""
    raw = writer.get_extra_info("socket")
    if sys.platform == "linux":
        who = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", who)[0])
    return int(raw.getsockopt(0, 2))  # macOS calls these SOL_LOCAL and LOCAL_PEERPID


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None and not writer.is_closing():
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        writer.transport.abort()


def _allow_many_files() -> None:
    """Raise the soft limit of open files: each request that waits at a cut holds three."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
