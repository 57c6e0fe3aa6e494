"""Checks and random streams that every other file shares."""

from __future__ import annotations

import math
from typing import TypeAlias
from zlib import crc32

import numpy as np

RandomState: TypeAlias = int | np.integer | np.random.Generator | None


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Return `value` as a float if it is finite and in [low, high], else say what is wrong.

    Examples
    --------
    >>> number("loss", 1.2, 0, 1)
    Traceback (most recent call last):
        ...
    ValueError: loss must be in [0, 1], got 1.2
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if math.isnan(value) or not low <= value <= high:
        raise ValueError(f"{name} must be {_range(low, high)}, got {value}")
    if math.isinf(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return float(value)


def count(name: str, value: object, low: int = 1, high: float = math.inf) -> int:
    """Return `value` as an int if it is a whole number in low..high.

    Examples
    --------
    >>> count("clients", 0)
    Traceback (most recent call last):
        ...
    ValueError: clients must be at least 1, got 0
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be {_range(low, high)}, got {value}")
    return int(value)


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
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
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
        entropy = count("rng", rng, low=0)
    else:
        raise TypeError(f"rng must be a seed, a numpy Generator or None, got {rng!r}")
    return np.random.SeedSequence(entropy, spawn_key=(crc32(purpose.encode()),))


def _range(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "a number"
    if math.isinf(high):
        return f"at least {low:g}"
    return f"in [{low:g}, {high:g}]"
