"""The search's view of a history of registers: its requests, its model, and its witness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from capkit.consistency.linearizability.configurations import IMPOSSIBLE, Request
from capkit.consistency.linearizability.search import Found, Model, Room, search, shrink, take_turns
from capkit.consistency.linearizability.zones import Clusters
from capkit.history import History
from capkit.history.columns import Column


def judge(
    history: History, clusters: Clusters, positions: Column, budget: int
) -> tuple[list[Found], int, tuple[int, ...]]:
    """Search each key of these operations for an order; what was found, steps, and a witness.

    The witness is empty unless some key has no order.
    """
    requests = [_requests(history, clusters, group) for group in _by_key(clusters, positions)]
    room = Room()
    found, steps = take_turns((search(each, _REGISTER, room) for each in requests), budget)
    for each, result in zip(requests, found, strict=True):
        if result.stuck_at is not None:
            return found, steps, _witness(each, result.stuck_at, budget)
    return found, steps, ()


def _by_key(clusters: Clusters, positions: Column) -> list[Column]:
    """The positions of each key, as one array per key."""
    keys = clusters.key[clusters.number[positions]]
    order = np.argsort(keys, kind="stable")
    return np.split(positions[order], np.flatnonzero(np.diff(keys[order])) + 1)


def _requests(history: History, clusters: Clusters, positions: Column) -> list[Request]:
    columns = (
        clusters.rows[positions],
        clusters.is_put[positions],
        history.value[clusters.rows[positions]],
        clusters.begin[positions],
        clusters.end[positions],
        history.is_ok[clusters.rows[positions]],
    )
    return [
        Request(row, (put, value), not put, known, begin, end, blind=put)
        for row, put, value, begin, end, known in zip(*(c.tolist() for c in columns), strict=True)
    ]


def _step(state: int, effect: tuple[bool, int]) -> int:
    put, value = effect
    if put or value == state:
        return value
    impossible: int = IMPOSSIBLE
    return impossible


_REGISTER = Model(initial=-1, step=_step)


def _witness(requests: Sequence[Request], stuck_at: float, budget: int) -> tuple[int, ...]:
    """Few operations that still have no valid order; rows of the history.

    Only gets may go, or all puts and gets of a value together (without its put, a get would
    look wrong that is not), and puts that began after all gets were over.
    """
    left = budget

    def violates(kept: list[Request]) -> bool:
        nonlocal left
        found, steps = take_turns([search(kept, _REGISTER)], left)
        left -= steps
        return found[0].stuck_at is not None

    kept = _timely([r for r in requests if not r.read_only or r.completed <= stuck_at])
    values = list(dict.fromkeys(_value(r) for r in kept))
    chosen = set(shrink(values, lambda some: violates([r for r in kept if _value(r) in some])))
    kept = [r for r in kept if _value(r) in chosen]
    puts = [r for r in kept if not r.read_only]
    gets = shrink([r for r in kept if r.read_only], lambda some: violates(puts + some))
    return tuple(sorted(r.row for r in _timely(puts + gets)))


def _timely(requests: list[Request]) -> list[Request]:
    """Without the puts that began after all gets were over: they cannot matter to any get."""
    last = max((r.completed for r in requests if r.read_only), default=-math.inf)
    return [r for r in requests if r.invoked <= last]


def _value(request: Request) -> int:
    _, value = cast(tuple[bool, int], request.effect)
    return value
