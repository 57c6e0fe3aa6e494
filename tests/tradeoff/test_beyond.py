"""Beyond CAP: what consistency costs without a cut, harvest and yield, and who is paid twice."""

import re
from contextlib import suppress
from functools import partial
from itertools import combinations, product

import nbformat
import numpy as np
import pytest
from support import ROOT
from support.stores import new

from capkit import APStore, CPStore, Unavailable, Workload, freshness, plots, run
from capkit.stores import LeaderlessStore, Store, TellerStore
from capkit.tradeoff import calm, harvest, retries, simulate_retries

# What the lesson says.


def test_every_result_in_the_prose_of_the_lesson_is_printed_by_one_of_its_cells():
    """Shares, and numbers of three digits or below zero, but no years."""
    cells = nbformat.read(ROOT / "notebooks" / "10-beyond-cap.ipynb", as_version=4).cells
    taught = cells[: next(at for at, cell in enumerate(cells) if "## Exercises" in cell.source)]
    prose = "".join(cell.source for cell in taught if cell.cell_type == "markdown")
    outputs = "".join(str(cell.get("outputs")) for cell in taught)
    outputs += repr(plots.harvest(10, 3, 2))  # what "a transfer" shows
    found = re.findall(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?", re.sub(r"\]\(\S*\)", "]", prose))
    results = {each.rstrip(",") for each in found if re.search(r"[.-]|\d{3}", each)}
    years = {each for each in results if re.fullmatch(r"(19|20)\d\d", each)}
    assert len(results - years) > 10
    assert {each for each in results - years if each not in outputs} == set()


# Without a cut.


def measured(make, size, latency, *, seeds=8, distance=0):
    """Get and put in ms, in the region that waits longer, and freshness, of real stores."""
    waits = {(kind, far): [] for kind in ("get", "put") for far in (False, True)}
    fresh = []
    for seed in range(seeds):
        store = new(make, size, latency=latency, rng=seed)
        store.network.separate({0, 1}, distance=distance)
        traffic = Workload(clients=size, duration=6_000, rate=4, timeout=1_000, rng=seed)
        history = run(store, traffic)
        fresh.append(freshness(history))
        for each in history:
            waits[each.kind, each.node > 1].append(each.completed - each.invoked)
    slower = [max(np.median(waits[kind, far]) for far in (False, True)) for kind in ("get", "put")]
    return *slower, np.mean(fresh)


@pytest.mark.parametrize("latency, get, put", [(0.5, 1, 2), (5, 10, 20), (50, 100, 200)])
def test_the_price_of_cp_is_one_round_trip_for_a_get_and_two_for_a_put(latency, get, put):
    assert measured(CPStore, 3, latency, seeds=2) == (get, put, 1)
    model = calm(3, 2, 2, latency, rounds=2)
    assert (model.get, model.put, model.fresh) == (get, put, 1)


@pytest.mark.parametrize("latency, fresh", [(0.5, 1.00), (5, 0.98), (50, 0.83)])
def test_ap_answers_in_a_millisecond_and_pays_with_freshness(latency, fresh):
    get, put, share = measured(APStore, 3, latency)
    assert (get, put) == (1, 1)
    assert share == pytest.approx(fresh, abs=0.025)
    assert calm(3, 1, 1, latency).fresh == pytest.approx(fresh, abs=0.006)


@pytest.mark.parametrize("n, r, w", [(5, 1, 1), (5, 2, 1), (3, 2, 2), (5, 1, 3)])
@pytest.mark.parametrize("distance", [0, 60])
def test_quorums_wait_and_read_as_the_formula_says(n, r, w, distance):
    """A store without a leader takes one ms more, and its repairs freshen an old read or two."""
    make = partial(LeaderlessStore, n=n, r=r, w=w)
    get, put, fresh = measured(make, n, 20, seeds=4, distance=distance)
    model = calm(n, r, w, 20, distance=distance, side=2)
    assert (get, put) == (pytest.approx(model.get, abs=1), pytest.approx(model.put, abs=1))
    assert fresh == pytest.approx(model.fresh, abs=0.04)


def test_freshness_is_what_a_simulation_of_the_model_counts():
    """Puts of n clients at random times, and a get: no store, only the definition of stale."""
    rng, rate, latency, n = np.random.default_rng(7), 0.002, 50, 3
    stale = 0
    for _ in range(20_000):
        ages = [np.cumsum(rng.exponential(1 / rate, 3)) for _ in range(n)]
        seen = min(age for i in range(n) for age in ages[i] if i == 0 or age >= latency)
        stale += any(1 <= age < min(latency, seen) for i in (1, 2) for age in ages[i])
    assert calm(n, 1, 1, latency).fresh == pytest.approx(1 - stale / 20_000, abs=0.01)


