"""The file that outlives the process: entries, appended as they come, and written anew when too many are stale.

A record is one batch of entries: its length, a checksum of the length, a checksum of the entries, the entries. Batches
are written before anything that they made true is sent to anyone. A process that is killed leaves a prefix of the last
one, which nobody has been told of: such a torn tail is cut off. Any other damage is an error, never a silent loss.
"""

from __future__ import annotations

import fcntl
import logging
import os
import zlib
from struct import Struct
from typing import TYPE_CHECKING, BinaryIO, Final

from autohealer.errors import AutohealerError
from autohealer.zkserver.entries import State, write_epoch
from autohealer.zkserver.jute import MALFORMED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

logger = logging.getLogger("autohealer.zkserver")

_MAGIC: Final = b"zkjrnl\x00\x01"
_LENGTH: Final = Struct(">I")
_HEAD: Final = Struct(">III")
_SLACK: Final = 1 << 20  # stale bytes that are not worth writing anew
_RETRY_S: Final = 1.0
_UNHURRIED_S: Final = 60.0  # where nothing is missing on the disk


class JournalError(AutohealerError):
    """What the journal held cannot be known for sure."""


class Journal:
    """The journal of one data directory, held by one server at a time."""

    def __init__(self, directory: Path, *, fsync: bool = False) -> None:
        self._path = directory / "journal"
        self._new_path = directory / "journal.new"
        self._fsync = fsync
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(directory / "journal.lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._file = -1
        self._new_file = -1
        self._pieces: Iterator[bytes] | None = None
        self._size = self._compact_size = self._new_size = 0
        self._failure: OSError | None = None  # while what changes does not get to the disk
        self._retry_at = 0.0
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise JournalError(
                f"{self._path} is in use by another server", "stop that one first, or choose another data directory"
            ) from error

    # reading

    def load(self) -> State:
        """What was written in former lives. Afterwards the journal can be appended to."""
        state = State()
        if self._path.exists():
            with open(self._path, "rb") as file:
                good = self._read(file, state)
                torn = os.fstat(file.fileno()).st_size - good
            if torn:
                logger.warning("%s: %d bytes of an unfinished record at its end are cut off", self._path, torn)
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
            os.ftruncate(self._file, good)
            self._size = self._compact_size = good
        return state

    def _read(self, file: BinaryIO, state: State) -> int:
        """Apply all whole records, and say how many bytes they are."""
        magic = file.read(len(_MAGIC))
        if magic != _MAGIC:
            if _MAGIC.startswith(magic):  # killed while it wrote its very first bytes
                return 0
            raise self.damaged("its first bytes are not a journal's")
        while True:
            good = file.tell()
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return good
            length, length_sum, entries_sum = _HEAD.unpack(head)
            if zlib.crc32(head[:4]) != length_sum:
                if _is_zeros(file, head):
                    return good
                raise self.damaged(f"the record at byte {good} is not what was written")
            data = file.read(length)
            if len(data) < length:
                return good
            if zlib.crc32(data) != entries_sum:
                if _is_zeros(file, data):
                    return good
                raise self.damaged(f"the record at byte {good} is not what was written")
            try:
                state.apply(data)
            except MALFORMED as error:
                raise self.damaged(f"the record at byte {good} is not what was written") from error

    def damaged(self, how: object) -> JournalError:
        """The error to raise where the journal is not what was written, with its remedy."""
        return JournalError(
            f"{self._path} is damaged: {how}",
            f"put back a copy of it, or move it away (mv {self._path} {self._path}.damaged) "
            "to start with an empty tree: what it holds is lost then",
        )

    # appending

    def open(self, everything: Iterator[bytes], epoch: int, now: float) -> None:
        """Begin a life: note its epoch, or, where there is no journal yet, write one."""
        if self._file != -1 and self._size:
            self._write(self._file, _record(write_epoch(epoch)))
            return
        self.begin_compaction(everything, now)
        while self.is_compacting:
            self.compact_some(now)
        if self._failure is not None:
            raise self._failure

    def append(self, entries: bytes, now: float) -> None:
        """Write one batch. If that fails the server goes on, and all is written anew as soon as that works."""
        if not entries:
            return
        record = _record(entries)
        if self._failure is None:
            try:
                self._write(self._file, record)
                self._size += len(record)
            except OSError as error:
                self._break(error, now)
        if self._new_file != -1:
            self._add(record, now)

    def close(self) -> None:
        """Let the file and its directory go."""
        self._abandon()
        if self._file != -1:
            os.close(self._file)
            self._file = -1
        if self._lock != -1:
            os.close(self._lock)
            self._lock = -1

    def _write(self, file: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        if self._fsync:
            os.fdatasync(file)

    def _break(self, error: OSError, now: float) -> None:
        if self._failure is None:
            logger.error("%s: %s; the server goes on, what changes now is not on disk", self._path, error.strerror)
        self._failure = error
        self._retry_at = now + _RETRY_S

    # writing it anew

    @property
    def is_compacting(self) -> bool:
        """Is a new file being written, piece by piece?"""
        return self._pieces is not None

    def retry_at(self) -> float | None:
        """When to try again after a failure."""
        return self._retry_at if self._failure is not None and not self.is_compacting else None

    def wants_compaction(self, now: float) -> bool:
        """Is most of the file stale, or is it not whole?"""
        if self.is_compacting or now < self._retry_at:
            return False
        return self._failure is not None or self._size > 2 * self._compact_size + _SLACK

    def begin_compaction(self, pieces: Iterator[bytes], now: float) -> None:
        """Start a new file beside the old one. Until it is complete, both are appended to."""
        try:
            self._new_file = os.open(self._new_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        except OSError as error:
            self._stop_compaction(error, now)
            return
        self._pieces = pieces
        self._new_size = 0
        self._add(_MAGIC, now)

    def compact_some(self, now: float) -> None:
        """Write the next piece; the last one makes the new file the journal."""
        if self._pieces is None:
            return
        piece = next(self._pieces, None)
        if piece is not None:
            if piece:
                self._add(_record(piece), now)
            return
        try:
            if self._fsync:
                os.fsync(self._new_file)
            self._new_path.rename(self._path)
            if self._fsync:
                _sync_directory(self._path.parent)
        except OSError as error:
            self._stop_compaction(error, now)
            return
        if self._file != -1:
            os.close(self._file)
        self._file, self._new_file, self._pieces = self._new_file, -1, None
        self._size = self._compact_size = self._new_size
        if self._failure is not None:
            self._failure = None
            logger.warning("%s: written anew, all is on disk again", self._path)

    def _add(self, data: bytes, now: float) -> None:
        try:
            self._write(self._new_file, data)
            self._new_size += len(data)
        except OSError as error:
            self._stop_compaction(error, now)

    def _stop_compaction(self, error: OSError, now: float) -> None:
        """It is tried again later. The old file serves on, if it is whole."""
        self._abandon()
        self._retry_at = now + _RETRY_S
        if self._file == -1:
            self._failure = error
        elif self._failure is None:
            self._retry_at = now + _UNHURRIED_S
            logger.warning("%s could not be written: %s", self._new_path, error.strerror)

    def _abandon(self) -> None:
        self._pieces = None
        if self._new_file != -1:
            os.close(self._new_file)
            self._new_file = -1
            self._new_path.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    """A file that was renamed is found by its new name, even after a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _record(entries: bytes) -> bytes:
    length = _LENGTH.pack(len(entries))
    return _HEAD.pack(len(entries), zlib.crc32(length), zlib.crc32(entries)) + entries


def _is_zeros(file: BinaryIO, start: bytes) -> bool:
    """Nothing but zeros to the end: blocks that were promised before the power went, and never written."""
    chunk = start
    while chunk:
        if chunk.count(0) != len(chunk):
            return False
        chunk = file.read(1 << 16)
    return True
