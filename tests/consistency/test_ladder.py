import itertools
import math
import re

import numpy as np
import pytest
from support import ladder_oracle as by_definition
from support import oracle

from capkit import plots
from capkit.consistency import (
    RUNGS,
    Ladder,
    causal,
    convergence,
    freshness,
    k_atomic,
    ladder,
    linearizable,
    monotonic_reads,
    monotonic_writes,
    read_your_writes,
    sequential,
    staleness,
    writes_follow_reads,
)
from capkit.consistency.allowance import Allowance
from capkit.consistency.measures import missed
from capkit.consistency.promises.forced import forced
from capkit.consistency.promises.happened_before import Past
from capkit.consistency.promises.interleavings import GaveUpError, Interleavings
from capkit.history import Copy, Fault, History, Operation, Outcome, Siblings

OK, FAIL, UNKNOWN = Outcome

JUDGES = {
    "sequential": sequential,
    "causal": causal,
    "read your writes": read_your_writes,
    "monotonic reads": monotonic_reads,
    "monotonic writes": monotonic_writes,
    "writes follow reads": writes_follow_reads,
    "2-atomic": lambda history, **more: k_atomic(history, 2, **more),
    "3-atomic": lambda history, **more: k_atomic(history, 3, **more),
}
SESSIONS = RUNGS["causal"]
DEFINITIONS = {
    name: getattr(by_definition, name.replace(" ", "_"))
    for name in ("sequential", "causal", *SESSIONS)
} | {
    "1-atomic": lambda history: by_definition.k_atomic(history, 1),
    "2-atomic": lambda history: by_definition.k_atomic(history, 2),
    "3-atomic": lambda history: by_definition.k_atomic(history, 3),
}


NOTHING = "nothing was answered"
SILENT = {
    "empty": [],
    "all failed": [("put", 1, FAIL), ("get", None, FAIL)],
    "all unknown": [("put", 1, UNKNOWN), ("get", 1, UNKNOWN)],
    "failed or unknown": [("put", 1, FAIL), ("get", 1, UNKNOWN)],
}


@pytest.mark.parametrize("judge", ["linearizable", *JUDGES, *list(RUNGS)[:-1]])
@pytest.mark.parametrize("asked", SILENT.values(), ids=SILENT)
def test_a_history_without_answers_keeps_each_promise_and_says_why(judge, asked):
    history = History(
        [
            did(place, 10 * place, kind, value, outcome=outcome)
            for place, (kind, value, outcome) in enumerate(asked)
        ]
    )
    judges = {"linearizable": linearizable} | JUDGES
    verdicts = [ladder(history)[judge]] if judge in RUNGS else []
    verdicts += [judges[judge](history)] if judge in judges else []
    assert verdicts
    for verdict in verdicts:
        assert verdict.ok
        assert verdict.reason == NOTHING
        assert verdict.operations == len(history)
        assert repr(verdict) == f"{judge}: {NOTHING}"


def did(process, at, kind, value, key="x", *, lasts=5, outcome=OK):
    """An operation of a process that begins at some ms."""
    return Operation(
        kind=kind,
        key=key,
        value=value,
        invoked=at,
        completed=at + lasts,
        outcome=outcome,
        client=process,
    )


def random_history(rng, size, processes, keys, honesty, distinct=True):
    """Processes that mostly do one thing at a time; gets mostly return what was put lately."""
    free = [0.0] * processes
    rows, puts = [], []
    for number in range(size):
        process, key = int(rng.integers(processes)), "xy"[rng.integers(keys)]
        begin = free[process] + rng.choice([-1, 0, 1, 1, 2, 2, 3, 3, 5])
        begin, lasts = max(0.0, float(begin)), float(rng.choice([0, 1, 2, 4]))
        free[process] = begin + lasts
        outcome = rng.choice([OK, OK, OK, OK, OK, OK, UNKNOWN, FAIL] if size > 4 else [OK])
        if rng.random() < 0.45:
            value = number + 1 if distinct else int(rng.integers(1, 3))
            puts.append((begin, key, value))
            rows.append(("put", key, value, begin, lasts, outcome, process))
        else:
            rows.append(("get", key, None, begin, lasts, outcome, process))
    operations = []
    for kind, key, value, begin, lasts, outcome, process in rows:
        if kind == "get":
            mine = sorted(put for put in puts if put[1] == key)
            past = [put for put in mine if put[0] <= begin + lasts] or [(0, key, None)]
            some = past[-1:] if rng.random() < honesty else [*mine, (0, key, None)]
            value = some[rng.integers(len(some))][2]
            value = 99 if rng.random() < 0.01 else value
        more = {"outcome": outcome, "client": process, "completed": begin + lasts}
        operations.append(Operation(kind=kind, key=key, value=value, invoked=begin, **more))
    return History(operations)


