import numpy as np
import pytest

from capkit.consistency import linearizable
from capkit.history import History, Outcome
from capkit.history.jepsen import parse

OK, FAIL, UNKNOWN = Outcome

LOG = """\
INFO  jepsen.core - Worker 0 starting
INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.util - 1\t:invoke\t:write\t4
INFO  jepsen.util - 0\t:ok\t:read\tnil
INFO  jepsen.util - :nemesis\t:info\t:start\t"cut off #{:n1}"
INFO  jepsen.util - 1\t:ok\t:write\t4

INFO  jepsen.util - 0\t:invoke\t:cas\t[4 2]
INFO  jepsen.util - 1\t:invoke\t:cas\t[3 1]
INFO  jepsen.util - 0\t:ok\t:cas\t[4 2]
INFO  jepsen.util - 1\t:fail\t:cas\t[3 1]
INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.util - 1\t:invoke\t:cas\t[2 0]
INFO  jepsen.util - 0\t:fail\t:read\t:timed-out
INFO  jepsen.util - 1\t:info\t:cas\t:timed-out
INFO  jepsen.util - 0\t:invoke\t:cas\t[2 5]
INFO  jepsen.util - 6\t:invoke\t:read\tnil
INFO  jepsen.util - 0\t:fail\t:cas\t:timed-out
INFO  jepsen.util - 6\t:ok\t:read\t2
INFO  jepsen.util - 6\t:invoke\t:write\t3
"""

MAPS = r"""
{:process 9, :type :invoke, :f :append, :key "0", :value "x \"9\"\n\u0041"}
{:process 2, :type :invoke, :f :get, :key "0", :value nil, :index 1}
{:process 9, :type :ok, :f :append, :key "0", :value "x \"9\"\n\u0041"} ; done
#jepsen.history.Op{:type :ok, :process 2, :f :get, :key "0", :value "", :ext {:a [1 #{2}]}}
{:process :nemesis, :type :info, :f :kill, :value nil}
{:process 2, :type :invoke, :f :put, :key "1", :value "y"}
{:process 2, :type :fail, :f :put, :key "1", :value "y", :error :unavailable}
""".replace(" ; done", "")


def read(tmp_path, text):
    path = tmp_path / "history.log"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return History.from_jepsen(path)


def rows(history):
    names = ["process", "kind", "key", "value", "invoked", "completed", "outcome", "result"]
    return [tuple(getattr(each, name) for name in names) for each in history]


def test_a_log_in_the_words_of_jepsen(tmp_path):
    history = read(tmp_path, LOG)
    assert rows(history) == [
        (0, "get", None, None, 1, 3, OK, None),
        (1, "put", None, 4, 2, 5, OK, None),
        (0, "cas", None, (4, 2), 7, 9, OK, True),
        (1, "cas", None, (3, 1), 8, 10, OK, False),
        (0, "get", None, None, 11, 13, FAIL, None),
        (1, "cas", None, (2, 0), 12, 14, UNKNOWN, None),
        (0, "cas", None, (2, 5), 15, 17, FAIL, None),
        (6, "get", None, 2, 16, 18, OK, None),
        (6, "put", None, 3, 19, 19, UNKNOWN, None),
    ]
    assert linearizable(history, model="cas-register").ok
    stale = LOG.replace(":ok\t:read\t2", ":ok\t:read\t4")
    assert linearizable(read(tmp_path, stale), model="cas-register").ok is False


def test_maps_of_a_line_each(tmp_path):
    history = read(tmp_path, MAPS)
    assert rows(history) == [
        (9, "append", "0", 'x "9"\nA', 1, 3, OK, None),
        (2, "get", "0", "", 2, 4, OK, None),
        (2, "put", "1", "y", 6, 7, FAIL, None),
    ]
    assert linearizable(history, model="append").ok


def test_what_was_read_can_be_written(tmp_path):
    for text in (LOG, MAPS):
        history = read(tmp_path, text)
        history.write(tmp_path / "history.jsonl")
        assert list(History.read(tmp_path / "history.jsonl")) == list(history)


def test_times_are_in_milliseconds_where_every_line_has_one(tmp_path):
    lines = [
        "{:process 0, :type :invoke, :f :read, :value nil, :time 1500000}",
        "{:process 0, :type :ok, :f :read, :value nil, :time 4000000}",
    ]
    (each,) = read(tmp_path, "\n".join(lines))
    assert (each.invoked, each.completed) == (1.5, 4)
    (each,) = read(tmp_path, "\n".join([lines[0], lines[1].replace(", :time 4000000", "")]))
    assert (each.invoked, each.completed) == (0, 1)


def test_pairs_of_a_key_and_a_value_are_taken_apart(tmp_path):
    text = """
        {:process 0, :type :invoke, :f :write, :value [7 1]}
        {:process 1, :type :invoke, :f :cas, :value [8 [1 2]]}
        {:process 0, :type :ok, :f :write, :value [7 1]}
        {:process 0, :type :invoke, :f :read, :value [7 nil]}
        {:process 1, :type :fail, :f :cas, :value [8 [1 2]]}
        {:process 0, :type :ok, :f :read, :value [7 1]}
        {:process 0, :type :invoke, :f :read, :value [7 nil]}
        {:process 0, :type :info, :f :read, :value :timeout}
    """
    history = read(tmp_path, text)
    assert [(each.key, each.value) for each in history] == [(7, 1), (8, (1, 2)), (7, 1), (7, None)]
    assert history[1].result is False


