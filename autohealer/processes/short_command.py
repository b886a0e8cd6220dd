"""A command that is run for what it says: output bounded, end waited for, killed with all that it has started."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, NamedTuple

from autohealer.processes.launch.exits import ExitWatcher
from autohealer.processes.launch.spawn import DEFAULTED
from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from autohealer.processes.launch.command import Command
    from autohealer.processes.reaper import Reaper

_MOST_READS = 64
_PASSES = 3


class CommandResult(NamedTuple):
    """How a command ended, and the end of what it said on stdout and stderr."""

    code: int | None
    signal: str | None
    output: bytes


class ShortCommands:
    """Runs commands under names of their own. Whoever starts one is told once of its end, killed or not."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reaper: Reaper, most_output: int) -> None:
        """``most_output``: how many bytes at the end of its output are kept."""
        self._loop, self._most_output = loop, most_output
        self._running: dict[str, _Running] = {}
        self._watcher = ExitWatcher(loop, self._exited, reaper)

    def is_running(self, name: str) -> bool:
        """Has it not been seen to end?"""
        return name in self._running

    def start(
        self, name: str, command: Command, environ: Mapping[str, str], done: Callable[[CommandResult], None]
    ) -> None:
        """Start it, in a session of its own and without input. Raises OSError; then ``done`` is not called."""
        running = _Running(self._loop, self._most_output, done)
        pid, pidfd = running.start(command, environ)
        self._running[name] = running
        self._watcher.watch(name, pid, pidfd, child=True)

    def kill(self, name: str) -> None:
        """Kill it with all that it has started."""
        pid = self._watcher.pid(name)
        if pid is not None and self._watcher.is_alive(name):
            kill_tree(pid)

    def _exited(self, name: str, code: int | None, signal_name: str | None) -> None:
        running = self._running.pop(name)
        self._watcher.release(name)
        running.exited(code, signal_name)


class _Running:
    """One process, and what it says."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, most_output: int, done: Callable[[CommandResult], None]
    ) -> None:
        self._loop, self._most_output, self._done = loop, most_output, done
        self._output = b""
        self._fd: int | None = None

    def start(self, command: Command, environ: Mapping[str, str]) -> tuple[int, int]:
        """The process, and its pidfd. Raises OSError."""
        read, write = os.pipe2(os.O_CLOEXEC)
        try:
            os.set_blocking(read, False)  # not the command's end, which would fail where we are slow
            pid = os.posix_spawn(
                command.path,
                command.argv,
                environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, write, 1),
                    (os.POSIX_SPAWN_DUP2, write, 2),
                ],
                setsid=True,
                setsigmask=(),
                setsigdef=DEFAULTED,
            )
            pidfd = _open_pidfd(pid)
        except OSError:
            os.close(read)
            raise
        finally:
            os.close(write)
        self._fd = read
        self._loop.add_reader(read, self._read)
        return pid, pidfd

    def exited(self, code: int | None, signal_name: str | None) -> None:
        """It has ended; whoever else holds its output need not be waited for."""
        self._read()
        self._close()
        self._done(CommandResult(code, signal_name, self._output))

    def _read(self) -> None:
        """Keep the end of what it says; it is never stopped for saying more."""
        if self._fd is None:
            return
        for _ in range(_MOST_READS):
            try:
                data = os.read(self._fd, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                self._close()
                return
            self._output = (self._output + data)[-self._most_output :]

    def _close(self) -> None:
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None


def _open_pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:  # out of descriptors: nobody would hear of its end
        kill_tree(pid)
        os.waitpid(pid, 0)
        raise


def kill_tree(pid: int) -> None:
    """SIGKILL a child of ours that has not been reaped, and its descendants, wherever they have gone."""
    for _ in range(_PASSES):  # they may start others meanwhile
        found = _descendants(pid)
        for victim in found:
            _kill(victim)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        if not found:
            return


def _descendants(root: int) -> list[procfs.ProcessStat]:
    members: dict[int, procfs.ProcessStat] = {}
    family: dict[int, list[procfs.ProcessStat]] = {}
    for stat in procfs.all_stats().values():
        if not stat.is_gone:
            family.setdefault(stat.parent, []).append(stat)
            if stat.session == root and stat.pid != root:
                members[stat.pid] = stat
    waiting = [root, *members]
    while waiting:
        for child in family.get(waiting.pop(), ()):
            if child.pid not in members:
                members[child.pid] = child
                waiting.append(child.pid)
    return list(members.values())


def _kill(victim: procfs.ProcessStat) -> None:
    with contextlib.suppress(OSError):
        pidfd = os.pidfd_open(victim.pid)
        try:
            again = procfs.read_stat(victim.pid)
            if again is not None and again.start_time == victim.start_time:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        finally:
            os.close(pidfd)
