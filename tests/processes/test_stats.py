"""CPU time and memory of workers and their trees; connections, a worker's own, its child's, IPv4 or its IPv6 form."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from autohealer.processes.stats import holding_connection, measure, memory_available
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

    assert holding_connection([process.pid], {(address, port)}) == {process.pid}
    assert not holding_connection([process.pid], {(address, port + 1), ("127.0.0.2", port)})
    assert not holding_connection([process.pid], set())


def test_many_are_asked_about_at_once(processes: Processes, listener: socket.socket) -> None:
    parent = connected(processes, listener, "127.0.0.1", "and its child")
    alone = connected(processes, listener, "127.0.0.1")
    idle = processes.start("sleep", "600")

    held = holding_connection([parent.pid, alone.pid, idle.pid, 1 << 22], {("127.0.0.1", listener.getsockname()[1])})

    assert held == {parent.pid, alone.pid}


EATER = """
import os, subprocess, sys, time
block = b"\\1" * (64 << 20)
if "busy" in sys.argv:
    end = time.process_time() + 0.3
    while time.process_time() < end: pass
os.write(1, b"eaten\\n")
time.sleep(1000)
"""


def eater(processes: Processes, *how: str) -> subprocess.Popen[str]:
    """A worker of 64 MiB."""
    process = processes.start(sys.executable, "-c", EATER, *how)
    eventually(lambda: "eaten" in processes.read())
    return process


def test_memory_and_cpu_time_of_a_process(processes: Processes) -> None:
    """As the kernel counts them."""
    worker = eater(processes, "busy")
    found = measure([worker.pid], tree=False)[worker.pid]

    assert 64 << 20 <= found.rss < 200 << 20
    assert 0.25 <= found.cpu_s < 20
    assert (found.state, found.traced) == ("S", False)


def test_a_tree_counts_together(processes: Processes) -> None:
    """A launcher is as large as what it launches, though that is in a session of its own."""
    inner = f"import os; os.setsid(); exec({EATER!r})"
    launcher = processes.start(
        sys.executable, "-c", f"import subprocess, sys; subprocess.call([sys.executable, '-c', {inner!r}, 'busy'])"
    )
    eventually(lambda: "eaten" in processes.read())
    alone = measure([launcher.pid], tree=False)[launcher.pid]
    tree = measure([launcher.pid], tree=True)[launcher.pid]

    assert alone.rss < 64 << 20 <= tree.rss
    assert tree.cpu_s >= alone.cpu_s + 0.25


def test_what_stands_still_is_seen(processes: Processes) -> None:
    """Stopped, by nobody's debugger."""
    worker = processes.start("sleep", "1000")
    worker.send_signal(signal.SIGSTOP)
    found = eventually(lambda: [it for it in measure([worker.pid], tree=True).values() if it.state == "T"])

    assert not found[0].traced


def test_a_debugger_holds_it(processes: Processes) -> None:
    """Traced, it stands still because somebody looks at it."""
    worker = processes.start("sleep", "1000")
    tracer = processes.start(sys.executable, "-c", TRACE, str(worker.pid), output="tracer")
    eventually(lambda: "traced" in processes.read("tracer"), what=processes.read("tracer"))
    found = eventually(lambda: [it for it in measure([worker.pid], tree=False).values() if it.state in "Tt"])

    assert found[0].traced
    tracer.kill()


TRACE = """
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
if libc.ptrace(16, int(sys.argv[1]), None, None):
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
os.write(1, b"traced\\n")
time.sleep(1000)
"""


def test_what_is_gone_is_left_out(processes: Processes) -> None:
    """Whoever has ended, or never was."""
    gone = processes.start("true")
    gone.wait()
    for tree in (True, False):
        assert measure([gone.pid, 1 << 22], tree=tree) == {}


def test_memory_that_is_left() -> None:
    """Some, and not more than there is."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < memory_available() < total


def test_psutil_is_not_imported_for_a_look_at_memory() -> None:
    """It would cost the agent 15 ms and memory where nobody needs it."""
    look = "from autohealer.processes.stats import measure; measure([os.getpid()], tree=True)"
    code = f"import os, sys; {look}; print('psutil' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
