"""SQLite behind a socket: one process, one file, one line of JSON for each request and answer.

The first line of a connection must be the secret.
"""

from __future__ import annotations

import hmac
import json
import socketserver
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

_PUT = "INSERT INTO pairs VALUES (:key, :value) ON CONFLICT DO UPDATE SET value = excluded.value"
_GET = "SELECT value FROM pairs WHERE key = :key"


class Server(socketserver.ThreadingTCPServer):
    """Serves whoever connects, one request at a time."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, path: str, port: int, secret: bytes) -> None:
        self.secret = secret
        self.lock = threading.Lock()
        self.database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.database.execute("PRAGMA synchronous = FULL")  # on disk before the answer
        self.database.execute("CREATE TABLE IF NOT EXISTS pairs (key TEXT PRIMARY KEY, value TEXT)")
        super().__init__(("127.0.0.1", port), Handler)

    def ask(self, request: dict[str, Any]) -> str | None:
        """Do one request."""
        with self.lock:
            statement = _PUT if request["kind"] == "put" else _GET
            row = self.database.execute(statement, request).fetchone()
        return row[0] if row else None


class Handler(socketserver.StreamRequestHandler):
    """Answers the requests of one connection."""

    server: Server

    def handle(self) -> None:
        """Answer line by line, if the first is the secret."""
        if not hmac.compare_digest(self.rfile.readline(1_000).strip(), self.server.secret):
            return
        for line in self.rfile:
            answer = self.server.ask(json.loads(line))
            self.wfile.write(json.dumps({"value": answer}).encode() + b"\n")


if __name__ == "__main__":
    path, port, secret = sys.argv[1:]
    Server(path, int(port), Path(secret).read_bytes()).serve_forever()
