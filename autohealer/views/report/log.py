"""Lines of an event log into events in order of time. Whatever makes no sense is passed over, and counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from autohealer.core.model import WorkerId
from autohealer.core.notices import Notice, WorkerNotice
from autohealer.views.reading import read_event
from autohealer.views.units import unix

SET_BACK_S = 1.0
"""Events are written in the order in which they became known; times out of order by less than this are no clock's."""


class LoggedEvent(NamedTuple):
    """An event at a Unix time; ``notice`` is None where this version does not know it."""

    at: float
    event: str
    notice: Notice | None


class Log(msgspec.Struct, frozen=True):
    """What the lines say. ``agents`` is, for each event, the agent whose workers are in the log at that time."""

    entries: tuple[LoggedEvent, ...]
    agents: tuple[str | None, ...]
    unreadable: int
    set_back_s: float


def read_log(lines: Iterable[str], now: float) -> Log:
    """The events, none later than the one after it, nor than ``now``.

    Where the clock was set back, what had happened later by the former clock is moved to that moment: how long things
    took there is lost, but neither their order nor their number.
    """
    entries: list[LoggedEvent] = []
    unreadable = 0
    for line in lines:
        entry = _entry(line)
        if entry is None:
            unreadable += bool(line.strip())
        else:
            entries.append(entry)
    latest = following = now
    set_back_s = 0.0
    for index in range(len(entries) - 1, -1, -1):
        at = entries[index].at
        if at - following >= SET_BACK_S:
            set_back_s += at - following
        if at > latest:
            entries[index] = entries[index]._replace(at=latest)
        latest, following = min(at, latest), at
    return Log(tuple(entries), tuple(_agents(entries)), unreadable, set_back_s)


def _entry(line: str) -> LoggedEvent | None:
    record = read_event(line)
    if record is None or not record.event or (at := unix(record.time)) is None:
        return None
    return LoggedEvent(at, record.event, record.notice)


def _agents(entries: list[LoggedEvent]) -> list[str | None]:
    """Of each event: whose workers follow, or else whose went before."""
    found: list[str | None] = [None] * len(entries)
    agent: str | None = None
    beginning = ""
    first_unknown = len(entries)
    for index in range(len(entries) - 1, -1, -1):
        notice = entries[index].notice
        worker = notice.worker if isinstance(notice, WorkerNotice) else None
        if worker is not None and not (beginning and worker.startswith(beginning)):
            parsed = WorkerId.parse(worker)
            if parsed is not None:
                agent, beginning = parsed.agent, f"{parsed.agent}-"
        found[index] = agent
        if agent is None:
            first_unknown = index
    for index in range(max(1, first_unknown), len(entries)):
        found[index] = found[index - 1]
    return found
