"""A pool for each test: on the embedded server, on a real ZooKeeper, or first on the one and then on the other."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from tests.support.pools import Pool
from tests.support.processes import Processes, eventually

Connect = Callable[[str], KazooClient]

USUAL_PORT = 2181
PATIENCE_S = 100.0


@pytest.fixture
def embedded_pool(processes: Processes, connect: Connect) -> Iterator[Pool]:
    """A pool whose ZooKeeper is inside the agent, on whatever port."""
    with _usual_port(fcntl.LOCK_SH):
        yield Pool(processes, None, connect)


@pytest.fixture
def usual_port_pool(processes: Processes, connect: Connect) -> Iterator[Pool]:
    """A pool whose ZooKeeper is inside the agent, on port 2181."""
    with _usual_port(fcntl.LOCK_EX):
        eventually(_is_free, PATIENCE_S, f"port {USUAL_PORT} is taken by somebody else")
        yield Pool(processes, None, connect)


@pytest.fixture
def real_pool(processes: Processes, connect: Connect, zk_hosts: str) -> Pool:
    """A pool on a real ZooKeeper."""
    return Pool(processes, zk_hosts, connect)


@pytest.fixture(params=["embedded", "real"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """A pool; runs the test on the embedded server and on a real ZooKeeper. One that fails shows what happened."""
    found: Pool = request.getfixturevalue(f"{request.param}_pool")
    yield found
    print(*found.events()[-50:], sep="\n")  # noqa: T201 - pytest shows it with a failure


@contextmanager
def _usual_port(how: int) -> Iterator[None]:
    """Every embedded server takes port 2181 if it is free: a test that wants it for certain has to be alone.

    Who waits for the room waits in its door, so that nobody comes in before him.
    """
    with _locked("door", fcntl.LOCK_EX), ExitStack() as room:
        room.enter_context(_locked("room", how))
        inside = room.pop_all()
    with inside:
        yield


@contextmanager
def _locked(name: str, how: int) -> Iterator[None]:
    path = Path(tempfile.gettempdir()) / f"autohealer-tests-{os.getuid()}-port-{USUAL_PORT}-{name}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def is_mine() -> bool:
        with suppress(BlockingIOError):
            fcntl.flock(fd, how | fcntl.LOCK_NB)
            return True
        return False

    try:
        eventually(is_mine, PATIENCE_S, f"another test has port {USUAL_PORT}")
        yield
    finally:
        os.close(fd)


def _is_free() -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", USUAL_PORT))
        return True
    return False
