"""The judge of causal consistency, for histories in which no key gets the same value twice.

The definition is causal memory [1]_: for each process there is one order of all puts and its own
gets in which every get returns the latest put before it, and which respects what happened before.
(The weaker "causal consistency" of [2]_ lets every single get have an order of its own; a process
may then get 1, 2 and 1 again, and monotonic reads would not follow.)

Such orders exist if and only if none of six bad patterns does [2]_: a value from nowhere; a circle
of operations that happened before each other; a get of the initial value, or of a put, although
one that replaced it happened before the get; and the last two kinds again, with the puts' order
that the process's own gets reveal: a get of the initial value after such a put, or a circle. (If a
put happened before a get of another one, it came before that other one.)

The patterns are exact for processes that do one thing at a time. Where a process's own gets overlap
or touch, they still are certain violations, but in rare cases perhaps not all of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple

from capkit.consistency import reasons
from capkit.consistency.promises.happened_before import Past, minimal
from capkit.consistency.promises.sessions import ambiguous
from capkit.consistency.reasons import listed
from capkit.consistency.verdicts import Verdict, vacuous
from capkit.consistency.wording import after, label, returned
from capkit.history import History


class _Flaw(NamedTuple):
    """A get that fits no order; `newer` replaced what it returned, or None if it takes more."""

    late: int
    newer: int | None = None


def causal(history: History) -> Verdict:
    """Judge whether every process saw causes before effects, in some one order of its own.

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
        is NP-complete [2]_). For each process the work is that of joining about as many sets of
        puts as it has gets.

    References
    ----------
    .. [1] Ahamad, Neiger, Burns, Kohli and Hutto, "Causal Memory: Definitions, Implementation, and
       Programming", Distributed Computing 9(1), 1995.
    .. [2] Bouajjani, Enea, Guerraoui and Hamza, "On Verifying Causal Consistency", POPL 2017.

    Examples
    --------
    >>> history = History.from_columns(
    ...     kind=["put", "get", "put", "get", "get"],
    ...     key=["x", "x", "x", "x", "x"],
    ...     value=[1, 1, 2, 2, 1],
    ...     invoked=[0, 20, 30, 40, 50],
    ...     completed=[10, 25, 35, 45, 55],
    ...     client=[0, 1, 1, 2, 2],
    ... )
    >>> print(causal(history).reason)
    get #4 returned 1 although put #2 of 2 had happened before it (through #3), and put #0 of 1 \
