"""Brute force over all orders: slow, short, and sharing nothing with the judges but the records."""

from capkit.history import History, Outcome


def linearizable(history: History, model: str = "register") -> bool:
    """Whether some order of all keys' operations respects time and every answer."""
    operations = [
        each
        for each in history
        if each.outcome is not Outcome.FAIL
        and not (each.kind == "get" and each.outcome is Outcome.UNKNOWN)
    ]
    return _can_go_on(operations, {}, model)


def _can_go_on(left, state, model):
    answered = [each for each in left if each.outcome is Outcome.OK]
    if not answered:
        return True
    for each in left:
        if any(other.completed < each.invoked for other in answered if other is not each):
            continue
        before = state.get(each.key, FIRST[model])
        fits, after = _do(before, each)
        rest = [other for other in left if other is not each]
        if fits and _can_go_on(rest, {**state, each.key: after}, model):
            return True
    return False


FIRST = {"register": None, "cas-register": None, "append": "", "set": (), "counter": 0}


def _do(before, each):
    """Whether the operation can answer as it did on what was there before, and what is after."""
    if each.kind == "get":
        if isinstance(before, tuple):
            return sorted(before) == sorted(each.value), before
        return _same(before, each.value), before
    if each.kind == "put":
        return True, each.value
    if each.kind == "append":
        return True, before + each.value
    if each.kind == "add":
        if isinstance(before, tuple):
            return True, before if each.value in before else (*before, each.value)
        return True, before + each.value
    expected, new = each.value
    matches = _same(before, expected)
    fits = each.outcome is Outcome.UNKNOWN or each.result is matches
    return fits, new if matches else before


def _same(left, right):
    return type(left) is type(right) and left == right


def check_order(history: History, order: tuple[int, ...], model: str = "register") -> None:
    """Raise AssertionError unless the order is a proof that the history is linearizable."""
    operations = list(history)
    needed = {i for i, each in enumerate(operations) if each.outcome is Outcome.OK}
    assert len(set(order)) == len(order)
    assert needed <= set(order)
    state, latest_start = {}, float("-inf")
    for index in order:
        each = operations[index]
        assert each.outcome is Outcome.OK or (each.outcome is Outcome.UNKNOWN)
        assert each.kind != "get" or each.outcome is Outcome.OK
        latest_start = max(latest_start, each.invoked)
        assert each.outcome is Outcome.UNKNOWN or not each.completed < latest_start
        fits, state[each.key] = _do(state.get(each.key, FIRST[model]), each)
        assert fits
