"""The hunt: the table of stores, exhaustive, repeatable, the same for any number of workers."""

import gc
import random
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache, partial

import pytest
from support.adversary_stores import STORES, TABLE
from support.plain_hunt import smallest

from capkit import APStore, CAStore, CPStore, Outcome, Partition, Store, linearizable
from capkit.adversary import Step, attack, replay
from capkit.adversary.calm_network import calm
from capkit.adversary.named import known
from capkit.adversary.schedules import steps
from capkit.adversary.trials import Rules, Watched, attempt, half_done
from capkit.adversary.workers import in_order

quick = partial(attack, progress=False)

each_store = pytest.mark.parametrize("name", STORES)
each_letter = pytest.mark.parametrize("letter", ["C", "A"])


@cache
def hunted(name, letter, longest, late=True):
    """What is found on a store of the table; several tests look at it."""
    return quick(STORES[name], letter, longest, late=late)


@each_store
@each_letter
def test_every_row_of_the_table_has_a_number(name, letter, examples, tell):
    steps = TABLE[name][letter == "A"]
    # That there is none up to 3 takes a while, and is asked for by --examples 1000.
    longest = steps or (3 if examples >= 1_000 else 2)
    found = hunted(name, letter, longest)
    tell(f"{name}, {letter}: {found.steps} steps, {found.tried:,} runs")
    assert found.steps == steps
    assert found.schedules == sum(42**length for length in range(1, longest + 1))
    assert (found.history is None) == (found.steps is None)


def test_no_store_of_the_table_keeps_both_letters():
    assert [name for name, steps in TABLE.items() if steps == (None, None)] == []


def test_without_write_back_it_takes_a_cut_in_mid_request(examples):
    schedule = hunted("CP, no write-back", "C", 3).schedule
    assert [step.late for step in schedule] == [True, False, False]
    longest = 3 if examples >= 1_000 else 2
    assert hunted("CP, no write-back", "C", longest, late=False).steps is None


def test_a_hunt_first_extends_what_left_a_put_half_done():
    assert hunted("CP, no write-back", "C", 3).tried < 2_000
    left = [Step("put", 0, "cut", {0}, late=True), Step("get", 0)]
    assert half_done(attempt(CPStore, left, Rules()))
    assert not half_done(attempt(CPStore, left[:1], Rules()))
    assert not half_done(attempt(APStore, left, Rules()))


def test_ap_needs_no_cut_to_be_stale():
    assert quick(APStore, "C", faults=[]).schedule == (Step("put", 0), Step("get", 1))


@each_store
@each_letter
def test_a_plain_enumeration_of_two_steps_finds_the_same(name, letter, examples):
    found = hunted(name, letter, 2).schedule
    if found is None and examples < 1_000 and (name, letter) not in SEARCHED:
        pytest.skip("thousands of runs without a hit; asked for by --examples 1000")
    assert found == smallest(STORES[name], letter, longest=2)


# Where nothing is found, and yet all is tried each time.
SEARCHED = {("AP", "A")}


@pytest.mark.parametrize("fault", ["crash", "amnesia", "pause"])
@pytest.mark.parametrize("name", ["CA, failover"])
def test_a_plain_enumeration_with_crashes_and_pauses_finds_the_same(name, fault):
    make = STORES[name]
    found = quick(make, "C", 2, faults=[fault])
    assert found.schedule == smallest(make, "C", longest=2, faults=[fault])


def test_a_naive_rejoin_is_caught_by_amnesia():
    forgets = [Step("put", 0, "cut", {2}), Step("get", 1, "amnesia", {1})]
    forgets += [Step("get", 2, "cut", {0})]
    assert linearizable(replay(partial(CPStore, rejoin=True), forgets)).ok is False
    assert linearizable(replay(CPStore, forgets)).ok is True


def test_the_hunt_finds_the_naive_rejoin(examples):
    if examples < 1_000:
        pytest.skip("thousands of runs; asked for by --examples 1000")
    settings = {"faults": ["cut", "amnesia"], "late": False}
    found = quick(partial(CPStore, rejoin=True), "C", **settings)
    assert [step.fault for step in found.schedule] == ["cut", "amnesia", ""]


@pytest.mark.parametrize("fault", ["crash", "amnesia", "pause"])
def test_a_client_whose_node_crashed_or_stands_still_breaks_no_a(fault):
    assert quick(APStore, "A", 2, faults=[fault], late=False).steps is None


# What is reported.


