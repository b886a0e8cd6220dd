"""One command: does it succeed? In a session of its own, killed as a tree where it takes too long."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
from collections import deque
from typing import TYPE_CHECKING

from autohealer.errors import UsageError
from autohealer.processes.launch.command import Command, resolve_command
from autohealer.processes.launch.environment import AGENT
from autohealer.processes.launch.exits import ExitWatcher
from autohealer.processes.launch.spawn import DEFAULTED
from autohealer.processes.output import printable
from autohealer.processes.probes.life import EXAMPLE, Answer, Life
from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from autohealer.processes.reaper import Reaper

MOST_OUTPUT = 4096
_MOST_READS = 64
_DETAIL = 200
_PASSES = 3


class Turns:
    """No more than so many commands run at once; the others wait, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most, self.running = most, 0
        self._waiting: deque[Callable[[], None]] = deque()

    def take(self, start: Callable[[], None]) -> None:
        """Call ``start`` as soon as there is room; it ends with `give_back`."""
        self._waiting.append(start)
        self._let_in()

    def leave(self, start: Callable[[], None]) -> None:
        """Wait no more."""
        with contextlib.suppress(ValueError):
            self._waiting.remove(start)

    def give_back(self) -> None:
        """There is room again."""
        self.running -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self.running < self._most:
            self.running += 1
            self._waiting.popleft()()


TURNS = Turns(2 * (os.cpu_count() or 1))
"""Of the whole process, however many pools it runs: commands that hang must not pile up."""


class ExecProbe:
    """``--probe-exec 'CMD'``: passes with exit code 0. Split as a shell would, and run by none."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reaper: Reaper,
        text: str,
        environment: Callable[[Life], Mapping[str, str]],
        *,
        cwd: str,
        turns: Turns = TURNS,
    ) -> None:
        """``environment`` is the worker's. Raises UsageError for what cannot be run."""
        self.name = text
        self._loop, self._environment, self._turns = loop, environment, turns
        self._command = _parse(text, environment(EXAMPLE), cwd)
        self._running: dict[str, ExecAttempt] = {}
        self._next: dict[str, Callable[[], None]] = {}
        self._watcher = ExitWatcher(loop, self._exited, reaper)

    def begin(self, life: Life, done: Callable[[Answer], None]) -> ExecAttempt:
        """See `Probe`."""
        argv = [life.fill(word) for word in self._command.argv]
        # Without the agent's id, so that the next agent does not take it for a worker of this one.
        environ = {name: value for name, value in self._environment(life).items() if name != AGENT}
        attempt = ExecAttempt(self._loop, Command(self._command.path, tuple(argv)), environ, done)

        def start() -> None:
            try:
                pid, pidfd = attempt.start()
            except OSError as error:
                self._turns.give_back()
                done(Answer(ok=False, detail=f"cannot run it: {error.strerror}"))
                return
            self._running[life.worker] = attempt
            self._watcher.watch(life.worker, pid, pidfd, child=True)

        def leave() -> None:
            self._turns.leave(start)
            self._next.pop(life.worker, None)

        attempt.leave = leave
        if life.worker in self._running:  # killed, and not gone yet: never two of one worker
            self._next[life.worker] = start
        else:
            self._turns.take(start)
        return attempt

    def _exited(self, worker: str, code: int | None, signal_name: str | None) -> None:
        attempt = self._running.pop(worker)
        self._watcher.release(worker)
        self._turns.give_back()
        if (start := self._next.pop(worker, None)) is not None:
            self._turns.take(start)
        attempt.exited(code, signal_name)


class ExecAttempt:
    """See `Attempt`. One process, and what it says."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        command: Command,
        environ: Mapping[str, str],
        done: Callable[[Answer], None],
    ) -> None:
        self._loop, self._command, self._environ, self._done = loop, command, environ, done
        self._pid: int | None = None
        self._output = b""
        self._fd: int | None = None
        self._is_cancelled = False
        self.began: float | None = None
        self.leave: Callable[[], None] = lambda: None

    def start(self) -> tuple[int, int]:
        """The process, and its pidfd. Raises OSError."""
        read, write = os.pipe2(os.O_CLOEXEC)
        try:
            os.set_blocking(read, False)  # not the command's end, which would fail where we are slow
            self._pid = os.posix_spawn(
                self._command.path,
                self._command.argv,
                self._environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, write, 1),
                    (os.POSIX_SPAWN_DUP2, write, 2),
                ],
                setsid=True,
                setsigmask=(),
                setsigdef=DEFAULTED,
            )
            pidfd = _open_pidfd(self._pid)
        except OSError:
            self._pid = None
            os.close(read)
            raise
        finally:
            os.close(write)
        self._fd = read
        self.began = self._loop.time()
        self._loop.add_reader(read, self._read)
        return self._pid, pidfd

    def cancel(self) -> None:
        """Kill it with all that it has started. Its end is waited for all the same."""
        self._is_cancelled = True
        self.leave()
        if self._pid is not None:
            kill_tree(self._pid)

    def exited(self, code: int | None, signal_name: str | None) -> None:
        """It has ended; whoever else holds its output need not be waited for."""
        self._pid = None
        self._read()
        self._close()
        if self._is_cancelled:
            return
        how = f"killed by {signal_name}" if signal_name else f"exit code {code}"
        lines = printable(self._output.decode(errors="replace")).strip().splitlines()
        said = lines[-1][:_DETAIL] if lines else ""
        self._done(Answer(ok=code == 0, detail="" if code == 0 else f"{how}: {said}" if said else how))

    def _close(self) -> None:
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None

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
            self._output = (self._output + data)[-MOST_OUTPUT:]


def _parse(text: str, environ: Mapping[str, str], cwd: str) -> Command:
    try:
        argv = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text!r} cannot be split into words: {error}", "quote it as for a shell") from None
    return resolve_command(argv, environ, cwd)


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


def _descendants(root: int) -> list[procfs.Stat]:
    members: dict[int, procfs.Stat] = {}
    family: dict[int, list[procfs.Stat]] = {}
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


def _kill(victim: procfs.Stat) -> None:
    with contextlib.suppress(OSError):
        pidfd = os.pidfd_open(victim.pid)
        try:
            again = procfs.read_stat(victim.pid)
            if again is not None and again.start_time == victim.start_time:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        finally:
            os.close(pidfd)
