"""Operations, and what is wrong with them, in words that a reader can check by eye.

A number after # is an operation's index in the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from capkit.consistency.linearizability.zones import Contradiction
from capkit.history import History, Siblings


def listed(words: Iterable[str]) -> str:
    """One, two and three.

    Examples
    --------
    >>> listed(["one", "two", "three"])
    'one, two and three'
    """
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def value(history: History, row: int) -> str:
    """What an operation put or returned."""
    return repr(history.decode("value", int(history.value[row])))


def plain(history: History, row: int) -> str:
    """An operation: its kind, number and value."""
    return f"{_numbered(history, row)} of {value(history, row)}"


def label(history: History, row: int) -> str:
    """An operation, with its key where there are several."""
    return plain(history, row) + _key(history, row, " to" if history.is_put[row] else " from")


def labels(history: History, rows: Iterable[int]) -> str:
    """Several operations."""
    return listed(label(history, row) for row in rows)


def version(history: History, put: int) -> str:
    """What a put wrote, and its key where there are several; rows below 0 are initial values."""
    return "the initial value" if put < 0 else value(history, put) + _key(history, put, " of")


def returned(history: History, get: int, puts: Iterable[int]) -> str:
    """What a get returned, as the start of a sentence that goes on with "although".

    `puts` are those of what it returned, below 0 for the initial value.
    """
    text = f"get #{get}{_key(history, get, ' from')} returned {value(history, get)}"
    return f"{text}, the initial value," if any(put < 0 for put in puts) else text


def through(path: Sequence[int]) -> str:
    """The operations between the ends of a path, if there are any."""
    between = [f"#{row}" for row in path[1:-1]]
    return f" (through {listed(between)})" if between else ""


def replaced(history: History, path: Sequence[int]) -> str:
    """That the first put of a path had happened before the last; nothing if it is the last."""
    if not path or path[0] == path[-1]:
        return ""
    old, new = path[0], path[-1]
    return f", and {plain(history, old)} had happened before put #{new}{through(path)}"


def contradiction(history: History, why: Contradiction) -> str:
    """An old value was returned although a newer one had been put or seen."""
    late, seen, then = why.late, why.seen, why.then
    gap = _gap(history, seen, late)
    text = _start(history, late) + _told(history, late)
    if why.first is None:
        text += ", the initial value,"
    if history.is_put[seen]:
        text += f" although {plain(history, seen)} had finished{gap} before the get began"
    else:
        new = f"get #{seen} had returned {value(history, seen)}"
        text += f" although {new} and finished{gap} before get #{late} began"
    if why.first is None:
        return text
    return f"{text}, and {_later(history, then, seen)} began after {_earlier(history, why.first)}"


def unexplained(history: History, row: int) -> tuple[str, tuple[int, ...]]:
    """A get that no order explains; the sentence and the operations that it is about."""
    start, found = _start(history, row), history.decode("value", int(history.value[row]))
    same = history.is_put & (history.key == history.key[row])
    same &= history.value == history.value[row]
    if isinstance(found, Siblings) and not same.any():
        several = listed(map(repr, found)) if found else "no values"
        rest = "side by side, but a register holds one value at a time"
        return f"{start}get #{row} returned {several} {rest}", (row,)
    text = start + _told(history, row)
    failed = history.outcome == 1
    if (puts := np.flatnonzero(same & ~failed)).size:
        first = int(puts[np.argmin(history.began[puts])])
        late = f" and had finished{_gap(history, row, first)} before put #{first} of it began"
        return text + late, tuple(sorted((*puts.tolist(), row)))
    if (same & failed).any():
        put = int(np.argmax(same & failed))
        rest = f"although put #{put} of it had failed, which means that it never happened"
        return f"{text} {rest}", tuple(sorted((put, row)))
    return f"{text}, which nobody ever put there", (row,)


def disorder(history: History, witness: Sequence[int]) -> str:
    """Values were put more than once, and no order of these operations explains the gets."""
    gets = [row for row in witness if history.is_get[row]]
    if len(gets) == 1 and (sentence := _stale(history, witness, gets[0])):
        return sentence
    names = listed(plain(history, row) for row in witness)
    rest = "lets every get return the latest put before it"
    return f"{_start(history, witness[0])}no order of {names} {rest}"


def unordered(history: History, witness: Sequence[int]) -> str:
    """Operations that have no order; nobody knows yet which of their answers is wrong."""
    start = _start(history, witness[0])
    return f"{start}no order of these {len(witness):,} operations explains all answers"


def no_order(history: History, row: int, states: Sequence[str], noun: str) -> str:
    """An operation whose answer fits no state that the object can have then."""
    start = f"{_start(history, row)}{_answer(history, row)}, but"
    if not states:
        return f"{start} no order of the operations before explains that and their own answers"
    if len(states) > 4:
        start = f"{start} of the {len(states):,} states that the {noun} can have then"
        return f"{start}, given the answers before, none fits"
    holds = " or ".join(_short(state) for state in states)
    return f"{start} the {noun} is certainly {holds} then, given the answers before"


def _answer(history: History, row: int) -> str:
    """What an operation was told."""
    operation = history[row]
    value = _short(repr(operation.value))
    if operation.kind == "get":
        return f"get #{row} returned {value}"
    if operation.kind == "cas":
        expected, new = operation.value
        change = f"cas #{row} from {expected!r} to {new!r}"
        return f"{change} found another value" if operation.result is False else f"{change} worked"
    result = "" if operation.result is None else f" returned {_short(repr(operation.result))}"
    return f"{operation.kind} #{row}{'' if operation.value is None else f' of {value}'}{result}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:28]}...{text[-28:]}"


def _stale(history: History, witness: Sequence[int], late: int) -> str | None:
    """The sentence for one get of a value all of whose puts were over when a newer one began."""
    begin, end = history.began, history.ended
    puts = [row for row in witness if row != late]
    same = [row for row in puts if history.value[row] == history.value[late]]
    for new in (row for row in puts if row not in same and history.is_ok[row]):
        over = all(history.is_ok[row] and end[row] < begin[new] for row in same)
        if over and end[new] < begin[late]:
            return (
                f"{_start(history, late)}{_told(history, late)} although {plain(history, new)} "
                f"had finished{_gap(history, new, late)} before the get began, and put #{new} "
                f"began after every put of {value(history, late)} had finished"
            )
    return None


def _later(history: History, then: int, seen: int) -> str:
    """Name `then`; an operation that the sentence has not mentioned yet is named with its value."""
    if then == seen:
        return _numbered(history, then)
    if history.is_put[then]:
        return plain(history, then)
    return f"get #{then}, which returned {value(history, then)},"


def _earlier(history: History, first: int) -> str:
    if history.is_put[first]:
        return f"{plain(history, first)} had finished"
    return f"get #{first} had returned {value(history, first)}"


def _told(history: History, get: int) -> str:
    return f"get #{get} returned {value(history, get)}"


def _numbered(history: History, row: int) -> str:
    return f"{'put' if history.is_put[row] else 'get'} #{row}"


def _start(history: History, row: int) -> str:
    """The start of a sentence about one key, where the history has several."""
    key = _key(history, row, "key")
    return key and f"{key}: "


def _key(history: History, row: int, joint: str) -> str:
    """The key, after a joint, where the history has several."""
    if (history.key == history.key[row]).all():
        return ""
    return f"{joint} {history.decode('key', int(history.key[row]))!r}"


def _gap(history: History, earlier: int, later: int) -> str:
    """Milliseconds between the end of one operation and the start of another, readably rounded.

    Nothing where the clock does not show what the order of the events says.
    """
    gap = float(history.invoked[later] - history.completed[earlier])
    if gap <= 0:
        return ""
    return f" {gap:,.0f} ms" if gap >= 9.95 else f" {gap:.2g} ms"