def random_histories(seed, number, sizes=(4, 9), honesty=0.1, distinct=True, processes=3, keys=2):
    rng = np.random.default_rng(seed)
    for _ in range(number):
        size, of = int(rng.integers(*sizes)), int(rng.integers(2, processes + 1))
        yield random_history(rng, size, of, int(rng.integers(1, keys + 1)), honesty, distinct)


def is_irreducible(history, witness, holds):
    """The witness breaks the promise, and does not without a get or without a value."""
    rows = np.array(witness)
    if holds(list(history.select(rows))):
        return False
    names = list(zip(history.key[rows], history.value[rows], strict=True))
    whole = [[row for row, n in zip(rows, names, strict=True) if n == name] for name in names]
    dropped = [*([row] for row in rows if history.is_get[row]), *whole]
    return all(holds(list(history.select(rows[~np.isin(rows, each)]))) for each in dropped)


# How random histories must be made for about half of them to be fine.
MIXES = {
    "sequential": {"honesty": 0.2, "sizes": (4, 9)},
    "causal": {"honesty": 0.2, "sizes": (4, 9)},
    "read your writes": {"sizes": (9, 14)},
    "monotonic reads": {"sizes": (9, 15)},
    "monotonic writes": {"sizes": (13, 19)},
    "writes follow reads": {"sizes": (13, 19)},
    "2-atomic": {"sizes": (4, 9)},
    "3-atomic": {"sizes": (4, 9)},
}


@pytest.mark.parametrize("name", MIXES)
def test_a_judge_agrees_with_the_definition(name, examples):
    judge, holds = JUDGES[name], DEFINITIONS[name]
    valid = tried = 0
    for history in random_histories(1, examples, **MIXES[name]):
        verdict = judge(history)
        if name == "causal" and not by_definition.one_at_a_time(list(history)):
            assert verdict.ok or not holds(list(history))  # exact only for proper processes
            continue
        tried += 1
        assert verdict.ok is holds(list(history)), list(history)
        valid += bool(verdict)
        if verdict.ok is False:
            assert is_irreducible(history, verdict.witness, holds), (verdict, list(history))
            named = {int(number) for number in re.findall(r"#(\d+)", verdict.reason)}
            assert named <= set(verdict.witness)
            assert named
    print(f"{name}: {tried} histories, {valid / tried:.0%} of them fine")
    assert 0.3 <= valid / tried <= 0.7


@pytest.mark.parametrize("name", ["sequential", "1-atomic", "2-atomic", "3-atomic"])
def test_repeated_values_are_judged_by_search(name, examples):
    valid = 0
    for history in random_histories(2, examples, sizes=(5, 9), distinct=False):
        verdict = sequential(history) if name == "sequential" else k_atomic(history, int(name[0]))
        assert verdict.ok is DEFINITIONS[name](list(history)), list(history)
        valid += bool(verdict)
    print(f"{name}, repeated values: {examples} histories, {valid / examples:.0%} of them fine")
    assert 0.3 <= valid / examples <= 0.8


def test_one_atomic_is_linearizable(examples):
    for history in random_histories(3, examples, honesty=0.5):
        assert k_atomic(history, 1).ok is oracle.linearizable(history)


def check_order(history, verdict):
    """The order of a sequential verdict is a proof."""
    operations, order = list(history), verdict.order
    assert len(set(order)) == len(order)
    assert {i for i, each in enumerate(operations) if each.outcome is OK} - set(order) <= {
        i for i, each in enumerate(operations) if each.kind == "get" and each.outcome is not OK
    }
    chosen = [operations[i] for i in order]
    for (i, a), (j, b) in itertools.combinations(enumerate(chosen), 2):
        late = b.process == a.process and b.outcome is OK and b.completed < a.invoked
        assert not late, (i, j)
    state = {}
    for each in chosen:
        if each.kind == "put":
            state[each.key] = each.value
        else:
            assert state.get(each.key) == each.value


