"""A workload of given requests at given times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from capkit.workload import Arrival, Workload


@dataclass(frozen=True, kw_only=True)
class Requests(Workload):
    """Given requests at given times, instead of random ones.

    Attributes
    ----------
    requests : iterable of Arrival
        Each says when (ms) which client asks for what.

    Examples
    --------
    >>> Requests(requests=[Arrival(20, 0, "put", "x", 1)], clients=1).arrivals()[0].value
    1
    """

    requests: Iterable[Arrival] = ()

    def __post_init__(self) -> None:
        Workload.__post_init__(self)
        object.__setattr__(self, "requests", tuple(sorted(self.requests, key=lambda r: r.time)))

    def arrivals(self) -> list[Arrival]:
        """The given requests, in the order of their times."""
        return list(self.requests)
