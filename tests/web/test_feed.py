"""The last events, numbered: what is replayed, to whom, and what happens to those who do not keep up."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from autohealer.views.reading import record_of
from autohealer.web import feed as module
from autohealer.web.feed import EventStream


def numbers(data: bytes) -> list[int]:
    """Which events these bytes are."""
    return [json.loads(line)["n"] for line in re.findall(rb"^data: (.*)$", data, re.MULTILINE)]


def filled(count: int = 5) -> EventStream:
    """Events 1 to ``count``."""
    feed = EventStream("life")
    for n in range(1, count + 1):
        feed.take(record_of({"n": n}))
    return feed


def replayed(feed: EventStream, last_id: str | None) -> list[int]:
    """What a reader with this last id gets at once."""
    listener = feed.listen(last_id, lambda: None)
    found = asyncio.run(listener.messages(0.0))
    feed.leave(listener)
    return numbers(found)


@pytest.mark.parametrize(
    ("last_id", "expected"),
    [
        (None, [1, 2, 3, 4, 5]),
        ("", [1, 2, 3, 4, 5]),
        ("life-0", [1, 2, 3, 4, 5]),
        ("life-3", [4, 5]),
        ("life-5", []),
        ("life-6", [1, 2, 3, 4, 5]),
        ("other-3", [1, 2, 3, 4, 5]),
        ("life-x", [1, 2, 3, 4, 5]),
        ("life-" + "9" * 30, [1, 2, 3, 4, 5]),
        ("3", [1, 2, 3, 4, 5]),
    ],
)
def test_what_is_replayed(last_id: str | None, expected: list[int]) -> None:
    """What came after that one; all that is known where that says nothing here."""
    assert replayed(filled(), last_id) == expected


def test_what_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many, the last ones are kept."""
    monkeypatch.setattr(module, "KEPT", 3)
    feed = filled(10)
    assert replayed(feed, None) == [8, 9, 10]
    assert replayed(feed, "life-2") == [8, 9, 10]
    assert replayed(feed, "life-9") == [10]


def test_ids_and_data() -> None:
    """As the standard has it; a line break in a text cannot begin another field."""
    feed = EventStream("life")
    feed.take(record_of({"text": "a\n\nid: 9\ndata: b"}))
    listener = feed.listen(None, lambda: None)
    data = asyncio.run(listener.messages(0.0))
    assert data == b'id: life-1\ndata: {"text": "a\\n\\nid: 9\\ndata: b"}\n\n'


def test_who_listens_hears() -> None:
    """At once, in order, each once; nothing where nothing has happened, and nothing after leaving."""

    async def listening() -> None:
        feed = filled(1)
        listener = feed.listen("life-1", lambda: None)
        assert await listener.messages(0.0) == b""
        waiting = asyncio.create_task(listener.messages(60.0))
        await asyncio.sleep(0)
        feed.take(record_of({"n": 2}))
        feed.take(record_of({"n": 3}))
        assert numbers(await waiting) == [2, 3]
        feed.leave(listener)
        feed.take(record_of({"n": 4}))
        assert await listener.messages(0.0) == b""

    asyncio.run(listening())


def test_the_end() -> None:
    """Who waits is told."""

    async def ending() -> None:
        feed = filled(1)
        listener = feed.listen("life-1", lambda: None)
        waiting = asyncio.create_task(listener.messages(60.0))
        await asyncio.sleep(0)
        feed.close()
        assert await waiting == b""
        assert listener.is_closed

    asyncio.run(ending())


def test_a_slow_reader_is_let_go() -> None:
    """What waits for it is bounded; the others go on."""
    feed, gone = EventStream("life"), list[str]()
    slow = feed.listen(None, lambda: gone.append("slow"))
    big = {"n": 1, "text": "x" * 1000}
    for _ in range(module.MOST_WAITING_BYTES // 1000):
        feed.take(record_of(big))
    quick = feed.listen("life-0", lambda: gone.append("quick"))
    for _ in range(10):
        feed.take(record_of(big))
    assert gone == ["slow"]
    assert slow.is_closed
    assert asyncio.run(slow.messages(0.0)) == b""
    assert len(numbers(asyncio.run(quick.messages(0.0)))) > 200


def test_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers are counted."""
    monkeypatch.setattr(module, "MOST_LISTENERS", 1)
    feed = EventStream("life")
    listener = feed.listen(None, lambda: None)
    assert feed.is_full
    feed.leave(listener)
    assert not feed.is_full
