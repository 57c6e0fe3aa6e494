from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from support import oracle

from capkit.consistency import Model, linearizable
from capkit.consistency.linearizability import search
from capkit.consistency.linearizability.configurations import IMPOSSIBLE
from capkit.consistency.linearizability.models import NAMED
from capkit.history import History, Operation, Outcome

OK, FAIL, UNKNOWN = Outcome

KINDS = {
    "register": ("put", "get"),
    "cas-register": ("put", "get", "cas", "cas"),
    "append": ("put", "append", "append", "get", "get", "get"),
    "set": ("add", "get"),
    "counter": ("add", "get", "get"),
}
HONESTY = {"register": 0.1, "cas-register": 0.6, "append": 0.1, "set": 0.1, "counter": 0.0}


def operation(kind, value, invoked, completed, outcome=OK, key="x", result=None, client=0):
    return Operation(
        kind=kind,
        key=key,
        value=value,
        invoked=invoked,
        completed=completed,
        outcome=outcome,
        result=result,
        client=client,
    )


def argument(rng, model, kind, place):
    """What an operation writes; words that are distinct, and words that are not, are both tried."""
    if kind == "cas":
        return tuple(rng.integers(0, 3, 2).tolist())
    if model == "append":
        return f"{place}." if rng.random() < 0.9 else str(rng.choice(["", "a", "aa"]))
    return int(rng.integers(-3, 9) if model == "counter" else rng.integers(3))


