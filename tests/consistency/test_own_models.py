"""Whatever model is given is the model that judges."""

from time import monotonic

import numpy as np
import pytest
from support import oracle

from capkit.consistency import (
    Appended,
    CasRegister,
    Counter,
    Growing,
    Model,
    Register,
    linearizable,
)
from capkit.consistency.linearizability.models import IMPOSSIBLE
from capkit.history import History, Operation, Outcome

OK, FAIL, UNKNOWN = Outcome

FIRST = {Register: 0, CasRegister: 1, Appended: "a", Growing: frozenset({1}), Counter: 5}
KINDS = {
    Register: ("put", "get"),
    CasRegister: ("put", "get", "cas"),
    Appended: ("put", "append", "get"),
    Growing: ("add", "get"),
    Counter: ("add", "get"),
}


def random_history(rng, base):
    def answer():
        if base is Appended:
            return str(rng.choice(["", "a", "b", "ab", "aa", "aab"]))
        if base is Growing:
            return tuple(range(int(rng.integers(4))))
        return [None, 0, 1, 2, 5, 6][int(rng.integers(6))]

    rows = []
    for at in rng.integers(0, 12, int(rng.integers(2, 7))).tolist():
        kind = str(rng.choice(KINDS[base]))
        text = base is Appended
        write = str(rng.choice(["a", "b"])) if text else int(rng.integers(3))
        value = (int(rng.integers(3)), int(rng.integers(3))) if kind == "cas" else write
        rows.append(
            Operation(
                kind=kind,
                key=str(rng.choice(["x", "y"])),
                value=answer() if kind == "get" else value,
                invoked=at,
                completed=at + int(rng.integers(5)),
                client=int(rng.integers(3)),
                outcome=[OK, OK, OK, UNKNOWN][int(rng.integers(4))],
                result=bool(rng.integers(2)) if kind == "cas" else None,
            )
        )
    return History(rows)


def from_scratch(base, *, step=None, key=None, initial=None):
    """The same model, but of no class that the judges know."""

    class Plain(Model):
        pass

    Plain.initial = base().initial if initial is None else initial
    Plain.step = step or (lambda self, state, operation: base().step(state, operation))
    Plain.key = key or Model.key
    return Plain()


def stubborn(base):
    """A step that ignores every other kind of change: the first put, append or add of 1."""

    def step(self, state, operation):
        after = base.step(self if isinstance(self, base) else base(), state, operation)
        changes = operation.kind != "get" and operation.value in (1, "a", (1, 1))
        return state if changes and after is not IMPOSSIBLE else after

    return step


def one_object(self, operation):
    return "all"


