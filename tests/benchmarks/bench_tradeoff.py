"""The trade-off: trials per second of `simulate` and of a plain loop over the thirty-line store."""

import random
import time

from capkit.tradeoff import exact, simulate

ROUNDS = 7


class Node:
    """The store as its page has it, but for names and line breaks."""

    def __init__(self, node_id):
        self.id = node_id
        self.data = {}

    def put(self, key, value):
        self.data[key] = value

    def get(self, key):
        return self.data.get(key)


class DistributedStore:
    def __init__(self, nodes):
        self.nodes = nodes

    def put(self, key, value):
        majority = len(self.nodes) // 2 + 1
        written = 0
        for node in self.nodes:
            if random.random() < 0.8:
                node.put(key, value)
                written += 1
        if written < majority:
            raise Exception("Failed to write to majority of nodes")

    def get(self, key):
        for node in self.nodes:
            if random.random() < 0.8:
                return node.get(key)
        raise Exception("Failed to read from any node")


def loop(trials):
    """Puts acknowledged, gets answered, and fresh gets after an acknowledged put."""
    puts = gets = fresh = 0
    for _ in range(trials):
        store = DistributedStore([Node(i) for i in range(3)])
        acknowledged = True
        try:
            store.put("key", "value")
        except Exception:
            acknowledged = False
        puts += acknowledged
        try:
            value = store.get("key")
        except Exception:
            continue
        gets += 1
        fresh += acknowledged and value == "value"
    return puts / trials, gets / trials, fresh


def rate(work, trials):
    """Trials per second of processor time."""
    start = time.process_time()
    work(trials)
    return trials / (time.process_time() - start)


def vectorised(trials):
    simulate(3, 1, 2, 0.2, trials=trials, rng=1)


def test_simulate_does_100_times_the_trials_of_a_plain_loop(benchmark, capsys):
    random.seed(1)
    puts, gets, _ = loop(20_000)
    truth = exact(3, 1, 2, 0.2)
    assert abs(puts - truth.put_ok) < 0.01  # both do the same
    assert abs(gets - truth.get_ok) < 0.01
    rounds = [(rate(loop, 30_000), rate(vectorised, 3_000_000)) for _ in range(ROUNDS)]
    plain, ours = (max(rates) for rates in zip(*rounds, strict=True))
    benchmark.extra_info["ratio"] = ours / plain
    benchmark.pedantic(vectorised, args=(1_000_000,), rounds=3)
    with capsys.disabled():
        print(f"\nplain loop {plain:,.0f} trials per second, simulate {ours:,.0f}:", end=" ")
        print(f"{ours / plain:.0f} times as many")
    assert ours >= 100 * plain
