"""Logs of other objects than registers, from their lines to a verdict."""

import pytest

from capkit.consistency import Model, linearizable
from capkit.consistency.linearizability.models import IMPOSSIBLE
from capkit.history import History, Outcome


class Mutex(Model):
    """Held by one process at a time."""

    initial = False

    def step(self, state, operation):
        acquires = operation.kind == "acquire"
        return IMPOSSIBLE if state is acquires else acquires


class Queue(Model):
    """First in, first out."""

    initial = ()

    def step(self, state, operation):
        if operation.kind == "enqueue":
            return (*state, operation.value)
        unknown = operation.outcome is Outcome.UNKNOWN
        fits = state and (unknown or state[0] == operation.result)
        return state[1:] if fits else IMPOSSIBLE


SET = """
0 :invoke :add 1
1 :invoke :add 2
0 :ok :add 1
2 :invoke :read nil
2 :ok :read #{1}
1 :info :add :timeout
2 :invoke :read nil
2 :ok :read #{1 2}
"""
MUTEX = """
0 :invoke :acquire nil
0 :ok :acquire nil
1 :invoke :acquire nil
0 :invoke :release nil
0 :ok :release nil
1 :ok :acquire nil
2 :invoke :acquire nil
2 :fail :acquire :taken
"""
QUEUE = """
0 :invoke :enqueue 1
0 :ok :enqueue 1
0 :invoke :enqueue 2
1 :invoke :dequeue nil
1 :ok :dequeue 1
0 :info :enqueue :timeout
1 :invoke :dequeue nil
1 :ok :dequeue 2
"""
LOGS = {
    "set": (SET, "set", ":read #{1 2}", ":read #{2}"),
    "set, as a vector": (SET.replace("#{1}", "[1]"), "set", "#{1 2}", "[2 3]"),
    "mutex": (MUTEX, Mutex(), "2 :fail :acquire :taken", "2 :ok :acquire nil"),
    "queue": (QUEUE, Queue(), ":ok :dequeue 1", ":ok :dequeue 2"),
}


@pytest.mark.parametrize("log, model, right, wrong", LOGS.values(), ids=LOGS)
def test_a_log_of_another_object_is_judged_by_its_model(tmp_path, log, model, right, wrong):
    for text, ok in ((log, True), (log.replace(right, wrong), False)):
        path = tmp_path / "history.txt"
        path.write_text(text.strip(), "utf-8")
        history = History.from_jepsen(path)
        assert len(history) == text.count(":invoke")
        assert linearizable(history, model=model).ok is ok
