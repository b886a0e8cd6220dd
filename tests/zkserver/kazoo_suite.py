"""A pytest plugin that runs kazoo's own tests against our server: ``pytest -p tests.zkserver.kazoo_suite``.

kazoo's harness knows an ensemble of Java servers that it starts itself. It is given one of ours instead, kept in a
thread of the tests' process, with a journal: some tests stop it, start it again, and want to find their nodes.
"""

from __future__ import annotations

import atexit
import signal
import sys
import tempfile
import types
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from autohealer.zkserver import ZooKeeperServer

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The client drops its connection with a request under way, and wants to have been quicker than the answer. A real
#: server is too quick for it once in sixty times, ours once in ten: it may try again.
RACE = "test_connection.py::TestConnectionDrop::test_connection_dropped"

#: Test files and tests that need what our server does not claim to be, each with the reason.
EXCLUDED = {
    "test_eventlet_handler.py": "eventlet's handler is kazoo's business, and eventlet is not installed",
    "test_gevent_handler.py": "gevent's handler is kazoo's business, and gevent is not installed",
    "test_utils.py::TestCreateTCPConnection::test_timeout_arg_eventlet": "eventlet",
    "test_utils.py::TestCreateTCPConnection::test_slow_connect": "no server: it wants nobody at 127.0.0.1:2181",
    "test_sasl.py": "SASL",
    "test_build.py": "kazoo's own build on its CI",
    "test_client.py::TestSSLClient": "TLS",
    "test_client.py::TestReconfig": "reconfig of an ensemble",
    "test_client.py::TestClient::test_update_host_list": "three servers",
    "test_connection.py::TestReadOnlyMode": "a read-only member of an ensemble that lost its majority",
}


class Server:
    """What kazoo's harness calls a server of its cluster."""

    def __init__(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="kazoo-suite-")
        atexit.register(directory.cleanup)
        self._server = ZooKeeperServer(data_dir=Path(directory.name))
        atexit.register(self._server.stop)
        self.running = False

    @property
    def address(self) -> str:
        return self._server.hosts

    def run(self) -> None:
        self._server.start()
        self.running = True

    def stop(self) -> None:
        self._server.stop()
        self.running = False


class Cluster:
    """An ensemble of one, which lives as long as the tests' process."""

    def __init__(self) -> None:
        self._server = Server()

    def __iter__(self) -> Iterator[Server]:
        return iter([self._server])

    def __getitem__(self, index: int) -> Server:
        return [self._server][index]

    def start(self) -> None:
        self._server.run()

    def terminate(self) -> None:
        """After each class of tests: the next one may have the same server."""

    def get_logs(self) -> list[str]:
        return []


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--race``: only the test that may fail now and then."""
    parser.addoption("--race", action="store_true")


def pytest_configure(config: pytest.Config) -> None:
    """Before kazoo's tests are collected: they import the harness, and it libraries for keys and certificates."""
    del config
    for name in ("OpenSSL", "jks"):
        sys.modules.setdefault(name, types.ModuleType(name))
    handler = signal.getsignal(signal.SIGUSR1)
    import kazoo.testing.harness  # noqa: PLC0415 - not before its imports are stood in for

    signal.signal(signal.SIGUSR1, handler)  # kazoo.testing puts a debugger there
    cluster = Cluster()
    kazoo.testing.harness.get_global_cluster = lambda: cluster


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is excluded; an exclusion of something that is not there is an error."""
    excluded = [item for item in items if _exclusion(item) is not None]
    missing = EXCLUDED.keys() - {_exclusion(item) for item in excluded}
    if missing:
        raise pytest.UsageError(f"kazoo has no such tests: {', '.join(sorted(missing))}")
    config.hook.pytest_deselected(items=excluded)
    if config.getoption("race"):
        excluded = [item for item in items if not item.nodeid.endswith(RACE)]
    config.hook.pytest_deselected(items=excluded)
    items[:] = [item for item in items if item not in excluded]


def _exclusion(item: pytest.Item) -> str | None:
    node = "::".join([item.path.name, *item.nodeid.split("::")[1:]])
    return next((name for name in EXCLUDED if node == name or node.startswith(f"{name}::")), None)
