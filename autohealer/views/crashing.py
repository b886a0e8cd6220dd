"""Crash loops in words: which slots wait before their next start, and what their workers said before they died."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from autohealer.core.notices import EventRecord, WorkerBackoff

# "/usr/bin/python3: can't open file …": where the program lies is what matters least.
_FOLDERS = re.compile(r"^/(?:[^/:\s]+/)+(?=[^/:\s]+: )")


class Waiting(NamedTuple):
    """A slot that waits before its next start: why, and until when (Unix time), as far as is known."""

    slot: int | None
    cause: str
    next_start: float | None = None


class CrashLoop(NamedTuple):
    """Slots whose workers end alike."""

    words: str
    cause: str
    """What the words do not tell: how the lives ended, where a worker's own words stand for that."""
    next_start: float | None


def crash_loops(waiting: Iterable[Waiting], said: Mapping[int, str]) -> list[CrashLoop]:
    """Those that say the same together, the most first. ``said`` is what each slot's worker wrote last."""
    alike: dict[tuple[str, str], list[Waiting]] = defaultdict(list)
    for one in waiting:
        alike[one.cause, "" if one.slot is None else said.get(one.slot, "")].append(one)
    found = []
    for (cause, words), slots in sorted(alike.items(), key=lambda item: -len(item[1])):
        next_start = min((one.next_start for one in slots if one.next_start is not None), default=None)
        what = f"{_slots(slots)} crash-looping: {words or cause or 'no output'}"
        found.append(CrashLoop(what, cause if words else "", next_start))
    return found


def last_words(events: Iterable[EventRecord]) -> dict[int, str]:
    """Of each slot the last line that its worker wrote before it died, where the agent has told; the oldest first."""
    found: dict[int, str] = {}
    for record in events:
        if isinstance(record.notice, WorkerBackoff) and record.slot is not None:
            lines = [line.strip() for line in record.notice.output or ()]
            if said := next((line for line in reversed(lines) if line), None):
                found[record.slot] = _FOLDERS.sub("", said)
    return found


def _slots(waiting: list[Waiting]) -> str:
    if len(waiting) == 1 and waiting[0].slot is not None:
        return f"slot {waiting[0].slot} is"
    return f"{len(waiting):,} are"
