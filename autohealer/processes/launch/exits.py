"""Hear of a worker's exit at once, through its pidfd in the event loop; signal it and reap it."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from autohealer.processes.reaper import Reaper

_TRACER_PATIENCE_S = 0.05
_PEEK = os.WEXITED | os.WNOHANG | os.WNOWAIT


class _Watched:
    """One worker, from its start or adoption until it is released."""

    __slots__ = ("has_exited", "is_child", "pid", "pidfd")

    def __init__(self, pid: int, pidfd: int, is_child: bool) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.is_child = is_child
        self.has_exited = False


def signal_name(signum: int) -> str:
    """SIGTERM for 15; real-time signals by their distance from the first."""
    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"SIGRTMIN+{signum - signal.SIGRTMIN}"


def send_signal(pidfd: int, signum: int) -> None:
    """Signal a process, and wake it: one that is stopped (SIGSTOP, a terminal) hears of nothing but SIGKILL before.

    So a worker that hangs in this way still ends in its own manner. systemd does the same.
    """
    signal.pidfd_send_signal(pidfd, signum)
    if signum != signal.SIGKILL:
        signal.pidfd_send_signal(pidfd, signal.SIGCONT)


class ExitWatcher:
    """Calls ``on_exit(worker, code, signal_name)`` once for each watched worker, as soon as it has exited.

    One of code and signal name is None; both are for an adopted worker, because only a parent is told how its child
    ended. The dead child is not reaped: as a zombie it keeps its pid, which is also the id of its process group and
    session, from being given to another, until `release`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_exit: Callable[[str, int | None, str | None], None],
        reaper: Reaper,
    ) -> None:
        self._loop = loop
        self._on_exit = on_exit
        self._reaper = reaper
        self._watched: dict[str, _Watched] = {}

    def watch(self, worker: str, pid: int, pidfd: int, *, child: bool) -> None:
        """Take over ``pidfd``. ``on_exit`` comes from the loop, never from within this call."""
        watched = _Watched(pid, pidfd, child)
        self._watched[worker] = watched
        self._reaper.enter(pid, is_child=child)
        self._loop.add_reader(pidfd, self._look, worker, watched)

    def pid(self, worker: str) -> int | None:
        """The worker's process, alive or not yet released."""
        watched = self._watched.get(worker)
        return None if watched is None else watched.pid

    def is_alive(self, worker: str) -> bool:
        """Is it watched, and has it not been seen to exit?"""
        watched = self._watched.get(worker)
        return watched is not None and not watched.has_exited

    def send_signal(self, worker: str, signum: int, *, to_group: bool = False) -> bool:
        """Signal the worker's process, or its whole process group; False if it has exited.

        Raises PermissionError for a worker that has become another user's.
        """
        watched = self._watched.get(worker)
        if watched is None or watched.has_exited:
            return False
        try:
            if to_group:
                signal.pidfd_send_signal(watched.pidfd, 0)  # it lives, so the number is its own
                os.killpg(watched.pid, signum)
                os.killpg(watched.pid, signal.SIGCONT)
            else:
                send_signal(watched.pidfd, signum)
        except ProcessLookupError:
            return False
        return True

    def release(self, worker: str) -> None:
        """Reap a worker whose exit has been handled, and forget it. Nothing happens for an unknown one.

        A worker that has not exited is only forgotten, and lives on.
        """
        watched = self._watched.pop(worker, None)
        if watched is None:
            return
        if not watched.has_exited:
            self._reaper.leave(watched.pid)
            self._loop.remove_reader(watched.pidfd)
        elif watched.is_child:
            self._reaper.leave(watched.pid)
            with contextlib.suppress(ChildProcessError):  # somebody else has collected it
                os.waitid(os.P_PIDFD, watched.pidfd, os.WEXITED | os.WNOHANG)
        os.close(watched.pidfd)

    def close(self) -> None:
        """Release all: the dead are reaped, the living live on without us."""
        for worker in list(self._watched):
            self.release(worker)

    def _look(self, worker: str, watched: _Watched) -> None:
        # The reader goes first: the pidfd of a dead process is readable for ever.
        self._loop.remove_reader(watched.pidfd)
        code: int | None = None
        name: str | None = None
        if watched.is_child:
            try:
                status = os.waitid(os.P_PIDFD, watched.pidfd, _PEEK)
            except ChildProcessError:
                pass  # somebody else has collected it, and knows
            else:
                if status is None:
                    # A debugger that traces it is told first; we are once it lets go.
                    self._loop.call_later(_TRACER_PATIENCE_S, self._look_again, worker, watched)
                    return
                if status.si_code == os.CLD_EXITED:
                    code = status.si_status
                else:
                    name = signal_name(status.si_status)
        watched.has_exited = True
        if not watched.is_child:
            self._reaper.leave(watched.pid)  # init may have reaped it, and the pid be another's
        self._on_exit(worker, code, name)

    def _look_again(self, worker: str, watched: _Watched) -> None:
        if self._watched.get(worker) is watched:
            self._loop.add_reader(watched.pidfd, self._look, worker, watched)
