"""Real databases behind the surface that the simulated stores have, under real faults.

Engines: `SQLite` (always there), `Etcd`, `Redis` and `PostgreSQL` (where they are installed); each
runs in a `with` block. `run` lets the clients of a `Workload` use one while faults strike it, by
the clock on the wall, and returns the same kind of `History` as for a simulated store.
What goes wrong: `Partition`, `Crash`, `Pause`, `Slow`, and a failover by hand, `Promote`.
`NotInstalled` says how to get a program that is not here, `StartFailed` what its log said.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from capkit._arguments import RandomState
from capkit.engines.engine import Engine
from capkit.engines.etcd import Etcd
from capkit.engines.postgresql import PostgreSQL
from capkit.engines.redis import Redis
from capkit.engines.server import NotInstalled, StartFailed
from capkit.engines.sqlite import SQLite
from capkit.history import Fault, History, Operation, Outcome
from capkit.network import Promote
from capkit.stores import Unavailable
from capkit.workload import Arrival, Workload, as_processes

__all__ = [
    "Engine",
    "Etcd",
    "NotInstalled",
    "PostgreSQL",
    "Promote",
    "Redis",
    "SQLite",
    "StartFailed",
    "run",
    "run_or_replay",
]

Script: TypeAlias = list[tuple[float, Executor, Callable[[], Any]]]

_THREADS = 500  # as many requests may wait at a time; a thread is made when it is needed


def run(
    engine: Engine,
    workload: Workload,
    faults: Iterable[Fault] = (),
    rng: RandomState = None,
    *,
    audit: bool = False,
) -> History:
    """Let clients use a real engine while faults strike it, and return what they saw.

    Parameters
    ----------
    engine : Engine
        A running one that holds nothing yet under the workload's keys.
    workload : Workload
        What the clients ask for. Client `i` is at place `i` of the engine (modulo their number)
        and is cut off together with it.
    faults : iterable of faults
        Partition, Crash (kill -9; restarted with its data), Pause, Slow or Promote, with times in
        ms from the start of the run. What outlasts the run lasts until `engine.heal()`.
    rng : int, numpy.random.Generator or None
        Seed of the arrivals; by default the workload's own.
    audit : bool
        Whether all faults end after the last answer, and one more client then gets every key.

    Returns
    -------
    History
        Times in ms of the monotonic clock, from the start of the run. FAIL is what was never sent,
        or what the engine is documented to refuse before it does anything; all other
        errors are UNKNOWN, and so is what was not answered by its deadline.

    Raises
    ------
    ValueError, TypeError
        If a fault is none for this engine or names no node, before anything happens.

    Examples
    --------
    >>> with SQLite() as engine:
    ...     run(engine, Workload(clients=3, duration=500, timeout=5_000, rng=7))
    <History of 9 operations, 9 answered>
    """
    faults = list(faults)
    engine.check(faults)
    if known := sorted(engine.keys & set(workload.keys)):
        raise ValueError(f"keys must be new to the engine, got {known[0]!r} which has been put")
    if rng is not None:
        workload = replace(workload, rng=rng)
    start = time.monotonic()
    with ThreadPoolExecutor(1) as operator, ThreadPoolExecutor(_THREADS) as clients:
        ask = partial(_ask, engine, workload, start)
        script: Script = [(each.time, clients, partial(ask, each)) for each in workload.arrivals()]
        for fault in faults:
            script.append((fault.at, operator, partial(engine.strike, fault)))
            script.append((fault.until, operator, partial(engine.mend, fault)))
        results = _play(script, start, workload.duration + workload.timeout)
    asked = [each for each in results if isinstance(each, Operation)]
    asked.sort(key=lambda each: each.invoked)
    if audit:
        asked += _audit(engine, workload, start)
    return History(as_processes(asked, workload.clients + audit), faults=faults)


def _audit(engine: Engine, workload: Workload, start: float) -> list[Operation]:
    engine.heal()
    keys = sorted(engine.keys & set(workload.keys))
    gets = [Arrival(0.0, workload.clients, "get", key, None) for key in keys]
    return [_ask(engine, workload, start, get) for get in gets]


def run_or_replay(
    engine: Engine,
    workload: Workload,
    faults: Iterable[Fault] = (),
    *,
    recording: str | Path,
    audit: bool = False,
) -> History:
    """Start an engine, `run` it and stop it; where it is not installed, read a recorded run.

    It says so in words. With `CAPKIT_RECORD=1` in the environment the run is recorded anew.

    Parameters
    ----------
    engine : Engine
        One that is not running.
    workload, faults, audit
        As for `run`.
    recording : str or Path
        What `History.write` wrote of such a run.

    Returns
    -------
    History
        Of this run, or of the recorded one.

    Raises
    ------
    StartFailed
        If the engine is installed but does not start.
    """
    try:
        with engine:
            history = run(engine, workload, faults, audit=audit)
    except NotInstalled as missing:
        print(f"{missing}. What follows is the recording of a real run.")
        return History.read(recording)
    if os.environ.get("CAPKIT_RECORD") == "1":
        history.write(recording)
    return history


def _play(script: Script, start: float, end: float) -> list[Any]:
    """Let every step until `end` begin at its time (ms after `start`), and collect the results.

    No step waits for another one, except that an operator has two hands only.
    """
    begun = []
    for at, executor, step in sorted(script, key=itemgetter(0)):
        if at <= end:
            time.sleep(max(0.0, start + at / 1_000 - time.monotonic()))
            begun.append(executor.submit(step))
    return [each.result() for each in begun]


def _ask(engine: Engine, workload: Workload, start: float, arrival: Arrival) -> Operation:
    """One client's one operation, from its arrival to its answer or its deadline."""
    _, client, kind, key, value, _ = arrival
    invoked = _clock(start)
    deadline = invoked + workload.timeout
    node = engine.places[arrival.node % len(engine.places)]
    answer, outcome = value, Outcome.OK
    try:
        answer = engine.serve(kind, key, value, at=node, timeout=workload.timeout)
    except Unavailable as refusal:
        outcome = Outcome.FAIL if refusal.certain else Outcome.UNKNOWN
    completed = _clock(start)
    if completed > deadline:  # nobody waits for it any more
        completed, answer, outcome = deadline, None, Outcome.UNKNOWN
    return Operation(
        kind=kind,
        key=key,
        value=answer if kind == "get" else value,
        invoked=invoked,
        completed=completed,
        outcome=outcome,
        client=client,
        node=node,
        deadline=deadline,
    )


def _clock(start: float) -> float:
    return (time.monotonic() - start) * 1_000
