"""Small histories written as text, for examples and tests."""

from __future__ import annotations

import re

from capkit._arguments import shown
from capkit.history.columns import History
from capkit.history.records import Operation, Outcome

_WORD = re.compile(r"(\w+)([=?])(\w{1,99}|-)(!?)")


def story(text: str) -> History:
    """Read a history from text: a row for each client, a word for each 10 ms.

    Parameters
    ----------
    text : str
        Rows are divided by slashes, words by spaces. `x=1` puts 1 to x, `x?1` gets 1 from x, and
        `x?-` gets None; each lasts 5 ms. `x=1!` is a put without answer. `...` waits.

    Returns
    -------
    History
        The operations in the order of their starts, at equal times that of the rows.

    Raises
    ------
    TypeError, ValueError
        If this is no text, or a word is none of these.

    Examples
    --------
    >>> for each in story("x=1 x=2 / ... x?1"):
    ...     print(each.client, each.kind, each.key, each.value, each.invoked, each.completed)
    0 put x 1 0.0 5.0
    0 put x 2 10.0 15.0
    1 get x 1 10.0 15.0
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {shown(text)}")
    rows = [row.split() for row in text.split("/")]
    words = sorted((turn, i, word) for i, row in enumerate(rows) for turn, word in enumerate(row))
    return History([_operation(*each) for each in words if each[2] != "..."])


def _operation(turn: int, client: int, word: str) -> Operation:
    if not (parts := _WORD.fullmatch(word)) or (parts[2] + parts[4]) == "?!":
        raise ValueError(f"text must have words such as x=1, x?1, x?- and ..., got {shown(word)}")
    key, sign, value, lost = parts.groups()
    number = int(value) if value.isdecimal() else value
    return Operation(
        kind="put" if sign == "=" else "get",
        key=key,
        value=None if value == "-" else number,
        invoked=10 * turn,
        completed=10 * turn + 5,
        outcome=Outcome.UNKNOWN if lost else Outcome.OK,
        client=client,
    )
