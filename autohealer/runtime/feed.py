"""What a dashboard is fed: how the pool stands, and then only what changes, a few times a second.

A subscriber gets a line of JSON with all there is (``snapshot``), then lines with what differs (``changes``) and each
event as it comes (``event``), and in the end how many workers go on (``end``). Something is sent every second, so that
silence means that the agent is frozen.

Nothing of it exists while nobody listens. The loop's thread takes a snapshot and hands on bytes; comparing and
encoding are done in a thread of its own, and a look waits until the one before has been sent. Where nothing has
happened in the meantime there is no look. Who does not read is cut
off once `MOST_WAITING_BYTES` wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from autohealer.core.notices import EventRecord, fields_of

if TYPE_CHECKING:
    from autohealer.core.pool.snapshot import Snapshot
    from autohealer.views.status import Changes, WatchedStatus, WorkerRow

LOOK_S = 0.25
LEAST_OFTEN_S = 8.0
"""A look is taken so often although nothing seems to have happened."""
BEAT_S = 1.0
MOST_WAITING_BYTES = 1 << 20
MOST_SUBSCRIBERS = 16

_encode = msgspec.json.Encoder().encode


class Differ:
    """Turns what is into what differs from what was sent last. Used by one thread at a time."""

    def __init__(self) -> None:
        self._rows: dict[str, WorkerRow] = {}
        self._rest: WatchedStatus | None = None

    def changes(self, status: WatchedStatus) -> Changes | None:
        """Rows that differ, whole; the keys of those that are gone; all of the rest if anything in it differs."""
        from autohealer.views.status import Changes  # noqa: PLC0415 - not before somebody looks

        rows = {row.key: row for row in status.workers}
        rest = replace(status, workers=[])
        found = Changes(
            workers=[row for key, row in rows.items() if self._rows.get(key) != row],
            gone=[key for key in self._rows if key not in rows],
            status=rest if rest != self._rest else None,
        )
        self._rows, self._rest = rows, rest
        return found if found.workers or found.gone or found.status else None


class Feed:
    """The subscribers of one pool's agent.

    ``look`` takes a snapshot, in the loop's thread; ``tell`` makes JSON of it, in another. ``happened`` counts what has
    happened. ``show_others`` has the agent ask, for a while, what other agents say of themselves.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        look: Callable[[], Snapshot],
        tell: Callable[[Snapshot], WatchedStatus],
        happened: Callable[[], int],
        show_others: Callable[[], object],
    ) -> None:
        self._loop, self._look, self._tell = loop, look, tell
        self._happened, self._show_others = happened, show_others
        self._subscribers: dict[asyncio.StreamWriter, bool] = {}
        """Whether they want to know of other agents, too."""
        self._new: list[asyncio.StreamWriter] = []
        self._events: list[EventRecord] = []
        self._differ = Differ()
        self._thread: ThreadPoolExecutor | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._seen, self._looked_at, self._sent_at = -1, 0.0, 0.0
        self._is_closed = False

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._subscribers)

    def take(self, event: EventRecord) -> None:
        """Something has happened."""
        if self._subscribers:
            self._events.append(event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, others: bool) -> None:
        """Feed this one until it hangs up, falls behind, or the agent ends."""
        if self._is_closed or len(self._subscribers) >= MOST_SUBSCRIBERS:
            return
        writer.transport.set_write_buffer_limits(high=MOST_WAITING_BYTES * 2)
        self._subscribers[writer] = others
        self._new.append(writer)
        if self._timer is None:
            self._thread = ThreadPoolExecutor(1, "feed")
            self._timer = self._loop.call_soon(self._begin_look)  # type: ignore[assignment]  # both can be cancelled
        try:
            while await reader.read(1 << 16):
                pass  # it has nothing more to say
        finally:
            self._leave(writer)

    def close(self, left: int) -> None:
        """The agent ends, and so many workers go on."""
        self._is_closed = True
        last = _encode({"end": {"left": left}}) + b"\n"
        for writer in list(self._subscribers):
            with suppress(OSError, RuntimeError):
                writer.write(last)
                writer.close()
            self._leave(writer)

    def _leave(self, writer: asyncio.StreamWriter) -> None:
        self._subscribers.pop(writer, None)
        if writer in self._new:
            self._new.remove(writer)
        if not self._subscribers:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._thread is not None:
                self._thread.shutdown(wait=False)
                self._thread = None
            self._events.clear()
            self._differ = Differ()

    # ---- a look, in the loop's thread, in another, and in the loop's again

    def _begin_look(self) -> None:
        if self._thread is None:
            return
        now, happened = self._loop.time(), self._happened()
        if self._seen == happened and not self._new and not self._events and now - self._looked_at < LEAST_OFTEN_S:
            self._send_all(b"", b"", [])
            return
        self._seen, self._looked_at = happened, now
        if any(self._subscribers.values()):
            self._show_others()
        new, self._new = self._new, []
        events, self._events = self._events, []
        made = self._loop.run_in_executor(self._thread, self._make, self._look(), events, bool(new))
        made.add_done_callback(lambda made: self._send(made, new))

    def _make(self, snapshot: Snapshot, events: list[EventRecord], whole: bool) -> tuple[bytes, bytes]:
        """What those get who have listened before, and what those get who are new."""
        status = self._tell(snapshot)
        changes = self._differ.changes(status)
        lines = [_encode({"event": fields_of(event)}) for event in events]
        if changes is not None:
            lines.insert(0, _encode({"changes": changes}))
        first = _encode({"snapshot": status}) + b"\n" if whole else b""
        return b"".join([line + b"\n" for line in lines]), first

    def _send(self, made: asyncio.Future[tuple[bytes, bytes]], new: list[asyncio.StreamWriter]) -> None:
        if made.cancelled() or not self._subscribers:
            return
        try:
            news, first = made.result()
        except Exception:
            # A mistake of ours costs this look: it is told by whoever handles what callbacks raise, and the next comes.
            self._new += [writer for writer in new if writer in self._subscribers]
            self._timer = self._loop.call_later(BEAT_S, self._begin_look)
            raise
        self._send_all(news, first, new)

    def _send_all(self, news: bytes, first: bytes, new: list[asyncio.StreamWriter]) -> None:
        now = self._loop.time()
        if not news and now - self._sent_at >= BEAT_S:
            news = b'{"changes":{}}\n'
        if news:
            self._sent_at = now
        for writer in list(self._subscribers):
            with suppress(OSError, RuntimeError):
                if writer in new:
                    writer.write(first)
                elif news and writer not in self._new:
                    writer.write(news)
                if writer.transport.get_write_buffer_size() > MOST_WAITING_BYTES:
                    writer.transport.abort()
        self._timer = self._loop.call_later(LOOK_S, self._begin_look)
