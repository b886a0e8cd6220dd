"""A worker's connection is found: its own, its child's, IPv4 or the IPv6 form of it."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from autohealer.processes.usage import holding_connection, holds_connection
from tests.support.processes import Processes, eventually

CONNECT = """
import os, socket, sys, time
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
if len(sys.argv) > 3:
    if os.fork():
        connection.close()
os.write(1, b"connected\\n")
time.sleep(600)
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        yield server


def connected(processes: Processes, listener: socket.socket, *arguments: str) -> subprocess.Popen[str]:
    port = str(listener.getsockname()[1])
    output = f"output-{len(processes._started)}"
    process = processes.start(sys.executable, "-c", CONNECT, arguments[0], port, *arguments[1:], output=output)
    eventually(lambda: processes.read(output).count("connected") == len(arguments))
    return process


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
        ("::1", "::1"),
    ],
)
def test_a_connection_is_found(processes: Processes, listener: socket.socket, host: str, address: str) -> None:
    process = connected(processes, listener, host)
    port = listener.getsockname()[1]

    assert holds_connection(process.pid, {(address, port)})
    assert not holds_connection(process.pid, {(address, port + 1), ("127.0.0.2", port)})
    assert not holds_connection(process.pid, set())


def test_many_are_asked_about_at_once(processes: Processes, listener: socket.socket) -> None:
    parent = connected(processes, listener, "127.0.0.1", "and its child")
    alone = connected(processes, listener, "127.0.0.1")
    idle = processes.start("sleep", "600")

    held = holding_connection([parent.pid, alone.pid, idle.pid, 1 << 22], {("127.0.0.1", listener.getsockname()[1])})

    assert held == {parent.pid, alone.pid}


def test_a_name_is_no_address() -> None:
    with pytest.raises(OSError, match="illegal"):
        holding_connection([1], {("localhost", 1)})
