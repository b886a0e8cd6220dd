"""The workers of an agent that is gone are found, each once, and nobody else; and they can be ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from autohealer.errors import AutohealerError
from autohealer.processes.launch.adoption import FoundWorker, find_workers
from autohealer.processes.tree import procfs
from autohealer.processes.tree.ending import end_workers
from autohealer.processes.tree.process_tree import DeadWorker
from tests.support.processes import Processes, eventually

AGENT = f"some-host-t{os.getpid()}"


@dataclass(frozen=True)
class Entry:
    """A line of a ledger."""

    worker: str
    slot: int
    pid: int
    start_time: int
    started: str = "2026-01-02T03:04:05.000006Z"
    revision: int = 3


class Left:
    """Workers that an agent has left behind."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.found: list[FoundWorker] = []

    def worker(self, slot: int, script: str = "sleep 600; :", agent: str = AGENT, pool: str = "p") -> Entry:
        """Start a session leader that bears a worker's marks."""
        worker = f"{agent}-{slot}-x{slot}"
        marks = {
            "AUTOHEALER_AGENT": agent,
            "AUTOHEALER_POOL": pool,
            "AUTOHEALER_WORKER_ID": worker,
            "AUTOHEALER_SLOT": str(slot),
        }
        # This process leads no group here, so setsid goes on as the same process.
        process = subprocess.Popen(["sh", "-c", script], env=self.processes.environment(marks), start_new_session=True)
        self.processes._started.append(process)  # type: ignore[arg-type]  # it is ended alike
        ticks = procfs.start_time(process.pid)
        assert ticks is not None
        return Entry(worker, slot, process.pid, ticks)

    def find(self, *known: Entry, pool: str = "p") -> list[FoundWorker]:
        """`find_workers`, with the pidfds closed at the end of the test."""
        found = find_workers(AGENT, known, pool)
        self.found += found
        return found

    def count(self) -> int:
        """The processes that are left."""
        return len(self.processes.alive())


@pytest.fixture
def left(processes: Processes) -> Iterator[Left]:
    left = Left(processes)
    yield left
    for found in left.found:
        os.close(found.pidfd)


def test_those_of_the_ledger_are_found(left: Left) -> None:
    entries = [left.worker(slot) for slot in (1, 0)]

    found = left.find(*entries)

    assert [(f.worker, f.slot, f.pid, f.start_time, f.started) for f in found] == [
        (e.worker, e.slot, e.pid, e.start_time, e.started) for e in reversed(entries)
    ]
    signal.pidfd_send_signal(found[0].pidfd, signal.SIGKILL)
    eventually(lambda: left.processes._started[1].poll() == -signal.SIGKILL)


def test_one_that_was_spawned_in_the_last_instant_is_found(left: Left) -> None:
    entry = left.worker(4)

    (found,) = left.find()

    assert (found.worker, found.slot, found.pid, found.start_time) == (
        entry.worker, 4, entry.pid, entry.start_time,
    )  # fmt: skip
    assert found.started.endswith("Z")


def test_a_reused_pid_is_not_adopted(left: Left) -> None:
    """The pid of the ledger is another process's by now: it started at another time."""
    stranger = left.worker(0, agent="other")
    entry = Entry(f"{AGENT}-0-old", 0, stranger.pid, stranger.start_time - 1)

    assert left.find(entry) == []


def test_the_dead_and_the_undead_are_not_adopted(left: Left) -> None:
    entry = left.worker(0, script="exit 0")
    os.waitid(os.P_PID, entry.pid, os.WEXITED | os.WNOWAIT)
    assert procfs.read_stat(entry.pid) is not None  # a zombie

    assert left.find(entry) == []
    assert left.find() == []


def test_other_agents_and_other_pools_keep_theirs(left: Left) -> None:
    left.worker(0, agent=f"{AGENT}-more")
    left.worker(1, pool="q")

    assert left.find() == []
    assert [found.slot for found in left.find(pool="q")] == [1]


def test_a_workers_own_session_leaders_are_not_workers(left: Left) -> None:
    """They bear its marks, and lead a session; it is the oldest."""
    known = left.worker(0, script="setsid sleep 600 & wait")
    unknown = left.worker(1, script="setsid sleep 600 & wait")
    eventually(lambda: left.count() == 4)

    assert [found.pid for found in left.find(known)] == [known.pid, unknown.pid]


def test_what_a_dead_worker_of_the_ledger_left_is_not_the_worker(left: Left) -> None:
    entry = left.worker(0, script="setsid sleep 600 & :")
    left.processes._started[0].wait()
    eventually(lambda: left.count() == 1)

    assert left.find(entry) == []


def test_ending_leaves_nothing(left: Left) -> None:
    """Willing and deaf workers, a daemon, and what a worker that is dead already has left."""
    willing = left.worker(0, script="setsid sleep 600 & wait")
    deaf = left.worker(1, script='trap "" TERM; while :; do sleep 600; done')
    dead = left.worker(2, script="setsid sleep 600 & :")
    other = left.worker(3, agent="other")
    left.processes._started[2].wait()
    eventually(lambda: left.count() == 7)

    end_workers(
        find_workers(AGENT, [willing, deaf, dead], "p"),
        [DeadWorker(dead.worker, dead.pid, is_child=False)],
        stop_signal=signal.SIGTERM,
        stop_timeout_s=0.5,
        output={},
    )

    assert {stat.session for pid in left.processes.alive() if (stat := procfs.read_stat(pid))} == {other.pid}


def test_ending_nobody_ends_at_once() -> None:
    end_workers([], [], stop_signal=signal.SIGTERM, stop_timeout_s=600, output={})


def test_who_may_not_be_ended_is_named(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = left.worker(0)

    def forbidden(_pidfd: int, _signum: int) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:  # root, as which tests may run, is refused nothing
        patch.setattr(signal, "pidfd_send_signal", forbidden)
        with pytest.raises(AutohealerError, match=entry.worker):
            end_workers(
                find_workers(AGENT, [entry], "p"), [], stop_signal=signal.SIGTERM, stop_timeout_s=600, output={}
            )


def test_a_marker_of_another_user_is_nobodys(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    """Agent and worker ids are no secret: anybody can write them into the environment of a process of his own."""
    forged = left.worker(0)
    own = left.worker(1)
    user = procfs.user
    monkeypatch.setattr(procfs, "user", lambda pid: 12345 if pid == forged.pid else user(pid))

    assert [worker.pid for worker in left.find()] == [own.pid]


def test_the_ledger_knows_a_worker_that_became_another_user(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `su` does; its pid and start time are proof enough."""
    known = left.worker(0)
    monkeypatch.setattr(procfs, "user", lambda _pid: 12345)

    assert [worker.pid for worker in left.find(known)] == [known.pid]


def test_what_another_user_marks_as_left_by_a_dead_worker_is_not_ended(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = left.worker(0)
    monkeypatch.setattr(procfs, "user", lambda _pid: 12345)

    end_workers(
        [],
        [DeadWorker(forged.worker, 1 << 22, is_child=False)],
        stop_signal=signal.SIGKILL,
        stop_timeout_s=0,
        output={},
    )

    stat = procfs.read_stat(forged.pid)
    assert stat is not None
    assert not stat.is_gone
