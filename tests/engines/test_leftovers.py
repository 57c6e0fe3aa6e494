"""Nothing of an engine is left behind, whoever is killed."""

import contextlib
import os
import signal
from functools import partial

import psutil
import pytest
from jupyter_client.manager import start_new_kernel
from support.engines import every_engine, left, started, until

from capkit import Crash, Unavailable, engines

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


@every_engine
def test_a_kernel_killed_with_9_leaves_nothing_after_five_seconds(make, engine_runs):
    with contextlib.suppress(engines.NotInstalled):
        make().find()
    for _ in range(max(1, engine_runs)):
        manager, client = start_new_kernel(kernel_name="python3")
        lines = []
        try:
            client.execute_interactive(
                CELL.format(make.__name__),
                timeout=60,
                output_hook=lambda m, lines=lines: lines.append(m["content"].get("text", "")),
            )
            folder, guard, *servers = "".join(lines).split()
            pids = [int(guard), *(int(each.split(":")[0]) for each in servers)]
            ports = [int(each.split(":")[1]) for each in servers]
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
