"""A store that a student writes in a cell: it runs wherever the built-in ones do."""

import ast
import json
import re
from functools import partial
from pathlib import Path

import pytest
from support import ROOT
from support.stores import STORES, new

from capkit import (
    APStore,
    CPStore,
    DistributedStore,
    Network,
    Partition,
    Store,
    Unavailable,
    Workload,
    dashboards,
    linearizable,
    plots,
    run,
    stores,
)
from capkit.stores import build, name_of
from capkit.systems import SCRIPTS, compare

CELL = """\
class Latest(Store):
    def on_put(self, request, key, value):
        stamp = self.env.now, request.number

        def keep(node):
            if node.data.get(key, ((0, -1), None)) < (stamp, value):
                self.write(node, key, (stamp, value), (value,))

        yield from self.ask(request, "put", keep, need=1)

    def on_get(self, request, key):
        answers = yield from self.ask(request, "get", lambda node: node.get(key), need=1)
        return (next(iter(answers.values())) or (None, None))[1]
"""


@pytest.fixture
def mine():
    """The class that a notebook has after its cell has run."""
    names = {"Store": Store, "__name__": "__main__"}
    exec(CELL, names)
    return names["Latest"]


CUT = Partition(at=500, until=1_500, groups=[{0, 1}, {2}])


def test_its_cell_is_short():
    assert len(CELL.splitlines()) < 15


def test_it_runs(mine):
    history = run(new(mine, loss=0.1), Workload(clients=3, rng=7), [CUT])
    assert {each.outcome.name for each in history} == {"OK"}
    assert linearizable(history).ok is False


def test_it_is_compared(mine):
    table = compare([mine, "MongoDB"], ["even split", "crash, memory lost"], rng=7)
    assert [row.name for row in table] == ["Latest"] * 2 + ["MongoDB, majority, local"] * 2
    split, _ = table.where(system="Latest")
    assert (split.cut_off, split.rest) == (1, 1)
    assert split.promise != "linearizable"
    assert split.stale > 0
    assert "Latest   -" in repr(table)
    assert "1 Latest, even split: 1.00 answered" in repr(plots.plane(table))


def test_it_stands_on_the_dashboard_of_a_cut(mine):
    board = dashboards.partition(mine)
    assert board.error is None
    assert board.reading.startswith("Latest at loss 0.00: during the cut from 500 to 1500 ms, ")
    assert "nodes 0, 1 answer 100 % and nodes 2, 3, 4 answer 100 %" in board.reading
    assert "not linearizable" in board.reading
    board.set(store="CP")
    assert board.reading == (other := dashboards.partition(), other.set(store="CP"))[0].reading


def test_it_stands_on_the_dashboard_of_two_systems(mine):
    board = dashboards.system(mine)
    assert board.error is None
    assert board.settings["first"] == "Latest"
    assert "Latest: 100 % answered" in board.reading
    board.set(first="Riak", option="siblings", second="Latest", other="")
    assert board.error is None
    assert "Latest: 100 % answered" in board.reading


@pytest.mark.parametrize("make", [*STORES.values(), lambda *given: CPStore(*given)])
def test_compare_takes_any_maker(make):
    calm, _ = rows = compare([make], ["no fault", "crash, memory lost"], rng=1)
    assert calm.answered == 1
    assert {row.name for row in rows} == {name_of(make)}


WRONG = {
    "make must be a Store or a function of (nodes, network), got 7": 7,
    "make must return a Store, got None": lambda nodes, network: None,
}


