import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capkit.consistency import causal, freshness, k_atomic, linearizable, sequential
from capkit.history import History, Note, Outcome, edn
from capkit.network import Crash, Partition, Pause

OK, FAIL, UNKNOWN = Outcome

LOG = """\
INFO  jepsen.core - Worker 0 starting
INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.util - 1\t:invoke\t:write\t4
INFO  jepsen.util - 0\t:ok\t:read\tnil
INFO  jepsen.util - :nemesis\t:info\t:start\t"Cut off {:n1 #{:n2 :n3}, :n2 #{:n1}, :n3 #{:n1}}"
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
        (0, "get", None, None, 0, 2, OK, None),
        (1, "put", None, 4, 1, 4, OK, None),
        (0, "cas", None, (4, 2), 5, 7, OK, True),
        (1, "cas", None, (3, 1), 6, 8, FAIL, None),
        (0, "get", None, None, 9, 11, FAIL, None),
        (1, "cas", None, (2, 0), 10, 12, UNKNOWN, None),
        (0, "cas", None, (2, 5), 13, 15, FAIL, None),
        (6, "get", None, 2, 14, 16, OK, None),
        (6, "put", None, 3, 17, 17, UNKNOWN, None),
    ]
    assert history.faults == (Partition(at=3, groups=[{"n1"}, {"n2", "n3"}]),)
    assert linearizable(history, model="cas-register").ok
    stale = LOG.replace(":ok\t:read\t2", ":ok\t:read\t4")
    assert linearizable(read(tmp_path, stale), model="cas-register").ok is False


def test_maps_of_a_line_each(tmp_path):
    history = read(tmp_path, MAPS)
    assert rows(history) == [
        (9, "append", "0", 'x "9"\nA', 0, 2, OK, None),
        (2, "get", "0", "", 1, 3, OK, None),
        (2, "put", "1", "y", 5, 6, FAIL, None),
    ]
    assert history.faults == (Note(at=4, text="kill"),)
    assert linearizable(history, model="append").ok


def test_what_was_read_can_be_written(tmp_path):
    for text in (LOG, MAPS):
        history = read(tmp_path, text)
        history.write(tmp_path / "history.jsonl")
        again = History.read(tmp_path / "history.jsonl")
        assert (list(again), again.faults) == (list(history), history.faults)


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
    assert history[1].outcome is FAIL
    triple = text.replace("[8 [1 2]]", "[8 1 2]")
    assert list(read(tmp_path, triple)) == list(history)


def test_a_compare_and_set_that_failed_did_not_happen_and_says_nothing_else(tmp_path):
    line = "{:process 1, :type :invoke, :f :cas, :value [1 2]}\n"
    for rest in ("", ", :error :no-leader", ", :error nil"):
        end = line.replace(":invoke", ":fail").replace("}", rest + "}")
        (each,) = read(tmp_path, line + end)
        assert (each.outcome, each.result) == (FAIL, None)


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
        "INFO  jepsen.util - 0\t:start\t:read\tnil",
        "INFO  jepsen.util - 0 :ok hello",
        "0 :ok :read a b",
        "{:process 0, :type :ok, :f nil, :value nil}",
        "{:process 0, :type :ok, :f :read, :value 1, :value 2}",
        "{:process 0, :type :ok, :f :read, :value #{1 1}}",
        "{:process 0, :type :ok, :f :read, :value ^:a [1]}",
        r'{:process 0, :type :ok, :f :read, :value "\uD83D"}',
        r"{:process 0, :type :ok, :f :read, :value \word}",
        "{:process 0, :type :ok, :f :read, :value .5}",
        "0\t:ok\t:read\t[1",
        "{:process 0, :type :ok, :f :read, :value nil, :time " + "9" * 400 + "}",
        '"' + "x" * 1_000_000 + '"',
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


LONG = "x" * 300
OPENED, KEYED = "{:process 0, :type ", GOOD.replace("nil", "[7 nil]")
BROKEN = {
    "an event must have :process": f'{{:type :ok, :f :read, :value "{LONG}"}}',
    ":type must be :invoke, :ok, :fail or :info": f"{OPENED}:{LONG}, :f :read, :value nil}}",
    ":f must be a name": f'{OPENED}:ok, :f ["{LONG}"], :value nil}}',
    "an event must be a map": f'["{LONG}"]',
    "transactions are not judged here": f"{OPENED}:ok, :f :txn, :value [[:r {LONG}]]}}",
    "the value of a cas must be [from to]": f"{OPENED}:info, :f :cas, :value [{LONG}]}}",
    "the value must be [key value] as others are": f"{OPENED}:ok, :f :{LONG}, :value {LONG}}}",
    ":time must be finite": f"{OPENED}:ok, :f :read, :value nil, :time {'9' * 400}}}",
    "a value must be EDN": f"{OPENED}:ok, :f :read, :value 1.2{LONG}}}",
    "neither an event nor a logger's line": LONG,
    "this cannot be told from an event": f"{LONG} {OPENED}:ok, :f :read, :value nil}}",
    "process, type, f and value must have tabs between them": f"0\t:ok\t:{LONG}",
    "an event must be process, type, f and value": f"INFO  jepsen.util - 0 :ok {LONG}",
}
BEFORE_IT = {
    "the value of a cas must be [from to]": f"{OPENED}:invoke, :f :cas, :value [{LONG}]}}",
    "the value must be [key value] as others are": KEYED,
    **dict.fromkeys(list(BROKEN)[-4:], "0\t:invoke\t:read\tnil"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_an_error_has_the_whole_rule_and_at_most_80_characters_of_what_is_wrong(tmp_path, rule):
    text = BEFORE_IT.get(rule, GOOD) + "\n" + BROKEN[rule]
    with pytest.raises(ValueError, match="must be an event of Jepsen: ") as error:
        read(tmp_path, text)
    start, found, quote = str(error.value).partition(
        f"history.log must be an event of Jepsen: {rule}, got "
    )
    assert start.startswith("line 2 of ")
    assert found
    assert 40 < len(quote) <= 80


def test_the_log_that_the_broken_ones_come_from_is_good(tmp_path):
    assert len(read(tmp_path, GOOD + "\n" + GOOD.replace("invoke", "ok"))) == 1
    assert len(read(tmp_path, "")) == 0


@pytest.mark.parametrize(
    "text, values",
    [
        ("1 -2 3.5 4N 5e2 6M 0x1F -017 36rZ", [1, -2, 3.5, 4, 500.0, 6.0, 31, -15, 35]),
        ("1/2 4/2 nil true false", [Fraction(1, 2), 2, None, True, False]),
        ("##Inf ##-Inf", [math.inf, -math.inf]),
        (r'"a\\b\u0041\101" \a \newline \(', ["a\\bAA", "a", "\n", "("]),
        (r'\u0041 \o101 \u \backspace "\uD83D\uDE00"', ["A", "A", "u", "\b", "😀"]),
        (":word, sym/bol :a.b/c", [":word", "sym/bol", ":a.b/c"]),
        ("{1 [2], [3] {:a ()}}", [{1: (2,), (3,): {":a": ()}}]),
        ("#{3 1 2} #{{:a 1}}", [frozenset({1, 2, 3}), frozenset({frozenset({(":a", 1)})})]),
        ('#inst "2014" #my.ns/tag [1] #a{:a 1}', ["2014", (1,), {":a": 1}]),
        ("#:a{:b 1, :_/c 2, :d/e #:f{:g 3}}", [{":a/b": 1, ":c": 2, ":d/e": {":f/g": 3}}]),
        ('#a.B{:x #object[java.net.Oh 0x5e "no"]}', [{":x": ("java.net.Oh", 94, "no")}]),
        ("1 #_ 2 #_ #_ 3 [4] #_ #tag 5 6 ; 7\n 8", [1, 6, 8]),
        (
            '#"re" #<Object@1 "x"> #\'clojure.core/inc',
            ['"re"', '#<Object@1 "x">', "#'clojure.core/inc"],
        ),
        ("[1 2] [3]", [1, 2, (3,)]),
    ],
)
def test_edn_values(text, values):
    assert [value for _, value in edn.values(text)] == values


def test_nan_is_a_value(tmp_path):
    (_, value), *rest = edn.values("##NaN")
    assert math.isnan(value)
    assert rest == []
    nan = "{:process 0, :type :invoke, :f :write, :value ##NaN}"
    lines = [nan, nan.replace(":invoke", ":ok"), GOOD, GOOD.replace("nil", "##NaN")]
    lines[3] = lines[3].replace(":invoke", ":ok")
    assert linearizable(read(tmp_path, "\n".join(lines))).ok


EVENTS = [  # process, type, f, value
    (0, "invoke", "write", 1),
    (1, "invoke", "read", None),
    (0, "ok", "write", 1),
    ("nemesis", "info", "kill", None),
    (1, "ok", "read", 1),
    (2, "invoke", "cas", (1, 2)),
    (2, "fail", "cas", (1, 2)),
    (1, "invoke", "acquire", None),
    (1, "info", "acquire", None),
    (1, "invoke", "read", None),
    (1, "ok", "read", 1),
]


def in_edn(value):
    if isinstance(value, tuple):
        return f"[{' '.join(map(in_edn, value))}]"
    return "nil" if value is None else str(value)


def as_map(process, type_, f, value, gap=", "):
    process = f":{process}" if process == "nemesis" else process
    fields = (f":process {process}", f":type :{type_}", f":f :{f}", f":value {in_edn(value)}")
    return "{" + gap.join(fields) + "}"


def as_line(process, type_, f, value):
    process = f":{process}" if process == "nemesis" else process
    return f"{process}\t:{type_}\t:{f}\t{in_edn(value)}"


def as_json(each):
    return json.dumps(dict(zip(("process", "type", "f", "value"), each, strict=True)))


BEFORE = {
    "history.txt": "",
    "a container": "n1 | INFO [2021-02-23 10:30:56,514] jepsen worker 0 - jepsen.util ",
    "log4j": "2014-02-23 10:30:56,514 [jepsen worker 0] INFO  jepsen.util - ",
    "2014": "INFO  jepsen.util - ",
    "2017": "INFO [2021-02-23 10:30:56,514] jepsen worker 0 - jepsen.util ",
    "2022": "2022-07-28 07:52:55,480{GMT}\tINFO\t[jepsen worker 0] jepsen.util: ",
    "with a clock": "2022-07-28 07:52:55,480{GMT}\tINFO\t[jepsen worker 0] jepsen.util: [ 13 ] ",
}
CHATTER = """\
2022-07-28 07:52:57,480{GMT}\tINFO\t[jepsen test runner] jepsen.core: {:stats {:valid? true,
         :count 2},
 :valid? true}

