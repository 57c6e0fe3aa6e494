"""The four session guarantees: what one client sees of its own and of others' puts.

All have one shape. What a process does or sees makes some versions too old for it, and no later get
of its may return one of those. Too old is whatever is older than

* read your writes: what the process has put,
* monotonic reads: what it has got,
* monotonic writes: what had been put, by the same process, before what it has got,
* writes follow reads: what had been got, by the process that put it, before what it has got;

and a version itself that the process has seen replaced.

A version is *older* than another one of the same key if its put happened before the other's (see
`happened_before`); the initial value is older than all. Nothing else says which of two versions is
newer: not the clock, which may be skewed, and not the store, which nobody asked. So two puts of
which neither knew are in no order, and a client that gets first one and then the other has seen
nothing wrong; nor has it if it gets an old value for ever and never the new one.

From Terry et al. [1]_, as far as a client can tell. They speak of what servers hold. A client that
talks to several servers may see a guarantee broken although each server keeps it, because it was
sent from one to another that has less; it cannot tell, and it is as badly served.

A get of siblings is wrong only if every one of them is, and it shows its process all of them.

References
----------
.. [1] Terry et al., "Session Guarantees for Weakly Consistent Replicated Data", PDIS 1994.
.. [2] Viotti and Vukolić, "Consistency in Non-Transactional Distributed Storage Systems", ACM
   Computing Surveys 49(1), 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from capkit.consistency.promises.happened_before import Past
from capkit.consistency.sentences import label, replaced, returned, version
from capkit.consistency.verdicts import Verdict, vacuous
from capkit.history import History
from capkit.history.columns import Mask


class Lesson(NamedTuple):
    """After an operation some versions are too old for its process.

    `newer` is the put that made them so, `via` are the operations that show it.
    """

    old: Mask
    newer: int
    via: tuple[int, ...]


class Guarantee(NamedTuple):
    """What each operation teaches its process, and how to say what a lesson rests on, by rows."""

    claim: str
    lessons: Callable[[Past, int], Iterator[Lesson]]
    words: Callable[..., str]


class Breach(NamedTuple):
    """A get of old versions: each of them, with a lesson that it goes against.

    The first is the one to speak of.
    """

    late: int
    olds: list[tuple[int, Lesson]]


def _own_puts(past: Past, row: int) -> Iterator[Lesson]:
    if past.is_put[row]:
        yield Lesson(past.older[:, row], row, (row,))


def _say_own_puts(history: History, put: int) -> str:
    return f"its process had done {label(history, put)} before"


def _own_gets(past: Past, row: int) -> Iterator[Lesson]:
    now = past.got[row]
    for put in now:
        yield Lesson(past.older[:, put], put, (put, row))
    for get in past.earlier(row) if now else ():
        if past.key[get] == past.key[row]:
            for put in past.got[get]:
                if put not in now:
                    gone = np.arange(len(past.own)) == put
                    yield Lesson(gone, now[0], (now[0], row, put, get))


def _say_own_gets(history: History, new: int, row: int, *before: int) -> str:
    then = version(history, new)
    if not before:
        return f"its process had got {then} before (#{row})"
    old, get = before
    return f"its process had got {version(history, old)} first (#{get}) and then {then} (#{row})"


def _puts_in_order(past: Past, row: int) -> Iterator[Lesson]:
    for seen in past.got[row]:
        for put in past.earlier(seen):
            if past.is_put[put]:
                yield Lesson(_older(past, put, seen), put, (row, seen, put))


def _say_puts_in_order(history: History, row: int, seen: int, put: int) -> str:
    return (
        f"its process had got {version(history, seen)} before (#{row}), and "
        f"{label(history, seen)} was done after {label(history, put)} by the same process"
    )


def _puts_after_gets(past: Past, row: int) -> Iterator[Lesson]:
    for seen in past.got[row]:
        for get in past.earlier(seen):
            for put in past.got[get]:
                if put < past.count and put != seen:
                    yield Lesson(_older(past, put, seen), put, (row, seen, put, get))


def _say_puts_after_gets(history: History, row: int, seen: int, put: int, get: int) -> str:
    return (
        f"its process had got {version(history, seen)} before (#{row}), and "
        f"{label(history, seen)} was done by a process that had got {version(history, put)} "
        f"(#{get})"
    )


def _older(past: Past, first: int, then: int) -> Mask:
    """What is too old for those who have seen `then`, which must come after `first`."""
    old = past.older[:, first].copy()
    old[first] = past.older[first, then]
    return old


_OWN_PUTS = Guarantee("read your writes", _own_puts, _say_own_puts)
_OWN_GETS = Guarantee("monotonic reads", _own_gets, _say_own_gets)
_PUTS_IN_ORDER = Guarantee("monotonic writes", _puts_in_order, _say_puts_in_order)
_PUTS_AFTER_GETS = Guarantee("writes follow reads", _puts_after_gets, _say_puts_after_gets)


def read_your_writes(history: History) -> Verdict:
    """Judge whether every get saw what its own process had put.

    Broken by a get of a version that is older than one of its process's earlier puts: the shopper
    who puts a book in the basket, looks, and finds the basket empty.

    Parameters
    ----------
    history : History
        What the clients saw.

    Returns
    -------
    Verdict
        True, False with the witness, or None if a value was put twice. Meant for some hundred
        operations: time grows with the cube of their number.

    Examples
    --------
    >>> history = History.from_columns(
    ...     kind=["put", "get"],
    ...     key=["x", "x"],
    ...     value=[1, None],
    ...     invoked=[0, 20],
    ...     completed=[10, 25],
    ... )
    >>> print(read_your_writes(history).reason)
    get #1 returned None, the initial value, although its process had done put #0 of 1 before
    """
    return _judge(history, _OWN_PUTS)


def monotonic_reads(history: History) -> Verdict:
    """Judge whether no get went back behind an earlier get of its process.

    Broken by a get of a version that is older than one that the process had got, or of one that it
    had got and seen replaced by another: 1, then 2, then 1 again, whoever put them and when.

    Parameters
    ----------
    history : History
        What the clients saw.

    Returns
    -------
    Verdict
        As `read_your_writes`.

    Examples
    --------
    >>> history = History.from_columns(
    ...     kind=["put", "get", "get"],
    ...     key=["x", "x", "x"],
    ...     value=[1, 1, None],
    ...     invoked=[0, 20, 30],
    ...     completed=[10, 25, 35],
    ...     client=[0, 1, 1],
    ... )
    >>> print(monotonic_reads(history).reason)
    get #2 returned None, the initial value, although its process had got 1 before (#1)
    """
    return _judge(history, _OWN_GETS)


def monotonic_writes(history: History) -> Verdict:
    """Judge whether nobody saw a process's later put without its earlier ones.

    Broken if a process does put A and then put B, and another gets B and afterwards, of A's key,
    something older than A (or A itself, if B replaced it): the new comment without the post.

    Parameters
    ----------
    history : History
        What the clients saw.

    Returns
    -------
    Verdict
        As `read_your_writes`.

    Examples
    --------
    >>> history = History.from_columns(
    ...     kind=["put", "put", "get", "get"],
    ...     key=["post", "comment", "comment", "post"],
    ...     value=[1, 2, 2, None],
    ...     invoked=[0, 20, 30, 40],
    ...     completed=[10, 25, 35, 45],
    ...     client=[0, 0, 1, 1],
    ... )
    >>> monotonic_writes(history).witness
    (0, 1, 2, 3)
    """
    return _judge(history, _PUTS_IN_ORDER)


def writes_follow_reads(history: History) -> Verdict:
    """Judge whether nobody saw a put without what its process had got before it.

    Broken if a process gets A and then does put B, and somebody gets B and afterwards, of A's key,
    something older than A (or A itself, if B replaced it): the answer without the question.

    Parameters
    ----------
    history : History
        What the clients saw.

    Returns
    -------
    Verdict
        As `read_your_writes`.

    Examples
    --------
    >>> history = History.from_columns(
    ...     kind=["put", "get", "put", "get", "get"],
    ...     key=["question", "question", "answer", "answer", "question"],
    ...     value=[1, 1, 2, 2, None],
    ...     invoked=[0, 20, 30, 40, 50],
    ...     completed=[10, 25, 35, 45, 55],
    ...     client=[0, 1, 1, 2, 2],
    ... )
    >>> writes_follow_reads(history).witness
    (0, 1, 2, 3, 4)
    """
    return _judge(history, _PUTS_AFTER_GETS)


def _judge(history: History, guarantee: Guarantee) -> Verdict:
    claim = guarantee.claim
    if (nothing := vacuous(history, claim)) is not None:
        return nothing
    past = Past(history)
    if past.repeated:
        return Verdict(ok=None, claim=claim, reason=ambiguous(past))
    breach = _breach(past, guarantee)
    if breach is None:
        return Verdict(ok=True, claim=claim, reason="no get returned a version that is too old")

    def is_wrong(some: Past) -> bool:
        return _breach(some, guarantee) is not None

    few = _around(past, breach)
    past = past.smallest(few if is_wrong(Past(history, few)) else past.operations, is_wrong)
    breach = _breach(past, guarantee)
    assert breach is not None
    reason = _reason(past, breach, guarantee)
    return Verdict(ok=False, claim=claim, witness=tuple(past.operations), reason=reason)


def _breach(past: Past, guarantee: Guarantee) -> Breach | None:
    """The first get that goes against what its process should have learned."""
    learned = np.zeros_like(past.own)
    for row in range(past.count):
        for lesson in guarantee.lessons(past, row):
            learned[row] |= lesson.old
    for get in past.gets:
        puts = list(past.got[get])
        if puts and learned[past.own[:, get]].any(axis=0)[puts].all():
            rows = past.earlier(get)
            lessons = [lesson for row in rows for lesson in guarantee.lessons(past, row)]
            return Breach(get, _explained(puts, lessons))
    return None


def _explained(puts: list[int], lessons: list[Lesson]) -> list[tuple[int, Lesson]]:
    """Each put of an old version with a lesson, if possible with one that is about all of them."""
    lessons = [each for each in lessons if each.old[puts].all()] or lessons
    found = [(put, next(each for each in lessons if each.old[put])) for put in puts]
    return sorted(found, key=lambda pair: -pair[1].newer)


def _around(past: Past, breach: Breach) -> list[int]:
    """The operations that the breach rests on."""
    places = {breach.late}
    for old, lesson in breach.olds:
        places |= {lesson.newer, *lesson.via, old, *past.path(old, lesson.newer)}
    return past.named(places.union(*(past.got[place] for place in places)))


def _reason(past: Past, breach: Breach, guarantee: Guarantee) -> str:
    rows, late, (old, lesson) = past.rows, breach.late, breach.olds[0]
    initial = any(put >= past.count for put in past.got[late])
    words = guarantee.words(past.history, *[rows[place] for place in lesson.via])
    path = [rows[place] for place in past.path(old, lesson.newer)]
    text = returned(past.history, rows[late], initial=initial)
    return f"{text} although {words}{replaced(past.history, path)}"


def ambiguous(past: Past) -> str:
    """Why a history in which a value was put twice leaves open who read from whom."""
    first, again = past.repeated
    before = "the initial value" if first == again else f"the value of put #{first}"
    return f"put #{again} repeats {before}, so nobody knows which of them a get returned"
