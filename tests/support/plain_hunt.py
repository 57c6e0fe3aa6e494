"""All schedules one after the other, by hand: what `attack` must agree with."""

from itertools import combinations, product

from capkit import Node, Unavailable, linearizable
from capkit.adversary import Step
from capkit.adversary.calm_network import calm
from capkit.history import History, Operation, Outcome


def every_step(size, faults):
    """Every step, an early cut by each of its two names."""
    what = [("", (), False)]
    for late in (False, True):
        for fault in faults:
            sides = range(1, 2 if fault != "cut" or late else size)
            what += [(fault, hit, late) for k in sides for hit in combinations(range(size), k)]
    return [Step(kind, at, *each) for each in what for kind in ("put", "get") for at in range(size)]


def smallest(make, letter, longest, *, size=3, faults=("cut",)):
    """The first of the shortest schedules that break a letter, or None."""
    lengths = range(1, longest + 1)
    tried = (each for n in lengths for each in product(every_step(size, faults), repeat=n))
    return next((each for each in tried if is_broken(make, each, letter, size)), None)


def is_broken(make, schedule, letter, size):
    store = make([Node(i) for i in range(size)], calm())
    store.timeout = 300.0
    operations = [one(store, step, i) for i, step in enumerate(schedule)]
    if letter == "C":
        return linearizable(History(operations)).ok is False
    return any(
        operation.outcome is not Outcome.OK
        and (step.fault in ("", "cut") or step.at not in tuple(step.hit))
        for operation, step in zip(operations, schedule, strict=True)
    )


def one(store, step, number):
    """Begin the fault, ask, and mend all."""
    network = store.network
    (network.after if step.late else at_once)(25.5, lambda: begin(network, step, number))
    network.done = number - 1
    store.wait(0.5)
    operation = ask(store, step, number)
    store.wait(0.5)
    network.done = number
    network.heal()
    for node in range(len(store.nodes)):
        network.restart(node)
        network.resume(node)
    return operation


def at_once(_, action):
    action()


def begin(network, step, number):
    if not step.fault or getattr(network, "done", -1) >= number:
        return
    if step.fault == "cut":
        network.partition(step.hit)
    elif step.fault == "pause":
        network.pause(*step.hit)
    else:
        network.crash(*step.hit, lose_memory=step.fault == "amnesia")


def ask(store, step, number):
    invoked, value, outcome = store.env.now, number + 1, Outcome.OK
    try:
        if step.kind == "put":
            store.put("x", value, at=step.at)
        else:
            value = store.get("x", at=step.at)
    except Unavailable as refusal:
        outcome = Outcome.FAIL if refusal.certain else Outcome.UNKNOWN
        value = value if step.kind == "put" else None
    return Operation(
        kind=step.kind,
        key="x",
        value=value,
        invoked=invoked,
        completed=store.env.now,
        outcome=outcome,
        client=number,
    )
