"""What CA, CP and AP promise, over random fault schedules.

    python -m pytest tests/stores/test_schedules.py --examples 100000

runs every store that keeps its promise over so many schedules, and prints a count per claim.
"""

from collections import Counter
from functools import partial

import pytest
from support.schedules import draw, replay, seeds

from capkit import APStore, CAStore, CPStore, Crash, DistributedStore, Outcome, Partition
from capkit.consistency import linearizable

LEAST = 200  # schedules below which a weak store may get away
MOST_WEAK = 2_000  # schedules that are enough to catch a store that breaks its promise

cp = CPStore
ca = partial(CAStore, on_partition="block")
siblings = partial(APStore, resolve="siblings")


class SameTag(CPStore):
    """Majority quorums whose tags lack the operation's id."""

    def tie_break(self, request):
        return 0


class SameCount(CPStore):
    """Majority quorums whose tags are the operation's id alone."""

    def store(self, request, key, new):
        yield from super().store(request, key, new._replace(tag=(1, new.tag[1])))


WEAK = {
    "CP without write-back": partial(CPStore, write_back=False),
    "CP with tags that lack the operation's id": SameTag,
    "CP with tags that lack the counter": SameCount,
    "CP with a naive rejoin after amnesia": partial(CPStore, rejoin=True),
    "CA with failover": partial(CAStore, on_partition="failover"),
    "the thirty-line store": DistributedStore,
    "AP, last writer wins": APStore,
    "AP with siblings": siblings,
}


@pytest.fixture
def examples(examples):
    """How many schedules."""
    return max(examples, LEAST)


def test_cp_is_linearizable_and_answers_whoever_reaches_a_majority(examples, tell):
    count = Counter()
    for seed in seeds(examples, tell):
        schedule = draw(seed)
        _, history = schedule.run(cp)
        verdict = linearizable(history)
        assert verdict.ok is True, replay(schedule, f"CP: {verdict.reason}")
        count["operations"] += len(history)
        if schedule.loss == schedule.reply_loss == 0:
            for i, operation in enumerate(history):
                promised = reaches_a_majority(schedule, operation)
                count["promised"] += promised
                count["silent"] += operation.outcome is not Outcome.OK
                message = replay(schedule, f"CP: operation #{i} was not answered: {operation}")
                assert not promised or operation.outcome is Outcome.OK, message
    assert count["promised"] > 0
    assert count["silent"] > 0
    tell(
        f"CP: {examples:,} schedules, {count['operations']:,} operations, all linearizable; "
        f"without loss all {count['promised']:,} operations with a majority were answered, "
        f"{count['silent']:,} others were not"
    )


def reaches_a_majority(schedule, operation):
    """Whether a fixed majority is linked to its coordinator both ways, fast enough, throughout."""
    here, since, until = operation.node, operation.invoked, operation.deadline
    during = [fault for fault in schedule.faults if fault.at <= until and fault.until >= since]
    down = {fault.node for fault in during if isinstance(fault, Crash)}
    forgot = {
        fault.node
        for fault in schedule.faults
        if isinstance(fault, Crash) and fault.lose_memory and fault.at <= until
    }
    cuts = [fault for fault in during if isinstance(fault, Partition)]
    members = [
        node
        for node in range(schedule.size)
        if node not in down | forgot
        and not any(cut.parts(here, node) or cut.parts(node, here) for cut in cuts)
    ]
    majority = schedule.size // 2 + 1
    times = sorted(0 if node == here else schedule.longest(here, node) for node in members)
    if here in down or len(times) < majority:
        return False
    two_round_trips = 4 * times[majority - 1]
    return two_round_trips < schedule.workload.timeout


def test_ca_with_block_is_linearizable(examples, tell):
    operations = 0
    for seed in seeds(examples, tell):
        schedule = draw(seed)
        _, history = schedule.run(ca)
        verdict = linearizable(history)
        assert verdict.ok is True, replay(schedule, f"CA: {verdict.reason}")
        operations += len(history)
    tell(f"CA with block: {examples:,} schedules, {operations:,} operations, all linearizable")


def test_ap_answers_every_client_of_a_live_node_and_converges(examples, tell):
    count = Counter()
    for seed in seeds(examples, tell):
        # Every other schedule has siblings, and every other of those no loss of memory.
        schedule = draw(seed, memory_loss=seed % 4 != 3)
        make = siblings if seed % 2 else APStore
        store, history = schedule.run(make)
        for operation in history:
            if stays_up(schedule, operation):
                count["promised"] += 1
                assert operation.outcome is Outcome.OK, replay(schedule, f"AP: {operation}")
                took = operation.completed - operation.invoked
                assert took == pytest.approx(store.service), replay(schedule, f"AP: {operation}")
        let_replicas_meet(schedule, store)
        assert store.converged(), replay(schedule, "AP: replicas differ")
        lost = store.lost()
        forgets = any(isinstance(f, Crash) and f.lose_memory for f in schedule.faults)
        if seed % 2 and not forgets:
            count["kept"] += len(store.acknowledged)
            assert lost == [], replay(schedule, f"AP with siblings lost {lost}")
        else:
            count["siblings" if seed % 2 else "lww"] += len(lost)
    assert count["siblings"] > 0
    assert count["lww"] > 0
    tell(
        f"AP: {examples:,} schedules, all {count['promised']:,} operations at live nodes answered, "
        "all replicas equal in the end; siblings kept all "
        f"{count['kept']:,} acknowledged puts where no memory was lost, and lost "
        f"{count['siblings']:,} elsewhere; last-writer-wins lost {count['lww']:,}"
    )


def stays_up(schedule, operation):
    """Whether its node is up from its invocation to its deadline."""
    return not any(
        fault.stops(operation.node)
        for fault in schedule.faults
        if fault.at <= operation.deadline and fault.until >= operation.invoked
    )


def let_replicas_meet(schedule, store):
    """Let all faults end, then n - 1 rounds of anti-entropy pass and one longest swap.

    What a node forgot may still be under way in a message or in a read repair, so these must have
    arrived before the rounds count.
    """
    forgot = [f.at for f in schedule.faults if isinstance(f, Crash) and f.lose_memory]
    under_way = store.hint_after + schedule.longest(*range(schedule.size))
    quiet = max([schedule.end, *(at + under_way for at in forgot)])
    store.wait(max(0.001, quiet - store.env.now))
    store.network.loss = store.network.reply_loss = 0
    swap = 2 * schedule.longest()
    store.wait((schedule.size - 1) * store.sync_every + swap)


@pytest.mark.parametrize("name", WEAK)
def test_a_weaker_store_breaks_the_promise_and_the_checker_says_how(name, examples, tell):
    schedules = min(examples, MOST_WEAK)
    broken = 0
    for seed in range(schedules):
        schedule = draw(seed)
        _, history = schedule.run(WEAK[name])
        verdict = linearizable(history)
        assert verdict.ok is not None, replay(schedule, f"{name}: {verdict.reason}")
        if not verdict.ok:
            broken += 1
            assert verdict.witness, replay(schedule, f"{name}: no witness")
            assert "#" in verdict.reason, replay(schedule, f"{name}: no reason")
    assert broken > 0
    tell(f"{name}: not linearizable in {broken:,} of {schedules:,} schedules")


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_is_small_and_made_of_its_seed(seed):
    schedule = draw(seed)
    assert schedule == draw(seed)
    assert schedule.size <= 5
    assert len(schedule.workload.arrivals()) <= 40