All is well.
"""
FORMS = {
    "a line each": "\n".join(as_map(*each) for each in EVENTS),
    "one vector": "[" + "\n ".join(as_map(*each) for each in EVENTS) + "]",
    "one list": "(" + "\n ".join(as_map(*each) for each in EVENTS) + ")",
    "pretty": "\n".join(as_map(*each, gap=",\n ") for each in EVENTS),
    "several a line": " ".join(as_map(*each) for each in EVENTS),
    "tagged": "\n".join("#jepsen.history.Op" + as_map(*each) for each in EVENTS),
    "Windows": "\ufeff" + "\r\n".join(as_map(*each) for each in EVENTS),
    "UTF-16": "\n".join(as_map(*each) for each in EVENTS).encode("utf-16"),
    "namespaced": "\n".join("#:op" + as_map(*each) for each in EVENTS),
    "after a logger": "\n".join(BEFORE["2022"] + as_map(*each) for each in EVENTS),
    "after a clock": "\n".join("[10:30:56] " + as_map(*each) for each in EVENTS),
    "JSON after a clock": "\n".join("10:30:56 " + as_json(each) for each in EVENTS),
    "spaces for tabs": "\n".join(as_line(*each).replace("\t", "  ") for each in EVENTS),
    "spaces after a logger": CHATTER
    + "\n".join(BEFORE["2014"] + as_line(*each).replace("\t", " ") for each in EVENTS),
    "JSON": "[" + ",\n".join(map(as_json, EVENTS)) + "]",
    "JSON lines": "\n".join(map(as_json, EVENTS)),
    "whole log": CHATTER
    + "\n".join(BEFORE["2022"] + as_line(*each) for each in EVENTS)
    + "\n"
    + CHATTER,
    **{
        name: "\n".join(start + as_line(*each) for each in EVENTS) for name, start in BEFORE.items()
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_events_in_any_form_are_the_same_history(tmp_path, form):
    history = read(tmp_path, FORMS[form])
    assert rows(history) == [
        (0, "put", None, 1, 0, 2, OK, None),
        (1, "get", None, 1, 1, 4, OK, None),
        (2, "cas", None, (1, 2), 5, 6, FAIL, None),
        (1, "acquire", None, None, 7, 8, UNKNOWN, None),
        (3, "get", None, 1, 9, 10, OK, None),
    ]
    assert [each.client for each in history] == [0, 1, 2, 1, 1]
    assert [(each.began, each.ended) for each in history] == [
        (0, 2),
        (1, 4),
        (5, 6),
        (7, 8),
        (9, 10),
    ]
    assert history.faults == (Note(at=3, text="kill"),)


@given(st.sampled_from(list(FORMS)), st.integers(0), st.sampled_from(' \tx,:["#'))
def test_no_slip_of_the_pen_loses_an_operation(tmp_path_factory, form, place, slip):
    text = FORMS[form]
    text = text.decode("utf-16") if isinstance(text, bytes) else text
    place %= len(text)
    try:
        history = read(tmp_path_factory.mktemp("log"), text[:place] + slip + text[place + 1 :])
    except ValueError:
        return
    assert len(history) == 5


SILENT = {
    "other loggers alone": CHATTER,
    "events of another logger": "\n".join("INFO my.client - " + as_json(each) for each in EVENTS),
    "an event or what goes on": f"INFO jepsen.core - Oh:\nso {as_map(0, 'invoke', 'read', None)}",
}


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT.keys())
def test_a_log_of_which_no_line_is_understood_is_refused(tmp_path, text):
    with pytest.raises(
        ValueError, match=r"line \d+ of .*must be an event of Jepsen: (no line|this)"
    ):
        read(tmp_path, text)


def test_what_loggers_say_besides_is_skipped(tmp_path):
    lines = [as_line(0, kind, "write", 1) for kind in ("invoke", "ok")]
    said = [
        "2014-02-23 10:30:56,514 WARN  o.a.z.ClientCnxn: Session 0x0",
        "java.net.ConnectException: Connection refused",
        "\tat sun.nio.ch.SocketChannelImpl.checkConnect(Native Method)",
        "INFO [2021-02-23 10:30:56,514] jepsen node n1 - jepsen.util Waiting for port 2379 ...",
        "INFO jepsen.core - {:process 7, :type :ok, :f :read, :value 4}",
        " {:process 7, :type :ok, :f :read, :value 4}",
        "INFO jepsen.util - ",
    ]
    history = read(tmp_path, "\n".join([*said, BEFORE["2014"] + lines[0], *said, lines[1], *said]))
    assert rows(history) == [(0, "put", None, 1, 0, 1, OK, None)]


NAMES = ['"a"', ":c1", "a/b", "-1", str(2**70), "[1 2]", "{:node 1}", "1.5", "true", "nil"]


@pytest.mark.parametrize("name", NAMES)
def test_a_process_may_have_any_name(tmp_path, name):
    lines = ["{:process 0, :type :invoke, :f :write, :value 1}"]
    lines += [lines[0].replace("invoke", "ok"), GOOD, GOOD.replace("invoke", "ok")]
    text = (
        "\n".join(lines[:2]) + "\n" + "\n".join(lines[2:]).replace(":process 0", f":process {name}")
    )
    history = read(tmp_path, text)
    assert len(history) == 2
    assert history[1].process == history[1].client != 0
    assert linearizable(history).ok is False


TRANSACTIONS = [
    ("txn", "[[:append 1 2]]"),
    ("read", "[[:r 9 nil] [:r 8 nil]]"),
    ("read", "([:r 9 nil])"),
    ("read", "[:r 9 nil]"),
    ("read", "[[:r 9 nil] [:range 1 2 3]]"),
    ("read", '[["r" 9 nil]]'),
    ("write", "[[:insert 1 2]]"),
    ("write", "[7 [[:w 1 2]]]"),
]


@pytest.mark.parametrize("f, value", TRANSACTIONS)
def test_a_transaction_is_refused_as_one(tmp_path, f, value):
    text = f"{GOOD}\n{{:process 1, :type :invoke, :f :{f}, :value {value}}}"
    with pytest.raises(ValueError, match=r"line 2 .* transactions are not judged here, got"):
        read(tmp_path, text)


def test_vectors_are_values_where_reads_do_not_ask_for_a_key(tmp_path):
    pairs = ["write", "[1 2]"], ["cas", "[[1 2] [3 4]]"], ["read", "nil", "[3 4]"]
    text = "\n".join(
        f"{{:process 0, :type :{kind}, :f :{f}, :value {value}}}"
        for f, *values in pairs
        for kind, value in zip(("invoke", "ok"), (values[0], values[-1]), strict=True)
    )
    history = read(tmp_path, text)
    assert [(each.key, each.value) for each in history] == [
        (None, (1, 2)),
        (None, ((1, 2), (3, 4))),
        (None, (3, 4)),
    ]
    assert linearizable(history, model="cas-register").ok
    for keyless in ("1", "[7 1 2]"):
        other = f"{{:process 1, :type :invoke, :f :write, :value {keyless}}}\n"
        with pytest.raises(ValueError, match=r"line 1 .* must be \[key value\] as others are"):
            read(tmp_path, other + text.replace("nil", "[7 nil]"))


@pytest.mark.parametrize(
    "answer, value, result",
    [
        *(("nil", (1, 2), True), ("true", (1, 2), True)),
        *(("[1 3]", (1, 3), True), ("false", (1, 2), False)),
    ],
)
def test_the_answer_of_a_compare_and_set_counts(tmp_path, answer, value, result):
    start = as_map(0, "invoke", "cas", (1, 2))
    end = start.replace("invoke", "ok").replace("[1 2]", answer)
    (each,) = read(tmp_path, start + end)
    assert (each.value, each.outcome, each.result) == (value, OK, result)


@pytest.mark.parametrize("ends", [("info", "ok"), ("ok", "info"), ("fail", "ok")])
def test_an_operation_ends_once(tmp_path, ends):
    lines = [as_map(0, type_, "write", 1) for type_ in ("invoke", *ends)]
    with pytest.raises(ValueError, match=r"line 3 .* process 0 must invoke before it completes"):
        read(tmp_path, "\n".join(lines))


def test_what_completes_with_another_value_has_that_one(tmp_path):
    text = as_map(0, "invoke", "write", 1) + as_map(0, "ok", "write", 7)
    assert read(tmp_path, text)[0].value == 7
    text = as_map(0, "invoke", "dequeue", None) + as_map(0, "ok", "dequeue", 7)
    assert (read(tmp_path, text)[0].value, read(tmp_path, text)[0].result) == (7, 7)


def test_a_time_that_is_no_number_is_no_time(tmp_path):
    text = as_map(0, "invoke", "write", 1).replace("}", ', :time #inst "2020-01-01"}')
    (each,) = read(tmp_path, text + as_map(0, "ok", "write", 7))
    assert (each.value, each.invoked, each.completed) == (7, 0, 1)


def test_an_error_of_many_lines_is_skipped(tmp_path):
    text = (
        '0\t:invoke\t:write\t1\n0\t:info\t:write\t1\t#error {\n :cause "x"\n :via\n [{:type Oh}]}\n'
    )
    text += "1\t:invoke\t:read\tnil\n1\t:fail\t:read\tSorry, no. I {cannot\n"
    assert [each.outcome for each in read(tmp_path, text)] == [UNKNOWN, FAIL]


NEMESIS = {
    "the old partitioner": (
        [
            ("start", "nil"),
            ("start", '"Cut off {:n1 #{:n2}, :n2 #{:n1}}"'),
            ("stop", "nil"),
            ("stop", '"fully connected"'),
        ],
        [Partition(at=0, until=3, groups=[{"n1"}, {"n2"}])],
    ),
    "a partition": (
        [
            ("start-partition", ":primaries"),
            ("start-partition", '[:isolated {"n1" #{"n2" "n3"} "n2" #{"n1"} "n3" #{"n1"}}]'),
            ("stop-partition", "nil"),
            ("stop-partition", ":network-healed"),
        ],
        [Partition(at=0, until=3, groups=[{"n1"}, {"n2", "n3"}])],
    ),
    "a ring is no partition": (
        [("start-partition", '{"n1" #{"n2"} "n2" #{"n1"} "n3" #{}}')],
        [
            Note(
                at=0,
                text="start-partition n1: n2, n2: n1, n3: none",
            )
        ],
    ),
    "a kill": (
        [
            ("kill", ":one"),
            ("kill", '{"n2" :killed}'),
            ("start", ":all"),
            ("start", '{"n2" :started}'),
        ],
        [Crash(at=0, until=3, node="n2")],
    ),
    "a pause of two": (
        [("pause", '["n1" "n3"]'), ("resume", ":all")],
        [Pause(at=0, until=1, node="n1"), Pause(at=0, until=1, node="n3")],
    ),
    "nobody knows whom": (
        [("kill", ":majority"), ("start", "nil")],
        [Note(at=0, until=1, text="kill majority")],
    ),
    "a clock": ([("bump", '{"n1" 300}')], [Note(at=0, until=0, text="bump n1: 300")]),
}


@pytest.mark.parametrize("events, faults", NEMESIS.values(), ids=NEMESIS.keys())
def test_what_the_nemesis_did_is_a_fault_if_it_says_whom_it_struck_and_a_note_if_not(
    tmp_path, events, faults
):
    start = "{:process :nemesis, :type :info"
    text = "\n".join(f"{start}, :f :{f}, :value {value}}}" for f, value in events)
    assert list(read(tmp_path, text).faults) == faults


@given(st.integers(0, 2**32), st.sampled_from(["none", "ms", "same", "random"]))
def test_times_do_not_change_a_verdict(tmp_path_factory, seed, times):
    rng = np.random.default_rng(seed)
    history = read(tmp_path_factory.mktemp("log"), random_log(rng, None))
    other = read(tmp_path_factory.mktemp("log"), random_log(np.random.default_rng(seed), times))
    assert len(history) == len(other)
    for judge in (linearizable, sequential, causal, lambda h: k_atomic(h, 2), freshness):
        one, two = judge(history), judge(other)
        assert getattr(one, "ok", one) == pytest.approx(getattr(two, "ok", two), nan_ok=True)


def random_log(rng, times):
    """Events of four processes on two keys, some of whose answers are wrong."""
    lines, busy, time = [], {}, 0
    for value in range(24):
        process = int(rng.integers(4))
        time += int(rng.integers(0, 3_000_000))
        said = {"none": None, "ms": time // 10**6 * 10**6, "same": 5}.get(times, time)
        said = value * 7_919 % 13 * 10**6 if times == "random" else said
        end = "" if said is None else f", :time {said}"
        if process in busy:
            f, key, put = busy.pop(process)
            kind = str(rng.choice(["ok", "ok", "ok", "fail", "info"]))
            answer = int(rng.integers(value + 1)) if f == "read" else put
            lines.append(
                f"{{:process {process}, :type :{kind}, :f :{f}, :key {key}, :value {answer}{end}}}"
            )
            continue
        busy[process] = f, key, put = (
            str(rng.choice(["read", "write"])),
            int(rng.integers(2)),
            value,
        )
        asked = "nil" if f == "read" else put
        lines.append(
            f"{{:process {process}, :type :invoke, :f :{f}, :key {key}, :value {asked}{end}}}"
        )
    return "\n".join(lines)


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