had happened before put #2 (through #1)
    """
    if (nothing := vacuous(history, "causal")) is not None:
        return nothing
    past = Past(history)
    if past.odd:
        first = min(past.odd, key=lambda row: past.end[row])
        reason, witness = reasons.unexplained(history, first)
        return Verdict(ok=False, claim="causal", witness=witness, reason=reason)
    if past.repeated:
        return Verdict(ok=None, claim="causal", reason=ambiguous(past))
    flaw = _flaw(past)
    if flaw is None:
        reason = "each process's gets fit one order of the puts that respects what happened before"
        return Verdict(ok=True, claim="causal", reason=reason)

    def violates(some: list[int]) -> bool:
        return _flaw(Past(history, some)) is not None

    witness = tuple(minimal(history, _around(past, flaw), violates))
    past = Past(history, witness)
    flaw = _flaw(past)
    assert flaw is not None
    return Verdict(ok=False, claim="causal", witness=witness, reason=_reason(past, flaw))


def _flaw(past: Past) -> _Flaw | None:
    for row in past.got:
        if row in past.place and (flaw := _replaced(past, row)):
            return flaw
    for gets in _by_process(past):
        if (late := _View(past, gets).late()) is not None:
            return _Flaw(late)
    return None


def _by_process(past: Past) -> list[list[int]]:
    """The gets of each process, by their start."""
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for row in past.place:
        if not past.is_put[row]:
            groups[past.siblings(row)[0]].append(row)
    return list(groups.values())


def _replaced(past: Past, get: int) -> _Flaw | None:
    """What is wrong with a get alone: it is in a circle, or what it returned was replaced."""
    (put,) = past.got[get]
    if put >= 0 and past.before[put] & past.bit(put):
        return _Flaw(get, put)
    others = past.before[get] & past.of_key[past.key[get]] & ~past.bit(put)
    if put < 0:
        return _Flaw(get, past.members(others)[0]) if others else None
    newer = others & ~past.older(put)  # the rest is older than the put, which does no harm
    found = (each for each in past.members(newer) if past.older(each) & past.bit(put))
    return next((_Flaw(get, each) for each in found), None)


class _View:
    """One process's order of the puts, as far as its own gets and what happened before fix it."""

    def __init__(self, past: Past, gets: list[int]) -> None:
        self.past, self.gets = past, gets
        # For each put that the process got: all that must come before it.
        self.earlier = {put: past.before.get(put, 0) for row in gets for put in past.got[row]}
        self.seen = sum(past.bit(put) for put in self.earlier)

    def late(self) -> int | None:
        """The first get that fits no such order, or None."""
        changed = True
        while changed:
            changed = False
            known, ended = 0, -math.inf
            for get in self.gets:
                (put,) = self.past.got[get]
                known = known if ended < self.past.begin[get] else 0
                ended = self.past.end[get]
                known = self._closed(known | self.past.before[get], known)
                others = known & self.past.of_key[self.past.key[get]] & ~self.past.bit(put)
                fresh = others & ~self.earlier[put]
                if fresh:
                    changed = True
                    self._precede(put, fresh)
                    known = self._closed(known | self.earlier[put], known)
                if self.earlier[put] & self.past.bit(put):
                    return get
        return None

    def _precede(self, put: int, fresh: int) -> None:
        """These puts come before that one, and so does all that comes before them."""
        joined = self.earlier[put] | fresh
        for each in self.past.members(fresh):
            joined |= self.past.before.get(each, 0)
        self.earlier[put] = self._closed(joined, 0)

    def _closed(self, mask: int, already: int) -> int:
        """The puts with all that must come before them; `already` is such a set."""
        done = already
        while waiting := mask & self.seen & ~done:
            for put in self.past.members(waiting):
                mask |= self.earlier[put]
            done |= waiting
        return mask


def _around(past: Past, flaw: _Flaw) -> list[int]:
    """Operations among which the flaw is to be found, few if it is a simple one."""
    if flaw.newer is None:
        return past.rows
    (put,) = past.got[flaw.late]
    rows = {flaw.late, flaw.newer, *past.path(flaw.newer, flaw.late)}
    rows |= {put, *past.path(put, flaw.newer)} if put >= 0 else set()
    return [row for row in past.rows if row in rows or row in _put_of(past, rows)]


def _put_of(past: Past, rows: set[int]) -> set[int]:
    return {put for row in rows for put in past.got.get(row, ())}


def _reason(past: Past, flaw: _Flaw) -> str:
    (put,) = past.got[flaw.late]
    if flaw.newer is not None and flaw.newer == put:
        circle = listed([label(past, row) for row in past.path(put, put)[1:]])
        return f"{circle} are in a circle: each happened before the next, and the last the first"
    if flaw.newer is not None:
        text = f"{returned(past, flaw.late)} although {label(past, flaw.newer)} had happened before"
        between = past.path(flaw.newer, flaw.late)[1:-1]
        through = f" it (through {listed([f'#{row}' for row in between])})" if between else " it"
        return text + through + after(past, flaw.newer, put)
    gets = [row for row in (*past.earlier(flaw.late), flaw.late) if not past.is_put[row]]
    mine = f"#{flaw.late}'s process"
    puts = listed([label(past, row) for row in past.rows if past.is_put[row]])
    names = listed([label(past, row) for row in gets])
    return f"no order of {puts} that respects what happened before lets {mine} have {names}"
