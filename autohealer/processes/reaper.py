"""Who collects the exit codes of this process's children: the one place that knows which of them are waited for."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_NEVER = 1 << 63
LATE = _TICKS_PER_S
"""How long after its start a child may be entered, where the machine is busy (`ticks`)."""


class Reaper:
    """The processes that somebody here waits for; all others that end as our children are nobody's.

    There is one in a process, however many pools it runs: whoever waits for "any child" takes the exit codes of all.
    So nobody else does, asyncio's subprocesses included. Whoever starts a child enters it, in the same turn of the
    loop's thread in which it was started: then no look can come between. Adopted workers are entered as well; they
    are not our children, but they are nobody's orphans either.

    A child of a process that has died becomes ours (we are a subreaper, or pid 1), and no one waits for it: see
    `autohealer.processes.tree.strays`.
    """

    def __init__(self) -> None:
        self._entered: dict[int, int] = {}
        self.looks = 0
        """How often exits have been looked for: what one look finds has all ended before it."""
        self.found = 0
        """How many that look has found."""

    @property
    def pids(self) -> Mapping[int, int]:
        """The processes that are waited for, each with the moment (`ticks`) since which it may have had children."""
        return self._entered

    def enter(self, pid: int, *, is_child: bool = True) -> None:
        """Somebody waits for this process, and collects it. One that is no child of ours leaves us no children."""
        self._entered[pid] = ticks() - LATE if is_child else _NEVER

    def look(self, found: int) -> None:
        """So many have been found to have ended, and are handled now."""
        self.looks += 1
        self.found = found

    def leave(self, pid: int) -> None:
        """Nobody does any more: it has been collected, or let go."""
        self._entered.pop(pid, None)


def ticks() -> int:
    """The present moment as the kernel writes the start of processes: clock ticks since the machine's start."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * _TICKS_PER_S)


def reap(pid: int) -> None:
    """Take away a child that has ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
