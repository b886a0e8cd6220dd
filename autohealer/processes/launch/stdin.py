"""Standard input of workers: /dev/null as a rule; where that ends a program at once, it is told why."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

AT_ONCE_S = 1.0


def open_stdin(folder: Path) -> int:
    """A standard input that never ends, and has nothing to read (``--stdin open``): `cat` waits there for ever.

    A FIFO that is open for writing, too: so each worker that has it holds it open, also when the agent is gone.
    """
    path = folder / f"stdin-{os.getpid()}"
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    finally:
        path.unlink()


class StdinCheck:
    """Finds out, once, whether a worker that ends with 0 at once has read its standard input.

    A read of /dev/null leaves no trace. So after such an end the next worker gets an empty file instead, which notes
    when it was read last.
    """

    def __init__(self) -> None:
        self._fd: int | None = None
        self._worker: str | None = None
        self._read_at = 0
        self._starts: dict[str, float] | None = {}

    def began(self, worker: str, now: float) -> int | None:
        """A worker is about to start: the file to give it as standard input, None: /dev/null."""
        if self._starts is None:
            return None
        self._starts[worker] = now
        if self._fd is None or self._worker is not None:
            return None
        self._worker = worker
        return self._fd

    def ended(self, worker: str, code: int | None, now: float) -> bool:
        """It has ended; whether it is known now that it had read its standard input, and ended for that."""
        if self._starts is None:
            return False
        started = self._starts.pop(worker, now - AT_ONCE_S)
        is_suspect = code == 0 and now - started < AT_ONCE_S
        if worker == self._worker:
            has_read = self._fd is not None and os.fstat(self._fd).st_atime_ns != self._read_at
            self.close()
            return is_suspect and has_read
        if is_suspect and self._fd is None:
            self._fd = os.memfd_create("stdin")
            self._read_at = os.fstat(self._fd).st_atime_ns
        return False

    def close(self) -> None:
        """No more."""
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self._starts = None, None
