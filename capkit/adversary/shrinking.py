"""From a long run that fails to one from which nothing can be dropped, by delta debugging."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from capkit._arguments import choice, count
from capkit.adversary.calm_network import calm
from capkit.consistency import Verdict, availability, linearizable
from capkit.consistency.smaller import smallest
from capkit.history import Fault, History
from capkit.network import Network
from capkit.stores import Maker, build, name_of
from capkit.workload import Arrival, Requests, Workload, run

_LEAST = 1.0  # ms by which a fault is shortened at least


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Shrunk:
    """A run that still fails, and would not without any one of its parts.

    It prints as a sentence and a list.

    Attributes
    ----------
    store : str
        What it is a run of.
    letter : {"C", "A"}
        What fails.
    workload : Requests
        The requests that are left, at their old times.
    faults : tuple of faults
        Those that are left, as short as they can be.
    history : History
        What the clients see, with every message.
    verdict : Verdict
        Of `linearizable`.
    before : (int, int)
        How many requests and faults there were.
    runs : int
        How many runs it took.
    """

    store: str
    letter: str
    workload: Requests
    faults: tuple[Fault, ...]
    history: History
    verdict: Verdict
    before: tuple[int, int]
    runs: int

    def __repr__(self) -> str:
        was, now = (
            f"{requests} request{'s' * (requests != 1)} and {faults} fault{'s' * (faults != 1)}"
            for requests, faults in (self.before, (len(self.history), len(self.faults)))
        )
        silent = "a client of a node that is up gets no answer"
        what = self.verdict if self.letter == "C" else silent
        lines = [f"From {was} to {now}, in {self.runs:,} runs of {self.store}: {what}."]
        lines += [f"{each} from {each.at:.0f} to {each.until:.0f} ms" for each in self.faults]
        return "\n".join(lines)


def shrink(
    make: Maker,
    workload: Workload,
    faults: Iterable[Fault] = (),
    *,
    letter: str = "C",
    nodes: int = 3,
    network: Callable[[], Network] = calm,
) -> Shrunk:
    """Drop from a failing run whatever it fails without, until nothing is left to drop.

    Requests and faults are left out, many at once and then one by one, and faults made shorter [1]_
    [2]_. Each attempt is a real run of a fresh store, and is kept if that still fails.

    Parameters
    ----------
    make : callable
        A Store class, or a function of (nodes, network) that returns a fresh store.
    workload : Workload
        What the clients ask for.
    faults : iterable of faults
        What goes wrong.
    letter : {"C", "A"}
        What fails: the history is not linearizable, or a client of a node that stays up gets no
        answer.
    nodes : int
        Nodes of the store.
    network : callable
        Makes the network of each run. By default it loses nothing and takes 10 ms for each message.

    Returns
    -------
    Shrunk
        It prints as a sentence. Without any one request or fault, or with one that is 1 ms shorter
        at either end, the run no longer fails.

    Raises
    ------
    ValueError
        If the run does not fail to begin with.

    Notes
    -----
    The luck of a message depends on its request's number, which changes when an earlier request
    is dropped. So on a network with luck another run is tried than before; it is a real one.

    Hypothesis would not do here: it shrinks what it has drawn itself, and no run that is given.

    References
    ----------
    .. [1] Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 2002.
    .. [2] Claessen, Hughes, "QuickCheck", ICFP 2000.

    Examples
    --------
    >>> from capkit import APStore
    >>> print(shrink(APStore, Workload(clients=3, rng=7)).history)
    <History of 2 operations, 2 answered>
    """
    requests, trouble = workload.arrivals(), list(faults)
    case = _Case(
        make=make,
        workload=workload,
        letter=choice("letter", letter, ("C", "A")),
        nodes=count("nodes", nodes),
        network=network,
    )
    before = len(requests), len(trouble)
    if not case.fails(requests, trouble):
        raise ValueError(f"workload must be a run that breaks {letter}, got one that does not")
    requests, trouble = _smallest(case, requests, trouble)
    left = case.requests(requests)
    history = case.run(requests, trouble, trace=True)
    return Shrunk(
        store=name_of(make),
        letter=case.letter,
        workload=left,
        faults=tuple(trouble),
        history=history,
        verdict=linearizable(history),
        before=before,
        runs=case.runs,
    )


@dataclass(slots=True, kw_only=True)
class _Case:
    """What stays the same in all runs, and how many there were."""

    make: Maker
    workload: Workload
    letter: str
    nodes: int
    network: Callable[[], Network]
    runs: int = field(default=0)

    def requests(self, left: Sequence[Arrival]) -> Requests:
        about = self.workload
        return Requests(
            requests=left, clients=about.clients, duration=about.duration, timeout=about.timeout
        )

    def run(
        self, requests: Sequence[Arrival], faults: Sequence[Fault], *, trace: bool = False
    ) -> History:
        self.runs += 1
        store = build(self.make, self.nodes, self.network())
        return run(store, self.requests(requests), faults, trace=trace)

    def fails(self, requests: Sequence[Arrival], faults: Sequence[Fault]) -> bool:
        history = self.run(requests, faults)
        if self.letter == "C":
            return linearizable(history).ok is False
        return availability(history) < 1


def _smallest(
    case: _Case, requests: list[Arrival], faults: list[Fault]
) -> tuple[list[Arrival], list[Fault]]:
    """Drop and shorten in turn, until neither changes anything."""
    while True:
        before = list(requests), list(faults)
        requests = smallest(requests, partial(case.fails, faults=faults))
        faults = smallest(faults, partial(case.fails, requests))
        for place in range(len(faults)):
            faults = _shorter(case, requests, faults, place)
        if (requests, faults) == before:
            return requests, faults


def _shorter(
    case: _Case, requests: Sequence[Arrival], faults: list[Fault], place: int
) -> list[Fault]:
    """Let a fault end sooner, then begin later, by half of it, and finally by 1 ms."""
    last = case.workload.duration + case.workload.timeout
    faults = _with(faults, place, until=min(faults[place].until, max(last, faults[place].at)))
    for end, way in (("until", -1.0), ("at", 1.0)):
        step = _length(faults[place])
        while _length(faults[place]) >= _LEAST:
            step = max(_LEAST, step / 2)
            moved = _with(faults, place, **{end: getattr(faults[place], end) + way * step})
            if step <= _length(faults[place]) and case.fails(requests, moved):
                faults, step = moved, 2 * step
            elif step == _LEAST:
                break
    return faults


def _length(fault: Fault) -> float:
    return fault.until - fault.at


def _with(faults: Sequence[Fault], place: int, **times: float) -> list[Fault]:
    """The faults, one of them with other times, of which the earlier is when it begins."""
    at, until = (times.get(name, getattr(faults[place], name)) for name in ("at", "until"))
    changed = replace(faults[place], at=min(at, until), until=max(at, until))
    return [*faults[:place], changed, *faults[place + 1 :]]
