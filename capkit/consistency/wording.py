"""Operations in words, for the reasons of the judges above."""

from __future__ import annotations

from capkit.consistency.promises.happened_before import Past
from capkit.consistency.reasons import listed


def label(past: Past, row: int) -> str:
    """An operation: its kind, number and value, and its key where there are several."""
    kind, side = ("put", "to") if past.is_put[row] else ("get", "from")
    return f"{kind} #{row} of {_decoded(past, row)}{_key(past, row, side)}"


def value(past: Past, put: int) -> str:
    """The value of a put, and its key where there are several; initial values have none."""
    return "the initial value" if put < 0 else f"{_decoded(past, put)}{_key(past, put, 'of')}"


def returned(past: Past, get: int) -> str:
    """What a get returned, as the start of a sentence that goes on with "although"."""
    text = f"get #{get}{_key(past, get, 'from')} returned {_decoded(past, get)}"
    initial = any(put < 0 for put in past.got[get])
    return f"{text}, the initial value," if initial else text


def after(past: Past, new: int, old: int) -> str:
    """That one put happened before another; nothing for initial values, or if it did not."""
    path = past.path(old, new) if old >= 0 and old != new else []
    if not path:
        return ""
    between = path[1:-1]
    through = f" (through {listed([f'#{row}' for row in between])})" if between else ""
    return f", and put #{old} of {_decoded(past, old)} had happened before put #{new}{through}"


def _decoded(past: Past, row: int) -> str:
    return repr(past.history.decode("value", int(past.history.value[row])))


def _key(past: Past, row: int, joint: str) -> str:
    if (past.history.key == past.history.key[row]).all():
        return ""
    return f" {joint} {past.history.decode('key', int(past.history.key[row]))!r}"
