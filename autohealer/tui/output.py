"""Workers' output, read from their files as they grow. Blocking; the application calls it from a thread of its own."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from autohealer.processes.output import OutputFiles, printable

FIRST_BYTES = 256 * 1024
"""How much of what was written before is read of one worker."""
FIRST_BYTES_OF_MANY = 4 * 1024
MOST_BYTES = 1 << 20
"""How much is read of one file at one look; what a quicker writer wrote in between is left out, and said."""


class OutputLine(NamedTuple):
    """A line that a worker of this slot wrote."""

    slot: int
    text: str


class _Position:
    """How far one file has been read."""

    __slots__ = ("inode", "offset", "rest")

    def __init__(self, offset: int) -> None:
        self.offset, self.inode, self.rest = offset, 0, b""


class OutputReader:
    """New lines of some slots, or (``slots`` None) of all there are, in the order in which they are found."""

    def __init__(self, directory: Path, slots: Iterable[int] | None = None) -> None:
        self._files = OutputFiles(directory, 0)
        self._slots = None if slots is None else list(slots)
        self._read: dict[int, _Position] = {}
        self._first = FIRST_BYTES if self._slots is not None else FIRST_BYTES_OF_MANY

    def read(self) -> list[OutputLine]:
        """What has been written since the last call; at the first one, the last that was written before."""
        slots = self._files.slots() if self._slots is None else self._slots
        return [OutputLine(slot, text) for slot in slots for text in self._lines(slot)]

    def _lines(self, slot: int) -> list[str]:
        path = self._files.path(slot)
        try:
            there = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - of a thousand files, four times a second
        except OSError:
            return []
        if not stat.S_ISREG(there.st_mode):
            return []
        position = self._read.get(slot)
        if position is None:
            position = self._read[slot] = _Position(max(0, there.st_size - self._first))
            position.inode = there.st_ino
            starts_within = position.offset > 0
        else:
            starts_within = False
        if there.st_ino != position.inode or there.st_size < position.offset:
            position.inode, position.offset, position.rest = there.st_ino, 0, b""
        if there.st_size == position.offset:
            return []
        found = self._chunk(path, position, there.st_size)
        return found[1:] if starts_within else found

    def _chunk(self, path: str, position: _Position, size: int) -> list[str]:
        left_out = max(0, size - position.offset - MOST_BYTES)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return []
        try:
            data = os.pread(fd, size - position.offset - left_out, position.offset + left_out)
        finally:
            os.close(fd)
        position.offset += left_out + len(data)
        *whole, position.rest = ((b"" if left_out else position.rest) + data).split(b"\n")
        lines = [_shown(line) for line in whole]
        return [f"… {left_out:,} bytes left out", *lines[1:]] if left_out else lines


def _shown(line: bytes) -> str:
    """As a terminal would show it in the end: the last state of a line that was written over, nothing to obey."""
    text = line.decode(errors="replace").rstrip("\r")
    return printable(text.rpartition("\r")[2]).expandtabs(8)
