"""Shrinking: what is left still fails, and nothing can be dropped from it."""

from dataclasses import replace
from functools import partial

import pytest

from capkit import APStore, CPStore, Crash, Network, Partition, Workload
from capkit.adversary import shrink
from capkit.workload import Arrival, Requests

half = partial(CPStore, write_back=False)
loose = [Partition(at=t, until=t + 30, groups=[{t // 30 % 3}]) for t in range(0, 600, 30)]
traffic = Workload(clients=3, rate=40, duration=600, puts=0.3)


def seeds_that_fail(make, workloads, **settings):
    """The first of some runs that fails, shrunk."""
    for workload, faults in workloads:
        try:
            return shrink(make, workload, faults, **settings)
        except ValueError:
            continue
    raise AssertionError("no run failed")


def loose_plug(make):
    return seeds_that_fail(make, ((replace(traffic, rng=seed), loose) for seed in range(20)))


def test_nothing_can_be_dropped_from_what_is_left_of_the_loose_plug(tell):
    small = loose_plug(half)
    tell(repr(small).splitlines()[0])
    assert small.before[0] >= 40
    assert small.before[1] == 20
    assert small.verdict.ok is False
    assert len(small.history) <= 5
    assert len(small.faults) <= 5
    left = list(small.workload.requests)
    with pytest.raises(ValueError, match="got one that does not"):
        shrink(CPStore, small.workload, small.faults)  # with write-back it holds
    for place in range(len(left)):
        assert holds(half, left[:place] + left[place + 1 :], small.faults, small.workload)
    for place, fault in enumerate(small.faults):
        others = small.faults[:place] + small.faults[place + 1 :]
        assert holds(half, left, others, small.workload)
        if fault.until - fault.at >= 1:
            for shorter in (replace(fault, until=fault.until - 1), replace(fault, at=fault.at + 1)):
                assert holds(half, left, [*others, shorter], small.workload)


def holds(make, requests, faults, like):
    workload = replace(like, requests=tuple(requests))
    try:
        shrink(make, workload, faults)
    except ValueError:
        return True
    return False


def test_what_is_left_prints_as_a_sentence_and_a_list():
    small = loose_plug(half)
    first, *rest = repr(small).splitlines()
    assert first.startswith(f"From {small.before[0]} requests and 20 faults to ")
    assert f"in {small.runs:,} runs of CPStore(write_back=False): not linearizable: " in first
    assert len(rest) == len(small.faults)
    assert small.history.messages


def test_a_client_without_an_answer_is_shrunk_to_one_request_and_one_cut():
    cuts = [Partition(at=100, until=900, groups=[{0}]), Crash(at=100, until=900, node=2)]
    small = shrink(CPStore, replace(traffic, rng=1), cuts, letter="A")
    assert len(small.history) == len(small.faults) == 1
    first = repr(small).splitlines()[0]
    assert first.endswith("runs of CPStore: a client of a node that is up gets no answer.")


def test_luck_of_the_network_may_be_kept():
    lossy = partial(Network, loss=0.4, rng=1)
    small = shrink(APStore, replace(traffic, rng=1), loose, network=lossy)
    assert len(small.history) == 2
    assert small.faults == ()


def test_a_run_that_does_not_fail_is_refused():
    with pytest.raises(ValueError, match="workload must be a run that breaks C, got one that"):
        shrink(CPStore, replace(traffic, rng=1), loose)
    with pytest.raises(ValueError, match="letter must be one of 'C', 'A', got 'P'"):
        shrink(CPStore, traffic, letter="P")


def test_requests_are_sorted_by_their_times():
    asked = [Arrival(9, 0, "get", "x", None), Arrival(1, 0, "put", "x", 1)]
    assert [each.time for each in Requests(requests=asked).arrivals()] == [1, 9]
