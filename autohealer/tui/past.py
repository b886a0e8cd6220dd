"""What happened before the dashboard was opened: the end of the event log."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from autohealer.runtime.event_log import older

MOST_BYTES = 1 << 20
MOST_EVENTS = 2000

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def past_events(path: Path) -> list[dict[str, Any]]:
    """The last events in the log and the older file beside it, the oldest first. A line that is cut off is left out."""
    data = _end_of(path)
    if len(data) < MOST_BYTES:
        data = _end_of(older(path)) + data
    found = []
    for line in data.splitlines()[-MOST_EVENTS:]:
        with suppress(msgspec.MsgspecError):
            found.append(_decode(line))
    return found


def _end_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - MOST_BYTES))
            return file.read()
    except OSError:
        return b""
