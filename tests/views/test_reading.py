"""Lines of JSON are read as the events that were written; what is not as this version writes it is kept as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autohealer.core.notices import EventRecord, PlanChanged, WorkerExited, WorkerStarted, fields_of
from autohealer.views.reading import read_event, record_of
from tests.test_golden_json import AT, NOTICES


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.event)
def test_what_was_written_is_read(notice: Any) -> None:
    """With the pool that it names, if it does."""
    for pool in (None, "web"):
        record = EventRecord(AT, notice.event, notice, pool)
        fields = fields_of(record)
        assert read_event(json.dumps(fields)) == EventRecord(AT, notice.event, notice, pool, fields)


@pytest.mark.parametrize("line", ["", "{", "[1]", "3", b"\xff"])
def test_what_is_no_event(line: str | bytes) -> None:
    assert read_event(line) is None


def test_an_event_of_another_version() -> None:
    """It has no notice, and all of its fields."""
    fields = {"time": AT, "event": "of.tomorrow", "what": 3}
    assert record_of(fields) == EventRecord(AT, "of.tomorrow", read=fields)


def test_a_field_of_a_newer_version_is_handed_on() -> None:
    fields = {"time": AT, "event": "agent.joined", "agent": "a", "zone": "b"}
    record = record_of(fields)
    assert (fields_of(record), record.is_odd) == (fields, False)


def test_what_an_older_version_did_not_write() -> None:
    """Costs nothing else, and is not told as if it had been written."""
    fields = {"time": AT, "event": "worker.started", "worker": "a", "pid": 7, "slot": 3, "heal_ms": 2}
    record = record_of(fields)
    assert record.notice == WorkerStarted("a", 7, 3, 0, heal_ms=2.0)
    assert (record.slot, fields_of(record), record.is_odd) == (3, fields, False)


@pytest.mark.parametrize(
    ("fields", "notice"),
    [
        (
            {"event": "worker.exited", "worker": "a", "pid": "7", "slot": 3, "uptime": "long"},
            WorkerExited("a", None, 3, None, None, 0.0, "ended"),
        ),
        ({"event": "plan.changed", "target": 2, "shares": {"a": "many"}}, PlanChanged(2, 0, {})),
    ],
)
def test_what_makes_no_sense_is_left_out(fields: dict[str, Any], notice: Any) -> None:
    record = record_of({"time": 5, **fields})
    assert (record.time, record.notice, record.is_odd) == (None, notice, True)
    assert fields_of(record) == {"time": 5, **fields}
