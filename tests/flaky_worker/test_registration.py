"""The worker's registration, on both kinds of ZooKeeper, through lost connections and sessions."""

from __future__ import annotations

import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from tests.flaky_worker.conftest import SCRIPT, WorkerBench
from tests.support.processes import ROOT, Processes, eventually
from tests.support.real_zookeeper import RealZooKeeper, available


@pytest.fixture
def bench(processes: Processes, zookeeper_hosts: str, connect: Callable[[str], KazooClient]) -> WorkerBench:
    """A worker that is yet to be started, on the embedded server and on a real ZooKeeper in turn."""
    return WorkerBench(processes, zookeeper_hosts, connect(zookeeper_hosts))


@pytest.fixture
def own_zookeeper() -> Iterator[RealZooKeeper]:
    """A real ZooKeeper that this test alone may kill and freeze."""
    if reason := available():
        pytest.fail(reason)
    with RealZooKeeper() as server:
        yield server


@pytest.fixture
def own_bench(processes: Processes, own_zookeeper: RealZooKeeper, connect: Callable[[str], KazooClient]) -> WorkerBench:
    """A worker that is yet to be started, on a ZooKeeper that will not stay up."""
    return WorkerBench(processes, own_zookeeper.patient_hosts, connect(own_zookeeper.hosts))


def test_a_worker_of_an_agent_registers_under_its_id(bench: WorkerBench) -> None:
    """Ephemeral, with all that a registration holds, and /workers is made where it is missing."""
    process = bench.start()
    stat = bench.until_registered()
    data = json.loads(bench.client.get(f"/workers/{bench.worker_id}")[0])

    started = datetime.fromisoformat(data.pop("started"))
    assert data == {
        "worker": bench.worker_id,
        "agent": "agent",
        "host": socket.gethostname(),
        "pid": process.pid,
        "slot": 3,
        "address": None,
    }
    assert abs(started.timestamp() - stat.ctime / 1000) < 30
    assert stat.ephemeralOwner != 0


@pytest.mark.parametrize(
    ("command", "folder"),
    [(["flaky_worker/flaky_worker.py"], ROOT), (["flaky_worker.py"], SCRIPT.parent), (["-m", "flaky_worker"], ROOT)],
    ids=["script", "script in its folder", "module"],
)
def test_a_worker_started_by_hand_registers_as_the_course_s_does(
    command: Sequence[str],
    folder: Path,
    processes: Processes,
    zookeeper_hosts: str,
    connect: Callable[[str], KazooClient],
) -> None:
    """A numbered name, no data; in each of the ways to start it."""
    processes.start(sys.executable, *command, "--fault", "none", "--zk", zookeeper_hosts, cwd=folder)
    client = connect(zookeeper_hosts)
    (name,) = eventually(lambda: client.exists("/workers") and client.get_children("/workers"))
    data, stat = client.get(f"/workers/{name}")

    assert name == "worker_0000000000"
    assert data == b""
    assert stat.ephemeralOwner != 0


def test_a_worker_of_an_agent_can_register_without_its_name(bench: WorkerBench) -> None:
    """``--anonymous``: what an agent must cope with."""
    bench.start("--anonymous")

    assert eventually(lambda: bench.client.exists("/workers") and bench.client.get_children("/workers")) == [
        "worker_0000000000"
    ]


def test_a_chroot_that_is_missing_is_made(bench: WorkerBench) -> None:
    """It is gone when all of ZooKeeper's data was wiped."""
    bench.hosts += "/missing/chroot"
    bench.start()

    eventually(lambda: bench.client.exists(f"/missing/chroot/workers/{bench.worker_id}"))


def test_sigterm_takes_the_registration_away_at_once(bench: WorkerBench) -> None:
    """Exit code 0, and nobody has to wait for the session's end, which is a minute away."""
    process = bench.start("--session-timeout", "60")
    bench.until_registered()
    process.terminate()

    assert process.wait(timeout=10) == 0
    assert bench.stat() is None