def test_the_order_of_a_sequential_verdict_proves_it(examples):
    proofs = 0
    for history in random_histories(4, examples, sizes=(8, 16), honesty=0.6):
        verdict = sequential(history)
        if verdict:
            check_order(history, verdict)
            proofs += 1
    assert proofs


def test_every_rung_implies_those_below_it(examples):
    for history in random_histories(5, examples, sizes=(4, 9), honesty=0.3):
        held = {name: JUDGES[name](history).ok for name in JUDGES if name in RUNGS}
        held["linearizable"] = oracle.linearizable(history)
        held["bounded staleness"] = bool(staleness(history).versions.max(initial=0) <= 1)
        for upper, lower in ((u, each) for u in held for each in RUNGS[u]):
            assert held[lower] or not held[upper], (upper, lower, list(history))


# For each rung a history that holds it and not the one above; the rungs that fail.
STALE = [did(0, 0, "put", 1), did(0, 10, "put", 2), did(1, 20, "get", 1)]
LINEARIZABLE = [did(0, 0, "put", 1), did(1, 10, "get", 1), did(0, 20, "put", 2)]
DEKKER = [
    did(0, 0, "put", 1, "x"),
    did(1, 0, "put", 2, "y"),
    did(0, 10, "get", None, "y"),
    did(1, 10, "get", None, "x"),
]
TWO_KEYS = [
    did(0, 0, "put", 1, "x"),
    did(1, 0, "put", 2, "y"),
    did(0, 10, "put", 3, "y"),
    did(1, 10, "put", 4, "x"),
    did(0, 20, "get", 2, "y"),
    did(1, 20, "get", 1, "x"),
]
WITHOUT_ORDER = [
    did(0, 0, "put", 1),
    did(1, 0, "put", 2),
    did(2, 10, "get", 1),
    did(3, 10, "get", 2),
    did(2, 20, "get", 2),
    did(3, 20, "get", 1),
]
OWN_AGAIN = [
    did(0, 0, "put", 1),
    did(1, 0, "put", 2),
    did(0, 10, "get", 2),
    did(0, 20, "get", 1),
]
LOST = [did(0, 0, "put", 1), did(0, 10, "get", None)]
BACK = [did(0, 0, "put", 1), did(1, 10, "get", 1), did(1, 20, "get", None)]
COMMENT = [
    did(0, 0, "put", 1, "post"),
    did(0, 10, "put", 2, "comment"),
    did(1, 20, "get", 2, "comment"),
    did(1, 30, "get", None, "post"),
]
ANSWER = [
    did(0, 0, "put", 1, "question"),
    did(1, 10, "get", 1, "question"),
    did(1, 20, "put", 2, "answer"),
    did(2, 30, "get", 2, "answer"),
    did(2, 40, "get", None, "question"),
]
OLDER_STILL = [did(0, 10 * i, "put", i + 1) for i in range(3)] + [did(1, 40, "get", 1)]
IN_TURNS = [did(0, 0, "put", 1), did(1, 0, "put", 2)] + [
    did(2, 10 + 10 * i, "get", value) for i, value in enumerate([1, 2, 1, 2])
]
TOO_MANY = [did(0, 0, "put", 1), did(1, 0, "put", 2), did(2, 0, "put", 3)] + [
    did(3, 10 + 10 * i, "get", value) for i, value in enumerate([1, 2, 3, 1, 2, 3])
]

