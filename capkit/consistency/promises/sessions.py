"""The four session guarantees: what one client sees of its own and of others' puts.

A version is *older* than another one of the same key if its put happened before the other's (see
`past`); the initial value is older than all. Nothing else says which of two versions is newer: not
the clock, which may be skewed, and not the store, which nobody asked. So two puts of which
neither knew are in no order, and a client that gets first one and then the other has seen nothing
wrong; nor has it if it gets an old value for ever and never the new one.

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

from capkit.consistency.promises.happened_before import Past, minimal
from capkit.consistency.verdicts import Verdict, vacuous
from capkit.consistency.wording import after, label, returned, value
from capkit.history import History


class Lesson(NamedTuple):
    """After an operation its process must not get some puts' values any more: those `out` of date.

    `newer` is the put that made them so, `via` are the operations that show it.
    """

    out: int
    newer: int
    via: tuple[int, ...]


class Rule(NamedTuple):
    """What each operation teaches its process, and how to say what one lesson rests on.

    With `by_value`, what a get teaches depends only on what it returned.
    """

    claim: str
    lessons: Callable[[Past, int], Iterator[Lesson]]
    words: Callable[..., str]
    by_value: bool = False


class Breach(NamedTuple):
    """A get of old versions: each of them, with a lesson that it goes against.

    The first is the one to speak of.
    """

    late: int
    olds: tuple[tuple[int, Lesson], ...]


def _own_puts(past: Past, row: int) -> Iterator[Lesson]:
    if past.is_put[row]:
        yield Lesson(past.older(row), row, (row,))


def _say_own_puts(past: Past, put: int) -> str:
    return f"its process had done {label(past, put)} before"


def _own_gets(past: Past, row: int) -> Iterator[Lesson]:
    for put in past.got.get(row, ()):
        yield Lesson(past.older(put), put, (put, row))
    now = sum(past.bit(put) for put in past.got.get(row, ()))
    for get in past.earlier(row) if now else ():
        if past.key[get] == past.key[row]:
            for put in past.got.get(get, ()):
                new = past.got[row][0]
                yield Lesson(past.bit(put) & ~now, new, (new, row, put, get))


def _say_own_gets(past: Past, new: int, row: int, old: int = -1, get: int = -1) -> str:
    if get < 0:
        return f"its process had got {value(past, new)} before (#{row})"
    first, then = value(past, old), value(past, new)
    return f"its process had got {first} first (#{get}) and then {then} (#{row})"


def _puts_in_order(past: Past, row: int) -> Iterator[Lesson]:
    for seen in past.got.get(row, ()):
        for put in past.earlier(seen) if seen >= 0 else ():
            if past.is_put[put]:
                yield Lesson(_replaced(past, put, seen), put, (row, seen, put))


def _say_puts_in_order(past: Past, row: int, seen: int, put: int) -> str:
    return (
        f"its process had got {value(past, seen)} before (#{row}), and {label(past, seen)} was "
        f"done after {label(past, put)} by the same process"
    )


def _puts_after_gets(past: Past, row: int) -> Iterator[Lesson]:
    for seen in past.got.get(row, ()):
        for get in past.earlier(seen) if seen >= 0 else ():
            for put in past.got.get(get, ()):
                if put >= 0 and put != seen:
                    yield Lesson(_replaced(past, put, seen), put, (row, seen, put, get))


def _say_puts_after_gets(past: Past, row: int, seen: int, put: int, get: int) -> str:
    return (
        f"its process had got {value(past, seen)} before (#{row}), and {label(past, seen)} was "
        f"done by a process that had got {value(past, put)} (#{get})"
    )


def _replaced(past: Past, first: int, then: int) -> int:
    """What is out of date for those who have seen `then`, which must come after `first`."""
    same = first != then and past.older(then) & past.bit(first)
    return past.older(first) | (past.bit(first) if same else 0)


_OWN_PUTS = Rule("read your writes", _own_puts, _say_own_puts)
_OWN_GETS = Rule("monotonic reads", _own_gets, _say_own_gets)
_PUTS_IN_ORDER = Rule("monotonic writes", _puts_in_order, _say_puts_in_order, True)
_PUTS_AFTER_GETS = Rule("writes follow reads", _puts_after_gets, _say_puts_after_gets, True)


def read_your_writes(history: History) -> Verdict:
    """Judge whether every get saw what its own process had put.

    Broken by a get of a version that is older than one of its process's earlier puts: the shopper
    who puts a book in the basket, looks, and finds the basket empty. See `sessions` for "older".

    Parameters
    ----------
    history : History
        What the clients saw. What counts as one process's order is said in `past`.

    Returns
    -------
    Verdict
        True, False with the witness, or None if a value was put twice. O(n) joins of sets of n
        puts.

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
        As `read_your_writes`; the square of a process's gets in the worst case.

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
        As `monotonic_reads`.

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
        As `monotonic_reads`.

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


