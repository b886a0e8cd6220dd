"""What people are told of one pool: events, in the log and to whoever follows; and warnings, to whoever follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from autohealer.core.notices import EventRecord, Warned
from autohealer.runtime.event_log import EventFile, EventLog, timestamp

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from autohealer.core.notices import Notice
    from autohealer.runtime.disk_writer import DiskWriter


class Announcer:
    """``listener`` gets each event after all who follow, ``complain`` each warning."""

    def __init__(
        self,
        path: Path,
        writer: DiskWriter,
        loop: asyncio.AbstractEventLoop,
        *,
        listener: Callable[[EventRecord], None],
        complain: Callable[[str], None],
    ) -> None:
        self._loop, self._listener, self._complain = loop, listener, complain
        self._followers: list[Callable[[EventRecord], None]] = []
        self.log = EventLog(EventFile(path), writer, loop, listener=self._told, warn=self.warn)

    def follow(self, follower: Callable[[EventRecord], None]) -> None:
        """Have this called with all events, and with warnings as if these were events."""
        self._followers.append(follower)

    def tell(self, notice: Notice, written: Callable[[], None] | None = None) -> None:
        """An event that the core does not know of. ``written``: as `EventLog.record` has it."""
        self.log.record(notice, time.time(), written)
        self._loop.call_soon(self.log.flush)

    def warn(self, text: str) -> None:
        """A line about what does not work and need not stop anything."""
        self._hand_on(EventRecord(timestamp(time.time()), Warned.event, Warned(text)))
        self._complain(text)

    def warn_from_elsewhere(self, text: str) -> None:
        """The same, from another thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.warn, text)

    def _told(self, event: EventRecord) -> None:
        self._hand_on(event)
        self._listener(event)

    def _hand_on(self, event: EventRecord) -> None:
        for follower in self._followers:
            follower(event)
