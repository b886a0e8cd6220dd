"""One command run on somebody's behalf: `elect -- CMD` and `register … -- CMD`, whose exit code is passed on."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from autohealer.processes.launch.exits import ExitWatcher
from autohealer.processes.launch.spawn import DEFAULTED
from autohealer.processes.reaper import Reaper

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from autohealer.processes.launch.command import Command

_NAME = "command"
_REAL_TIME = "SIGRTMIN+"


class ChildProcess:
    """A command in a session of its own, with our output and no input.

    ``on_exit`` is called from the loop with its exit code, or 128 + n where signal n has ended it, as a shell counts.
    It is reaped when that returns: until then its pid is its own.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        command: Command,
        environ: Mapping[str, str],
        on_exit: Callable[[int], None],
        reaper: Reaper | None = None,
    ) -> None:
        """Start it. Raises OSError where that cannot be done. ``reaper``: of a process that has more children."""
        self._on_exit = on_exit
        self.pid = os.posix_spawn(
            command.path,
            command.argv,
            environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)],
            setsid=True,
            setsigmask=(),
            setsigdef=DEFAULTED,
        )
        try:
            pidfd = os.pidfd_open(self.pid)
        except OSError:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            raise
        self._watcher = ExitWatcher(loop, self._exited, reaper or Reaper())
        self._watcher.watch(_NAME, self.pid, pidfd, child=True)

    def send_signal(self, signum: int) -> None:
        """Signal it, unless it has ended."""
        with contextlib.suppress(PermissionError):  # it has become another user's
            self._watcher.send_signal(_NAME, signum)

    def kill(self) -> None:
        """Kill it, and all that is still in its process group."""
        if self._watcher.is_alive(_NAME):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _exited(self, _: str, code: int | None, name: str | None) -> None:
        status = code if code is not None else 128 + _number(name or "SIGKILL")
        try:
            self._on_exit(status)
        finally:
            self._watcher.release(_NAME)


def _number(name: str) -> int:
    """The signal that `signal_name` has named."""
    if name.startswith(_REAL_TIME):
        return signal.SIGRTMIN + int(name.removeprefix(_REAL_TIME))
    return signal.Signals[name].value
