import json
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capkit.consistency import linearizable
from capkit.history import Copy, Fault, History, Message, Operation, Outcome, Siblings

PUT = Operation(kind="put", key="x", value=1, invoked=0, completed=10, node=0)
GET = Operation(kind="get", key="x", value=1, invoked=20, completed=25, client=1)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.lists(inner, max_size=3).map(Siblings)
    ),
    max_leaves=5,
)
times = st.floats(min_value=0, allow_nan=False)
nodes = st.none() | st.integers(0, 9) | st.text(max_size=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood(Fault):
    """A fault that only this test knows."""

    floors: tuple[int, ...] = (0,)


@st.composite
def spans(draw):
    return sorted((draw(times), draw(times)))


@st.composite
def operations(draw):
    invoked, completed = draw(spans())
    return Operation(
        kind=draw(st.sampled_from(["put", "get"])),
        key=draw(values),
        value=draw(values),
        invoked=invoked,
        completed=completed,
        outcome=draw(st.sampled_from(Outcome)),
        client=draw(st.integers(0, 9)),
        process=draw(st.integers(-1, 99)),
        node=draw(nodes),
        deadline=draw(times),
    )


faults = st.builds(
    lambda span, floors: Flood(at=span[0], until=span[1], floors=floors),
    spans(),
    st.lists(st.integers()).map(tuple),
)
messages = st.builds(
    Message,
    label=st.text(),
    source=nodes,
    target=nodes,
    sent=times,
    arrived=times,
    operation=st.none() | st.integers(0, 9),
)
copies = st.builds(
    Copy, at=times, node=nodes, key=values, values=st.lists(values, max_size=3).map(tuple)
)


@given(
    rows=st.lists(operations(), max_size=5),
    faults=st.lists(faults, max_size=2),
    messages=st.lists(messages, max_size=2),
    copies=st.lists(copies, max_size=2),
)
def test_json_lines_lose_nothing(tmp_path_factory, rows, faults, messages, copies):
    path = tmp_path_factory.mktemp("history") / "history.jsonl"
    written = History(rows, faults=faults, messages=messages, copies=copies)
    written.write(path)
    read = History.read(path)
    # Compared as text, because to Python True equals 1, and Siblings equal a tuple.
    assert repr(list(read)) == repr(rows)
    for name in ("faults", "messages", "copies"):
        assert repr(getattr(read, name)) == repr(getattr(written, name))


@given(st.lists(operations(), max_size=5))
def test_columns_hold_the_operations(rows):
    history = History(rows)
    assert len(history) == len(rows)
    assert repr(list(history)) == repr(rows)
    assert history.is_put.tolist() == [row.kind == "put" for row in rows]
    assert history.is_get.tolist() == [row.kind == "get" for row in rows]
    assert history.is_ok.tolist() == [row.outcome is Outcome.OK for row in rows]
    assert history.process.tolist() == [row.process for row in rows]


@pytest.mark.parametrize(
    "one, other",
    [(1, True), ((1,), Siblings((1,))), ((1,), [1]), ((1,), (True,)), (None, "None")],
)
def test_values_of_different_types_are_different(one, other):
    history = History.from_columns(
        kind=["put", "put"], key=["x", "x"], value=[one, other], invoked=[0, 0], completed=[1, 1]
    )
    assert history.value[0] != history.value[1]
    assert repr([row.value for row in history]) == repr([one, other])


EQUAL = {
    "numbers": [1, 1.0, np.int64(1), np.float32(1), Fraction(1)],
    "NaN": [math.nan, float("nan"), np.float64("nan")],
    "dicts in any order": [{"a": 1, "b": [2]}, {"b": [2], "a": 1.0}],
    "sets in any order": [{0, 8}, {8, 0}, frozenset({8, 0})],
    "arrays": [np.arange(5_000), np.arange(5_000)],
    "bytes": [b"x", bytearray(b"x")],
}


@pytest.mark.parametrize("values", EQUAL.values(), ids=EQUAL.keys())
def test_equal_values_are_one_value_and_keep_their_looks(values):
    for value in values[1:]:
        history = History.from_columns(
            kind=["put", "get"],
            key=["x", "x"],
            value=[values[0], value],
            invoked=[0, 20],
            completed=[10, 30],
        )
        assert history.value[0] == history.value[1]
        assert linearizable(history).ok
        same = value.item() if isinstance(value, np.generic) else value
        assert repr(history[1].value) in (repr(value), repr(same))


def test_arrays_that_differ_in_the_middle_differ():
    one, other = np.arange(5_000), np.arange(5_000)
    other[2_500] = 0
    columns = {"kind": ["put", "get"], "key": ["x", "x"], "invoked": [0, 20], "completed": [10, 30]}
    assert linearizable(History.from_columns(value=[one, other], **columns)).ok is False


def test_integer_arrays_stand_for_themselves():
    history = History.from_columns(
        kind=np.array([0, 1, 1]),
        key=np.array([7, 7, -1]),
        value=np.array([10**12, 10**12, -1]),
        invoked=np.array([0.0, 1, 2]),
        completed=[3, 4, math.inf],
        outcome=np.array([0, 0, 2]),
    )
    assert history.keys is history.values is None
    assert history[1] == Operation(kind="get", key=7, value=10**12, invoked=1, completed=4)
    assert (history[2].key, history[2].value, history[2].outcome) == (None, None, Outcome.UNKNOWN)


def test_columns_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        History([PUT]).invoked[0] = 3


@pytest.mark.parametrize("index", [2, -3])
def test_an_index_beyond_the_operations_is_an_error(index):
    history = History([PUT, GET])
    assert (history[0], history[-1]) == (PUT, GET)
    with pytest.raises(IndexError, match=f"index must be below 2 operations, got {index}"):
        history[index]


def test_select_keeps_faults_and_copies():
    copy = Copy(at=1, node=0, key="x", values=(1,))
    history = History([PUT, GET], faults=[Flood(at=1, until=2)], copies=[copy])
    chosen = history.select(np.array([False, True]))
    assert list(chosen) == [GET]
    assert (chosen.faults, chosen.copies) == (history.faults, history.copies)


@pytest.mark.parametrize("invoked", [math.inf, math.nan])
def test_an_operation_is_invoked_at_some_time(invoked):
    with pytest.raises(ValueError, match="invoked must be a time in ms, got"):
        Operation(kind="put", key="x", invoked=invoked, completed=math.inf)
    with pytest.raises(ValueError, match="invoked of operation 0 must be a time in ms, got"):
        History.from_columns(kind=["put"], key=["x"], invoked=[invoked], completed=[math.inf])


def test_a_line_that_is_no_text_is_named_by_its_number(tmp_path):
    path = tmp_path / "history.jsonl"
    History([Operation(kind="put", key="x", invoked=0, completed=1)]).write(path)
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n")
    with pytest.raises(ValueError, match=r"line 2 of .* must be a record"):
        History.read(path)


@pytest.mark.parametrize("completed", [-1, math.nan])
def test_an_operation_completes_after_it_is_invoked(completed):
    with pytest.raises(ValueError, match=r"completed must be at least invoked=0, got"):
        Operation(kind="put", key="x", invoked=0, completed=completed)
    with pytest.raises(ValueError, match=r"completed of operation 1 must be at least invoked, got"):
        History.from_columns(
            kind=["put"] * 2, key=["x"] * 2, invoked=[0, 0], completed=[1, completed]
        )


def test_a_deadline_is_a_time():
    with pytest.raises(ValueError, match="deadline must be a time in ms, got nan"):
        Operation(kind="put", key="x", invoked=0, completed=1, deadline=math.nan)
    with pytest.raises(ValueError, match="deadline of operation 0 must be a time in ms, got nan"):
        History.from_columns(kind=["put"], key=["x"], invoked=[0], completed=[1], deadline=[np.nan])


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"colour": ["red"]}, "columns must be among .*, got 'colour'"),
        ({"key": None}, "columns must include 'key', got kind, invoked, completed"),
        ({"value": [1, 2]}, "value must have 1 entries like kind, got 2"),
        ({"value": np.array([-2])}, r"codes must be at least -1 \(None\), got -2"),
    ],
)
def test_columns_are_known_complete_and_equally_long(wrong, message):
    columns = {"kind": ["put"], "key": ["x"], "invoked": [0], "completed": [1]} | wrong
    with pytest.raises(ValueError, match=message):
        History.from_columns(**{name: column for name, column in columns.items() if column})


