"""One node of Yjs: a document on disk, its clients, and peers that it keeps in step with.

A connection begins with the secret. A client then sends lines of JSON; a peer says `peer`, and both
sides speak the Yjs protocol, each message after its length in four bytes.

    step 1(what I have) -> step 2(what you lack)      when a connection begins, both ways
    update(what has changed)                          whenever a node's document changes
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import sys
from pathlib import Path
from typing import Any

from pycrdt import (
    Array,
    Doc,
    Map,
    TransactionEvent,
    YMessageType,
    create_sync_message,
    create_update_message,
    handle_sync_message,
)

HOST = "127.0.0.1"
CALL_AGAIN = 0.05
"""Seconds after which a peer that hung up is called again."""


class Replica:
    """A document, and the file that has all its changes."""

    def __init__(self, file: Path, merge: str) -> None:
        self.doc: Doc[Any] = Doc()
        self.merge = merge
        self.peers: set[asyncio.StreamWriter] = set()
        for update in _changes(file):
            self.doc.apply_update(update)
        self.file = open(file, "ab")  # noqa: SIM115 (it is open as long as the process lives)
        self.doc.observe(self.changed)

    def changed(self, event: TransactionEvent) -> None:
        """Write a change down, and tell it to every peer."""
        self.file.write(_framed(event.update))
        self.file.flush()
        for peer in self.peers:
            peer.write(_framed(create_update_message(event.update)))

    def put(self, key: str, text: str) -> None:
        """Write one value; concurrent ones win, lose or stay, as `merge` says."""
        if self.merge == "one":
            self.doc.get("pairs", type=Map)[key] = text
        else:
            values = self.values(key)
            with self.doc.transaction():
                values.clear()  # only what this node has seen
                values.append(text)
        os.fsync(self.file.fileno())  # before the client is answered; peers see to their own puts

    def get(self, key: str) -> list[str]:
        """All values of a key."""
        if self.merge == "all":
            return list(self.values(key))
        pairs = self.doc.get("pairs", type=Map)
        return [pairs[key]] if key in pairs else []

    def values(self, key: str) -> Array[str]:
        """The list of a key, at the top of the document: two nodes cannot make one each."""
        values: Array[str] = self.doc.get(f"key {key}", type=Array)
        return values

    def state(self) -> dict[str, Any]:
        """How many peers it has, and all values."""
        roots = self.doc.keys()
        if self.merge == "all":
            keys = [name.removeprefix("key ") for name in roots if name.startswith("key ")]
        else:
            keys = list(self.doc.get("pairs", type=Map))
        pairs = {key: found for key in keys if (found := self.get(key))}
        return {"peers": len(self.peers), "pairs": pairs}

    def answer(self, request: dict[str, Any]) -> Any:
        """Do what a client asks for."""
        if request["kind"] == "put":
            return self.put(request["key"], request["value"])
        return self.get(request["key"]) if request["kind"] == "get" else self.state()


async def serve(
    replica: Replica, secret: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer whoever calls, client or peer, if its first line is the secret."""
    with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
        if hmac.compare_digest((await reader.readline()).strip(), secret):
            first = await reader.readline()
            if first == b"peer\n":
                await speak(replica, reader, writer)
            else:
                await answer(replica, first, reader, writer)
    writer.close()


async def answer(
    replica: Replica, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer a client line by line."""
    while line:
        found = replica.answer(json.loads(line))
        writer.write(json.dumps({"value": found}).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()


async def speak(
    replica: Replica, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Keep a peer in step until its connection ends."""
    replica.peers.add(writer)
    try:
        writer.write(_framed(create_sync_message(replica.doc)))
        while True:
            message = await reader.readexactly(int.from_bytes(await reader.readexactly(4)))
            if message[0] == YMessageType.SYNC:
                reply = handle_sync_message(message[1:], replica.doc)
                if reply is not None:
                    writer.write(_framed(reply))
    finally:
        replica.peers.discard(writer)


async def call(replica: Replica, secret: bytes, port: int) -> None:
    """Keep a connection to a peer, and make it again when it ends."""
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(HOST, port)
            with contextlib.closing(writer):
                writer.write(secret + b"\npeer\n")
                await speak(replica, reader, writer)
        await asyncio.sleep(CALL_AGAIN)


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(4) + message


def _changes(file: Path) -> list[bytes]:
    """The changes in a file, whose end is cut off where a crash has torn it."""
    data, found, end = file.read_bytes() if file.exists() else b"", [], 0
    while (start := end + 4) <= len(data):
        size = int.from_bytes(data[end:start])
        if start + size > len(data):
            break
        found.append(data[start : start + size])
        end = start + size
    if end < len(data):
        os.truncate(file, end)
    return found


async def main(file: str, port: str, secret_file: str, merge: str, *peers: str) -> None:
    """Serve clients and peers for ever."""
    replica, secret = Replica(Path(file), merge), Path(secret_file).read_bytes()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(replica, secret, reader, writer)

    server = await asyncio.start_server(hear, HOST, int(port), backlog=512)
    calls = [call(replica, secret, int(peer)) for peer in peers]
    await asyncio.gather(server.serve_forever(), *calls)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
