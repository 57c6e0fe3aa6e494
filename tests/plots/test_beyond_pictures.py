"""The pictures of lesson 10: what they say is what the formulas say, and bad input is named."""

import math

import pytest

from capkit import plots, tradeoff
from capkit.consistency import RUNGS
from capkit.plots import Spot

SPOT = Spot("one", "CP", 0.5, 0.75, 10.0, 20.0, 1.0)


def test_the_ladder_names_the_rungs_of_each_colour():
    words = dict.fromkeys(RUNGS, "nobody") | {"causal": "those who stay", "convergent": "everybody"}
    said = repr(plots.available(words))
    assert said.startswith(
        "Under a cut, kept for everybody: convergent. For those who stay: causal."
    )
    assert "For nobody: linearizable, sequential" in said


@pytest.mark.parametrize(
    "rungs, sentence",
    [({"causal": "nobody"}, "rungs must be linearizable"), (dict.fromkeys(RUNGS, "all"), "rungs")],
)
def test_a_ladder_without_all_rungs_or_with_another_word_is_refused(rungs, sentence):
    with pytest.raises(ValueError, match=sentence):
        plots.available(rungs)


def test_the_three_colours_have_three_hatches():
    looks = {word: plots.LOOKS[look] for word, look in _meanings().items()}
    assert len({look.color for look in looks.values()}) == 3
    assert len({look.hatch for look in looks.values()}) == 3


def _meanings():
    from capkit.plots import available_picture

    return available_picture._MEANINGS


def test_a_store_that_never_answers_stands_below_all_others():
    never = SPOT._replace(put=math.nan, current=math.nan)
    assert never.places[1][1] > SPOT.places[1][1]
    assert never.words[1] == "-"
    assert "never" in repr(plots.pacelc([never]))


def test_more_stores_than_the_table_has_rows_are_refused():
    with pytest.raises(ValueError, match="spots must be at most 8, got 9"):
        plots.pacelc([SPOT] * 9)


def test_stores_at_one_place_share_one_list_of_numbers():
    left, right = plots.planes()
    picture = plots.PacelcPicture(left, right)
    picture.update([SPOT, SPOT._replace(name="two"), SPOT._replace(name="far", answered=0.0)])
    assert [row.numbers[0].get_text() for row in picture.rows[:3]] == ["1, 2", "", "3"]
    sizes = [row.points[0].get_markersize() for row in picture.rows[:2]]
    assert sizes[0] > sizes[1]


@pytest.mark.parametrize("away", [0, 3, 10])
@pytest.mark.parametrize("touched", [1, 2, 10])
def test_the_picture_of_harvest_says_what_the_formula_says(away, touched):
    said = repr(plots.harvest(10, away, touched))
    assert f"all or nothing) {tradeoff.harvest(10, away, touched).share:.3f}" in said
    assert f"partial answers) {1 - away / 10:.3f}" in said


@pytest.mark.parametrize("reply_loss", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("attempts", [1, 5])
def test_the_picture_of_retries_says_what_the_formula_says(reply_loss, attempts):
    said = repr(plots.retries(reply_loss, 0.1, attempts))
    assert f"naive) {tradeoff.retries(0.1, reply_loss, attempts).twice:.3f}" in said
    assert "with an id) 0.000" in said


def test_the_simulated_share_is_a_dot_with_its_interval():
    [panel] = plots.panels()
    picture = plots.RetriesPicture(panel)
    found = tradeoff.simulate_retries(0.1, 0.2, 5, trials=500, rng=7)
    picture.update(0.2, 0.1, 5, simulated=found)
    assert list(picture.dot.get_ydata()) == [found.twice]
    [ends] = picture.bar.get_segments()
    assert ends.tolist() == [[0.2, found.low], [0.2, found.high]]
    picture.update(0.2, 0.1, 5)
    assert list(picture.dot.get_ydata()) == []
