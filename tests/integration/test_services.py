"""`register` and `services` on real processes: an address is there while it is good, and never after."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NotEmptyError

from tests.support import pools
from tests.support.processes import BIN, Processes, eventually
from tests.support.real_zookeeper import RealZooKeeper

SESSION = ("--session-timeout", "2")


@dataclass
class Registry:
    """The command line at one ZooKeeper."""

    processes: Processes
    zk: str

    def register(self, *arguments: str, output: str = "output") -> subprocess.Popen[str]:
        return self.processes.autohealer("register", "--zk", self.zk, *SESSION, *arguments, output=output)

    def services(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.processes.run_autohealer("services", "--zk", self.zk, "--json", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found


@pytest.fixture
def registry(processes: Processes, zookeeper_hosts: str) -> Registry:
    return Registry(processes, zookeeper_hosts)


@pytest.fixture
def client(registry: Registry, connect: Callable[[str], KazooClient]) -> KazooClient:
    return connect(registry.zk)


def children(client: KazooClient, service: str = "web") -> list[str]:
    """The nodes of a service."""
    return pools.children(client, f"/service_registry/{service}")


def test_an_address_is_there_while_its_command_runs(registry: Registry, client: KazooClient) -> None:
    script = "echo $AUTOHEALER_SERVICE $AUTOHEALER_ADDRESS $AUTOHEALER_ZK; read line < $0; exit 9"
    fifo = registry.processes.directory / "fifo"
    subprocess.run(["mkfifo", fifo], check=True)
    process = registry.register("web", "10.0.0.7:8000", "--", "bash", "-c", script, str(fifo))
    (node,) = eventually(lambda: children(client))
    data, stat = client.get(f"/service_registry/web/{node}")

    assert data == b"10.0.0.7:8000"
    assert stat.ephemeralOwner
    assert registry.services() == [{"service": "web", "id": node, "address": "10.0.0.7:8000"}]
    fifo.write_text("end\n")
    assert process.wait(20) == 9
    assert children(client) == []
    assert f"web 10.0.0.7:8000 {registry.zk}\n" in registry.processes.read()


def test_without_a_command_until_told_to_stop(registry: Registry, client: KazooClient) -> None:
    process = registry.register("web", "ünï:1")
    eventually(lambda: children(client))
    assert registry.services("web")[0]["address"] == "ünï:1"
    process.terminate()

    assert process.wait(20) == 0
    assert children(client) == []


def test_told_to_stop_the_address_goes_before_the_command(registry: Registry, client: KazooClient) -> None:
    script = "trap 'echo asked' TERM; echo began; while :; do sleep 0.02; done"
    process = registry.register("web", "h:1", "--", "bash", "-c", script)
    eventually(lambda: children(client) and "began" in registry.processes.read())
    process.terminate()
    eventually(lambda: "asked" in registry.processes.read())
    eventually(lambda: not children(client))
    assert process.poll() is None
    process.terminate()

    assert process.wait(20) == 130
    eventually(lambda: not registry.processes.alive())


def test_a_hangup_that_was_ignored_at_the_start_stays_ignored(registry: Registry) -> None:
    """It is not taken for the first of two signals, of which the second kills at once (130)."""
    options = ("--zk", registry.zk, *SESSION, "--stop-timeout", "0.2")
    script = "trap '' TERM; echo began; while :; do sleep 0.02; done"
    command = (BIN / "autohealer", "register", *options, "web", "h:1", "--", "bash", "-c", script)
    process = registry.processes.start("nohup", *command)
    eventually(lambda: "began" in registry.processes.read())
    process.send_signal(signal.SIGHUP)
    process.terminate()

    assert process.wait(20) == 0


def test_a_node_that_is_deleted_comes_back(registry: Registry, client: KazooClient) -> None:
    registry.register("web", "h:1")
    (node,) = eventually(lambda: children(client))
    first = client.exists(f"/service_registry/web/{node}").czxid
    with suppress(NotEmptyError):  # it is quicker
        client.delete("/service_registry", recursive=True)

    def came_back() -> bool:
        stats = [client.exists(f"/service_registry/web/{again}") for again in children(client)]
        return bool(stats) and all(stat and stat.czxid > first for stat in stats)

    eventually(came_back)


def test_after_a_lost_session_it_registers_anew(
    real_zookeeper: RealZooKeeper, zk_hosts: str, processes: Processes, connect: Callable[[str], KazooClient]
) -> None:
    registry, client = Registry(processes, zk_hosts), connect(zk_hosts)
    process = registry.register("web", "h:1")
    (former,) = eventually(lambda: children(client))
    process.send_signal(signal.SIGSTOP)
    eventually(lambda: not children(client), what="the end of the session")
    process.send_signal(signal.SIGCONT)
    (later,) = eventually(lambda: children(client))

    assert later != former


def test_an_address_is_withdrawn_while_its_check_fails(registry: Registry, client: KazooClient) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    checked = ("--check-http", f"http://127.0.0.1:{port}/", "--check-interval", "0.05")
    registry.register("web", "h:1", *checked, output="said")
    eventually(lambda: "the check of web fails" in registry.processes.read("said"))
    assert children(client) == []
    for _ in range(2):
        web = registry.processes.start(sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1")
        eventually(lambda: children(client), what="the address")
        web.kill()
        web.wait()
        eventually(lambda: not children(client), what="its withdrawal")


def test_all_services_and_the_pools_own(registry: Registry, client: KazooClient) -> None:
    assert registry.services() == []
    assert registry.services("web") == []
    client.create("/service_registry/host-k3x9qa-0-1", b"10.0.0.7:8000", ephemeral=True, makepath=True)
    client.create("/service_registry/odd", b"\xff\x00", ephemeral=True)
    client.create("/service_registry/web/b", b"h:2", ephemeral=True, makepath=True)
    client.create("/service_registry/web/a", b"h:1", ephemeral=True)
    client.create("/service_registry/web/persistent", b"h:3")
    client.create("/service_registry/empty")

    assert [tuple(found.values()) for found in registry.services()] == [
        (None, "host-k3x9qa-0-1", "10.0.0.7:8000"),
        (None, "odd", None),
        ("web", "a", "h:1"),
        ("web", "b", "h:2"),
    ]
    assert [found["id"] for found in registry.services("web")] == ["a", "b"]
    text = registry.processes.run_autohealer("services", "--zk", registry.zk).stdout.splitlines()
    assert text[0].split() == ["service", "address", "id"]
    assert len(text) == 5


def test_each_pool_has_a_registry_of_its_own(registry: Registry, client: KazooClient) -> None:
    registry.register("web", "h:1", "--pool", "other")
    eventually(lambda: client.exists("/pools/other/service_registry/web"))
    eventually(lambda: registry.services("--pool", "other"))

    assert registry.services() == []


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("elect", "/election"), 2, "error: /election belongs to a pool; choose another path"),
        (("elect", "/pools/x/workers/y"), 2, "error: /pools/x/workers/y belongs to a pool"),
        (("elect", "/"), 2, "error: nobody can stand for election at /"),
        (("elect", "relative"), 2, "error: Path must start with / character"),
        (("elect", "/elect/x", "--", "./no-such"), 2, "error: command not found: ./no-such"),
        (("elect", "--zk", "127.0.0.1:1", "--connect-timeout", "0.2"), 3, "error: no ZooKeeper answers at"),
        (("register", "web", "h:1", "--zk", "127.0.0.1:1", "--connect-timeout", "0.2"), 3, "error: no ZooKeeper"),
        (("register", "a/b", "h:1"), 2, "error: 'a/b' cannot be the name of a service"),
        (("register", "web", ""), 2, "error: '' is no address"),
        (("register", "web"), 2, "error: Missing argument 'ADDRESS'"),
        (("register", "web", "h:1", "--check-http", "nonsense"), 2, "error: 'nonsense' is no URL"),
        (("services", "a/b"), 2, "error: 'a/b' cannot be the name of a service"),
        (
            ("services", "--pool", "../x"),
            2,
            "error: Invalid value for '--pool': '../x' cannot be the name of a pool; use",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_said_in_one_line(
    processes: Processes, arguments: tuple[str, ...], code: int, error: str
) -> None:
    done = processes.run_autohealer(*arguments)

    assert done.returncode == code
    assert done.stderr.startswith(error)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["elect", "register", "services"])
def test_help_shows_an_example_first(processes: Processes, command: str) -> None:
    text = processes.run_autohealer(command, "--help").stdout

    assert text.startswith(f"Usage: autohealer {command} [OPTIONS]")
    assert f"\n    autohealer {command}" in text.partition("Options:")[0]


def test_a_pools_own_workers_are_in_the_registry_while_they_are_ready(pool: pools.Pool) -> None:
    """With a port each; the next life of a slot takes the place of the one before, under its own name."""

    def are_listed() -> bool:
        done = pool.call("services", "--json")
        workers = [(worker["worker"], worker["address"]) for worker in pool.workers().values()]
        found = [] if done.returncode else json.loads(done.stdout)
        listed = [(one["id"], one["address"]) for one in found if one["service"] is None]
        return len(listed) == 2 and sorted(listed) == sorted(workers)

    pool.run(2, options=("--port-base", "8100"))
    pids = pool.until_running(2)
    eventually(are_listed)
    addresses = [worker["address"] for worker in pool.workers().values()]
    assert addresses == [f"{socket.gethostname()}:{port}" for port in (8100, 8101)]
    os.kill(pids[1], signal.SIGKILL)
    pool.until_replaced(pids, [1])
    eventually(are_listed)
