"""Bad input, programs that are missing or die, and ports that somebody has."""

import contextlib

import psutil
import pytest
from support.engines import shared

from capkit import Crash, Partition, Pause, Skew, Workload, engines
from capkit.engines.server import Keeper, Server, free_ports, listens


def mine(folder):
    """Processes that serve out of a folder."""
    for process in psutil.process_iter(["cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or ())
        if str(folder) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            yield process.pid


@pytest.mark.parametrize(
    "fault, error, sentence",
    [
        (Crash(node=7), ValueError, "node must name nodes among 0, got 7"),
        (Pause(node=1), ValueError, "node must name nodes among 0, got 1"),
        (Partition(groups=[{0}, {9}]), ValueError, "groups must name nodes among 0, 1, 2, got 9"),
        (Crash(node=0, lose_memory=True), ValueError, "lose_memory must be False"),
        (Skew(node=0, offset=5), TypeError, "faults must be among Partition, Crash, Pause, Slow"),
        (engines.Promote(node=0), TypeError, "faults must be among"),
    ],
    ids=str,
)
def test_a_fault_that_cannot_be_is_refused_before_anything_happens(fault, error, sentence):
    running = shared(engines.SQLite)
    before = set(running.keys)
    with pytest.raises(error, match=sentence):
        engines.run(running, Workload(keys=["never"], rng=7), [fault])
    with pytest.raises(error, match=sentence):
        running.strike(fault)
    assert running.keys == before
    running.put("after", 1)


def test_a_one_way_cut_makes_no_sense_where_cuts_reset():
    fault = Partition(groups=[{0}], one_way=True)
    with pytest.raises(ValueError, match="one_way must be False with on_cut='reset'"):
        shared(engines.SQLite, on_cut="reset").strike(fault)


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: engines.SQLite(0), "places must be at least 1, got 0"),
        (lambda: engines.Etcd(0), "nodes must be at least 1, got 0"),
        (lambda: engines.SQLite(on_cut="cry"), "on_cut must be one of 'drop', 'reset', got 'cry'"),
        (lambda: engines.SQLite(ports=[70_000]), "ports must be in"),
        (lambda: engines.Redis(wait=3), "wait must be in"),
        (lambda: engines.Redis(reads="x"), "reads must be one of"),
        (lambda: engines.PostgreSQL(synchronous_commit="off"), "synchronous_commit must be one of"),
        (lambda: engines.Yjs(merge="two"), "merge must be one of 'one', 'all', got 'two'"),
    ],
)
def test_a_wrong_argument_is_named(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_an_occupied_port_is_named_and_nothing_is_left(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with engines.SQLite() as other:
        assert list(mine(tmp_path))
        (port,) = free_ports(1)
        with engines.SQLite(ports=[port]) as running, contextlib.closing(running):
            assert listens(port)
            with (
                pytest.raises(ValueError, match=f"ports must be free, got {port}"),
                engines.SQLite(ports=[port]),
            ):
                pass
        assert not listens(port)
        other.put("x", 1)
    assert list(mine(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_dies_at_its_start_is_quoted():
    with contextlib.closing(Keeper()) as keeper:
        script = "for i in 1 2 3; do echo line $i; done; echo no room left; exit 3"
        server = Server(keeper, 0, 1, lambda: ["sh", "-c", script])
        server.start()
        with pytest.raises(engines.StartFailed, match=r"exit code 3(.|\n)*line 3\n *no room left"):
            server.wait(lambda: False)


def test_a_program_that_cannot_be_started_is_named():
    with contextlib.closing(Keeper()) as keeper:
        server = Server(keeper, 0, 1, lambda: ["/no/such/program"])
        with pytest.raises(engines.StartFailed, match="/no/such/program"):
            server.start()


@pytest.mark.parametrize("place", [7, "x", None])
def test_a_client_at_no_place_is_refused(place):
    running = shared(engines.SQLite)
    if place is None:
        assert running.get("nothing") is None
    else:
        with pytest.raises(ValueError, match=f"at must name nodes among .*, got {place!r}"):
            running.get("x", at=place)
