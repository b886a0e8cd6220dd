"""Where each output file is, how it is opened for a worker, and its last lines.

A worker has its slot's file open for appending, by itself, so that its output costs the agent nothing and outlives it.
Such a file cannot be renamed away: it is copied and truncated, and the worker goes on at the new end (`cut`).

A file is ours if it was empty when we opened it, or if its index names it. What somebody has put in its place (a link,
a FIFO, another file, a further name of another file) is neither written to nor cut.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from typing import TYPE_CHECKING, NamedTuple

from autohealer.processes.output import index
from autohealer.processes.output.text import printable

if TYPE_CHECKING:
    from pathlib import Path

_TAIL_BYTES = 64 * 1024
_FILE = re.compile(r"slot-(\d+)\.log")
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class OpenedFile(NamedTuple):
    """An output file, open for a worker that is about to start; close ``fd`` when it has."""

    fd: int
    size: int
    """How much is in it already: where the worker's output begins."""


class OutputFiles:
    """The output of one pool's workers, a file for each slot, at most about twice ``max_bytes`` of each."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self.directory = str(directory)
        self.max_bytes = max_bytes
        self._ours: dict[int, str] = {}

    def path(self, slot: int) -> str:
        """Where the workers of a slot write."""
        return f"{self.directory}/slot-{slot}.log"

    def older(self, slot: int) -> str:
        """Where what they wrote before goes."""
        return f"{self.path(slot)}.1"

    def slots(self) -> list[int]:
        """Every slot that has a file."""
        with contextlib.suppress(OSError):
            matches = (_FILE.fullmatch(name) for name in os.listdir(self.directory))
            return sorted(int(match[1]) for match in matches if match)
        return []

    def open(self, slot: int) -> OpenedFile:
        """Open the file of a slot for a worker. Raises OSError where it may not be written to.

        Opened without waiting: a FIFO in its place would keep us for ever.
        """
        path = self.path(slot)
        try:
            fd = os.open(path, _APPEND, 0o600)
        except FileNotFoundError:  # the directory was removed under us
            os.makedirs(self.directory, 0o700, exist_ok=True)
            fd = os.open(path, _APPEND, 0o600)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
                raise _strange(path) from None
            raise
        status = os.fstat(fd)
        if not self.claim(slot, status):
            os.close(fd)
            raise _strange(path)
        os.set_blocking(fd, True)  # it may wait from now on
        return OpenedFile(fd, status.st_size)

    def size(self, slot: int) -> int:
        """Bytes in the file of a slot now; 0 if there is none."""
        try:
            return os.stat(self.path(slot), follow_symlinks=False).st_size
        except OSError:
            return 0

    def is_ours(self, slot: int, status: os.stat_result) -> bool:
        """Is this the file that workers of ours have got as that of the slot?"""
        return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and self._ours.get(slot) == identity(status)

    def claim(self, slot: int, status: os.stat_result) -> bool:
        """Take this file for the slot's, unless it is plain that somebody has put it there."""
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            return False
        file = identity(status)
        if status.st_size and self._named(slot) not in (None, file):
            return False
        self._ours[slot] = file
        return True

    def tail(self, slot: int, lines: int, since_offset: int = 0, until_offset: int | None = None) -> list[str]:
        """The last lines of a slot that were written between two offsets, printable, from at most 64 KiB.

        Empty if nothing can be read. If the file was truncated since, what is left of it counts as new.
        """
        try:
            fd = os.open(self.path(slot), _READ)
        except OSError:
            return []
        try:
            size = os.fstat(fd).st_size
            begin = since_offset if since_offset <= size else 0
            end = size if until_offset is None or not begin <= until_offset <= size else until_offset
            cut = max(begin, end - _TAIL_BYTES)
            data = os.pread(fd, end - cut, cut)
        except OSError:
            return []
        finally:
            os.close(fd)
        text = [printable(line) for line in data.decode(errors="replace").split("\n")]
        if text and not text[-1]:
            text.pop()
        if cut > begin and len(text) > 1:
            del text[0]  # it lacks its beginning
        return text[-lines:] if lines > 0 else []

    def _named(self, slot: int) -> str | None:
        """The file that is ours as far as is known: from this life, else from the index; None: nothing is known."""
        if slot in self._ours:
            return self._ours[slot]
        head = index.read(self.path(slot)).head
        return None if head is None else head.file


def identity(status: os.stat_result) -> str:
    """What tells a file from others, whatever its name. Kept for each of thousands, in several places: once for all."""
    return sys.intern(f"{status.st_dev}:{status.st_ino}")


def _strange(path: str) -> OSError:
    return OSError(errno.EEXIST, f"{path} is not the file that was there; remove it to have it made again", path)
