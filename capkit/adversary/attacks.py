"""The hunt: all schedules, shortest first, until one of them breaks a letter of the theorem."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from capkit._arguments import choice, count, flag, instance, number, several, shown
from capkit.adversary.calm_network import calm
from capkit.adversary.hunt import Hunt, search
from capkit.adversary.schedules import FAULTS, Schedule, Step, steps
from capkit.adversary.trials import Rules, attempt, breaks, refuse_own_luck
from capkit.consistency import Verdict, linearizable
from capkit.history import History, Operation, Outcome
from capkit.stores import Maker, name_of


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Attack:
    """The smallest schedule that breaks a letter, or that there is none so short.

    It prints as a story.

    Attributes
    ----------
    store : str
        What was attacked.
    letter : {"C", "A"}
        What was to be broken.
    longest : int
        Steps up to which every schedule was decided.
    schedule : tuple of Step, or None
        The smallest that breaks the letter; None if none up to `longest` does.
    history : History, or None
        What its clients saw, with faults, messages and copies.
    verdict : Verdict, or None
        Of `linearizable`, where C is broken.
    reason : str
        Why the letter is broken, in one sentence.
    tried : int
        Different runs that it took to know.
    schedules : int
        All that there are, up to `longest` steps: some of them are the same run.
    """

    store: str
    letter: str
    longest: int
    schedule: Schedule | None = None
    history: History | None = None
    verdict: Verdict | None = None
    reason: str = ""
    tried: int
    schedules: int

    @property
    def steps(self) -> int | None:
        """Steps of the smallest schedule, or None."""
        return None if self.schedule is None else len(self.schedule)

    def __repr__(self) -> str:
        if self.schedule is None or self.history is None:
            return (
                f"Nothing up to {_words(self.longest)} breaks {self.letter} of {self.store}. "
                f"All {self.schedules:,} schedules were decided, by {self.tried:,} different "
                "runs. That is no proof: a longer one may."
            )
        verb = "breaks" if self.steps == 1 else "break"
        words = f"{_words(len(self.schedule))} {verb} {self.letter} of {self.store}"
        lines = [f"{words}, and nothing smaller does (run {self.tried:,}):"]
        told = zip(self.schedule, self.history, strict=True)
        lines += [f"{i}. {step}: {_told(operation)}" for i, (step, operation) in enumerate(told)]
        return "\n".join([*lines, f"So {self.reason}."])


def _words(steps: int) -> str:
    return f"{steps} step{'s' * (steps != 1)}"


def _told(operation: Operation) -> str:
    silent = operation.outcome is not Outcome.OK
    if operation.kind == "put":
        return f"writes {operation.value}" + (", and gets no answer" if silent else "")
    return "gets no answer" if silent else f"returns {operation.value}"


def attack(
    make: Maker,
    letter: str,
    longest: int = 3,
    *,
    nodes: int = 3,
    faults: Iterable[str] = ("cut",),
    late: bool = True,
    timeout: float = 300.0,
    middle: float = 25.0,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Attack:
    """Find the smallest schedule that breaks a letter of the theorem, by trying all of them.

    A schedule is a few requests one after the other, each with at most one fault that lasts until
    it is over. They are tried shortest first, so the first that breaks the letter is the smallest,
    and "none" means none. C is broken when the judge says that the history is not linearizable; A
    when the client of a node that runs gets no answer by its deadline.

    Parameters
    ----------
    make : callable
        A Store class, or a function of (nodes, network) that returns a fresh store.
    letter : {"C", "A"}
        What to break.
    longest : int
        Most steps of a schedule, at least 1.
    nodes : int
        Nodes of the store, at least 1.
    faults : collection of {"cut", "crash", "amnesia", "pause"}
        What may go wrong; see `Step`.
    late : bool
        Whether a fault may also fall into the middle of a request.
    timeout : float
        Ms that a client waits for an answer; a message takes 10 ms one way.
    middle : float
        Ms after which a late fault falls into a request: 25 is in the middle of the way out of
        the second round trip.
    executor : concurrent.futures.Executor, optional
        Who does the runs, for example a `ProcessPoolExecutor`, or `Client.get_executor()` of a
        Dask cluster. The result is the same with any number of workers.
    progress : bool, optional
        Whether to show a bar once the hunt has taken a second; by default with an executor.

    Returns
    -------
    Attack
        Its run has been repeated on a new store before it is reported.

    Raises
    ------
    ValueError
        If an argument is out of range, or two runs of one schedule differ.
    TypeError
        If `make` makes no store.
    RuntimeError
        If the store raises something else than `Unavailable`, or what was found is not so when it
        is run again; the message names the schedule.

    Notes
    -----
    Schedules that differ in what no message felt are one run, and are tried once: a cut across
    which nothing was sent, a fault that would come after the answer, the two names of one cut, and
    at the last step a cut across which nothing came before the answer. Nodes are never taken for
    alike: most stores hear first from those that are named first. Takes
    O((2 * nodes * faults)**longest) runs.

    Examples
    --------
    >>> from capkit import APStore, CPStore
    >>> attack(APStore, "C")
    2 steps break C of APStore, and nothing smaller does (run 29):
    0. put at node 0: writes 1
    1. get at node 1: returns None
    So get #1 returned None, the initial value, although put #0 of 1 had finished 1 ms before the \
