"""A log of writes: what every store with one writer at a time keeps, in the order of the writes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple, TypeAlias

from capkit.network import Node
from capkit.stores.cluster import Process
from capkit.stores.question import Answers, Request
from capkit.stores.store import Store


class Entry(NamedTuple):
    """One write in the log; its operation's number makes a repeated request harmless."""

    number: int
    key: Hashable
    value: Any


Log: TypeAlias = tuple[Entry, ...]


def newest(log: Iterable[Entry]) -> dict[Hashable, Any]:
    """What each key holds after all writes of a log.

    Examples
    --------
    >>> newest([Entry(0, "x", 1), Entry(1, "y", 2), Entry(2, "x", 3)])
    {'x': 3, 'y': 2}
    """
    return {entry.key: entry.value for entry in log}


class LogStore(Store):
    """A store in which one node at a time writes a log, and answers for all others."""

    def latest_log(self) -> Log:
        """The log that will survive, among those that are on a disk now."""
        raise NotImplementedError

    def why_late(self, request: Request) -> str:
        """Why a client was not answered in time."""
        raise NotImplementedError

    def lost(self) -> list[Any]:
        """Values of acknowledged puts that the latest log does not have."""
        logged = {entry.number for entry in self.latest_log()}
        return [put.value for put in self.acknowledged if put.number not in logged]

    def ask_one(
        self,
        request: Request,
        handle: Callable[[Node], Any],
        among: Callable[[Node], bool] = lambda node: True,
    ) -> Process:
        """Ask until one node has answered; the value is its answer."""

        def refusal(answers: Answers) -> str:
            return self.late(request, self.why_late(request))

        answers = yield from self.ask(
            request, request.kind, handle, need=1, among=among, refusal=refusal
        )
        return next(iter(answers.values()))

    def show(self, node: Node, log: Log) -> None:
        """Let a node's copy hold what a log holds, and nothing else."""
        values = newest(log)
        for key in [key for key in node.data if key not in values]:
            self.erase(node, key)
        for key, value in values.items():
            if key not in node.data or node.data[key] != value:
                self.write(node, key, value)