def test_overlapping_quorums_are_fresh_however_far_apart():
    for n, latency, distance in product((2, 3, 5), (0, 1, 300), (0, 500)):
        pairs = product(range(1, n + 1), repeat=2)
        for r, w in ((r, w) for r, w in pairs if r + w > n):
            assert calm(n, r, w, latency, distance=distance).fresh == 1


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"r": 4}, "r must be at most 3|r must be in"),
        ({"latency": -1}, "latency must be at least 0, got -1"),
        ({"side": 3}, "side must be"),
        ({"rate": -1}, "rate must be at least 0, got -1"),
    ],
)
def test_calm_names_what_is_wrong(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        calm(**{"n": 3, "r": 1, "w": 1, "latency": 5} | change)


# Harvest and yield.


class Search(Store):
    """A get asks every shard, and takes what has come in time; `partial` answers with that."""

    partial = False

    def on_get(self, request, key):
        everybody = len(self.nodes)
        hits = yield from self.ask(
            request, "search", lambda node: node.id + 1, need=everybody, patience=50
        )
        if len(hits) < everybody and not self.partial:
            raise Unavailable(f"only {len(hits)} of {everybody} shards answered")
        return hits


@pytest.mark.parametrize("away", range(10))
@pytest.mark.parametrize("answer", ["partial", "all or nothing"])
def test_a_search_over_ten_shards_loses_yield_or_harvest(away, answer):
    store = new(Search, 10)
    store.partial = answer == "partial"
    if away:
        store.network.partition(range(10 - away))
    try:
        share, found = 1, len(store.get("word", at=0)) / 10
    except Unavailable:
        share, found = 0, 0
    model = harvest(10, away, 10, answer=answer)
    assert (model.share, model.harvest) == (share, found)


FEW = [each for each in product([1, 4, 6], [0, 1, 3], [1, 2]) if max(each[1:]) <= each[0]]


@pytest.mark.parametrize("shards, away, touched", FEW)
def test_yield_is_the_share_of_requests_whose_shards_are_all_in_reach(shards, away, touched):
    requests = list(combinations(range(shards), touched))
    whole = [all(shard >= away for shard in request) for request in requests]
    found = np.mean([np.mean([shard >= away for shard in each]) for each in requests])
    assert harvest(shards, away, touched).share == pytest.approx(np.mean(whole))
    assert harvest(shards, away, touched, answer="partial").harvest == pytest.approx(found)


@pytest.mark.parametrize("arguments", [(0, 0, 1), (10, 11, 1), (10, -1, 1), (10, 0, 11)])
def test_harvest_refuses_what_cannot_be(arguments):
    with pytest.raises(ValueError, match="must be"):
        harvest(*arguments)


# Asking again.


@pytest.mark.parametrize("loss, silent", [*product([0, 0.1, 0.5, 1], [0, 0.2, 0.7, 1])])
@pytest.mark.parametrize("attempts", [1, 2, 5])
@pytest.mark.parametrize("request_id", [False, True])
def test_exact_and_simulated_shares_agree(loss, silent, attempts, request_id):
    """In Wilson's interval at 99.99 %, since there are many of them."""
    exact = retries(loss, silent, attempts, request_id=request_id)
    assert exact.never + exact.once + exact.twice == pytest.approx(1)
    found = simulate_retries(loss, silent, attempts, request_id=request_id, trials=20_000, rng=7)
    half = 2 * (found.high - found.low)
    assert found.low - half / 4 <= exact.twice <= found.high + half / 4
    assert found.never == pytest.approx(exact.never, abs=0.015)
    assert request_id is False or found.twice == exact.twice == 0


def test_at_a_reply_loss_of_one_fifth_the_exact_share_is_in_the_interval():
    exact = retries(0, 0.2, 5)
    assert exact.twice == pytest.approx(0.2)
    found = simulate_retries(0, 0.2, 5, trials=100_000, rng=7)
    assert found.low < exact.twice < found.high


@pytest.mark.parametrize("remembers", [False, True])
def test_a_real_client_that_asks_again_is_paid_as_often_as_the_formula_says(remembers):
    bank, wanted = new(partial(TellerStore, remembers=remembers), 1, reply_loss=0.2), 800
    for name in range(wanted):
        for _ in range(5):
            with suppress(Unavailable):
                bank.put("account", name)
                break
    times = np.bincount(bank.paid, minlength=wanted)
    exact = retries(0, 0.2, 5, request_id=remembers)
    assert np.mean(times > 1) == pytest.approx(exact.twice, abs=0.045)
    assert times.min() >= 1
    assert remembers is False or times.max() == 1


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ((1.2, 0, 1), "loss must be in"),
        ((0, -0.1, 1), "reply_loss must be in"),
        ((0, 0, 0), "attempts must be"),
    ],
)
def test_retries_name_what_is_wrong(arguments, sentence):
    for call in (retries, simulate_retries):
        with pytest.raises(ValueError, match=sentence):
            call(*arguments)
