"""The film of a proof: its two worlds beside each other, with the equal messages marked."""

import json

import pytest
from support import student_stores as students
from support.adversary_stores import STORES

from capkit import CPStore, dashboards
from capkit.adversary import prove
from capkit.dashboards.film import scene, worlds


@pytest.mark.parametrize("name", STORES)
def test_a_film_of_a_proof_marks_in_each_world_what_was_received_in_both(name):
    proof = prove(STORES[name])
    made = json.loads(json.dumps(worlds(proof), allow_nan=False))
    for each in made["worlds"]:
        marked = [m for m in each["messages"] if m["same"]]
        assert sorted([m["label"], m["from"], m["to"], m["sent"]] for m in marked) == sorted(
            [m.label, m.source, m.target, m.sent] for m in proof.same
        )
        assert all(not m["lost"] and m["to"] in proof.rest for m in marked)


def test_each_world_is_the_film_of_its_history_on_one_clock():
    proof = prove(CPStore)
    made = worlds(proof)
    ends = {each["end"] for each in made["worlds"]}
    assert ends == {made["end"]} == {max(scene(world)["end"] for world in proof.worlds)}
    for each, world in zip(made["worlds"], proof.worlds, strict=True):
        alone = scene(world)
        assert all(each[name] == alone[name] for name in ("operations", "copies", "faults"))
    assert [len(each["clients"]) for each in made["worlds"]] == [1, 2]


def test_one_sentence_says_what_happens_in_both_worlds():
    told = {at: says for at, says, _ in worlds(prove(CPStore))["moments"]}
    assert told[1.0].startswith("World 2: Client 0 asks node 0 to put 1.")
    assert told[302.0].startswith("In both worlds: Client 2 asks node 2 for the value.")


@pytest.mark.parametrize("make", [students.OwnNode, students.NeverSayYes])
def test_worlds_in_which_nothing_was_ever_sent_are_shown_too(make):
    film = dashboards.network(prove(make))
    assert [each["nodes"] for each in film.scene["worlds"]] == [["node 0", "node 1", "node 2"]] * 2
    assert "0 messages received in both worlds" in repr(film)


def test_without_a_kernel_the_film_is_the_picture_of_both_worlds(monkeypatch):
    monkeypatch.setenv("CAPKIT_STILL", "1")
    film = dashboards.network(prove(CPStore))
    shown, words = film._repr_mimebundle_()
    assert set(shown) == {"text/plain", "image/png"}
    assert words["image/png"]["alt"] == shown["text/plain"] == repr(film)
    assert repr(film).startswith("nobody puts: node 2 gets none")
