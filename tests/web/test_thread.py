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
from autohealer.views.reading import record_of
from autohealer.web import connections as connections_module
from autohealer.web import server as server_module
from autohealer.web.endpoint import Endpoint
from autohealer.web.guard import guard
from autohealer.web.listening import listen
from autohealer.web.site import Sources
from autohealer.web.token import Token
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

    token = "known-to-the-tests-and-to-nobody-else"

    def __init__(self) -> None:
        self.window, self.warnings = FakeWindow(), list[str]()
        self.listening = listen("127.0.0.1:0")
        sources = Sources("default", self._connect, lambda _, local: local, lambda _worker, _most: [], lambda _, __: [])
        self.endpoint = Endpoint(self.listening, [sources], warn=self.warnings.append)
        self.client = Client(self.listening.address)

    def begin(self) -> None:
        token = Token(self.token, "the tests")
        self.endpoint.open("default", self.window)
        self.endpoint.begin(guard(names=(), is_loopback=True, own_names=(), token=token))

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
            running.endpoint.take(record_of({"n": n, "text": "x" * 200}))
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
        return None  # type: ignore[return-value]  # the mistake

    running.window.snapshot = fail
    for _ in range(3):
        assert running.client.get("/readyz").status == 500
    assert running.client.get("/healthz").status == 200
    assert len(running.warnings) == 1
    assert running.warnings[0].startswith("the HTTP endpoint failed to answer: AttributeError")


@pytest.mark.parametrize(
    "said",
    [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
    ids=["nothing", "half", "whole"],
)
def test_more_connections_than_may_be(running: Running, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    """The oldest goes for the newest: who says nothing, or half of something, or nothing more, keeps nobody out."""
    monkeypatch.setattr(connections_module, "MOST", 3)
    where = running.listening.socket.getsockname()
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(where, 60)) for _ in range(3)]
        for connection in held:
            connection.sendall(said)
            assert said[-1:] != b"\n" or connection.recv(100)
        for _ in range(9):
            assert running.client.get("/healthz").status == 200
        while held[0].recv(1 << 16):
            pass
    assert running.warnings == []


def test_connections_in_use_are_kept(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of events is not cut off for somebody new, who is broken; when it has gone there is room again."""
    monkeypatch.setattr(connections_module, "MOST", 3)
    with ExitStack() as stack:
        streams = [stack.enter_context(running.client.events()) for _ in range(3)]
        assert not _answers(running.client)
        running.endpoint.take(record_of({"n": 1}))
        assert [next(stream)[1] for stream in streams] == [{"n": 1}] * 3
    eventually(lambda: _answers(running.client))


def test_a_body_that_does_not_come(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who promises one is waited for a while, and no longer: it would hold its place for ever."""
    monkeypatch.setattr(server_module, "BODY_S", 0.2)
    head = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer {running.token}\r\n"

    answer = running.client.raw(f"POST /api/v1/stop HTTP/1.1\r\n{head}Content-Length: 9\r\n\r\n{{".encode())

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"the body did not come within 0.2 s" in answer


def test_a_client_that_goes_before_all_of_its_body_has_come(running: Running) -> None:
    """That is its own affair: nobody is warned."""
    eventually(lambda: _answers(running.client))
    head = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer {running.token}\r\n"
    with socket.create_connection(running.listening.socket.getsockname(), 60) as connection:
        connection.sendall(f"POST /api/v1/stop HTTP/1.1\r\n{head}Content-Length: 9\r\n\r\n{{".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""

    assert running.client.get("/healthz").status == 200
    assert running.warnings == []


POST = b"POST /api/v1/stop HTTP/1.1\r\nHost: 127.0.0.1\r\n"

#: What is no HTTP, or no JSON; each after a valid beginning as far as possible.
MALFORMED = {
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "zookeeper": b"\0\0\0\x2d" + bytes(45) + b"\r\n\r\n",
    "method": b"G\x00T / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "version": b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "target": b"GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "target bytes": b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "long target": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nno colon\r\n\r\n",
    "header bytes": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: \x00\x01\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: " + b"a" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"A: b\r\n" * 50_000 + b"\r\n",
    "length": POST + b"Content-Length: -1\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "chunks": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "both": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
    "after a good one": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n\x00\x01 / HTTP/1.1\r\n\r\n",
    "expect": POST + b"Expect: miracles\r\nContent-Length: 0\r\n\r\n",
    "upgrade": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_http_is_the_clients_failure(running: Running, name: str) -> None:
    """It is answered as such or cut off, never told as ours, and costs nobody else anything."""
    eventually(lambda: _answers(running.client))
    host, port = running.listening.socket.getsockname()
    with socket.create_connection((host, port), 60) as connection:
        connection.sendall(MALFORMED[name])
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    assert b" 500 " not in answer
    assert b"Traceback" not in answer
    assert running.client.get("/healthz").status == 200
    assert running.warnings == []


#: Bodies behind a valid head: headers of their own, the body as it is sent.
BODIES = {
    "chunks": ("Transfer-Encoding: chunked", b"zz\r\n{}\r\n0\r\n\r\n"),
    "gzip": ("Content-Encoding: gzip\r\nContent-Length: 4", b"\x1f\x8bxx"),
    "deflate": ("Content-Encoding: deflate\r\nContent-Length: 4", b"\xff\xff\xff\xff"),
    "no json": ("Content-Length: 2", b"{{"),
    "a list": ("Content-Length: 2", b"[]"),
    "no utf-8": ("Content-Length: 12", b'{"worker":"\xff'),
    "deep": ("Content-Length: 4000", b"[" * 4000),
    "surrogate": ("Content-Length: 21", b'{"worker": "\\ud83d-1"}'),
    "surrogate key": ("Content-Length: 13", b'{"\\udfff": 10}'),
    "surrogate deep": ("Content-Length: 34", b'{"agent": "a", "b": [{"c\\ud800":1}]}'),
    "surrogate utf-8": ("Content-Length: 15", b'{"worker":"\xed\xa0\x80"}'),
    "digits": ("Content-Length: 4000", b'{"workers": ' + b"9" * 3987 + b"}"),
    "infinity": ("Content-Length: 18", b'{"workers": 1e999}'),
    "control": ("Content-Length: 30", b'{"worker": "a\\u001b[2J-1-\\u0000"}'),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("verb", ["scale", "kill"])
def test_odd_bodies_are_the_clients_failure(running: Running, name: str, verb: str) -> None:
    """A line says so; half a character is none."""
    headers, body = BODIES[name]
    head = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer {running.token}\r\n{headers}"
    eventually(lambda: _answers(running.client))

    answer = running.client.raw(f"POST /api/v1/{verb} HTTP/1.1\r\nConnection: close\r\n{head}\r\n\r\n".encode() + body)

    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.0 400"))
    assert running.client.get("/healthz").status == 200
    assert running.warnings == []


def _answers(client: Client) -> bool:
    try:
        return client.get("/healthz").status == 200
    except ConnectionError:
        return False


def test_an_end_before_it_has_begun() -> None:
    """Nothing is left of it."""
    running = Running()
    running.endpoint.take(record_of({"event": "x"}))
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
    early.endpoint.take(record_of({"n": 1}))
    early.begin()
    with early.client.events() as events:
        assert next(events)[1] == {"n": 1}
    early.endpoint.close()
