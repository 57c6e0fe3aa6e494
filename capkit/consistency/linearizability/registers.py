"""The judge of registers: by zones where each value was put once, otherwise by a search."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from capkit.consistency import sentences
from capkit.consistency.allowance import Allowance
from capkit.consistency.linearizability import zones
from capkit.consistency.linearizability.models import CasRegister, Model, Register
from capkit.consistency.linearizability.objects import Objects, search_groups
from capkit.consistency.linearizability.witnesses import disorder
from capkit.consistency.linearizability.zones import Clusters
from capkit.consistency.verdicts import Verdict, refuted, undecided
from capkit.history import History
from capkit.history.columns import Column, Mask


def are_registers(history: History, model: Model) -> bool:
    """Whether all operations are puts and gets that do to the model what they do to a register."""
    own = getattr(model, "__dict__", {})
    return (
        history.kind.max(initial=0) <= 1
        and isinstance(model, Register)
        and type(model).step in (Register.step, CasRegister.step)
        and type(model).key is Model.key
        and not {"step", "key"} & set(own)
    )


def judge_registers(history: History, model: Model, allowance: Allowance) -> Verdict:
    """Judge each key by itself, and together those that touch each other."""
    clusters = zones.cluster(history, model.initial, history.rough)
    if (wrong := _contradicted(history, clusters)) is not None:
        return wrong
    if not clusters.repeated.any() and not zones.touching(clusters):
        return _valid(lambda: _ordered(_exact(history, model)))
    order = history.order
    clusters = zones.cluster(history, model.initial, order[:2])
    if (wrong := _contradicted(history, clusters)) is not None:
        return wrong
    easy = _easy(clusters)
    if not order.links.size:
        if easy.all():
            return _valid(lambda: _ordered(clusters))
        return _search(history, model, clusters, easy, allowance)
    for ranks in order.refinements if easy.all() else ():
        refined = zones.cluster(history, model.initial, ranks)
        if _contradicted(history, refined) is None:
            return _valid(lambda: _ordered(refined))  # noqa: B023 - the loop ends here
    return _search(history, model, clusters, easy & ~_entangled(history, clusters), allowance)


def _easy(clusters: Clusters) -> Mask:
    """Operations of keys whose written values are distinct."""
    return ~clusters.repeated[clusters.number]


def _contradicted(history: History, clusters: Clusters) -> Verdict | None:
    """What zones find wrong."""
    odd = zones.unexplained(clusters)
    if odd.size:
        reason, witness = sentences.unexplained(history, int(odd[0]))
        return Verdict(ok=False, witness=witness, reason=reason)
    easy = clusters.pick(_easy(clusters)) if clusters.repeated.any() else clusters
    if why := zones.contradiction(easy):
        reason = sentences.contradiction(history, why)
        return Verdict(ok=False, witness=why.witness, reason=reason)
    return None


def _exact(history: History, model: Model) -> Clusters:
    """The clusters in one of the orders that each process's own order leaves open."""
    ranks = (history.order.refinements or [history.order[:2]])[0]
    return zones.cluster(history, model.initial, ranks)


def _ordered(clusters: Clusters) -> Column:
    return zones.merge(clusters, zones.sequence(clusters))


def _entangled(history: History, clusters: Clusters) -> Mask:
    """Operations of keys that cannot be judged each by itself, because links join them."""
    keys = history.key[clusters.rows]
    return np.isin(keys, history.key[history.order.links.ravel()])


def _valid(order: Callable[[], Column], steps: int = 0) -> Verdict:
    reason = "in the order of the verdict, every get returns the latest put before it"
    whole = cache(lambda: tuple(order().tolist()))
    return Verdict(ok=True, _order=whole, reason=reason, steps=steps)


def _search(
    history: History, model: Model, clusters: Clusters, easy: Mask, allowance: Allowance
) -> Verdict:
    """Judge the keys that zones cannot, given that the others have a valid sequence."""
    hard = Objects(history, model, clusters.rows[~easy])
    found, stuck = search_groups(hard, allowance)
    if stuck is not None:
        more = allowance.renewed()
        witness, is_small = disorder(hard, hard.groups[stuck], found[stuck], more)
        reason = sentences.disorder(history, witness)
        steps = allowance.used + more.used
        return refuted(reason, witness, is_small=is_small, steps=steps)
    if any(each.order is None for each in found):
        return undecided(allowance)

    def order() -> Column:
        simple = np.flatnonzero(easy)[zones.sequence(clusters.pick(easy))]
        group = clusters.key[clusters.number[simple]]
        for place, each in enumerate(found, 1 + int(clusters.key.max())):
            rows = np.searchsorted(clusters.rows, each.order or ())
            simple = np.concatenate([simple, rows])
            group = np.concatenate([group, np.full(len(rows), place)])
        return zones.merge(clusters, simple, group)

    return _valid(order, allowance.used)
