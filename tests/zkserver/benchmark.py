"""Our server and a real ZooKeeper, side by side: ``python -m tests.zkserver.benchmark [--json] [--rounds 3]``.

Both are processes of their own, spoken to by the same kazoo client, turn by turn, so that whatever else runs on the
machine hits both. Of several rounds the best is shown: noise only ever adds.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kazoo.client import KazooClient

from autohealer.zkserver import ZooKeeperServer
from tests.support.real_zookeeper import RealZooKeeper
from tests.zkserver.wire import Wire, boolean, create, string

Figures = dict[str, float]

OPERATIONS = 2000
LATENCIES = 400
CHILDREN = 10_000
SESSIONS = 1000
EPHEMERALS = 1000

#: Figures of which more is better; of all others less is.
RATES = ("ops/s",)

PROGRAM = """
import pathlib, sys
from autohealer.zkserver import ZooKeeperServer
server = ZooKeeperServer(data_dir=pathlib.Path(sys.argv[1]))
server.start()
print(server.port, flush=True)
sys.stdin.read()
"""

VICTIM = """
import sys
from kazoo.client import KazooClient
client = KazooClient(hosts=sys.argv[1], timeout=2)
client.start()
client.create("/victim", ephemeral=True)
print(flush=True)
sys.stdin.read()
"""


LOAD = """
import sys, time
from tests.zkserver.wire import Wire, create
with Wire(sys.argv[1]) as wire:
    wire.connect()
    wire.ask(1, create("/load"))
    end = time.monotonic() + 2
    while time.monotonic() < end:
        for _ in range(500):
            wire.send(1, create("/load/s-", b"x" * 100, flags=2))
        for _ in range(500):
            wire.receive()
