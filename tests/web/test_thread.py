"""The endpoint's thread in this process: slow readers, mistakes of ours, more connections than may be, and its end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from autohealer.coordination.admin.pool_client import PoolClient
from autohealer.core.operations import Answer, Operation, done
from autohealer.core.pool.snapshot import Snapshot
from autohealer.web import server as server_module
from autohealer.web.endpoint import Endpoint
from autohealer.web.guard import guard
from autohealer.web.listening import listen
from tests.support.processes import eventually
from tests.web.client import Client
from tests.web.scenes import SNAPSHOT


class FakeWindow:
    """Of an agent whose thread is whoever calls; ``is_stuck``: it does not come to it."""

    agent, host, zookeeper = "me", "h", "zk:2181"

    def __init__(self) -> None:
        self.is_stuck = False
        self.snapshot: Callable[[], Snapshot] = lambda: SNAPSHOT

    def call_soon(self, function: Callable[[], object]) -> object:
        return None if self.is_stuck else function()

    def ask(self, operation: Operation, answered: Callable[[Answer], object]) -> None:
        self.call_soon(lambda: answered(done()))

    def look(self, deliver: Callable[[Snapshot, float], object]) -> None:
        self.call_soon(lambda: deliver(self.snapshot(), 0.0))


class Running:
    """An endpoint, and what it has warned of."""

    def __init__(self) -> None:
        self.window, self.warnings = FakeWindow(), list[str]()
        self.listening = listen("127.0.0.1:0")
        self.endpoint = Endpoint(
            self.listening, connect=self._connect, of_cluster=lambda _, local: local, warn=self.warnings.append
        )
        self.client = Client(self.listening.address)

    def begin(self) -> None:
        self.endpoint.begin(self.window, guard(names=(), is_loopback=True, own_names=(), token=None))

    def _connect(self) -> PoolClient:
        raise AssertionError("nobody is to ask ZooKeeper here")


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running()
    made.begin()
    yield made
    made.endpoint.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "web"]


def slow_reader(running: Running) -> socket.socket:
    """Asks for the events, and reads none of them."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(running.listening.socket.getsockname())
    reader.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert reader.recv(1)
    return reader


def is_cut_off(reader: socket.socket) -> bool:
    """Whether nothing more will come, once all that the system had taken on is read."""
    reader.setblocking(False)
    try:
        while reader.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True


def test_a_slow_reader_is_cut_off(running: Running) -> None:
    """Its connection is broken rather than more and more kept for it; one who reads gets everything."""
    events = 40_000
    got: list[int] = []

    def reads_up_to(n: int) -> bool:
        return bool(got) and got[-1] >= n

    def read() -> None:
        with running.client.events() as stream:
            started.set()
            for _, event in stream:
                got.append(event["n"])
                if event["n"] == events - 1:
                    break

    started = threading.Event()
    reader = threading.Thread(target=read)
    reader.start()
    assert started.wait(60)
    with slow_reader(running) as slow:
        for n in range(events):
            running.endpoint.take({"n": n, "text": "x" * 200})
            if n % 200 == 199:  # as quick as the other one reads, however slow this machine is
                eventually(partial(reads_up_to, n))
        eventually(lambda: is_cut_off(slow), 60, "cut off")
    reader.join(60)
    assert got == list(range(events))
    assert running.warnings == []


def test_an_agent_that_does_not_answer(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said to be so, everywhere that its answer is needed, after a while; events and the page need none."""
    for name in ("snapshot_of", "pulse_of"):
        patient = getattr(server_module, name)
        monkeypatch.setattr(server_module, name, lambda window, patient=patient: patient(window, 0.05))
    eventually(lambda: running.client.get("/healthz").status == 200)
    running.window.is_stuck = True
    for path in ("/healthz", "/readyz", "/metrics"):
        answer = running.client.get(path)
        assert (answer.status, answer.text) == (503, "the agent has not answered within 0.05 s\n")
    assert running.client.get("/").status == 200


def test_a_mistake_of_ours(running: Running) -> None:
    """Costs that answer, and is said once."""

    def fail() -> Snapshot:
        return None  # type: ignore[return-value]

    running.window.snapshot = fail
    for _ in range(3):
        assert running.client.get("/readyz").status == 500
    assert running.client.get("/healthz").status == 200
    assert len(running.warnings) == 1
    assert running.warnings[0].startswith("the HTTP endpoint failed to answer: AttributeError")


def test_more_connections_than_may_be(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is broken at once: descriptors are for workers. When some have gone there is room again."""
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 3)
    where = running.listening.socket.getsockname()
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(where)) for _ in range(3)]
        for connection in held:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert connection.recv(100)
        assert not _answers(running.client)
    eventually(lambda: _answers(running.client))


def _answers(client: Client) -> bool:
    try:
        return client.get("/healthz").status == 200
    except ConnectionError:
        return False


def test_an_end_before_it_has_begun() -> None:
    """Nothing is left of it."""
    running = Running()
    running.endpoint.take({"event": "x"})
    running.endpoint.close()
    assert running.listening.socket.fileno() == -1


def test_an_end_while_it_begins() -> None:
    """While it imports what it needs, it can be told to end."""
    running = Running()
    running.begin()
    running.endpoint.close()
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name == "web"])
    assert running.warnings == []


def test_events_before_it_has_begun() -> None:
    """Are not lost."""
    early = Running()
    early.endpoint.take({"n": 1})
    early.begin()
    with early.client.events() as events:
        assert next(events)[1] == {"n": 1}
    early.endpoint.close()