@pytest.mark.parametrize("call", [dashboards.partition, dashboards.system, lambda m: compare([m])])
@pytest.mark.parametrize("message", WRONG)
def test_what_makes_no_store_is_refused_before_anything_runs(call, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        call(WRONG[message])


def test_a_maker_must_use_the_network_that_it_is_given():
    with pytest.raises(ValueError, match="make must use the network that it is given, got <"):
        build(lambda nodes, network: CPStore(nodes, Network()), 3, Network())


def test_a_maker_with_settings_is_called_by_them():
    assert name_of(partial(CPStore, rejoin=True)) == "CPStore(rejoin=True)"


# What `Store` knows by itself.


def test_by_default_every_node_is_to_hold_a_copy():
    assert new(CPStore).replicas("x") == [0, 1, 2]


def test_by_default_a_put_is_lost_when_no_copy_of_it_or_of_what_knew_it_is_left():
    store = new(CPStore)
    store.put("x", "first", at=0)
    store.put("x", "second", at=1)
    assert store.lost() == []
    for node in range(3):
        store.network.crash(node, lose_memory=True)
    assert store.lost() == ["first", "second"]


def test_by_default_a_put_is_lost_when_what_replaced_it_did_not_know_of_it():
    store = new(Gossip)
    store.network.partition({0, 1}, {2})
    store.put("x", "red", at=0)
    store.wait(10)
    store.put("x", "blue", at=2)
    assert store.lost() == []
    store.network.crash(0)
    store.network.heal()
    store.wait(60)  # 2 tells 1
    assert [node.get("x") for node in store.nodes] == ["red", "blue", "blue"]
    assert store.lost() == []  # it is on the disk of 0
    store.write(store.by_id[0], "x", "blue")
    assert store.lost() == ["red"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("script", ["no fault", "even split", "crash", "20 % loss"])
def test_by_default_a_store_that_keeps_every_put_has_lost_none(seed, script):
    (row,) = compare([CPStore], {script: SCRIPTS[script]}, rng=seed)
    assert row.lost == 0


# What a store's methods do.


class Answering(Store):
    """A store that needs no process: its node answers at once."""

    def on_put(self, request, key, value):
        self.write(self.by_id[request.at], key, value)

    def on_get(self, request, key):
        return self.by_id[request.at].get(key)


def test_a_store_may_answer_without_asking_anybody():
    store = new(Answering)
    store.put("x", 1, at=2)
    assert [store.get("x", at=node) for node in range(3)] == [None, None, 1]
    assert store.env.now == 0


class Gossip(Answering):
    """Every 50 ms each node tells all others what it has, and hears how much they have."""

    def __init__(self, nodes, network):
        super().__init__(nodes, network)
        self.heard, self.turns = [], []
        self.every(50, self.tell)

    def tell(self, node, turn):
        self.turns.append((turn, node.id))

        def take(other):
            for key, value in news.items():
                self.write(other, key, value)
            return len(other.data)

        news = dict(node.data)
        others = [other for other in self.nodes if other is not node]
        hear = lambda other, size: self.heard.append((turn, node.id, other.id, size))  # noqa: E731
        self.call(node, others, "gossip", take, hear, turn=turn)


def test_nodes_take_regular_turns_and_hear_what_the_others_reply():
    store = new(Gossip)
    store.network.crash(2)
    store.put("x", 1, at=0)
    store.wait(69)
    assert [store.get("x", at=node) for node in (0, 1)] == [1, 1]
    assert store.heard == []
    store.wait(2)
    assert store.heard == [(1, 0, 1, 1), (1, 1, 0, 1)]
    store.network.restart(2)
    store.network.pause(1)
    store.wait(50)
    assert store.turns == [(1, 0), (1, 1), (2, 0), (2, 2)]  # nodes that were awake
    assert sorted(store.heard[2:]) == [(2, 0, 2, 1), (2, 2, 0, 1)]


def test_a_node_that_is_silent_sends_no_reply():
    class Silent(Gossip):
        def tell(self, node, turn):
            hear = lambda other, answer: self.heard.append(other)  # noqa: E731
            self.call(node, self.nodes[:1], "hello", lambda other: self.SILENT, hear, turn=turn)

    store = new(Silent)
    store.network.messages = []
    store.wait(100)
    assert store.heard == []
    assert {message.label for message in store.network.messages} == {"hello"}


def test_a_turn_takes_some_time():
    with pytest.raises(ValueError, match="duration must be above 0, got 0"):
        new(Answering).every(0, print)


def test_a_store_says_in_its_own_words_why_it_did_not_answer():
    class Polite(Store):
        def on_get(self, request, key):
            sorry = lambda answers: f"sorry, only {len(answers)} came"  # noqa: E731
            yield from self.ask(request, "get", lambda node: 1, need=2, refusal=sorry)

    store = new(Polite)
    store.network.partition({0}, {1, 2})
    with pytest.raises(Unavailable, match="sorry, only 1 came"):
        store.get("x", at=0)


def test_a_store_that_waits_for_something_else_is_late():
    class Slow(Store):
        def on_get(self, request, key):
            yield self.env.timeout(10_000)

    with pytest.raises(Unavailable, match="get got no answer within 1000 ms: node 1 has not"):
        new(Slow).get("x", at=1)


def own_stores(path):
    """The classes of stores that a notebook's cells make, each with its base."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    for made in (each for cell in code for each in ast.walk(ast.parse(cell))):
        if isinstance(made, ast.ClassDef) and made.bases and "Store" in ast.unparse(made.bases[0]):
            yield made, getattr(stores, ast.unparse(made.bases[0]))


def used(made, base):
    """What a store overrides of the one that it is based on, and calls."""
    names = {each.name for each in made.body if isinstance(each, ast.FunctionDef)}
    names |= set(re.findall(r"self\.(\w+)", ast.unparse(made)))
    return {name for name in names if hasattr(new(base), name)}


LESSONS = sorted((ROOT / "notebooks").glob("**/[0-9]*.ipynb"))
PUBLIC = {name for path in LESSONS for each in own_stores(path) for name in used(*each)}


def test_the_top_of_the_file_names_all_that_a_student_calls():
    assert {"on_put", "ask", "write", "query", "tie_break", "take_down", "by_id"} <= PUBLIC
    text = Path(stores.store.__file__).read_text("utf-8").split('"""')[1]
    named = set(re.findall(r"\w+", text))
    assert named >= PUBLIC
    known = {*dir(new(CPStore)), *dir(new(stores.EscrowStore))}
    assert {name for name in named if "_" in name.strip("_")} <= known
    assert not {name for name in named - {"__init__"} if name.startswith("_")}


def test_the_stores_of_the_lessons_lose_what_they_have_always_lost():
    assert [row.lost for row in compare([APStore], ["even split"], rng=7)] != [0]
    assert [row.lost for row in compare([DistributedStore], ["no fault"], rng=7)] == [0]
