"""What all real engines share: nodes behind cables, faults that strike them, clients that ask."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from secrets import token_urlsafe
from types import TracebackType
from typing import Any, ClassVar, Self

from capkit._arguments import choice, count, number, several
from capkit.engines.programs import Program, need
from capkit.engines.proxy import Cables
from capkit.engines.server import Keeper, Server
from capkit.history import Fault, NodeId
from capkit.network import Crash, Partition, Pause, Promote, Slow
from capkit.stores import Maker, Store, Unavailable


class Engine:
    """A real engine on this computer, behind the surface that the simulated stores have.

    It runs from `with ... as engine:` to the end of the block, on free ports of 127.0.0.1 or on
    sockets, with its data in a temporary folder. Nothing of it is left afterwards, even if Python
    is killed. Without its `secret`, new at each start, nobody can read, write or run anything.

    Parameters
    ----------
    places : int
        Where clients are: place `i` is that of node `i`, if there is such a node.
    on_cut : {"drop", "reset"}
        What a cut cable does to connections: it swallows what is sent, or closes them at once.
    ports : sequence of int
        Ports for clients of your own, one for each node; by default free ones.

    Attributes
    ----------
    nodes : list of Server
        The processes, each with `id`, `port`, `pid` and `up`.
    places : tuple of int
        What `at` and a `Partition` may name.
    program : Program or None
        What serves it, with version and origin; known when the block begins.
    label : str
        What a picture calls it: with its version when that is known.
    secret : str
        What clients of your own must say; known when the block begins.
    """

    title = "engine"
    """What it is called where its version does not matter."""

    timeout = 1_000.0
    """Ms after which a put or get that is called by hand gives up."""

    strikes: ClassVar[tuple[type[Fault], ...]] = (Partition, Crash, Pause, Slow)
    """The faults that this engine knows."""

    libraries: ClassVar[tuple[str, ...]] = ()
    """The Python libraries that its clients need."""

    model: ClassVar[tuple[Maker, int]] = (Store, 3)
    """The simulated store that predicts who is answered under a cut, and its number of nodes."""

    def __init__(self, places: int = 3, *, on_cut: str = "drop", ports: Sequence[int] = ()) -> None:
        self.places = tuple(range(count("places", places)))
        self.on_cut = choice("on_cut", on_cut, ("drop", "reset"))
        self.ports = tuple(
            count("ports", port, 1, 65_535) for port in several("ports", ports, "numbers")
        )
        self.nodes: list[Server] = []
        self.keys: set[str] = set()
        self.program: Program | None = None
        self.label, self.secret = self.title, ""
        self._active: list[Fault] = []
        self._lock = threading.Lock()
        self._closed = False
        self._keeper: Keeper | None = None
        self._cables: Cables | None = None

    # Its life.

    def __enter__(self) -> Self:
        if self._keeper is not None:
            raise RuntimeError("engine must not be started twice; make another")
        self.program = self.find()
        self.label, self.secret = str(self.program), token_urlsafe(24)
        try:
            self._cables = Cables(self.on_cut)
            self._keeper = Keeper()
            self._launch()
            if self.ports and len(self.ports) != len(self.nodes):
                rule = f"ports must be {len(self.nodes)} numbers, one for each node"
                raise ValueError(f"{rule}, got {len(self.ports)}")
            for node, port in zip(self.nodes, self.ports, strict=False):
                self.cables.front(node.id, to=node.port, port=port)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop all processes, close all ports and remove the data."""
        self._closed = True
        if self._cables is not None:
            self._cables.close()
        if self._keeper is not None:
            self._keeper.close()
        for node in self.nodes:
            node.up, node.pid = False, None

    @property
    def keeper(self) -> Keeper:
        """Who starts the servers."""
        assert self._keeper is not None
        return self._keeper

    @property
    def cables(self) -> Cables:
        """The links between the nodes."""
        assert self._cables is not None
        return self._cables

    def find(self) -> Program:
        """What would serve this engine here.

        Raises
        ------
        NotInstalled
            If its program or the library of its clients is missing; with what to type.
        """
        program = self._find()
        for library in self.libraries:
            need(library)
        return program

    # What a client asks for.

    def put(self, key: str, value: Any, *, at: NodeId | None = None) -> None:
        """Write `value`, anything that JSON knows, as a client at place `at`, by default the first.

        Raises
        ------
        Unavailable
            If it is not acknowledged within `timeout` ms. It may still happen, unless `certain`.
        """
        self.serve("put", key, value, at=at)

    def get(self, key: str, *, at: NodeId | None = None) -> Any:
        """Read `key` as a client at place `at`, by default the first; None if nothing is there.

        Raises
        ------
        Unavailable
            If no answer comes within `timeout` ms.
        """
        return self.serve("get", key, at=at)

    def serve(
        self,
        kind: str,
        key: str,
        value: Any = None,
        *,
        at: NodeId | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Serve one operation with a deadline (`timeout` in ms), from any thread."""
        self._running()
        self.check_key(key)
        place = self.places[0] if at is None else at
        self._known("at", place, self.places)
        seconds = number("timeout", self.timeout if timeout is None else timeout, 0) / 1_000
        limit = time.monotonic() + seconds
        if kind == "put":
            self.keys.add(key)
            self._put(place, key, json.dumps(value), limit)
            return None
        found = self._get(place, key, limit)
        return None if found is None else self._value(found)

    # What goes wrong.

    def check(self, faults: Iterable[Fault]) -> None:
        """Complain about a fault that this engine does not know, or that names no node of it."""
        ids = [node.id for node in self.nodes]
        for fault in faults:
            if not isinstance(fault, self.strikes):
                known = ", ".join(each.__name__ for each in self.strikes)
                raise TypeError(f"faults must be among {known} for {self!r}, got {fault!r}")
            if isinstance(fault, Partition):
                for node in (node for group in fault.groups for node in group):
                    self._known("groups", node, self.places)
                if fault.one_way and self.on_cut == "reset":
                    raise ValueError(f"one_way must be False with on_cut='reset', got {fault!r}")
            else:
                self._known("node", getattr(fault, "node", None), ids)
            if isinstance(fault, Crash) and fault.lose_memory:
                raise ValueError(f"lose_memory must be False for a real engine, got {fault!r}")

    def check_key(self, key: object) -> None:
        """Complain about a key that not every engine can hold."""
        if not isinstance(key, str):
            raise TypeError(f"key must be a string, got {key!r}")

    def strike(self, fault: Fault) -> None:
        """Let a fault begin now, whatever its `at`.

        Raises
        ------
        ValueError, TypeError
            If the engine does not know it, or it names no node.
        Unavailable
            If it cannot be carried out, such as the promotion of a node that is down.
        """
        self._running()
        self.check([fault])
        if isinstance(fault, Promote):
            self._may_lead(fault.node)
            self._promote(fault.node)
        with self._lock:
            self._active.append(fault)
            self._apply()

    def mend(self, fault: Fault) -> None:
        """Let a fault end now. What other faults still do goes on."""
        self._running()
        with self._lock:
            if fault not in self._active:
                return
            self._active.remove(fault)
            self._apply()
        if isinstance(fault, Promote):
            self._follow(fault.node)

    def heal(self, seconds: float = 30.0) -> None:
        """End all faults, and wait until every node serves again.

        Raises
        ------
        StartFailed
            If that takes longer than `seconds`.
        """
        for fault in [*self._active]:
            self.mend(fault)
        for node in self.nodes:
            if not node.retired:
                node.wait(lambda node=node: self._serves(node), seconds)  # type: ignore[misc]

    def _apply(self) -> None:
        """Set cables and processes as the faults that last now demand."""
        cuts = [fault for fault in self._active if isinstance(fault, Partition)]
        ways = [(a, b) for a in self.places for b in self.places if a != b]
        delays: dict[NodeId, float] = {}
        for fault in self._active:
            if isinstance(fault, Slow):
                delays[fault.node] = delays.get(fault.node, 0.0) + fault.delay
        self.cables.set({way for way in ways if any(cut.parts(*way) for cut in cuts)}, delays)
        for node in self.nodes:
            self._process(node)

    def _process(self, node: Server) -> None:
        faults = [fault for fault in self._active if getattr(fault, "node", None) == node.id]
        down = any(isinstance(fault, Crash) for fault in faults)
        paused = any(isinstance(fault, Pause) for fault in faults)
        if node.up and down:
            node.kill()
        elif not (node.up or down or node.retired):
            node.start()
        if node.up and node.paused != paused:
            node.pause() if paused else node.resume()

    def _running(self) -> None:
        if self._closed or self._keeper is None:
            raise RuntimeError(f"the engine is not running: use it in `with {self!r} as engine:`")

    def _node(self, id: NodeId) -> Server:
        return next(node for node in self.nodes if node.id == id)

    def _may_lead(self, id: NodeId) -> None:
        node = self._node(id)
        if not node.up or node.paused:
            state = "is paused" if node.up else "is down"
            raise Unavailable(f"node {id!r} cannot be promoted: it {state}", certain=True)

    def _known(self, name: str, node: object, allowed: Sequence[NodeId]) -> None:
        if node not in allowed:
            ids = ", ".join(map(repr, allowed))
            raise ValueError(f"{name} must name nodes among {ids}, got {node!r}")

    # What an engine must say of itself.

    def _find(self) -> Program:
        """The program that serves it, or NotInstalled."""
        raise NotImplementedError

    def _launch(self) -> None:
        """Fill `nodes`, start them and wait until they serve."""
        raise NotImplementedError

    def _serves(self, node: Server) -> bool:
        """Whether a node answers its own clients."""
        with suppress(Unavailable):
            self.serve("get", "ready", at=node.id, timeout=500)
            return True
        return False

    def _put(self, place: NodeId, key: str, text: str, limit: float) -> None:
        raise NotImplementedError

    def _get(self, place: NodeId, key: str, limit: float) -> Any:
        """The JSON text that was put, or None, or what else `_value` can read."""
        raise NotImplementedError

    def _value(self, found: Any) -> Any:
        """What a client gets of what `_get` found."""
        return json.loads(found)

    def _promote(self, node: NodeId) -> None:
        raise NotImplementedError

    def _follow(self, node: NodeId) -> None:
        raise NotImplementedError


def remaining(limit: float, kind: str) -> float:
    """Seconds until `limit` on the monotonic clock; Unavailable if none are left."""
    seconds = limit - time.monotonic()
    if seconds <= 0:
        raise Unavailable(f"{kind} got no answer in time")
    return seconds
