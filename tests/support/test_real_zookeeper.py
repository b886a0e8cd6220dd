"""The real ZooKeeper that tests use, and the faults that they put to it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from kazoo.client import KazooClient

from tests.support import real_zookeeper
from tests.support.processes import Processes, eventually
from tests.support.real_zookeeper import RealZooKeeper, ZooKeeperFailedError, available, four_letter_word

TESTS_THAT_HANG = """
import time
from tests.support.real_zookeeper import RealZooKeeper
RealZooKeeper().start()
print("up", flush=True)
time.sleep(1000)
"""


def _servers_of(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children(recursive=True) if child.name() == "java"]


def test_an_ensemble_outlives_its_leader(connect: Callable[[str], KazooClient]) -> None:
    """What was written stays, and the old leader comes back as a follower."""
    with RealZooKeeper(servers=3) as ensemble:
        connect(ensemble.hosts).create("/kept", b"data")
        eventually(lambda: ensemble.leader() is not None, what="a leader")
        first = ensemble.leader()
        assert first is not None
        ensemble.kill(first)
        eventually(lambda: ensemble.leader() not in (None, first), what="another leader")
        ensemble.restart(first)

        assert ensemble.leader() not in (None, first)
        assert connect(ensemble.hosts).get("/kept")[0] == b"data"


def test_a_paused_server_answers_nobody_until_it_is_resumed() -> None:
    """Its port stays open all the while."""
    with RealZooKeeper() as server:
        port = int(server.hosts.rpartition(":")[2])
        server.pause(0)
        assert server.leader() is None
        assert four_letter_word(port, "ruok") == ""
        server.resume(0)

        assert eventually(lambda: four_letter_word(port, "ruok")) == "imok"


def test_a_server_that_was_stopped_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a process nor a file, paused or not."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(_servers_of(os.getpid()))
    server = RealZooKeeper().start()
    started = set(_servers_of(os.getpid())) - before
    assert len(started) == 1
    assert list(tmp_path.iterdir()) != []
    server.pause(0)
    server.stop()

    assert not any(process.is_running() for process in started)
    assert list(tmp_path.iterdir()) == []


def test_a_server_dies_with_the_tests_that_started_it(processes: Processes) -> None:
    """Even where these were killed."""
    tests = processes.start("python", "-c", TESTS_THAT_HANG, env={"TMPDIR": str(processes.directory)})
    eventually(lambda: "up" in processes.read(), timeout=60)
    assert len(processes.alive()) == 2
    tests.kill()

    eventually(lambda: processes.alive() == [], what="the end of the server")


def test_where_zookeeper_is_missing_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And does not start."""
    monkeypatch.setattr(real_zookeeper, "CLASS_PATH", "/absent/zookeeper.jar")
    reason = available()

    assert reason is not None
    assert "/absent/zookeeper.jar" in reason
    assert "apt-get install libzookeeper-java" in reason
    with pytest.raises(ZooKeeperFailedError, match="absent"):
        RealZooKeeper().start()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """For whoever has to find out why."""
    monkeypatch.setattr(real_zookeeper, "MAIN", "no.such.Main")

    with pytest.raises(ZooKeeperFailedError, match=r"no\.such\.Main"):
        RealZooKeeper().start()
