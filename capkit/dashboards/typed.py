"""A number as a student types it: 0.757, 75.7 %, 3/4, 1,515 or 50,5."""

from __future__ import annotations

import math
import re

_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


def read_number(text: str, unit: str = "") -> float | None:
    """The number in a text, in the unit that is asked for, or None if there is none.

    Where per cent are asked for, a fraction and a decimal up to 1 without a per cent sign are
    shares, as the lessons print them.

    Examples
    --------
    >>> [read_number(text, "%") for text in ("0.757", "75.7 %", "3/4", "60", "0.5 %", "many")]
    [75.7, 75.7, 75.0, 60.0, 0.5, None]
    >>> [read_number(text, "ms") for text in ("1,515 ms", "50,5", "1/2")]
    [1515.0, 50.5, 0.5]
    """
    bare = text.strip()
    named = bool(unit) and bare.endswith(unit)
    if named:
        bare = bare.removesuffix(unit).strip()
    top, slash, bottom = bare.partition("/")
    value, below = _decimal(top), _decimal(bottom) if slash else 1.0
    if value is None or not below:
        return None
    value /= below
    is_share = unit == "%" and not named and (bool(slash) or _is_share(bare, value))
    return round(100 * value, 12) if is_share else value


def short(value: float) -> str:
    """Three digits, or a whole number where it has more.

    Examples
    --------
    >>> [short(value) for value in (0, 75.77, 1515, 1e30)]
    ['0', '75.8', '1,515', '1e+30']
    """
    return f"{value:,.0f}" if 1_000 <= abs(value) < 1e12 else f"{value:.3g}"


def span(low: float, high: float, unit: str) -> str:
    """The range of a guess in words, or nothing if it has no limits.

    Examples
    --------
    >>> span(0, 100, "%"), span(1, math.inf, "nodes"), span(-math.inf, math.inf, "ms")
    ('from 0 to 100 %', 'of at least 1 nodes', '')
    """
    after = f" {unit}" if unit else ""
    if math.isfinite(high):
        return f"from {short(low)} to {short(high)}{after}"
    return f"of at least {short(low)}{after}" if math.isfinite(low) else ""


def _is_share(text: str, value: float) -> bool:
    return ("." in text or "," in text) and 0 <= value <= 1


def _decimal(text: str) -> float | None:
    text = text.strip()
    text = text.replace(",", "") if _THOUSANDS.fullmatch(text) else text.replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
