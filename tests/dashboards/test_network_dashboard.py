"""The film of a trace: its scene and its sentences hold what the history holds."""

import json
import math

import pytest

from capkit import (
    APStore,
    CAStore,
    CPStore,
    Crash,
    DistributedStore,
    History,
    Network,
    Node,
    Partition,
    Pause,
    Skew,
    Slow,
    Workload,
    dashboards,
    run,
)
from capkit.dashboards.film import scene
from capkit.dashboards.network_dashboard import SCRIPT, STYLE
from capkit.plots import LOOKS

STORES = [CAStore, CPStore, APStore, DistributedStore]
FAULTS = [
    Partition(at=100, until=400, groups=[{0}, {1, 2}], one_way=True),
    Crash(at=150, until=300, node=2, lose_memory=True),
    Pause(at=350, until=380, node=1),
    Slow(at=380, until=420, node=0, delay=50),
    Skew(at=420, until=500, node=0, offset=-20),
]


def traced(make=CPStore, faults=(), loss=0.1, **options):
    store = make([Node(i) for i in range(3)], Network(loss=loss, rng=7))
    traffic = Workload(clients=4, duration=500, rate=12, rng=7, **options)
    return run(store, traffic, faults, trace=True)


@pytest.mark.parametrize("make", STORES)
def test_a_maker_gets_a_film_of_a_greeting_under_a_cut(make):
    film = dashboards.network(make)
    puts = [each.value for each in film.history if each.kind == "put"]
    assert puts == ["hello", "good evening"]
    assert [fault["says"] for fault in film.scene["faults"]] == ["cut 0 1 | 2"]
    during = [each for each in film.history if each.kind == "get" and 180 < each.invoked < 500]
    assert [each.node for each in during] == [2]


@pytest.mark.parametrize("make", STORES)
def test_a_scene_is_json_and_holds_every_message_between_nodes(make):
    history = traced(make, FAULTS)
    made = json.loads(json.dumps(scene(history), allow_nan=False))
    sent = [m for m in history.messages if m.source != m.target]
    assert len(made["messages"]) == len(sent)
    arrived = sorted(round(m.arrived, 3) for m in sent if math.isfinite(m.arrived))
    assert sorted(m["ends"] for m in made["messages"] if not m["lost"]) == arrived
    assert len(made["operations"]) == len(history)


def test_each_lost_message_says_why_and_only_those_that_met_the_cut_say_cut():
    history = traced(CPStore, [Partition(at=200, until=300, groups=[{0}, {1, 2}])], loss=0.2)
    whys = {m.lost for m in history.messages if math.isinf(m.arrived)}
    assert whys == {"cut", "chance"}
    assert all(math.isfinite(m.arrived) == (m.lost == "") for m in history.messages)
    for message in history.messages:
        if message.lost == "cut":
            assert 0 in (message.source, message.target)
            assert 200 - 60 <= message.sent <= 300


@pytest.mark.parametrize("make", STORES)
def test_the_sentences_tell_of_every_operation_fault_and_change_at_its_time(make):
    history = traced(make, FAULTS)
    told = {at: says for at, says, _ in scene(history)["moments"]}
    for each in history:
        assert f"Client {each.client} asks node {each.node}" in told[round(each.invoked, 3)]
        assert f"Client {each.client}" in told[round(each.completed, 3)]
    for copy in history.copies:
        assert str(copy.node) in told[round(copy.at, 3)]
    for number, words in enumerate(
        ["nothing from node 0 reaches", "crashes", "stands still", "longer", "behind"]
    ):
        assert words in told[FAULTS[number].at]
    assert next(at for at, _, main in scene(history)["moments"] if main) == 0


def test_values_of_several_keys_are_told_apart():
    made = scene(traced(keys=("x", "y")))
    last = [copies[-1]["values"] for copies in made["copies"]]
    assert all(sorted(text.split()[0] for text, _ in values) == ["x", "y"] for values in last)


def test_a_history_without_messages_is_refused_and_so_is_anything_else():
    with pytest.raises(ValueError, match=r"history must have messages, as run\(\.\.\., trace"):
        dashboards.network(History())
    with pytest.raises(TypeError, match="must be a History, a Proof or a maker, got 3"):
        dashboards.network(3)


def test_without_a_kernel_the_film_is_a_picture_with_its_words(monkeypatch):
    monkeypatch.setenv("CAPKIT_STILL", "1")
    film = dashboards.network(CPStore)
    shown, words = film._repr_mimebundle_()
    assert set(shown) == {"text/plain", "image/png"}
    assert words["image/png"]["alt"] == shown["text/plain"] == repr(film)


def test_a_notebook_gets_the_film_as_a_widget_too():
    shown, _ = dashboards.network(CPStore)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown


def test_the_film_has_the_colours_of_all_pictures_and_asks_nothing_of_the_internet():
    for meaning in ("OK", "FAIL", "UNKNOWN", "stale", "CP"):
        assert LOOKS[meaning].color in STYLE
    assert "http" not in (SCRIPT + STYLE).replace("http://www.w3.org/2000/svg", "")


def test_a_film_that_is_closed_frees_its_scene_and_keeps_its_words():
    film = dashboards.network(CPStore)
    said = repr(film)
    film.close()
    assert not film.scene
    assert repr(film) == said
