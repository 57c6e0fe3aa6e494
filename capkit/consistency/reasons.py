"""Why a history is not linearizable, in one sentence that a reader can check by eye.

A number after # is an operation's index in the history.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capkit.consistency.linearizability.zones import Contradiction
from capkit.history import History, Siblings


def contradiction(history: History, why: Contradiction) -> str:
    """An old value was returned although a newer one had been put or seen."""
    late, seen, then = why.late, why.seen, why.then
    new = _value(history, seen)
    gap = _gap(history, seen, late)
    start = f"{_place(history, late)}get #{late} returned {_value(history, late)}"
    if why.first is None:
        start += ", the initial value,"
    if history.is_put[seen]:
        start += f" although put #{seen} of {new} had finished{gap} before the get began"
    else:
        start += (
            f" although get #{seen} had returned {new} and finished{gap} before get #{late} began"
        )
    if why.first is None:
        return start
    return f"{start}, and {_later(history, then, seen)} began after {_earlier(history, why.first)}"


def unexplained(history: History, row: int) -> tuple[str, tuple[int, ...]]:
    """A get that no order explains; the sentence and the operations that it is about."""
    value = history.decode("value", int(history.value[row]))
    start = f"{_place(history, row)}get #{row} returned {_value(history, row)}"
    same = history.is_put & (history.key == history.key[row])
    same &= history.value == history.value[row]
    if isinstance(value, Siblings) and not same.any():
        found = listed(list(map(repr, value))) if value else ""
        start = f"{_place(history, row)}get #{row} returned {found or 'no values'}"
        return f"{start} side by side, but a register holds one value at a time", (row,)
    failed, puts = (
        np.flatnonzero(same & mask) for mask in (history.outcome == 1, history.outcome != 1)
    )
    if puts.size:
        first = int(puts[np.argmin(history.began[puts])])
        late = f" and had finished{_gap(history, row, first)} before put #{first} of it began"
        return start + late, tuple(sorted((*puts.tolist(), row)))
    if failed.size:
        put = int(failed[0])
        text = f"{start} although put #{put} of it had failed, which means that it never happened"
        return text, tuple(sorted((put, row)))
    return f"{start}, which nobody ever put there", (row,)


def disorder(history: History, witness: Sequence[int]) -> str:
    """Values were put more than once, and no order of these operations explains the gets."""
    gets = [row for row in witness if history.is_get[row]]
    if len(gets) == 1 and (sentence := _stale(history, witness, gets[0])):
        return sentence
    names = [f"{_name(history, row)} of {_value(history, row)}" for row in witness]
    return (
        f"{_place(history, witness[0])}no order of {', '.join(names[:-1])} and {names[-1]} "
        f"lets every get return the latest put before it"
    )


def no_order(history: History, row: int, states: Sequence[str], noun: str) -> str:
    """An operation whose answer fits no state that the object can have then."""
    start = f"{_place(history, row)}{_answer(history, row)}, but"
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
            old = _value(history, late)
            return (
                f"{_place(history, late)}get #{late} returned {old} although put #{new} of "
                f"{_value(history, new)} had finished{_gap(history, new, late)} before the get "
                f"began, and put #{new} began after every put of {old} had finished"
            )
    return None


def _later(history: History, then: int, seen: int) -> str:
    """Name `then`; a get that the sentence has not mentioned yet says what it returned."""
    if history.is_put[then]:
        value = "" if then == seen else f" of {_value(history, then)}"
        return f"put #{then}{value}"
    return f"get #{then}" + ("" if then == seen else f", which returned {_value(history, then)},")


def _earlier(history: History, first: int) -> str:
    value = _value(history, first)
    if history.is_put[first]:
        return f"put #{first} of {value} had finished"
    return f"get #{first} had returned {value}"


def _name(history: History, row: int) -> str:
    return f"{'put' if history.is_put[row] else 'get'} #{row}"


def _value(history: History, row: int) -> str:
    return repr(history.decode("value", int(history.value[row])))


def _place(history: History, row: int) -> str:
    """Name the key where the history has several."""
    if (history.key == history.key[row]).all():
        return ""
    return f"key {history.decode('key', int(history.key[row]))!r}: "


def listed(words: Sequence[str]) -> str:
    """One, two and three.

    Examples
    --------
    >>> listed(["one", "two", "three"])
    'one, two and three'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _gap(history: History, earlier: int, later: int) -> str:
    """Milliseconds between the end of one operation and the start of another, readably rounded.

    Nothing where the clock does not show what the order of the events says.
    """
    gap = float(history.invoked[later] - history.completed[earlier])
    if gap <= 0:
        return ""
    return f" {gap:,.0f} ms" if gap >= 9.95 else f" {gap:.2g} ms"