def test_sigterm_ends_a_worker_before_it_is_registered(bench: WorkerBench) -> None:
    """It may come at any time."""
    bench.hosts = "127.0.0.1:1"  # nobody is there
    process = bench.start()
    bench.until_said("started")
    process.terminate()

    assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("anonymous", [False, True])
def test_a_worker_whose_session_expired_registers_anew(bench: WorkerBench, anonymous: bool) -> None:
    """Once, with its new session."""
    process = bench.start("--session-timeout", "0.5", *["--anonymous"] * anonymous)
    bench.until_said("registered: ")
    process.send_signal(signal.SIGSTOP)
    eventually(lambda: bench.client.get_children("/workers") == [])
    process.send_signal(signal.SIGCONT)
    bench.until_said("registered: ", times=2)

    expected = "worker_0000000001" if anonymous else bench.worker_id
    assert bench.client.get_children("/workers") == [expected]


def test_a_node_that_a_former_session_left_is_exchanged(
    bench: WorkerBench, connect: Callable[[str], KazooClient]
) -> None:
    """In one step: whoever looks at it sees this worker registered all the time."""
    former = connect(bench.hosts)
    former.create(f"/workers/{bench.worker_id}", ephemeral=True, makepath=True)
    former_zxid = bench.until_registered().czxid
    bench.start()
    bench.until_said("registered: ")
    stat = bench.until_registered()

    assert stat.ephemeralOwner not in (0, former.client_id[0])
    assert bench.client.get_children("/workers") == [bench.worker_id]
    # Deleted and created in one transaction: both of one zxid.
    assert bench.client.exists("/workers").pzxid == stat.czxid > former_zxid


def test_zookeeper_may_come_after_the_worker(
    own_bench: WorkerBench, own_zookeeper: RealZooKeeper, connect: Callable[[str], KazooClient]
) -> None:
    """It works unregistered, and registers as soon as it can."""
    own_zookeeper.kill(0)
    process = own_bench.start()
    own_bench.until_said("working")
    own_zookeeper.restart(0)
    own_bench.client = connect(own_zookeeper.hosts)  # the first one may still believe that nobody is there

    own_bench.until_registered()
    assert process.poll() is None


@pytest.mark.parametrize("anonymous", [False, True])
def test_an_outage_costs_neither_the_worker_nor_its_registration(
    own_bench: WorkerBench, own_zookeeper: RealZooKeeper, connect: Callable[[str], KazooClient], anonymous: bool
) -> None:
    """The session lives through it, and so does the one node."""
    process = own_bench.start("--session-timeout", "9", *["--anonymous"] * anonymous)
    own_bench.until_said("registered: ")
    (name,) = own_bench.client.get_children("/workers")
    before = own_bench.client.exists(f"/workers/{name}")
    own_zookeeper.kill(0)
    own_bench.until_said("zookeeper: suspended")
    own_zookeeper.restart(0)
    own_bench.until_said("registered: ", times=2)
    client = connect(own_zookeeper.hosts)  # the first one may still believe that nobody is there
    after = client.exists(f"/workers/{name}")

    assert client.get_children("/workers") == [name]
    assert (after.czxid, after.ephemeralOwner) == (before.czxid, before.ephemeralOwner)
    assert process.poll() is None


def test_sigterm_does_not_wait_for_a_frozen_zookeeper(
    own_bench: WorkerBench, own_zookeeper: RealZooKeeper, connect: Callable[[str], KazooClient]
) -> None:
    """It ends all the same; its goodbye is read when ZooKeeper goes on, well before its session would end."""
    process = own_bench.start("--session-timeout", "60")
    own_bench.until_registered()
    own_zookeeper.pause(0)
    process.terminate()

    assert process.wait(timeout=15) == 0
    own_zookeeper.resume(0)
    own_bench.client = connect(own_zookeeper.hosts)
    own_bench.until_gone()


def test_a_python_without_kazoo_can_run_the_worker(processes: Processes) -> None:
    """It works, and says why nobody sees it in ZooKeeper."""
    ran = processes.run(sys.executable, "-S", SCRIPT, "--fault", "exit", "--mean-life", "0.01")

    assert "working unregistered: this Python has no " in ran.stdout  # kazoo, or what is needed before it
    assert ran.returncode == 3
