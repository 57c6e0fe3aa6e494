"""Checks and random streams that every other file shares."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeAlias, TypeVar
from zlib import crc32

import numpy as np

RandomState: TypeAlias = int | np.integer | np.random.Generator | None

Kind = TypeVar("Kind")


def shown(value: object) -> str:
    """A value for an error message: at most 80 characters, whatever it is.

    Examples
    --------
    >>> len(shown("x" * 1_000)), shown(10**400)
    (80, '1000000000000000000000000000000000000...0000000000000000000000000000000000000000')
    """
    try:
        return clipped(repr(value))
    except Exception:  # a number of too many digits, a broken __repr__, a list that holds itself
        return f"a {type(value).__name__} that cannot be printed"


def clipped(text: str) -> str:
    """A text, or its beginning and its end in 80 characters."""
    return text if len(text) <= 80 else f"{text[:37]}...{text[-40:]}"


def told(message: str) -> str:
    """An error's message with its rule whole, and what it quotes in 80 characters.

    Examples
    --------
    >>> len(told("a value must be EDN, got " + "x" * 1_000))
    105
    """
    rule, got, quote = message.partition(", got ")
    return rule + got + clipped(quote) if got else clipped(message)


def number(
    name: str,
    value: object,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    finite: bool = True,
) -> float:
    """Return `value` as a float if it is in [low, high] and finite, else say what is wrong.

    Examples
    --------
    >>> number("loss", 1.2, 0, 1)
    Traceback (most recent call last):
        ...
    ValueError: loss must be in [0, 1], got 1.2
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    try:
        found = float(value)
    except OverflowError:
        rule = "finite" if math.isinf(high) else _range(low, high)
        raise ValueError(f"{name} must be {rule}, got {shown(value)}") from None
    if math.isnan(found) or not low <= value <= high:
        raise ValueError(f"{name} must be {_range(low, high)}, got {clipped(str(value))}")
    if finite and math.isinf(found):
        raise ValueError(f"{name} must be finite, got {value}")
    return found


_MOST = 10**9  # replicas, trials and the like: more would take hours, or all memory


def count(name: str, value: object, low: int = 1, high: float = math.inf) -> int:
    """Return `value` as an int if it is a whole number in low..high; without `high`, to 10**9.

    Examples
    --------
    >>> count("clients", 0)
    Traceback (most recent call last):
        ...
    ValueError: clients must be at least 1, got 0
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {shown(value)}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be {_range(low, high)}, got {shown(int(value))}")
    if math.isinf(high) and value > _MOST:
        raise ValueError(f"{name} must be at most {_MOST:,}, got {shown(int(value))}")
    return int(value)


def positive(name: str, value: object) -> float:
    """Return `value` as a float if it is a finite number above 0.

    Examples
    --------
    >>> positive("retry_every", 0)
    Traceback (most recent call last):
        ...
    ValueError: retry_every must be above 0, got 0
    """
    found = number(name, value)
    if found <= 0:
        raise ValueError(f"{name} must be above 0, got {value}")
    return found


def choice(name: str, value: object, allowed: tuple[str, ...]) -> str:
    """Return `value` if it is one of `allowed`.

    Examples
    --------
    >>> choice("resolve", "newest", ("lww", "siblings"))
    Traceback (most recent call last):
        ...
    ValueError: resolve must be one of 'lww', 'siblings', got 'newest'
    """
    if not isinstance(value, str) or value not in allowed:
        known = ", ".join(map(repr, allowed))
        raise ValueError(f"{name} must be one of {known}, got {shown(value)}")
    return value


def flag(name: str, value: object) -> bool:
    """Return `value` if it is True or False; the text "False" would count as True.

    Examples
    --------
    >>> flag("synchronous", "False")
    Traceback (most recent call last):
        ...
    TypeError: synchronous must be True or False, got 'False'
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def span(name: str, value: Any) -> tuple[float, float]:
    """Return `value` if it is a pair (start, end) of times in ms.

    Examples
    --------
    >>> span("span", (5, 2))
    Traceback (most recent call last):
        ...
    ValueError: span must start before it ends, got (5, 2)
    """
    try:
        start, end = (number(name, each) for each in value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be two times in ms, got {shown(value)}") from None
    if not start < end:
        raise ValueError(f"{name} must start before it ends, got {value}")
    return start, end


def several(name: str, value: Any, of: str) -> tuple[Any, ...]:
    """Return the items of `value`; a text is none of several.

    Examples
    --------
    >>> several("side", 1, "nodes")
    Traceback (most recent call last):
        ...
    TypeError: side must be a list of nodes, got 1
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of {of}, got {shown(value)}")
    return tuple(value)


def instance(name: str, value: Any, kind: type[Kind], hint: str = "") -> Kind:
    """Return `value` if it is of this kind; a hint says what to do if not.

    Examples
    --------
    >>> instance("workload", 5, dict, "write {}")
    Traceback (most recent call last):
        ...
    TypeError: workload must be a dict, got 5; write {}
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOUaeiou" else "a"
        hint = f"; {hint}" if hint else ""
        raise TypeError(f"{name} must be {article} {kind.__name__}, got {shown(value)}{hint}")
    return value


def stream(rng: RandomState, purpose: str) -> np.random.SeedSequence:
    """Seeds of the random stream that belongs to one purpose.

    Two purposes never share a stream, so the same seed given to a network and to a workload
    does not make their draws correlate. A generator gives up one draw to choose the stream.

    Examples
    --------
    >>> first, second = stream(7, "network"), stream(7, "workload")
    >>> bool(first.generate_state(1) == second.generate_state(1))
    False
    """
    if isinstance(rng, np.random.Generator):
        entropy: int | None = int(rng.integers(2**63))
    elif rng is None:
        entropy = None
    elif isinstance(rng, int | np.integer) and not isinstance(rng, bool):
        entropy = count("rng", rng, low=0, high=2.0**1000)
    else:
        raise TypeError(f"rng must be a seed, a numpy Generator or None, got {shown(rng)}")
    return np.random.SeedSequence(entropy, spawn_key=(crc32(purpose.encode()),))


def _range(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "a number"
    if high >= 2**63:
        return f"at least {low:g}"
    return f"in [{low:g}, {high:g}]"
