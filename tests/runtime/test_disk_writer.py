"""The thread that writes: batches one after the other, and the loop is woken up only for whoever waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from autohealer.runtime.disk_writer import Batches, DiskWriter
from tests.support.processes import eventually

LETTERS = 3000


class Bench:
    """Letters that are written. ``told``: the batches that the loop has heard of; ``woken``: how often it was woken."""

    def __init__(self, *, is_awaited: Callable[[str], bool] = lambda _: False) -> None:
        self.loop = asyncio.get_running_loop()
        self.waiting, self.disk, self.told, self.woken = "", list[str](), list[str](), 0
        self.heard = asyncio.Event()
        self.may_write = threading.Event()
        self.may_write.set()
        self._wake = self.loop.call_soon_threadsafe
        self.loop.call_soon_threadsafe = self._count  # type: ignore[method-assign, assignment]  # to look on
        self.batches = Batches(
            DiskWriter(self.loop),
            self.loop,
            take=self._take,
            write=self._write,
            written=self._written,
            is_awaited=is_awaited,
        )

    def add(self, letter: str) -> None:
        self.waiting += letter
        self.batches.pump()

    def _count(self, *call: Any) -> object:
        self.woken += 1
        return self._wake(*call)

    def _written(self, batch: str, _: OSError | None) -> None:
        self.told.append(batch)
        if self.woken:
            self.heard.set()

    def _take(self) -> str | None:
        batch, self.waiting = self.waiting, ""
        return batch or None

    def _write(self, batch: str) -> None:
        assert self.may_write.wait(20)
        self.disk.append(batch)


def is_written(bench: Bench) -> bool:
    under_way = bench.batches._under_way
    return under_way is None or under_way.is_written


def test_the_loop_is_not_woken_up_for_what_nobody_waits_for() -> None:
    """It hears of it when there is more to be written."""

    async def test() -> None:
        bench = Bench()
        bench.add("a")
        assert eventually(lambda: is_written(bench))
        bench.add("b")
        assert bench.told == ["a"]
        assert eventually(lambda: is_written(bench))
        assert (bench.disk, bench.woken) == (["a", "b"], 0)
        assert await bench.batches.quiet(20)
        assert bench.told == ["a", "b"]

    asyncio.run(test())


def test_what_comes_while_a_batch_is_written_follows_it() -> None:
    async def test() -> None:
        bench = Bench()
        bench.may_write.clear()
        bench.add("a")
        bench.add("b")
        bench.add("c")
        bench.may_write.set()
        await asyncio.wait_for(bench.heard.wait(), 20)
        assert bench.told == ["a"]
        assert eventually(lambda: bench.disk == ["a", "bc"])
        assert await bench.batches.quiet(20)

    asyncio.run(test())


def test_who_waits_for_a_batch_is_told_at_once() -> None:
    async def test() -> None:
        bench = Bench(is_awaited=lambda batch: batch == "b")
        bench.add("a")
        assert eventually(lambda: is_written(bench))
        bench.add("b")
        await asyncio.wait_for(bench.heard.wait(), 20)
        assert bench.told == ["a", "b"]
        assert bench.woken == 1

    asyncio.run(test())


def test_nothing_is_lost_however_the_threads_meet() -> None:
    async def test() -> None:
        bench = Bench()
        for number in range(LETTERS):
            bench.add(chr(97 + number % 26))
            if number % 7 == 0:
                await asyncio.sleep(0)
        assert await bench.batches.quiet(20)
        expected = "".join(chr(97 + number % 26) for number in range(LETTERS))
        assert "".join(bench.disk) == "".join(bench.told) == expected

    asyncio.run(test())
