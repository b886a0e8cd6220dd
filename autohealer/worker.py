"""For workers written in Python: tell the auto-healer how you are.

    from autohealer import worker

    worker.ready()                             # as READY=1 of sd_notify: for --ready notify
    for number, job in enumerate(jobs):
        with worker.task(job.id, limit=300):   # for --task-timeout: no piece of work takes longer
            work_on(job)
        worker.beat(progress=number)           # for --beat-timeout and --progress-timeout
    worker.idle()                              # there is nothing to do: no deadline counts until the next beat or task

Every function returns at once, whatever the agent is doing, and raises nothing when a message cannot be sent. Outside
autohealer each does nothing at all, so that a program need not ask where it runs. To import this costs a few
milliseconds: the standard library alone; `register` imports kazoo.

Messages are datagrams to ``NOTIFY_SOCKET``, as systemd has them, with fields of our own (``X_AUTOHEALER_…``). The
kernel queues few of them. One that finds no room is dropped; what may not get lost, such as the end of a task, goes
with the next one.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["beat", "debuggable", "idle", "info", "ready", "register", "standby", "task"]

# A loop that beats a million times a second is as alive as one that beats once; with a short --beat-timeout, which
# WATCHDOG_USEC tells, four times within that.
_BEAT_EVERY_S: Final = 1.0
_MOST_UNSENT: Final = 48
_LONGEST_ID: Final = 64
_FLAGS: Final = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_STACKS: Final = "autohealer-stacks"


class Info:
    """Who this worker is, from its environment; everything is None outside autohealer."""

    @property
    def worker(self) -> str | None:
        """The worker id: one for each life, never used twice."""
        return os.environ.get("AUTOHEALER_WORKER_ID")

    @property
    def pool(self) -> str | None:
        """The pool's name."""
        return os.environ.get("AUTOHEALER_POOL")

    @property
    def agent(self) -> str | None:
        """The id of the agent that started this worker."""
        return os.environ.get("AUTOHEALER_AGENT")

    @property
    def slot(self) -> int | None:
        """The place in the pool on this host, from 0 up; None for a spare that has not been promoted."""
        return _number("AUTOHEALER_SLOT")

    @property
    def epoch(self) -> int | None:
        """The fencing token: it grows with every plan."""
        return _number("AUTOHEALER_EPOCH")

    @property
    def revision(self) -> int | None:
        """What this worker was started from: grows with every change of the command or its surroundings."""
        return _number("AUTOHEALER_REVISION")

    @property
    def restarts(self) -> int | None:
        """How often the slot was started before."""
        return _number("AUTOHEALER_RESTARTS")

    @property
    def last_exit(self) -> str | None:
        """How the slot's last worker ended: ``3``, ``SIGKILL``, or empty for the first one."""
        return os.environ.get("AUTOHEALER_LAST_EXIT")

    @property
    def port(self) -> int | None:
        """The port to listen on, with ``--port-base``."""
        return _number("PORT") if self.worker else None


info: Final = Info()


def ready() -> None:
    """The start is over: this worker can do its job. Said once, and again with each beat."""
    if _agent is not None:
        _agent.ready()


def beat(progress: float | None = None) -> None:
    """This worker goes on. ``progress`` is a number that grows with finished work.

    Call it as often as you like, from the thread that does the work: a beat from a thread of its own would say that
    a worker lives which is stuck.
    """
    if _agent is not None:
        _agent.beat(progress)


def idle() -> None:
    """There is nothing to do: no beat and no progress is expected until the next `beat` or `task`."""
    if _agent is not None:
        _agent.idle()


@contextmanager
def task(id: str, limit: float | None = None) -> Iterator[None]:  # noqa: A002 - it is what callers have
    """One piece of work: a worker that is still at it after ``limit`` seconds (``--task-timeout``) is replaced."""
    if _agent is None:
        yield
        return
    name = "".join(c if c.isprintable() else "?" for c in str(id)[:_LONGEST_ID])
    _agent.begin(name, limit)
    try:
        yield
    finally:
        _agent.end(name)


def standby() -> int | None:
    """For a spare (``--spares``): wait to be needed; returns the slot. Call it when the slow start-up is over.

    A worker that is no spare gets its slot at once, None outside autohealer. A spare that is not needed any more
    ends here, by SystemExit.
    """
    given = os.environ.pop("AUTOHEALER_STANDBY_FD", "")
    if given.isdecimal():
        ready()
        with open(int(given)) as promotion:
            slot = promotion.readline().strip()
        if not slot.isdecimal():
            raise SystemExit(0)
        os.environ["AUTOHEALER_SLOT"] = slot
    return info.slot


