"""What is written to a file comes back as it was, and a failing write changes nothing."""

import datetime
import math
import os
from collections import namedtuple
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capkit.history import Copy, History, Note, Operation, Siblings

hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**400, 10**401)
    | st.floats()
    | st.text(max_size=3)
    | st.binary(max_size=3)
    | st.fractions(max_denominator=9)
    | st.sampled_from([np.int64(5), np.float32(0.5), np.float64("nan"), np.True_, np.str_("x")]),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.lists(inner, max_size=3).map(Siblings)
        | st.frozensets(inner, max_size=3)
    ),
    max_leaves=4,
)
anything = st.recursive(
    hashable,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.sets(hashable, max_size=3)
        | st.dictionaries(hashable, inner, max_size=3)
        | st.dictionaries(st.sampled_from(["tuple", "float", "set", "record"]), inner, max_size=2)
    ),
    max_leaves=5,
)


def look(item):
    """A value with its types, so that 1 and True differ; a set in any order, a dict in its own."""
    item = item.item() if isinstance(item, np.generic) else item
    if isinstance(item, set | frozenset):
        return type(item), sorted(map(repr, map(look, item)))
    if isinstance(item, dict):
        return dict, [(look(key), look(value)) for key, value in item.items()]
    if isinstance(item, list | tuple):
        return type(item), list(map(look, item))
    return type(item), repr(item)


def put(value, key=None, **more):
    return Operation(kind="put", key=key, value=value, invoked=0, completed=1, **more)


