"""Values such as people have: siblings, what nobody put, and equal ones that are not the same."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from support import ladder_oracle as by_definition
from support import oracle

from capkit.consistency import (
    RUNGS,
    causal,
    freshness,
    k_atomic,
    ladder,
    linearizable,
    monotonic_reads,
    monotonic_writes,
    read_your_writes,
    sequential,
    stale,
    staleness,
    writes_follow_reads,
)
from capkit.history import History, Operation, Outcome, Siblings, story

OK, FAIL, UNKNOWN = Outcome
SESSIONS = {
    judge.__name__: judge
    for judge in (read_your_writes, monotonic_reads, monotonic_writes, writes_follow_reads)
}

# Each row is one value, in several looks; True is not 1, and siblings are no tuple.
LOOKS = [
    [1, 1.0, np.int64(1), np.uint8(1), Fraction(1), np.float32(1)],
    [True, np.True_],
    [0, 0.0, -0.0, np.int8(0)],
    [float("nan"), np.float64("nan")],
    [{"a": 1, "b": [2]}, {"b": [2.0], "a": np.int64(1)}],
    [{0, 8}, {8, 0}, frozenset({8.0, 0})],
    [(1, 2), (1.0, np.int64(2))],
    [Siblings((1, 2)), Siblings((1.0, 2))],
    [[1, 2], [1, 2.0]],
    ["x", np.str_("x")],
    [None],
]
NONE = len(LOOKS) - 1
KEYS = [["k"], [1, 1.0, np.int64(1)], [None], [(1, 2)], [frozenset({1})]]


def one_look(rng, looks):
    return looks[int(rng.integers(len(looks)))]


def odd_history(rng, size=7, processes=3):
    """A few processes that touch each other; gets mostly return what was put not long before.

    And the same history with plain numbers for keys and values.
    """
    first, keys = int(rng.integers(NONE)), rng.choice(len(KEYS), 2, replace=False)
    values = [first, first, first + 1, int(rng.integers(NONE))]  # neighbours look alike
    free, rows, plain, put = [0] * processes, [], [], {}
    for _ in range(int(rng.integers(2, size + 1))):
        process, key = int(rng.integers(processes)), int(rng.choice(keys))
        begin = free[process] + int(rng.choice([0, 0, 1, 2]))
        free[process] = begin + int(rng.choice([0, 1, 2, 4]))
        kind, value = str(rng.choice(["put", "get"])), int(rng.choice(values))
        if kind == "get":
            right = rng.random() < 0.65
            value = put.get(key, NONE) if right else int(rng.choice([*values, NONE]))
        outcome = [OK, OK, OK, OK, UNKNOWN, FAIL][int(rng.integers(6))]
        if kind == "put" and outcome is not FAIL:
            put[key] = value
        plain.append(
            Operation(
                kind=kind,
                key=None if KEYS[key] == [None] else key,
                value=None if value == NONE else value,
                invoked=begin,
                completed=free[process],
                client=process,
                outcome=outcome,
            )
        )
        look = {"key": one_look(rng, KEYS[key]), "value": one_look(rng, LOOKS[value])}
        rows.append(replace(plain[-1], **look))
    return History(rows), History(plain)


def test_equal_values_of_any_look_agree_with_brute_force(examples):
    rng, valid = np.random.default_rng(1), 0
    for _ in range(examples // 2):
        history, _ = odd_history(rng)
        verdict = linearizable(history)
        assert verdict.ok is oracle.linearizable(history), list(history)
        assert k_atomic(history, 1).ok is verdict.ok
        valid += verdict.ok
        if verdict.ok:
            oracle.check_order(history, verdict.order)
            assert not freshness(history) < 1
        else:
            assert not oracle.linearizable(history.select(np.array(verdict.witness)))
    assert 0.15 <= valid / examples <= 0.35  # of half the examples


def test_a_verdict_does_not_depend_on_the_look_of_equal_values(examples):
    rng = np.random.default_rng(2)
    for _ in range(examples // 4):
        history, plain = odd_history(rng)
        assert [_places(history.value), _places(history.key)] == [
            _places(plain.value),
            _places(plain.key),
        ]
        for judge in (linearizable, sequential, causal, *SESSIONS.values()):
            assert judge(history).ok is judge(plain).ok
        assert stale(history).tolist() == stale(plain).tolist()


def _places(codes):
    """Where each code stood first; None stays apart."""
    codes = codes.tolist()
    return [codes.index(code) if code >= 0 else -1 for code in codes]


def sibling_history(rng, size, processes=2, keys=2):
    """Distinct puts, some of siblings; gets of one, of several side by side, and of nobody's."""
    free, rows, puts = [0] * processes, [], {"x": [None], "y": [None]}
    for number in range(1, size + 1):
        process, key = int(rng.integers(processes)), "xy"[rng.integers(keys)]
        begin = free[process] + int(rng.choice([0, 0, 1, 2]))
        free[process] = begin + int(rng.choice([0, 1, 2]))
        outcome = [OK, OK, OK, OK, OK, UNKNOWN, FAIL][int(rng.integers(7))]
        if rng.random() < 0.4:
            kind, value = "put", number
            if rng.random() < 0.1:
                value = Siblings((number, *puts[key][-1:]))
            puts[key].append(value)
        else:
            kind, several = "get", int(rng.choice([1, 1, 1, 2, 2, 3]))
            known = [*puts[key][-5:], *([99] if rng.random() < 0.15 else [])]
            chosen = [known[i] for i in rng.permutation(len(known))[:several].tolist()]
            value = chosen[0] if len(chosen) == 1 else Siblings(chosen)
        rows.append(
            Operation(
                kind=kind,
                key=key,
                value=value,
                invoked=begin,
                completed=free[process],
                client=process,
                outcome=outcome,
            )
        )
    return History(rows)


