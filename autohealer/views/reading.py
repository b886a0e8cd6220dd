"""A line of JSON into the event that it tells of: from an event log, a feed, or what ``run --json`` prints."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from autohealer.core import notices
from autohealer.core.notices import EventRecord, Notice
from autohealer.views.tolerant import decoded, has_wrong, made_of

KINDS: dict[str, type[Notice]] = {
    kind.event: kind
    for kind in vars(notices).values()
    if isinstance(kind, type) and issubclass(kind, Notice) and "event" in vars(kind)
}


def read_event(line: str | bytes) -> EventRecord | None:
    """The event; None for what is none: a line that was cut off when the disk was full, or damaged."""
    try:
        fields = decoded(line)
    except ValueError:
        return None
    return record_of(fields) if isinstance(fields, dict) else None


def record_of(fields: Mapping[str, object]) -> EventRecord:
    """The event with these fields, as far as they make sense."""
    time, event, pool = (_text(fields.get(name)) for name in ("time", "event", "pool"))
    record = EventRecord(time, event or "", pool=pool, read=fields)
    if (kind := KINDS.get(record.event)) is not None:
        try:
            record.notice = msgspec.convert(fields, kind)
        except msgspec.ValidationError:
            record.notice, record.is_odd = made_of(kind, fields), has_wrong(kind, fields)
    return record


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
