"""The recorder: a bounded ring of two files, written by a thread of its own.

The loop's thread only appends to a queue. When a file is full, the state of the supervisor is taken at the next quiet
moment (that costs milliseconds for a thousand workers), and the next file begins with it in place of the older one. A
disk that is full or slow loses recordings, counted, and holds up nothing.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from autohealer import __version__
from autohealer.core.events import UsageSampled
from autohealer.processes.standstill import STOPPED
from autohealer.runtime.recorder.state import Encoder

if TYPE_CHECKING:
    from autohealer.core.actions import Action
    from autohealer.core.events import Event
    from autohealer.core.pool.supervisor import Supervisor

FILE_BYTES = 4 * 2**20
MOST_WAITING = 50_000
MUCH_WAITING = 10_000
QUIET_S = 0.1
NAMES = ("recording-0.jsonl", "recording-1.jsonl")
FORMAT = 2


class _RecordedStep(msgspec.Struct, frozen=True):
    event: Event
    actions: Sequence[Action]
    is_concluded: bool


class _Beginning(msgspec.Struct, frozen=True):
    state: Any
    at: float
    wall: float


class Recorder:
    """Records one supervisor into its pool's folder. ``record`` and ``checkpoint`` are called in the loop's thread."""

    def __init__(self, folder: Path, supervisor: Supervisor) -> None:
        self._folder, self._supervisor = folder, supervisor
        self._waiting: queue.SimpleQueue[_RecordedStep | _Beginning | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._file: int | None = None
        self._written = 0
        self._next = _older(folder)
        self._is_broken = self._is_draining = False
        self.wants_checkpoint = True
        """The next file has to begin with the state of the supervisor: call `checkpoint` when it is quiet."""
        self.lost = 0
        """How many steps are not in any file, for want of room on disk or in the queue."""
        self._saw_stopped = False
        self._was_concluded = True

    def record(self, event: Event, actions: Sequence[Action], *, is_concluded: bool = True) -> None:
        """An event that was taken in, and what came of it; not ``is_concluded``: it was not the last of several."""
        stands_alone, self._was_concluded = is_concluded and self._was_concluded, is_concluded
        if isinstance(event, UsageSampled) and self._is_for_show(event) and stands_alone and not actions:
            return
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put(_RecordedStep(event, tuple(actions), is_concluded))
        else:
            # From here on the file cannot be run again: the next one has to begin anew.
            self.lost += 1
            self.wants_checkpoint = True

    def checkpoint(self, at: float) -> None:
        """Begin another file with the state as it is now, between two events."""
        if self._thread is None:
            thread = threading.Thread(target=self._write, name="recorder", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no thread to give: it is asked for again when it is quiet again
                return
            self._thread = thread
        self.wants_checkpoint = False
        self._waiting.put(_Beginning(Encoder().encode(self._supervisor), at, time.time()))

    def close(self, within_s: float = 1.0) -> None:
        """Write what waits, and end."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(within_s)

    def _is_for_show(self, event: UsageSampled) -> bool:
        """Whether nothing depends on what workers use: no limit asks, and none is stopped, nor was at the last look."""
        saw_stopped, self._saw_stopped = self._saw_stopped, any(u.state in STOPPED for u in event.usages.values())
        return not (saw_stopped or self._saw_stopped or self._supervisor.depends_on_usage)

    # ---- in the thread

    def _write(self) -> None:
        encoder = msgspec.json.Encoder()
        while (item := self._next_when_quiet()) is not None:
            with suppress(OSError):
                if isinstance(item, _Beginning):
                    self._begin(encoder, item)
                else:
                    self._append(encoder, item)
        if self._file is not None:
            os.close(self._file)

    def _next_when_quiet(self) -> _RecordedStep | _Beginning | None:
        """The next item; in a storm only when it is over, for this thread would take the interpreter from the loop."""
        item = self._waiting.get()
        if not self._is_draining:
            waiting = -1
            while waiting < (waiting := self._waiting.qsize()) < MUCH_WAITING and item is not None:
                time.sleep(QUIET_S)
        self._is_draining = not self._waiting.empty()
        return item

    def _begin(self, encoder: msgspec.json.Encoder, beginning: _Beginning) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        path = self._folder / NAMES[self._next]
        with suppress(FileNotFoundError):
            path.unlink()
        # A file of our own making: neither a link nor anything else that somebody put there is written to.
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._next = 1 - self._next
        self._written, self._is_broken = 0, False
        head = {
            "format": FORMAT,
            "version": __version__,
            "at": beginning.at,
            "time": beginning.wall,
            "state": beginning.state,
        }
        self._put(encoder.encode(head))

    def _append(self, encoder: msgspec.json.Encoder, step: _RecordedStep) -> None:
        if self._file is None or self._is_broken:
            self.lost += 1
            return
        line = {
            "event": Encoder().encode(step.event),
            "actions": [Encoder().encode(a) for a in step.actions],
            "concluded": step.is_concluded,
        }
        self._put(encoder.encode(line))

    def _put(self, line: bytes) -> None:
        """A line, whole or not at all. After a failure the file is not gone on with: a step in it would be missing."""
        if self._file is None:
            return
        whole = False
        with suppress(OSError):
            whole = os.write(self._file, line + b"\n") == len(line) + 1
        if not whole:
            os.ftruncate(self._file, self._written)
            self._is_broken = self.wants_checkpoint = True
            self.lost += 1
            return
        self._written += len(line) + 1
        if self._written > FILE_BYTES:
            self.wants_checkpoint = True


def _older(folder: Path) -> int:
    """Which of the two files is to be written over: the one that is not there, or the older one."""

    def age(name: str) -> float:
        try:
            return (folder / name).lstat().st_mtime
        except OSError:
            return 0.0

    return min((0, 1), key=lambda index: age(NAMES[index]))
