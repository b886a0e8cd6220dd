"""What tests share: ZooKeepers, real and embedded, processes that end with the test, and a worker in Java.

A server is started when a test first asks for it, once in each process of pytest-xdist; tests keep apart by
chroots of their own.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from kazoo.client import KazooClient

from tests.support import browser as chromium
from tests.support import course_worker as course
from tests.support import suite
from tests.support.browser import Browser
from tests.support.pools import Pool
from tests.support.processes import Processes
from tests.support.real_zookeeper import RealZooKeeper, available

# Times for people are local ones: those of one zone, wherever the tests run.
os.environ["TZ"] = "UTC"
time.tzset()

if TYPE_CHECKING:
    from autohealer.zkserver import ZooKeeperServer

# kazoo's own reconnecting slows down to a try a minute and more; a test that ends a server cannot wait for that.
RECONNECTING = {"max_tries": -1, "delay": 0.02, "backoff": 1.5, "max_delay": 0.2}

# The same examples everywhere: a failure is the change's. How fast they are made and run is the machine's affair.
SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
settings.register_profile("any machine", deadline=None, derandomize=True, suppress_health_check=SLOW_IS_FINE)
settings.load_profile("any machine")


def pytest_configure() -> None:
    """Before any test: whatever starts the suite, and however it ends, its agents behave, and end with it."""
    suite.use_usual_signals()
    suite.leave_nothing_behind()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The one long test goes first, or one process would wait for it in the end."""
    items.sort(key=lambda item: item.path.name != "test_kazoo_suite.py")


_chroot_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def same_directory() -> Iterator[None]:
    """A start of a worker changes the directory of the process that starts it."""
    before = Path.cwd()
    yield
    os.chdir(before)


@pytest.fixture(scope="session")
def real_zookeeper() -> Iterator[RealZooKeeper]:
    """A standalone Apache ZooKeeper that is up. Tests that kill or pause one start their own."""
    if reason := available():
        pytest.fail(reason)
    with RealZooKeeper() as server:
        yield server


@pytest.fixture(scope="session")
def embedded_zookeeper() -> Iterator[ZooKeeperServer]:
    """The embedded server that is up, on a port of its own."""
    from autohealer.zkserver import ZooKeeperServer  # noqa: PLC0415 - only where a test asks for it

    with ZooKeeperServer(port=0) as server:
        yield server


@pytest.fixture
def connect() -> Iterator[Callable[[str], KazooClient]]:
    """Connects a client to a connection string; the end of the test closes it."""
    clients: list[KazooClient] = []

    def connected(hosts: str) -> KazooClient:
        servers, slash, chroot = hosts.partition("/")
        thrice = ",".join([servers] * 3)  # see RealZooKeeper.patient_hosts
        client = KazooClient(hosts=f"{thrice}{slash}{chroot}", timeout=10, connection_retry=RECONNECTING)
        clients.append(client)
        client.start()
        return client

    yield connected
    for client in clients:
        client.stop()
        client.close()


@pytest.fixture
def zk_hosts(real_zookeeper: RealZooKeeper, connect: Callable[[str], KazooClient]) -> str:
    """A connection string to an empty chroot on a real ZooKeeper."""
    return _with_chroot(real_zookeeper.hosts, connect)


@pytest.fixture(params=["embedded", "real"])
def zookeeper_hosts(request: pytest.FixtureRequest, connect: Callable[[str], KazooClient]) -> str:
    """A connection string to an empty chroot; runs the test on the embedded server and on a real ZooKeeper."""
    server = request.getfixturevalue(f"{request.param}_zookeeper")
    return _with_chroot(server.hosts, connect)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Starts processes in the test's own directory; whatever came of them is killed at its end."""
    started = Processes(tmp_path)
    yield started
    started.end()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium."""
    if reason := chromium.available():
        pytest.fail(reason)
    with Browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture
def own_pool(processes: Processes, embedded_zookeeper: ZooKeeperServer, connect: Callable[[str], KazooClient]) -> Pool:
    """A pool on a server of the tests' own, which leaves the usual port to others."""
    chroot = f"/own-{processes.directory.name}"
    connect(embedded_zookeeper.hosts).create(chroot)
    return Pool(processes, f"{embedded_zookeeper.hosts}{chroot}", connect)


@pytest.fixture(scope="session")
def course_worker(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command line of a worker in Java on the official client; a further argument is its connection string."""
    if reason := available():
        pytest.fail(reason)
    return course.build(tmp_path_factory.mktemp("course_worker"))


def _with_chroot(hosts: str, connect: Callable[[str], KazooClient]) -> str:
    chroot = f"/test-{next(_chroot_numbers)}"
    connect(hosts).create(chroot)
    return f"{hosts}{chroot}"
