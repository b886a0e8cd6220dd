"""End what dead workers have left behind, apart from the path that heals.

Nothing is polled: a worker's death asks for a look, the end of an orphan asks for another, and one timer stands for the
next deadline. All deaths within a moment share a look; a worker that left nothing needs none.

A process is identified before it is signalled: found as somebody's orphan, then held by a pidfd, then read again.
As a pidfd never changes its process, the one that is signalled is the one that was found.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from typing import TYPE_CHECKING

import msgspec

from autohealer.processes.launch.exits import send_signal
from autohealer.processes.reaper import reap, ticks
from autohealer.processes.tree import procfs
from autohealer.processes.tree.process_tree import DeadWorker, Orphan, look_for_orphans
from autohealer.processes.tree.strays import Left

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Container, Iterable

    from autohealer.processes.tree.strays import Strays

_FIRST_LOOK_S = 0.02
_NEXT_LOOK_S = 0.005
_UNSURE_LOOK_S = 0.02
_RETRY_S = 0.2

_log = logging.getLogger(__name__)


class _Case(msgspec.Struct):
    """A dead worker that may have left something."""

    dead: DeadWorker
    signum: int
    deadline: float
    held: set[int] = msgspec.field(default_factory=set)


class _Held(msgspec.Struct):
    """An orphan that was identified and signalled."""

    case: _Case
    pidfd: int
    start_time: int


class Orphans:
    """Clears away after the dead workers of one pool, and calls ``on_cleared(worker)`` when nothing of one is left.

    ``users`` are those that workers run as. Release a worker in ``on_cleared``: until then its zombie keeps the ids of
    its group and session.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_cleared: Callable[[str], None],
        strays: Strays,
        users: Container[int] = (),
    ) -> None:
        self._loop = loop
        self._on_cleared = on_cleared
        self._strays = strays
        self._users = users or {os.getuid()}
        self._left: dict[str, tuple[Left, int]] = {}
        self._below: dict[str, set[tuple[int, int]]] = {}
        self._cases: dict[str, _Case] = {}
        self._held: dict[int, _Held] = {}
        self._hopeless: set[tuple[int, int]] = set()
        self._said_full = False
        self._look: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None

    def exited(self, worker: str, pid: int, *, is_child: bool) -> bool:
        """Has this worker, that has just ended, left something that may stand in the way of its replacement?

        Ask before anything is started in its place; costs microseconds where nothing was left.
        """
        left = self._strays.left_by(pid, is_child=is_child)
        if below := self._below.get(worker):
            with contextlib.suppress(OSError):  # out of descriptors
                if any(procfs.start_time(seen) == start for seen, start in below):
                    left = Left.SOMETHING
        self._left[worker] = left, ticks()
        return left is Left.SOMETHING

    def see_below(self, worker: str, pid: int) -> None:
        """Note what is below a living adopted worker: once that is dead, nothing else may tell."""
        with contextlib.suppress(OSError):  # out of descriptors
            self._below.setdefault(worker, set()).update(procfs.descendants(pid))

    def clear(self, workers: Iterable[DeadWorker], signum: int, deadline_s: float) -> None:
        """Send ``signum`` to what the workers left, and SIGKILL ``deadline_s`` from now.

        For a worker that is being cleared already this is the new order.
        """
        deadline = self._loop.time() + deadline_s
        first_look_s = None
        cleared = []
        for dead in workers:
            case = self._cases.get(dead.worker)
            if case is not None:
                case.signum, case.deadline = signum, deadline
                for held in list(case.held):
                    self._signal(held)
                first_look_s = first_look_s or _NEXT_LOOK_S
                continue
            left, ended = self._left.pop(dead.worker, (Left.UNKNOWN, ticks()))
            if left is Left.NOTHING:
                cleared.append(dead.worker)
                continue
            known = dead._replace(ended=ended, seen_below=self._below.pop(dead.worker, ()))
            self._cases[dead.worker] = _Case(known, signum, deadline)
            if left is Left.SOMETHING and signum == signal.SIGKILL:
                _kill_group(dead)
            first_look_s = 0.0 if left is Left.SOMETHING else first_look_s or _FIRST_LOOK_S
        if first_look_s is not None:
            self._look_in(first_look_s)
        self._set_timer()
        for worker in cleared:
            self._on_cleared(worker)

    def close(self) -> None:
        """Stop looking. What was left is left."""
        for handle in (self._look, self._timer):
            if handle is not None:
                handle.cancel()
        for held in self._held.values():
            self._loop.remove_reader(held.pidfd)
            os.close(held.pidfd)
        self._held.clear()
        self._cases.clear()

    def _look_in(self, delay_s: float) -> None:
        if self._look is not None:
            if self._look.when() <= self._loop.time() + delay_s:
                return
            self._look.cancel()
        self._look = self._loop.call_later(delay_s, self._sweep)

    def _sweep(self) -> None:
        self._look = None
        if not self._cases:
            return
        try:
            self._clear_away()
        except OSError as error:  # for want of descriptors: nothing is known, and nobody is forgotten
            if not self._said_full:
                _log.warning("cannot look for what dead workers left: %s; it is tried again", error.strerror)
            self._said_full = True
            self._look_in(_RETRY_S)
        else:
            self._said_full = False

    def _clear_away(self) -> None:
        look = look_for_orphans(
            (case.dead for case in self._cases.values()),
            {pid: held.case.dead.worker for pid, held in self._held.items()},
            self._strays,
            self._users,
        )
        for pid in look.ended:
            if pid not in self._held:
                reap(pid)
        unsettled = set()
        for orphan in look.orphans:
            if orphan.stat.pid not in self._held and self._take(orphan):
                unsettled.add(orphan.worker)
        if not look.is_sure:
            unsettled.update(self._cases)
            self._look_in(_UNSURE_LOOK_S)
        cleared = [name for name, case in self._cases.items() if not case.held and name not in unsettled]
        for worker in cleared:
            del self._cases[worker]
        self._set_timer()
        for worker in cleared:
            self._on_cleared(worker)

    def _take(self, orphan: Orphan) -> bool:
        """Hold an orphan and signal it; True if there is more to be looked for because of it."""
        stat = orphan.stat
        if (stat.pid, stat.start_time) in self._hopeless:
            return False
        case = self._cases[orphan.worker]
        try:
            pidfd = os.pidfd_open(stat.pid)
        except ProcessLookupError:
            self._look_in(_NEXT_LOOK_S)  # it has ended, and may have left children in its turn
            return True
        try:
            again = procfs.read_stat(stat.pid)
        except OSError:
            os.close(pidfd)
            raise
        if again is None or again.start_time != stat.start_time:
            os.close(pidfd)
            self._look_in(_NEXT_LOOK_S)
            return True
        self._held[stat.pid] = _Held(case, pidfd, stat.start_time)
        case.held.add(stat.pid)
        self._loop.add_reader(pidfd, self._ended, stat.pid)
        if case.signum == signal.SIGKILL:
            _kill_group(case.dead)
        self._signal(stat.pid)
        return True

    def _signal(self, pid: int) -> None:
        held = self._held[pid]
        try:
            send_signal(held.pidfd, held.case.signum)
        except ProcessLookupError:
            pass  # the loop is about to tell us
        except PermissionError:
            worker = held.case.dead.worker
            _log.warning("pid %d, left by worker %s, belongs to another user: it stays", pid, worker)
            self._hopeless.add((pid, held.start_time))
            self._drop(pid)

    def _ended(self, pid: int) -> None:
        held = self._held[pid]
        with contextlib.suppress(ChildProcessError):  # its parent is another orphan, or init
            os.waitid(os.P_PIDFD, held.pidfd, os.WEXITED | os.WNOHANG)
        self._drop(pid)

    def _drop(self, pid: int) -> None:
        held = self._held.pop(pid)
        held.case.held.discard(pid)
        self._loop.remove_reader(held.pidfd)
        os.close(held.pidfd)
        self._look_in(_NEXT_LOOK_S)

    def _set_timer(self) -> None:
        """One timer for the next deadline of a case that still waits for its orphans to end by themselves."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        patient = [case.deadline for case in self._cases.values() if case.signum != signal.SIGKILL]
        if patient:
            self._timer = self._loop.call_at(min(patient), self._lose_patience)

    def _lose_patience(self) -> None:
        self._timer = None
        now = self._loop.time()
        for case in self._cases.values():
            if case.signum != signal.SIGKILL and case.deadline <= now:
                case.signum = signal.SIGKILL
                for pid in list(case.held):
                    self._signal(pid)
        self._look_in(_NEXT_LOOK_S)
        self._set_timer()


def _kill_group(dead: DeadWorker) -> None:
    """Kill the worker's process group in one go, which no fork can slip through.

    Only while the worker's zombie is our child: then the group's id is the worker's for certain.
    """
    with contextlib.suppress(ChildProcessError, ProcessLookupError, PermissionError):
        if dead.is_child and os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            os.killpg(dead.pid, signal.SIGKILL)
