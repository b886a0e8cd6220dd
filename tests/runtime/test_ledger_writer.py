"""The ledger of an agent that runs: what waits for the disk, and what comes of it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from autohealer.runtime.disk_writer import Batches, DiskWriter
from autohealer.runtime.ledger import Ledger, WorkerGone
from autohealer.runtime.ledger_writer import LedgerWriter
from tests.runtime.test_ledger import BOOT, disk_with_room_for, entry
from tests.support.processes import eventually


class Bench:
    def __init__(self, path: Path) -> None:
        self.loop = asyncio.get_running_loop()
        self.warnings: list[str] = []
        self.writer = DiskWriter(self.loop)
        ledger, _ = Ledger.load(path, BOOT)
        self.ledger = LedgerWriter(ledger, self.writer, self.loop, self.warnings.append)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def written(path: Path) -> list[str]:
    ledger = Ledger.read(path)
    assert ledger is not None
    return list(ledger.workers)


def test_what_is_recorded_is_known_at_once_and_written_soon(path: Path) -> None:
    async def test() -> None:
        bench = Bench(path)
        bench.ledger.record([entry(0), entry(1)])
        bench.ledger.record([WorkerGone(entry(0).worker), replace(bench.ledger.facts, target=2)])
        assert list(bench.ledger.workers) == [entry(1).worker]
        assert bench.ledger.facts.target == 2
        await bench.ledger.close(20)

    run(test)
    assert written(path) == [entry(1).worker]


def test_a_disk_that_stalls_holds_nobody_up_and_gets_no_more_than_is_needed(path: Path) -> None:
    """Workers that came and went meanwhile leave nothing that waits."""

    async def test() -> None:
        bench, stalled = Bench(path), threading.Event()
        bench.ledger.record([entry(0)])
        await bench.ledger.close(20)
        bench.writer.submit(lambda: stalled.wait(60), lambda _: None)
        bench.ledger.record([entry(1)])
        for number in range(2, 1000):
            bench.ledger.record([entry(number)])
            bench.ledger.record([WorkerGone(entry(number).worker)])
        bench.ledger.record([WorkerGone(entry(0).worker)])
        assert len(bench.ledger._waiting) == 1
        await bench.ledger.close(0.05)
        assert bench.warnings == ["the disk does not answer: what the ledger was to hold last is not in it"]
        stalled.set()
        await bench.ledger.close(20)

    run(test)
    assert written(path) == [entry(1).worker]


def test_a_full_disk_is_said_once_and_made_good(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Batches, "RETRY_S", 0.02)

    async def test() -> None:
        bench = Bench(path)
        with disk_with_room_for(0):
            for number in range(3):
                bench.ledger.record([entry(number)])
                await asyncio.sleep(0.05)
        await asyncio.to_thread(eventually, lambda: written(path) == [entry(number).worker for number in range(3)])
        assert len(bench.warnings) == 1
        assert bench.warnings[0].startswith("cannot write the ledger: ")
        await bench.ledger.close(20)

    run(test)


def test_a_file_that_is_gone_is_written_anew(path: Path) -> None:
    async def test() -> None:
        bench = Bench(path)
        bench.ledger.record([entry(0)])
        await bench.ledger.close(20)
        os.unlink(path)  # noqa: PTH108 - a test's loop has nobody to hold up
        bench.ledger.write_anew()
        await bench.ledger.close(20)

    run(test)
    assert written(path) == [entry(0).worker]


def test_a_mistake_in_the_writing_is_raised_in_the_loop_and_the_rest_goes_on(path: Path) -> None:
    async def test() -> None:
        bench, complaints, done = Bench(path), list[object](), list[object]()
        bench.loop.set_exception_handler(lambda _, context: complaints.append(context["exception"]))
        mistake = ValueError("ours")

        def fail() -> None:
            raise mistake

        bench.writer.submit(fail, done.append)
        bench.writer.submit(lambda: 7, done.append)
        await asyncio.to_thread(eventually, lambda: done)
        assert complaints == [mistake]
        assert done == [7]

    run(test)
