"""The notify socket: whose a message is, what it says, and what is made of hostile ones."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autohealer.core.events import NotifyReceived
from autohealer.processes.notify import NotifySocket, parse
from autohealer.processes.notify_path import bind
from tests.processes.conftest import World

NONE = NotifyReceived(1.0, "w")
SEND = "import os, socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto({!r}, {!r})"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"READY=1", [replace(NONE, ready=True)]),
        (b"READY=1\nSTATUS=warm\nMAINPID=1\n", [replace(NONE, ready=True, status="warm")]),
        (b"READY=0", []),
        (b"WATCHDOG=1", [replace(NONE, beat=True)]),
        (b"WATCHDOG=trigger", [replace(NONE, trigger=True)]),
        (b"STOPPING=1", [replace(NONE, stopping=True)]),
        (b"EXTEND_TIMEOUT_USEC=90000000", [replace(NONE, extend_s=90.0)]),
        (b"EXTEND_TIMEOUT_USEC=1" + b"0" * 25, [replace(NONE, extend_s=7 * 86_400.0)]),
        (b"EXTEND_TIMEOUT_USEC=-1", []),
        (b"EXTEND_TIMEOUT_USEC=nan", []),
        (b"X_AUTOHEALER_PROGRESS=12.5", [replace(NONE, progress=12.5)]),
        (b"X_AUTOHEALER_PROGRESS=inf", []),
        (b"X_AUTOHEALER_IDLE=1", [replace(NONE, idle=True)]),
        (b"X_AUTOHEALER_TASK=a\nX_AUTOHEALER_TASK_LIMIT=3", [replace(NONE, task="a", task_limit_s=3.0)]),
        (b"X_AUTOHEALER_TASK_LIMIT=3", []),
        (
            b"X_AUTOHEALER_TASK_END=a\nX_AUTOHEALER_TASK=b\nWATCHDOG=1",
            [replace(NONE, task_ended="a"), replace(NONE, task="b", beat=True)],
        ),
        (b"STATUS=\x1b]0;title\x07red", [replace(NONE, status="red")]),
        (b"STATUS=" + b"x" * 5000, [replace(NONE, status="x" * 200)]),
        (b"FDSTORE=1\nMAINPID=77\nnonsense\n=\n\n", []),
    ],
)
def test_what_a_message_says(said: bytes, expected: list[NotifyReceived]) -> None:
    """Each field as sd_notify has it, and nothing out of range."""
    assert list(parse(said, "w", 1.0)) == expected


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([b"READY=1", b"X_AUTOHEALER_TASK=", b"\xff=1", b"=="])).map(b"\n".join)
)
def test_no_message_can_do_harm(said: bytes) -> None:
    """Whatever the bytes: only events, with text that a terminal shows as it is."""
    for event in parse(said, "w", 1.0):
        assert all(text is None or text.isprintable() or "\t" in text for text in (event.status, event.task))


class Ear:
    """A pool's socket in the world of a test."""

    def __init__(self, world: World) -> None:
        self.world, self.path = world, str(world.directory / "notify.sock")
        self.heard: list[NotifyReceived] = []
        self.notify = self.open()

    def open(self) -> NotifySocket:
        """A new agent comes to the same path."""
        return NotifySocket(self.world.loop, bind(self.path), self.heard.append, time.monotonic)

    def code(self, message: bytes) -> str:
        """A line of Python that sends this."""
        return SEND.format(message, self.path)

    def run(self, code: str) -> tuple[str, int]:
        """A worker that runs this and lives on."""
        worker, pid = self.world.python(f"{code}; import time; time.sleep(1000)")
        self.notify.start(worker, pid)
        return worker, pid

    def until_heard(self, count: int) -> list[NotifyReceived]:
        """The first messages."""
        self.world.run_until(lambda: len(self.heard) >= count)
        return self.heard


@pytest.fixture
def ear(world: World) -> Iterator[Ear]:
    """A pool's socket."""
    it = Ear(world)
    yield it
    it.notify.close()


def test_a_worker_is_known_by_its_pid(ear: Ear) -> None:
    """No name in the message is needed, or believed."""
    worker, _ = ear.run(ear.code(b"READY=1"))

    (event,) = ear.until_heard(1)
    assert (event.worker, event.ready) == (worker, True)


def test_a_child_speaks_for_its_worker(ear: Ear) -> None:
    """A launcher's server says READY=1 itself."""
    child = f"{ear.code(b'WATCHDOG=1')}; import time; time.sleep(1000)"
    script = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])"
    worker, _ = ear.run(script)

    (event,) = ear.until_heard(1)
    assert (event.worker, event.beat) == (worker, True)


def test_an_orphan_in_the_workers_session_speaks_for_it(ear: Ear) -> None:
    """Double-forked, it hangs from another parent; its session is still the worker's."""
    child = f"import os; os.fork() and os._exit(0); {ear.code(b'WATCHDOG=1')}; import time; time.sleep(1000)"
    script = f"import subprocess, sys; subprocess.call([sys.executable, '-c', {child!r}])"
    worker, _ = ear.run(script)

    assert ear.until_heard(1)[0].worker == worker


def test_a_stranger_is_not_heard(ear: Ear) -> None:
    """Nor a worker that is looked at no more."""
    subprocess.run([sys.executable, "-c", ear.code(b"READY=1")], check=True)
    ear.world.run_until(lambda: ear.notify.dropped == 1)
    ear.notify.start("w", os.getpid())
    ear.notify.stop("w")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"READY=1", ear.path)
    ear.world.run_until(lambda: ear.notify.dropped == 2)

    assert ear.heard == []


def test_hostile_datagrams_are_dropped(ear: Ear) -> None:
    """Too long ones, empty ones, and descriptors sent along, which do not pile up in the agent."""
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.notify.start("w", os.getpid())
    before = len(list(Path("/proc/self/fd").iterdir()))
    for message in (b"STATUS=" + b"x" * 60_000, b"", b"\0" * 100):
        sender.sendto(message, ear.path)
    sender.connect(ear.path)
    socket.send_fds(sender, [b"READY=1\nFDSTORE=1"], [0, 1, 2])

    assert ear.until_heard(1)[0].ready
    assert ear.notify.dropped == 1
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    sender.close()


def test_all_that_has_come_is_read_at_once(ear: Ear) -> None:
    """The queue is short: what is not read is lost to the sender."""
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    ear.notify.start("w", os.getpid())
    count = 0
    try:
        while count < 10_000:
            sender.sendto(b"X_AUTOHEALER_PROGRESS=%d" % count, ear.path)
            count += 1
    except BlockingIOError:
        pass
    sender.close()

    assert len(ear.until_heard(count)) == count


def test_what_is_said_again_and_again_at_one_moment_is_said_once(ear: Ear) -> None:
    """A worker that floods the socket with beats does not keep the agent busy with each."""
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.notify.start("w", os.getpid())
    for message in (b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1", b"READY=1", b"WATCHDOG=1"):
        sender.sendto(message, ear.path)
    sender.close()

    assert [(event.beat, event.ready) for event in ear.until_heard(3)] == [(True, False), (False, True), (True, False)]


def test_the_path_outlives_the_agent(ear: Ear) -> None:
    """A worker that was started before sends to the next agent."""
    go = ear.world.directory / "go"
    wait = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)"
    code = f"{wait}\n{ear.code(b'WATCHDOG=1')}\ntime.sleep(1000)"
    worker, pid = ear.world.python(code)
    ear.notify.close()
    ear.notify = ear.open()
    ear.notify.start(worker, pid)
    go.touch()

    assert ear.until_heard(1)[0].worker == worker
