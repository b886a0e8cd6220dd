"""Signals that do not stop a pool, those that end the agent alone, and workers that no signal ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from autohealer.runtime.signals import HARMLESS
from tests.support.pools import Pool
from tests.support.processes import BIN, Processes, eventually

FREEZER = Path("/sys/fs/cgroup/freezer")


def test_what_means_nothing_to_an_agent_is_a_line(embedded_pool: Pool) -> None:
    """By default each of these would end it, and the pool would be without an agent."""
    embedded_pool.run(2)
    workers = embedded_pool.until_running(2)
    for signum in HARMLESS:
        embedded_pool.agent.send_signal(signum)
        eventually(lambda signum=signum: f"{signum.name} means nothing to an agent" in embedded_pool.said())  # type: ignore[misc]  # of such a lambda mypy knows no type
    assert embedded_pool.pids() == workers
    assert embedded_pool.stop() == 0


@pytest.mark.parametrize("ignored", [True, False])
def test_a_hangup_that_was_ignored_at_the_start(embedded_pool: Pool, ignored: bool) -> None:
    """Stays ignored: `nohup autohealer run …` goes on when its terminal is closed. Else it drains and stops."""
    processes = embedded_pool.processes
    launcher = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    prefix = [sys.executable, "-c", launcher] if ignored else []
    agent = processes.start(*prefix, BIN / "autohealer", "run", "2", "--", "sleep", "1000")
    workers = embedded_pool.until_running(2)
    agent.send_signal(signal.SIGHUP)
    if not ignored:
        assert agent.wait(60) == 0
        return
    os.kill(workers[0], signal.SIGKILL)
    embedded_pool.until_replaced(workers, [0])
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(60) == 0


def test_sigquit_ends_the_agent_at_once_and_says_which_workers_go_on(pool: Pool) -> None:
    """Exit code 131; the next run takes them over, and nobody was touched."""
    pool.run(3)
    workers = pool.until_running(3)
    pool.agent.send_signal(signal.SIGQUIT)
    assert pool.ended(10) == 131
    assert "SIGQUIT: the agent ends at once; 3 workers go on: " in pool.said()
    assert all(f"(pid {pid})" in pool.said() for pid in workers.values())
    assert pool.living() == sorted(workers.values())
    pool.run(3)
    assert pool.until_running(3) == workers
    assert pool.stop() == 0
    assert pool.processes.alive() == []


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """What not even SIGKILL ends, as long as this lasts: as if it waited for a disk."""
    group = FREEZER / f"autohealer-tests-{os.getpid()}"
    try:
        group.mkdir()
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        pytest.skip(f"no freezer to be used here: {error}")
    (group / "freezer.state").write_text("FROZEN")
    eventually(lambda: (group / "freezer.state").read_text().strip() == "FROZEN")
    try:
        yield
    finally:
        (group / "freezer.state").write_text("THAWED")
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def test_a_second_ctrl_c_ends_the_agent_whatever_cannot_be_killed(embedded_pool: Pool) -> None:
    """Within a second; it names what is left, which a later `stop` ends."""
    embedded_pool.run(2)
    workers = embedded_pool.until_running(2)
    with frozen(workers[1]):
        embedded_pool.agent.send_signal(signal.SIGINT)
        embedded_pool.until_event("agent.draining")
        embedded_pool.agent.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert embedded_pool.ended(10) == 130
        assert time.monotonic() - began < 5  # a second, on a machine that is not busy
        stays = [line for line in embedded_pool.said().splitlines() if "cannot be killed, and stays: " in line]
        assert len(stays) == 1
        assert f"(pid {workers[1]})" in stays[0]
        assert f"(pid {workers[0]})" not in stays[0]
    eventually(lambda: embedded_pool.processes.alive() == [])


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.05, 0.1, 0.2, 0.3])
def test_a_ctrl_c_while_it_starts_leaves_no_traceback(processes: Processes, after_s: float) -> None:
    """Whatever it is importing just then."""
    process = subprocess.Popen(
        [str(BIN / "autohealer"), "run", "1", "--", "sleep", "1000"],
        env=processes.environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    with suppress(subprocess.TimeoutExpired):
        process.wait(after_s)
    # Python itself takes a moment until it comes to any of our code.
    eventually(lambda: _has_begun(process.pid))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    assert process.returncode in (0, 130, -signal.SIGINT)


def _has_begun(pid: int) -> bool:
    """Whether SIGINT has another disposition than the one that Python begins with, or did so before."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    is_pythons = int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1
    return not is_pythons or "click" in Path(f"/proc/{pid}/maps").read_text() or _threads(pid) > 1


def _threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGRTMIN + 3])
def test_as_pid_1_it_ends_in_order(processes: Processes, signum: int) -> None:
    """As a container is stopped: exit code 0, and its workers were asked first."""
    unshare = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    if processes.run(*unshare, "true").returncode:
        pytest.skip("no pid namespace can be made here")
    namespace = processes.start(*unshare, BIN / "autohealer", "run", "2", "--", "sleep", "1000")
    eventually(lambda: processes.read().count(" started") == 2, 60, processes.read())
    agent = int(Path(f"/proc/{namespace.pid}/task/{namespace.pid}/children").read_text().split()[0])
    os.kill(agent, signum)
    assert namespace.wait(60) == 0
    assert processes.read().count("stopped by SIGTERM") == 2
