"""Real engines for tests: started or shared, waited for, and looked after when they have ended."""

import contextlib
import itertools
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from capkit import History, Operation, Partition, Workload, engines

# SQLite needs nothing, so its tests run everywhere; CI asks for all others.
EVERY = [
    pytest.param(make, id=make.title, marks=[] if make is engines.SQLite else pytest.mark.engine)
    for make in engines.ALL
]
every_engine = pytest.mark.parametrize("make", EVERY)
CUT = Partition(at=600, until=1_800, groups=[{0}])
WORKLOAD = Workload(clients=6, duration=2_400, rate=5, timeout=400, rng=7)

BEGAN = int(time.time())
_shared = {}
_numbers = itertools.count()


@contextlib.contextmanager
def started(make, **options):
    """A running engine of one's own, or a skip where its program is not installed."""
    try:
        with make(**options) as running:
            yield running
    except engines.NotInstalled as missing:
        pytest.skip(str(missing))


def shared(make, **options):
    """A running and healed engine that all tests share which leave its nodes as they are."""
    name = repr((make, options))
    try:
        if name not in _shared:
            _shared[name] = make(**options).__enter__()
    except engines.NotInstalled as missing:
        pytest.skip(str(missing))
    _shared[name].heal()
    return _shared[name]


def close_shared():
    """Stop the engines that tests have shared."""
    while _shared:
        _shared.popitem()[1].close()


def fresh(workload, **changes):
    """The same workload with keys that nobody has used."""
    number = next(_numbers)
    return replace(workload, keys=[f"{key} {number}" for key in workload.keys], **changes)


def until(holds, what, seconds=20):
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.02)


def with_last_gets(running, history):
    """The history, and what clients find at every node, one after the other, when all is healed."""
    running.heal()
    rows, last = list(history), max(each.completed for each in history) + 1_000
    for key, node in itertools.product(history.keys, running.nodes):
        value = running.serve("get", key, at=node.id, timeout=5_000)
        client = 100 + len(rows)
        rows.append(
            Operation(kind="get", key=key, value=value, invoked=last, completed=last + 1,
                      client=client, node=node.id)
        )  # fmt: skip
        last += 2
    return History(rows, faults=history.faults)


def alive(pids):
    """Those of these processes that still run."""
    return [pid for pid in pids if _status(pid) not in (None, psutil.STATUS_ZOMBIE)]


def _status(pid):
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status()
    return None


def shared_memory(pids):
    """Segments of shared memory that these processes have made, where the system shows them.

    Older ones are those of processes that had the same numbers before.
    """
    table = Path("/proc/sysvipc/shm")
    rows = [line.split() for line in table.read_text().splitlines()] if table.exists() else []
    segments = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    recent = [each for each in segments if int(each["ctime"]) >= BEGAN]
    return [each["shmid"] for each in recent if int(each["cpid"]) in pids]


def left(pids, ports, folder):
    """What is left of an engine: processes, open ports, its folder with its sockets, memory."""
    from capkit.engines.server import listens

    remains = [f"process {pid}" for pid in alive(pids)]
    remains += [f"port {port}" for port in ports if isinstance(port, int) and listens(port)]
    remains += [str(folder)] if Path(folder).exists() else []
    return remains + [f"segment {each}" for each in shared_memory(pids)]
