"""Cables between real processes: cut, one way or both, reset, delayed and healed."""

import contextlib
import socket
import socketserver
import threading
import time

import pytest

from capkit.engines.proxy import Cables

BOTH = {(0, 1), (1, 0)}


class Echo(socketserver.StreamRequestHandler):
    """Answers every line with the same line, and notes it."""

    def handle(self):
        with contextlib.suppress(OSError):
            for line in self.rfile:
                self.server.heard.append(line)
                self.wfile.write(line)


@pytest.fixture
def echo():
    """A server that echoes lines."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    server.heard = []
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["drop"])
def cables(request):
    cables = Cables(request.param)
    yield cables
    cables.close()


resetting = pytest.mark.parametrize("cables", ["reset"], indirect=True)


def call(cables, echo, source=0):
    """A connection from node 0 to node 1, through the cable."""
    port = cables.link(source, 1, to=echo.server_address[1])
    link = socket.create_connection(("127.0.0.1", port))
    link.settimeout(10)
    return link


def echoed(link, text, seconds=10):
    """What comes back of a line, or None if nothing does in time."""
    link.settimeout(seconds)
    link.sendall(text + b"\n")
    try:
        return link.recv(100).strip()
    except TimeoutError:
        return None


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_a_whole_cable_carries_everything(cables, echo):
    assert echoed(call(cables, echo), b"hello") == b"hello"


def test_what_is_sent_into_a_cut_arrives_when_it_ends(cables, echo):
    link = call(cables, echo)
    assert echoed(link, b"before") == b"before"
    cables.set(cut=BOTH)
    assert echoed(link, b"during", 0.2) is None
    assert echo.heard == [b"before\n"]
    cables.set()
    link.settimeout(10)
    assert link.recv(100) == b"during\n"


@pytest.mark.parametrize("cut, heard", [((0, 1), False), ((1, 0), True)], ids=["there", "back"])
def test_a_cable_cut_one_way_carries_the_other_way(cables, echo, cut, heard):
    link = call(cables, echo)
    assert echoed(link, b"before") == b"before"
    cables.set(cut={cut})
    assert echoed(link, b"during", 0.2) is None
    if heard:
        until(lambda: echo.heard == [b"before\n", b"during\n"])
    else:
        assert echo.heard == [b"before\n"]


def test_a_call_into_a_cut_that_was_given_up_never_arrives(cables, echo):
    cables.set(cut=BOTH)
    lost, kept = call(cables, echo), call(cables, echo)
    assert echoed(lost, b"lost", 0.1) is None
    lost.close()
    kept.sendall(b"kept\n")
    assert echoed(call(cables, echo, source=1), b"other") == b"other"  # the close has been seen
    cables.set()
    assert kept.recv(100) == b"kept\n"
    assert echoed(call(cables, echo), b"later") == b"later"
    assert b"lost\n" not in echo.heard


@resetting
def test_where_cuts_reset_they_close_what_is_open_and_what_is_new(cables, echo):
    link = call(cables, echo)
    assert echoed(link, b"before") == b"before"
    cables.set(cut=BOTH)
    with pytest.raises(ConnectionResetError):
        link.recv(100)
    with contextlib.suppress(ConnectionError):
        assert echoed(call(cables, echo), b"during") == b""
    cables.set()
    assert echoed(call(cables, echo), b"after") == b"after"
    assert b"during\n" not in echo.heard


def test_a_slow_node_delays_each_direction(cables, echo):
    link = call(cables, echo)
    cables.set(delays={1: 100.0})
    start = time.monotonic()
    assert echoed(link, b"slow") == b"slow"
    assert time.monotonic() - start >= 0.2


def test_delays_do_not_add_up_along_a_stream(cables, echo):
    link = call(cables, echo)
    cables.set(delays={1: 300.0})
    start = time.monotonic()
    for each in range(10):
        link.sendall(b"%d\n" % each)
        time.sleep(0.01)  # so that each is a piece of its own
    received = b""
    while received.count(b"\n") < 10:
        received += link.recv(100)
    assert 0.6 <= time.monotonic() - start < 3.0  # and not ten times as long


def test_a_port_that_somebody_has_is_refused_by_name(cables, echo):
    with pytest.raises(ValueError, match=f"ports must be free, got {echo.server_address[1]}"):
        cables.front(0, to=1, port=echo.server_address[1])


def test_closed_cables_free_their_ports(echo):
    cables = Cables()
    link = call(cables, echo)
    port = link.getpeername()[1]
    cables.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
