"""One connection to ZooKeeper for all who ask over HTTP, open while somebody does."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from autohealer.errors import AutohealerError, UnreachableError, UsageError

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient

IDLE_S = 15.0
MOST_WAITING = 32

T = TypeVar("T")
_Call = tuple[Callable[["PoolClient"], Any], asyncio.Future[Any], asyncio.AbstractEventLoop]


class ClientThread:
    """Calls are done one after the other in a thread of their own, which may wait, and ends when it is idle."""

    def __init__(self, connect: Callable[[], PoolClient]) -> None:
        self._connect = connect
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    async def call(self, function: Callable[[PoolClient], T]) -> T:
        """What the function makes of the console. Raises its AutohealerError."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[T] = loop.create_future()
        with self._lock:
            if self._calls.qsize() >= MOST_WAITING:
                raise UnreachableError("too much is being asked at once", "try again later")
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="web-zookeeper", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    raise UnreachableError("the system has no thread to give", "try again later") from error
                self._thread = thread
            self._calls.put((function, found, loop))
        return await found

    def close(self) -> None:
        """Take no more; what is under way may end by itself."""
        self._calls.put(None)

    def _run(self) -> None:
        console: PoolClient | None = None
        while (call := self._next()) is not None:
            function, found, loop = call
            answer: object = None
            error: AutohealerError | None = None
            try:
                console = console or self._connect()
                answer = function(console)
            except UsageError as mistake:
                error = mistake
            except Exception as failure:  # noqa: BLE001 - it is handed to who asked
                error = failure if isinstance(failure, AutohealerError) else AutohealerError(repr(failure))
                if console is not None:
                    console.close()
                    console = None
            with suppress(RuntimeError):  # who asked has gone
                loop.call_soon_threadsafe(_answer, found, answer, error)
        if console is not None:
            console.close()

    def _next(self) -> _Call | None:
        with suppress(queue.Empty):
            return self._calls.get(timeout=IDLE_S)
        with self._lock:
            if not self._calls.empty():
                return self._calls.get_nowait()
            self._thread = None
            return None


def _answer(found: asyncio.Future[Any], answer: object, error: AutohealerError | None) -> None:
    if found.done():
        return
    if error is None:
        found.set_result(answer)
    else:
        found.set_exception(error)
