"""Brute force over all orders: slow, short, and sharing nothing with the judges but the records."""

from capkit.history import History
from capkit.records import Outcome


def linearizable(history: History) -> bool:
    """Whether some order of all keys' operations respects time and every get's answer."""
    operations = [
        each
        for each in history
        if each.outcome is not Outcome.FAIL
        and not (each.kind == "get" and each.outcome is Outcome.UNKNOWN)
    ]
    return _can_go_on(operations, {})


def _can_go_on(left, state):
    answered = [each for each in left if each.outcome is Outcome.OK]
    if not answered:
        return True
    for each in left:
        if any(other.completed < each.invoked for other in answered if other is not each):
            continue
        if each.kind == "get" and not _same(state.get(each.key), each.value):
            continue
        rest = [other for other in left if other is not each]
        after = {**state, each.key: each.value} if each.kind == "put" else state
        if _can_go_on(rest, after):
            return True
    return False


def _same(left, right):
    return type(left) is type(right) and left == right


def check_order(history: History, order: tuple[int, ...]) -> None:
    """Raise AssertionError unless the order is a proof that the history is linearizable."""
    operations = list(history)
    needed = {i for i, each in enumerate(operations) if each.outcome is Outcome.OK}
    assert len(set(order)) == len(order)
    assert needed <= set(order)
    state, latest_start = {}, float("-inf")
    for index in order:
        each = operations[index]
        assert each.outcome is Outcome.OK or (each.kind, each.outcome) == ("put", Outcome.UNKNOWN)
        latest_start = max(latest_start, each.invoked)
        assert each.outcome is Outcome.UNKNOWN or not each.completed < latest_start
        if each.kind == "put":
            state[each.key] = each.value
        else:
            assert _same(state.get(each.key), each.value)
