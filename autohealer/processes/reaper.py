"""Who collects the exit codes of this process's children: the one place that knows which of them are waited for."""

from __future__ import annotations

import contextlib
import os


class Reaper:
    """The processes that somebody here waits for, and the collector of all others that end as our children.

    There is one in a process, however many pools it runs: whoever waits for "any child" takes the exit codes of all.
    So nobody else does, asyncio's subprocesses included. Whoever starts a child enters it, in the same turn of the
    loop's thread in which it was started: then no look can come between. Adopted workers are entered as well; they
    are not our children, but they are nobody's orphans either.

    A child of a process that has died becomes ours (we are a subreaper, or pid 1), and no one waits for it: once it
    has ended, `reap_strays` takes it away.
    """

    def __init__(self) -> None:
        self._pids: set[int] = set()

    @property
    def pids(self) -> set[int]:
        """The processes that are waited for. The set itself, not to be changed."""
        return self._pids

    def enter(self, pid: int) -> None:
        """Somebody waits for this process, and collects it."""
        self._pids.add(pid)

    def leave(self, pid: int) -> None:
        """Nobody does any more: it has been collected, or let go."""
        self._pids.discard(pid)

    def reap_strays(self) -> None:
        """Take away children that have ended and that nobody waits for.

        Nothing tells of their end but SIGCHLD; a call now and then is enough, and costs one system call.
        """
        with contextlib.suppress(ChildProcessError):
            while status := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if status.si_pid in self._pids:
                    break  # it hides what comes behind it, until it is collected
                reap(status.si_pid)


def reap(pid: int) -> None:
    """Take away a child that has ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
