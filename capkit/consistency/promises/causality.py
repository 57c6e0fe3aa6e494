"""The judge of causal consistency, for histories in which no key gets the same value twice.

The definition is causal memory [1]_: for each process there is one order of all puts and its own
gets in which every get returns the latest put before it, and which respects what happened before.
(The weaker "causal consistency" of [2]_ lets every single get have an order of its own; a process
may then get 1, 2 and 1 again, and monotonic reads would not follow.)

Such an order exists if and only if what it is `forced` to be has no circle [2]_. Most violations
are simpler, and are looked for first: operations that happened before each other in a circle, and a
get of something although what replaced it had happened before the get.

This is exact for processes that do one thing at a time. Where a process's own gets overlap or
touch, what is found still is a certain violation, but in rare cases perhaps not all is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from capkit.consistency import sentences
from capkit.consistency.promises.forced import forced
from capkit.consistency.promises.happened_before import Past
from capkit.consistency.promises.sessions import ambiguous
from capkit.consistency.sentences import label, labels, replaced, returned, through
from capkit.consistency.verdicts import Verdict, judge, vacuous
from capkit.history import History


class _Flaw(NamedTuple):
    """Gets of one process that fit no order; if it is one, `newer` replaced what it returned."""

    gets: list[int]
    newer: int | None = None


@judge
def causal(history: History) -> Verdict:
    """Judge whether every process saw causes before effects, in one order of its own.

    What happened before what is said by each process's order and by who read from whom, never
    by a clock; two processes may see unrelated puts in different orders. This is causal memory
    [1]_, judged by the patterns of [2]_.

    Parameters
    ----------
    history : History
        What the clients saw.

    Returns
    -------
    Verdict
        True, False with the witness, or None if a value was put twice to a key (then the question
        is NP-complete [2]_). Meant for some hundred operations: time grows with the cube of their
        number.

    References
    ----------
    .. [1] Ahamad, Neiger, Burns, Kohli and Hutto, "Causal Memory: Definitions, Implementation, and
       Programming", Distributed Computing 9(1), 1995.
    .. [2] Bouajjani, Enea, Guerraoui and Hamza, "On Verifying Causal Consistency", POPL 2017.

    Examples
    --------
    >>> from capkit.history import story
    >>> history = story("x=1 / ... x?1 x=2 / ... ... ... x?2 x?1")
    >>> print(causal(history).reason)
    get #4 returned 1 although put #2 of 2 had happened before it (through #3), and put #0 of 1 \
had happened before put #2 (through #1)
    """
    if (nothing := vacuous(history, "causal")) is not None:
        return nothing
    past = Past(history)
    if past.odd:
        reason, witness = sentences.unexplained(history, past.rows[past.odd[0]])
        return Verdict(ok=False, claim="causal", witness=witness, reason=reason)
    if past.repeated:
        return ambiguous(past, "causal")
    flaw = _flaw(past)
    if flaw is None:
        reason = "each process's gets fit one order of the puts that respects what happened before"
        return Verdict(ok=True, claim="causal", reason=reason)
    past = past.smallest(_around(past, flaw), lambda some: _flaw(some) is not None)
    flaw = _flaw(past)
    assert flaw is not None
    reason = _reason(past, flaw)
    return Verdict(ok=False, claim="causal", witness=past.operations, reason=reason)


def _flaw(past: Past) -> _Flaw | None:
    for get in past.gets:
        if (newer := _newer(past, get)) is not None:
            return _Flaw([get], newer)
    for gets in _by_process(past):
        if forced(past, gets).diagonal().any():
            return _Flaw(gets)
    return None


def _newer(past: Past, get: int) -> int | None:
    """What is wrong with a get alone: a put that replaced what it returned; itself in a circle."""
    (put,) = past.got[get]
    if past.before[put, put]:
        return put
    newer = np.flatnonzero(past.older[put] & past.before[:, get])
    return int(newer[0]) if newer.size else None


def _by_process(past: Past) -> list[list[int]]:
    processes = past.history.process[[past.rows[get] for get in past.gets]]
    gets = np.array(past.gets, np.int64)
    return [gets[processes == each].tolist() for each in np.unique(processes)]


def _around(past: Past, flaw: _Flaw) -> Iterable[int]:
    """Operations among which the flaw is to be found, few if it is a simple one."""
    if flaw.newer is None:
        return range(past.count)
    (get,) = flaw.gets
    (put,) = past.got[get]
    return {get, flaw.newer, *past.path(flaw.newer, get), *past.path(put, flaw.newer)}


def _reason(past: Past, flaw: _Flaw) -> str:
    history, late = past.history, past.rows[flaw.gets[-1]]
    if flaw.newer is None:
        puts = labels(history, [row for row in past.operations if history.is_put[row]])
        gets = labels(history, sorted(past.named(flaw.gets)))
        rest = f"that respects what happened before lets #{late}'s process have {gets}"
        return f"no order of {puts} {rest}"
    (put,) = past.got[flaw.gets[0]]
    path = past.named(past.path(put, flaw.newer))
    if flaw.newer == put:
        circle = labels(history, path[1:])
        return f"{circle} are in a circle: each happened before the next, and the last the first"
    told, newer = returned(history, late, past.named([put])), label(history, past.rows[flaw.newer])
    since = through(past.named(past.path(flaw.newer, flaw.gets[0])))
    return f"{told} although {newer} had happened before it{since}{replaced(history, path)}"
