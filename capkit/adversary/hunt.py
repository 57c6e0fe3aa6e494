"""The search behind `attack`: beginnings of schedules, each extended by every step that matters."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from time import monotonic
from typing import NamedTuple

from capkit.adversary.schedules import Schedule, Step
from capkit.adversary.trials import Rules, Trial, attempt, breaks, half_done
from capkit.adversary.workers import in_order
from capkit.stores import Maker

_BAR_AFTER = 1  # second
_CHUNK = 4  # beginnings that one task extends: long enough to be worth sending


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunt:
    """What is hunted for, and how: all that a worker needs to know.

    `options` are the steps that a schedule is made of, those without a fault first.
    """

    make: Maker
    letter: str
    longest: int
    rules: Rules
    options: Sequence[Step]


class Extended(NamedTuple):
    """What became of one beginning: how many runs, the first hit, and which steps mattered.

    `half_way` says of each of these whether a get had then seen a put that nobody acknowledged.
    """

    tried: int
    hit: Step | None
    felt: list[Step]
    half_way: list[bool]


def search(hunt: Hunt, executor: Executor | None, progress: bool) -> tuple[Schedule | None, int]:
    """The smallest schedule, if there is one, and how many runs it took to know."""
    tried = 0
    beginnings: list[Schedule] = [()]
    for length in range(1, hunt.longest + 1):
        longer: list[Schedule] = []
        half_way: list[bool] = []
        found = _extended(hunt, beginnings, length == hunt.longest, executor)
        shown = _with_bar(found, len(beginnings), f"{length} steps", progress)
        for beginning, each in zip(beginnings, shown, strict=False):
            tried += each.tried
            if each.hit:
                shown.close()
                found.close()
                return (*beginning, each.hit), tried
            longer += [(*beginning, step) for step in each.felt]
            half_way += each.half_way
        beginnings = _promising_first(longer, half_way)
    return None, tried


def _promising_first(beginnings: list[Schedule], half_way: list[bool]) -> list[Schedule]:
    """The same beginnings; within a length any order finds a smallest schedule, if there is one.

    Where a get has seen a put that may still fail, the next get may not see it.
    """
    ranked = sorted(zip(half_way, beginnings, strict=True), key=lambda each: not each[0])
    return [beginning for _, beginning in ranked]


def _with_bar(
    found: Iterator[Extended], total: int, name: str, progress: bool
) -> Generator[Extended, None, None]:
    """Pass results on, and show how far they are once that has taken a second."""
    from tqdm.auto import tqdm  # here, since in a notebook it loads ipywidgets

    start, bar = monotonic(), None
    try:
        for done, each in enumerate(found):
            if progress and bar is None and monotonic() - start >= _BAR_AFTER:
                bar = tqdm(total=total, initial=done, desc=name, unit=" beginnings", leave=False)
            yield each
            if bar is not None:
                bar.update()
    finally:
        if bar is not None:
            bar.close()


def _extended(
    hunt: Hunt, beginnings: Sequence[Schedule], last: bool, executor: Executor | None
) -> Generator[Extended, None, None]:
    left = iter(beginnings)
    chunks = iter(lambda: list(islice(left, _CHUNK)), [])
    for chunk in in_order(partial(extend_all, hunt, last), chunks, executor):
        yield from chunk


def extend_all(hunt: Hunt, last: bool, beginnings: Sequence[Schedule]) -> list[Extended]:
    """Extend some beginnings, up to the first hit."""
    done: list[Extended] = []
    for beginning in beginnings:
        with _no_collector():
            done.append(extend(hunt, last, beginning))
        if done[-1].hit:
            break
    return done


@contextmanager
def _no_collector() -> Iterator[None]:
    """Collect no garbage while a few dozen stores come and go: the search for it takes long."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def extend(hunt: Hunt, last: bool, beginning: Schedule) -> Extended:
    """Try every step after a beginning that broke nothing.

    The run of a step without fault says which faults would be felt: with the others it would be the
    same run. What follows the answer to the last step does not matter. A put at the end breaks no
    C, as everything before it may be ordered before it.
    """
    calm: dict[tuple[str, int], Trial] = {}
    tried, felt, half_way = 0, [], []
    for step in hunt.options:
        if last and hunt.letter == "C" and step.kind == "put":
            continue
        without = calm.get((step.kind, step.at))
        if without and without.would_not_feel(step, hunt.rules.middle, answer_alone=last):
            continue
        schedule = (*beginning, step)
        trial = attempt(hunt.make, schedule, hunt.rules)
        tried += 1
        if breaks(trial, schedule, hunt.letter):
            return Extended(tried, step, [], [])
        felt.append(step)
        half_way.append(half_done(trial))
        if not step.fault:
            calm[step.kind, step.at] = trial
    return Extended(tried, None, felt, half_way)
