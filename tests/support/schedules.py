"""Random fault schedules that every store has to live through, each made of one seed."""

from dataclasses import dataclass, replace

import numpy as np

from capkit import Crash, Network, Node, Partition, Pause, Skew, Slow, Workload, run

LONGEST = 5.0 + 5.0 * np.log(2048)  # ms of the slowest message that the default latency draws
MOST_OPERATIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Everything that a run depends on; its repr is the script to replay.

    Attributes
    ----------
    seed : int
        What all of it was drawn from.
    size : int
        Nodes, numbered from 0.
    loss, reply_loss : float
        Chance that one request or one reply is lost.
    latency : float or None
        Ms that every message takes, or the default distribution.
    workload : Workload
    faults : tuple of faults
    drift : float
        How fast or slow the nodes' timers may run.
    """

    seed: int
    size: int
    loss: float
    reply_loss: float
    latency: float | None
    workload: Workload
    faults: tuple
    drift: float = 0.0

    def store(self, make):
        """A new store on a new network."""
        network = Network(
            self.loss,
            reply_loss=self.reply_loss,
            latency=self.latency,
            rng=self.seed,
            drift=self.drift,
        )
        return make([Node(i) for i in range(self.size)], network)

    def run(self, make):
        """A new store, and the history of the run that it has lived through."""
        store = self.store(make)
        return store, run(store, self.workload, self.faults)

    @property
    def end(self):
        """When (ms) the last operation has arrived and the last fault is over."""
        return max([self.workload.duration, *(fault.until for fault in self.faults)])

    def longest(self, *nodes):
        """Ms that a message between two of `nodes` takes at most."""
        delays = sorted(self.delay(node) for node in nodes)
        return (LONGEST if self.latency is None else self.latency) + sum(delays[-2:])

    def delay(self, node):
        """Ms by which all slow spells of `node` together hold up a message."""
        return sum(f.delay for f in self.faults if isinstance(f, Slow) and f.node == node)


def draw(seed, *, memory_loss=True):
    """One schedule: up to 5 nodes, 40 operations, 2 keys, 5 faults of all kinds.

    Every eighth is a crowd at three nodes that seldom hear each other: many gets overlap a put.
    """
    rng = np.random.default_rng(seed)
    if seed % 8 == 0:
        return _crowd(rng, seed)
    size = _pick(rng, 1, 2, 3, 3, 3, 4, 5, 5)
    duration = float(60 * 10 ** rng.random())
    faults = [_fault(rng, size, duration, memory_loss) for _ in range(_pick(rng, 0, 1, 1, 2, 3, 5))]
    return Schedule(
        seed=seed,
        size=size,
        loss=_pick(rng, 0.0, 0.0, 0.1, 0.3, 0.6),
        reply_loss=_pick(rng, 0.0, 0.0, 0.1, 0.3),
        latency=5.0 if rng.random() < 0.2 else None,
        workload=_workload(
            rng,
            duration,
            clients=_pick(rng, 1, 2, 3, 4, 5, 5),
            mean=float(rng.uniform(10, 32)),
            puts=_pick(rng, 0.15, 0.3, 0.3, 0.6),
        ),
        faults=tuple(faults),
    )


def draw_stalled(seed, *, memory_loss=True):
    """One schedule as `draw` makes it, in which nodes also stand still and timers drift."""
    schedule = draw(seed, memory_loss=memory_loss)
    rng = np.random.default_rng([seed, 1])
    pauses = [_pause(rng, schedule) for _ in range(_pick(rng, 0, 1, 2))]
    return replace(
        schedule, faults=(*schedule.faults, *pauses), drift=_pick(rng, 0.0, 0.0, 0.1, 0.3)
    )


def _pause(rng, schedule):
    at = float(rng.uniform(0, schedule.workload.duration))
    until = at + float(rng.exponential(150))
    return Pause(at=at, until=until, node=int(rng.integers(schedule.size)))


def _crowd(rng, seed):
    return Schedule(
        seed=seed,
        size=3,
        loss=0.6,
        reply_loss=0.0,
        latency=None,
        workload=_workload(rng, float(rng.uniform(60, 300)), clients=5, mean=30, puts=0.15),
        faults=(),
    )


def _workload(rng, duration, *, clients, mean, puts):
    workload = Workload(
        clients=clients,
        duration=duration,
        rate=1_000 * mean / duration / clients,
        puts=puts,
        keys=_pick(rng, ["x"], ["x"], ["x", "y"]),
        timeout=float(rng.uniform(150, 450)),
        rng=int(rng.integers(2**32)),
    )
    while len(workload.arrivals()) > MOST_OPERATIONS:
        workload = replace(workload, rng=workload.rng + 1)
    return workload


def _fault(rng, size, duration, memory_loss):
    at = float(rng.uniform(0, duration))
    span = {"at": at, "until": at + float(rng.exponential(duration / 3))}
    node = int(rng.integers(size))
    luck = rng.random()
    if luck < 0.4:
        ids = rng.permutation(size).tolist()
        first, second = sorted(rng.integers(1, size + 1, 2).tolist())
        groups = [ids[:first], ids[first:second]]
        return Partition(**span, groups=groups, one_way=bool(rng.random() < 0.4))
    if luck < 0.7:
        return Crash(**span, node=node, lose_memory=bool(memory_loss and rng.random() < 0.4))
    if luck < 0.85:
        return Slow(**span, node=node, delay=float(rng.uniform(0, 150)))
    return Skew(**span, node=node, offset=float(rng.uniform(-300, 300)))


def _pick(rng, *options):
    return options[int(rng.integers(len(options)))]


def seeds(examples, tell):
    """The seeds of so many schedules; a long run says how far it is."""
    for seed in range(examples):
        if seed and seed % 10_000 == 0:
            tell(f"{seed:,} schedules so far")
        yield seed


def replay(schedule, claim):
    """What to print when a claim fails: all that is needed to see it again."""
    return f"{claim}\nreplay: schedules.draw({schedule.seed}).run(...), which is\n{schedule!r}"