def test_a_failed_compare_and_set_with_another_reason_tells_nothing(tmp_path):
    line = "{:process 1, :type :invoke, :f :cas, :value [1 2]}\n"
    for rest, outcome in {"": OK, ", :error :no-leader": FAIL, ", :error nil": OK}.items():
        end = line.replace(":invoke", ":fail").replace("}", rest + "}")
        assert read(tmp_path, line + end)[0].outcome is outcome


GOOD = "{:process 0, :type :invoke, :f :read, :value nil}"


@pytest.mark.parametrize(
    "line",
    [
        "{:process 0, :type :ok, :f :read, :value nil",
        "{:process 0, :type :ok, :f :read, :value}",
        "{:process 0, :type :ok, :f :read, :value nil} {}",
        '{:process 0, :type :ok, :f :read, :value "half}',
        r'{:process 0, :type :ok, :f :read, :value "\q"}',
        "{:process 0, :type :ok, :f :read, :value [1 2)}",
        "{:process 0, :type :ok, :f :read, :value 1.2.3}",
        "{:process 0, :type :ok, :f :write, :value nil}",
        '{:process 0, :type :ok, :f :read, :key "y", :value nil}',
        "{:process 0, :type :done, :f :read, :value nil}",
        "{:process 0, :type :ok, :f :txn, :value [[:r 1 nil]]}",
        "{:process 0, :type :ok, :value nil}",
        "{:type :ok, :f :read, :value nil}",
        "{:process 1, :type :ok, :f :read, :value nil}",
        GOOD,
        "[:process 0]",
        "INFO  jepsen.util - 0\t:ok\t:read",
        "INFO  jepsen.util - hello",
        "0\t:ok\t:read\tnil",
        "[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_broken_line_is_named_by_its_number(tmp_path, line):
    line = line if isinstance(line, bytes) else line.encode()
    start = GOOD.encode() + b"\n"
    end = b"\n{:process 7, :type :invoke, :f :read, :value nil}\n"
    with pytest.raises(ValueError, match=r"line 2 of .*history\.log must be an event of Jepsen: ."):
        read(tmp_path, start + line + end)


def test_the_log_that_the_broken_ones_come_from_is_good(tmp_path):
    assert len(read(tmp_path, GOOD + "\n" + GOOD.replace("invoke", "ok"))) == 1
    assert len(read(tmp_path, "")) == 0


@pytest.mark.parametrize(
    "text, value",
    [
        ("[1 -2 3.5 4N 5e2 6M nil true false]", (1, -2, 3.5, 4, 500.0, 6.0, None, True, False)),
        ('("a\\\\b" :word, sym/bol {1 [2]})', ("a\\b", ":word", "sym/bol", ((1, (2,)),))),
        ('#{3 1 2} #inst "2014"', None),
        ("[#inst [] #{}]", ((), ())),
    ],
)
def test_edn_values(text, value):
    assert parse(text) == ([(1, 2, 3), "2014"] if value is None else [value])


def kv_log(rng, clients, keys, each, stale):
    """The log of a store that does one thing at a time; a stale get misses the newest change."""
    state, before, lines, waiting = {}, {}, [], {}
    left = dict.fromkeys(range(clients), each)
    while left:
        process = int(rng.choice(list(left)))
        if process not in waiting:
            kind = str(rng.choice(["put", "append", "append", "get", "get"]))
            key = str(rng.integers(keys))
            value = f'"x {process} {left[process]} y"' if kind != "get" else "nil"
            waiting[process] = [kind, key, value, False]
            lines.append((process, "invoke", *waiting[process][:3]))
            continue
        operation = waiting[process]
        kind, key, value, done = operation
        if not done:
            old = state.get(key, "")
            if kind == "get":
                operation[2] = f'"{before.get(key, "") if rng.random() < stale else old}"'
            else:
                before[key] = old
                state[key] = value[1:-1] if kind == "put" else old + value[1:-1]
            operation[3] = True
            continue
        lines.append((process, "ok", *operation[:3]))
        del waiting[process]
        left[process] -= 1
        if not left[process]:
            del left[process]
    form = '{{:process {}, :type :{}, :f :{}, :key "{}", :value {}}}\n'
    return "".join(form.format(*line) for line in lines)


@pytest.mark.parametrize(
    "clients, keys, each", [(1, 1, 300), (10, 10, 60), (10, 1, 40), (50, 9, 20)]
)
def test_logs_of_a_key_value_store_are_little_work(tmp_path, clients, keys, each):
    for stale in (0, 0.1):
        log = kv_log(np.random.default_rng(3), clients, keys, each, stale)
        history = read(tmp_path, log)
        assert len(history) == clients * each
        verdict = linearizable(history, model="append", budget=30 * len(history))
        assert verdict.ok is (stale == 0)
