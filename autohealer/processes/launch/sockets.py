"""Listening sockets that all workers of a pool share: ``--listen``, or what systemd has handed to the agent.

The agent binds each once, and every worker inherits that one socket, from descriptor 3 on. A connection waits in the
socket's queue, not in a worker: so one worker can take the place of another and no connection is lost.

It is bound at the start, so that an address that cannot be had is told at once; it listens from the first start of a
worker on. An agent that takes over workers binds beside the socket that these have, and nobody would accept
what comes in before.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from autohealer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FIRST = 3
BACKLOG = 2048


class Sockets:
    """The sockets of one pool. They live as long as the agent, or a worker that has them."""

    def __init__(self, bound: Sequence[_Bound], passed: Sequence[int] = (), names: str = "") -> None:
        self._bound, self._passed, self._names = bound, passed, names
        self._fds: list[int] | None = None

    @classmethod
    def open(cls, addresses: Sequence[str], pool: str, environ: Mapping[str, str], *, beside: bool) -> Sockets:
        """Bind them all, or take what systemd has passed instead. Raises UsageError for one that cannot be had.

        ``beside``: workers of a former agent may still listen there.
        """
        if count := passed_to_us(environ):
            names = environ.get("LISTEN_FDNAMES", "")
            return cls((), range(FIRST, FIRST + count), names or ":".join([pool] * count))
        bound: list[_Bound] = []
        try:
            for address in addresses:
                kind, _, where = address.partition(":")
                bound.append(_Unix(where, beside=beside) if kind == "unix" else _Tcp(where, beside=beside))
        except BaseException:
            for one in bound:
                one.close(is_over=not beside)
            raise
        return cls(bound, (), ":".join([pool] * len(bound)))

    @property
    def environ(self) -> dict[str, str]:
        """What workers are told; LISTEN_PID they learn from the helper that starts them."""
        count = len(self._bound) + len(self._passed)
        return {"LISTEN_FDS": str(count), "LISTEN_FDNAMES": self._names} if count else {}

    def for_worker(self) -> list[int]:
        """The sockets, listening, for a worker that starts now. Raises OSError."""
        if self._fds is None:
            fds = [*self._passed, *(one.listen() for one in self._bound)]
            # Above those that they (and the pipe of a spare) get in the worker: none takes the place of another.
            self._fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST + len(fds) + 1) for fd in fds]
        return self._fds

    def close(self, *, is_over: bool) -> None:
        """Let go of them; ``is_over``: nobody has them any more."""
        for fd in self._fds or ():
            os.close(fd)
        self._fds = []
        for one in self._bound:
            one.close(is_over=is_over)
        self._bound = ()


def passed_to_us(environ: Mapping[str, str]) -> int:
    """How many sockets systemd has passed to this process."""
    count = environ.get("LISTEN_FDS", "")
    is_ours = environ.get("LISTEN_PID") == str(os.getpid())
    return int(count) if is_ours and count.isascii() and count.isdigit() and len(count) < 4 else 0


class _Bound:
    """An address that is ours."""

    def __init__(self, bound: socket.socket) -> None:
        self.socket = bound

    def listen(self) -> int:
        """From now on; the descriptor."""
        self.socket.listen(BACKLOG)
        return self.socket.fileno()

    def close(self, *, is_over: bool) -> None:
        """Let go of it."""
        del is_over
        self.socket.close()


class _Tcp(_Bound):
    def __init__(self, where: str, *, beside: bool) -> None:
        host, _, port = where.rpartition(":")
        host = host.strip("[]")
        try:
            found = socket.getaddrinfo(host or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, _, _, _, address = found[0]
            if not beside:
                # Shared by SO_REUSEPORT, another pool's port would be shared without a word.
                with socket.socket(family, socket.SOCK_STREAM) as alone:
                    alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    alone.bind(address)
            bound = socket.socket(family, socket.SOCK_STREAM)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            bound.bind(address)
        except OSError as error:
            hint = "choose another one, or end who listens there (ss -ltnp)"
            raise UsageError(f"cannot listen on tcp:{where}: {error.strerror}", hint) from None
        super().__init__(bound)


class _Unix(_Bound):
    def __init__(self, path: str, *, beside: bool) -> None:
        self._path = Path(path).absolute()
        self._is_taken = self._answers()
        if self._is_taken and not beside:
            raise UsageError(f"somebody listens on {path} already", "choose another path, or end who does")
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._place = self._path
        try:
            if self._is_taken:
                self._place = self._path.with_name(
                    f"{self._path.name}.{os.getpid()}"
                )  # until there is somebody to accept
            else:
                self._remove_stale()
            bound.bind(str(self._place))
        except OSError as error:
            bound.close()
            raise UsageError(f"cannot listen on unix:{path}: {error.strerror}", "choose another path") from None
        super().__init__(bound)
        self._inode = self._place.stat().st_ino

    def listen(self) -> int:
        fd = super().listen()
        if self._place != self._path:
            self._place.replace(self._path)
            self._place = self._path
        return fd

    def close(self, *, is_over: bool) -> None:
        super().close(is_over=is_over)
        with contextlib.suppress(OSError):
            if (is_over or self._place != self._path) and self._place.stat().st_ino == self._inode:
                self._place.unlink()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.setblocking(False)
            try:
                caller.connect(str(self._path))
            except BlockingIOError:
                return True  # its queue is full
            except OSError:
                return False
        return True

    def _remove_stale(self) -> None:
        """Nobody listens: a socket that was left goes; what is no socket stays, and the bind fails."""
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(self._path.lstat().st_mode):
                self._path.unlink()
