"""Clients that use a real engine by the clock on the wall, while faults strike it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias

from capkit._arguments import RandomState, flag
from capkit.engines.engine import Engine
from capkit.engines.programs import NotInstalled
from capkit.engines.server import StartFailed
from capkit.history import Fault, History, Note, Operation, Outcome
from capkit.history.records import as_processes
from capkit.stores import Unavailable
from capkit.workload import Arrival, Workload

Step: TypeAlias = tuple[float, Callable[[], None]]

_LATE = 250.0  # ms after its time from which on an arrival counts as late


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
        Whether all faults end after the last answer, and one more client at each place then gets
        every key.

    Returns
    -------
    History
        Times in ms of the monotonic clock, from the start of the run. FAIL is what was never sent,
        or what the engine is documented to refuse before it does anything; all other
        errors are UNKNOWN, and so is what was not answered by its deadline. Among its faults a
        `Note` stands in the place of one that could not be carried out; more say which could not
        be ended, and how many arrivals came late, if this computer was too busy.

    Raises
    ------
    ValueError, TypeError
        If the engine does not know a fault or the node that it names, or a key is not a string;
        before anything happens.

    Examples
    --------
    >>> from capkit.engines import SQLite
    >>> with SQLite() as engine:
    ...     run(engine, Workload(clients=3, duration=500, timeout=5_000, rng=7))
    <History of 9 operations, 9 answered>
    """
    flag("audit", audit)
    faults = list(faults)
    engine.check(faults)
    for key in workload.keys:
        engine.check_key(key)
    if known := sorted(engine.keys & set(workload.keys)):
        raise ValueError(f"keys must be new to the engine, got {known[0]!r}, which has been put")
    if rng is not None:
        workload = replace(workload, rng=rng)
    crowd, operator = _Crowd(engine, workload), _Operator(engine)
    steps = operator.steps(faults, workload.duration + workload.timeout) + crowd.steps()
    _play(steps, crowd.start)
    operator.finish()
    asked = crowd.finish()
    noted = [*operator.seen(faults), *crowd.excuses()]
    clients = workload.clients
    if audit:
        asked += _audit(engine, workload, crowd.start)
        clients += len(engine.places)
    return History(as_processes(asked, clients), faults=noted)


class _Crowd:
    """The clients: a thread for each arrival, so that no request waits for another one."""

    def __init__(self, engine: Engine, workload: Workload) -> None:
        self._engine, self._workload = engine, workload
        self._arrivals = workload.arrivals()
        self._threads: list[threading.Thread] = []
        self._asked: list[tuple[Arrival, Operation]] = []
        self._errors: list[BaseException] = []
        self.start = time.monotonic()

    def steps(self) -> list[Step]:
        """When to ask for what."""
        return [(each.time, partial(self._begin, each)) for each in self._arrivals]

    def finish(self) -> list[Operation]:
        """Wait for the last answer or deadline, and return the operations in order."""
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]
        return sorted((each for _, each in self._asked), key=lambda each: each.invoked)

    def excuses(self) -> list[Note]:
        """What to say of arrivals that this computer was too busy for."""
        late = [
            (arrival, each) for arrival, each in self._asked if each.invoked > arrival.time + _LATE
        ]
        never = len(self._arrivals) - len(self._asked)
        if not late and not never:
            return []
        text = f"{len(late)} arrivals came more than {_LATE:.0f} ms late, {never} never"
        return [Note(at=min((arrival.time for arrival, _ in late), default=0.0), text=text)]

    def _begin(self, arrival: Arrival) -> None:
        with suppress(RuntimeError):  # no thread can be started any more; `excuses` counts it
            self._threads.append(_thread(partial(self._ask, arrival)))

    def _ask(self, arrival: Arrival) -> None:
        try:
            operation = _ask(self._engine, self._workload, self.start, arrival)
        except Exception as error:  # in its thread nobody would see it
            self._errors.append(error)
        else:
            self._asked.append((arrival, operation))


class _Operator:
    """The one thread that lets faults begin and end, one after the other."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._failed: dict[tuple[int, str], str] = {}
        self._thread = _thread(self._obey)

    def steps(self, faults: list[Fault], end: float) -> list[Step]:
        """When to order what; nothing is begun after `end`."""
        return [
            (at, partial(self._orders.put, partial(self._do, number, act, fault)))
            for number, fault in enumerate(faults)
            for at, act in ((fault.at, "strike"), (fault.until, "mend"))
            if at <= end
        ]

    def finish(self) -> None:
        """Wait until all orders have been carried out."""
        self._orders.put(None)
        self._thread.join()

    def seen(self, faults: list[Fault]) -> list[Fault]:
        """The faults, a note in the place of each that failed, and one of each that did not end."""
        noted, ends = [*faults], []
        for (number, act), reason in self._failed.items():
            fault = faults[number]
            if act == "mend":
                ends.append(Note(at=fault.until, text=f"{fault} did not end: {reason}"))
            else:
                text = f"{fault} failed: {reason}"
                noted[number] = Note(at=fault.at, until=fault.until, text=text)
        return [*noted, *ends]

    def _obey(self) -> None:
        while (order := self._orders.get()) is not None:
            order()

    def _do(self, number: int, act: str, fault: Fault) -> None:
        try:
            getattr(self._engine, act)(fault)
        except (Unavailable, StartFailed, RuntimeError) as error:
            self._failed[number, act] = str(error)
        except Exception as error:  # whatever it is, the next fault has to strike
            self._failed[number, act] = f"{type(error).__name__}: {error}"


def _audit(engine: Engine, workload: Workload, start: float) -> list[Operation]:
    """Let one more client at each place get every key, when all is healed."""
    engine.heal()
    keys = sorted(engine.keys & set(workload.keys))
    return [
        _ask(engine, workload, start, Arrival(0.0, workload.clients + n, "get", key, None, n))
        for n in range(len(engine.places))
        for key in keys
    ]


def run_or_replay(
    engine: Engine,
    workload: Workload,
    faults: Iterable[Fault] = (),
    *,
    recording: str | Path,
    audit: bool = False,
) -> History:
    """Start an engine, `run` it and stop it; where it is not installed, read a recorded run.

    It says so in words, and `engine.label` says what was recorded. With `CAPKIT_RECORD=1` in the
    environment the run is recorded anew.

    Parameters
    ----------
    engine : Engine
        One that is not running.
    workload, faults, audit
        As for `run`.
    recording : str or Path
        What `History.write` wrote of such a run. Beside it, `labels.json` has the engine's label.

    Returns
    -------
    History
        Of this run, or of the recorded one.

    Raises
    ------
    StartFailed
        If the engine is installed but does not start.
    """
    flag("audit", audit)
    file = Path(recording)
    labels = file.with_name("labels.json")
    known = json.loads(labels.read_text("utf-8")) if labels.exists() else {}
    try:
        with engine:
            history = run(engine, workload, faults, audit=audit)
    except NotInstalled as missing:
        print(f"{missing}. What follows is the recording of a real run.")
        engine.label = f"{known.get(file.name, engine.title)}, recorded"
        return History.read(file)
    if os.environ.get("CAPKIT_RECORD") == "1":
        history.write(file)
        known[file.name] = engine.label
        labels.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    return history


def _play(steps: list[Step], start: float) -> None:
    """Take every step at its time (ms after `start`). None of them waits for anything."""
    for at, step in sorted(steps, key=itemgetter(0)):
        time.sleep(max(0.0, start + at / 1_000 - time.monotonic()))
        step()


def _thread(target: Callable[[], None]) -> threading.Thread:
    """A running thread that does not keep Python alive when it ends or is interrupted."""
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


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
