"""What a pool's workers get as standard output and error, for the one who starts them: files, or the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from autohealer.processes.output.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Callable

    from autohealer.processes.output.files import OpenedFile, OutputFiles
    from autohealer.processes.output.journal import JournaldStreams


class Outlet(Protocol):
    """Told of lives, too, so that who reads later sees whose each line is; what is told may wait for `settle`."""

    def open(self, slot: int) -> OpenedFile:
        """For a worker that is about to start. Raises OSError."""

    def began(self, slot: int, worker: str, pid: int, size: int | None, at: float) -> None:
        """It was started; ``size`` as `open` said, None where that failed.

        ``at`` is Unix time before the start, so that no line of it is older than its life.
        """

    def ended(self, slot: int, worker: str, how: str) -> None:
        """It has ended, in this way."""

    def settle(self) -> None:
        """Nothing is urgent now."""

    def path(self, slot: int) -> str | None:
        """The file that it writes to."""

    def tail(self, slot: int, lines: int, since_offset: int = 0, until_offset: int | None = None) -> list[str]:
        """The last lines between two offsets, fit to be shown."""

    def close(self) -> None:
        """No more workers are started."""


class FileOutlet:
    """A file for each slot, which a `Keeper` marks and cuts back."""

    def __init__(self, files: OutputFiles, warn: Callable[[str], None]) -> None:
        """``warn`` is called from another thread."""
        keeper = Keeper(files, warn)
        self.open, self.path, self.tail = files.open, files.path, files.tail
        self.began, self.ended, self.settle, self.close = keeper.began, keeper.ended, keeper.settle, keeper.close


class JournalOutlet:
    """systemd's journal, which keeps times and limits by itself."""

    def __init__(self, journal: JournaldStreams) -> None:
        self.open = journal.open

    def began(self, slot: int, worker: str, pid: int, size: int | None, at: float) -> None:
        """The journal knows the time and the pid of each line."""

    def ended(self, slot: int, worker: str, how: str) -> None:
        """Likewise."""

    def settle(self) -> None:
        """Nothing waits."""

    def path(self, slot: int) -> str | None:
        """None: it is no file."""
        del slot
        return None

    def tail(self, slot: int, lines: int, since_offset: int = 0, until_offset: int | None = None) -> list[str]:
        """Nothing: what is in the journal, `journalctl` shows."""
        del slot, lines, since_offset, until_offset
        return []

    def close(self) -> None:
        """Nothing is open."""