@each_store
def test_what_is_reported_breaks_the_letter_when_it_is_run_again(name):
    for letter in "CA":
        if (found := hunted(name, letter, TABLE[name][letter == "A"] or 1)).schedule:
            history = replay(STORES[name], found.schedule)
            assert list(history) == list(found.history)
            if letter == "C":
                assert linearizable(history).ok is False
                assert found.verdict.witness
                assert found.reason in repr(found)
            else:
                assert history[-1].outcome is not Outcome.OK


def test_a_hunt_tells_its_story():
    assert repr(quick(CAStore, "A")) == (
        "1 step breaks A of CAStore, and nothing smaller does (run 7):\n"
        "0. put at node 0, cut 0 | rest: writes 1, and gets no answer\n"
        "So node 0 runs, and its client is told: put got no answer within 300 ms: primary 0 still "
        "waits for standby 1, 2."
    )
    assert repr(quick(CPStore, "C", 1)) == (
        "Nothing up to 1 step breaks C of CPStore. All 42 schedules were decided, by 12 different "
        "runs. That is no proof: a longer one may."
    )


def test_the_fast_network_does_what_a_calm_one_does():
    rng = random.Random(7)
    options = steps(3, ["cut", "crash", "amnesia", "pause"])
    for make in [*STORES.values(), partial(APStore, resolve="siblings")]:
        for _ in range(40):
            schedule = tuple(rng.choices(options, k=3))
            fast, calm_one = (attempt(make, schedule, Rules(), n) for n in (None, calm()))
            assert fast.operations == calm_one.operations
            assert fast.store.copies == calm_one.store.copies


def test_which_links_a_cut_closes_is_worked_out_once():
    cut = Partition(groups=[{0}])
    first, second = Watched(), Watched()
    first.begin(cut)
    assert not first.reaches(0, 1)
    first.end(cut)
    assert first.reaches(0, 1)
    second.begin(cut)
    assert second._cut[0, 1]  # before anybody has asked this one


def test_a_cut_that_cannot_reach_the_answer_does_not_change_it():
    rng = random.Random(7)
    options = steps(3)
    seen = []
    for make in STORES.values():
        for _ in range(12):
            *beginning, last = rng.choices(options, k=3)
            asked = attempt(make, (*beginning, Step(last.kind, last.at)), Rules())
            alike = [s for s in options if s.fault and (s.kind, s.at) == (last.kind, last.at)]
            missed = [s for s in alike if asked.would_not_feel(s, 25.0, answer_alone=True)]
            for step in missed:
                run = attempt(make, (*beginning, step), Rules())
                assert run.operations[-1] == asked.operations[-1]
            seen.append(0 < len(missed) < len(alike))
    assert any(seen)


def test_a_replay_holds_the_messages_and_the_faults():
    history = replay(CPStore, [Step("put", 0, "cut", {2}), Step("get", 2, "crash", {1}, late=True)])
    assert [str(fault) for fault in history.faults] == ["cut 2 | rest", "crash 1"]
    assert {message.label for message in history.messages} >= {"query", "store", "query: answer"}
    assert [each.value for each in history] == [1, 1]


# Any number of workers.


class Broken:
    """An executor that loses every task."""

    def submit(self, *_):
        future = Future()
        future.set_exception(OSError("no worker"))
        return future


@pytest.mark.parametrize("letter, longest", [("C", 3), ("A", 2)])
def test_the_result_is_the_same_with_any_number_of_workers(letter, longest):
    make = STORES["CA, hot standby" if letter == "C" else "AP"]
    alone = quick(make, letter, longest)
    for workers in (1, 2):
        with ProcessPoolExecutor(workers) as pool:
            found = quick(make, letter, longest, executor=pool)
        assert (found.schedule, found.tried) == (alone.schedule, alone.tried)
        assert repr(found) == repr(alone)


@pytest.mark.filterwarnings("ignore:.*unclosed")
def test_a_dask_cluster_finds_the_same():
    from dask.distributed import Client

    settings = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with Client(processes=False, **settings) as client:
        found = quick(CAStore, "C", 2, executor=client.get_executor())
    assert found == quick(CAStore, "C", 2)


def test_what_workers_cannot_do_is_done_here():
    with pytest.warns(RuntimeWarning, match="no worker"):
        found = quick(APStore, "C", executor=Broken())
    assert found.steps == 2


