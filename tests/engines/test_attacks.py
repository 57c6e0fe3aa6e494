"""On a shared computer nobody else gets at an engine: not by its ports, nor by its files."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.attack import decode, payloads, talk
from support.engines import every_engine, started, until

from capkit import Unavailable, engines

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
TREASURE = "sesame-2718"
# Run by whoever attacks, with the standard library alone: says what he could find out.
ATTACK = (Path(__file__).parents[1] / "support" / "attack.py").read_text("utf-8")
as_whom = pytest.mark.parametrize(
    "user",
    [
        None,
        pytest.param(
            "nobody", marks=pytest.mark.skipif(not ROOT, reason="only root can act as nobody")
        ),
    ],
    ids=["who knows no secret", "as nobody"],
)


def attack(running, marker, user):
    """What an attacker heard at all doors and read from all files, and who he was."""
    files = [*running.keeper.folder.rglob("*")]
    targets = {
        "doors": [
            *sorted({each.laddr.port for each in listening(psutil.Process(), *processes(running))}),
            *(str(each) for each in files if each.is_socket()),
        ],
        "folder": str(running.keeper.folder),
        "marker": str(marker),
        "files": list(map(str, files)),
        "pids": [each.pid for each in processes(running)],
    }
    out = as_user(user, python_of(user), "-I", "-c", ATTACK, json.dumps(targets))
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout)


def as_user(user, *words):
    import pwd

    account = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    return subprocess.run(words, capture_output=True, text=True, cwd="/", timeout=120, **account)


def python_of(user):
    """A Python that the attacker can run: that of these tests may be in somebody's home."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError):
            if as_user(user, path, "-I", "-c", "import socket").returncode == 0:
                return path
    pytest.skip(f"there is no Python here that {user} can run")


def found(running):
    """What a client finds now, or None if nobody answers just now."""
    with contextlib.suppress(Unavailable):
        return running.serve("get", "seats", timeout=5_000)
    return None


def processes(running):
    """All processes of an engine."""
    found = [psutil.Process(node.pid) for node in running.nodes]
    return found + [child for each in found for child in each.children(recursive=True)]


def listening(*several):
    """Where some processes listen."""
    for process in several:
        with contextlib.suppress(psutil.NoSuchProcess):  # PostgreSQL's come and go
            links = process.net_connections("inet")
            yield from (link for link in links if link.status == psutil.CONN_LISTEN)


def words(running):
    """What everybody can read of an engine's command lines."""
    for process in processes(running):
        with contextlib.suppress(psutil.NoSuchProcess):
            yield from process.cmdline()


@every_engine
@as_whom
def test_an_attacker_reads_writes_and_runs_nothing(make, user, tmp_path):
    marker = tmp_path / "anybody"
    marker.mkdir(mode=0o777)
    for folder in [marker, *marker.parents[:3]]:
        folder.chmod(0o777)
    with started(make) as running:
        running.serve("put", "seats", TREASURE, timeout=5_000)
        heard = attack(running, marker, user)
        assert heard["calls"] > len(running.nodes)
        assert TREASURE not in heard["answers"]
        assert running.secret not in json.dumps(heard)
        assert list(marker.iterdir()) == []  # nothing ran, nothing was written
        until(lambda: found(running) == TREASURE, "the value as it was")
        assert all(node.up and psutil.pid_exists(node.pid) for node in running.nodes)
        if user:
            assert heard["user"] != os.geteuid()
            assert heard["opened"] == []
            assert heard["listed"] == []


@every_engine
def test_nothing_listens_but_on_this_computer(make):
    with started(make) as running:
        found = {link.laddr.ip for link in listening(psutil.Process(), *processes(running))}
        assert found <= {"127.0.0.1"}


@pytest.mark.engine
def test_etcd_has_no_port():
    with started(engines.Etcd) as running:
        assert list(listening(*processes(running))) == []
    with started(engines.Redis) as running:  # the same look finds what is there
        assert list(listening(*processes(running)))


@every_engine
def test_each_start_has_a_secret_of_its_own_that_no_command_line_shows(make):
    seen = set()
    for _ in range(2):
        with started(make) as running:
            assert not any(running.secret in word for word in words(running))
            assert len(running.secret) >= 32
            seen.add(running.secret)
            assert open_to_others(running.keeper.folder) == []
    assert len(seen) == 2


def open_to_others(folder):
    """What is in a folder and open to others, unless they cannot get into it at all."""
    inside = {each: each.stat().st_mode & 0o077 for each in folder.iterdir()}
    return [] if folder.stat().st_mode & 0o077 == 0 else [each for each in inside if inside[each]]


@every_engine
def test_the_attack_would_work_for_who_knows_the_secret(make):
    """Else the attacks above would prove nothing."""
    with started(make) as running:
        running.serve("put", "seats", TREASURE, timeout=5_000)
        knows = payloads(running.secret, getattr(running, "_token", ""))
        answers = [talk(node.port, each) for node in running.nodes for each in knows]
    needs_more = make.title == "PostgreSQL"  # a handshake: its clients are the proof
    assert any(TREASURE in decode(each) for each in answers) != needs_more
