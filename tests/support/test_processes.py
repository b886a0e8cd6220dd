"""The tests' own tools: a process that outlived its test would spoil the next one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import Processes, command_line, eventually

DAEMON = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
print(os.getpid(), flush=True)
time.sleep(1000)
"""


def test_what_a_test_started_ends_with_it_however_it_hid(processes: Processes, tmp_path: Path) -> None:
    """Its parent gone, in a session of its own, deaf to SIGTERM; nobody else is touched."""
    neighbour = processes.start("sleep", "1000")
    mine = Processes(tmp_path)
    mine.start(sys.executable, "-c", DAEMON, output="daemon").wait()
    daemon = int(eventually(lambda: mine.read("daemon")))
    was_alive = mine.alive()
    mine.end()

    assert was_alive == [daemon]
    assert mine.alive() == []
    assert command_line(daemon) == []
    assert processes.alive() == [neighbour.pid]


def test_processes_are_not_steered_from_outside(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a developer has exported for a pool of their own does not reach the tests."""
    monkeypatch.setenv("AUTOHEALER_ZK", "production:2181")
    monkeypatch.setenv("FLAKY_SEED", "7")
    environment = processes.run("env", env={"AUTOHEALER_POOL": "mine"}).stdout.splitlines()

    assert [line for line in environment if line.startswith(("AUTOHEALER_", "FLAKY_"))] == [
        f"AUTOHEALER_STATE_DIR={processes.state_dir}",
        "AUTOHEALER_POOL=mine",
    ]


def test_the_command_line_under_test_is_the_one_installed_here(processes: Processes) -> None:
    """Both ``autohealer`` and ``python`` are those beside the Python that runs the tests."""
    found = processes.run("sh", "-c", "command -v python").stdout.strip()

    assert Path(found).parent == Path(sys.executable).parent


def test_eventually_returns_the_first_true_answer_or_tells_the_last_one() -> None:
    """A failure names what was waited for."""
    answers = iter([0, None, 7, 8])
    assert eventually(lambda: next(answers)) == 7

    with pytest.raises(AssertionError, match=r"not within 0\.05 s: a miracle; at last: \[\]"):
        eventually(list, timeout=0.05, what="a miracle")


def test_output_can_be_read_while_it_is_written(processes: Processes) -> None:
    """Errors too, in one file."""
    process: subprocess.Popen[str] = processes.start("sh", "-c", "echo out; echo error >&2; exec sleep 1000")
    eventually(lambda: processes.read() == "out\nerror\n")

    assert process.poll() is None
