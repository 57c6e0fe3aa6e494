"""One run of a schedule on a fresh store: what each client was told, and what the network felt."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypeAlias

from capkit.adversary.calm_network import LATENCY, calm
from capkit.adversary.schedules import Schedule, Step
from capkit.consistency import linearizable
from capkit.history import History, NodeId, Operation, Outcome
from capkit.history.equality import identity
from capkit.history.records import as_processes
from capkit.network import Network, Partition
from capkit.network.network import Luck
from capkit.stores import Maker, Node, Store, Unavailable, build
from capkit.stores.cluster import Process

Link: TypeAlias = tuple[NodeId | None, NodeId | None]

KEY = "x"
_HALF = 0.5  # ms between a fault's end or beginning and the requests before and after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is the same in all runs of one hunt.

    Attributes
    ----------
    size : int
        Nodes, numbered from 0.
    timeout : float
        Ms that a client waits for its answer.
    middle : float
        Ms after which a late fault falls into a request.
    """

    size: int = 3
    timeout: float = 300.0
    middle: float = 25.0


@dataclass(slots=True, kw_only=True)
class Trial:
    """What a run of a schedule has shown.

    Attributes
    ----------
    operations : list of Operation
        One for each step.
    store : Store
        As the run left it.
    refusal : str
        What the last client that got no answer was told.
    links : dict
        For each pair of nodes, when (ms) since the last request began a message last looked
        whether the way between them was open.
    heard : dict
        For each pair of nodes, when a message last came that way, or somebody asked whether it was
        open, before the last request was answered.
    """

    operations: list[Operation] = field(default_factory=list)
    store: Store
    refusal: str = ""
    links: dict[Link, float] = field(default_factory=dict)
    heard: dict[Link, float] = field(default_factory=dict)

    def history(self) -> History:
        """What the clients saw, with the faults, the messages and the copies."""
        operations = as_processes(self.operations, len(self.store.nodes))
        messages, copies = self.store.network.messages or (), self.store.copies
        faults = self.store.network.faults
        return History(operations, faults=faults, messages=messages, copies=copies)

    def would_not_feel(self, step: Step, middle: float, *, answer_alone: bool) -> bool:
        """Whether the last step would be the same run under the fault of `step`.

        A late fault comes after the answer, or no message looks at a link that the cut closes.
        Where the answer alone matters, nothing comes over such a link before it.
        """
        last = self.operations[-1]
        if step.late and last.invoked + middle >= last.completed:
            return True
        since = last.invoked + (middle if step.late else -_HALF)
        links = self.heard if answer_alone else self.links
        felt = [link for link, when in links.items() if when >= since]
        return step.fault == "cut" and not any(step.crosses(*link) for link in felt)


class Watched(Network):
    """A calm network that notes who looked at which link when, and is fast: hunts need thousands.

    It does what a calm network does, on which each result is replayed. It only draws no luck that
    would change nothing, and drops a message as soon as a cut stops it.
    """

    def __init__(self) -> None:
        self._clear()
        vars(self).update(_settings())
        self.looked: dict[Link, float] = {}
        self.heard: dict[Link, float] = {}

    def _refresh(self) -> None:
        """Take from earlier runs which links the cuts of now close."""
        super()._refresh()
        self._cut = _ways(tuple(each for each in self._active if isinstance(each, Partition)))

    def draws(self, operation: int, purpose: str, attempt: int = 0) -> list[list[float]]:
        """The luck of any calm network, which the runs of a hunt share."""
        return _luck(len(self.nodes), operation, purpose, attempt)

    def reaches(self, source: NodeId | None, target: NodeId | None) -> bool:
        """Whether no cut stops a message now; that somebody asked is noted."""
        self.looked[source, target] = self.heard[source, target] = self.env.now
        return super().reaches(source, target)

    def send(
        self,
        label: str,
        source: NodeId | None,
        target: NodeId | None,
        deliver: Callable[[], object],
        luck: Luck,
        *,
        reply: bool = False,
        operation: int | None = None,
    ) -> None:
        """Send one message, which takes as long as any other."""
        if self._still:
            super().send(label, source, target, deliver, luck, reply=reply, operation=operation)
        elif self._passes(source, target):
            arrival: Any = self.env.timeout(LATENCY if source != target else 0.0)
            arrival.callbacks.append(partial(self._arrive, source, target, deliver))

    def _passes(self, source: NodeId | None, target: NodeId | None) -> bool:
        """Whether the way is open and both ends are up, asked many thousand times."""
        link = source, target
        self.looked[link] = self.env.now
        cut = self._cut.get(link)
        if cut or (cut is None and not super().reaches(source, target)):
            return False
        nodes = self.nodes
        return (source is None or nodes[source].up) and (target is None or nodes[target].up)

    def _arrive(
        self,
        source: NodeId | None,
        target: NodeId | None,
        deliver: Callable[[], object],
        _: object = None,
    ) -> None:
        self.heard[source, target] = self.env.now
        if target in self._still:
            self.when_awake(target, partial(self._arrive, source, target, deliver))
        elif self._passes(source, target):
            deliver()


