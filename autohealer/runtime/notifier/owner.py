"""The agent's end of the process that sends notices: events go to it by a pipe, and nothing waits for it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from autohealer.core.notices import EventRecord
from autohealer.processes.launch.environment import PREFIX
from autohealer.processes.reaper import Reaper, reap
from autohealer.runtime.notifier.messages import RuleSpec, encoded, encoded_event

if TYPE_CHECKING:
    import asyncio

MODULE = "autohealer.runtime.notifier.program"
# Events that a notice can follow from; others are not sent to it.
EVENTS = frozenset(
    {
        "leader.elected",
        "leader.lost",
        "pool.below",
        "pool.recovered",
        "rollout.undone",
        "worker.backoff",
        "worker.done",
        "worker.exited",
        "worker.faulty",
        "worker.held",
        "worker.promoted",
        "worker.ready",
        "worker.started",
        "worker.stopped",
    }
)
MOST_WAITING = 1000
AGAIN_S, AGAIN_MOST_S = 1.0, 60.0


class Notifier:
    """Starts that process when it is made, and again when it has ended. All calls are the loop's thread's."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, reaper: Reaper, rules: Sequence[RuleSpec], warn: Callable[[str], None]
    ) -> None:
        self._loop, self._reaper, self._rules, self._warn = loop, reaper, list(rules), warn
        self._waiting: deque[bytes] = deque()
        self._into = self._said = self._pidfd = self._pid = -1
        self._rest, self._heard = b"", b""
        self._again_s = AGAIN_S
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None
        self._start()

    @property
    def pid(self) -> int:
        """Its process; -1 while there is none."""
        return self._pid

    def take(self, pool: str, event: EventRecord) -> None:
        """An event of a pool. Never waits; of what cannot be handed on the oldest is forgotten."""
        if event.event not in EVENTS or self._is_over:
            return
        self._waiting.append(encoded_event(pool, event))
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
        self._write()

    def close(self) -> None:
        """No more events come; it sends what it has, and ends by itself. It is reaped if the loop goes on so long."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self._let_go()

    def _start(self) -> None:
        self._timer = None
        try:
            self._spawn()
        except OSError as error:
            self._warn(f"notices are not sent: {error.strerror}; tried again in {self._again_s:g} s")
            self._later()

    def _spawn(self) -> None:
        its_in, self._into = os.pipe2(os.O_CLOEXEC)
        self._said, its_out = os.pipe2(os.O_CLOEXEC)
        try:
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-P", "-m", MODULE],
                {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, its_in, 0),
                    (os.POSIX_SPAWN_DUP2, its_out, 1),
                    (os.POSIX_SPAWN_DUP2, its_out, 2),
                ],
                setsid=True,
                setsigmask=(),
                setsigdef=(signal.SIGCHLD, signal.SIGPIPE),
            )
            self._pidfd = os.pidfd_open(self._pid)
        except OSError:
            self._let_go()
            raise
        finally:
            os.close(its_in)
            os.close(its_out)
        self._reaper.enter(self._pid)
        os.set_blocking(self._into, False)
        os.set_blocking(self._said, False)
        self._loop.add_reader(self._pidfd, self._ended)
        self._loop.add_reader(self._said, self._hear)
        self._rest = encoded(self._rules)
        self._write()

    def _write(self) -> None:
        """As much as the pipe takes; the rest when there is room."""
        if self._into < 0:
            return
        while self._rest or self._waiting:
            self._rest = self._rest or self._waiting.popleft()
            try:
                self._rest = self._rest[os.write(self._into, self._rest) :]
            except BlockingIOError:
                self._loop.add_writer(self._into, self._write)
                return
            except OSError:  # it has ended, which is heard of in another way
                return
        self._loop.remove_writer(self._into)

    def _hear(self) -> None:
        """What it says is a warning for people."""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._said, 1 << 16)
            if not data:
                self._loop.remove_reader(self._said)
            *lines, self._heard = (self._heard + data).split(b"\n")
            self._heard = self._heard[-4096:]
            for line in lines:
                self._warn(line.decode(errors="replace"))

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        reap(self._pid)
        self._reaper.leave(self._pid)
        self._pid = self._pidfd = -1
        self._let_go()
        if not self._is_over:
            self._warn(f"the process that sends notices has ended; another one is started in {self._again_s:g} s")
            self._later()

    def _later(self) -> None:
        self._timer = self._loop.call_later(self._again_s, self._start)
        self._again_s = min(2 * self._again_s, AGAIN_MOST_S)

    def _let_go(self) -> None:
        for fd in (self._into, self._said):
            if fd >= 0:
                self._loop.remove_reader(fd)
                self._loop.remove_writer(fd)
                os.close(fd)
        self._into = self._said = -1
        self._rest = b""
