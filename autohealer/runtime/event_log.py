"""What people are told: every event as one JSON object, in the event log on disk and to whoever listens."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from autohealer.core.notices import Notice

Line = Mapping[str, object]

MAX_BYTES = 10 * 2**20


def timestamp(unix_s: float) -> str:
    """A moment as RFC 3339 in UTC with microseconds."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_fields(notice: Notice) -> dict[str, object]:
    """The notice's fields, in their order, as people and programs get them."""
    fields: dict[str, object] = {}
    for field in dataclasses.fields(notice):
        value = getattr(notice, field.name)
        if value is not None or field.name not in notice.optional:
            fields[field.name] = list(value) if isinstance(value, tuple) else value
    return fields


class EventLog:
    """``events.jsonl`` of a pool, and one older file beside it.

    Events are collected and written by ``flush``, one write for a batch. A disk that is full or read-only costs
    lines of the log, never more: ``dropped`` counts them.
    """

    def __init__(self, path: Path, listener: Callable[[Line], None] | None, max_bytes: int = MAX_BYTES) -> None:
        self._path, self._listener, self._max_bytes = path, listener, max_bytes
        self._waiting: list[Line] = []
        self._written: list[Callable[[], None]] = []
        self._fd: int | None = None
        self.dropped = 0

    def record(self, notice: Notice, unix_s: float, written: Callable[[], None] | None = None) -> None:
        """Take in an event that happened at this time. ``written`` is called once that is known, or cannot be."""
        if written is not None:
            self._written.append(written)
        self._waiting.append({"time": timestamp(unix_s), "event": notice.event, **as_fields(notice)})

    def flush(self) -> None:
        """Write what has been collected, and tell the listener."""
        lines, self._waiting = self._waiting, []
        written, self._written = self._written, []
        if not lines:
            return
        try:
            self._write("".join(json.dumps(line) + "\n" for line in lines).encode())
        except OSError:
            self.dropped += len(lines)
        if self._listener is not None:
            for line in lines:
                self._listener(line)
        for call in written:
            call()

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _write(self, data: bytes) -> None:
        if self._fd is None:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(self._fd).st_size + len(data) > self._max_bytes:
            os.close(self._fd)
            self._fd = None
            with contextlib.suppress(OSError):
                self._path.replace(older(self._path))
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.write(self._fd, data)


def older(path: Path) -> Path:
    """Where an event log goes when it has grown too long."""
    return path.with_name(path.name + ".1")
