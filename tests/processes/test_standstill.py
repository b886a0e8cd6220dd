"""Whether a process stands still, found out by one system call for all children, or by a look at one of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from autohealer.processes.standstill import is_child_stopped, is_stopped


@pytest.fixture
def child() -> Iterator[int]:
    """One that sleeps."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process.pid
        process.kill()


def test_a_child_that_is_stopped_is_seen_until_it_goes_on(child: int) -> None:
    """However often one asks."""
    assert not is_child_stopped()
    os.kill(child, signal.SIGSTOP)
    os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOWAIT)
    assert is_child_stopped()
    assert is_child_stopped()
    assert is_stopped(child)
    os.kill(child, signal.SIGCONT)
    os.waitid(os.P_PID, child, os.WCONTINUED | os.WNOWAIT)

    assert not is_child_stopped()
    assert not is_stopped(child)


def test_a_child_that_has_ended_is_not_stopped(child: int) -> None:
    """It waits to be collected, and still is: nobody took its exit code."""
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)

    assert not is_child_stopped()
    assert not is_stopped(child)
    assert os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT) is not None


def test_without_children_nobody_is_stopped() -> None:
    """Nor is a process that is not there."""
    script = "from autohealer.processes.standstill import *; print(is_child_stopped(), is_stopped(2**22 + 1))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout.split() == ["False", "False"]
