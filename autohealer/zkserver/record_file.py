"""A file of records: each is one batch of entries, written whole or not at all.

A record is its length, a checksum of the length, a checksum of the entries, the entries. Nothing is followed through a
link, and nothing is opened that is no regular file (a FIFO would be waited for).
"""

from __future__ import annotations

import errno
import os
import stat
import zlib
from struct import Struct
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAGIC: Final = b"zkjrnl\x00\x01"
_LENGTH: Final = Struct(">I")
_HEAD: Final = Struct(">III")


class DamagedError(ValueError):
    """The file is not what was written."""


class RecordFile:
    """Open for appending. ``size`` is where its last whole record ends."""

    def __init__(self, descriptor: int, size: int, *, fsync: bool) -> None:
        self._descriptor = descriptor
        self.size = size
        self._fsync = fsync
        self._is_torn = False  # there may be bytes behind the last whole record

    @classmethod
    def create(cls, path: Path, *, fsync: bool) -> RecordFile:
        """A new file with no record, in place of one that was left there."""
        path.unlink(missing_ok=True)
        file = cls(open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL), 0, fsync=fsync)
        try:
            file._write(MAGIC)
        except OSError:
            file.close()
            path.unlink(missing_ok=True)
            raise
        return file

    def append(self, entries: bytes) -> None:
        """Write one record. If that fails (OSError) the file still ends with its last whole one."""
        length = _LENGTH.pack(len(entries))
        self._write(_HEAD.pack(len(entries), zlib.crc32(length), zlib.crc32(entries)) + entries)

    def is_at(self, path: Path) -> bool:
        """Is this still the file of that name?"""
        return is_same_file(self._descriptor, path)

    def sync(self) -> None:
        """All that was written is on the disk when this returns."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let it go."""
        os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        try:
            if self._is_torn:
                os.ftruncate(self._descriptor, self.size)
                self._is_torn = False
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
            if self._fsync:
                os.fdatasync(self._descriptor)
        except OSError:
            self._is_torn = True
            try:
                # at once: what comes next may need the room
                os.ftruncate(self._descriptor, self.size)
                self._is_torn = False
            except OSError:
                pass  # before the next record is written
            raise
        self.size += len(data)


def open_regular(path: Path, flags: int) -> int:
    """Open a file of our own, mode 0600; OSError for a link, a folder, a FIFO or a device."""
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def is_same_file(descriptor: int, path: Path) -> bool:
    """Is the open file still the one of that name, and no link to it?"""
    ours = os.fstat(descriptor)
    try:
        there = path.lstat()
    except OSError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def read_records(file: BinaryIO, apply: Callable[[bytes], None], malformed: tuple[type[Exception], ...]) -> int:
    """Apply all whole records, and say where the last one ends. Raises `DamagedError`.

    A process that is killed leaves a prefix of its last record: that ends the file, and is no damage.
    """
    magic = file.read(len(MAGIC))
    if magic != MAGIC:
        if MAGIC.startswith(magic):  # killed while it wrote its very first bytes
            return 0
        raise DamagedError("its first bytes are not a journal's")
    while True:
        good = file.tell()
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return good
        length, length_sum, entries_sum = _HEAD.unpack(head)
        data = b""
        if zlib.crc32(head[:4]) == length_sum:
            data = file.read(length)
            if len(data) < length:
                return good
            if zlib.crc32(data) == entries_sum:
                try:
                    apply(data)
                except malformed as error:
                    raise DamagedError(f"the record at byte {good} is not what was written") from error
                continue
        if _is_zeros(file, data or head):
            return good
        raise DamagedError(f"the record at byte {good} is not what was written")


def _is_zeros(file: BinaryIO, start: bytes) -> bool:
    """Nothing but zeros to the end: blocks that were promised before the power went, and never written."""
    chunk = start
    while chunk:
        if chunk.count(0) != len(chunk):
            return False
        chunk = file.read(1 << 16)
    return True