def random_history(rng, model, size=8):
    """A history of a real object, some of whose answers are wrong."""
    count = int(rng.integers(size // 4, size + 1))
    begin = rng.integers(0, 3 * size // 2, count).astype(float)
    end = begin + rng.integers(0, 7, count)
    outcome = rng.choice([OK, FAIL, UNKNOWN], count, p=[0.75, 0.08, 0.17])
    moment = begin + rng.random(count) * (end - begin + 9 * (outcome == UNKNOWN))
    keys, clients = int(rng.choice([1, 1, 2])), int(rng.choice([1, 2, 9]))
    state, past, found = {}, [oracle.FIRST[model]], [None] * count
    for i in np.argsort(moment).tolist():
        kind, key = str(rng.choice(KINDS[model])), int(rng.integers(keys))
        each = operation(
            kind, None, begin[i], end[i], outcome[i], key, client=int(rng.integers(clients))
        )
        before = state.get(key, oracle.FIRST[model])
        wrong = rng.random() > HONESTY[model]
        if kind == "get":
            others = [each for each in past if each != before] or [before]
            found[i] = replace(each, value=others[rng.integers(len(others))] if wrong else before)
            continue
        matches = None
        value = argument(rng, model, kind, i)
        if kind == "cas":
            matches = bool(value[0] == before) ^ bool(wrong)
        known = matches if outcome[i] is OK else None
        found[i] = replace(each, value=value, result=known)
        if outcome[i] is not FAIL:
            state[key] = oracle._do(before, replace(each, value=value, outcome=UNKNOWN))[1]
            past.append(state[key])
    return History(found)


@pytest.mark.parametrize("model", NAMED)
def test_verdicts_agree_with_brute_force_over_all_orders(model, examples):
    rng, valid = np.random.default_rng(5), 0
    for _ in range(examples):
        history = random_history(rng, model)
        verdict = linearizable(history, model=model)
        assert verdict.ok is oracle.linearizable(history, model), list(history)
        valid += verdict.ok
        if verdict.ok:
            oracle.check_order(history, verdict.order, model)
        else:
            assert not oracle.linearizable(history.select(np.array(verdict.witness)), model)
    print(f"{model}: {examples} histories, {valid / examples:.0%} of them linearizable")
    assert 0.3 <= valid / examples <= 0.7


def test_words_of_which_one_begins_another_are_not_taken_for_readable():
    writes = [operation("append", value, 0, 9) for value in ("a", "ab", "b")]
    for answer, ok in {"abab": True, "aabb": True, "bbaa": False, "ababb": False}.items():
        history = History([*writes, operation("get", answer, 20, 21)])
        assert linearizable(history, model="append").ok is ok


class Queue(Model):
    """First in, first out; says nothing of its operations, as a student's first model."""

    initial = ()

    def step(self, state, operation):
        if operation.kind == "enqueue":
            return (*state, operation.value)
        fits = state and (operation.outcome is UNKNOWN or state[0] == operation.result)
        return state[1:] if fits else IMPOSSIBLE


class Bare:
    """The least that a model can be."""

    initial = ()
    step = Queue.step


@pytest.mark.parametrize("model", [Queue(), Bare()])
def test_a_model_of_your_own_is_judged(model):
    both = [operation("enqueue", 1, 0, 5), operation("enqueue", 2, 6, 9, UNKNOWN)]
    first, lost, second = (
        operation("dequeue", None, 10, 19, result=1),
        operation("dequeue", None, 20, 25, UNKNOWN),
        operation("dequeue", None, 30, 35, result=2),
    )
    assert linearizable(History([*both, first, second]), model=model).ok
    verdict = linearizable(History([*both, second, first]), model=model)
    assert verdict.ok
    assert [row for row in verdict.order if row != 1] == [0, 3, 2]
    early = replace(second, invoked=6.5, completed=7)
    assert not linearizable(History([both[0], early, first]), model=model).ok
    assert not linearizable(History([*both, first, lost, second, second]), model=model).ok


REASONS = {
    "compare-and-set that worked": (
        "cas-register",
        [operation("put", 1, 0, 5), operation("cas", (2, 3), 6, 9, result=True)],
        "cas #1 from 2 to 3 worked, but the register is certainly 1 then, given the answers before",
    ),
    "compare-and-set that did not": (
        "cas-register",
        [operation("put", 1, 0, 5), operation("cas", (1, 3), 6, 9, result=False)],
        "cas #1 from 1 to 3 found another value, but the register is certainly 1 then, given the "
        "answers before",
    ),
    "string": (
        "append",
        [
            operation("append", "a", 0, 5),
            operation("append", "b", 1, 7),
            operation("get", "", 8, 9),
        ],
        "get #2 returned '', but the string is certainly 'ab' or 'ba' then, "
        "given the answers before",
    ),
    "set": (
        "set",
        [
            operation("add", 1, 0, 5, key="y"),
            operation("get", (), 6, 9, key="y"),
            operation("get", (), 6, 9),
        ],
        "key 'y': get #1 returned (), but the set is certainly {1} then, given the answers before",
    ),
    "counter": (
        "counter",
        [operation("add", 2, 0, 5), operation("add", 3, 0, 9, UNKNOWN), operation("get", 4, 6, 9)],
        "get #2 returned 4, but the counter is certainly 2 or 5 then, given the answers before",
    ),
}


@pytest.mark.parametrize("model, operations, reason", REASONS.values(), ids=REASONS.keys())
def test_the_reason_says_what_could_have_been(model, operations, reason):
    verdict = linearizable(History(operations), model=model)
    assert repr(verdict) == f"not linearizable: {reason}"


def test_a_compare_and_set_without_answer_may_have_worked_or_not():
    unknown = [operation("put", 1, 0, 5), operation("cas", (1, 2), 6, 7, UNKNOWN)]
    for answers, ok in {(1, 1): True, (1, 2): True, (2, 2): True, (2, 1): False}.items():
        gets = [operation("get", each, 10 + 5 * i, 12 + 5 * i) for i, each in enumerate(answers)]
        assert linearizable(History([*unknown, *gets]), model="cas-register").ok is ok


def test_the_witness_is_the_shortest_beginning_without_needless_reads():
    wrong = [operation("cas", (1, 2), 4, 6, result=True), operation("get", 1, 20, 22)]
    noise = [operation("get", 1, 1.5, 1.7), operation("get", 2, 7, 8), operation("get", 5, 30, 31)]
    late = [operation("put", 9, 40, 41), operation("cas", (1, 5), 21, 50, result=True)]
    history = History([operation("put", 1, 0, 1), *wrong, *noise, *late])
    assert linearizable(history, model="cas-register").witness == (0, 1, 2, 7)


def test_an_answer_that_came_later_does_not_shorten_the_witness():
    begun = [operation("put", 2, 0, 1), operation("put", 7, 0, 1, UNKNOWN)]
    slow = operation("cas", (2, 1), 2, 50, result=False)
    history = History([*begun, slow, operation("get", 1, 5, 9), operation("get", 7, 60, 70)])
    verdict = linearizable(history, model="cas-register")
    assert verdict.witness == (0, 1, 2, 3)
    assert verdict.reason.startswith("cas #2 from 2 to 1 found another value, but")


def test_many_equal_operations_at_once_are_no_work():
    crowd = [operation("add", 1, 0, 100 + i) for i in range(60)]
    gets = [operation("get", value, 200, 201) for value in (60, 60)]
    verdict = linearizable(History(crowd + gets), model="counter")
    assert verdict.ok
    assert verdict.steps < 10_000
    assert (
        linearizable(History([*crowd, operation("get", 61, 200, 201)]), model="counter").ok is False
    )


def test_a_hard_key_does_not_hide_an_easy_violation():
    moves = [*permutations(range(6), 2)] * 2
    crowd = [operation("cas", move, 0, 1_000, UNKNOWN, key="hard") for move in moves]
    crowd += [operation("get", i * i % 6, 10 * i, 10 * i + 5, key="hard") for i in range(1, 40)]
    crowd += [operation("put", 0, 0, 1, key="hard")]
    wrong = [operation("put", 1, 0, 5), operation("get", 2, 6, 7)]
    assert linearizable(History(crowd), model="cas-register", budget=5_000).ok is None
    assert linearizable(History(crowd + wrong), model="cas-register", budget=5_000).ok is False


def test_searches_share_their_memory_and_give_it_back(monkeypatch):
    monkeypatch.setattr(search, "_ROOM", 100)
    easy = [
        operation("cas", (i or None, i + 1), i, i, result=True, key=key)
        for key in "ab"
        for i in range(90)
    ]
    assert linearizable(History(easy), model="cas-register").ok
    hard = [operation("add", 2**i, 0, 100, UNKNOWN, key="c") for i in range(30)]
    hard += [operation("get", 77, 200, 201, key="c")]
    assert linearizable(History(hard), model="counter").ok is None


@pytest.mark.parametrize(
    "model, message",
    [
        ("stack", "model must be one of 'register', .* got 'stack'"),
        (
            "register",
            r"kind of operation 1 must be put or get .* got cas .*'cas-register' knows it",
        ),
        ("counter", "kind of operation 0 must be add or get for this model, got put"),
    ],
)
def test_a_model_must_know_the_operations(model, message):
    history = History([operation("put", 1, 0, 1), operation("cas", (1, 2), 2, 3, result=True)])
    with pytest.raises(ValueError, match=message):
        linearizable(history, model=model)
