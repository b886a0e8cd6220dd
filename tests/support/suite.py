"""What the suite as a whole owes to its surroundings: usual signals for what it starts, and nothing left behind.

``leave_nothing_behind`` starts this file as a program: it waits until the test process is gone, however it ended, and
then kills every process that bears the suite's mark in its environment.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
from contextlib import suppress
from pathlib import Path

MARK = "TEST_SUITE"


def use_usual_signals() -> None:
    """Give what tests start the usual signals, also where a script runs the suite in the background.

    A shell starts such a job with SIGINT and SIGQUIT ignored, and ``nohup`` with SIGHUP ignored; that would be handed
    down to every agent, and tests that press Ctrl-C would wait in vain. A signal with a handler is handed down as the
    default, and the suite itself goes on as before.
    """
    for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(signum) is signal.SIG_IGN:
            signal.signal(signum, lambda _signum, _frame: None)


def leave_nothing_behind() -> None:
    """Mark this process's environment, and have all that inherits the mark killed when this process is gone."""
    mark = os.environ[MARK] = secrets.token_hex(8)
    waiting, ours = os.pipe()
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", __file__, mark],
        {"PATH": os.defpath},
        file_actions=[(os.POSIX_SPAWN_DUP2, waiting, 0)],
        setsid=True,
    )
    os.close(waiting)
    _kept_open.append(ours)


# The end of the pipe that the kernel closes when this process ends.
_kept_open: list[int] = []


def _bears(pid: int, variable: bytes) -> bool:
    with suppress(OSError):  # gone, or another user's
        return variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


def _wait_and_kill(mark: str) -> None:
    os.read(0, 1)
    variable = f"{MARK}={mark}".encode()
    while left := [int(e.name) for e in Path("/proc").iterdir() if e.name.isdigit() and _bears(int(e.name), variable)]:
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    _wait_and_kill(sys.argv[1])
