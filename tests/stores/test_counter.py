"""The account that must not go below zero: a counter that merges, and budgets."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
from support.stores import new

from capkit import APStore, Crash, History, Pause, Unavailable, Workload, linearizable, run
from capkit.consistency import convergence
from capkit.stores import CounterStore, EscrowStore

SEEDS = range(200)
CUT = ({0}, {1, 2})


def withdraw(bank, amount, at):
    """What is paid out: the amount, or nothing."""
    try:
        bank.put("account", -amount, at=at)
    except Unavailable:
        return 0
    return amount


def register(bank, amount, at):
    """A withdrawal as three steps: read, compare, write; the amount, or nothing."""
    balance = bank.get("account", at=at)
    if balance < amount:
        return 0
    bank.put("account", balance - amount, at=at)
    return amount


def after_a_cut(make, deposits, pay, requests, seed=7):
    """What two sides of a cut pay out of an account, and what its books show afterwards."""
    bank = new(make, rng=seed)
    for at, amount in deposits:
        bank.put("account", amount, at=at)
    bank.wait(60)
    bank.network.partition(*CUT)
    paid = 0
    for at, amount in requests:
        paid += pay(bank, amount, at)
        bank.wait(5)
    bank.network.heal()
    bank.wait(450)
    return paid, {bank.get("account", at=node.id) for node in bank.nodes}


BOTH = [(0, 80), (1, 80)]
WHOLE, SPLIT = [(0, 100)], [(0, 60), (1, 40)]


@pytest.mark.parametrize(
    "make, deposits, pay, paid, books",
    [
        (APStore, WHOLE, register, 160, 20),
        (CounterStore, WHOLE, withdraw, 160, -60),
        (EscrowStore, SPLIT, withdraw, 0, 100),
    ],
    ids=["register", "counter", "escrow"],
)
def test_two_clients_withdraw_80_of_100_on_two_sides_of_a_cut(make, deposits, pay, paid, books):
    """A register pays 160 and hides it, a counter pays 160 and shows it, budgets pay neither."""
    for seed in SEEDS:
        assert after_a_cut(make, deposits, pay, BOTH, seed) == (paid, {books})


def test_each_side_answers_within_its_budget():
    requests = [(0, 50), (1, 30), (0, 20), (2, 10)]
    paid, books = after_a_cut(EscrowStore, SPLIT, withdraw, requests)
    assert (paid, books) == (80, {20})


@pytest.fixture(scope="module")
def random_days():
    """For each of 200 seeds ten withdrawals on both sides of a cut: paid and shown, three ways."""
    ways = {"register": (APStore, WHOLE, register), "counter": (CounterStore, WHOLE, withdraw)}
    ways["escrow"] = EscrowStore, SPLIT, withdraw
    found = {name: [] for name in ways}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        requests = [(int(rng.integers(2)), int(rng.integers(10, 41))) for _ in range(10)]
        for name, (make, deposits, pay) in ways.items():
            paid, books = after_a_cut(make, deposits, pay, requests, seed)
            assert len(books) == 1, name
            found[name].append((paid, *books))
    return found


def test_budgets_never_pay_out_more_than_there_is(random_days):
    assert all(paid <= 100 and books == 100 - paid for paid, books in random_days["escrow"])
    assert min(paid for paid, _ in random_days["escrow"]) >= 40  # they do answer


def test_a_counter_pays_too_much_and_says_so(random_days):
    assert all(books == 100 - paid for paid, books in random_days["counter"])
    assert np.mean([paid > 100 for paid, _ in random_days["counter"]]) > 0.9


def test_a_register_pays_too_much_and_hides_it(random_days):
    assert all(books >= 0 for _, books in random_days["register"])
    assert np.mean([paid > 100 for paid, _ in random_days["register"]]) > 0.5


@pytest.mark.parametrize("make", [CounterStore, EscrowStore])
def test_no_amount_is_lost_or_counted_twice(make):
    """Whatever is lost, late or paused on the way, in the end all nodes hold the same sum."""
    faults = [Crash(at=300, until=600, node=1), Pause(at=500, until=900, node=2)]
    for seed in range(10):
        store = new(make, loss=0.3, rng=seed)
        history = run(store, Workload(clients=3, rate=8, rng=seed), faults, settle=3_000)
        added = [each for each in history if each.kind == "put" and each.outcome.value != "FAIL"]
        answered = [each for each in added if each.outcome.value == "OK"]
        sums = {store.get("x", at=node.id) for node in store.nodes}
        assert len(sums) == 1
        least, most = (sum(each.value for each in some) for some in (answered, added))
        assert least <= sums.pop() <= most
        assert convergence(history) is not None
        assert store.lost() == []


def test_what_one_client_adds_at_one_node_is_linearizable():
    for make in (CounterStore, EscrowStore):
        history = run(new(make, 1), Workload(clients=1, rate=20, rng=7))
        added = [replace(each, kind="add" if each.kind == "put" else "get") for each in history]
        assert {each.kind for each in added} == {"add", "get"}
        assert linearizable(History(added), model="counter").ok


def test_an_amount_is_lost_with_the_only_node_that_has_taken_it_down():
    bank = new(CounterStore)
    bank.put("account", 30, at=1)
    bank.wait(200)
    bank.put("account", 50, at=1)
    bank.network.crash(1, lose_memory=True)
    assert bank.lost() == [50]


def test_a_refusal_names_the_budget_and_is_certain():
    bank = new(EscrowStore)
    bank.put("account", 60, at=0)
    with pytest.raises(Unavailable, match="node 0 has a budget of 60, got -80") as refusal:
        bank.put("account", -80, at=0)
    assert refusal.value.certain
    assert bank.get("account", at=0) == 60


@pytest.mark.parametrize("make", [CounterStore, EscrowStore])
def test_a_store_is_read_on_one_screen(make):
    assert len(inspect.getsource(make).splitlines()) < 60
