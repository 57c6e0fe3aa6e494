"""Witnesses made smaller: what is left once nothing more can go."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence, Set
from typing import TypeVar

Item = TypeVar("Item")


def smallest(items: list[Item], needed: Callable[[list[Item]], bool]) -> list[Item]:
    """Drop items, big pieces first, as long as `needed` says that the rest still does it.

    If all supersets of items that do it do it too, no single item of the result can go.
    """
    size = len(items)
    while size:
        start = 0
        while start < len(items):
            rest = items[:start] + items[start + size :]
            if needed(rest):
                items = rest
            else:
                start += size
        size //= 2
    return items


def few_values_and_gets(
    items: Sequence[Item],
    values: Callable[[Item], Set[Hashable]],
    is_get: Callable[[Item], bool],
    is_wrong: Callable[[list[Item]], bool],
) -> list[Item]:
    """Drop values, each with all its puts and gets, and then gets, as long as the rest is wrong.

    A get whose put alone was dropped would look wrong although it is not.
    """

    def with_values(some: Sequence[Hashable]) -> list[Item]:
        return [item for item in items if values(item) <= set(some)]

    every = list(dict.fromkeys(value for item in items for value in values(item)))
    kept = with_values(smallest(every, lambda some: is_wrong(with_values(some))))
    puts = [item for item in kept if not is_get(item)]
    return puts + smallest(list(filter(is_get, kept)), lambda gets: is_wrong(puts + gets))
