"""``autohealer logs``."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial

import click
import msgspec

from autohealer.cli.support.file_tail import pause
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.selection import Selection
from autohealer.cli.support.terminals import is_styled
from autohealer.cli.support.where import Where
from autohealer.core.model import WorkerId
from autohealer.errors import UsageError
from autohealer.processes.output import index
from autohealer.processes.output.files import OutputFiles
from autohealer.processes.output.reading import OutputEntry, SlotReader, merged
from autohealer.processes.output.text import coloured, last_state, printable
from autohealer.runtime.event_log import timestamp
from autohealer.views.units import clock

USUAL_LINES = 20
SLOT_COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta")


class LogsArguments(msgspec.Struct, frozen=True):
    """What is typed after ``autohealer logs``."""

    worker: str | None
    follow: bool
    lines: int | None
    since: float | None
    until: float | None
    grep: re.Pattern[str] | None
    utc: bool
    timestamps: bool
    as_json: bool


def run(where: Where, given: LogsArguments) -> int:
    """Show what the workers on this host wrote; WORKER is a slot's number or a worker's id."""
    address = PoolAddress(where)
    files = OutputFiles(address.state.output_dir, 0)
    worker = given.worker
    slot, life = (None, None) if worker is None else _slot(worker, files)
    slots = files.slots() if slot is None else [slot]
    if worker is not None and slot not in files.slots():
        raise UsageError(f"there is no output of {worker}", "see `autohealer status` for the workers that there are")
    if not slots and not address.runs_here:
        raise address.nobody()
    lines, wanted = given.lines, Selection(given.since, given.until, given.grep)
    if lines is None and wanted == Selection():
        lines = USUAL_LINES
    shown = _Shown(slot is None, given.timestamps, given.as_json, given.utc, is_styled())
    readers = {number: SlotReader(files, number) for number in slots}
    found = [_past(reader, wanted, lines, life) for reader in readers.values()]
    for entry in merged(found):
        shown.show(entry)
    while given.follow:
        pause()
        for number in files.slots() if slot is None else []:
            readers.setdefault(number, SlotReader(files, number))
        fresh = [
            filter(partial(_is_meant, wanted, life), reader.entries(now=time.time())) for reader in readers.values()
        ]
        for entry in merged(fresh):
            shown.show(entry)
    return 0


def _past(reader: SlotReader, wanted: Selection, lines: int | None, life: str | None) -> Iterable[OutputEntry]:
    """What there is of one slot; the last so many lines of it, with the lives among them."""
    if wanted.since is not None:
        reader.skip_to(wanted.since)
    elif lines is not None and wanted == Selection() and life is None:
        reader.skip_to_last(lines)
    entries = filter(partial(_is_meant, wanted, life), _all(reader))
    return entries if lines is None else _last(entries, lines)


def _all(reader: SlotReader) -> Iterator[OutputEntry]:
    yield from reader.entries()
    yield from reader.rest()


def _is_meant(wanted: Selection, life: str | None, entry: OutputEntry) -> bool:
    if life is not None and entry.worker != life:
        return False
    if entry.mark is not None:
        return wanted.grep is None and wanted.has_time(entry.time)
    return wanted.has(entry.time, printable(last_state(entry.text)))


def _last(entries: Iterable[OutputEntry], lines: int) -> Iterable[OutputEntry]:
    kept: deque[OutputEntry] = deque()
    count = 0
    for entry in entries:
        kept.append(entry)
        count += entry.mark is None
        while kept and (count > lines or (kept[0].mark is not None and count == lines and lines)):
            count -= kept.popleft().mark is None
    return kept


class _Shown(msgspec.Struct, frozen=True):
    """How lines are shown."""

    prefix: bool
    timestamps: bool
    as_json: bool
    utc: bool
    styled: bool

    def show(self, entry: OutputEntry) -> None:
        """One line, as people or programs read it. A pipe without times gets what workers wrote, and nothing else."""
        if entry.mark is not None and not (self.as_json or self.styled or self.timestamps):
            return
        text = self._json(entry) if self.as_json else self._words(entry)
        encoding = sys.stdout.encoding or "utf-8"
        click.echo(text.encode(encoding, "replace").decode(encoding))

    def _json(self, entry: OutputEntry) -> str:
        at = None if entry.time is None else timestamp(entry.time)
        fields = {"time": at, "slot": entry.slot, "worker": entry.worker}
        if entry.mark is None:
            return json.dumps({**fields, "line": entry.text}, ensure_ascii=False)
        if entry.mark.is_begin:
            return json.dumps({**fields, "event": "began", "pid": entry.mark.pid})
        return json.dumps({**fields, "event": "ended", "exit": entry.mark.exit})

    def _words(self, entry: OutputEntry) -> str:
        prefix = f"{entry.slot:>4} | " if self.prefix else ""
        if prefix and self.styled:
            prefix = click.style(prefix, fg=SLOT_COLOURS[entry.slot % len(SLOT_COLOURS)])
        if entry.mark is not None:
            mark = f"{prefix}-- {self._clock(entry)} {_life(entry)}"
            return click.style(mark, dim=True) if self.styled else mark
        text = last_state(entry.text)
        times = f"{self._clock(entry)}  " if self.timestamps else ""
        return f"{prefix}{times}{coloured(text) if self.styled else printable(text)}"

    def _clock(self, entry: OutputEntry) -> str:
        return clock(entry.time, time.time(), utc=self.utc)


def _life(entry: OutputEntry) -> str:
    """The life that began or ended, in words."""
    worker, mark = printable(entry.worker or "?"), entry.mark
    if mark is None or mark.is_begin:
        return f"{worker} began, pid {mark.pid if mark else '?'}"
    return f"{worker} ended: {printable(mark.exit or '?')}"


def _slot(worker: str, files: OutputFiles) -> tuple[int, str | None]:
    """The number of the file, and the one life in it that is meant, if one is.

    Which file a life wrote to, the index tells: the id of a spare does not.
    """
    if worker.isascii() and worker.isdigit():
        return int(worker), None
    parsed = WorkerId.parse(worker)
    if parsed is None:
        raise UsageError(f"{worker!r} is neither a slot's number nor a worker's id", "see `autohealer status`")
    of_life = (slot for slot in files.slots() for path in (files.path(slot), files.older(slot)) if _is_in(worker, path))
    return next(of_life, parsed.number), worker


def _is_in(worker: str, path: str) -> bool:
    return any(mark.worker == worker for mark in index.read(path).marks)
