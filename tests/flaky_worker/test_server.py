"""What a flaky worker answers by HTTP."""

from __future__ import annotations

import http.client
import socket

from flaky_worker.server import METRIC, Server


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_health_and_work() -> None:
    """Well until it is made ill; a client that says nothing holds nobody up for long."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server(port)
    server.work_done = 7
    assert ask(port, "/") == (200, "well\n")
    server.is_well = False
    with socket.create_connection(("127.0.0.1", port)):
        pass  # hangs up at once
    assert ask(port, "/healthz")[0] == 500

    assert ask(port, "/metrics") == (200, f"{METRIC} 7\n")
    server.close()
