"""What an audit misses: puts that were acknowledged and are gone."""

from __future__ import annotations

from capkit.history import History, Operation, Outcome, Siblings


def lost(history: History) -> list[Operation]:
    """Acknowledged puts, each the last of its key, that the auditor did not find.

    A put that another one of its key overlaps is no clear last, and does not count.

    Parameters
    ----------
    history : History
        Of a `run` with `audit=True`; the auditor is its last client.

    Returns
    -------
    list of Operation
        In the order in which they were asked for.

    Examples
    --------
    >>> put = Operation(kind="put", key="x", value=1, invoked=0, completed=10)
    >>> get = Operation(kind="get", key="x", value=None, invoked=20, completed=25, client=1)
    >>> [each.value for each in lost(History([put, get]))]
    [1]
    """
    auditor = history.client.max(initial=0)
    found = {each.key: each.value for each in history if each.client == auditor}
    last: dict[str, Operation] = {}
    busy: dict[str, float] = {}  # until when somebody was writing a key
    for put in (each for each in history if each.kind == "put"):
        alone = put.invoked > busy.get(put.key, -1.0)
        busy[put.key] = max(put.completed, busy.get(put.key, -1.0))
        last.pop(put.key, None)
        if alone and put.outcome is Outcome.OK:
            last[put.key] = put
    return [put for put in last.values() if put.value not in _values(found.get(put.key))]


def _values(found: object) -> tuple[object, ...]:
    return found if isinstance(found, Siblings) else (found,)
