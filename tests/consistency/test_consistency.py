import math
import re

import numpy as np
import pytest
from support import oracle

from capkit.consistency import availability, freshness, linearizable, stale, summary
from capkit.consistency.allowance import Allowance
from capkit.consistency.linearizability import search, zones
from capkit.consistency.linearizability.configurations import IMPOSSIBLE, Call, Machine
from capkit.consistency.linearizability.models import Register
from capkit.consistency.linearizability.objects import Objects, search_groups
from capkit.consistency.linearizability.witnesses import disorder
from capkit.history import Fault, History, Operation, Outcome, Siblings

OK, FAIL, UNKNOWN = Outcome


def put(value, invoked, completed, outcome=OK, key="x", **more):
    return Operation(
        kind="put",
        key=key,
        value=value,
        invoked=invoked,
        completed=completed,
        outcome=outcome,
        **more,
    )


def get(value, invoked, completed, outcome=OK, key="x", **more):
    return Operation(
        kind="get",
        key=key,
        value=value,
        invoked=invoked,
        completed=completed,
        outcome=outcome,
        **more,
    )


def random_columns(rng, count, size, distinct, honesty):
    """Columns of histories, shape (count, size): most gets return what a real register would."""
    shape = (count, size)
    begin = rng.integers(0, 3 * size // 2, shape).astype(float)
    end = begin + rng.integers(0, 7, shape)
    is_put = rng.random(shape) < 0.5
    outcome = rng.choice(3, shape, p=[0.75, 0.1, 0.15])
    key = rng.integers(0, rng.choice([1, 1, 2], (count, 1)), shape)
    written = np.arange(size) + np.zeros(shape, int) if distinct else rng.integers(-1, 2, shape)
    moment = begin + rng.random(shape) * (end - begin + 9 * (outcome == 2))
    visible = (is_put & (outcome != 1))[:, None, :] & (key[:, None, :] == key[:, :, None])
    visible &= moment[:, None, :] < moment[:, :, None]
    latest = np.where(visible, moment[:, None, :], -1).argmax(axis=2)
    true = np.where(visible.any(axis=2), np.take_along_axis(written, latest, axis=1), -1)
    wrong = rng.integers(-1, size if distinct else 2, shape)
    answer = np.where(rng.random(shape) < honesty, true, wrong)
    return {
        "kind": np.where(is_put, 0, 1),
        "key": key,
        "value": np.where(is_put, written, answer),
        "invoked": begin,
        "completed": end,
        "outcome": outcome,
        "process": rng.integers(0, rng.choice([1, 2, 9], (count, 1)), shape),
    }


def random_histories(seed, count, size=8, distinct=True, honesty=0.8):
    rng = np.random.default_rng(seed)
    columns = random_columns(rng, count, size, distinct, honesty)
    for i, length in enumerate(rng.integers(size // 4, size + 1, count)):
        rows = rng.permutation(size)[:length]
        yield History.from_columns(**{name: column[i, rows] for name, column in columns.items()})


def check_witness(history, witness):
    """The witness has no valid order, and does without none of its gets and none of its values."""
    rows = np.array(witness)
    assert not oracle.linearizable(history.select(rows))
    names = list(zip(history.key[rows], history.value[rows], strict=True))
    whole = {name: [row for row, n in zip(rows, names, strict=True) if n == name] for name in names}
    gets = [[row] for row in rows if history.is_get[row]]
    for dropped in [*gets, *whole.values()]:
        assert oracle.linearizable(history.select(rows[~np.isin(rows, dropped)]))


@pytest.mark.parametrize("distinct, honesty", [(True, 0.75), (False, 0.55)])
def test_verdicts_agree_with_brute_force_over_all_orders(examples, distinct, honesty):
    valid, count = 0, examples // 2
    for history in random_histories(2, count, distinct=distinct, honesty=honesty):
        verdict = linearizable(history)
        assert verdict.ok is oracle.linearizable(history), list(history)
        if verdict.ok:
            valid += 1
            oracle.check_order(history, verdict.order)
            assert not freshness(history) < 1
        else:
            check_witness(history, verdict.witness)
            named = {int(number) for number in re.findall(r"#(\d+)", verdict.reason)}
            assert named
            assert named <= set(verdict.witness)
    print(f"{count} histories, {valid / count:.0%} of them linearizable")
    assert 1 / 3 <= valid / count <= 2 / 3


@pytest.mark.parametrize("honesty", [1.0, 0.97])
def test_zones_and_search_agree_on_histories_too_long_for_brute_force(examples, honesty):
    for history in random_histories(3, examples // 4, size=40, honesty=honesty):
        clusters = zones.cluster(history)
        verdict = linearizable(history)
        whole = Objects(history, Register(), clusters.rows)
        found, stuck = search_groups(whole, Allowance(100_000))
        assert verdict.ok is (stuck is None)
        assert verdict.ok is all(each.order is not None for each in found)
        if verdict.ok:
            oracle.check_order(history, verdict.order)
        else:
            check_witness(history, verdict.witness)
            wrong, more = whole.groups[stuck], Allowance(100_000)
            check_witness(history, disorder(whole, wrong, found[stuck], more)[0])


CLASSICS = {
    "no operations": ([], True),
    "get of the initial value": ([get(None, 0, 1)], True),
    "overlapping put, seen": ([put(1, 0, 10), put(2, 20, 40), get(2, 25, 30)], True),
    "overlapping put, not yet seen": ([put(1, 0, 10), put(2, 20, 40), get(1, 25, 30)], True),
    "seen early, and by all who follow": (
        [put(1, 0, 10), put(2, 20, 60), get(1, 22, 28), get(2, 30, 35), get(2, 40, 45)],
        True,
    ),
    "concurrent puts, either order": ([put(1, 0, 10), put(2, 5, 15), get(1, 20, 25)], True),
    "concurrent puts, two orders": (
        [put(1, 0, 10), put(2, 5, 15), get(1, 20, 25), get(2, 20, 25)],
        False,
    ),
    "new, then old": ([put(1, 0, 10), put(2, 20, 60), get(2, 25, 30), get(1, 40, 45)], False),
    "stale": ([put(1, 0, 10), put(2, 20, 30), get(1, 40, 45)], False),
    "stale, but touching": ([put(1, 0, 10), put(2, 20, 30), get(1, 30, 35, client=1)], True),
    "stale, touching in one process": ([put(1, 0, 10), put(2, 20, 30), get(1, 30, 35)], False),
    "between, but touching": ([put(1, 0, 10), put(2, 10, 15, client=1), get(1, 20, 25)], True),
    "from the future": ([get(1, 0, 10), put(1, 20, 30)], False),
    "touching the future": ([get(1, 0, 10), put(1, 10, 30, client=1)], True),
    "one process touching the future": ([get(1, 0, 10), put(1, 10, 30)], False),
    "two processes, touching each other": (
        [
            put(1, 0, 10, client=0),
            get(None, 10, 20, key="y", client=0),
            put(1, 0, 10, key="y", client=1),
            get(None, 10, 20, client=1),
        ],
        False,
    ),
    "nobody put it": ([get(7, 0, 10)], False),
    "unknown put, read late": ([put(1, 0, 5, UNKNOWN), get(None, 50, 55), get(1, 90, 95)], True),
    "unknown put, read too early": ([get(1, 0, 5), put(1, 10, 15, UNKNOWN)], False),
    "unknown put, read and gone again": (
        [put(1, 0, 5, UNKNOWN), get(1, 10, 15), get(None, 20, 25)],
        False,
    ),
    "failed put, read": ([put(1, 0, 5, FAIL), get(1, 10, 15)], False),
    "failed, then repeated": ([put(1, 0, 5, FAIL), put(1, 6, 8), get(1, 10, 15)], True),
    "unanswered get": ([put(1, 0, 5), get(None, 10, 15, UNKNOWN), get(7, 10, 15, FAIL)], True),
    "two keys, each in order": (
        [put(1, 0, 5, key="x"), get(None, 10, 15, key="y"), get(1, 20, 25, key="x")],
        True,
    ),
    "put again": ([put(1, 0, 5), put(2, 10, 15), put(1, 20, 25), get(1, 30, 35)], True),
    "put again too early": ([put(1, 0, 5), put(1, 6, 8), put(2, 10, 15), get(1, 30, 35)], False),
    "put of nothing": ([put(1, 0, 5), put(None, 10, 15), get(None, 20, 25)], True),
    "one unknown put, seen twice": (
        [put(1, 0, 1, UNKNOWN), put(2, 5, 6), get(1, 7, 8), put(2, 9, 10), get(1, 11, 12)],
        False,
    ),
    "two unknown puts, each seen": (
        [
            put(1, 0, 1, UNKNOWN),
            put(1, 0, 1, UNKNOWN),
            put(2, 5, 6),
            get(1, 7, 8),
            put(2, 9, 10),
            get(1, 11, 12),
        ],
        True,
    ),
    "true is not 1": ([put(True, 0, 5), get(1, 10, 15)], False),
}


@pytest.mark.parametrize("operations, ok", CLASSICS.values(), ids=CLASSICS.keys())
def test_classics(operations, ok):
    history = History(operations)
    assert oracle.linearizable(history) is ok
    verdict = linearizable(history)
    assert (verdict.ok, bool(verdict)) == (ok, ok)
    if ok:
        oracle.check_order(history, verdict.order)
    else:
        check_witness(history, verdict.witness)


REASONS = {
    "stale": (
        [put(1, 0, 10), put(2, 20, 30), get(1, 70, 75)],
        "get #2 returned 1 although put #1 of 2 had finished 40 ms before the get began, and "
        "put #1 began after put #0 of 1 had finished",
    ),
    "stale after a seen value": (
        [put(1, 0, 22), get(1, 5, 10), put(2, 20, 30), get(1, 32.5, 40)],
        "get #3 returned 1 although put #2 of 2 had finished 2.5 ms before the get began, and "
        "put #2 began after get #1 had returned 1",
    ),
    "initial value": (
        [put("a", 0, 10), get(None, 1_260, 1_270)],
        "get #1 returned None, the initial value, although put #0 of 'a' had finished 1,250 ms "
        "before the get began",
    ),
    "new, then old": (
        [put(1, 0, 10), put(2, 20, 60), get(2, 25, 30), get(1, 40, 45)],
        "get #3 returned 1 although get #2 had returned 2 and finished 10 ms before get #3 began, "
        "and put #1 of 2 began after put #0 of 1 had finished",
    ),
    "new, then initial": (
        [put(2, 20, 60), get(2, 25, 30), get(None, 40, 45)],
        "get #2 returned None, the initial value, although get #1 had returned 2 and finished "
        "10 ms before get #2 began",
    ),
    "to and fro": (
        [put(1, 0, 90), put(2, 0, 90), get(1, 5, 10), get(2, 20, 30), get(1, 40, 45)],
        "get #4 returned 1 although get #3 had returned 2 and finished 10 ms before get #4 began, "
        "and get #3 began after get #2 had returned 1",
    ),
    "two puts, both the last": (
        [put(1, 0, 10), put(2, 5, 15), get(1, 20, 25), get(2, 20, 25)],
        "get #2 returned 1 although put #1 of 2 had finished 5 ms before the get began, and "
        "get #3, which returned 2, began after put #0 of 1 had finished",
    ),
    "from the future": (
        [get(1, 0, 10), put(1, 20, 30)],
        "get #0 returned 1 and had finished 10 ms before put #1 of it began",
    ),
    "nobody put it": (
        [put(1, 0, 2, key="y"), get(1, 3, 10)],
        "key 'x': get #1 returned 1, which nobody ever put there",
    ),
    "failed": (
        [put(1, 0, 5, FAIL), get(1, 10, 15)],
        "get #1 returned 1 although put #0 of it had failed, which means that it never happened",
    ),
    "siblings": (
        [put(1, 0, 5), put(2, 0, 5), get(Siblings((1, 2)), 10, 15)],
        "get #2 returned 1 and 2 side by side, but a register holds one value at a time",
    ),
    "many siblings": (
        [get(Siblings((1, 2, "c")), 10, 15)],
        "get #0 returned 1, 2 and 'c' side by side, but a register holds one value at a time",
    ),
    "put again too early": (
        [put(1, 0, 5), put(1, 6, 8), put(2, 10, 15), get(1, 30, 35)],
        "get #3 returned 1 although put #2 of 2 had finished 15 ms before the get began, and "
        "put #2 began after every put of 1 had finished",
    ),
    "put again too early, and another twice": (
        [put(1, 0, 5), put(1, 6, 8), put(2, 10, 90), put(2, 10, 15), get(1, 30, 35)],
        "get #4 returned 1 although put #3 of 2 had finished 15 ms before the get began, and "
        "put #3 began after every put of 1 had finished",
    ),
    "repeated values in disorder": (
        [put(1, 0, 90), put(1, 0, 90), put(2, 0, 90)]
        + [get(v, 10 * i + 1, 10 * i + 5) for i, v in enumerate([2, 1, 2])],
        "no order of put #0 of 1, put #1 of 1, put #2 of 2, get #3 of 2, get #4 of 1 and "
        "get #5 of 2 lets every get return the latest put before it",
    ),
}


@pytest.mark.parametrize("operations, reason", REASONS.values(), ids=REASONS.keys())
def test_the_reason_can_be_checked_by_eye(operations, reason):
    verdict = linearizable(History(operations))
    assert verdict.reason == reason
    assert repr(verdict) == f"not linearizable: {reason}"


def test_the_witness_leaves_out_all_that_has_nothing_to_do_with_it():
    noise = [put(i, 100 * i, 100 * i + 10) for i in range(3, 40)]
    noise += [get(i, 100 * i + 20, 100 * i + 30) for i in range(3, 40)]
    wrong = [put(1, 0, 10), put(2, 20, 30), get(2, 35, 40), get(1, 50, 60), get(1, 50, 60)]
    assert len(linearizable(History(noise + wrong)).witness) == 3
    again = [put(1, 1, 9), put(1, 5_000, 5_001)]
    assert linearizable(History(noise + wrong + again)).witness[:2] == (74, 75)
    assert len(linearizable(History(noise + wrong + again)).witness) == 4


def test_the_witness_leaves_out_a_get_whose_part_another_can_play():
    puts = [put(1, 0, 10), put(2, 0, 100)]
    history = History([*puts, get(2, 15, 50), get(2, 20, 30), get(1, 40, 45)])
    assert linearizable(history).witness == (0, 1, 3, 4)


def test_puts_without_answer_that_nobody_read_are_left_out_and_need_no_search():
    verdict = linearizable(History([put(1, 0, 5, UNKNOWN), put(1, 6, 8, UNKNOWN), put(2, 9, 10)]))
    assert (verdict.order, verdict.steps) == ((2,), 0)


@pytest.mark.parametrize("last", ["a", "b"])
def test_unanswered_operations_of_different_effect_are_told_apart(last):
    def step(state, effect):
        fits = effect in "ab" if state == "idle" else effect in (f"take {state}", "take any")
        return (effect if effect in "ab" else "idle") if fits else IMPOSSIBLE

    calls = [Call(i, each, False, False, 0, 1) for i, each in enumerate("ab")]
    calls += [Call(2, "take any", False, True, 2, 3)]
    calls += [Call(3, f"take {last}", False, True, 4, 5)]
    machine = Machine("idle", step)
    (found,) = search.take_turns([search.search(calls, machine)], Allowance(100))
    assert found.order == ((1, 2, 0, 3) if last == "a" else (0, 2, 1, 3))


def test_the_order_keeps_that_of_a_process_whose_gets_touch():
    gets = [get(1, 11, 17), get(1, 11, 11), get(1, 5, 11)]
    history = History([*gets, put(1, 0, 3, client=1), put(2, 20, 21)])
    assert linearizable(history).order == (3, 2, 1, 0, 4)


def test_repeated_values_that_cannot_be_judged_in_time_are_undecided():
    crowd = [put(i % 3, 0, 100) for i in range(12)] + [get(7 % 3, 0, 100) for i in range(4)]
    verdict = linearizable(History(crowd), budget=10)
    assert (verdict.ok, bool(verdict), verdict.steps) == (None, False, 10)
    assert repr(verdict) == "undecided: the search gave up after 10 steps"


def test_a_violation_of_an_easy_key_is_found_beside_a_hard_one():
    crowd = [put(i % 5, 0, 1_000, key="hard") for i in range(40)]
    crowd += [get(i % 5, 10 * i, 10 * i + 5, key="hard") for i in range(20)]
    wrong = [put(1, 0, 5), put(1, 6, 8), put(2, 10, 15), get(1, 30, 35)]
    assert linearizable(History(crowd), budget=20_000).ok is None
    assert linearizable(History(crowd + wrong), budget=20_000).ok is False


def test_a_search_that_needs_too_much_memory_is_undecided(monkeypatch):
    crowd = [put(i % 3, 0, 100 + i) for i in range(12)] + [get(0, 200, 201)]
    assert linearizable(History(crowd)).ok
    monkeypatch.setattr(search, "_ROOM", 50)
    assert linearizable(History(crowd)).ok is None


def test_budget_must_be_positive():
    with pytest.raises(ValueError, match="budget must be at least 1, got 0"):
        linearizable(History(), budget=0)


def test_new_then_old_is_fresh_but_not_linearizable():
    history = History(CLASSICS["new, then old"][0])
    assert freshness(history) == 1
    assert not linearizable(history)


STALE = {
    "newest of two that it missed": (
        [put(1, 0, 10), put(2, 20, 30), put(3, 40, 50), get(1, 60, 61)],
        {3: 2},
    ),
    "begun last, not finished last": (
        [put(1, 0, 10), put(2, 20, 50), put(3, 30, 40), get(1, 60, 61)],
        {3: 2},
    ),
    "initial value": ([put(1, 0, 10), get(None, 20, 21)], {1: 0}),
    "touching": (
        [put(1, 0, 10), put(2, 10, 20, client=1), get(1, 30, 31), get(None, 10, 12, client=2)],
        {},
    ),
    "touching in one process": (
        [put(1, 0, 10), put(2, 10, 20), get(1, 30, 31), get(None, 10, 12)],
        {2: 1, 3: 0},
    ),
    "get touches the put": ([put(1, 0, 10), put(2, 11, 30), get(1, 30, 31, client=1)], {}),
    "put without answer": ([put(1, 0, 10, UNKNOWN), put(2, 20, 30), get(1, 40, 41)], {}),
    "missed put without answer": ([put(1, 0, 10), put(2, 20, 30, UNKNOWN), get(1, 40, 41)], {}),
    "missed put failed": ([put(1, 0, 10), put(2, 20, 30, FAIL), get(1, 40, 41)], {}),
    "unanswered get": ([put(1, 0, 10), put(2, 20, 30), get(1, 40, 41, UNKNOWN)], {}),
    "nobody put it": ([put(1, 0, 10), get(7, 20, 21)], {}),
    "another key": ([put(1, 0, 10, key="y"), get(None, 20, 21)], {}),
    "put again": ([put(1, 0, 10), put(2, 20, 30), put(1, 25, 35), get(1, 40, 41)], {}),
    "put again, too early": ([put(1, 0, 1), put(1, 3, 4), put(2, 20, 30), get(1, 40, 41)], {3: 2}),
    "nothing again": ([put(1, 0, 1), put(None, 3, 4), put(2, 5, 6), get(None, 8, 9)], {3: 2}),
    "one sibling is new": (
        [put(1, 0, 10), put(2, 20, 30), get(Siblings((1, 2)), 40, 41)],
        {},
    ),
    "both siblings are old": (
        [put(1, 0, 10), put(2, 5, 10), put(3, 20, 30), get(Siblings((1, 2)), 40, 41)],
        {3: 2},
    ),
    "siblings of the initial value": (
        [put(1, 0, 1), put(3, 2, 3), get(Siblings((None, 1)), 4, 5)],
        {2: 1},
    ),
    "siblings of another key": (
        [put(1, 0, 1, key="y"), put(3, 2, 3), get(Siblings((None, 1)), 4, 5)],
        {},
    ),
    "a sibling that nobody put": ([put(1, 0, 1), put(3, 2, 3), get(Siblings((1, 9)), 4, 5)], {}),
    "a sibling without answer": (
        [put(1, 0, 1, UNKNOWN), put(3, 2, 3), get(Siblings((None, 1)), 4, 5)],
        {},
    ),
}


@pytest.mark.parametrize("operations, missed", STALE.values(), ids=STALE.keys())
def test_stale_names_the_newest_put_that_was_missed(operations, missed):
    found = stale(History(operations))
    assert {i: put for i, put in enumerate(found.tolist()) if put >= 0} == missed


def test_stale_agrees_with_its_definition_on_random_histories(examples):
    for history in random_histories(4, examples, size=12, distinct=False, honesty=0.5):
        for row, found in enumerate(stale(history).tolist()):
            missed = _missed(list(enumerate(history)), row)
            assert found in missed if missed else found == -1


def _missed(operations, row):
    """The definition of `stale`, word by word: the newest puts that an operation missed."""
    get = operations[row]
    if get[1].kind != "get" or get[1].outcome is not OK:
        return []
    puts = [each for each in operations if (each[1].kind, each[1].key) == ("put", get[1].key)]
    same = [each for each in puts if each[1].value == get[1].value and each[1].outcome is not FAIL]
    if not same and get[1].value is not None:
        return []
    missed = [
        each
        for each in puts
        if oracle.before(each, get) and all(oracle.before(old, each) for old in same)
    ]
    latest = max((each.invoked for _, each in missed), default=0)
    return [i for i, each in missed if each.invoked == latest]


class Stop(Fault):
    """Stops node 1."""

    __slots__ = ()

    def stops(self, node):
        return node == 1


AVAILABILITY = {
    "answered": ([put(1, 0, 5, node=1)], 1.0),
    "not answered": ([put(1, 0, 5, UNKNOWN, node=0), put(1, 0, 5, FAIL, node=0)], 0.0),
    "nothing": ([], math.nan),
    "down at the start": ([get(1, 15, 18, UNKNOWN, node=1), get(1, 15, 18)], 1.0),
    "down before the deadline": ([get(1, 5, 8, deadline=12, node=1)], math.nan),
    "down at the deadline": ([get(1, 5, 8, deadline=10, node=1)], math.nan),
    "down after the deadline": ([get(1, 5, 8, UNKNOWN, deadline=9, node=1)], 0.0),
    "up again": ([get(1, 20, 28, UNKNOWN, deadline=30, node=1)], 0.0),
    "down in between": ([get(1, 5, 28, deadline=30, node=1)], math.nan),
    "another node is down": ([get(1, 15, 18, UNKNOWN, node=0)], 0.0),
}


@pytest.mark.parametrize("operations, share", AVAILABILITY.values(), ids=AVAILABILITY.keys())
def test_availability_counts_where_the_node_stayed_up(operations, share):
    history = History(operations, faults=[Stop(at=10, until=20)])
    assert availability(history) == pytest.approx(share, nan_ok=True)


def test_availability_of_one_side_and_of_one_span():
    history = History([put(1, 10 * i, 10 * i + 5, [OK, UNKNOWN][i % 2], node=i) for i in range(4)])
    assert availability(history) == 0.5
    assert availability(history, nodes={0, 2}) == 1
    assert availability(history, nodes={1}) == 0
    assert availability(history, during=(0, 10)) == 1
    assert availability(history, during=(10, 30)) == 0.5
    assert math.isnan(availability(history, nodes={"elsewhere"}))


def test_availability_during_must_be_a_span():
    with pytest.raises(ValueError, match=r"during must be a span .* got \(5, 2\)"):
        availability(History(), during=(5, 2))


@pytest.mark.parametrize(
    "operations, sentence",
    [
        ([put(1, 0, 1)], "100 % available, no stale reads, linearizable"),
        (
            [],
            "nothing was asked of a live node, no stale reads, linearizable: nothing was answered",
        ),
        (
            [*REASONS["stale"][0], get(5, 80, 81, UNKNOWN)],
            f"75 % available, 1 stale read, not linearizable: {REASONS['stale'][1]}",
        ),
        (
            [put(1, 0, 1), get(None, 2, 3), get(None, 4, 5)],
            "100 % available, 2 stale reads, not linearizable: get #1 returned None, the initial "
            "value, although put #0 of 1 had finished 1 ms before the get began",
        ),
    ],
)
def test_summary_shows_numbers_and_verdict_together(operations, sentence):
    assert summary(History(operations)) == sentence


@pytest.mark.parametrize(
    "answered, of, share",
    [(999, 1_000, "over 99 %"), (1, 1_000, "under 1 %"), (1, 8, "12 %")],
)
def test_summary_does_not_round_a_failure_away(answered, of, share):
    many = [put(i, i, i, OK if i < answered else UNKNOWN) for i in range(of)]
    assert summary(History(many)).startswith(f"{share} available")