@given(st.lists(st.tuples(anything, anything, anything), max_size=4))
def test_any_plain_data_comes_back_as_it_was(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("files") / "history.jsonl"
    history = History(
        [put(value, key, result=result) for key, value, result in rows],
        copies=[Copy(at=0, node=0, key=key, values=(value,)) for key, value, _ in rows],
    )
    history.write(path)
    again = History.read(path)
    assert [look((e.key, e.value, e.result)) for e in again] == [
        look((e.key, e.value, e.result)) for e in history
    ]
    assert [look((e.key, e.values)) for e in again.copies] == [
        look((e.key, e.values)) for e in history.copies
    ]
    assert again.value.tolist() == history.value.tolist()  # what was equal still is


ODD = {
    "not a number": math.nan,
    "infinite": -math.inf,
    "bytes": b"\x00\xff",
    "a word of the file itself": {"tuple": [1, 2], "float": "nan"},
    "a dict with a dict's name": {"dict": [["a", 1]]},
    "a set of sets": frozenset({frozenset({1, "a"}), frozenset()}),
    "siblings of a tuple": Siblings(((1, 2), Siblings((3,)))),
    "a ratio": Fraction(-1, 3),
    "a huge number": 10**4_000,
    "half a character": "\ud83d",
    "lines": "a\nb\r\u2028",
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD.keys())
def test_an_odd_value_comes_back_as_it_was(tmp_path, value):
    for key in (None, value):
        History([put(value, key)]).write(tmp_path / "history.jsonl")
        (each,) = History.read(tmp_path / "history.jsonl")
        assert (look(each.key), look(each.value)) == (look(key), look(value))


Point = namedtuple("Point", "x y")
UNWRITABLE = {
    "an object": object(),
    "a date": datetime.date(2026, 1, 1),
    "a class of tuples": Point(1, 2),
    "a table": np.arange(3),
    "deep in a dict": {"a": [1, {"b": (object(),)}]},
    "a complex number": 1j,
    "more digits than Python prints": 10**10_000,
}


@pytest.mark.parametrize("value", UNWRITABLE.values(), ids=UNWRITABLE.keys())
def test_what_could_not_be_read_back_is_refused_and_the_old_file_stays(tmp_path, value):
    path = tmp_path / "history.jsonl"
    History([put(1)]).write(path)
    before = path.read_bytes()
    with pytest.raises(TypeError, match="value of Operation must be plain data to be written"):
        History([put(2), put(value)]).write(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["history.jsonl"]


def test_what_holds_itself_is_no_value():
    circle = []
    circle.append(circle)
    with pytest.raises(ValueError, match="value of operation 1 is nested too deep"):
        History([put(1), put(circle)])


def test_a_write_that_is_stopped_in_the_middle_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "history.jsonl"
    History([put(1)]).write(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        History([put(2)]).write(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["history.jsonl"]


def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path):
    path = tmp_path / ("x" * 255)
    History([put(1)]).write(path)
    assert len(History.read(path)) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions, and links need a right")
def test_permissions_and_links_stay(tmp_path):
    path, link, plain = (tmp_path / name for name in ("history.jsonl", "link", "plain"))
    plain.write_text("")
    History([put(1)]).write(path)
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o600)
    link.symlink_to(path)
    History([put(2)]).write(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert History.read(path)[0].value == 2
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


@pytest.mark.parametrize("path", [os.devnull, "."])
def test_what_is_no_file_is_not_replaced(path):
    with pytest.raises(ValueError, match="path must be a file, got "):
        History([put(1)]).write(path)
    assert not os.path.isfile(path)


@pytest.mark.parametrize("path", [None, 0, b"x", ["x"]])
@pytest.mark.parametrize("use", [History().write, History.read, History.from_jepsen])
def test_a_path_is_the_name_of_a_file(use, path):
    with pytest.raises(TypeError, match="path must be the name of a file, got"):
        use(path)


def test_equal_sets_are_written_alike_whatever_the_order_that_python_keeps(tmp_path):
    written = set()
    for inner in (frozenset([0, 8]), frozenset([8, 0])):
        History([put(frozenset([inner, frozenset([1])]))]).write(tmp_path / "f")
        written.add((tmp_path / "f").read_bytes())
    assert len(written) == 1


def test_faults_of_any_kind_and_notes_come_back(tmp_path):
    from capkit import Crash, Partition, Pause, Skew, Slow

    faults = (
        Partition(at=1, until=2, groups=[{0, "n1"}, {2}], one_way=True),
        Crash(at=1, node="n1", lose_memory=True),
        Pause(at=1, until=9, node=0),
        Slow(at=1, until=9, node=0, delay=5),
        Skew(at=1, until=9, node=0, offset=-5),
        Note(at=3, text="kill one"),
    )
    History(faults=faults).write(tmp_path / "f")
    assert History.read(tmp_path / "f").faults == faults


GOOD = '{"record": "Operation", "kind": "put", "key": "x", "value": 1, "outcome": "OK"}'
FULL = GOOD.replace("}", ', "invoked": 0, "completed": 1}')
LONG = {
    "deep brackets": "[" * 100_000,
    "a deep value": FULL.replace('"value": 1', f'"value": {"[" * 100_000}'),
    "a time of 400 digits": FULL.replace('"invoked": 0', f'"invoked": {"9" * 400}'),
    "a number of more digits than Python reads": FULL.replace("1,", "9" * 5_000 + ","),
    "a process of 2**70": FULL.replace("}", f', "process": {2**70}}}'),
    "a client of 2**70": FULL.replace("}", f', "client": {2**70}}}'),
    "an outcome of 20 MB": FULL.replace('"OK"', f'"{"x" * 20_000_000}"'),
    "a record of 20 MB": FULL.replace("Operation", "x" * 20_000_000),
    "a field of 20 MB": FULL.replace("}", f', "{"x" * 20_000_000}": 1}}'),
    "half a text of 20 MB": '"' + "x" * 20_000_000,
}


@pytest.mark.parametrize("line", LONG.values(), ids=LONG)
def test_a_line_that_is_no_record_is_named_whatever_its_length(tmp_path, line):
    path = tmp_path / "history.jsonl"
    path.write_text(f"{FULL}\n{line}\n{FULL}\n", "utf-8")
    with pytest.raises(
        ValueError, match=r"^line 2 of .*history\.jsonl must be a record: ."
    ) as error:
        History.read(path)
    assert len(str(error.value).partition("must be a record: ")[2]) < 160


def test_long_values_are_values(tmp_path):
    values = [2**70, 10**399, "x" * 20_000_000]
    History([put(value) for value in values]).write(tmp_path / "f")
    assert [each.value for each in History.read(tmp_path / "f")] == values
