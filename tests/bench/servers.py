"""The embedded server beside Apache ZooKeeper, asked by the same kazoo client in turns.

Neither syncs its journal to the disk. ZooKeeper has the heap that its own scripts give it, and all else as it comes.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import ClassVar, Self

from kazoo.client import KazooClient

from tests.bench.measures import Plan, Sample, rss_mib
from tests.support.real_zookeeper import RealZooKeeper, available
from tests.zkserver.wire import ClosedError, Wire, create, multi, string

OPERATIONS = 1000
WATCHES = 100
WARM_UPS = 4
"""Rounds that are not counted: Java is compiled while it runs."""
NODES = 200_000
AT_ONCE = 1000
PATIENCE_S = 120.0
_CREATE, _EXISTS, _MULTI = 1, 3, 14
_NO_WATCH = b"\0"

PROGRAM = """
import pathlib, sys
from autohealer.zkserver import ZooKeeperServer
server = ZooKeeperServer(data_dir=pathlib.Path(sys.argv[1]), port=int(sys.argv[2]))
server.start()
print(server.port, flush=True)
sys.stdin.read()
"""

OPERATION: dict[str, Callable[[KazooClient, str], object]] = {
    "create": lambda client, path: client.create_async(path, b"x" * 100),
    "get": lambda client, path: client.get_async(path),
    "set": lambda client, path: client.set_async(path, b"y" * 100),
    "delete": lambda client, path: client.delete_async(path),
}


class Server(ABC):
    """One server in a process of its own. ``with`` starts it, and leaves nothing of it."""

    name: ClassVar[str]
    hosts: str
    pid: int

    def __enter__(self) -> Self:
        self.start()
        return self

    @abstractmethod
    def __exit__(self, *exc_info: object) -> None: ...

    @abstractmethod
    def start(self) -> None:
        """The first start."""

    @abstractmethod
    def kill(self) -> None:
        """As a crash would end it."""

    @abstractmethod
    def start_again(self) -> None:
        """On the data that it had."""


class Embedded(Server):
    """What an agent has inside, here alone in a process."""

    name = "embedded server"

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        self._port = "0"

    def __exit__(self, *exc_info: object) -> None:
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, self._folder.name, self._port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._port = self._process.stdout.readline().strip()
        self.hosts, self.pid = f"127.0.0.1:{self._port}", self._process.pid

    def kill(self) -> None:
        with self._process:  # closes its pipes, and waits
            self._process.kill()

    start_again = start


class Real(Server):
    """Apache ZooKeeper, of Debian's package."""

    name = "ZooKeeper 3.8"

    def __init__(self) -> None:
        self._zookeeper = RealZooKeeper(jvm_flags=("-Xmx1000m",))

    def __exit__(self, *exc_info: object) -> None:
        self._zookeeper.stop()

    def start(self) -> None:
        self._zookeeper.start()
        self._find()

    def kill(self) -> None:
        self._zookeeper.kill(0)

    def start_again(self) -> None:
        self._zookeeper.restart(0)
        self._find()

    def _find(self) -> None:
        process = self._zookeeper._servers[0].process
        assert process is not None
        self.hosts, self.pid = self._zookeeper.hosts, process.pid


def kinds() -> list[type[Server]]:
    """Both, or ours alone where the other cannot run."""
    return [Embedded] if available() else [Embedded, Real]


def servers(plan: Plan, _count: int) -> Iterator[Sample]:
    """Operations a second, one after the other and pipelined; from one client's set to another's watch."""
    with ExitStack() as stack:
        running = [stack.enter_context(kind()) for kind in kinds()]
        clients = {each: stack.enter_context(_client_of(each.hosts)) for each in running}
        watchers = {each: stack.enter_context(_client_of(each.hosts)) for each in running}
        for turn in range(WARM_UPS + plan.turns):
            for each in running:
                found = [*_rates(each.name, clients[each]), *_watches(each.name, clients[each], watchers[each])]
                yield from found if turn >= WARM_UPS else ()


def server_starts(plan: Plan, _count: int) -> Iterator[Sample]:
    """From the start of the program to the first answer to a client; its memory then."""
    for _ in range(plan.turns):
        for kind in kinds():
            at = time.monotonic()
            with kind() as server:
                _answered(server.hosts)
                yield Sample("server: start", kind.name, 0, time.monotonic() - at, "s")
                yield Sample("server: memory, empty", kind.name, 0, rss_mib(server.pid), "MiB")


def server_restarts(plan: Plan, _count: int) -> Iterator[Sample]:
    """After a crash, with many nodes: until it answers a client again, and its memory before and after."""
    for kind in kinds():
        with kind() as server:
            _fill(server.hosts)
            yield Sample("server: memory", kind.name, NODES, rss_mib(server.pid), "MiB")
            for _ in range(plan.turns):
                server.kill()
                at = time.monotonic()
                server.start_again()
                _answered(server.hosts)
                yield Sample("server: restart", kind.name, NODES, time.monotonic() - at, "s")
            yield Sample("server: memory after a restart", kind.name, NODES, rss_mib(server.pid), "MiB")


def _rates(name: str, client: KazooClient) -> Iterator[Sample]:
    client.create("/rates")
    paths = [f"/rates/{number}" for number in range(OPERATIONS)]
    for how in ("sync", "pipelined"):
        for verb, operation in OPERATION.items():
            at = time.perf_counter()
            if how == "sync":
                for path in paths:
                    operation(client, path).get()  # type: ignore[attr-defined]  # kazoo has no types
            else:
                for result in [operation(client, path) for path in paths]:
                    result.get()  # type: ignore[attr-defined]  # kazoo has no types
            yield Sample(f"server: {how} {verb}", name, 0, OPERATIONS / (time.perf_counter() - at), "/s")
    client.delete("/rates")


def _watches(name: str, writer: KazooClient, watcher: KazooClient) -> Iterator[Sample]:
    writer.create("/watched")
    took = []
    for _ in range(WATCHES):
        told = threading.Event()
        watcher.get("/watched", watch=lambda _event, told=told: told.set())
        at = time.perf_counter()
        writer.set_async("/watched", b"x")
        told.wait(10)
        took.append(time.perf_counter() - at)
    writer.delete("/watched")
    yield Sample("server: watch", name, 0, statistics.median(took), "s")


def _fill(hosts: str) -> None:
    """So many nodes of a hundred bytes, in transactions."""
    with Wire(hosts, timeout_ms=60_000) as wire:
        wire.connect()
        wire.ask(_CREATE, create("/many"))
        for first in range(0, NODES, AT_ONCE):
            numbers = range(first, first + AT_ONCE)
            wire.ask(_MULTI, multi([(_CREATE, create(f"/many/{number:07d}", b"x" * 100)) for number in numbers]))
        assert wire.ask(_EXISTS, string(f"/many/{NODES - 1:07d}") + _NO_WATCH).error == 0


def _answered(hosts: str) -> None:
    """Wait until a client gets an answer about a node."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with suppress(OSError, ClosedError), Wire(hosts) as wire:
            wire.connect()
            if wire.session_id and wire.ask(_EXISTS, string("/") + _NO_WATCH).error == 0:
                return
        time.sleep(0.002)
    raise TimeoutError(hosts)


@contextmanager
def _client_of(hosts: str) -> Iterator[KazooClient]:
    client = KazooClient(hosts=hosts)
    client.start()
    try:
        yield client
    finally:
        client.stop()
        client.close()
