"""The datagram socket to which workers say how they are: sd_notify, and the fields of `autohealer.worker`.

Whose a message is, the kernel tells: the sender's pid comes with it, and belongs to a worker or to a descendant of one.
Whatever else is sent there is hostile or mistaken, and is dropped: too long, not text, of nobody, out of range.

The kernel queues few datagrams (``net.unix.max_dgram_qlen``), so all that have come are read at once. The path is the
same over the agent's restarts, since it stands in the environment of workers that outlive it.
"""

from __future__ import annotations

import math
import socket
import struct
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autohealer.core.events import NotifyReceived
from autohealer.processes.output import printable
from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from autohealer.core.model import Instant

    # A field of NotifyReceived, and the value that a text stands for; None where it makes no sense.
    _Reader = Callable[[str], tuple[str, bool | str | float] | None]

_MOST_BYTES = 8192
_MOST_TEXT = 200
_TASKS = frozenset({"task", "task_ended"})
_MOST_AT_ONCE = 256
_MOST_GENERATIONS = 32
_LONGEST_EXTENSION_S = 7 * 86_400.0
_CREDENTIALS = struct.Struct("iII")
# Room for the sender's credentials alone: descriptors that somebody sends along find none, and the kernel closes them.
_ANCILLARY_BYTES = socket.CMSG_SPACE(_CREDENTIALS.size)


class NotifySocket:
    """Reads the messages of the workers that it has been told of, and hands them on as events."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        receiver: socket.socket,
        post: Callable[[NotifyReceived], None],
        clock: Callable[[], Instant],
    ) -> None:
        self._loop, self._socket, self._post, self._clock = loop, receiver, post, clock
        self._workers: dict[int, str] = {}
        self._pids: dict[str, int] = {}
        self.dropped = 0
        """Messages of nobody, or that made no sense."""
        loop.add_reader(receiver.fileno(), self._drain)

    def start(self, worker: str, pid: int) -> None:
        """From now on this process and its descendants speak for this worker."""
        self._workers[pid], self._pids[worker] = worker, pid

    def stop(self, worker: str) -> None:
        """Nobody does any more."""
        if (pid := self._pids.pop(worker, None)) is not None and self._workers.get(pid) == worker:
            del self._workers[pid]

    def take_over(self, former: NotifySocket) -> None:
        """Hear those whom another has heard until now, which is closed."""
        self._workers, self._pids = dict(former._workers), dict(former._pids)
        former.close()

    def close(self) -> None:
        """Hear no more. The path stays: workers that outlive this agent go on sending there."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _drain(self) -> None:
        last: dict[str, bytes] = {}
        for _ in range(_MOST_AT_ONCE):  # the rest in the loop's next turn, for others want theirs
            try:
                data, ancillary, flags, _ = self._socket.recvmsg(_MOST_BYTES, _ANCILLARY_BYTES)
            except BlockingIOError:
                return
            worker = None if flags & socket.MSG_TRUNC else self._worker_of(_sender(ancillary))
            if worker is None:
                self.dropped += 1
            elif last.get(worker) != data:  # who says the same again and again at one moment says it once
                last[worker] = data
                for message in parse(data, worker, self._clock()):
                    self._post(message)

    def _worker_of(self, pid: int) -> str | None:
        """The worker that this process is, descends from, or whose session it is in; None where it is nobody's."""
        for _ in range(_MOST_GENERATIONS):
            if pid <= 1:
                return None
            if (worker := self._workers.get(pid)) is not None:
                return worker
            stat = procfs.read_stat(pid)
            if stat is None:
                return None
            if (worker := self._workers.get(stat.session)) is not None:
                return worker
            pid = stat.parent
        return None


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS) and len(data) == _CREDENTIALS.size:
            return int(_CREDENTIALS.unpack(data)[0])
    return 0


def parse(data: bytes, worker: str, at: Instant) -> Iterator[NotifyReceived]:
    """What a message says, in its order: mostly one event, more where it tells of several tasks.

    Lines that make no sense, or that we have no use for (MAINPID, FDSTORE), are skipped.
    """
    nothing = NotifyReceived(at, worker)
    said: dict[str, bool | str | float] = {}
    for line in data.decode(errors="replace").split("\n"):
        name, _, text = line.partition("=")
        found = _FIELDS[name](text) if name in _FIELDS else None
        if found is None or (name == "X_AUTOHEALER_TASK_LIMIT" and "task" not in said):  # a limit of no task
            continue
        field, value = found
        if field in _TASKS and said.keys() & _TASKS:
            yield replace(nothing, **said)
            said = {}
        said[field] = value
    if said:
        yield replace(nothing, **said)


def _flag(field: str) -> _Reader:
    return lambda value: (field, True) if value == "1" else None


def _text(field: str) -> _Reader:
    return lambda value: (field, text) if (text := printable(value[:_MOST_TEXT])) else None


def _number(field: str, unit: float = 1.0, least: float = -math.inf, most: float = math.inf) -> _Reader:
    def read(text: str) -> tuple[str, float] | None:
        try:
            value = float(text[:32]) * unit
        except ValueError:
            return None
        return (field, min(value, most)) if math.isfinite(value) and value >= least else None

    return read


def _watchdog(value: str) -> tuple[str, bool] | None:
    return {"1": ("beat", True), "trigger": ("trigger", True)}.get(value)


_FIELDS: dict[str, _Reader] = {
    "READY": _flag("ready"),
    "STOPPING": _flag("stopping"),
    "STATUS": _text("status"),
    "WATCHDOG": _watchdog,
    "EXTEND_TIMEOUT_USEC": _number("extend_s", 1e-6, 0.0, _LONGEST_EXTENSION_S),
    "X_AUTOHEALER_PROGRESS": _number("progress"),
    "X_AUTOHEALER_IDLE": _flag("idle"),
    "X_AUTOHEALER_TASK": _text("task"),
    "X_AUTOHEALER_TASK_LIMIT": _number("task_limit_s", 1.0, 0.0),
    "X_AUTOHEALER_TASK_END": _text("task_ended"),
}