def _judge(history: History, rule: Rule) -> Verdict:
    claim = rule.claim
    if (nothing := vacuous(history, claim)) is not None:
        return nothing
    past = Past(history)
    if past.repeated:
        return Verdict(ok=None, claim=claim, reason=ambiguous(past))
    breach = _breach(past, rule)
    if breach is None:
        return Verdict(ok=True, claim=claim, reason="no get returned a version that is too old")
    rows = {breach.late}
    for old, lesson in breach.olds:
        rows |= {lesson.newer, *lesson.via, old, *past.path(old, lesson.newer)}
    rows = rows.union(*(past.got.get(row, ()) for row in rows))

    def violates(some: list[int]) -> bool:
        return _breach(Past(history, some), rule) is not None

    few = sorted(row for row in rows if row >= 0)
    witness = minimal(history, few if violates(few) else past.rows, violates)
    past = Past(history, witness)
    breach = _breach(past, rule)
    assert breach is not None
    old, lesson = breach.olds[0]
    reason = f"{returned(past, breach.late)} although {rule.words(past, *lesson.via)}"
    reason += after(past, lesson.newer, old)
    return Verdict(ok=False, claim=claim, witness=tuple(witness), reason=reason)


def _breach(past: Past, rule: Rule) -> Breach | None:
    """The first get that goes against what its process should have learned from a rule."""
    learned = [[0] for _ in past.threads]  # what is out of date after so many operations
    taught: dict[tuple[int, ...], int] = {}
    for row in past.place:
        out = 0
        for thread, places in past.behind(row):
            out |= learned[thread][places]
        puts = past.got.get(row, ())
        if puts and all(past.bit(put) & out for put in puts):
            lessons = [lesson for each in past.earlier(row) for lesson in rule.lessons(past, each)]
            return Breach(row, _explained(past, puts, lessons))
        name = puts if rule.by_value else (row,)
        if name not in taught:
            taught[name] = 0
            for lesson in rule.lessons(past, row):
                taught[name] |= lesson.out
        mine = learned[past.place[row][0]]
        mine.append(mine[-1] | taught[name])
    return None


def _explained(
    past: Past, puts: tuple[int, ...], lessons: list[Lesson]
) -> tuple[tuple[int, Lesson], ...]:
    """Each put of an old version with a lesson, if possible with one that is about all of them."""
    every = sum(past.bit(put) for put in puts)
    lessons = [each for each in lessons if not every & ~each.out] or lessons
    found = [(put, next(each for each in lessons if each.out & past.bit(put))) for put in puts]
    return tuple(found if len(puts) == 1 else sorted(found, key=lambda pair: -pair[1].newer))


def ambiguous(past: Past) -> str:
    """Why a history in which a value was put twice leaves open who read from whom."""
    first, again = past.repeated
    before = "the initial value" if first == again else f"the value of put #{first}"
    return f"put #{again} repeats {before}, so nobody knows which of them a get returned"