RUNG_BY_RUNG = {
    "linearizable": (LINEARIZABLE, set()),
    "sequential, not linearizable": (STALE, {"linearizable"}),
    "causal, not sequential": (DEKKER, {"linearizable", "sequential"}),
    "causal, each key alone sequential": (TWO_KEYS, {"linearizable", "sequential"}),
    "causal, seen in two orders": (WITHOUT_ORDER, {"linearizable", "sequential"}),
    "all four session guarantees, not causal": (
        OWN_AGAIN,
        {"linearizable", "sequential", "causal"},
    ),
    "all but read your writes": (
        LOST,
        {"linearizable", "sequential", "causal", "read your writes"},
    ),
    "all but monotonic reads": (BACK, {"linearizable", "sequential", "causal", "monotonic reads"}),
    "all but monotonic writes": (
        COMMENT,
        {"linearizable", "sequential", "causal", "monotonic writes"},
    ),
    "all but writes follow reads": (
        ANSWER,
        {"linearizable", "sequential", "causal", "writes follow reads"},
    ),
    "sequential, not of bounded staleness": (
        OLDER_STILL,
        {"linearizable", "2-atomic", "bounded staleness"},
    ),
    "2-atomic, not monotonic": (
        IN_TURNS,
        {"linearizable", "sequential", "causal", "monotonic reads"},
    ),
    "of bounded staleness, not 2-atomic": (
        TOO_MANY,
        {"linearizable", "sequential", "causal", "monotonic reads", "2-atomic"},
    ),
}


@pytest.mark.parametrize("operations, failed", RUNG_BY_RUNG.values(), ids=RUNG_BY_RUNG.keys())
def test_no_rung_implies_the_one_above_it(operations, failed):
    table = ladder(History(operations))
    assert {rung for rung in table if table[rung].ok is False} == failed
    assert {rung for rung in table if table[rung].ok is None} == {"convergent"}
    for name, holds in DEFINITIONS.items():
        assert name not in table or table[name].ok is holds(operations)


def test_every_line_of_the_ladder_has_a_history_that_holds_only_its_lower_end():
    lines = {(upper, lower) for upper in RUNGS for lower in RUNGS[upper]}
    shown = {
        (upper, lower)
        for _, failed in RUNG_BY_RUNG.values()
        for upper, lower in lines
        if upper in failed and lower not in failed
    }
    assert lines == shown


def test_only_linearizability_is_local():
    history = History(TWO_KEYS)
    for key in ("x", "y"):
        alone = History([each for each in TWO_KEYS if each.key == key])
        assert sequential(alone).ok
    assert sequential(history).ok is False


