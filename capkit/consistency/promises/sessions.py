"""The four session guarantees: what one client sees of its own and of others' puts.

All have one shape. What a process does makes some versions too old for it, and no later get of the
process may return one of those. Too old is what is older than

* read your writes: what the process has put,
* monotonic reads: what it has got,
* monotonic writes: what the process that put what it has got had put before,
* writes follow reads: what that process had got before;

and what the process has seen replaced. A get of siblings is wrong only if every one of them is.

A version is *older* than another one of the same key if its put happened before the other's (see
`happened_before`); the initial value is older than all. Nothing else says which of two versions is
newer: not the clock, which may be skewed, and not the store, which nobody asked. So two puts of
which neither knew are in no order, and a client that gets first one and then the other has seen
nothing wrong; nor has it if it gets an old value for ever and never the new one.

The guarantees are those of Terry et al. [1]_, as far as a client can tell. They speak of what
servers hold. A client that talks to several servers may see a guarantee broken although each server
keeps it, because it was sent from one to another that has less; it cannot tell the difference,
and is served as badly.

References
----------
.. [1] Terry et al., "Session Guarantees for Weakly Consistent Replicated Data", PDIS 1994.
.. [2] Viotti and Vukolić, "Consistency in Non-Transactional Distributed Storage Systems", ACM
   Computing Surveys 49(1), 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from capkit.consistency.promises.happened_before import Past
from capkit.consistency.sentences import label, replaced, returned, version
from capkit.consistency.verdicts import Verdict, judge, vacuous
from capkit.history import History
from capkit.history.columns import Mask


class Lesson(NamedTuple):
    """Some versions are too `old` because of the put `newer`; `via` are operations that show it."""

    old: Mask
    newer: int
    via: tuple[int, ...]


Lessons: TypeAlias = Callable[[Past, int], Iterator[Lesson]]
"""What an operation teaches its process."""


@judge
def read_your_writes(history: History) -> Verdict:
    """Judge whether every get saw what its own process had put.

    Broken by a get of a version that is older than one of its process's earlier puts: the shopper
    who puts a book in the basket, looks, and finds the basket empty.

    Parameters
    ----------
    history : History
        What the clients saw: some hundred puts and gets.

    Returns
    -------
    Verdict
        True, False with the witness, or None if a value was put twice.

    Examples
    --------
    >>> from capkit.history import story
    >>> print(read_your_writes(story("x=1 x?-")).reason)
    get #1 returned None, the initial value, although its process had done put #0 of 1 before
    """
    return _judge(history, "read your writes", _own_puts, _say_own_puts)


def _own_puts(past: Past, row: int) -> Iterator[Lesson]:
    if past.is_put[row]:
        yield Lesson(past.older[:, row], row, (row,))


def _say_own_puts(history: History, put: int) -> str:
    return f"its process had done {label(history, put)} before"


@judge
def monotonic_reads(history: History) -> Verdict:
    """Judge whether no get went back behind an earlier get of its process.

    Broken by a get of a version that is older than one that the process had got, or of one that it
    had got and seen replaced by another: 1, then 2, then 1 again, whoever put them and when.

    Parameters and result are those of `read_your_writes`.

    Examples
    --------
    >>> from capkit.history import story
    >>> print(monotonic_reads(story("x=1 / ... x?1 x?-")).reason)
    get #2 returned None, the initial value, although its process had got 1 before (#1)
    """
    return _judge(history, "monotonic reads", _own_gets, _say_own_gets)


def _own_gets(past: Past, row: int) -> Iterator[Lesson]:
    now = past.got[row]
    for put in now:
        yield Lesson(past.older[:, put], put, (put, row))
    for get in past.earlier(row) if now else ():
        if past.key[get] == past.key[row]:
            for put in past.got[get]:
                if put not in now:
                    yield Lesson(past.just(put), now[0], (now[0], row, put, get))


def _say_own_gets(history: History, new: int, row: int, *before: int) -> str:
    then = version(history, new)
    if not before:
        return f"its process had got {then} before (#{row})"
    old, get = before
    return f"its process had got {version(history, old)} first (#{get}) and then {then} (#{row})"


@judge
def monotonic_writes(history: History) -> Verdict:
    """Judge whether nobody saw a process's later put without its earlier ones.

    Broken if a process does put A and then put B, and another gets B and afterwards, of A's key,
    something older than A (or A itself, if B replaced it): the new comment without the post.

    Parameters and result are those of `read_your_writes`.

    Examples
    --------
    >>> from capkit.history import story
    >>> monotonic_writes(story("post=1 comment=2 / ... ... comment?2 post?-")).witness
    (0, 1, 2, 3)
    """
    return _judge(history, "monotonic writes", _puts_in_order, _say_puts_in_order)


def _puts_in_order(past: Past, row: int) -> Iterator[Lesson]:
    for seen in past.got[row]:
        for put in past.earlier(seen):
            if past.is_put[put]:
                yield Lesson(_too_old(past, put, seen), put, (row, seen, put))


def _say_puts_in_order(history: History, row: int, seen: int, put: int) -> str:
    got = f"its process had got {version(history, seen)} before (#{row})"
    rest = f"was done after {label(history, put)} by the same process"
    return f"{got}, and {label(history, seen)} {rest}"


@judge
def writes_follow_reads(history: History) -> Verdict:
    """Judge whether nobody saw a put without what its process had got before it.

    Broken if a process gets A and then does put B, and somebody gets B and afterwards, of A's key,
    something older than A (or A itself, if B replaced it): the answer without the question.

    Parameters and result are those of `read_your_writes`.

    Examples
    --------
    >>> from capkit.history import story
    >>> history = story("question=1 / ... question?1 answer=2 / ... ... ... answer?2 question?-")
    >>> writes_follow_reads(history).witness
    (0, 1, 2, 3, 4)
    """
    return _judge(history, "writes follow reads", _puts_after_gets, _say_puts_after_gets)


def _puts_after_gets(past: Past, row: int) -> Iterator[Lesson]:
    for seen in past.got[row]:
        for get in past.earlier(seen):
            for put in past.got[get]:
                if put < past.count and put != seen:
                    yield Lesson(_too_old(past, put, seen), put, (row, seen, put, get))


def _say_puts_after_gets(history: History, row: int, seen: int, put: int, get: int) -> str:
    got = f"its process had got {version(history, seen)} before (#{row})"
    rest = f"was done by a process that had got {version(history, put)} (#{get})"
    return f"{got}, and {label(history, seen)} {rest}"


def _too_old(past: Past, first: int, then: int) -> Mask:
    """What is too old for those who have seen `then`, which must come after `first`."""
    old: Mask = past.older[:, first] | (past.just(first) & past.older[first, then])
    return old


def _judge(history: History, claim: str, lessons: Lessons, words: Callable[..., str]) -> Verdict:
    if (nothing := vacuous(history, claim)) is not None:
        return nothing
    past = Past(history)
    if past.repeated:
        return ambiguous(past, claim)

    def is_wrong(some: Past) -> bool:
        return _breach(some, lessons) is not None

    if (breach := _breach(past, lessons)) is None:
        return Verdict(ok=True, claim=claim, reason="no get returned a version that is too old")
    past = past.smallest(_around(past, *breach), is_wrong)
    breach = _breach(past, lessons)
    assert breach is not None
    reason = _reason(past, *breach, words)
    return Verdict(ok=False, claim=claim, witness=past.operations, reason=reason)


def _breach(past: Past, lessons: Lessons) -> tuple[int, Lesson] | None:
    """The first get that goes against what its process should have learned, and the lesson."""
    learned = np.zeros_like(past.own)
    for row in range(past.count):
        for lesson in lessons(past, row):
            learned[row] |= lesson.old
    for get in past.gets:
        puts = list(past.got[get])
        if puts and learned[past.own[:, get]].any(axis=0)[puts].all():
            mine = (lesson for row in past.earlier(get) for lesson in lessons(past, row))
            return get, max(mine, key=lambda lesson: lesson.old[puts].sum())
    return None


def _around(past: Past, late: int, lesson: Lesson) -> set[int]:
    """The operations that a breach rests on, as far as one lesson says it."""
    paths = [past.path(put, lesson.newer) for put in past.got[late]]
    return {late, lesson.newer, *lesson.via}.union(*paths)


def _reason(past: Past, late: int, lesson: Lesson, words: Callable[..., str]) -> str:
    history, old = past.history, next(put for put in past.got[late] if lesson.old[put])
    why = words(history, *past.named(lesson.via))
    path = past.named(past.path(old, lesson.newer))
    told = returned(history, past.rows[late], past.named(past.got[late]))
    return f"{told} although {why}{replaced(history, path)}"


def ambiguous(past: Past, claim: str) -> Verdict:
    """The verdict where a value was put twice, which leaves open who read from whom."""
    first, again = past.repeated
    before = "the initial value" if first == again else f"the value of put #{first}"
    reason = f"put #{again} repeats {before}, so nobody knows which of them a get returned"
    return Verdict(ok=None, claim=claim, reason=reason)
