"""The space-time diagram: an arrow for each message, a cross for each that was lost."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from capkit import CPStore, History, Network, Node, Partition, Workload, plots, run
from capkit.plots.messages_picture import _KINDS

CUT = Partition(at=200, until=300, groups=[{0}, {1, 2}])


@pytest.fixture(scope="module")
def history():
    store = CPStore([Node(i) for i in range(3)], Network(loss=0.1, rng=7))
    return run(store, Workload(clients=3, duration=500, rate=8, rng=7), [CUT], trace=True)


def lines(ax):
    found = [each for each in ax.collections if isinstance(each, LineCollection)]
    return dict(zip(_KINDS, [each.get_segments() for each in found[-len(_KINDS) :]], strict=True))


def test_there_is_an_arrow_for_each_message_from_its_sender_when_it_is_sent(history):
    drawn = lines(plots.messages(history))
    between = [m for m in history.messages if m.source != m.target]
    assert {kind: len(found) for kind, found in drawn.items()} == {
        "request": sum(not m.lost and ":" not in m.label for m in between),
        "answer": sum(not m.lost and ":" in m.label for m in between),
        "lost": sum(m.lost != "" for m in between),
    }
    starts = sorted((line[0][0], round(line[0][1])) for found in drawn.values() for line in found)
    assert starts == sorted((m.sent, m.source) for m in between)
    ends = [(line[1][0], round(line[1][1])) for line in drawn["request"] + drawn["answer"]]
    assert sorted(ends) == sorted((m.arrived, m.target) for m in between if not m.lost)


def test_a_lost_message_ends_in_a_cross_on_no_nodes_line(history):
    ax = plots.messages(history)
    [crosses] = [line for line in ax.get_lines() if line.get_marker() == "x"]
    assert len(crosses.get_xdata()) == sum(m.lost != "" for m in history.messages) > 0
    assert np.allclose(np.asarray(crosses.get_ydata()) % 1, 0.5)


def test_the_words_count_what_became_of_the_messages(history):
    between = [m for m in history.messages if m.source != m.target]
    arrived = sum(m.lost == "" for m in between)
    words = repr(plots.messages(history))
    assert words.startswith(f"{len(between)} messages between 3 nodes in ")
    assert f"{arrived} arrive" in words
    assert f"{sum(m.lost == 'cut' for m in between)} stop at the cut" in words


def test_a_span_shows_only_what_is_under_way_in_it(history):
    ax = plots.messages(history, span=(210, 290))
    assert ax.get_xlim() == (210, 290)
    drawn = lines(ax)
    arrived = [m for m in history.messages if m.source != m.target and not m.lost]
    under_way = sum(m.sent < 290 and m.arrived > 210 for m in arrived)
    assert len(drawn["request"]) + len(drawn["answer"]) == under_way > 0


def test_bad_input_is_refused(history):
    with pytest.raises(ValueError, match="span must start before it ends"):
        plots.messages(history, span=(5, 5))
    with pytest.raises(ValueError, match="history must have messages"):
        plots.messages(History())


def test_for_a_large_room_the_picture_is_larger(history):
    size = plots.messages(history).figure.bbox.size
    plots.classroom()
    try:
        assert np.allclose(plots.messages(history).figure.bbox.size, 1.2 * size)
    finally:
        plots.classroom(False)
