"""What happened before the dashboard was opened: the end of the event log."""

from __future__ import annotations

from pathlib import Path

from autohealer.core.notices import EventRecord
from autohealer.runtime.event_log import older
from autohealer.views.reading import read_event

MOST_BYTES = 1 << 20
MOST_EVENTS = 2000


def past_events(path: Path, most_bytes: int = MOST_BYTES) -> list[EventRecord]:
    """The last events in the log and the older file beside it, the oldest first. A line that is cut off is left out."""
    data = _end_of(path, most_bytes)
    if len(data) < most_bytes:
        data = _end_of(older(path), most_bytes) + data
    return [record for line in data.splitlines()[-MOST_EVENTS:] if (record := read_event(line)) is not None]


def _end_of(path: Path, most_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - most_bytes))
            return file.read()
    except OSError:
        return b""
