"""Which children of a process are waited for, and the end of all others."""

from __future__ import annotations

import os
import subprocess
import sys

from autohealer.processes.reaper import Reaper


def _ended_child() -> int:
    """The pid of a child that has ended and that nobody has collected."""
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


def _is_there(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def test_a_stray_is_taken_away_and_an_entered_child_is_not() -> None:
    """Whoever waits for a child gets its exit code, whatever else ends meanwhile."""
    reaper = Reaper()
    mine = _ended_child()
    reaper.enter(mine)
    reaper.reap_strays()
    assert _is_there(mine)
    reaper.leave(mine)
    stray = _ended_child()
    reaper.reap_strays()
    assert not _is_there(mine)
    assert not _is_there(stray)


def test_a_living_child_is_left_alone() -> None:
    """Also where nobody has entered it."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    Reaper().reap_strays()
    assert child.poll() is None
    child.communicate(b"\n")
    assert child.returncode == 0


def test_without_children_there_is_nothing_to_do() -> None:
    """It is no error."""
    Reaper().reap_strays()
