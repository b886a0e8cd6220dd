"""The files that workers write to: found, read back, and kept short.

A worker has its slot's file open for appending, by itself, so that its output costs the agent nothing and outlives it.
Such a file cannot be renamed away: it is copied and truncated, and the worker goes on at the new end.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TAIL_BYTES = 64 * 1024
_FILE = re.compile(r"slot-(\d+)\.log")

# What a terminal takes for an order instead of showing it: OSC, DCS, SOS, PM and APC strings up to their end; CSI
# sequences; other escapes of two or three bytes; and the rest of C0, C1 and the marks that turn the direction of text.
_ORDERS = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]",
    re.MULTILINE,
)


def printable(text: str) -> str:
    """The text without anything that a terminal would obey. Line ends and tabs stay."""
    return _ORDERS.sub("", text)


class OutputFiles:
    """The output of one pool's workers, a file for each slot, at most about twice ``max_bytes`` of each."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = str(directory)
        self._max_bytes = max_bytes
        self._total = 0
        self.is_busy = False
        """Have the workers written much since the last `trim`, so that the next should come soon?"""

    def path(self, slot: int) -> str:
        """Where the workers of a slot write."""
        return f"{self._directory}/slot-{slot}.log"

    def slots(self) -> list[int]:
        """Every slot that has a file."""
        with contextlib.suppress(OSError):
            matches = (_FILE.fullmatch(name) for name in os.listdir(self._directory))  # noqa: PTH208
            return sorted(int(match[1]) for match in matches if match)
        return []

    def size(self, slot: int) -> int:
        """Bytes in the file of a slot now: where the next worker's output will begin. 0 if there is none."""
        try:
            return os.stat(self.path(slot)).st_size  # noqa: PTH116 (it is asked for at every start)
        except OSError:
            return 0

    def tail(self, slot: int, lines: int, since_offset: int = 0) -> list[str]:
        """The last lines of a slot that were written after ``since_offset``, printable, from at most 64 KiB.

        Empty if nothing can be read. If the file was truncated since, what is left of it counts as new.
        """
        try:
            fd = os.open(self.path(slot), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return []
        try:
            end = os.fstat(fd).st_size
            begin = since_offset if since_offset <= end else 0
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

    def trim(self) -> list[OSError]:
        """Cut back every file beyond ``max_bytes``, keeping its last ``max_bytes`` as an older file (``.1``).

        What is written between the copy's end and the cut is lost: microseconds' worth. On a full disk a file
        is cut without a copy, as its room is what the disk lacks. Returns what failed, one error a file.
        """
        failed = []
        before, self._total = self._total, 0
        try:
            names = os.listdir(self._directory)  # noqa: PTH208
            directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            return [error]
        for name in names:
            if name.startswith("slot-") and name.endswith(".log"):
                try:
                    self._trim(name, directory)
                except OSError as error:
                    failed.append(error)
        os.close(directory)
        self.is_busy = self._total - before > self._max_bytes // 10
        return failed

    def _trim(self, name: str, directory: int) -> None:
        # By the directory: a thousand paths that are not looked up from the root cost little more than half.
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        self._total += status.st_size
        if stat.S_ISREG(status.st_mode) and status.st_size > self._max_bytes:
            self._cut(os.path.join(self._directory, name))

    def _cut(self, path: str) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            self._keep_older(fd, path)
        finally:
            try:
                os.ftruncate(fd, 0)
            finally:
                os.close(fd)

    def _keep_older(self, source: int, path: str) -> None:
        """Copy the end of the file to ``.1``, by way of a new file, so that the old one stays if this fails."""
        new = f"{path}.1.new"
        target = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            offset = max(0, os.fstat(source).st_size - self._max_bytes)
            for _ in range(2):  # the second time, what came during the first; not for ever, behind a quick writer
                end = os.fstat(source).st_size
                while offset < end and (count := os.sendfile(target, source, offset, end - offset)):
                    offset += count
            os.rename(new, f"{path}.1")  # noqa: PTH104
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(new)  # noqa: PTH108
            raise
        finally:
            os.close(target)
