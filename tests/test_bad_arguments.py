"""Every public callable is called with bad arguments; whoever gets an error learns which it was."""

import inspect
import math
import pkgutil
import re
import signal
import warnings
from contextlib import contextmanager
from importlib import import_module

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import capkit
from capkit import (
    adversary,
    consistency,
    engines,
    history,
    network,
    plots,
    staleness,
    systems,
    tradeoff,
)
from capkit.history import History, Operation, Outcome, Siblings

matplotlib.use("Agg")

SECONDS = 60  # for one call; more is a hang

BAD = [
    *(None, True, False, -1, 0, 3, 1.5, -0.5, math.nan, math.inf, -math.inf, 10**400, 2**70),
    *("", "x", "False", b"x", (), (1,), (1, 2), (1, 2, 3), ("a", "b"), [], [None], [[1]], {}),
    *(
        {"a": 1},
        {1, 2},
        set(),
        object(),
        int,
        print,
        1j,
        np.array([1, 2]),
        np.nan,
        np.uint64(2**63),
    ),
    *(range(0), Outcome.OK, Siblings((1, 2)), lambda *_: 1 / 0),
]

HISTORY = History(
    [
        Operation(kind="put", key="x", value=1, invoked=0, completed=10),
        Operation(kind="get", key="x", value=1, invoked=20, completed=25, client=1),
    ]
)


def good(name):
    """An argument that would do."""
    values = {
        "history": HISTORY,
        "operations": list(HISTORY),
        "store": capkit.DistributedStore([capkit.Node(i) for i in range(3)]),
        "nodes": [capkit.Node(i) for i in range(3)],
        "network": capkit.Network(rng=1),
        "workload": capkit.Workload(duration=20, rng=1),
        "groups": [{0}, {1, 2}],
        "verdicts": {},
        "histories": {"one": HISTORY},
        **{"kind": "put", "key": "x", "value": 1, "invoked": 0, "completed": 10, "node": 0},
        **{"N": 3, "R": 2, "W": 2, "n": 3, "k": 2, "r": 2, "w": 2, "loss": 0.1, "t": 5.0},
        **{"trials": 100, "rng": 1, "at": 0, "until": 10, "delay": 5, "offset": 5, "text": "x"},
        **{"label": "x", "source": 0, "target": 1, "sent": 0, "arrived": 1, "values": (1,)},
        **{"id": 0, "latency": 5.0, "put_ok": 0.9, "get_ok": 0.9, "shards": 3, "away": 1},
        **{
            "touched": 2,
            "reply_loss": 0.1,
            "attempts": 2,
            "grid": {"n": [3], "r": [2], "w": [2], "loss": [0.1]},
        },
        **{"successes": 3, "answered": 0.9, "share": 0.9, "smallest": 1.0, "alpha": 2.0},
        **{"rate": 1.0, "writes": 2, "reads": 2, "profile": staleness.LNKD_SSD},
    }
    return values[name]


ROOMS = {"capkit": capkit, "consistency": consistency, "history": history, "network": network}
ROOMS |= {"tradeoff": tradeoff, "staleness": staleness, "plots": plots}
# What only holds values, or is abstract, and checks nothing by design.
LEFT_OUT = {"Model", "Store", "Siblings", "Unavailable", "Verdict", "Ladder", "Outcome", "NodeId"}
LEFT_OUT |= {"Message", "Copy", "Staleness", "Fault", "Answered", "Calm", "Paid"}
LEFT_OUT |= {"Rates", "Races", "Profile", "Panel"}
# What others made, and what takes long.
LEFT_OUT |= {"plane", "worlds", "sweep", "pacelc", "available", "Spot"}


SLOW = {("plots", name) for name in ("staleness", "ladder", "tradeoff")}


def callables():
    found = []
    for room, module in ROOMS.items():
        for name in sorted(getattr(module, "__all__", ())):
            thing = getattr(module, name)
            seen = {id(each) for each in found}
            if name.endswith("Picture") or (room, name) in SLOW:
                continue
            if callable(thing) and name not in LEFT_OUT and id(thing) not in seen:
                found.append(thing)
                yield pytest.param(thing, id=f"{room}.{name}")


class HangError(Exception):
    """A call that did not come back."""


