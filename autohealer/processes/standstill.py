"""Which processes stand still, by SIGSTOP or a debugger, found out at the least cost."""

from __future__ import annotations

import os

from autohealer.processes.tree import procfs

STOPPED = "Tt"
"""The letters of the state of a process that stands still; the second one: a debugger holds it."""


def is_child_stopped() -> bool:
    """Whether a signal has stopped a child of ours: one system call, however many there are.

    A child that a debugger holds counts once that one lets go of it.
    """
    try:
        return os.waitid(os.P_ALL, 0, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # there is none
        return False


def is_stopped(pid: int) -> bool:
    """Whether this process stands still, whoever's child it is."""
    stat = procfs.read_stat(pid)
    return stat is not None and stat.state in STOPPED