CHANGES = {
    "initial": lambda base: {"initial": FIRST[base]},
    "step": lambda base: {"step": stubborn(base)},
    "key": lambda base: {"key": one_object},
    "show": lambda base: {},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("base", FIRST, ids=lambda base: base.__name__)
def test_a_subclass_with_one_thing_changed_is_judged_like_the_same_model_from_scratch(
    base, change, examples
):
    rng = np.random.default_rng(1)
    changed = CHANGES[change](base)
    more = {"show": lambda self, state: "it"} if change == "show" else changed
    verdicts = []
    for _ in range(examples):
        history = random_history(rng, base)
        inherited = linearizable(history, model=type("Changed", (base,), more)())
        assert inherited.ok is linearizable(history, model=from_scratch(base, **changed)).ok
        verdicts.append(inherited.ok)
    assert {True, False} <= set(verdicts)


@pytest.mark.parametrize("base, name", [(Register, "register"), (CasRegister, "cas-register")])
def test_a_register_may_begin_with_any_value(base, name, examples):
    rng = np.random.default_rng(2)
    for initial in (0, 5, "a", 2.0):
        for _ in range(examples // 4):
            history = random_history(rng, base)
            verdict = linearizable(history, model=base(initial=initial))
            assert verdict.ok is oracle.linearizable(history, name, first=initial)


@pytest.mark.parametrize(
    "model, kind, value, seen, without",
    [
        (Register(0), "put", 2, [0, 2], [None, 2]),
        (CasRegister(1), "cas", (1, 2), [1, 2], None),
        (Appended("a"), "append", "b", ["a", "ab"], ["", "b"]),
        (Growing([1]), "add", 2, [(1,), (2, 1)], [(), (2,)]),
        (Growing({1}), "add", 2, [frozenset({1}), {1, 2}], [(), (2,)]),
        (Counter(5), "add", 2, [5, 7], [0, 2]),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Model) else "",
)
def test_a_named_model_begins_with_the_value_that_it_is_given(model, kind, value, seen, without):
    def history(first, last):
        rows = [("get", first), (kind, value), ("get", last)]
        return History(
            [
                Operation(
                    kind=each,
                    key="x",
                    value=item,
                    invoked=10 * at,
                    completed=10 * at + 5,
                    result=True if each == "cas" else None,
                )
                for at, (each, item) in enumerate(rows)
            ]
        )

    assert linearizable(history(*seen), model=model).ok
    assert linearizable(history(*seen), model=type(model)()).ok is False
    if without:
        assert linearizable(history(*without), model=model).ok is False
        assert linearizable(history(*without), model=type(model)()).ok


def test_a_million_keys_may_begin_with_a_value_of_their_own():
    values = np.array([0, 7, 7, 0])
    columns = {"kind": np.array([1, 0, 1, 1]), "key": np.zeros(4, int), "value": values}
    times = {"invoked": [0, 10, 20, 30], "completed": [5, 15, 25, 35]}
    history = History.from_columns(**columns, **times)
    verdict = linearizable(history, model=Register(initial=0))
    assert verdict.witness == (1, 3)
    assert "returned 0, the initial value," in verdict.reason
    assert linearizable(history.select(np.arange(3)), model=Register(initial=0)).ok
    assert linearizable(history).ok is False


class Slow(Register):
    """Takes its time."""

    def step(self, state, operation):
        end = np.random.default_rng(1).random(200_000).sum()
        return super().step(state, operation) if end else state


def test_seconds_bound_a_slow_model():
    crowd = [
        Operation(kind="put", key="x", value=i % 3, invoked=0, completed=100 + i, client=i)
        for i in range(14)
    ]
    last = Operation(kind="get", key="x", value=9, invoked=200, completed=201, client=99)
    verdict = linearizable(History([*crowd, last]), model=Slow(), seconds=0.3)
    assert verdict.ok is None
    assert "because the time was over" in verdict.reason


def maze(size):
    """Nobody put 77, which is seen at once; but which cas was impossible takes long to find out.

    Each of many cas without answer may have led to the state that the last one needs, or not.
    """
    nodes = 10 if size < 50 else 12
    pairs = [(a, b) for a in range(nodes) for b in range(nodes) if a != b]
    order = np.random.default_rng(1).permutation(len(pairs))[: size - 3]
    times = {"key": "x", "invoked": 2, "completed": 900, "outcome": UNKNOWN}
    lost = [Operation(kind="cas", value=pairs[i], client=int(i), **times) for i in order]
    first = Operation(kind="put", key="x", value=0, invoked=0, completed=1, client=900)
    last = {"kind": "cas", "value": (-5, 0), "result": True, "invoked": 10, "completed": 15}
    wrong = Operation(kind="get", key="x", value=77, invoked=20, completed=25, client=902)
    return History([first, *lost, Operation(key="x", client=901, **last), wrong])


GAVE_UP = "fewer operations may do, but the search for them gave up"


@pytest.mark.parametrize("size, budget", [(38, 2_000), (66, 2_000), (66, 20_000)])
def test_a_witness_that_would_take_too_many_steps_is_given_up_and_says_so(size, budget):
    verdict = linearizable(maze(size), model="cas-register", budget=budget)
    assert (verdict.ok, verdict.steps) == (False, budget)
    assert len(verdict.witness) == size
    assert verdict.reason == f"no order of these {size} operations explains all answers; {GAVE_UP}"


@pytest.mark.parametrize("size, seconds", [(38, 0.01), (66, 0.3)])
def test_a_witness_that_would_take_too_long_is_given_up_and_says_so(size, seconds):
    start = monotonic()
    verdict = linearizable(maze(size), model="cas-register", budget=10**9, seconds=seconds)
    assert monotonic() - start < 20  # without a limit, minutes
    assert verdict.ok is False
    assert verdict.steps < 10**9
    assert verdict.reason.endswith(GAVE_UP)


def test_a_witness_that_was_found_says_nothing_of_giving_up():
    verdict = linearizable(maze(38), model="cas-register")
    assert verdict.ok is False
    assert verdict.witness == tuple(range(37))  # without the get that began later
    assert verdict.reason.startswith("cas #36 from -5 to 0 worked, but of the 10 states")
    assert GAVE_UP not in verdict.reason
