"""The event log: JSON lines on disk, and whoever listens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autohealer.core.notices import AgentJoined, AgentLeft, WorkerReady
from autohealer.runtime.event_log import EventLog, Line, older, timestamp

MOMENT = 1_700_000_000.25


@pytest.fixture
def heard() -> list[Line]:
    return []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_a_moment_in_utc_with_microseconds() -> None:
    """Zeros at the end, too."""
    assert timestamp(MOMENT) == "2023-11-14T22:13:20.250000Z"


def test_events_are_written_and_told_by_the_batch(path: Path, heard: list[Line]) -> None:
    """None before it is flushed; then all, in order, with their times."""
    log = EventLog(path, heard.append)
    log.record(AgentJoined("a"), MOMENT)
    log.record(WorkerReady("w", 1, 0), MOMENT + 1)
    assert heard == []
    assert not path.exists()
    log.flush()
    assert heard == [
        {"time": timestamp(MOMENT), "event": "agent.joined", "agent": "a"},
        {"time": timestamp(MOMENT + 1), "event": "worker.ready", "worker": "w", "pid": 1, "slot": 0},
    ]
    assert [json.loads(line) for line in path.read_text().splitlines()] == heard
    assert path.stat().st_mode & 0o777 == 0o600
    log.close()


def test_closing_writes_the_rest(path: Path) -> None:
    """And a next life appends."""
    for life in range(2):
        log = EventLog(path, None)
        log.record(AgentJoined(f"a{life}"), MOMENT)
        log.close()
    assert [json.loads(line)["agent"] for line in path.read_text().splitlines()] == ["a0", "a1"]


def test_it_does_not_grow_without_bound(path: Path) -> None:
    """One older file is kept, and no line is lost on the way from the one to the other."""
    log = EventLog(path, None, max_bytes=1000)
    for number in range(25):
        log.record(AgentJoined(f"a{number}"), MOMENT)
        log.flush()
    log.close()
    numbers = [
        int(json.loads(line)["agent"][1:]) for file in (older(path), path) for line in file.read_text().splitlines()
    ]
    assert numbers == list(range(numbers[0], 25))
    assert all(file.stat().st_size <= 1000 for file in (older(path), path))


def test_what_cannot_be_written_is_counted_and_told_all_the_same(tmp_path: Path, heard: list[Line]) -> None:
    """Until it can be written again."""
    path = tmp_path / "not yet there" / "events.jsonl"
    log = EventLog(path, heard.append)
    log.record(AgentJoined("a"), MOMENT)
    log.flush()
    assert (log.dropped, len(heard)) == (1, 1)
    path.parent.mkdir()
    log.record(AgentLeft("a"), MOMENT)
    log.close()
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["agent.left"]
    assert log.dropped == 1
