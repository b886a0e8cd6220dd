"""A thread that writes to disk for all pools of an agent process: a disk that stalls holds up no heal."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Job = Callable[[], Any]
Done = Callable[[Any], object]
UNTOLD = object()
"""What a job returns where nobody need be told that it is done."""


class DiskWriter:
    """Does jobs one after the other; what each returns is told in the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: queue.SimpleQueue[tuple[Job, Done] | None] = queue.SimpleQueue()
        # Not with the first job: then there might be none to be had.
        threading.Thread(target=self._run, name="disk", daemon=True).start()

    def submit(self, job: Job, done: Done) -> None:
        """Do this when all that was submitted before is through. Never waits."""
        self._jobs.put((job, done))

    def close(self) -> None:
        """There will be no more jobs."""
        self._jobs.put(None)

    def _run(self) -> None:
        results: list[tuple[Done, Any]] = []
        while (item := self._jobs.get()) is not None:
            job, done = item
            try:
                if (result := job()) is not UNTOLD:
                    results.append((done, result))
            except Exception as error:  # noqa: BLE001 - a mistake of ours is raised in the loop, where it is reported
                results.append((_raise, error))
            # To wake the loop takes longer than most jobs: those that wait are done first.
            if self._jobs.empty():
                self._tell(results)
                results = []
        self._tell(results)

    def _tell(self, results: list[tuple[Done, Any]]) -> None:
        if results:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._told, results)

    def _told(self, results: list[tuple[Done, Any]]) -> None:
        for done, result in results:
            self._loop.call_soon(done, result)  # a mistake in one costs that one


def _raise(error: Exception) -> None:
    raise error


class _UnderWay:
    """A batch that is being written."""

    __slots__ = ("batch", "is_awaited", "is_written")

    def __init__(self, batch: Any, *, is_awaited: bool) -> None:
        self.batch, self.is_awaited, self.is_written = batch, is_awaited, False


class Batches:
    """Things that are written in batches, one batch at a time; one that fails is tried again every ``RETRY_S``.

    ``write`` is called in the writer's thread and returns why it could not be done, or None; ``take`` gives the next
    batch, or None where there is nothing to write; ``written`` gets the batch back. ``is_awaited``: whether somebody
    waits for a batch to be written. Where nobody does, nor for what comes behind it, the loop is not woken up for that:
    it takes longer than most writes, and hears of it when there is more to be written.
    """

    RETRY_S = 1.0

    def __init__(
        self,
        writer: DiskWriter,
        loop: asyncio.AbstractEventLoop,
        *,
        take: Callable[[], Any],
        write: Callable[[Any], OSError | None],
        written: Callable[[Any, OSError | None], object],
        is_awaited: Callable[[Any], bool] = lambda _: False,
    ) -> None:
        self._writer, self._loop = writer, loop
        self._take, self._write, self._written, self._is_awaited = take, write, written, is_awaited
        self._under_way: _UnderWay | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._quiet: list[asyncio.Future[None]] = []

    def pump(self) -> None:
        """Write what there is, unless a batch is under way, or the next try is still to come."""
        if self._retry is not None:
            return
        if (under_way := self._under_way) is not None:
            under_way.is_awaited = True  # in this order, as the thread does it in the other one
            if not under_way.is_written:
                return
            self._under_way = None
            self._written(under_way.batch, None)
        batch = self._take()
        if batch is None:
            for future in self._quiet:
                if not future.done():
                    future.set_result(None)
            self._quiet.clear()
            return
        started = self._under_way = _UnderWay(batch, is_awaited=bool(self._quiet) or self._is_awaited(batch))
        self._writer.submit(lambda: self._do(started), lambda error: self._done(started, error))

    async def quiet(self, within_s: float) -> bool:
        """Wait until all is written, or cannot be; False where that takes longer."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        future: asyncio.Future[None] = self._loop.create_future()
        self._quiet.append(future)
        self.pump()
        done, _ = await asyncio.wait([future], timeout=within_s)
        return bool(done)

    def _do(self, under_way: _UnderWay) -> object:
        """In the writer's thread."""
        error = self._write(under_way.batch)
        if error is not None:
            return error
        under_way.is_written = True
        return None if under_way.is_awaited else UNTOLD

    def _done(self, under_way: _UnderWay, error: OSError | None) -> None:
        if under_way is not self._under_way:
            return  # it was seen to be written before it was told
        self._under_way = None
        self._written(under_way.batch, error)
        if error is None:
            self.pump()
            return
        for future in self._quiet:  # who waits for the end does not wait for room on the disk
            if not future.done():
                future.set_result(None)
        self._quiet.clear()
        self._retry = self._loop.call_later(self.RETRY_S, self._again)

    def _again(self) -> None:
        self._retry = None
        self.pump()
