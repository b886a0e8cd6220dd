"""The thread of the endpoint. What breaks in it is said in one line, and breaks nothing else."""

from __future__ import annotations

import asyncio
import gc
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from autohealer.web.site import Site, Sources

if TYPE_CHECKING:
    from autohealer.core.notices import EventRecord
    from autohealer.core.pool.snapshot import Snapshot
    from autohealer.web.agent import AgentView
    from autohealer.web.guard import Guard
    from autohealer.web.listening import Listening
    from autohealer.web.metrics import Metrics

PATIENCE_S = 2.0
WORKERS_FIRST_S = 1.0
LOOK_AGAIN_S = 0.05
MOST_WAITING = 100_000
MOST_COMPLAINTS = 10


class Endpoint:
    """One endpoint for all pools of a process.

    ``take`` and ``noticed`` are called in the agent's thread and only put something down there; ``warn`` gets a line
    about what does not work.
    """

    def __init__(self, listening: Listening, pools: Sequence[Sources], *, warn: Callable[[str], None]) -> None:
        self._listening, self._warn = listening, warn
        self._sites = {sources.pool: Site(sources) for sources in pools}
        self._only = pools[0].pool
        # From the agent's thread.
        self._events: deque[tuple[str, EventRecord]] = deque(maxlen=MOST_WAITING)
        self._delays: deque[tuple[str, float]] = deque(maxlen=MOST_WAITING)
        self._is_woken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        # The thread's own.
        self._metrics: Metrics | None = None
        self._ended: asyncio.Event | None = None
        self._complaints: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._closing = False

    def open(self, pool: str, handle: AgentView) -> None:
        """This pool can be looked at from now on."""
        self._sites[pool].open(handle)

    def begin(self, guard: Guard) -> None:
        """Answer from now on."""
        self._guard = guard
        self._thread.start()

    def take(self, event: EventRecord) -> None:
        """Something has happened, in the pool that it names where there are several."""
        self._events.append((event.pool or self._only, event))
        self._wake()

    def noticed(self, pool: str, seconds: float) -> None:
        """A worker's exit became known so long at most after it was there to be known."""
        self._delays.append((pool, seconds))

    def close(self) -> None:
        """Answer no more; takes ``PATIENCE_S`` at most."""
        self._closing = True
        loop, ended = self._loop, self._ended
        if loop is not None and ended is not None:
            with suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(ended.set)
        if self._thread.ident is not None:
            self._thread.join(PATIENCE_S)
        self._listening.socket.close()

    def _wake(self) -> None:
        """Wake the thread, once for whatever comes until it is awake."""
        if self._loop is not None and not self._is_woken:
            self._is_woken = True
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._take_in)

    # ---- the thread

    def _run(self) -> None:
        try:
            self._let_workers_start()
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - a view that is broken must not break what it looks at
            self._warn(f"the HTTP endpoint broke: {error!r}; everything else goes on")
        finally:
            self._listening.socket.close()
            for site in self._sites.values():
                site.close()

    def _let_workers_start(self) -> None:
        """What is imported next takes as long as to start a hundred workers: they go first, for a while."""
        deadline = time.monotonic() + WORKERS_FIRST_S
        while not self._closing and time.monotonic() < deadline and not self._have_started():
            time.sleep(LOOK_AGAIN_S)

    def _have_started(self) -> bool:
        """Whether all workers of all pools run."""
        told: queue.SimpleQueue[bool] = queue.SimpleQueue()
        for site in self._sites.values():
            if not site.is_open:
                return False
            site.handle.look(lambda snapshot, _: told.put(_is_started(snapshot)))
        with suppress(queue.Empty):
            return all(told.get(timeout=LOOK_AGAIN_S) for _ in self._sites)
        return False

    async def _serve(self) -> None:
        # Here, as these take a while to import, and nobody is to wait for it.
        from autohealer.web.metrics import Metrics  # noqa: PLC0415 - as said
        from autohealer.web.server import HttpServer  # noqa: PLC0415 - as said

        # What was imported stays: the collector, which stops every thread, need never look at it.
        gc.freeze()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self._complain(context.get("exception") or context["message"]))
        self._metrics = Metrics(self._sites)
        self._ended = asyncio.Event()
        self._loop = loop
        self._take_in()
        server = HttpServer(sites=self._sites, guard=self._guard, metrics=self._metrics, logger=self._logger())
        await server.start(self._listening.socket)
        try:
            if not self._closing:
                await self._ended.wait()
        finally:
            await server.close()

    def _take_in(self) -> None:
        self._is_woken = False
        while self._events:
            pool, event = self._events.popleft()
            self._sites[pool].feed.take(event)
            if self._metrics is not None:
                self._metrics.take(pool, event)
        while self._delays and self._metrics is not None:
            self._metrics.noticed(*self._delays.popleft())

    def _complain(self, error: object) -> None:
        """A mistake of ours in one answer, said once."""
        text = repr(error) if isinstance(error, BaseException) else str(error)
        if text not in self._complaints and len(self._complaints) < MOST_COMPLAINTS:
            self._complaints.add(text)
            self._warn(f"the HTTP endpoint failed to answer: {text}; everything else goes on")

    def _logger(self) -> logging.Logger:
        """What aiohttp has to say of its own, in our way."""
        logger = logging.getLogger("autohealer.web")
        logger.setLevel(logging.ERROR)
        logger.propagate = False
        from aiohttp.http_exceptions import HttpProcessingError  # noqa: PLC0415 - only in the endpoint's thread
        from aiohttp.web import RequestPayloadError  # noqa: PLC0415 - only in the endpoint's thread

        logger.handlers = [_Complaints(self._complain, (HttpProcessingError, RequestPayloadError))]
        return logger


def _is_started(snapshot: Snapshot) -> bool:
    return snapshot.share is not None and snapshot.running >= snapshot.share


class _Complaints(logging.Handler):
    """Hands on what went wrong here. What a client sends that is no HTTP is its own failure, and answered as such."""

    def __init__(self, complain: Callable[[object], None], of_clients: tuple[type[Exception], ...]) -> None:
        super().__init__(logging.ERROR)
        self._complain, self._of_clients = complain, of_clients

    def emit(self, record: logging.LogRecord) -> None:
        """The exception, if there is one."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, self._of_clients):
            self._complain(error or record.getMessage())
