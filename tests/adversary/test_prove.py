"""The proof on real stores: the premise that each gives up, and what goes around the network."""

import random
from functools import partial

import pytest
from support.adversary_stores import STORES, TABLE

from capkit import APStore, CAStore, CPStore, Outcome, Store
from capkit.adversary import divisions, prove
from capkit.plots import worlds

# Premises that fail where node 0 is cut off and puts, and where it is cut off and gets.
PREMISES = {
    "CA, block": [("put", "get"), ("put",)],
    "CA, hot standby": [("put",), ("put",)],
    "CA, failover": [("latest",), ("latest",)],
    "CP, no write-back": [("put",), ("get",)],
    "CP": [("put",), ("get",)],
    "AP": [("latest",), ("latest",)],
}
each_store = pytest.mark.parametrize("name", STORES)


@pytest.mark.parametrize("oracle", [False, True], ids=["no oracle", "oracle"])
@each_store
def test_every_store_gives_up_a_premise_and_an_oracle_changes_none(name, oracle):
    proofs = [prove(STORES[name], side=side, oracle=oracle) for side in ([0], [2, 1])]
    assert [proof.broken for proof in proofs] == PREMISES[name]
    assert [proof.channel for proof in proofs] == ["", ""]
    assert [proof.different for proof in proofs] == [(), ()]


@each_store
def test_a_broken_premise_is_what_the_hunt_breaks_too(name):
    given_up = {letter for proof in divisions(STORES[name]) for letter in proof.letters}
    for letter, steps in zip("CA", TABLE[name], strict=True):
        assert letter not in given_up or steps is not None
    # Two requests are all that a proof needs: what takes a third one, only the hunt finds.
    assert given_up == {letter for letter, n in zip("CA", TABLE[name], strict=True) if n in (1, 2)}


@pytest.mark.parametrize("name", ["CA, failover", "CP", "AP"])
def test_every_division_of_four_nodes_gives_up_something(name):
    proofs = divisions(STORES[name], nodes=4)
    assert len(proofs) == 14
    assert all(proof.letters for proof in proofs)


def test_an_oracle_says_it_sooner():
    late, soon = (prove(CPStore, oracle=oracle).worlds[1][0] for oracle in (False, True))
    assert late.outcome is soon.outcome is Outcome.UNKNOWN
    assert (late.completed - late.invoked, soon.completed - soon.invoked) == (300, 0)


def test_a_proof_is_a_story():
    assert repr(prove(CPStore, side=[2, 1])) == (
        "CPStore, cut 2 1 | 0.\n"
        "World 1: nobody puts. A client of node 0 gets: no answer.\n"
        "World 2: a client of node 2 puts 1: acknowledged. Then a client of node 0 gets: no "
        "answer.\n"
        "Node 0 received the same messages, namely none, in both worlds and cannot tell them "
        "apart.\n"
        "So the get was refused (A)."
    )
    assert "So the put was refused (A) and the get was refused (A)." in repr(prove(CAStore))


def test_the_equal_messages_are_those_of_both_worlds():
    proof = prove(CPStore)
    assert [(m.label, m.source, m.target) for m in proof.same] == [
        ("query", 2, 1),
        ("query: answer", 1, 2),
    ]
    for world in proof.worlds:
        assert set(map(repr, proof.same)) <= set(map(repr, world.messages))


# What goes around the network.


class Open(Store):
    """Answers from its own node."""

    def on_put(self, request, key, value):
        yield from self.ask(request, "put", lambda node: node.put(key, value), need=1)

    def on_get(self, request, key):
        return self.by_id[request.at].get(key)


class Telepath(Open):
    """Its nodes look into each other."""

    def on_get(self, request, key):
        return max((node.get(key) or 0 for node in self.nodes), default=None)


class Whisper(Open):
    """A variable that the nodes share makes them send other messages."""

    put_by = None

    def on_put(self, request, key, value):
        self.put_by = request.at
        yield self.env.timeout(1)

    def on_get(self, request, key):
        if self.put_by is not None:
            yield from self.ask(request, "fetch", lambda node: node.get(key), need=2)
        return None


class Newspaper(Open):
    """A variable of the class, which outlives a store."""

    latest: dict = {}  # noqa: RUF012 (that is the mistake)

    def on_put(self, request, key, value):
        self.latest[key] = value
        yield self.env.timeout(1)

    def on_get(self, request, key):
        return self.latest.get(key)


class Dice(Open):
    def on_get(self, request, key):
        yield self.env.timeout(random.random())


def test_nodes_that_look_into_each_other_are_found_out():
    proof = prove(Telepath)
    assert proof.broken == ()
    assert proof.letters == ""
    assert proof.channel == "node 2 answered differently, although no message told it anything"
    assert repr(proof).splitlines()[-1].startswith("Something goes around the network: node 2 ans")


def test_messages_that_differ_are_named():
    proof = prove(Whisper)
    assert proof.different == (
        "'fetch' from node 2 to node 1 at 312 ms in world 2 alone",
        "'fetch: answer' from node 1 to node 2 at 322 ms in world 2 alone",
    )
    assert "'fetch' from node 2 to node 1 at 312 ms in world 2 alone" in repr(proof)


@pytest.mark.parametrize("make", [Newspaper, Dice])
def test_what_outlives_a_store_or_throws_its_own_dice_is_refused(make):
    with pytest.raises(ValueError, match="two runs of one world that differ"):
        prove(make)


# The picture.


def test_both_worlds_stand_beside_each_other_with_the_equal_messages_marked():
    proof = prove(APStore)
    panel = worlds(proof)
    left, right = panel.figure.axes
    marks = [
        [line for line in ax.lines if line.get_label() == "received in both worlds"]
        for ax in (left, right)
    ]
    assert [len(line.get_xdata()) for (line,) in marks] == [len(proof.same)] * 2
    assert repr(panel) == (
        "nobody puts: node 2 gets none\n"
        f"node 0 puts 1: node 2 gets none. {len(proof.same)} messages received in both worlds"
    )


@pytest.mark.parametrize(
    "settings, error, words",
    [
        ({"nodes": 1}, ValueError, "nodes must be at least 2, got 1"),
        ({"side": []}, ValueError, "side must be some of the nodes 0 to 2, not all, got"),
        ({"side": [0, 1, 2]}, ValueError, "side must be some of the nodes"),
        ({"side": [5]}, ValueError, "side must be some of the nodes"),
        ({"timeout": 0}, ValueError, "timeout must be in .1, 1e.06., got 0"),
        ({"make": 3}, TypeError, "make must be a Store or a function"),
    ],
)
def test_bad_input_is_named(settings, error, words):
    with pytest.raises(error, match=words):
        prove(**{"make": CPStore} | settings)


def test_divisions_are_of_2_to_6_nodes():
    with pytest.raises(ValueError, match=r"nodes must be in \[2, 6\], got 7"):
        divisions(partial(CPStore), nodes=7)
