"""A cell that is run again and again takes no more memory: of each kind the last few live."""

import json
import subprocess
import sys

import pytest

from capkit import dashboards
from capkit.dashboards import predict
from capkit.dashboards.lifetime import FEW

# What a cell may say, of each kind.
CELLS = {name: f"dashboards.{name}()" for name in dashboards.__all__}
CELLS |= {"network": "dashboards.network(CPStore)", "predict": 'dashboards.predict("Which?", 3)'}
AGAIN = """\
import gc, json, sys, psutil, ipywidgets
from capkit import CPStore, dashboards
kept, sizes = [], []  # IPython keeps what a cell has shown
for times in map(int, sys.argv[2:]):
    for _ in range(times):
        kept.append(eval(sys.argv[1]))
        gc.collect()  # else what was closed waits in circles, more or less of it
    widgets = len(ipywidgets.widgets.widget._instances)
    sizes.append([widgets, psutil.Process().memory_info().rss / 1e6])
print(json.dumps(sizes))"""
TRIES = ["1", str(2 * FEW)]


@pytest.mark.parametrize("name", dashboards.__all__)
def test_many_runs_of_a_cell_leave_a_few_widgets_and_no_memory(name, examples, tell):
    tries = [*TRIES, str(max(25, examples // 10))]  # --examples 1000: a hundred runs
    command = [sys.executable, "-W", "ignore", "-c", AGAIN, CELLS[name], *tries]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    one, some, many = json.loads(out)
    sizes = (
        f"{one[1]:.0f} MB after 1 run, {some[1]:.0f} after 9, {many[1]:.0f} after {tries[2]} more"
    )
    tell(f"{name}: {sizes}; {many[0]} widgets")
    assert many[0] == some[0] <= FEW * one[0]
    assert many[1] - some[1] < 15  # MB, where each of them used to keep 5


@pytest.fixture(params=["failure", "interval"])
def boards(request):
    return [getattr(dashboards, request.param)() for _ in range(FEW + 1)]


def test_the_last_few_can_still_be_moved_and_an_older_one_says_why_not(boards):
    oldest, *others = boards
    for board in others:
        board.reset()
        assert board.error is None
    with pytest.raises(RuntimeError, match="was closed, as newer ones were made"):
        oldest.set(loss=0.3)
    assert oldest.reading == others[0].reading == repr(oldest)
    oldest.close()  # once more harms nothing


def test_a_question_asked_again_keeps_what_was_said():
    asked = [predict("How often?", 3) for _ in range(FEW + 1)]
    asked[-1].say(3)
    assert asked[0].reading == "How often? No guess yet."
    assert asked[-1].reading.endswith("Right: it is 3.")