REASONS = {
    "read your writes": (
        [did(0, 0, "put", 1), did(0, 10, "put", 2), did(0, 20, "get", 1)],
        "get #2 returned 1 although its process had done put #1 of 2 before, and put #0 of 1 had "
        "happened before put #1",
    ),
    "monotonic reads": (
        IN_TURNS,
        "get #4 returned 1 although its process had got 1 first (#2) and then 2 (#3)",
    ),
    "monotonic writes": (
        COMMENT,
        "get #3 from 'post' returned None, the initial value, although its process had got 2 of "
        "'comment' before (#2), and put #1 of 2 to 'comment' was done after put #0 of 1 to 'post' "
        "by the same process",
    ),
    "writes follow reads": (
        ANSWER,
        "get #4 from 'question' returned None, the initial value, although its process had got 2 "
        "of 'answer' before (#3), and put #2 of 2 to 'answer' was done by a process that had got 1 "
        "of 'question' (#1)",
    ),
    "causal": (
        ANSWER,
        "get #4 from 'question' returned None, the initial value, although put #0 of 1 to "
        "'question' had happened before it (through #1, #2 and #3)",
    ),
    "sequential": (
        DEKKER,
        "no order of put #0 of 1 to 'x', put #1 of 2 to 'y', get #2 of None from 'y' and get #3 of "
        "None from 'x' that keeps each process's own order lets every get return the latest put "
        "before it",
    ),
    "2-atomic": (
        OLDER_STILL,
        "get #3 returned 1 although put #1 of 2 and put #2 of 3 had finished before it began, and "
        "began after put #0 of 1 had finished",
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_the_reason_can_be_checked_by_eye(name):
    operations, reason = REASONS[name]
    verdict = JUDGES[name](History(operations))
    assert repr(verdict) == f"not {name}: {reason}"


OTHER_REASONS = {
    "circle": (
        [did(0, 0, "get", 1), did(0, 10, "put", 1)],
        "get #0 of 1 and put #1 of 1 are in a circle: each happened before the next, and the last "
        "the first",
    ),
    "replaced": (
        [did(0, 0, "put", 1), did(0, 10, "put", 2), did(1, 20, "get", 2), did(1, 30, "get", 1)],
        "get #3 returned 1 although put #1 of 2 had happened before it (through #2), and put #0 of "
        "1 had happened before put #1",
    ),
    "own order": (
        OWN_AGAIN,
        "no order of put #0 of 1 and put #1 of 2 that respects what happened before lets "
        "#3's process have get #2 of 2 and get #3 of 1",
    ),
    "nobody put it": ([did(0, 0, "get", 7)], "get #0 returned 7, which nobody ever put there"),
    "siblings": (
        [did(0, 0, "put", 1), did(1, 0, "put", 2), did(0, 10, "get", Siblings((1, 2)))],
        "get #2 returned 1 and 2 side by side, but a register holds one value at a time",
    ),
}


@pytest.mark.parametrize("operations, reason", OTHER_REASONS.values(), ids=OTHER_REASONS.keys())
def test_the_reason_why_a_history_is_not_causal(operations, reason):
    assert causal(History(operations)).reason == reason
    assert sequential(History(operations)).reason == reason


def test_a_repeated_value_leaves_open_who_read_from_whom():
    for again, before in [(1, "the value of put #0"), (None, "the initial value")]:
        history = History([did(0, 0, "put", 1), did(1, 10, "put", again), did(2, 20, "get", 1)])
        for name in ("causal", *SESSIONS):
            assert JUDGES[name](history).ok is None
            words = f"put #1 repeats {before}, so nobody knows which of them a get returned"
            assert JUDGES[name](history).reason == words
        assert sequential(history).ok


def test_a_get_of_siblings_breaks_a_session_guarantee_if_each_of_them_does():
    puts = [did(0, 0, "put", 1), did(0, 10, "put", 2), did(1, 0, "put", 3)]
    assert read_your_writes(History([*puts, did(0, 20, "get", Siblings((1, 3)))])).ok
    assert not read_your_writes(History([*puts, did(0, 20, "get", Siblings((1, None)))])).ok
    seen = [*puts, did(2, 20, "get", Siblings((2, 3)))]
    assert not monotonic_reads(History([*seen, did(2, 30, "get", 1)])).ok
    assert monotonic_reads(History([*seen, did(2, 30, "get", 3)])).ok


@pytest.mark.parametrize("again, ok", [(12, True), (15, False), (16, False)])
def test_operations_of_a_process_are_in_no_order_only_if_they_overlap(again, ok):
    history = History([did(0, 0, "put", 1), did(0, 10, "put", 2), did(0, again, "get", 1)])
    assert read_your_writes(history).ok is ok
    assert sequential(history).ok is ok
    assert k_atomic(history, 1).ok is linearizable(history).ok is ok
    assert (freshness(history) == 1) is ok


def test_an_unanswered_put_may_take_effect_after_its_process_has_gone_on():
    history = History([did(0, 0, "put", 1, outcome=UNKNOWN), did(0, 10, "get", None)])
    seen = History([*history, did(0, 20, "get", 1)])
    lost = History([*seen, did(0, 30, "get", None)])
    assert all(judge(each).ok for judge in JUDGES.values() for each in (history, seen))
    assert [monotonic_reads(lost).ok, causal(lost).ok, sequential(lost).ok] == [False] * 3


@pytest.mark.parametrize("judge", [sequential, JUDGES["2-atomic"]])
def test_a_search_gives_up_when_its_budget_runs_out(judge):
    history = History([did(p, 0, "put", p) for p in range(9)] + [did(9, 10, "get", 4)])
    verdict = judge(history, budget=3)
    assert (verdict.ok, verdict.steps) == (None, 3)
    assert verdict.reason == "the search gave up after 3 steps"
    assert judge(history).ok


@pytest.mark.parametrize("judge", [sequential, JUDGES["2-atomic"]])
def test_a_budget_is_at_least_one_step(judge):
    with pytest.raises(ValueError, match="budget must be at least 1, got 0"):
        judge(History(), budget=0)


def test_k_is_at_least_one():
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        k_atomic(History(), 0)


def test_a_ladder_needs_registers():
    history = History.from_columns(kind=["put"], key=["x"], invoked=[0], completed=[1])
    history.kind, history.kinds = np.array([2]), ("put", "get", "cas")
    with pytest.raises(ValueError, match="kind of operation 0 must be put or get here, got cas"):
        Past(history)


def test_the_table_says_what_holds_and_why_the_weakest_does_not():
    assert repr(ladder(History(LOST))).splitlines() == [
        "linearizable         no",
        "sequential           no",
        "causal               no",
        "read your writes     no   get #1 returned None, the initial value, although its process "
        "had done put #0 of 1 before",
        "monotonic reads      yes",
        "monotonic writes     yes",
        "writes follow reads  yes",
        "2-atomic             yes",
        "bounded staleness    yes",
        "convergent           ?    nobody recorded the nodes' copies",
    ]
    table = ladder(History(LOST))
    assert table.weakest == ("read your writes",)
    assert table["read your writes"].witness == (0, 1)
    assert table.highest == (
        "monotonic reads",
        "monotonic writes",
        "writes follow reads",
        "2-atomic",
    )


def test_rungs_below_one_that_holds_are_not_judged_again():
    repeated = History([did(0, 0, "put", 1), did(0, 10, "put", 1), did(0, 20, "get", 1)])
    table = ladder(repeated)
    assert all(table[rung].ok for rung in table if rung != "convergent")
    assert table["causal"].reason == "every sequential history is"


def test_a_rung_that_fails_takes_an_undecided_linearizable_with_it():
    again = History([did(0, 10 * i, "put", i // 2) for i in range(6)] + [did(1, 70, "get", 0)])
    assert linearizable(again, budget=1).ok is None
    table = ladder(again, budget=1)
    assert table["linearizable"].ok is False
    assert table["linearizable"].witness == table["2-atomic"].witness


def test_every_rung_has_a_verdict(examples):
    for history in itertools.islice(random_histories(6, examples), 20):
        table = ladder(history)
        assert isinstance(table, Ladder)
        assert (tuple(table), len(table)) == (tuple(RUNGS), len(RUNGS))
        assert all(table[rung].claim == rung for rung in table)


def test_staleness_counts_versions_and_ms(examples):
    history = History([*OLDER_STILL, did(2, 60, "get", None), did(2, 70, "get", 3)])
    old = staleness(history)
    assert old.versions.tolist() == [-1, -1, -1, 2, 3, 0]
    assert old.ms[3:].tolist() == [25, 55, 0]
    assert missed(history, np.array([4]))[1][0].tolist() == [0, 1, 2]
    for history in random_histories(7, examples, sizes=(8, 16), distinct=False):
        found = staleness(history)
        for i, (versions, ms) in enumerate(zip(found.versions, found.ms, strict=True)):
            assert (versions, ms) == pytest.approx(_age(list(history), i), nan_ok=True)


def _age(operations, row):
    """The definition of `staleness`, word by word."""
    items = list(enumerate(operations))
    get = items[row]
    it = get[1]
    if it.kind != "get" or it.outcome is not OK:
        return -1, math.nan
    puts = [each for each in items if (each[1].kind, each[1].key) == ("put", it.key)]
    same = [each for each in puts if each[1].value == it.value and each[1].outcome is not FAIL]
    if not same and it.value is not None:
        return 0, 0.0
    newer = [
        each
        for each in puts
        if each[1].outcome is OK
        and oracle.before(each, get)
        and all(oracle.before(old, each) for old in same)
    ]
    return len(newer), max([it.invoked - each.completed for _, each in newer], default=0.0)


def test_a_get_that_missed_k_puts_refutes_k_atomicity(examples):
    for history in random_histories(8, examples, sizes=(5, 10)):
        most = int(staleness(history).versions.max(initial=0))
        assert most == 0 or not by_definition.k_atomic(list(history), most)


def copies(*changes):
    return [Copy(at=at, node=node, key="x", values=values) for at, node, values in changes]


PUT = did(0, 0, "put", 1, lasts=10)
CONVERGENCE = {
    "nobody recorded the copies": ([PUT], [], [], math.nan),
    "equal before the put ended": ([PUT], copies((5, 0, (1,)), (8, 1, (1,))), [], 0),
    "equal later": ([PUT], copies((5, 0, (1,)), (30, 1, (1,))), [], 20),
    "never equal": ([PUT], copies((5, 0, (1,)), (30, 1, (2,))), [], None),
    "one has nothing": ([PUT], copies((5, 0, (1,)), (5, 1, ())), [], None),
    "equal, apart and equal again": (
        [PUT],
        copies((5, 0, (1,)), (12, 1, (1,)), (20, 1, (2,)), (50, 0, (2,))),
        [],
        40,
    ),
    "counted from the last fault": (
        [PUT],
        copies((5, 0, (1,)), (30, 1, (1,))),
        [Fault(at=2, until=25)],
        5,
    ),
    "a fault for ever": (
        [PUT],
        copies((5, 0, (1,)), (30, 1, (1,))),
        [Fault(at=12)],
        18,
    ),
    "siblings in another order": ([PUT], copies((5, 0, (1, 2)), (15, 1, (2, 1))), [], 5),
    "gets do not count": (
        [PUT, did(0, 90, "get", 1)],
        copies((5, 0, (1,)), (30, 1, (1,))),
        [],
        20,
    ),
    "never apart": ([PUT], copies((15, 0, (1,)), (15, 1, (1,))), [], 0),
}


@pytest.mark.parametrize(
    "operations, changes, faults, ms", CONVERGENCE.values(), ids=CONVERGENCE.keys()
)
def test_convergence_is_when_all_copies_are_equal_for_good(operations, changes, faults, ms):
    found = convergence(History(operations, copies=changes, faults=faults))
    assert found == ms or (math.isnan(ms) and math.isnan(found))


def test_a_node_that_clients_ask_counts_although_it_never_held_a_copy():
    one = Operation(kind="put", key="x", value=1, invoked=0, completed=10, node=0)
    other = Operation(kind="get", key="x", value=None, invoked=0, completed=10, node=1)
    changes = copies((5, 0, (1,)))
    assert convergence(History([one], copies=changes)) == 0
    assert convergence(History([one, other], copies=changes)) is None
    assert convergence(History([one, other], copies=changes), nodes=[0]) == 0


@pytest.mark.parametrize("nodes, ms", [([0, 1], 20), ([0], 0), ([0, 2], None), ([0, 1, 2], None)])
def test_convergence_of_some_nodes_asks_those_alone(nodes, ms):
    changes = copies((5, 0, (1,)), (30, 1, (1,)), (12, 2, (7,)))
    assert convergence(History([PUT], copies=changes), nodes=nodes) == ms


def test_the_ladder_tells_convergence_too():
    held = copies((5, 0, (1,)), (30, 1, (1,)))
    for changes, ok in [(held, True), (held[:1], True), (held + copies((40, 1, ())), False)]:
        table = ladder(History([PUT], copies=changes))
        assert table["convergent"].ok is ok


def test_the_picture_shows_every_rung_in_words_and_twice_in_its_box():
    ax = plots.panels()[0]
    picture = plots.LadderPicture(ax)
    changed = picture.update(ladder(History(BACK)))
    looks = {
        rung: (box.get_hatch() or "", box.get_linestyle() == "-", box.get_linewidth())
        for rung, box in picture.boxes.items()
    }
    assert looks["read your writes"] == ("", True, 2.5)
    assert looks["causal"] == ("////", True, 2.5)
    assert looks["monotonic reads"] == ("////", True, 5)
    assert looks["convergent"] == ("", False, 2.5)
    faces = {picture.boxes[rung].get_facecolor() for rung in ("causal", "convergent", "2-atomic")}
    assert len(faces) == 3
    names = {label.get_text().replace("\n", " ") for label in picture.labels.values()}
    assert names == set(RUNGS)
    assert set(changed) == {*picture.boxes.values(), *picture.labels.values()}
    assert repr(ax) == (
        "Holds: read your writes, monotonic writes, writes follow reads, 2-atomic, bounded "
        "staleness. Fails: linearizable, sequential, causal, monotonic reads. Undecided: "
        "convergent. Not monotonic reads: get #2 returned None, the initial value, although its "
        "process had got 1 before (#1)."
    )
    picture.update(ladder(History(LINEARIZABLE)))
    assert not picture.boxes["monotonic reads"].get_hatch()


def test_upper_rungs_stand_above_those_that_follow_from_them():
    picture = plots.LadderPicture(plots.panels()[0])
    heights = {rung: box.get_y() for rung, box in picture.boxes.items()}
    assert all(heights[upper] > heights[lower] for upper in RUNGS for lower in RUNGS[upper])
    assert len(picture.ax.lines) == sum(map(len, RUNGS.values()))


def test_no_rung_covers_another_and_every_name_fits_its_box():
    ax = plots.ladder(ladder(History(LOST)))
    ax.figure.canvas.draw()
    boxes = [patch.get_window_extent() for patch in ax.patches]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    for text in ax.texts[: len(RUNGS)]:
        around = text.get_window_extent()
        assert any(b.x0 < around.x0 and around.x1 < b.x1 for b in boxes), text
    for text in ax.texts:
        assert text.get_window_extent().x1 <= ax.figure.bbox.x1


def test_what_is_forced_holds_in_every_order_and_a_circle_means_that_there_is_none(examples):
    circles = 0
    for history in random_histories(9, examples, sizes=(5, 9), honesty=0.2):
        past, operations = Past(history), list(history)
        if past.odd:
            continue
        before = forced(past, past.gets)
        if before.diagonal().any():
            circles += 1
            assert not by_definition.sequential(operations)
        elif by_definition.sequential(operations):
            order = [past.rows.index(row) for row in sequential(history).order]
            for place, row in enumerate(order):
                assert not any(before[row, earlier] for earlier in order[:place])
    assert circles


def steps(past, must):
    """Whether there is an order, and how many steps it takes to know."""
    allowance = Allowance(100_000)
    return Interleavings(past, must).first(allowance) is not None, allowance.used


def test_a_search_with_what_is_forced_agrees_with_one_without(examples):
    for history in random_histories(10, examples, sizes=(5, 12), honesty=0.3):
        past = Past(history)
        if past.odd or (before := forced(past, past.gets)).diagonal().any():
            continue
        (plain, long), (narrow, short) = steps(past, past.own), steps(past, before)
        assert narrow is plain
        assert short <= long or plain


def test_a_long_search_is_narrowed_by_what_is_forced():
    """Two processes that never agree, beside many that do not matter: too much for a search."""
    crowd = [did(process, 0, "put", 100 + process, "z") for process in range(2, 30)]
    history = History([*TWO_KEYS, *crowd])
    verdict = sequential(history, budget=5_000)
    assert verdict.ok is False
    assert verdict.witness == (0, 1, 2, 3, 4, 5)
    past = Past(history)
    with pytest.raises(GaveUpError):
        Interleavings(past, past.own).first(Allowance(5_000))


def test_a_later_get_may_reveal_that_an_earlier_one_was_too_old():
    """At the end process 4 knows that y = 1, and so x = 1, came before y = 2, which it had seen."""
    operations = [
        did(0, 0, "put", 1, "x"),
        did(0, 10, "put", 1, "y"),
        did(1, 0, "put", 2, "y"),
        did(2, 20, "get", 2, "y"),
        did(2, 30, "put", 9, "z"),
        did(3, 20, "get", 1, "y"),
        did(3, 30, "put", 5, "v"),
        did(4, 40, "get", 9, "z"),
        did(4, 50, "get", None, "x"),
        did(4, 60, "get", 5, "v"),
        did(4, 70, "get", 2, "y"),
    ]
    assert not by_definition.causal(operations)
    assert by_definition.causal(operations[:-1])
    assert causal(History(operations)).witness == tuple(range(len(operations)))
    assert causal(History(operations[:-1])).ok


def test_what_replaces_a_value_comes_after_its_gets():
    operations = [
        did(2, 0, "put", 8, "x"),
        did(2, 10, "put", 9, "y"),
        did(0, 20, "get", 8, "x"),
        did(1, 20, "get", 9, "y"),
        did(0, 30, "put", 1, "x"),
        did(1, 30, "put", 2, "y"),
        did(0, 40, "get", 9, "y"),
        did(1, 40, "get", 8, "x"),
    ]
    assert causal(History(operations)).ok
    past = Past(History(operations))
    assert forced(past, past.gets).diagonal().any()
    assert not by_definition.sequential(operations)