@pytest.mark.parametrize("name", SESSIONS)
def test_siblings_agree_with_the_definition_of_a_session(name, examples):
    rng, valid, broken = np.random.default_rng(3), 0, 0
    for _ in range(examples // 4):
        history = sibling_history(rng, int(rng.integers(12, 18)), keys=int(rng.integers(1, 3)))
        verdict, holds = SESSIONS[name](history), getattr(by_definition, name)
        assert verdict.ok is holds(list(history)), (verdict, list(history))
        valid += verdict.ok
        if verdict.ok is False:
            some = history.select(np.array(verdict.witness))
            assert not holds(list(some)), (verdict, list(history))
            broken += any(isinstance(each.value, Siblings) for each in some)
    assert valid
    assert broken  # by gets of siblings, too


def test_siblings_are_no_value_of_a_register(examples):
    rng, valid = np.random.default_rng(4), 0
    for _ in range(examples // 4):
        history = sibling_history(rng, int(rng.integers(2, 8)))
        verdict = linearizable(history)
        assert verdict.ok is oracle.linearizable(history), list(history)
        assert k_atomic(history, 2).ok is by_definition.k_atomic(list(history), 2)
        assert sequential(history).ok is by_definition.sequential(list(history)), list(history)
        valid += verdict.ok
        table = ladder(history)
        assert table["linearizable"].ok is verdict.ok
        held = {rung: table[rung].ok for rung in table}
        assert not [(u, low) for u in RUNGS for low in RUNGS[u] if held[u] and held[low] is False]
        assert (staleness(history).versions > 0).tolist() == (stale(history) >= 0).tolist()
    assert valid


def siblings(*values, at=40, key="x", client=1):
    return Operation(
        kind="get", key=key, value=Siblings(values), invoked=at, completed=at + 5, client=client
    )


PUTS = list(story("x=1 x=2 x=3"))


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("values", [(1, 2), (1, 9), (9,), (9, 8), (None, 1), (), (1, (2,)), ([],)])
def test_no_get_of_siblings_is_too_much_for_a_session(name, values):
    for client in (0, 1):
        history = History([*PUTS, siblings(*values, client=client)])
        broken = client == 0 and name == "read_your_writes" and {1, 2, None} & {*_hashed(values)}
        assert SESSIONS[name](history).ok is not bool(broken)


def _hashed(values):
    return [each for each in values if not isinstance(each, list)]


def test_a_sibling_that_nobody_put_is_not_the_initial_value():
    history = History([*PUTS, siblings(9, client=0)])
    assert stale(history).tolist() == [-1] * 4
    assert read_your_writes(history).ok
    assert "returned 9" in linearizable(history).reason
    with_initial = History([*PUTS, siblings(None, client=0)])
    assert stale(with_initial).tolist() == [-1, -1, -1, 2]
    assert read_your_writes(with_initial).ok is False


@pytest.mark.parametrize("model", ["register", "cas-register"])
@pytest.mark.parametrize("other", ["put", "cas"])
def test_siblings_that_somebody_put_are_a_value(model, other):
    first = Operation(kind="put", key="x", value=Siblings((1, 2)), invoked=0, completed=5)
    more = {"kind": other, "key": "y", "value": (None, 1), "invoked": 10, "completed": 15}
    history = History([first, siblings(1, 2), Operation(**more)])
    if (model, other) == ("register", "cas"):
        with pytest.raises(ValueError, match="kind of operation 2 must be put or get"):
            linearizable(history, model=model)
        return
    assert linearizable(history, model=model).ok
    wrong = History([first, siblings(1, 3), Operation(**more)])
    assert linearizable(wrong, model=model).ok is False