def debuggable(signum: int = signal.SIGUSR1) -> None:
    """Let the agent ask for the stacks of all threads before it replaces this worker: see `autohealer why`.

    ``signum`` makes faulthandler write them into memory, even where the interpreter is stuck. The agent never sends
    it to a worker that does not catch it.
    """
    if info.worker is None:
        return
    import faulthandler  # noqa: PLC0415 - only for who asks for it

    with suppress(OSError, RuntimeError, ValueError):  # no memory, a signal that cannot be caught
        faulthandler.register(signum, os.memfd_create(f"{_STACKS}-{int(signum)}"), all_threads=True)


def register(address: str | None = None, *, session_timeout: float = 6.0) -> None:
    """Register in ZooKeeper under the worker's id, and again with each new session; returns before that is done.

    ``address`` is where others reach this worker, such as ``10.0.0.7:8000``. The registration ends with the process.
    """
    hosts = os.environ.get("AUTOHEALER_ZK")
    if info.worker is None or hosts is None:
        return
    from autohealer.coordination.registry.registration import Registration, entry_from  # noqa: PLC0415 - it imports kazoo

    entry = entry_from(os.environ, address=address)
    Registration(hosts, entry, session_timeout_s=session_timeout).open()


class _Agent:
    """The way to the agent: datagrams that never wait, in the order in which they were given in."""

    def __init__(self, path: str) -> None:
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._unsent: dict[str, str] = {}
        self._beat_every_s = min(_BEAT_EVERY_S, (_number("WATCHDOG_USEC") or 4e6) / 4e6)
        self._no_beat_before = 0.0
        self._is_ready = False
        self._make_lock()
        os.register_at_fork(after_in_child=self._make_lock)

    def _make_lock(self) -> None:
        # One that a signal handler can take again, and that no other thread of a parent holds in a forked child.
        self._lock = threading.RLock()

    def ready(self) -> None:
        self._is_ready = True
        self._tell("ready", "READY=1")

    def beat(self, progress: float | None) -> None:
        now = time.monotonic()
        if now < self._no_beat_before:
            return
        text = "READY=1\nWATCHDOG=1" if self._is_ready else "WATCHDOG=1"
        if progress is not None:
            text = f"{text}\nX_AUTOHEALER_PROGRESS={progress}"
        with self._lock:
            self._unsent.pop("idle", None)
            if self._send(text):
                self._no_beat_before = now + self._beat_every_s

    def idle(self) -> None:
        self._tell("idle", "X_AUTOHEALER_IDLE=1")

    def begin(self, name: str, limit: float | None) -> None:
        line = f"X_AUTOHEALER_TASK={name}"
        with self._lock:
            self._unsent.pop("idle", None)
            self._tell(f"begin {name}", line if limit is None else f"{line}\nX_AUTOHEALER_TASK_LIMIT={limit}")

    def end(self, name: str) -> None:
        with self._lock:
            self._unsent.pop(f"begin {name}", None)
            self._tell(f"end {name}", f"X_AUTOHEALER_TASK_END={name}")

    def _tell(self, about: str, line: str) -> None:
        """What may not get lost: it is kept until it has been sent."""
        with self._lock:
            self._unsent.pop(about, None)
            self._unsent[about] = line
            if len(self._unsent) > _MOST_UNSENT:
                del self._unsent[next(iter(self._unsent))]
            self._no_beat_before = 0.0
            self._send()

    def _send(self, text: str = "") -> bool:
        if self._unsent:
            text = "\n".join([*self._unsent.values(), text])
        try:
            self._socket.sendto(text.encode(), _FLAGS, self._address)
        except OSError:  # the agent is slow, or away
            return False
        self._unsent.clear()
        return True


def _number(name: str) -> int | None:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else None


def _open() -> _Agent | None:
    path = os.environ.get("NOTIFY_SOCKET")
    if not path or info.worker is None:  # under systemd alone NOTIFY_SOCKET is systemd's
        return None
    try:
        return _Agent(path)
    except OSError:  # out of descriptors
        return None


_agent: Final = _open()
