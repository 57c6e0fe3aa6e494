"""Nothing of an engine is left behind, whoever is killed."""

import os
import signal
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from jupyter_client.manager import start_new_kernel
from support.engines import every_engine, left, started, until

from capkit import Crash, Unavailable, engines
from capkit.engines.guard import sweep
from capkit.engines.server import Keeper

SOON = 5  # seconds


@every_engine
def test_many_lives_leave_nothing(make, engine_runs):
    for _ in range(2 if engine_runs == 1 else 10 * engine_runs):
        with started(make) as running:
            folder, guard = running.keeper.folder, running.keeper.pid
            pids = [guard, *(node.pid for node in running.nodes)]
            ports = [node.port for node in running.nodes]
            assert all(map(psutil.pid_exists, pids))
            assert folder.exists()
        assert left(pids, ports, folder) == []


CELL = """
from capkit import Crash, engines
engine = engines.{}().__enter__()
print(engine.keeper.folder, engine.keeper.pid, *(f"{{n.pid}}:{{n.port}}" for n in engine.nodes))
engine.strike(Crash(node=0))
"""


def printed(content):
    """What a message of a kernel has to print; warnings come by another stream."""
    return content.get("text", "") if content.get("name") == "stdout" else ""


@every_engine
def test_a_kernel_killed_with_9_leaves_nothing_after_five_seconds(make, engine_runs):
    try:
        make().find()
    except engines.NotInstalled as missing:
        pytest.skip(str(missing))
    for _ in range(max(1, engine_runs)):
        manager, client = start_new_kernel(kernel_name="python3")
        lines = []
        try:
            client.execute_interactive(
                CELL.format(make.__name__),
                timeout=60,
                output_hook=lambda m, lines=lines: lines.append(printed(m["content"])),
            )
            folder, guard, *servers = "".join(lines).split()
            pids = [int(guard), *(int(each.partition(":")[0]) for each in servers)]
            doors = [each.partition(":")[2] for each in servers]
            ports = [int(door) for door in doors if door.isdigit()]
            assert all(map(psutil.pid_exists, pids[:1] + pids[2:]))
            os.kill(manager.provisioner.pid, signal.SIGKILL)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
        found = partial(left, pids, ports, folder)
        until(lambda found=found: not found(), "the end", SOON)


@every_engine
def test_a_guard_killed_with_9_leaves_nothing_and_is_missed_in_words(make, engine_runs):
    for _ in range(max(1, engine_runs // 4)):
        with started(make) as running:
            folder, guard = running.keeper.folder, running.keeper.pid
            pids = [guard, *(node.pid for node in running.nodes)]
            ports = [node.port for node in running.nodes]
            running.strike(Crash(node=0))
            os.kill(guard, signal.SIGKILL)
            found = partial(left, pids, ports, folder)
            until(lambda found=found: not found(), "the end", SOON)
            with pytest.raises(Unavailable):
                running.serve("get", "x", timeout=300)
            with pytest.raises(engines.StartFailed, match=r"the guard .* ended unexpectedly"):
                running.heal()
        running.close()  # nor does it complain


@every_engine
def test_an_engine_runs_in_its_block_only(make):
    with started(make) as running:
        running.strike(Crash(node=0))  # a fault that lasts must not hide the end
        with pytest.raises(RuntimeError, match="must not be started twice"):
            running.__enter__()
    for call in (running.get, lambda key: running.put(key, 1)):
        with pytest.raises(RuntimeError, match="the engine is not running: use it in `with "):
            call("x")
    with pytest.raises(RuntimeError, match="the engine is not running"):
        make().get("x")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sh")
def test_a_command_that_is_not_over_ends_with_its_children_who_write_until_the_end():
    keeper = Keeper()
    busy = "mkdir data; (i=0; while :; do i=$((i+1)); echo x > data/$i; done) & wait"
    settings = {"user": None, "stop": "SIGKILL", "environment": {}}
    pid = keeper.start(["sh", "-c", busy], keeper.folder / "setup.log", **settings)
    until(lambda: (keeper.folder / "data" / "9").exists(), "the first files")
    pids = [keeper.pid, pid, *(each.pid for each in psutil.Process(pid).children())]
    assert len(pids) == 3
    keeper.close()
    assert left(pids, [], keeper.folder) == []


def test_a_folder_with_half_a_pid_file_is_removed_too(tmp_path):
    folder = tmp_path / "engine"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "postmaster.pid").write_text("1\n" * 6 + "many words\n")
    sweep([], str(folder))
    assert not folder.exists()


@pytest.mark.engine
@pytest.mark.skipif(os.name == "nt", reason="Windows interrupts in another way")
@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.5])
def test_an_interrupt_while_an_engine_starts_leaves_nothing(seconds, monkeypatch):
    make = partial(started, engines.PostgreSQL)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's own account has to pass
        monkeypatch.setenv("TMPDIR", folder)
        threading.Timer(seconds, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt), make():
            time.sleep(60)
        signal.signal(signal.SIGINT, before)
        assert list(Path(folder).iterdir()) == []


def test_a_guard_that_says_nothing_is_dismissed(monkeypatch):
    monkeypatch.setattr(Keeper, "_answer", lambda _: 1 / 0)
    before = {each.pid for each in psutil.Process().children()}
    with pytest.raises(ZeroDivisionError):
        engines.SQLite().__enter__()
    assert {each.pid for each in psutil.Process().children()} <= before


def test_cables_are_closed_if_the_guard_does_not_start(monkeypatch):
    def fail():
        raise OSError("no process left")

    monkeypatch.setattr("capkit.engines.engine.Keeper", fail)
    running = engines.SQLite()
    with pytest.raises(OSError, match="no process left"):
        running.__enter__()
    assert not running.cables._thread.is_alive()
