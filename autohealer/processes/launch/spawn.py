"""Start a worker, quickly: between a death and its replacement stands one call of posix_spawn.

glibc makes it from clone(CLONE_VM | CLONE_VFORK): its cost does not grow with the agent's memory, and what fails
in the child before or at exec comes back as an errno. Everything else is computed when the `Spawner` is made.
"""

from __future__ import annotations

import enum
import errno
import functools
import os
import resource
import signal
from typing import TYPE_CHECKING, NamedTuple

from autohealer.processes.launch.sockets import FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from autohealer.processes.launch.command import Command

    _FileActions = list[tuple[object, ...]]

_TEMPORARY = frozenset(
    {
        errno.EAGAIN,  # too many processes
        errno.ENOMEM,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOSPC,  # the kernel's word for a full pid namespace
        errno.EINTR,
        errno.EIO,
        errno.ETXTBSY,  # the program is being written just now
    }
)
# Ignored signals stay ignored across exec, and Python ignores SIGPIPE and SIGXFSZ, a shell SIGINT of what it runs
# with &, nohup SIGHUP: a worker begins with the defaults, all of them.
DEFAULTED = tuple(int(signum) for signum in signal.valid_signals() if signum not in (signal.SIGKILL, signal.SIGSTOP))
_NULL = "/dev/null"
_TO_NULL = [(os.POSIX_SPAWN_OPEN, 1, _NULL, os.O_WRONLY, 0), (os.POSIX_SPAWN_DUP2, 1, 2)]
_PLACEHOLDERS = ("{slot}", "{port}", "{worker}", "{fd}")


class Output(enum.StrEnum):
    """Where what a worker writes goes, as ``--log`` says."""

    FILE = "file"
    STDOUT = "stdout"
    NONE = "none"
    JOURNALD = "journald"


class Spawned(NamedTuple):
    """A worker that was started."""

    pid: int
    pidfd: int


def is_temporary(error_number: int) -> bool:
    """May the same start succeed later with nothing changed but the load on the machine?"""
    return error_number in _TEMPORARY


class Spawner:
    """Starts the workers of one pool: same command, same environment but for a few variables."""

    def __init__(
        self,
        command: Command,
        environ: Mapping[str, str],
        output: Output,
        *,
        descriptor_limit: tuple[int, int] | None = None,
        stdin: int | None = None,
        sockets: Callable[[], Sequence[int]] | None = None,
    ) -> None:
        """Compute all that the workers have in common.

        ``descriptor_limit`` is the (soft, hard) limit on open files that workers get, where the agent has raised
        its own. ``stdin`` is an open file, None: /dev/null. ``sockets`` gives the listening sockets that workers
        inherit from descriptor 3 on. Their working directory is the agent's.
        """
        self._path = command.path
        self._argv = command.argv
        self._is_template = any(
            placeholder in argument for argument in command.argv[1:] for placeholder in _PLACEHOLDERS
        )
        # As bytes, since posix_spawn would otherwise encode every variable anew for every worker.
        self._environ = {os.fsencode(name): os.fsencode(value) for name, value in environ.items()}
        self._stdin: tuple[object, ...] = (
            (os.POSIX_SPAWN_OPEN, 0, _NULL, os.O_RDONLY, 0) if stdin is None else (os.POSIX_SPAWN_DUP2, stdin, 0)
        )
        self._sockets = sockets
        self._without_file: _FileActions = [self._stdin] if output is Output.STDOUT else [self._stdin, *_TO_NULL]
        self._descriptor_limit = descriptor_limit
        self._own_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        if descriptor_limit:
            for place in (0, 1):
                _low_descriptor(place)  # while few files are open

    def spawn(
        self,
        worker_env: Mapping[bytes, bytes],
        *,
        slot: int,
        worker: str,
        port: int | None = None,
        output: int | None = None,
        stdin: int | None = None,
        standby: int | None = None,
    ) -> Spawned:
        """Start a worker in a session of its own, its standard output and error in the open file ``output``.

        ``stdin`` is an open file instead of what others have, ``standby`` the one that a spare reads from. Raises
        OSError where it cannot be started (`is_temporary` tells whether to try again).
        """
        argv = self._arguments(slot, worker, port) if self._is_template else self._argv
        environ = {**self._environ, **worker_env}
        file_actions = self._without_file if output is None else self._into(output)
        if stdin is not None:
            file_actions = [*file_actions, (os.POSIX_SPAWN_DUP2, stdin, 0)]
        sockets = self._sockets() if self._sockets is not None else ()
        if standby is not None:
            # Before the sockets, whose own numbers here are all above this one.
            number = FIRST + len(sockets)
            environ[b"AUTOHEALER_STANDBY_FD"] = b"%d" % number
            file_actions = [*file_actions, (os.POSIX_SPAWN_DUP2, self._within_limit(standby, 1), number)]
        if sockets:
            inherited = enumerate(sockets, FIRST)
            file_actions = [*file_actions, *((os.POSIX_SPAWN_DUP2, fd, number) for number, fd in inherited)]
        pid = self._start(argv, environ, file_actions)
        return Spawned(pid, self._open_pidfd(pid))

    def _arguments(self, slot: int, worker: str, port: int | None) -> list[str]:
        """The arguments with the known placeholders replaced; no other brace is touched."""
        values = {"{slot}": str(slot), "{worker}": worker}
        if self._sockets is not None:
            values["{fd}"] = str(FIRST)
        if port is not None:
            values["{port}"] = str(port)
        argv = list(self._argv)
        for index in range(1, len(argv)):
            for placeholder, value in values.items():
                argv[index] = argv[index].replace(placeholder, value)
        return argv

    def _into(self, output: int) -> _FileActions:
        output = self._within_limit(output, 0)
        return [self._stdin, (os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, 1, 2)]

    def _within_limit(self, fd: int, place: int) -> int:
        """The C library takes no number above the limit: such a file gets one of the low ones, by its ``place``."""
        if self._descriptor_limit is None or not fd >= self._descriptor_limit[0] >= 0:
            return fd
        return os.dup2(fd, _low_descriptor(place), inheritable=False)

    def _start(
        self,
        argv: list[str] | tuple[str, ...],
        environ: dict[bytes, bytes],
        file_actions: _FileActions,
    ) -> int:
        if self._descriptor_limit is None:
            return self._spawn(argv, environ, file_actions)
        # posix_spawn sets no limits: the child has ours of this moment, from its first instruction on. A soft limit
        # below the number of our open files costs nothing: each file action of the child closes one before it opens.
        resource.setrlimit(resource.RLIMIT_NOFILE, self._descriptor_limit)
        try:
            return self._spawn(argv, environ, file_actions)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, self._own_limit)

    def _spawn(
        self,
        argv: list[str] | tuple[str, ...],
        environ: dict[bytes, bytes],
        file_actions: _FileActions,
    ) -> int:
        return os.posix_spawn(
            self._path,
            argv,
            environ,
            file_actions=file_actions,
            setsid=True,
            setsigmask=(),
            setsigdef=DEFAULTED,
        )

    def _open_pidfd(self, pid: int) -> int:
        """A handle on our child, whose pid cannot be another's as long as it is not reaped."""
        try:
            return os.pidfd_open(pid)
        except OSError:
            # Out of descriptors: a worker whose end nobody would hear of must not live.
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise


@functools.cache
def _low_descriptor(place: int) -> int:
    """A number below any limit, taken when few files are open; one for each ``place``."""
    del place
    return os.open(_NULL, os.O_RDONLY | os.O_CLOEXEC)
