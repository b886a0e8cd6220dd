"""Hear of a worker's exit at once, through its pidfd; signal it and reap it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from autohealer.processes.reaper import Reaper

_TRACER_PATIENCE_S = 0.05
# Of a storm of deaths so many are told of before something is started in their places.
_TOGETHER = 32
_PEEK = os.WEXITED | os.WNOHANG | os.WNOWAIT
# Each is heard of once: the pidfd of a dead process would be ready for ever.
_ONCE = select.EPOLLIN | select.EPOLLONESHOT
_NAMES = {int(signum): signum.name for signum in signal.Signals}


class _Watched:
    """One worker, from its start or adoption until it is released."""

    __slots__ = ("has_exited", "is_child", "pid", "pidfd", "worker")

    def __init__(self, worker: str, pid: int, pidfd: int, is_child: bool) -> None:
        self.worker = worker
        self.pid = pid
        self.pidfd = pidfd
        self.is_child = is_child
        self.has_exited = False


def signal_name(signum: int) -> str:
    """SIGTERM for 15; real-time signals by their distance from the first."""
    return _NAMES.get(signum) or f"SIGRTMIN+{signum - signal.SIGRTMIN}"


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

    The pidfds are in an epoll of their own, which is the one file that the loop watches: between a death and its
    replacement, and for each start, that is one system call in place of the loop's own accounts.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_exit: Callable[[str, int | None, str | None], None],
        reaper: Reaper,
        *,
        looked: Callable[[], None] | None = None,
    ) -> None:
        """``looked`` is called after the calls of ``on_exit`` that one look leads to; in a storm after some of them."""
        self._loop = loop
        self._on_exit, self._looked = on_exit, looked
        self._reaper = reaper
        self._watched: dict[str, _Watched] = {}
        self._by_pidfd: dict[int, _Watched] = {}
        self._epoll: select.epoll | None = None
        """There only while something is watched, so that a watcher that is done with holds no file."""

    def watch(self, worker: str, pid: int, pidfd: int, *, child: bool) -> None:
        """Take over ``pidfd``. ``on_exit`` comes from the loop, never from within this call."""
        self._watched[worker] = self._by_pidfd[pidfd] = _Watched(worker, pid, pidfd, child)
        self._reaper.enter(pid, is_child=child)
        if self._epoll is None:
            self._epoll = select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._look)
        self._epoll.register(pidfd, _ONCE)

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
        if watched is None or self._epoll is None:
            return
        if not watched.has_exited:
            self._reaper.leave(watched.pid)
            self._epoll.unregister(watched.pidfd)
        elif watched.is_child:
            self._reaper.leave(watched.pid)
            with contextlib.suppress(ChildProcessError):  # somebody else has collected it
                os.waitid(os.P_PIDFD, watched.pidfd, os.WEXITED | os.WNOHANG)
        del self._by_pidfd[watched.pidfd]
        os.close(watched.pidfd)
        if not self._watched:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def close(self) -> None:
        """Release all: the dead are reaped, the living live on without us."""
        for worker in list(self._watched):
            self.release(worker)

    def _look(self) -> None:
        """Some have exited. What goes wrong in the handling of one is no other's business."""
        found = [] if self._epoll is None else self._epoll.poll(0)
        self._reaper.look(len(found))
        for first in range(0, len(found), _TOGETHER):
            for pidfd, _ in found[first : first + _TOGETHER]:
                self._tell(pidfd)
            if self._looked is not None:
                self._looked()

    def _tell(self, pidfd: int) -> None:
        watched = self._by_pidfd.get(pidfd)
        if watched is None:
            return  # it was released while those before it were handled
        try:
            self._exited(watched)
        except Exception as error:  # noqa: BLE001 - the loop tells of it, as of any call of its own
            self._loop.call_exception_handler({"message": "an exit was not handled", "exception": error})

    def _exited(self, watched: _Watched) -> None:
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
                    self._loop.call_later(_TRACER_PATIENCE_S, self._look_again, watched)
                    return
                if status.si_code == os.CLD_EXITED:
                    code = status.si_status
                else:
                    name = signal_name(status.si_status)
        watched.has_exited = True
        if not watched.is_child:
            self._reaper.leave(watched.pid)  # init may have reaped it, and the pid be another's
        self._on_exit(watched.worker, code, name)

    def _look_again(self, watched: _Watched) -> None:
        if self._epoll is not None and self._watched.get(watched.worker) is watched:
            self._epoll.modify(watched.pidfd, _ONCE)
