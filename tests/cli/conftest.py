"""The command line in this process, at a ZooKeeper of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kazoo.client import KazooClient

from tests.cli.zkcli import ZkCli
from tests.support.processes import Processes
from tests.support.terminals import Terminal

if TYPE_CHECKING:
    pass


@pytest.fixture
def zk_at_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> ZkCli:
    """``autohealer zk`` that knows of no ZooKeeper."""
    for name in ("AUTOHEALER_ZK", "AUTOHEALER_ZK_AUTH", "AUTOHEALER_POOL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AUTOHEALER_STATE_DIR", str(tmp_path / "state"))
    return ZkCli(capsysbinary, monkeypatch)


@pytest.fixture
def zk(zookeeper_hosts: str, zk_at_nothing: ZkCli, monkeypatch: pytest.MonkeyPatch) -> ZkCli:
    """``autohealer zk`` at an empty chroot; runs the test on the embedded server and on a real ZooKeeper."""
    monkeypatch.setenv("AUTOHEALER_ZK", zookeeper_hosts)
    return zk_at_nothing


@pytest.fixture
def client(zookeeper_hosts: str, connect: Callable[[str], KazooClient]) -> KazooClient:
    """A client that knows nothing of us; its paths are within the test's chroot."""
    return connect(zookeeper_hosts)


@pytest.fixture
def terminal(processes: Processes) -> Iterator[Terminal]:
    """A terminal of 100 columns and 30 lines."""
    opened = Terminal(processes)
    yield opened
    opened.close()
