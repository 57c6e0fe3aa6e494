"""The protocol of our own small servers: JSON, one line for each request and each answer.

The first line of a connection is the engine's secret. A server that hears another one hangs up.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from capkit.engines.engine import remaining
from capkit.engines.proxy import HOST
from capkit.stores import Unavailable


def ask(port: int, secret: str, request: dict[str, Any], limit: float) -> Any:
    """What the server behind a port answers, on a connection of its own.

    Raises
    ------
    Unavailable
        If no answer comes until `limit`; certain if the request was never sent.
    """
    kind = request["kind"]
    try:
        link = socket.create_connection((HOST, port), timeout=remaining(limit, kind))
    except OSError as error:
        raise Unavailable(f"{kind} was not sent: {error}", certain=True) from error
    try:
        with link, link.makefile("rwb") as file:
            file.write(f"{secret}\n{json.dumps(request)}\n".encode())
            file.flush()
            link.settimeout(remaining(limit, kind))
            return json.loads(file.readline())["value"]
    except (OSError, ValueError) as error:
        raise Unavailable(f"{kind} got no answer: {error}") from error
