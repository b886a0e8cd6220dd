"""What workers wrote, line by line, with the time of each and the life that wrote it.

A line's time is when it was first seen in the file: exact to some hundredths of a second after a rest, to a second
while a worker writes all the time; None where nothing is known. Memory is bounded by `LINE_BYTES` and the index.
"""

from __future__ import annotations

import heapq
import os
from typing import TYPE_CHECKING, NamedTuple

from autohealer.processes.output import index

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from autohealer.processes.output.files import OutputFiles
    from autohealer.processes.output.index import Mark

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 64 * 1024
LINE_BYTES = 1024 * 1024
_TRIES = 5


class OutputEntry(NamedTuple):
    """A line of a worker, or a mark: that a life began or ended there."""

    time: float | None
    slot: int
    worker: str | None
    """Whose line it is, as far as is known."""
    text: str = ""
    mark: Mark | None = None


class _OutputFile:
    """One output file with its index, of which only what is new is read each time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: tuple[int, int] = (0, 0)
        self.base = 0
        self.marks: list[Mark] = []

    def open(self) -> int | None:
        """The file, of the same generation as its index: a cut may come between the two. None where there is none."""
        for _ in range(_TRIES):
            self.refresh()
            try:
                fd = os.open(self._path, _READ)
            except OSError:
                return None
            if self._inode() == self._seen[0]:
                return fd
            os.close(fd)
        return None

    def refresh(self) -> None:
        """Read what the index has got since."""
        try:
            fd = os.open(index.path_of(self._path), _READ)
        except OSError:
            return
        try:
            status = os.fstat(fd)
            inode, offset = self._seen
            if inode != status.st_ino or status.st_size < offset:
                offset, self.base, self.marks = 0, 0, []
            text = os.pread(fd, index.MOST_BYTES, offset)
        except OSError:
            return
        finally:
            os.close(fd)
        text = text[: text.rfind(b"\n") + 1]
        self._seen = status.st_ino, offset + len(text)
        known = index.parse(text)
        self.base = self.base if known.head is None else known.head.base
        self.marks = sorted([*self.marks, *known.marks], key=_order)

    def _inode(self) -> int:
        try:
            return os.stat(index.path_of(self._path), follow_symlinks=False).st_ino
        except OSError:
            return 0


class SlotReader:
    """Reads one slot: first all that there is (or the end of it), then with each call what has come since."""

    def __init__(self, files: OutputFiles, slot: int) -> None:
        self._older, self._present = _OutputFile(files.older(slot)), _OutputFile(files.path(slot))
        self._slot = slot
        self._begin = self._at = 0
        self._rest = b""
        self._worker: str | None = None
        self._told: set[tuple[str, bool]] = set()
        self._time: float | None = None

    def skip_to_last(self, lines: int) -> None:
        """Begin with the last so many lines."""
        found = 0
        for source in (self._present, self._older):
            fd = source.open()
            if fd is None:
                continue
            try:
                offset = os.fstat(fd).st_size
                self._begin = source.base + offset if source is self._present else self._begin
                while offset > 0:
                    size = min(_CHUNK, offset)
                    offset -= size
                    chunk = os.pread(fd, size, offset)
                    breaks = chunk.count(b"\n")
                    if found + breaks > lines:
                        for _ in range(found + breaks - lines):
                            chunk = chunk[chunk.index(b"\n") + 1 :]
                        self._begin = source.base + offset + size - len(chunk)
                        return
                    found += breaks
                    self._begin = source.base + offset
            finally:
                os.close(fd)

    def skip_to(self, time: float) -> None:
        """Begin with what was written from then on, as closely as is known; nothing written since is left out."""
        for source in (self._older, self._present):
            fd = source.open()
            if fd is None:
                continue
            os.close(fd)
            for mark in source.marks:
                if mark.time >= time:
                    return
                self._begin = max(self._begin, mark.at)

    def entries(self, *, now: float | None = None) -> Iterator[OutputEntry]:
        """What has been added. ``now``: the time of what nobody has noted yet."""
        self._present.refresh()
        if not self._at or self._at < self._present.base:
            yield from self._read(self._older, now)
        yield from self._read(self._present, now)

    def rest(self) -> Iterator[OutputEntry]:
        """The line that is not ended yet."""
        if self._rest:
            line, self._rest = self._rest, b""
            yield self._line(line)

    def _read(self, source: _OutputFile, now: float | None) -> Iterator[OutputEntry]:
        fd = source.open()
        if fd is None:
            return
        try:
            base = source.base
            marks = iter([mark for mark in source.marks if mark.at >= base or mark.worker is not None])
            mark = next(marks, None)
            if self._at < base:  # the beginning, or text that was cut away unread
                yield from self.rest()
            offset = max(0, max(self._at, self._begin) - base)
            while chunk := os.pread(fd, _CHUNK, offset):
                while mark is not None and mark.at <= base + offset:
                    yield from self._pass(mark)
                    mark = next(marks, None)
                if mark is not None and mark.at < base + offset + len(chunk):
                    chunk = chunk[: mark.at - base - offset]
                self._time = now if mark is None else mark.time
                yield from self._take(chunk)
                offset += len(chunk)
                self._at = base + offset
            while mark is not None and mark.at <= base + offset:
                yield from self._pass(mark)
                mark = next(marks, None)
        finally:
            os.close(fd)

    def _take(self, chunk: bytes) -> Iterator[OutputEntry]:
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            before, self._rest = self._rest, b""
            yield self._line(before + line)
        self._rest += rest
        if len(self._rest) > LINE_BYTES:
            yield from self.rest()

    def _line(self, line: bytes) -> OutputEntry:
        return OutputEntry(self._time, self._slot, self._worker, line.decode(errors="replace"))

    def _pass(self, mark: Mark) -> Iterator[OutputEntry]:
        """A position that the index knows: a life that begins or ends is told, once."""
        if mark.worker is None or (mark.worker, mark.is_end) in self._told:
            return
        self._told.add((mark.worker, mark.is_end))
        if mark.at >= self._begin:
            yield from self.rest()
            yield OutputEntry(mark.time, self._slot, mark.worker, mark=mark)
        self._worker = None if mark.is_end else mark.worker


def merged(entries: Iterable[Iterable[OutputEntry]]) -> Iterator[OutputEntry]:
    """All of several slots, by time; a line without one follows the line before it in its own slot."""
    timed = [_timed(number, each) for number, each in enumerate(entries)]
    return (item[3] for item in heapq.merge(*timed))


def _timed(reader: int, entries: Iterable[OutputEntry]) -> Iterator[tuple[float, int, int, OutputEntry]]:
    latest = float("-inf")
    for number, entry in enumerate(entries):
        latest = max(latest, latest if entry.time is None else entry.time)
        yield latest, reader, number, entry


def _order(mark: Mark) -> tuple[int, float, bool]:
    """At one position a life ends before the next one begins."""
    return mark.at, mark.time, mark.is_begin
