"""The watchdog: a small process that ends workers when the authority to run them has passed.

The lease is proven by requests that ZooKeeper has answered, and it ends with time alone: also while the owner is
killed, frozen or cut off. So a process in a session of its own keeps the time (``guard`` is its program), and this is
its owner's side. It ends what it guards by itself, whatever the owner does; all that the owner has to do is to say
``extend`` while authority grows, and to start nothing without a watchdog that is ready.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from autohealer.processes.launch.environment import PREFIX
from autohealer.processes.reaper import Reaper
from autohealer.processes.tree import procfs
from autohealer.processes.watchdog.program import CLEAR, READY, SOCKET, TAKEN, now

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Watchdog", "WatchdogCallbacks", "now"]

# So long the watchdog may take to answer; after that it is frozen, and another one takes its place.
ANSWER_WITHIN_S = 1.0

_PROGRAM = str(Path(__file__).with_name("program.py"))
_FLAGS = ("-I", "-S")
_NULL = "/dev/null"


class WatchdogCallbacks(NamedTuple):
    """Who hears of a watchdog, in the loop's thread."""

    on_ready: Callable[[], None]
    """Called when it has begun to guard."""

    on_gone: Callable[[], None]
    """Called when it has died or is frozen: call `start` again, which tells the new one all that the former knew."""

    on_clear: Callable[[], None] = lambda: None
    """Called when it was told to end all and nothing is left."""


class Watchdog:
    """Guards the processes whose environment bears all variables of ``marker``, and their descendants.

    All moments are those of `now`, which goes on while the machine is suspended.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        marker: Mapping[str, str],
        stop_signal: int,
        callbacks: WatchdogCallbacks,
        *,
        users: Iterable[int] = (),
        reaper: Reaper | None = None,
    ) -> None:
        """Nothing is started yet.

        ``users``: whose processes it guards, our own where none are named. ``reaper`` is entered with the watchdog,
        where this process is one that collects other children, too.
        """
        self._reaper = reaper or Reaper()
        self._loop, self._stop_signal = loop, stop_signal
        self._users = sorted(set(users) or {os.getuid()})
        self._names = frozenset(marker)
        self._marker = [f"{name}={value}" for name, value in sorted(marker.items())]
        self._on_ready, self._on_gone, self._on_clear = callbacks
        self._socket: socket.socket | None = None
        self._pidfd = -1
        self._unanswered = 0
        self._patience: asyncio.TimerHandle | None = None
        self._until: tuple[float, float] | None = None
        self._added: dict[int, int] = {}
        self.pid: int | None = None
        """Its process: a child of ours that is no worker and no orphan."""
        self.ready = False
        """Does it guard? Start nothing that has to be guarded while it does not."""

    def start(self) -> None:
        """Start it, or another one in the place of one that is gone. Raises OSError where that cannot be done."""
        ours, its = socket.socketpair()
        try:
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, *_FLAGS, _PROGRAM, self._order, *self._marker],
                {name: value for name, value in os.environ.items() if self._is_harmless(name)},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, its.fileno(), SOCKET),
                    (os.POSIX_SPAWN_OPEN, 0, _NULL, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, _NULL, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, _NULL, os.O_WRONLY, 0),
                ],
                setsid=True,
                setsigmask=(),
                setsigdef=(signal.SIGCHLD,),
            )
        except OSError:
            ours.close()
            raise
        finally:
            its.close()
        try:
            self._pidfd = os.pidfd_open(pid)
        except OSError:
            ours.close()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        ours.setblocking(False)
        self.pid, self._socket = pid, ours
        self._reaper.enter(pid)
        self._loop.add_reader(self._pidfd, self._ended)
        self._loop.add_reader(ours.fileno(), self._hear)
        for added, start_time in self._added.items():
            self._say(f"add {added} {start_time}")
        if self._until is not None:
            self.extend(*self._until)

    def extend(self, stop_at: float, kill_at: float) -> None:
        """Let what it guards run until ``stop_at``: then comes the stop signal, and from ``kill_at`` on SIGKILL.

        The latest word counts, whichever way it differs from the former: moments that have come end all at once.
        """
        self._until = (stop_at, kill_at)
        if self._socket is None:
            return
        self._unanswered += 1
        if self._patience is None:
            self._patience = self._loop.call_later(ANSWER_WITHIN_S, self._lose_patience)
        self._say(f"until {stop_at!r} {kill_at!r}")

    def add(self, pid: int, start_time: int | None = None) -> None:
        """Name a process to guard that may overwrite its environment, as many do to show a title.

        A session leader that we have started, and that nobody has reaped. ``start_time`` is looked up if not given.
        """
        start_time = procfs.start_time(pid) if start_time is None else start_time
        if start_time is None:
            return
        self._added[pid] = start_time
        self._say(f"add {pid} {start_time}")

    def remove(self, pid: int) -> None:
        """Nothing is left of it and its session: the number may be another's from now on."""
        if pid in self._added:
            del self._added[pid]
            self._say(f"remove {pid}")

    def release(self) -> None:
        """Nothing is guarded any more: it goes, and touches nobody."""
        self._say("release")
        self._forget()

    def relieve_former(self) -> None:
        """End watchdogs of former lives of ours, which know nothing of the authority that we have.

        Call it when this one is ready and has been extended, and nobody else alive may have this marker.
        """
        for pid in procfs.process_ids():
            if pid == self.pid or not self._is_watchdog(pid):
                continue
            with contextlib.suppress(OSError):
                pidfd = os.pidfd_open(pid)
                try:
                    if self._is_watchdog(pid):
                        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                finally:
                    os.close(pidfd)

    @property
    def _order(self) -> str:
        """The stop signal, and whose processes it is for."""
        return ",".join(map(str, (self._stop_signal, *self._users)))

    def _is_harmless(self, name: str) -> bool:
        """The watchdog itself must not bear the marker, and needs none of our secrets."""
        return name not in self._names and not name.startswith(PREFIX)

    def _is_watchdog(self, pid: int) -> bool:
        arguments = (procfs.read_file(f"/proc/{pid}/cmdline") or b"").split(b"\0")[1:-1]
        ours = [*_FLAGS, _PROGRAM, *self._marker]
        return [os.fsdecode(word) for word in (*arguments[:3], *arguments[4:])] == ours

    def _say(self, order: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send(f"{order}\n".encode())
        except OSError:
            self._kill()  # it has died, or has been frozen for long: either way its end is told by the loop

    def _hear(self) -> None:
        if self._socket is None:
            return
        try:
            said = self._socket.recv(1 << 12)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            self._loop.remove_reader(self._socket.fileno())
            self._kill()
        for byte in said:
            if byte == ord(READY):
                self.ready = True
                self._on_ready()
            elif byte == ord(TAKEN):
                self._answered()
            elif byte == ord(CLEAR) and not self._unanswered:
                self._on_clear()

    def _answered(self) -> None:
        self._unanswered -= 1
        if not self._unanswered and self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if self._unanswered:
            self._hear()  # if it was us who were frozen, then the answer is there
        if self._unanswered:
            self._kill()

    def _kill(self) -> None:
        if self.pid is not None:
            self.ready = False
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _ended(self) -> None:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
        was_ours = self._socket is not None
        self._forget()
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        if self.pid is not None:
            self._reaper.leave(self.pid)
        self.pid = None
        if was_ours:
            self._on_gone()

    def _forget(self) -> None:
        """Have no more to do with this one, but for its end."""
        self.ready = False
        self._unanswered = 0
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
