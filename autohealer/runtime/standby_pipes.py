"""How spares are told that they are needed: a pipe to each, whose writing end is ours alone.

When we are gone, the kernel closes it, and the spare leaves.
"""

from __future__ import annotations

import errno
import os


class StandbyPipes:
    """The writing ends, by worker."""

    def __init__(self) -> None:
        self._ends: dict[str, int] = {}

    def open(self, worker: str) -> int:
        """A pipe to a spare that is about to start: its reading end. Raises OSError."""
        reading, self._ends[worker] = os.pipe2(os.O_CLOEXEC)
        return reading

    def promote(self, worker: str, slot: int) -> None:
        """One line with its slot's number is a spare's promotion; nothing else is ever said there. Raises OSError."""
        if (end := self._ends.pop(worker, None)) is None:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        try:
            os.write(end, f"{slot}\n".encode())
        finally:
            os.close(end)

    def close(self, worker: str) -> None:
        """It is gone, or was never started."""
        if (end := self._ends.pop(worker, None)) is not None:
            os.close(end)