@pytest.mark.parametrize(
    "at, until, message",
    [
        (-1, 5, "at must be at least 0, got -1"),
        (math.nan, 5, "at must be at least 0, got nan"),
        (5, 4, "until must be at least at=5, got 4"),
        (5, math.nan, "until must be at least at=5, got nan"),
    ],
)
def test_a_fault_ends_after_it_starts(at, until, message):
    with pytest.raises(ValueError, match=message):
        Fault(at=at, until=until)


def _changed(**changes):
    """A good line with some fields changed, or left out where None."""
    fields = {
        "record": "Operation",
        "kind": "put",
        "key": "x",
        "value": 1,
        "invoked": 0,
        "completed": 1,
        "outcome": "OK",
    }
    return json.dumps({name: each for name, each in (fields | changes).items() if each is not None})


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "3",
        "[]",
        "{}",
        _changed(completed=-1),
        _changed(completed="soon"),
        _changed(outcome="PERHAPS"),
        _changed(outcome=None),
        _changed(kind=None),
        _changed(record="Opera"),
        _changed(record=None),
        _changed(colour="red"),
        _changed(value={"siblings": [1], "tuple": [2]}),
        _changed(value={"circle": [1]}),
    ],
)
def test_a_broken_line_is_named_by_its_number(tmp_path, line):
    path = tmp_path / "history.jsonl"
    path.write_text(f"{_changed()}\n{line}\n{_changed()}\n")
    with pytest.raises(ValueError, match=r"line 2 of .*history\.jsonl must be a record"):
        History.read(path)


def test_the_line_that_the_broken_ones_come_from_is_good(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text(_changed())
    assert len(History.read(path)) == 1
