"""The event log: JSON lines on disk, and whoever listens."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from autohealer.core.notices import AgentJoined, EventRecord, WorkerReady, fields_of
from autohealer.runtime.disk_writer import Batches, DiskWriter
from autohealer.runtime.event_log import MOST_WAITING, EventFile, EventLog, older, timestamp
from tests.runtime.test_ledger import disk_with_room_for
from tests.support.processes import eventually

MOMENT = 1_700_000_000.25


class Bench:
    """A log in a loop that runs while a test does."""

    def __init__(self, path: Path, max_bytes: int = 10**7) -> None:
        self.loop = asyncio.get_running_loop()
        self.heard: list[EventRecord] = []
        self.warnings: list[str] = []
        self.writer = DiskWriter(self.loop)
        file = EventFile(path, max_bytes)
        self.log = EventLog(file, self.writer, self.loop, listener=self.heard.append, warn=self.warnings.append)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def size_of(path: Path) -> int:
    return path.stat().st_size


def lines_in(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def agents(path: Path) -> list[str]:
    """What is in the file, each line of which has to be whole."""
    return [json.loads(line)["agent"] for line in path.read_text().splitlines()]


def test_a_moment_in_utc_with_microseconds() -> None:
    """Zeros at the end, too."""
    assert timestamp(MOMENT) == "2023-11-14T22:13:20.250000Z"


def test_events_are_told_and_written_by_the_batch(path: Path) -> None:
    """None before it is flushed; then all are told at once, in order, with their times, and written soon."""

    async def test() -> None:
        bench = Bench(path)
        bench.log.record(AgentJoined("a"), MOMENT)
        bench.log.record(WorkerReady("w", 1, 0), MOMENT + 1)
        assert bench.heard == []
        bench.log.flush()
        assert [fields_of(event) for event in bench.heard] == [
            {"time": timestamp(MOMENT), "event": "agent.joined", "agent": "a"},
            {"time": timestamp(MOMENT + 1), "event": "worker.ready", "worker": "w", "pid": 1, "slot": 0},
        ]
        await bench.log.close(20)
        heard.extend(bench.heard)

    heard: list[EventRecord] = []
    run(test)
    assert [json.loads(line) for line in path.read_text().splitlines()] == list(map(fields_of, heard))
    assert path.stat().st_mode & 0o777 == 0o600


def test_closing_writes_the_rest_and_a_next_life_appends(path: Path) -> None:
    """Also behind a line that a former life has not written to its end: that one is cut off."""

    async def test() -> None:
        for life in range(3):
            bench = Bench(path)
            bench.log.record(AgentJoined(f"a{life}"), MOMENT)
            await bench.log.close(20)
            with path.open("a") as file:
                file.write('{"time": "2026-')

    run(test)
    torn = path.read_text().splitlines()
    assert [json.loads(line)["agent"] for line in torn[:-1]] == ["a0", "a1", "a2"]


def test_a_file_of_one_torn_line(path: Path) -> None:
    """Nothing of it is left."""
    path.write_text('{"time')

    async def test() -> None:
        bench = Bench(path)
        bench.log.record(AgentJoined("a"), MOMENT)
        await bench.log.close(20)

    run(test)
    assert agents(path) == ["a"]


def test_it_does_not_grow_without_bound(path: Path) -> None:
    """One older file is kept, and no line is lost on the way from the one to the other."""

    async def test() -> None:
        bench = Bench(path, 1000)
        for number in range(25):
            bench.log.record(AgentJoined(f"a{number}"), MOMENT)
            await bench.log.close(20)

    run(test)
    numbers = [int(agent[1:]) for file in (older(path), path) for agent in agents(file)]
    assert numbers == list(range(numbers[0], 25))
    assert all(file.stat().st_size <= 1000 for file in (older(path), path))


@pytest.mark.parametrize("room", [0, 10, 130])
def test_a_full_disk_loses_nothing_and_tears_nothing(path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """What waited is written when there is room, in its order; it is told once that it has to wait."""
    monkeypatch.setattr(Batches, "RETRY_S", 0.02)

    async def test() -> None:
        bench = Bench(path)
        bench.log.record(AgentJoined("a0"), MOMENT)
        await bench.log.close(20)
        with disk_with_room_for(size_of(path) + room):
            for number in range(1, 6):
                bench.log.record(AgentJoined(f"a{number}"), MOMENT)
                bench.log.flush()
                await asyncio.sleep(0.05)
        bench.log.record(AgentJoined("a6"), MOMENT)
        bench.log.flush()
        await asyncio.to_thread(eventually, lambda: len(agents(path)) == 7)
        await bench.log.close(20)
        assert len(bench.warnings) == 1
        assert len(bench.heard) == 7

    run(test)
    assert agents(path) == [f"a{number}" for number in range(7)]


def test_what_is_too_much_to_wait_is_said_to_be_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory has an end, too."""
    monkeypatch.setattr(Batches, "RETRY_S", 0.02)
    path = tmp_path / "not yet there" / "events.jsonl"

    async def test() -> None:
        bench = Bench(path)
        for number in range(MOST_WAITING + 10):
            bench.log.record(AgentJoined(f"a{number}"), MOMENT)
        bench.log.flush()
        path.parent.mkdir()
        await asyncio.to_thread(eventually, lambda: lines_in(path) == MOST_WAITING)
        await bench.log.close(20)
        assert bench.warnings[-1].startswith("10 events are not in the event log")

    run(test)
    assert agents(path)[0] == "a10"


def test_a_disk_that_stalls_holds_nobody_up(path: Path) -> None:
    """The events are told, the loop goes on, and all is written when the disk answers again; who waits is told then."""

    async def test() -> None:
        bench, stalled, written = Bench(path), threading.Event(), list[str]()
        bench.writer.submit(lambda: stalled.wait(60), lambda _: None)
        bench.log.record(AgentJoined("a"), MOMENT, lambda: written.append("a"))
        bench.log.flush()
        bench.log.record(AgentJoined("b"), MOMENT, lambda: written.append("b"))
        bench.log.flush()
        assert [fields_of(event)["agent"] for event in bench.heard] == ["a", "b"]
        await bench.log.close(0.05)
        assert bench.warnings == ["the disk does not answer: the last events are not in the log"]
        assert written == []
        stalled.set()
        await bench.log.close(20)
        assert written == ["a", "b"]

    run(test)
    assert agents(path) == ["a", "b"]


def test_a_file_that_was_removed_is_made_again(path: Path) -> None:
    """Writing into what has no name any more would be writing into nowhere."""

    async def test() -> None:
        bench = Bench(path)
        for agent in ("a", "b"):
            bench.log.record(AgentJoined(agent), MOMENT)
            await bench.log.close(20)
            if agent == "a":
                os.unlink(path)  # noqa: PTH108 - a test's loop has nobody to hold up

    run(test)
    assert agents(path) == ["b"]


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_others_have_put_in_its_place(path: Path, tmp_path: Path, kind: str) -> None:
    """Nothing is written through a link, nobody waits for a FIFO; it is said, once, and the events are told."""
    precious = tmp_path / "precious"
    precious.write_text("data")
    if kind == "link":
        path.symlink_to(precious)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()

    async def test() -> None:
        bench = Bench(path)
        bench.log.record(AgentJoined("a"), MOMENT)
        await bench.log.close(20)
        assert bench.warnings == ["cannot write the event log: it is no regular file; it is tried again"]
        assert len(bench.heard) == 1

    run(test)
    assert precious.read_text() == "data"
