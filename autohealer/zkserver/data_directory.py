"""The folder of a server's journal, held by one server at a time.

Beside the journal are in it: a lock file, which also has the epoch of the last life, in bytes that have their place on
the disk already; and a small file that keeps some room for the day when there is no other, since it may be the journal
itself that fills the disk.
"""

from __future__ import annotations

import errno
import fcntl
import os
import zlib
from struct import Struct
from typing import TYPE_CHECKING, Final

from autohealer.errors import AutohealerError
from autohealer.zkserver.jute import LONG
from autohealer.zkserver.record_file import is_same_file, open_regular

if TYPE_CHECKING:
    from pathlib import Path

_EPOCH: Final = Struct(">qI")  # and its checksum
_RESERVE: Final = 64 << 10


class JournalError(AutohealerError):
    """What the journal held cannot be known for sure."""


class DataDirectory:
    """Made and locked at once. OSError: that cannot be done; JournalError: another server holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.journal = path / "journal"
        self.new_journal = path / "journal.new"
        self._lock_path = path / "journal.lock"
        self._reserve_path = path / "journal.reserve"
        self._lock = self._take()

    @property
    def is_ours(self) -> bool:
        """Whether nobody has taken it, or the lock in it, away from under us."""
        return is_same_file(self._lock, self._lock_path)

    def retake(self) -> bool:
        """Make and lock it once more if it was taken away; whether that was so."""
        if self.is_ours:
            return False
        lock = self._take()
        os.close(self._lock)
        self._lock = lock
        return True

    def sync(self) -> None:
        """A file that was renamed is found by its new name, even after a power cut."""
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let it go."""
        if self._lock != -1:
            os.close(self._lock)
            self._lock = -1

    # the epoch

    def epoch(self) -> int:
        """Of the last life here, if it was noted; else 0."""
        data = os.pread(self._lock, _EPOCH.size, 0)
        if len(data) < _EPOCH.size:
            return 0
        epoch: int = _EPOCH.unpack(data)[0]
        return epoch if data == _epoch_record(epoch) else 0

    def note_epoch(self, epoch: int) -> bool:
        """Whether that could be done: it needs room on the disk only the first time."""
        try:
            os.pwrite(self._lock, _epoch_record(epoch), 0)
        except OSError:
            return False
        return True

    # the reserve

    def keep_reserve(self) -> None:
        """Some room on the disk, if there is any to keep."""
        try:
            reserve = open_regular(self._reserve_path, os.O_WRONLY | os.O_CREAT)
            try:
                os.posix_fallocate(reserve, 0, _RESERVE)
            finally:
                os.close(reserve)
        except OSError:
            self._reserve_path.unlink(missing_ok=True)

    def use_reserve(self) -> None:
        """Now is that day."""
        self._reserve_path.unlink(missing_ok=True)

    def _take(self) -> int:
        """Make the directory and lock it; the lock file's descriptor."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.is_symlink():
            raise OSError(errno.ELOOP, "a link is not followed here", str(self._path))
        lock = open_regular(self._lock_path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise JournalError(
                f"{self.journal} is in use by another server", "stop that one first, or choose another data directory"
            ) from error
        return lock


def _epoch_record(epoch: int) -> bytes:
    return _EPOCH.pack(epoch, zlib.crc32(LONG.pack(epoch)))
