"""Lines to a stream that cannot slow anything: a terminal that is stopped, a pipe that nobody reads, a closed one."""

from __future__ import annotations

import threading
from queue import Empty, Full, Queue
from typing import TextIO

CAPACITY = 10_000


class Printer:
    """Prints from a thread of its own. Lines that find the queue full are dropped and counted, in the next line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream
        self._lines: Queue[str | None] = Queue(CAPACITY)
        self._dropped = 0
        self._thread = threading.Thread(target=self._print, name="printer", daemon=True)
        self._thread.start()

    def redirect(self, stream: TextIO) -> None:
        """Print to another stream from now on."""
        self._stream = stream

    def print(self, line: str) -> None:
        """Hand over a line; never waits."""
        try:
            if self._dropped:
                self._lines.put_nowait(f"({self._dropped} lines were dropped: the reader is too slow)")
                self._dropped = 0
            self._lines.put_nowait(line)
        except Full:
            self._dropped += 1

    def close(self, patience_s: float = 1.0) -> None:
        """Print what is left, for so long at most."""
        try:
            self._lines.put(None, timeout=patience_s)
        except Full:
            return
        self._thread.join(patience_s)

    def _print(self) -> None:
        while (batch := self._batch()) is not None:
            if self._stream is None:
                continue
            try:
                self._stream.write("".join(f"{line}\n" for line in batch))
                self._stream.flush()
            except (OSError, ValueError):
                # The reader is gone. The end of a view is not the end of the agent.
                self._stream = None

    def _batch(self) -> list[str] | None:
        """The next lines, as many as are there; None at the end."""
        line = self._lines.get()
        batch: list[str] = []
        while line is not None:
            batch.append(line)
            try:
                line = self._lines.get_nowait()
            except Empty:
                return batch
        if batch:
            self._lines.put(None)
            return batch
        return None
