"""The judge that users call: which question a history asks, and who answers it."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from capkit._arguments import choice, count, number, positive, shown
from capkit.consistency.allowance import Allowance
from capkit.consistency.linearizability.models import NAMED, CasRegister, Model, pair
from capkit.consistency.linearizability.objects import Objects, merge, search_groups
from capkit.consistency.linearizability.registers import are_registers, judge_registers
from capkit.consistency.linearizability.witnesses import violation
from capkit.consistency.sentences import no_order, unordered
from capkit.consistency.verdicts import Verdict, judge, refuted, undecided, vacuous
from capkit.history import History
from capkit.history.columns import Column, a_history


@judge
def linearizable(
    history: History,
    *,
    model: str | Model = "register",
    budget: int = 1_000_000,
    seconds: float = math.inf,
) -> Verdict:
    """Judge whether every operation can have taken effect at one moment between start and end.

    Operations that overlap or touch may have happened in either order, unless one process did them;
    an UNKNOWN one at any time from its start on, or never; a FAIL never did. Each key is judged by
    itself, which is enough.

    Keys of registers whose written values are distinct are judged by zones [1]_ in O(n log n), all
    else by a search [2]_ [4]_ whose work may grow exponentially with how many operations overlap.

    Parameters
    ----------
    history : History
        What the clients saw.
    model : str or Model
        What each key is:

        * "register": put and get of one value, None at first. A get of `Siblings` has no order,
          unless somebody put them.
        * "cas-register": also cas, whose value is the pair (expected, new).
        * "append": a string, empty at first, with put, append and get.
        * "set": add puts in an element, get returns them all.
        * "counter": add changes it by an amount, get returns it; 0 at first.
        * or a `capkit.consistency.Model`: a named one with another initial value, such as
          `Register(initial=0)`, or one of your own.
    budget : int
        Steps that the search may take over all keys, at least 1: calls of the model's `step`, and
        comparisons of what they led to, ten of which are a step. As many again may go into finding
        few operations for the witness.
    seconds : float
        For how long it may go on, more than 0; the witness included. Where it stops depends on the
        machine.

    Returns
    -------
    Verdict
        True with the order, False with the witness, or None if the budget, the time or the memory
        ran out.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these, or an operation not the model's.

    References
    ----------
    .. [1] Gibbons and Korach, "Testing Shared Memories", SIAM Journal on Computing 26(4), 1997.
    .. [2] Wing and Gong, "Testing and Verifying Concurrent Objects", JPDC 17, 1993.
    .. [3] Herlihy and Wing, "Linearizability", ACM TOPLAS 12(3), 1990.
    .. [4] Lowe, "Testing for Linearizability", Concurrency and Computation 29(4), 2017.

    Examples
    --------
    >>> from capkit.history import story
    >>> history = story("x=1 x=2 x?1")
    >>> print(linearizable(history).reason)
    get #2 returned 1 although put #1 of 2 had finished 5 ms before the get began, and put #1 \
began after put #0 of 1 had finished
    >>> bool(linearizable(history, model="cas-register"))
    False
    """
    a_history(history)
    allowance = Allowance(count("budget", budget, high=2**63), _limit(seconds))
    model = _model(model)
    check_operations(history, model)
    if (nothing := vacuous(history, "linearizable")) is not None:
        return nothing
    judge = judge_registers if are_registers(history, model) else _judge_objects
    return judge(history, model, allowance)


def _limit(seconds: object) -> float:
    """For how long a search may go on; infinity is no limit."""
    if number("seconds", seconds, 0, finite=False) == math.inf:
        return math.inf
    return positive("seconds", seconds)


def _model(model: Any) -> Model:
    if isinstance(model, str):
        return NAMED[choice("model", model, tuple(NAMED))]
    if isinstance(model, type):
        name = model.__name__
        raise TypeError(f"model must be an instance, got the class {name}; write {name}()")
    if not callable(getattr(model, "step", None)):
        raise TypeError(f"model must be a name or have a method step, got {shown(model)}")
    return model  # type: ignore[no-any-return]


def check_operations(history: History, model: Model) -> None:
    """Refuse operations that the model does not know."""
    kinds = getattr(model, "kinds", ()) or history.kinds
    for code, kind in enumerate(history.kinds):
        if kind not in kinds and (history.kind == code).any():
            row = int(np.argmax(history.kind == code))
            fits = [name for name, each in NAMED.items() if kind in each.kinds]
            hint = f" (model={' or '.join(map(repr, fits))} knows it)" if fits else ""
            rule = f"must be {' or '.join(kinds)} for this model"
            raise ValueError(f"kind of operation {row} {rule}, got {kind}{hint}")
        if kind == "cas" and isinstance(model, CasRegister):
            _check_pairs(history, np.flatnonzero(history.kind == code))


def _check_pairs(history: History, rows: Column) -> None:
    for row in rows.tolist():
        try:
            pair(history[row])
        except ValueError as error:
            raise ValueError(f"operation {row}: {error}") from None


def _judge_objects(history: History, model: Model, allowance: Allowance) -> Verdict:
    objects = Objects(history, model)
    found, stuck = search_groups(objects, allowance)
    if stuck is not None:
        more = allowance.renewed()
        wrong = violation(objects, objects.groups[stuck], found[stuck], more)
        noun = getattr(model, "noun", "object")
        if wrong.last is None:
            reason = unordered(history, wrong.witness)
        else:
            reason = no_order(history, wrong.last, wrong.states, noun)
        steps = allowance.used + more.used
        return refuted(reason, wrong.witness, is_small=wrong.is_small, steps=steps)
    if any(each.order is None for each in found):
        return undecided(allowance)
    reason = "in the order of the verdict, every answer is right"
    order = cache(lambda: merge(history, found))
    return Verdict(ok=True, _order=order, reason=reason, steps=allowance.used)
