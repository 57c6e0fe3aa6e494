"""What a coordinator works on, what it asks the replicas, and how it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import simpy

from capkit._arguments import flag, positive
from capkit.history import NodeId
from capkit.network import Node
from capkit.stores.cluster import Process

if TYPE_CHECKING:
    from capkit.stores.store import Store

Answers: TypeAlias = dict[NodeId, Any]


class Unavailable(Exception):
    """The store did not answer; the sentence says which replicas were missing.

    `certain` is True if the operation certainly did not happen. Otherwise nobody can know.
    """

    __module__ = "capkit"  # where users import it from

    def __init__(self, sentence: str, certain: bool = False) -> None:
        super().__init__(sentence, certain)  # SimPy copies an exception from its args
        self.certain = flag("certain", certain)

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """One operation under way: what is asked, by a client of which node, and until when.

    `saw` are the values that a put's coordinator found at replicas; `client` is None where nobody
    knows whose put or get it is. `context` is what a put's client has read before, if it says so,
    and a list for what a get finds.
    """

    number: int
    kind: str
    key: Hashable = None
    value: Any = None
    at: NodeId | None
    incarnation: int
    client: int | None = None
    context: Any = None
    began: float
    timeout: float
    ended: float = math.inf
    saw: list[Any] = field(default_factory=list)

    @property
    def deadline(self) -> float:
        """Until when its client waits."""
        return self.began + self.timeout

    def may_follow(self, other: Request) -> bool:
        """Whether a put knew of another one, or ran at the same time."""
        together = self.began <= other.ended and other.began <= self.ended
        return self.key == other.key and (together or other.value in self.saw)


class Question:
    """What a coordinator asks replicas, again and again until enough of them have answered.

    `answers` holds all that have come, late ones too.
    """

    def __init__(
        self,
        store: Store,
        request: Request,
        purpose: str,
        handle: Callable[[Node], Any],
        enough: Callable[[Answers], bool],
        among: Callable[[Node], bool],
    ) -> None:
        self.store, self.request, self.purpose, self.handle = store, request, purpose, handle
        self.enough, self.among = enough, among
        self.answers: Answers = {}
        self.done = store.env.event()

    def wait(self, refusal: Callable[[Answers], str], patience: float = math.inf) -> Process:
        """Ask until enough have answered; the value is what has come by then.

        With finite `patience` (ms) nothing is asked twice. A client whose time is up is told
        `Unavailable`, with the sentence that `refusal` makes of the answers.
        """
        once = patience < math.inf
        self.repeat(0, once)
        try:
            yield self.done | self.store.env.timeout(patience) if once else self.done
        except simpy.Interrupt:
            raise Unavailable(refusal(self.answers)) from None
        return self.done.value if self.done.triggered else dict(self.answers)

    def repeat(self, attempt: int, once: bool = False) -> None:
        """Ask all that have not answered, and again after a while."""
        if not self.done.triggered and self.store.goes_on(self.request):
            asked = [node for node in self.store.nodes if self.among(node)]
            self.send(asked, self.purpose, attempt)
            if not once:
                wait = positive("retry_every", self.store.retry_every)
                self.store.network.after(wait, partial(self.repeat, attempt + 1))

    def send(self, nodes: Sequence[Node], label: str, attempt: int) -> None:
        """Ask those of some nodes that have not answered."""
        silent = [node for node in nodes if node.id not in self.answers]
        luck = self.store.network.draws(self.request.number, label, attempt)
        number = self.request.number
        self.store.send(self.request.at, silent, label, self._meet, self._hear, luck, number)

    def _meet(self, node: Node) -> Any:
        """Let a replica handle the request, and note what a put finds there."""
        if self.request.kind == "put":
            self.request.saw += self.store.visible.get((node.id, self.request.key), ())
        return self.handle(node)

    def _hear(self, node: Node, answer: Any) -> None:
        self.answers[node.id] = answer
        waits = self.store.goes_on(self.request) and not self.done.triggered
        if waits and self.enough(self.answers):
            self.done.succeed(dict(self.answers))