def test_the_first_hit_stops_the_workers():
    begun = []
    with ThreadPoolExecutor(1) as pool:
        results = in_order(lambda task: begun.append(task) or task, range(1_000), pool)
        assert next(results) == 0
        results.close()
    assert len(begun) < 200


def test_results_come_in_the_order_of_the_tasks():
    with ThreadPoolExecutor(4) as pool:
        assert list(in_order(lambda task: task * task, range(300), pool)) == [
            task * task for task in range(300)
        ]


def test_a_long_hunt_shows_a_bar_and_a_quiet_one_does_not(capsys, monkeypatch):
    quick(CPStore, "C", 1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("capkit.adversary.hunt._BAR_AFTER", 0)
    attack(CPStore, "C", 1, progress=True)
    assert "beginnings" in capsys.readouterr().err


# What is refused.


class Dice(Store):
    def on_put(self, request, key, value):
        yield from self.ask(request, "put", lambda node: node.put(key, value) or True, need=1)

    def on_get(self, request, key):
        lucky = random.choice(self.nodes).id
        return (yield from self.ask(request, "get", lambda node: node.id == lucky, need=1))


class Loaded(Dice):
    """It throws dice only where it has a value."""

    def on_get(self, request, key):
        yield self.env.timeout(random.random() if self.by_id[request.at].get(key) else 1)


class Ledger(Dice):
    seen: list = []  # noqa: RUF012 (that is the mistake)

    def on_get(self, request, key):
        self.seen.append(key)
        yield self.env.timeout(len(self.seen))


class Bug(Dice):
    def on_get(self, request, key):
        yield self.env.timeout(1)
        raise KeyError(key)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (3, TypeError, "make must be a Store or a function of .nodes, network., got 3"),
        (lambda nodes, network: None, TypeError, "make must return a Store, got None"),
        (lambda nodes, network: CPStore(nodes), ValueError, "make must use the network"),
        (Dice, ValueError, "two runs that differ"),
        (Loaded, ValueError, "differ under the same schedule .put at node 0; get at node 0."),
        (Ledger, ValueError, "variables that outlive a store"),
        (Bug, RuntimeError, "KeyError in the schedule get at node 0: 'x'"),
    ],
)
def test_a_maker_that_cannot_be_attacked_is_named(make, error, words):
    with pytest.raises(error, match=words):
        quick(make, "C", 1)


def test_what_does_not_break_the_letter_when_it_is_run_again_is_not_reported(monkeypatch):
    calm_get = [[["get", 0, "", [], False]], 1]
    records = {f"AP, {letter}, 1, late": calm_get for letter in "CA"}
    monkeypatch.setattr("capkit.adversary.named._records", lambda: records)
    for letter in "CA":
        with pytest.raises(RuntimeError, match=f"up {letter}, and does not .* again: get at node"):
            known("AP", letter, 1)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"letter": "P"}, "letter must be one of 'C', 'A', got 'P'"),
        ({"longest": 0}, "longest must be at least 1, got 0"),
        ({"nodes": 0}, "nodes must be at least 1, got 0"),
        ({"faults": ["flood"]}, "faults must be one of .*, got 'flood'"),
        ({"timeout": 0}, r"timeout must be in .1, 1e.06., got 0"),
        ({"middle": 301}, r"middle must be in \[0, 300\], got 301"),
    ],
)
def test_bad_input_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        quick(CPStore, **{"letter": "C"} | settings)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("cas", 0), "kind must be one of 'put', 'get', got 'cas'"),
        (("put", 0, "flood", {1}), "fault must be one of .*, got 'flood'"),
        (("put", 0, "cut"), "hit must name nodes"),
        (("put", 0, "", {1}), "hit must name nodes"),
        (("put", 0, "crash", {0, 1}), "hit must name nodes"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Step(*arguments)


def test_a_schedule_needs_a_step_and_its_nodes():
    with pytest.raises(ValueError, match="schedule must be at least 1, got 0"):
        replay(CPStore, [])
    for step in (Step("get", 3), Step("get", 0, "cut", {0, 3})):
        with pytest.raises(ValueError, match="schedule must name nodes 0 to 2, got 3 in 'get at"):
            replay(CPStore, [step])


def test_a_store_of_one_node_is_no_theorem():
    assert quick(CPStore, "A", nodes=1).steps is None
    assert quick(APStore, "C", nodes=1).steps is None


def test_the_collector_of_garbage_is_as_it_was():
    quick(CPStore, "C", 1)
    assert gc.isenabled()