"""


@contextmanager
def client_of(hosts: str) -> Iterator[KazooClient]:
    client = KazooClient(hosts=hosts)
    client.start()
    try:
        yield client
    finally:
        client.stop()
        client.close()


def rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def rates(hosts: str) -> Iterator[tuple[str, float]]:
    """Operations a second of one client: one after the other, and all at once."""
    operations: dict[str, Callable[[KazooClient, str], object]] = {
        "create": lambda client, path: client.create_async(path, b"x" * 100),
        "get": lambda client, path: client.get_async(path),
        "set": lambda client, path: client.set_async(path, b"y" * 100),
        "delete": lambda client, path: client.delete_async(path),
    }
    with client_of(hosts) as client:
        client.create("/rates")
        paths = [f"/rates/{number}" for number in range(OPERATIONS)]
        for how in ("sync", "pipelined"):
            for name, operation in operations.items():
                start = time.perf_counter()
                if how == "sync":
                    for path in paths:
                        operation(client, path).get()  # type: ignore[attr-defined]
                else:
                    for result in [operation(client, path) for path in paths]:
                        result.get()  # type: ignore[attr-defined]
                yield f"{how} {name}, ops/s", OPERATIONS / (time.perf_counter() - start)
        client.delete("/rates")


def latencies(hosts: str) -> Iterator[tuple[str, float]]:
    """One set; and from one client's set to another's watch."""
    with client_of(hosts) as writer, client_of(hosts) as watcher:
        writer.create("/latency")
        sets, watches = [], []
        for _ in range(LATENCIES):
            told = threading.Event()
            watcher.get("/latency", watch=lambda _event, told=told: told.set())
            start = time.perf_counter()
            writer.set_async("/latency", b"x")
            told.wait(10)
            watches.append(1000 * (time.perf_counter() - start))
            start = time.perf_counter()
            writer.set("/latency", b"x")
            sets.append(1000 * (time.perf_counter() - start))
        writer.delete("/latency")
    for name, values in (("set", sets), ("watch", watches)):
        yield f"{name} latency, median ms", statistics.median(values)
        yield f"{name} latency, p95 ms", statistics.quantiles(values, n=20)[-1]


def listing(hosts: str) -> Iterator[tuple[str, float]]:
    """Many children."""
    with client_of(hosts) as client:
        client.create("/many")
        for result in [client.create_async(f"/many/child-{number:010d}") for number in range(CHILDREN)]:
            result.get()
        times = []
        for _ in range(7):
            start = time.perf_counter()
            client.get_children("/many")
            times.append(1000 * (time.perf_counter() - start))
        yield f"{CHILDREN} children listed, ms", min(times)


def closing_session(hosts: str) -> Iterator[tuple[str, float]]:
    """A session with many ephemerals closes; until a watcher hears of it."""
    with Wire(hosts) as owner, Wire(hosts) as watcher:
        owner.connect()
        watcher.connect()
        owner.ask(1, create("/ephemerals"))
        for number in range(EPHEMERALS):
            owner.send(1, create(f"/ephemerals/{number}", flags=1))
        for _ in range(EPHEMERALS):
            owner.receive()
        watcher.ask(8, string("/ephemerals") + boolean(True))
        start = time.perf_counter()
        owner.send(-11)
        watcher.receive()
        watcher.ask(8, string("/ephemerals") + boolean(False))
        yield f"{EPHEMERALS} ephemerals gone and told of, ms", 1000 * (time.perf_counter() - start)
        watcher.ask(2, string("/ephemerals") + b"\xff\xff\xff\xff")
        watcher.ask(-11)


def expiry(hosts: str) -> Iterator[tuple[str, float]]:
    """From a client's SIGKILL to the end of its session of 2 s."""
    with client_of(hosts) as client:
        victim = subprocess.Popen([sys.executable, "-c", VICTIM, hosts], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with victim:
            assert victim.stdout is not None
            victim.stdout.readline()
            gone = threading.Event()
            client.exists("/victim", watch=lambda _event: gone.set())
            time.sleep(1)  # let it ping, as a living client does
            victim.send_signal(signal.SIGKILL)
            start = time.perf_counter()
            gone.wait(30)
            yield "2 s session expired after, s", time.perf_counter() - start


def memory(hosts: str, pid: int) -> Iterator[tuple[str, float]]:
    """With sessions of its own for each of many connections, on top of the children of `listing`."""
    wires = [Wire(hosts, timeout_ms=60_000).connect() for _ in range(SESSIONS)]
    yield f"memory with {SESSIONS} sessions and {CHILDREN} nodes, MiB", rss_mib(pid)
    for wire in wires:
        wire.send(-11)
        wire.socket.close()


def measure(hosts: str, pid: int) -> Figures:
    figures: Figures = {"memory idle, MiB": rss_mib(pid)}
    for part in (rates, latencies, closing_session, expiry, listing):
        figures.update(part(hosts))
    figures.update(memory(hosts, pid))
    return figures


def measure_ours() -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        start = time.perf_counter()
        command = [sys.executable, "-c", PROGRAM, directory]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            hosts = f"127.0.0.1:{process.stdout.readline().strip()}"
            answered = _answered(hosts, start)
            figures = {"start to first answer, ms": answered} | measure(hosts, process.pid)
            process.kill()
    start = time.perf_counter()
    with ZooKeeperServer() as server:
        figures["start inside a process, ms"] = _answered(server.hosts, start)
        figures["process around it reacts under load, p99 ms"] = _reaction(server.hosts)
    return figures


def _reaction(hosts: str) -> float:
    """How much later than it should this thread wakes while the server beside it has all hands full."""
    late = []
    with subprocess.Popen([sys.executable, "-c", LOAD, hosts]) as load:
        while load.poll() is None:
            start = time.perf_counter()
            time.sleep(0.001)
            late.append(1000 * (time.perf_counter() - start) - 1)
    return statistics.quantiles(late, n=100)[-1]


def measure_real() -> Figures:
    start = time.perf_counter()
    with RealZooKeeper() as server:
        answered = _answered(server.hosts, start)
        process = server._servers[0].process
        assert process is not None
        return {"start to first answer, ms": answered} | measure(server.hosts, process.pid)


def _answered(hosts: str, start: float) -> float:
    host, _, port = hosts.partition(":")
    with closing(socket.create_connection((host, int(port)))) as connection:
        connection.sendall(b"ruok")
        assert connection.recv(4) == b"imok"
    return 1000 * (time.perf_counter() - start)


def best(rounds: list[Figures]) -> Figures:
    return {
        name: (max if name.endswith(RATES) else min)(figures[name] for figures in rounds if name in figures)
        for name in rounds[0]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ours, real = [], []
    for _ in range(options.rounds):
        ours.append(measure_ours())
        real.append(measure_real())
    result = {"ours": best(ours), "real": best(real)}
    if options.json:
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return
    lines = [f"{'':52}{'ours':>10}{'ZooKeeper':>12}   (load {os.getloadavg()[0]:.1f})"]
    for name, value in result["ours"].items():
        theirs = result["real"].get(name)
        lines.append(f"{name:52}{value:10.2f}{'' if theirs is None else f'{theirs:12.2f}'}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
