"""``--listen``: one socket for all workers, so that no connection is lost while they are exchanged."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

import pytest

from tests.support.pools import Pool
from tests.support.processes import eventually

SERVER = """
import os, signal, socket, sys
if sys.argv[1] == "by-pid":
    assert os.environ["LISTEN_PID"] == str(os.getpid()), os.environ["LISTEN_PID"]
    fd = 3
else:
    assert "LISTEN_PID" not in os.environ
    fd = int(sys.argv[1])
assert os.environ["LISTEN_FDS"] == "1"
listener = socket.socket(fileno=fd)
listener.settimeout(0.02)
ends = []
signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
while not ends:
    try:
        stream, _ = listener.accept()
    except TimeoutError:
        continue
    stream.settimeout(10)
    with stream:
        stream.recv(100)
        stream.sendall(b"%d\\n" % os.getpid())
"""
REQUESTS, CALLERS = 10_000, 4


class Callers:
    """Clients that ask one after the other, until so many requests were made."""

    def __init__(self, port: int, requests: int) -> None:
        self._port, self._left = port, requests
        self.answers: set[bytes] = set()
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(120)

    def is_done(self) -> bool:
        return self._left <= 0

    def _run(self) -> None:
        while not self.is_done() and not self.failures:
            self._left -= 1
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=30) as stream:
                    stream.sendall(b"who?\n")
                    answer = stream.recv(100)
                if not answer:
                    raise ConnectionResetError("no answer")
                self.answers.add(answer)
            except OSError as error:
                self.failures.append(repr(error))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("how", ["{fd}", "by-pid"])
def test_no_connection_is_lost_in_a_rolling_restart(embedded_pool: Pool, how: str) -> None:
    port = free_port()
    embedded_pool.run(2, sys.executable, "-c", SERVER, how, options=["--listen", f"tcp:127.0.0.1:{port}"])
    former = embedded_pool.until_running(2)
    callers = Callers(port, REQUESTS)
    restart = embedded_pool.call("restart")
    callers.wait()

    assert restart.returncode == 0, restart.stderr
    assert callers.failures == []
    assert not set(former.values()) & set(embedded_pool.until_running(2).values())
    assert len(callers.answers) > 1


def test_who_takes_over_listens_beside(embedded_pool: Pool) -> None:
    """The workers of a killed agent answer on; the next agent's own ones, too."""
    port = free_port()
    command = (sys.executable, "-c", SERVER, "{fd}")
    options = ["--listen", f"tcp:127.0.0.1:{port}"]
    embedded_pool.run(2, *command, options=options)
    embedded_pool.until_running(2)
    embedded_pool.kill_agent()
    first = Callers(port, 100)
    first.wait()
    embedded_pool.run(2, *command, options=options)
    former = embedded_pool.until_running(2)
    second = Callers(port, 100)
    second.wait()
    for pid in former.values():
        os.kill(pid, signal.SIGTERM)
    embedded_pool.until_replaced(former, [0, 1])
    third = Callers(port, 100)
    third.wait()

    assert (first.failures, second.failures, third.failures) == ([], [], [])
    assert embedded_pool.stop() == 0
    with socket.socket() as caller:
        assert eventually(lambda: caller.connect_ex(("127.0.0.1", port)) != 0)


def test_an_address_in_use_is_a_usage_error(embedded_pool: Pool) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"tcp:127.0.0.1:{taken.getsockname()[1]}"
        embedded_pool.run(1, "sleep", "1000", options=["--listen", address])
        assert embedded_pool.ended() == 2
    assert f"cannot listen on {address}" in embedded_pool.said()
