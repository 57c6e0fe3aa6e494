"""Brute force over all orders: slow, short, and sharing nothing with the judges but the records."""

import numpy as np

from capkit.history import History, Outcome, Siblings


def before(first, then):
    """Whether one of two operations (with their places) certainly came before the other.

    It did if it was over when the other began. If both times are equal, only if one process did
    both: it does one thing at a time, and the one that is listed first came first.
    """
    (i, a), (j, b) = first, then
    if a.outcome is not Outcome.OK:
        return False
    if a.completed < b.invoked:
        return True
    both = a.invoked == a.completed == b.invoked == b.completed
    return a.process == b.process and a.completed == b.invoked and (i < j or not both)


def linearizable(history: History, model: str = "register", first=None) -> bool:
    """Whether some order of all keys' operations respects time and every answer."""
    operations = [
        (i, each)
        for i, each in enumerate(history)
        if each.outcome is not Outcome.FAIL
        and not (each.kind == "get" and each.outcome is Outcome.UNKNOWN)
    ]
    return _can_go_on(operations, {}, model, FIRST[model] if first is None else first)


def _can_go_on(left, state, model, first):
    if not any(each.outcome is Outcome.OK for _, each in left):
        return True
    for item in left:
        each = item[1]
        if any(before(other, item) for other in left if other is not item):
            continue
        fits, after = _do(state.get(each.key, first), each)
        rest = [other for other in left if other is not item]
        if fits and _can_go_on(rest, {**state, each.key: after}, model, first):
            return True
    return False


class Elements(tuple):
    """What a set holds; a register may hold a tuple, too."""


FIRST = {"register": None, "cas-register": None, "append": "", "set": Elements(), "counter": 0}


def _do(before, each):
    """Whether the operation can answer as it did on what was there before, and what is after."""
    if each.kind == "get":
        if isinstance(before, Elements):
            return sorted(before) == sorted(each.value), before
        return _same(before, each.value), before
    if each.kind == "put":
        return True, each.value
    if each.kind == "append":
        return True, before + each.value
    if each.kind == "add":
        if isinstance(before, Elements):
            return True, before if each.value in before else Elements((*before, each.value))
        return True, before + each.value
    expected, new = each.value
    matches = _same(before, expected)
    fits = each.outcome is Outcome.UNKNOWN or each.result is matches
    return fits, new if matches else before


def _same(left, right):
    """Whether two values are equal: as Python says, but True is not 1, and NaN is itself."""
    left, right = (each.item() if isinstance(each, np.generic) else each for each in (left, right))
    if isinstance(left, float) and isinstance(right, float) and left != left and right != right:
        return True
    if isinstance(left, Siblings) != isinstance(right, Siblings):
        return False
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def check_order(history: History, order: tuple[int, ...], model: str = "register") -> None:
    """Raise AssertionError unless the order is a proof that the history is linearizable."""
    operations = list(history)
    needed = {i for i, each in enumerate(operations) if each.outcome is Outcome.OK}
    assert len(set(order)) == len(order)
    assert needed <= set(order)
    for place, index in enumerate(order):
        item = index, operations[index]
        assert not any(before(item, (i, operations[i])) for i in order[:place])
    state = {}
    for index in order:
        each = operations[index]
        assert each.outcome is Outcome.OK or (each.outcome is Outcome.UNKNOWN)
        assert each.kind != "get" or each.outcome is Outcome.OK
        fits, state[each.key] = _do(state.get(each.key, FIRST[model]), each)
        assert fits