@contextmanager
def seconds(limit):
    def stop(*_):
        raise HangError(f"no answer after {limit} s")

    if not hasattr(signal, "SIGALRM"):  # on Windows a hang hangs
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def complaint(thing, name, arguments, value):
    """What is wrong with the answer to one bad argument; None if nothing is."""
    try:
        with seconds(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            thing(**arguments | {name: value})
    except (TypeError, ValueError) as error:
        names = "|".join(
            f"{each.removesuffix('s')}s?" for each in inspect.signature(thing).parameters
        )
        told = re.search(rf"\b({names})\b.* must ", str(error))
        return None if told and len(str(error)) < 500 else f"{type(error).__name__}: {error}"
    except capkit.Unavailable:
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        plt.close("all")
    return None


@pytest.mark.parametrize("thing", list(callables()))
def test_an_error_names_the_argument(thing, tell):
    parameters = inspect.signature(thing).parameters
    named = [p for p in parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = {p.name: good(p.name) for p in named if p.default is p.empty}
    needed |= {p.name: 100 for p in named if p.name == "trials"}  # a million are not needed here
    few = BAD[::4] if thing.__module__.startswith("capkit.plots") else BAD  # pictures take long
    wrong = [
        f"{p.name}={value!r:.60}: {said:.160}"
        for p in named
        if p.name not in ("self", "ax")
        for value in BAD[
            :: 1 + 3 * thing.__module__.startswith("capkit.plots")
        ]  # pictures take long
        if (said := complaint(thing, p.name, dict(needed), value))
    ]
    calls = len(few) * len(named)
    tell(f"{thing.__name__}: up to {calls} calls")
    assert wrong == []


def bad_calls(thing, needed, among):
    """What is wrong with the answers to bad values of each argument."""
    names = [
        p.name for p in inspect.signature(thing).parameters.values() if p.kind != p.VAR_KEYWORD
    ]
    return [
        f"{name}={value!r:.60}: {said:.160}"
        for name in names
        for value in among
        if not (name == "make" and callable(value))  # whose own errors are its own
        if (said := complaint(thing, name, dict(needed), value))
    ]


LITTLE = {"make": capkit.CPStore, "workload": capkit.Workload(duration=20, rng=1)}
OTHERS = {
    "History.write": (HISTORY.write, {}, BAD[:3]),
    "History.read": (History.read, {}, BAD[:3]),
    "History.from_jepsen": (History.from_jepsen, {}, BAD[:3]),
    "adversary.Step": (adversary.Step, {"kind": "put", "at": 0}, BAD[::3]),
    "adversary.prove": (adversary.prove, {"make": capkit.CPStore}, BAD[::3]),
    "adversary.replay": (
        adversary.replay,
        {"make": capkit.CPStore, "schedule": [adversary.Step("put", 0)]},
        BAD[::3],
    ),
    "systems.get": (systems.get, {"name": "dynamo"}, BAD),
    **{f"engines.{engine.__name__}": (engine, {}, BAD) for engine in engines.ALL[1:]},
}


@pytest.mark.parametrize("name", OTHERS)
def test_an_error_names_the_argument_where_little_is_tried(name):
    assert bad_calls(*OTHERS[name]) == []


def three():
    return [capkit.Node(i) for i in range(3)]


def public():
    """Name and value of all that a room of capkit exports, and the methods of its classes."""
    found = pkgutil.walk_packages(capkit.__path__, "capkit.")
    rooms = [capkit, *(import_module(each.name) for each in found if each.ispkg)]
    for room in rooms:
        for name in getattr(room, "__all__", ()):
            thing = getattr(room, name)
            yield name, thing
            if inspect.isclass(thing):
                methods = inspect.getmembers(thing, inspect.isfunction)
                ours = [(n, m) for n, m in methods if m.__module__.startswith("capkit")]
                yield from ((f"{name}.{n}", m) for n, m in ours if not n.startswith("_"))


def flags():
    """Whatever is True or False unless somebody says otherwise."""
    return {
        (name, parameter.name): thing
        for name, thing in public()
        if inspect.isfunction(thing.__init__ if inspect.isclass(thing) else thing)
        for parameter in inspect.signature(thing).parameters.values()
        if isinstance(parameter.default, bool)
    }


FLAGS = flags()
FLAGS.pop(("Network.send", "reply"))  # stores call it for each message, and nobody else does
# What the callables with flags need besides.
NEEDED = {
    **{"nodes": three, "workload": capkit.Workload, "groups": lambda: [{0}, {1}]},
    **{"node": lambda: 0, "sentence": lambda: "no", "kind": lambda: "put", "at": lambda: 0},
    **{"make": lambda: capkit.CPStore, "engine": object, "recording": lambda: "x", "n": lambda: 3},
    **{"loss": lambda: 0.1, "reply_loss": lambda: 0.1, "attempts": lambda: 2},
    **{"trials": lambda: 100, "grid": lambda: good("grid"), "letter": lambda: "C"},
    **{"store": lambda: capkit.CPStore(three()), "ax": lambda: plots.panels()[0]},
}
SELVES = {"Network": capkit.Network, "TradeoffPicture": lambda: plots.TradeoffPicture(5)}


def call_with(name, thing, **wrong):
    needed = [p for p in inspect.signature(thing).parameters.values() if p.default is p.empty]
    if "." in name:
        thing = getattr(SELVES[name.split(".")[0]](), name.split(".")[1])
        needed = needed[1:]
    listed = [p for p in needed if p.kind is p.VAR_POSITIONAL]
    named = {p.name: NEEDED[p.name]() for p in needed if p not in listed}
    return thing(*(each for p in listed for each in NEEDED[p.name]()), **named | wrong)


def test_all_flags_are_found():
    assert len(FLAGS) >= 36
    some = {("CAStore", "synchronous"), ("Network.crash", "lose_memory"), ("run", "trace")}
    assert some <= set(FLAGS)


@pytest.mark.parametrize("name, argument", FLAGS, ids=".".join)
@pytest.mark.parametrize("value", ["False", 0, None], ids=repr)
def test_a_flag_is_true_or_false(name, argument, value):
    with pytest.raises(TypeError, match=rf"\b{argument} must be True or False, got {value!r}"):
        call_with(name, FLAGS[name, argument], **{argument: value})


STORY = {"kind": ["put"], "key": ["x"], "invoked": [0], "completed": [1]}
MISTAKES = {
    "a list for a history": (
        lambda: consistency.linearizable(list(HISTORY)),
        "history must be a History, got .*; wrap the operations in History",
    ),
    "an outcome as a text": (
        lambda: Operation(kind="put", key="x", invoked=0, completed=1, outcome="FAIL"),
        "outcome must be one of Outcome.OK, Outcome.FAIL, Outcome.UNKNOWN, got 'FAIL'",
    ),
    "an outcome as a text in a column": (
        lambda: History.from_columns(outcome=["FAIL"], **STORY),
        "outcome of operation 0 must be one of .* got 'FAIL'",
    ),
    "an outcome's number": (
        lambda: History.from_columns(outcome=np.array([3]), **STORY),
        "outcome codes must be at most 2, got 3",
    ),
    "a number that would be None": (
        lambda: History.from_columns(value=np.array([2**64 - 1], np.uint64), **STORY),
        "value codes must be below",
    ),
    "a key for keys": (lambda: capkit.Workload(keys="seats"), "keys must be a list of keys"),
    "too much to do": (lambda: capkit.Workload(rate=1e30), "rate must ask for at most 10,000,000"),
    "for too long": (lambda: capkit.Workload(duration=1e30), "with this duration"),
    "no time between": (
        lambda: type("Fast", (capkit.CPStore,), {"retry_every": 0})(three()).put("x", 1),
        "retry_every must be above 0, got 0",
    ),
    "no store": (lambda: capkit.run(None, capkit.Workload()), "store must be a Store, got None"),
    "no time": (lambda: capkit.Crash(node=0, until="x"), "until must be a time in ms, got 'x'"),
    "nobody to restart": (
        lambda: capkit.CPStore(three()).network.restart(None),
        "node must .*None",
    ),
    "too many trials": (
        lambda: tradeoff.simulate(3, 2, 2, 0.1, trials=10**30),
        "trials must be at most 1,000,000,000",
    ),
    "steps that are too small": (
        lambda: staleness.simulate(staleness.LNKD_SSD, 3, 1, 1, trials=100).t_of_sweep(step=1e-9),
        "step must be at least",
    ),
    "another history's verdict": (
        lambda: plots.timeline(HISTORY, consistency.Verdict(ok=False, reason="", witness=(7,))),
        "verdict must be of this history, which has 2 operations, got one about #7",
    ),
    "a smaller history's verdict": (
        lambda: plots.timeline(HISTORY, consistency.linearizable(HISTORY.select([0]))),
        "verdict must be of this history, which has 2 operations, got one of 1$",
    ),
    "a smaller history's rung": (
        lambda: plots.timeline(HISTORY, consistency.ladder(HISTORY.select([0]))["causal"]),
        "verdict must be of this history, which has 2 operations, got one of 1$",
    ),
    "no such operation": (
        lambda: plots.timeline(HISTORY, highlight=99),
        r"highlight must be in \[0, 1\], got 99",
    ),
    "a class for a model": (
        lambda: consistency.linearizable(HISTORY, model=consistency.Register),
        r"model must be an instance, got the class Register; write Register\(\)",
    ),
    "a state that changes": (
        lambda: consistency.linearizable(HISTORY, model=model(lambda *_: [])),
        "model must have states that can be hashed",
    ),
    "a first state that changes": (
        lambda: consistency.linearizable(HISTORY, model=model(lambda *_: (), initial=[])),
        r"model must have an initial state that can be hashed, got \[\]",
    ),
    "a cas of no pair": (lambda: cas(5, True), "value of a cas must be a pair .* got 5"),
    "a cas with a number": (lambda: cas((1, 2), 0), "result of a cas must be True, False or None"),
}


def model(step, **more):
    return type("Own", (consistency.Model,), {"step": step, **more})()


def cas(value, result):
    operation = Operation(kind="cas", key="x", value=value, result=result, invoked=0, completed=1)
    return consistency.linearizable(History([operation]), model="cas-register")


@pytest.mark.parametrize("mistake, message", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_in_words(mistake, message):
    with pytest.raises((TypeError, ValueError), match=message):
        mistake()


def test_a_false_of_numpy_is_false():
    assert cas((1, 2), np.False_).ok
    assert cas((1, 2), np.True_).ok is False