get began.
    >>> attack(CPStore, "A").steps
    1
    """
    rules = _rules(nodes, timeout, middle)
    kinds = [choice("faults", fault, FAULTS) for fault in several("faults", faults, "names")]
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor must be a concurrent.futures.Executor, got {shown(executor)}")
    if progress is not None:
        flag("progress", progress)
    hunt = Hunt(
        make=make,
        letter=choice("letter", letter, ("C", "A")),
        longest=count("longest", longest),
        rules=rules,
        options=steps(nodes, kinds, flag("late", late)),
    )
    refuse_own_luck(make, _told_apart(hunt.options), rules)
    schedule, tried = search(hunt, executor, executor is not None if progress is None else progress)
    return reported(hunt, name_of(make), schedule, tried)


def _told_apart(options: Sequence[Step]) -> list[Schedule]:
    """Every step alone, and after a put: luck may come into play where a node has a value."""
    calm = [step for step in options if not step.fault]
    pairs = [(first, then) for first in calm if first.kind == "put" for then in calm]
    return [*((step,) for step in options), *pairs]


def reported(hunt: Hunt, store: str, schedule: Schedule | None, tried: int) -> Attack:
    """What was found, after it has been run again."""
    lengths = range(1, hunt.longest + 1)
    return Attack(
        store=store,
        letter=hunt.letter,
        longest=hunt.longest,
        tried=tried,
        schedules=sum(len(hunt.options) ** length for length in lengths),
        **(_replayed(hunt, schedule) if schedule else {}),
    )


def _rules(nodes: int, timeout: float, middle: float) -> Rules:
    return Rules(
        size=count("nodes", nodes),
        timeout=number("timeout", timeout, 1, 1e6),
        middle=number("middle", middle, 0, timeout),
    )


def _replayed(hunt: Hunt, schedule: Schedule) -> dict[str, Any]:
    """What a new store on a plain network does under the schedule, which is to break the letter."""
    refuse_own_luck(hunt.make, [schedule], hunt.rules)
    network = calm()
    network.messages = []
    trial = attempt(hunt.make, schedule, hunt.rules, network)
    if not breaks(trial, schedule, hunt.letter):
        listed = "; ".join(map(str, schedule))
        raise RuntimeError(
            f"{name_of(hunt.make)} was found to give up {hunt.letter}, and does not when it is run "
            f"again: {listed}"
        )
    history = trial.history()
    verdict = linearizable(history) if hunt.letter == "C" else None
    silent = f"node {schedule[-1].at} runs, and its client is told: {trial.refusal}"
    reason = silent if verdict is None else verdict.reason
    return {"schedule": schedule, "history": history, "verdict": verdict, "reason": reason}


def replay(
    make: Maker,
    schedule: Sequence[Step],
    *,
    nodes: int = 3,
    timeout: float = 300.0,
    middle: float = 25.0,
) -> History:
    """Run one schedule, made by hand or found by `attack`, on a fresh store.

    Parameters
    ----------
    make : callable
        A Store class, or a function of (nodes, network) that returns a fresh store.
    schedule : sequence of Step
        At least one.
    nodes, timeout, middle
        As for `attack`.

    Returns
    -------
    History
        What the clients saw, with faults, messages and copies.

    Raises
    ------
    ValueError
        If there is no step, or one names a node that the store does not have.

    Examples
    --------
    >>> from capkit import APStore
    >>> [each.value for each in replay(APStore, [Step("put", 0), Step("get", 1)])]
    [1, None]
    """
    rules = _rules(nodes, timeout, middle)
    schedule = several("schedule", schedule, "steps")
    count("schedule", len(schedule))
    for step in schedule:
        instance("each of schedule", step, Step)
        for node in (step.at, *step.hit):
            if node not in range(nodes):
                raise ValueError(
                    f"schedule must name nodes 0 to {nodes - 1}, got {node} in '{step}'"
                )
    network = calm()
    network.messages = []
    return attempt(make, tuple(schedule), rules, network).history()