@lru_cache(maxsize=2**10)
def _ways(cuts: tuple[Partition, ...]) -> dict[Link, bool]:
    """Which links these cuts close; `Network.reaches` fills it in, always with the same."""
    return {}


@lru_cache(maxsize=1)
def _settings() -> dict[str, Any]:
    """What a calm network has beside its conditions."""
    bare = Network.__new__(Network)
    bare._clear()
    return {name: value for name, value in vars(calm()).items() if name not in vars(bare)}


@lru_cache(maxsize=2**16)
def _luck(size: int, *what: Any) -> list[list[float]]:
    return _source(size).draws(*what)


@lru_cache(maxsize=8)
def _source(size: int) -> Network:
    return Store([Node(i) for i in range(size)], calm()).network


def attempt(make: Maker, schedule: Schedule, rules: Rules, network: Network | None = None) -> Trial:
    """Run a schedule on a fresh store."""
    network = Watched() if network is None else network
    store = build(make, rules.size, network)
    trial = Trial(store=store, links=getattr(network, "looked", {}))
    try:
        network.env.run(until=network.env.process(_live(trial, schedule, rules)))
    except Exception as error:
        shown = "; ".join(map(str, schedule))
        raise RuntimeError(f"{type(error).__name__} in the schedule {shown}: {error}") from error
    return trial


def refuse_own_luck(make: Maker, schedules: Iterable[Schedule], rules: Rules) -> None:
    """Raise ValueError if two runs of one schedule differ, since no search could trust them."""
    for schedule in schedules:
        first, second = (attempt(make, schedule, rules) for _ in range(2))
        if (first.operations, first.links) != (second.operations, second.links):
            shown = "; ".join(map(str, schedule))
            raise ValueError(
                "make must give stores that draw luck from their network alone and share nothing, "
                f"got two runs that differ under the same schedule ({shown}): look for `random`, "
                "and for variables that outlive a store"
            )


def _live(trial: Trial, schedule: Schedule, rules: Rules) -> Process:
    """Ask for one step after the other, each with its fault."""
    env, puts = trial.store.env, 0
    for step in schedule:
        trial.links.clear()
        getattr(trial.store.network, "heard", {}).clear()
        puts += step.kind == "put"
        trouble = _Trouble(trial, step)
        if step.late:
            trial.store.network.after(_HALF + rules.middle, trouble.begin)
        else:
            trouble.begin()
        yield env.timeout(_HALF)
        yield from _ask(trial, step, puts if step.kind == "put" else None, rules)
        yield env.timeout(_HALF)
        trouble.end()


class _Trouble:
    """The fault of one step, which begins unless the step is over, and ends if it has begun."""

    def __init__(self, trial: Trial, step: Step) -> None:
        self.network, self.step, self.over = trial.store.network, step, not step.fault

    def begin(self) -> None:
        if not self.over:
            self.network.begin(self.step.trouble)

    def end(self) -> None:
        self.over = True
        if self.step.fault:
            self.network.end(self.step.trouble)


def _ask(trial: Trial, step: Step, value: Any, rules: Rules) -> Process:
    env = trial.store.env
    invoked, outcome = float(env.now), Outcome.OK
    try:
        answer = yield from trial.store.serve(
            step.kind, KEY, value, at=step.at, timeout=rules.timeout
        )
        value = answer if step.kind == "get" else value
    except Unavailable as refusal:
        outcome = Outcome.FAIL if refusal.certain else Outcome.UNKNOWN
        trial.refusal = str(refusal)
    trial.heard = dict(getattr(trial.store.network, "heard", {}))
    trial.operations.append(
        Operation(
            kind=step.kind,
            key=KEY,
            value=value,
            invoked=invoked,
            completed=float(env.now),
            outcome=outcome,
            client=step.at,
            node=step.at,
            deadline=invoked + rules.timeout,
        )
    )


def half_done(trial: Trial) -> bool:
    """Whether a get has returned the value of a put that was not acknowledged."""
    answered = [each for each in trial.operations if each.outcome is Outcome.OK]
    seen = {identity(each.value) for each in answered if each.kind == "get"}
    puts = (each for each in trial.operations if each.kind == "put")
    return any(each.outcome is not Outcome.OK and identity(each.value) in seen for each in puts)


def breaks(trial: Trial, schedule: Schedule, letter: str) -> bool:
    """Whether a run breaks a letter, whose shorter beginnings did not."""
    if letter == "C":
        return _contradicts(tuple((o.kind, identity(o.value), o.outcome) for o in trial.operations))
    last, step = trial.operations[-1], schedule[-1]
    stopped = step.fault not in ("", "cut") and last.node in tuple(step.hit)
    return last.outcome is not Outcome.OK and not stopped


@lru_cache(maxsize=2**16)
def _contradicts(seen: tuple[tuple[str, Hashable, Outcome], ...]) -> bool:
    """What the judge says of requests one after the other; their times add nothing."""
    operations = [
        Operation(
            kind=kind,
            key=KEY,
            value=None if value == identity(None) else value,
            invoked=2.0 * i,
            completed=2.0 * i + 1,
            outcome=outcome,
            client=i,
        )
        for i, (kind, value, outcome) in enumerate(seen)
    ]
    return linearizable(History(operations)).ok is False
