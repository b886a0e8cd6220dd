"""``autohealer events``."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Iterator

import click
import msgspec

from autohealer.cli.support.file_tail import FileTail, pause
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.printing import Printing
from autohealer.cli.support.selection import Selection
from autohealer.cli.support.where import Where
from autohealer.core.notices import EventRecord
from autohealer.runtime.event_log import older
from autohealer.views.listing import event_lines
from autohealer.views.reading import read_event
from autohealer.views.rendering import rendered
from autohealer.views.units import unix


class EventsArguments(msgspec.Struct, frozen=True):
    """What is typed after ``autohealer events``."""

    follow: bool
    lines: int | None
    since: float | None
    until: float | None
    grep: re.Pattern[str] | None
    utc: bool
    as_json: bool


def run(where: Where, given: EventsArguments) -> int:
    """Show what happened to the pool on this host."""
    address = PoolAddress(where)
    path = address.state.events_path
    if not (address.runs_here or path.exists()):
        raise address.nobody()
    wanted = Selection(given.since, given.until, given.grep)
    printing = None if given.as_json else Printing()
    growing = FileTail(path)
    past = _meant([*FileTail(older(path)).lines(), *growing.lines()], wanted)
    _print(past if given.lines is None else deque(past, given.lines), printing, is_past=not given.follow, utc=given.utc)
    while given.follow:
        pause()
        _print(_meant(growing.lines(), wanted), printing, is_past=False, utc=given.utc)
    return 0


def _meant(lines: Iterable[str], wanted: Selection) -> Iterator[tuple[str, EventRecord]]:
    """The events that are asked for: each as it stands in the file, and what it says."""
    for line in lines:
        event = read_event(line)
        if event is None or not wanted.has_time(unix(event.time)):
            continue
        if wanted.grep is None or wanted.has(None, line, _words(event)):
            yield line, event


def _words(event: EventRecord) -> str:
    return rendered(event_lines(event, 0.0, glyphs=False), styled=False, encoding="utf-8")


def _print(events: Iterable[tuple[str, EventRecord]], printing: Printing | None, *, is_past: bool, utc: bool) -> None:
    """As they are (``printing`` is None), or in words."""
    for line, event in events:
        if printing is None:
            click.echo(line)
            continue
        # How long ago is for those who look now: a file or a pipe is read later.
        ago = is_past and printing.styled
        printing.print(event_lines(event, time.time(), glyphs=printing.styled, is_past=ago, utc=utc))
