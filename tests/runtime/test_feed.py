"""What a dashboard is fed: all there is, then what changes; and who does not read is cut off."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any, cast

import msgspec
import pytest

from autohealer.runtime.feed import Differ, Feed
from autohealer.views.reading import record_of
from autohealer.views.status import Changes, WatchedStatus, WorkerRow
from tests.support.processes import eventually

Json = dict[str, Any]


def row(slot: int | None, state: str = "running", **fields: Any) -> WorkerRow:
    """A row of status."""
    return WorkerRow(worker=f"me-{slot}-x", agent="me", slot=slot, state=state, **fields)


def pool(target: int, *rows: WorkerRow) -> WatchedStatus:
    """A pool with these rows."""
    return WatchedStatus(target=target, workers=list(rows))


def test_only_what_differs() -> None:
    """Rows whole, keys of what is gone, and the rest if any of it differs."""
    differ = Differ()
    first = pool(2, row(0), row(1))
    assert differ.changes(first) == Changes(workers=[row(0), row(1)], status=pool(2))
    assert differ.changes(first) is None
    assert differ.changes(pool(2, row(0), row(1, "backoff"))) == Changes(workers=[row(1, "backoff")])
    assert differ.changes(pool(1, row(0))) == Changes(gone=["me/1"], status=pool(1))


def test_a_spare_is_known_by_its_id() -> None:
    """It has no slot."""
    differ = Differ()
    differ.changes(pool(1, row(None)))
    assert differ.changes(pool(1)) == Changes(gone=["me-None-x"])


class World:
    """A feed of a pool that is whatever the test says, and its subscribers."""

    def __init__(self) -> None:
        self.status = pool(1, row(0))
        self.looks = 0
        self.feed = Feed(
            asyncio.get_running_loop(), self._look, lambda _: self.status, lambda: id(self.status), lambda: None
        )
        self._writers: list[asyncio.StreamWriter] = []
        self._serving: list[asyncio.Task[None]] = []

    def _look(self) -> Any:
        self.looks += 1

    async def subscribe(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Someone who listens."""
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_unix_connection(sock=theirs)
        self._serving.append(asyncio.create_task(self.feed.serve(reader, writer, others=False)))
        ours_reader, ours_writer = await asyncio.open_unix_connection(sock=ours, limit=1 << 22)
        self._writers += [writer, ours_writer]
        return ours_reader, ours_writer

    async def end(self, left: int = 0) -> None:
        """The agent ends, and everybody hangs up."""
        self.feed.close(left)
        for writer in self._writers:
            writer.close()
        await asyncio.wait_for(asyncio.gather(*self._serving, return_exceptions=True), 20)
        await asyncio.sleep(0)


async def told(reader: asyncio.StreamReader) -> Json:
    """The next line that says something."""
    while not (found := json.loads(await asyncio.wait_for(reader.readline(), 20))).get("changes", True):
        pass
    return cast("Json", found)


def run(coroutine: Any) -> None:
    """In a loop of its own."""
    asyncio.run(coroutine)


def test_all_then_changes_then_the_end() -> None:
    """In this order, and an event is told as it comes."""

    async def follow() -> None:
        world = World()
        reader, _ = await world.subscribe()
        assert await told(reader) == {"snapshot": msgspec.to_builtins(world.status)}
        world.feed.take(record_of({"event": "worker.exited"}))
        assert await told(reader) == {"event": {"event": "worker.exited"}}
        world.status = pool(2, row(0))
        assert await told(reader) == {"changes": {"status": msgspec.to_builtins(pool(2))}}
        world.feed.close(left=3)
        assert await told(reader) == {"end": {"left": 3}}
        assert await reader.read() == b""
        await world.end()

    run(follow())


def test_a_second_one_gets_all_there_is() -> None:
    """And the first one nothing that it knows."""

    async def follow() -> None:
        world = World()
        first, _ = await world.subscribe()
        await told(first)
        second, _ = await world.subscribe()
        assert await told(second) == {"snapshot": msgspec.to_builtins(world.status)}
        world.feed.take(record_of({"event": "x"}))
        assert await told(first) == await told(second) == {"event": {"event": "x"}}
        await world.end()

    run(follow())


def test_nothing_is_kept_for_nobody() -> None:
    """When the last one has gone; who comes then gets all there is."""

    async def follow() -> None:
        world = World()
        reader, writer = await world.subscribe()
        await told(reader)
        assert world.feed._differ._rows
        writer.close()
        await _until(lambda: not world.feed.is_heard)
        assert not world.feed._differ._rows
        reader, _ = await world.subscribe()
        assert await told(reader) == {"snapshot": msgspec.to_builtins(world.status)}
        await world.end()

    run(follow())


def test_silence_is_broken_every_second() -> None:
    """So that who hears nothing knows that the agent is frozen."""

    async def follow() -> None:
        world = World()
        reader, _ = await world.subscribe()
        await reader.readline()
        assert json.loads(await asyncio.wait_for(reader.readline(), 20)) == {"changes": {}}
        await world.end()
        assert world.looks <= 2  # nothing had happened

    run(follow())


def test_a_mistake_costs_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised into the loop, and who has just come gets all there is a moment later."""
    monkeypatch.setattr("autohealer.runtime.feed.BEAT_S", 0.05)

    async def follow() -> None:
        raised: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context["exception"]))
        world = World()
        whole = world.status
        world.status = cast("WatchedStatus", None)
        reader, _ = await world.subscribe()
        await _until(lambda: raised)
        world.status = whole
        assert await told(reader) == {"snapshot": msgspec.to_builtins(whole)}
        await world.end()
        assert isinstance(raised[0], AttributeError)

    run(follow())


def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """And costs nobody else anything."""
    monkeypatch.setattr("autohealer.runtime.feed.LOOK_S", 0.01)

    async def follow() -> None:
        world = World()
        await world.subscribe()
        reader, writer = await world.subscribe()
        await told(reader)
        for number in range(2000):
            world.status = pool(number, row(0, address="a" * 20_000 + str(number)))
            if "changes" not in await told(reader):
                break
            if len(world.feed._subscribers) == 1:
                break
        assert len(world.feed._subscribers) == 1
        writer.close()
        await _until(lambda: not world.feed.is_heard)
        await world.end()

    run(follow())


async def _until(probe: Any) -> None:
    """Wait, letting others go on."""
    await asyncio.to_thread(eventually, probe)
