"""Lesson 10, "Beyond CAP": its guesses and exercises."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from capkit import tradeoff
from capkit.adversary import attack
from capkit.exercises.collection import exercise, guess
from capkit.exercises.kinds import Kind, number, store
from capkit.network import Network
from capkit.stores import CounterStore, EscrowStore, Node
from capkit.stores.question import Request


@guess(
    "10.1",
    "Three nodes, and a message takes 50 ms one way. How long does a CP put take?",
    unit="ms",
    because="It asks for the newest tag, then stores: two round trips of two messages each.",
)
def _put() -> float:
    return tradeoff.calm(3, 2, 2, latency=50, rounds=2).put


@guess(
    "10.2",
    "Five replicas, 50 ms one way: how many of the 25 pairs (R, W) answer everything in 10 ms, "
    "and everything fresh?",
    because="Whoever asks another node waits 100 ms; whoever asks nobody cannot know.",
)
def _pairs() -> int:
    pairs = [(r, w) for r in range(1, 6) for w in range(1, 6)]
    all_of_them = [tradeoff.calm(5, r, w, latency=50, side=2) for r, w in pairs]
    return sum(max(each.get, each.put) <= 10 and each.fresh == 1 for each in all_of_them)


@guess(
    "10.3",
    "Three of ten shards are out of reach. What share of the transfers, each between two random "
    "shards, finds both?",
    unit="%",
    because="The first is there seven times in ten, the second then six times in nine.",
)
def _transfers() -> float:
    return 100 * tradeoff.harvest(10, 3, 2).share


@guess(
    "10.4",
    "Two clients withdraw 80 of 100, on two sides of a cut, from a counter that merges. What is "
    "the balance afterwards?",
    because="Both saw 100, both were paid, and the counter forgets neither.",
)
def _balance() -> int:
    bank = CounterStore([Node(i) for i in range(3)], Network(loss=0.0, latency=10, rng=7))
    bank.put("account", 100, at=0)
    bank.wait(100)
    bank.network.partition({0}, {1, 2})
    for side in (0, 1):
        if bank.get("account", at=side) >= 80:
            bank.put("account", -80, at=side)
    bank.network.heal()
    bank.wait(500)
    return int(bank.get("account", at=2))


@guess(
    "10.5",
    "One reply in five is lost, and no request. The client asks up to ten times instead of five. "
    "What share is paid twice?",
    unit="%",
    because="Whoever has lost the first reply asks again at once; patience changes nothing more.",
)
def _twice() -> float:
    return 100 * tradeoff.retries(0, 0.2, attempts=10).twice


@exercise(
    "10.1",
    number(0),
    "at 5 ms a put takes 20 ms, four messages one after the other; find the one that makes {ms} ms",
    ms=(100, 80, 120, 150),
)
def _latency(answer: float, ms: int) -> bool:
    def put(latency: float) -> float:
        return tradeoff.calm(5, 3, 3, latency, rounds=2).put

    return put(answer) <= ms < put(answer + 0.01)


SHOP = {"cart": "A", "reviews": "A", "seat": "C", "name": "C", "order": "A, and sorry later"}
_CHOICES = ("A", "A, and sorry later", "C")


def _is_filled_in(answer: Any) -> bool:
    return isinstance(answer, dict) and {*answer} == {*SHOP} and {*answer.values()} <= {*_CHOICES}


@exercise(
    "10.2",
    Kind(f"a dictionary of {', '.join(SHOP)} with {', '.join(map(repr, _CHOICES))}", _is_filled_in),
    "C where no letter can put a wrong answer right; sorry where a 'yes' may turn out to be a 'no'",
)
def _shop(answer: dict[str, str]) -> bool:
    return answer == SHOP


@exercise(
    "10.3",
    store(EscrowStore),
    'print adversary.attack(audited(answer), "C", **RULES) and read its story: is there a moment '
    "at which both nodes have the money? what does a node do that hears the same request twice?",
)
def _transfer(mine: type[EscrowStore]) -> bool:
    return _moves(mine) and attack(audited(mine), "C", **RULES).schedule is None


RULES: dict[str, Any] = {
    "longest": 3,
    "nodes": 2,
    "faults": ("cut", "pause"),
    "middle": 15.0,
    "progress": False,
}
"""How the adversary attacks a transfer: a late fault falls into the way of the reply."""


def audited(mine: type[EscrowStore]) -> type[EscrowStore]:
    """The same bank, whose puts transfer money and whose gets find out if there is more than was.

    A put moves 1 from its node to the next one; a get returns the value that was put last, as a
    linearizable register does, unless all budgets together exceed the 20 that the bank began with.
    """

    class Audited(mine):  # type: ignore[valid-type, misc]
        latest: Any = None

        def on_put(self, request: Request, key: Hashable, value: Any) -> Any:
            self._begin()
            self.latest = value
            ids = list(self.by_id)
            target = ids[(ids.index(request.at) + 1) % len(ids)]
            yield from self.transfer(request, "account", 1, request.at, target)

        def on_get(self, request: Request, key: Hashable) -> Any:
            self._begin()
            total = sum(self.budget("account", each) for each in self.by_id)
            return self.latest if total <= 20 else f"{total} of 20"

        def _begin(self) -> None:
            if "account" not in self.nodes[0].data:
                for node in self.nodes:
                    self.take_down(node, "account", 20 // len(self.nodes))

    Audited.__name__ = mine.__name__
    return Audited


def _moves(mine: type[EscrowStore]) -> bool:
    """Whether, with no fault, a transfer takes from one budget what it gives to the other."""
    bank = audited(mine)([Node(0), Node(1)], Network(loss=0.0, latency=10, rng=7))
    bank.put("any", 1, at=0)
    return [bank.budget("account", each) for each in (0, 1)] == [9, 11]
