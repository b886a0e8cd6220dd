"""The last events, numbered, as server-sent events, and those who listen to them."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from itertools import islice

from autohealer.core.notices import EventRecord, fields_of

KEPT = 2000
MOST_WAITING_BYTES = 256 * 1024
MOST_LISTENERS = 64


class Listener:
    """One reader. ``gone`` is called when it has fallen too far behind, instead of keeping more and more for it."""

    def __init__(self, missed: bytes, gone: Callable[[], None]) -> None:
        self._waiting = [missed] if missed else []
        self._bytes = 0
        self._gone = gone
        self._wakeup = asyncio.Event()
        self.is_closed = False

    def take(self, message: bytes) -> None:
        """There is something new."""
        self._waiting.append(message)
        self._bytes += len(message)
        self._wakeup.set()
        if self._bytes > MOST_WAITING_BYTES:
            self.is_closed = True
            self._waiting.clear()
            self._gone()

    def close(self) -> None:
        """There will be nothing more."""
        self.is_closed = True
        self._wakeup.set()

    async def messages(self, timeout_s: float) -> bytes:
        """What has come, waited for so long; empty where nothing has."""
        if not self._waiting and not self.is_closed:
            try:
                await asyncio.wait_for(self._wakeup.wait(), timeout_s)
            except TimeoutError:
                return b""
        self._wakeup.clear()
        found = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return found


class EventStream:
    """Events of one agent's life, in order. ``life`` is in each id, so that ids of a former life mean nothing."""

    def __init__(self, life: str) -> None:
        self._life, self._number = life, 0
        self._kept: deque[bytes] = deque(maxlen=KEPT)
        self._listeners: set[Listener] = set()

    @property
    def is_full(self) -> bool:
        """Whether as many listen as may."""
        return len(self._listeners) >= MOST_LISTENERS

    def take(self, event: EventRecord) -> None:
        """Something has happened."""
        self._number += 1
        message = f"id: {self._life}-{self._number}\ndata: {json.dumps(fields_of(event))}\n\n".encode()
        self._kept.append(message)
        for listener in list(self._listeners):
            listener.take(message)
            if listener.is_closed:
                self._listeners.discard(listener)

    def listen(self, last_id: str | None, gone: Callable[[], None]) -> Listener:
        """Hear of everything after ``last_id``, of all that is still known where that is None or unknown."""
        listener = Listener(self._after(last_id), gone)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Hear no more."""
        self._listeners.discard(listener)

    def close(self) -> None:
        """Nothing more will happen."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def _after(self, last_id: str | None) -> bytes:
        life, _, number = (last_id or "").rpartition("-")
        seen = 0
        if life == self._life and number.isascii() and number.isdigit() and len(number) < 20:
            seen = int(number)
        known = len(self._kept) - (self._number - seen) if seen <= self._number else 0
        return b"".join(islice(self._kept, max(0, known), None))
