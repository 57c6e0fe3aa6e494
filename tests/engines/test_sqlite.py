"""SQLite: one copy, and who is cut off from it."""

import time

import pytest

from capkit import Partition, Slow, Unavailable, engines


@pytest.mark.parametrize("on_cut", ["drop", "reset"])
def test_a_cut_takes_sqlite_from_those_who_are_far(on_cut):
    with engines.SQLite(on_cut=on_cut) as running:
        running.put("x", 1, at=2)
        running.strike(Partition(groups=[{0, 1}]))
        assert [running.get("x", at=place) for place in (0, 1)] == [1, 1]
        start = time.monotonic()
        with pytest.raises(Unavailable) as refusal:
            running.serve("get", "x", at=2, timeout=1_000)
        assert (time.monotonic() - start < 1) == (on_cut == "reset")
        # A reset may come before anything was sent, and then the get certainly did not happen.
        assert not (refusal.value.certain and on_cut == "drop")
        running.heal()
        assert running.get("x", at=2) == 1


def test_a_slow_place_waits_there_and_back():
    with engines.SQLite() as running:
        running.strike(Slow(node=0, delay=100))
        start = time.monotonic()
        running.put("x", 1, at=1)
        assert time.monotonic() - start >= 0.2
        running.put("x", 2, at=0)
