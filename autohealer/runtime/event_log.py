"""What people are told: every event as one JSON object, in the event log on disk and to whoever listens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from autohealer.core.notices import EventRecord, Notice, fields_of
from autohealer.runtime.disk_writer import Batches, DiskWriter
from autohealer.runtime.private_files import open_file

MAX_BYTES = 10 * 2**20
MOST_WAITING = 20_000
TORN_MOST = 2**20


def timestamp(unix_s: float) -> str:
    """A moment as RFC 3339 in UTC with microseconds."""
    second, microsecond = divmod(round(unix_s * 1e6), 10**6)
    return f"{_second(second)}.{microsecond:06d}Z"


@lru_cache(maxsize=2)
def _second(unix_s: int) -> str:
    """Remembered, because this is asked for several times in each heal, and a thousand times in a storm."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat().removesuffix("+00:00")


class EventFile:
    """``events.jsonl`` of a pool, and one older file beside it. Used by one thread at a time.

    Whole lines or none are in it: what a full disk took of a batch is cut off again, and so is a torn line that a
    former agent left at the end.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path, self._max_bytes = path, max_bytes
        self._fd: int | None = None

    def append(self, lines: Sequence[EventRecord]) -> OSError | None:
        """Write the lines; the error is why none of them is in the file."""
        data = "".join(json.dumps(fields_of(line)) + "\n" for line in lines).encode()
        try:
            self._write(data)
        except OSError as error:
            self.close()
            return error
        return None

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _write(self, data: bytes) -> None:
        fd = self._open()
        size = os.fstat(fd).st_size
        if size and size + len(data) > self._max_bytes:
            self.close()
            with contextlib.suppress(OSError):
                self._path.replace(older(self._path))
            fd = self._open()
            size = os.fstat(fd).st_size
        written = 0
        try:
            while written < len(data):
                written += os.write(fd, data[written:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, size)
            raise

    def _open(self) -> int:
        """The file, unless it was removed meanwhile: then another one."""
        if self._fd is not None and os.fstat(self._fd).st_nlink == 0:
            self.close()
        if self._fd is None:
            self._fd = open_file(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
            _cut_torn_line(self._fd)
        return self._fd


class EventLog:
    """The events of a pool: told to ``listener`` at once, and written to ``file`` by another thread.

    A disk that is full, read-only or slow loses none of the last `MOST_WAITING`: they are written when it takes them.
    What is beyond that is lost, and ``warn`` says so.
    """

    def __init__(
        self,
        file: EventFile,
        writer: DiskWriter,
        loop: asyncio.AbstractEventLoop,
        *,
        listener: Callable[[EventRecord], None],
        warn: Callable[[str], None],
    ) -> None:
        self._file, self._listener, self._warn = file, listener, warn
        self._new: list[EventRecord] = []
        self._waiting: deque[EventRecord] = deque()
        self._new_calls: list[Callable[[], None]] = []
        self._calls: list[Callable[[], None]] = []
        self._lost = 0
        self._is_failing = False
        self._batches = Batches(
            writer, loop, take=self._take, write=self._write, written=self._written, is_awaited=self._is_awaited
        )

    def record(self, notice: Notice, unix_s: float, written: Callable[[], None] | None = None) -> None:
        """Take in an event that happened at this time.

        ``written`` is called once it is in the file, or as soon as it is known that it will not be there soon.
        """
        if written is not None:
            self._new_calls.append(written)
        self._new.append(EventRecord(timestamp(unix_s), notice.event, notice))

    def flush(self) -> None:
        """Tell the listener what has been collected, and have it written."""
        lines, self._new = self._new, []
        self._calls += self._new_calls
        self._new_calls = []
        self._waiting.extend(lines)
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        for line in lines:
            self._listener(line)
        self._batches.pump()

    async def close(self, within_s: float) -> None:
        """Have the rest written, if that can be done in time."""
        self.flush()
        if not await self._batches.quiet(within_s):
            self._warn("the disk does not answer: the last events are not in the log")

    def _take(self) -> tuple[list[EventRecord], list[Callable[[], None]]] | None:
        if not self._waiting:
            return None
        batch = list(self._waiting), self._calls
        self._waiting.clear()
        self._calls = []
        return batch

    def _write(self, batch: tuple[list[EventRecord], object]) -> OSError | None:
        return self._file.append(batch[0])

    def _is_awaited(self, batch: tuple[object, list[Callable[[], None]]]) -> bool:
        return bool(batch[1]) or self._lost > 0

    def _written(self, batch: tuple[list[EventRecord], list[Callable[[], None]]], error: OSError | None) -> None:
        lines, calls = batch
        if error is not None:
            self._waiting.extendleft(reversed(lines))
            if not self._is_failing:
                self._warn(f"cannot write the event log: {error.strerror}; it is tried again")
        elif self._lost:
            self._warn(f"{self._lost} events are not in the event log: there was no room for so long")
            self._lost = 0
        self._is_failing = error is not None
        for call in calls:
            call()


def _cut_torn_line(fd: int) -> None:
    """A file ends with a whole line, or with what was being written when an agent or the disk's room ended."""
    size = os.fstat(fd).st_size
    tail = os.pread(fd, min(size, TORN_MOST), max(0, size - TORN_MOST))
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(fd, size - len(tail) + tail.rfind(b"\n") + 1)


def older(path: Path) -> Path:
    """Where an event log goes when it has grown too long."""
    return path.with_name(path.name + ".1")
