"""The journal: what outlives the process. Entries are appended as they come, and all is written anew when too many
of them are stale.

Batches are written before anything that they made true is sent to anyone. A process that is killed leaves a prefix of
the last one, which nobody has been told of: such a torn tail is cut off. Any other damage is an error, never a silent
loss.

When a batch cannot be written (the disk is full, read-only, broken) the server goes on. What is missing on the disk is
remembered by name, and every second it is tried to write, in one record, what these nodes and sessions are by then. So
the journal goes on from its last good record, and needs no more room than what has changed; its ``data_directory`` has
a reserve for this. Where the file or its directory was taken away, all is written anew.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from autohealer.zkserver.data_directory import DataDirectory, JournalError
from autohealer.zkserver.entries import Key, State, keys_of, write_epoch
from autohealer.zkserver.jute import MALFORMED
from autohealer.zkserver.record_file import DamagedError, RecordFile, open_regular, read_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

logger = logging.getLogger("autohealer.zkserver")

_SLACK: Final = 1 << 20  # stale bytes that are not worth writing anew
_CHECK_S: Final = 1.0
_RETRY_S: Final = 1.0
_MAX_RETRY_S: Final = 8.0  # to write all anew costs more than to write what is missing
_UNHURRIED_S: Final = 60.0  # where nothing is missing on the disk


class Contents(Protocol):
    """What the journal is of."""

    def everything(self) -> Iterator[bytes]:
        """All there is, in pieces; changes may come between two of them."""

    def current(self, keys: set[Key]) -> bytes:
        """What these nodes and sessions are now, and the epoch."""


class _Nothing:
    """What it is of until a life begins."""

    def everything(self) -> Iterator[bytes]:
        return iter(())

    def current(self, _keys: set[Key]) -> bytes:
        return b""


class Journal:
    """The journal of one data directory, held by one server at a time."""

    def __init__(self, directory: Path, *, fsync: bool = False) -> None:
        self._directory = DataDirectory(directory)
        self._path = self._directory.journal
        self._fsync = fsync
        self._file: RecordFile | None = None
        self._new_file: RecordFile | None = None
        self._pieces: Iterator[bytes] | None = None
        self._contents: Contents = _Nothing()
        self._compact_size = 0
        self._failure: OSError | None = None  # while what changes does not get to the disk
        self._missing: set[Key] = set()  # what has changed since then
        self._retry_at = self._anew_at = self._check_at = 0.0
        self._anew_pause_s = _RETRY_S

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(file.size for file in (self._file, self._new_file) if file is not None)

    # a life's beginning and its end

    def load(self) -> State:
        """What was written in former lives. Afterwards `open` has to be called."""
        state = State()
        try:
            descriptor = open_regular(self._path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            pass
        except OSError as error:
            # an error's file name tells the command line which option to blame
            raise OSError(error.errno, error.strerror, str(self._path)) from error
        else:
            try:
                with open(descriptor, "rb", closefd=False) as file:
                    good = read_records(file, state.apply, MALFORMED)
                torn = os.fstat(descriptor).st_size - good
                if torn:
                    logger.warning("%s: %d bytes of an unfinished record at its end are cut off", self._path, torn)
                    os.ftruncate(descriptor, good)
            except BaseException as error:
                os.close(descriptor)
                if isinstance(error, DamagedError):
                    raise self.damaged(error) from error
                raise
            self._file = RecordFile(descriptor, good, fsync=self._fsync)
            self._compact_size = good
        state.epoch = max(state.epoch, self._directory.epoch())
        return state

    def damaged(self, how: object) -> JournalError:
        """The error to raise where the journal is not what was written, with its remedy."""
        return JournalError(
            f"{self._path} is damaged: {how}",
            f"put back a copy of it, or move it away (mv {self._path} {self._path}.damaged) "
            "to start with an empty tree: what it holds is lost then",
        )

    def open(self, contents: Contents, epoch: int, now: float) -> None:
        """Begin a life: note its epoch, or, where there is no journal yet, write one. OSError: there is no room.

        The directory has a note of the epoch, too: so a life can begin on a full disk, and the next one still begins
        above it.
        """
        self._contents = contents
        noted = self._directory.note_epoch(epoch)
        if self._file is not None and self._file.size:
            try:
                self._file.append(write_epoch(epoch))
            except OSError as error:
                if not noted:
                    raise
                self._break(error, now)
        else:
            self._begin_anew(now)
            while self._pieces is not None:
                self._write_piece(now)
            if self._failure is not None:
                raise self._failure
        self._directory.keep_reserve()

    def close(self) -> None:
        """Let the file and its directory go."""
        self._abandon()
        if self._file is not None:
            self._file.close()
            self._file = None
        self._directory.close()

    # what is called in every pass of the server

    def append(self, entries: bytes, now: float) -> None:
        """Write one batch. If that fails the server goes on, and the journal catches up as soon as that works."""
        if not entries:
            return
        if self._failure is None and self._file is not None:
            try:
                self._file.append(entries)
            except OSError as error:
                self._break(error, now)
        if self._failure is not None:
            self._missing |= keys_of(entries)
        if self._new_file is not None:
            self._add(entries, now)

    def work(self, now: float) -> None:
        """Catch up after a failure, write some of it anew, or see whether it is still there."""
        if self._pieces is not None:
            self._write_piece(now)
            return
        if now >= self._check_at:
            self._check_at = now + _CHECK_S
            self._check(now)
        if now < self._retry_at or self._file is None:
            return
        if self._failure is not None:
            self._catch_up(self._file, now)
        elif self._file.size > 2 * self._compact_size + _SLACK:
            self._begin_anew(now)

    @property
    def is_busy(self) -> bool:
        """Is it being written anew, and wants to go on with it?"""
        return self._pieces is not None

    def retry_at(self) -> float | None:
        """When to try again after a failure."""
        return self._retry_at if self._failure is not None and self._pieces is None else None

    # failures

    def _break(self, error: OSError, now: float) -> None:
        if self._failure is None:
            logger.error(
                "%s: %s; the server goes on, what changes now is not on disk until there is room, or access, again",
                self._path,
                error.strerror,
            )
        self._failure = error
        self._retry_at = now + _RETRY_S

    def _check(self, now: float) -> None:
        """Somebody may have taken the file, or the directory with it, away from under us."""
        if self._file is None or (self._file.is_at(self._path) and self._directory.is_ours):
            return
        self._break(OSError(errno.ENOENT, "removed or replaced while it was in use"), now)
        self._retry_at = now

    def _catch_up(self, file: RecordFile, now: float) -> None:
        self._retry_at = now + _RETRY_S
        try:
            if file.is_at(self._path) and self._directory.is_ours:
                self._directory.use_reserve()
                file.append(self._contents.current(self._missing))
                self._mend()
                return
            self._retake_directory()
        except (OSError, JournalError) as error:
            self._failure = error if isinstance(error, OSError) else OSError(errno.EBUSY, str(error))
        if now >= self._anew_at:
            self._anew_pause_s = min(2 * self._anew_pause_s, _MAX_RETRY_S)
            self._anew_at = now + self._anew_pause_s
            self._begin_anew(now)

    def _retake_directory(self) -> None:
        if self._directory.retake():
            epochs = State()
            epochs.apply(self._contents.current(set()))
            self._directory.note_epoch(epochs.epoch)

    def _mend(self) -> None:
        if self._failure is not None:
            logger.warning("%s: it has caught up, all is on disk again", self._path)
        self._failure = None
        self._missing.clear()
        self._retry_at = 0.0
        self._anew_pause_s = _RETRY_S
        self._directory.keep_reserve()

    # writing it anew

    def _begin_anew(self, now: float) -> None:
        """Start a new file beside the old one. Until it is complete, both are appended to."""
        try:
            self._new_file = RecordFile.create(self._directory.new_journal, fsync=self._fsync)
        except OSError as error:
            self._stop_anew(error, now)
            return
        self._pieces = self._contents.everything()

    def _write_piece(self, now: float) -> None:
        """Write the next piece; the last one makes the new file the journal."""
        if self._pieces is None or self._new_file is None:
            return
        piece = next(self._pieces, None)
        if piece is not None:
            if piece:
                self._add(piece, now)
            return
        try:
            if self._fsync:
                self._new_file.sync()
            self._directory.new_journal.rename(self._path)
            if self._fsync:
                self._directory.sync()
        except OSError as error:
            self._stop_anew(error, now)
            return
        if self._file is not None:
            self._file.close()
        self._file, self._new_file, self._pieces = self._new_file, None, None
        self._compact_size = self._file.size
        self._mend()

    def _add(self, entries: bytes, now: float) -> None:
        if self._new_file is None:
            return
        try:
            self._new_file.append(entries)
        except OSError as error:
            self._stop_anew(error, now)

    def _stop_anew(self, error: OSError, now: float) -> None:
        """It is tried again later. The old file serves on, if it is whole."""
        self._abandon()
        if self._file is None or self._failure is not None:
            self._failure = error
            self._retry_at = now + _RETRY_S
        else:
            self._retry_at = now + _UNHURRIED_S
            logger.warning("%s could not be written: %s", self._directory.new_journal, error.strerror)

    def _abandon(self) -> None:
        self._pieces = None
        if self._new_file is not None:
            self._new_file.close()
            self._new_file = None
            with suppress(OSError):  # it is in nobody's way
                self._directory.new_journal.unlink(missing_ok=True)
