"""Files that grow: what is in them, and what is added while one looks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

PAUSE_S = 0.1


class FileTail:
    """The lines of a file from now on, also when it is cut back or replaced by a new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BufferedReader | None = None
        self._rest = b""

    def lines(self) -> Iterator[str]:
        """Every whole line that has been added since the last call."""
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except FileNotFoundError:
                return
        yield from self._read(self._file)
        if self._is_replaced(self._file):
            yield from self._read(self._file)
            self._file.close()
            self._file, self._rest = None, b""
            yield from self.lines()

    def _read(self, file: BufferedReader) -> Iterator[str]:
        if os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)
            self._rest = b""
        while chunk := file.read(1 << 16):
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            for line in whole:
                yield line.decode(errors="replace")

    def _is_replaced(self, file: BufferedReader) -> bool:
        try:
            return not os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False


def pause() -> None:
    """Between two looks."""
    time.sleep(PAUSE_S)
