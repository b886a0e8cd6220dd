"""What a stuck worker was doing: state, place, memory, stacks; in a moment, and without harm."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from autohealer.core.events import Evidence
from autohealer.processes.evidence import MOST_AT_ONCE, EvidenceTaker, look
from tests.processes.conftest import World

DEBUGGABLE = """
import os, time
os.environ["AUTOHEALER_WORKER_ID"] = "w"
from autohealer import worker
worker.debuggable()
def stuck_here():
    os.write(1, b"stuck\\n")
    time.sleep(1000)
stuck_here()
"""


class Bench:
    """Takes evidence, and waits for it."""

    def __init__(self, world: World) -> None:
        self.world, self.taker = world, EvidenceTaker(world.loop, world.reaper)
        self.taken: list[Evidence] = []
        self.sent: list[int] = []

    def take(self, worker: str, pid: int) -> None:
        """Begin."""

        def send(signum: int) -> bool:
            self.sent.append(signum)
            return self.world.watcher.send_signal(worker, signum)

        self.taker.take(worker, pid, send, ["last words"], self.taken.append)

    def of(self, worker: str, pid: int) -> Evidence:
        """All of it."""
        self.take(worker, pid)
        self.world.run_until(lambda: self.taken)
        return self.taken[-1]


@pytest.fixture
def bench(world: World, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """No py-spy, unless a test has one."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return Bench(world)


def test_a_stopped_worker(bench: Bench, world: World) -> None:
    """It cannot tell of its stacks, and no signal is sent, for it would go on."""
    worker, pid = world.python(DEBUGGABLE)
    world.wait_for_output("stuck")
    os.kill(pid, signal.SIGSTOP)
    world.run_until(lambda: look(pid).state == "T (stopped)")
    found = bench.of(worker, pid)

    assert (found.state, found.stack, found.output) == ("T (stopped)", None, ("last words",))
    assert (found.rss or 0) > 1 << 20
    assert bench.sent == []
    assert "state T (stopped)" in found.text


def test_a_worker_that_is_gone(bench: Bench, world: World) -> None:
    """There is nothing to be learnt but what it has said."""
    worker, pid = world.start("true")
    world.exit_of(worker)
    assert "zombie" in str(look(pid).state)
    world.watcher.release(worker)

    assert bench.of(worker, pid) == Evidence(output=("last words",))
    assert bench.taken[-1].text == "the process is gone\nlast words"


def test_a_worker_that_is_debuggable(bench: Bench, world: World) -> None:
    """Its stacks, and it lives on; the second time only what is new."""
    worker, pid = world.python(DEBUGGABLE)
    world.wait_for_output("stuck")
    first = bench.of(worker, pid)
    bench.taken.clear()
    second = bench.of(worker, pid)

    assert bench.sent == [signal.SIGUSR1, signal.SIGUSR1]
    for found in (first, second):
        assert str(found.stack).count("in stuck_here") == 1
    assert world.watcher.is_alive(worker)


def test_no_signal_that_could_kill(bench: Bench, world: World) -> None:
    """A worker that does not catch it gets none, though it holds a file of that name."""
    worker, pid = world.python(
        f"import os, signal, time; os.memfd_create('autohealer-stacks-{int(signal.SIGUSR1)}');"
        "os.write(1, b'here\\n'); time.sleep(1000)"
    )
    world.wait_for_output("here")
    found = bench.of(worker, pid)

    assert (found.stack, bench.sent) == (None, [])
    assert world.watcher.is_alive(worker)


def test_a_worker_that_does_not_write_is_not_waited_for_long(bench: Bench, world: World) -> None:
    """It catches the signal and does nothing about it."""
    worker, pid = world.python(
        f"import os, signal, time; signal.signal(signal.SIGUSR1, lambda *_: None);"
        f"os.memfd_create('autohealer-stacks-{int(signal.SIGUSR1)}');"
        "os.write(1, b'here\\n')\nwhile True: time.sleep(1000)"
    )
    world.wait_for_output("here")

    assert bench.of(worker, pid).stack is None
    assert bench.sent == [signal.SIGUSR1]


def is_python(pid: int) -> bool:
    """Whether it has been executed by now."""
    return Path(f"/proc/{pid}/exe").readlink() == Path(sys.executable).resolve()


def make_py_spy(folder: Path, script: str) -> None:
    """A py-spy that does as it is told."""
    path = folder / "py-spy"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_py_spy_where_it_is_installed(bench: Bench, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a Python process that is not debuggable; what is no Python is not asked about."""
    make_py_spy(world.directory, 'echo "Thread of $4"')
    monkeypatch.setenv("PATH", f"{world.directory}:/usr/bin:/bin")
    python, other = world.start(sys.executable, "-c", "import time; time.sleep(1000)"), world.start("sleep", "1000")
    world.run_until(lambda: is_python(python[1]))

    assert bench.of(*python).stack == f"Thread of {python[1]}"
    bench.taken.clear()
    assert bench.of(*other).stack is None


def test_py_spy_that_hangs_is_ended(bench: Bench, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that it has started; and nothing is left of it."""
    make_py_spy(world.directory, "sleep 1000")
    monkeypatch.setenv("PATH", f"{world.directory}:/usr/bin:/bin")
    worker, pid = world.start(sys.executable, "-c", "import time; time.sleep(1000)")
    world.run_until(lambda: is_python(pid))

    assert bench.of(worker, pid).stack is None
    assert set(world.reaper.pids) == {pid}


def test_a_storm_is_told_of_without_stacks(bench: Bench, world: World) -> None:
    """Beyond twenty at once: they are not waited for."""
    worker, pid = world.python(DEBUGGABLE)
    world.wait_for_output("stuck")
    for _ in range(MOST_AT_ONCE + 5):
        bench.take(worker, pid)
    at_once = len(bench.taken)
    world.run_until(lambda: len(bench.taken) == MOST_AT_ONCE + 5)

    assert at_once == 5
    assert [found.stack for found in bench.taken[:5]] == [None] * 5
    assert all(found.stack for found in bench.taken[5:])
