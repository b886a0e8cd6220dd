"""Events as people read them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.views.listing import event_lines
from autohealer.views.reading import KINDS, record_of
from autohealer.views.report import words
from autohealer.views.text import _WORDS, event_line, event_words

ROLLOUT = {"verb": "update", "by": "me@host", "former": 3, "revision": 4, "of": 3}
WORKER = {"worker": "a-3-x1", "pid": 4711, "slot": 3}
TIME = "2026-01-02T03:04:05.678901Z"

LINES: list[tuple[dict[str, Any], str]] = [
    (
        {"event": "config.changed", "file": "/srv/pools.toml", "pools": ["web", "db"]},
        "/srv/pools.toml was read again: web, db changed",
    ),
    (
        {"event": "config.invalid", "file": "/srv/pools.toml", "detail": "line 3: no"},
        "/srv/pools.toml does not hold, and changes nothing: line 3: no",
    ),
    ({"event": "worker.started", **WORKER}, "worker 3 (pid 4711) started"),
    ({"event": "worker.started", **WORKER, "heal_ms": 3.14159}, "worker 3 (pid 4711) started, healed in 3.1 ms"),
    ({"event": "worker.ready", **WORKER}, "worker 3 (pid 4711) is ready"),
    (
        {"event": "worker.exited", **WORKER, "code": None, "signal": "SIGKILL", "uptime": 12.345},
        "worker 3 (pid 4711) was killed by SIGKILL after 12.3 s",
    ),
    (
        {"event": "worker.exited", **WORKER, "code": 0, "signal": None, "uptime": 1.0},
        "worker 3 (pid 4711) ended with exit code 0 after 1.0 s",
    ),
    (
        {"event": "worker.exited", **WORKER, "code": None, "signal": None, "uptime": 1.0},
        "worker 3 (pid 4711) ended after 1.0 s",
    ),
    (
        {"event": "worker.stopped", **WORKER, "code": None, "signal": "SIGTERM", "uptime": 1.0},
        "worker 3 (pid 4711) stopped by SIGTERM",
    ),
    (
        {"event": "worker.stopped", **WORKER, "code": 0, "signal": None, "uptime": 1.0},
        "worker 3 (pid 4711) stopped with exit code 0",
    ),
    (
        {"event": "worker.faulty", **WORKER, "cause": "probe", "detail": "http://h/: 500"},
        "worker 3 (pid 4711) is faulty: probe, http://h/: 500",
    ),
    (
        {"event": "worker.held", **WORKER, "cause": "beat", "detail": "no beat for 5 s"},
        "worker 3 (pid 4711) is left running though it is faulty: beat, no beat for 5 s",
    ),
    (
        {"event": "worker.unready", **WORKER, "detail": "http://h/: 500"},
        "worker 3 (pid 4711) is not ready: http://h/: 500",
    ),
    (
        {"event": "worker.done", **WORKER, "failed": False},
        "worker 3 (pid 4711) has ended well, and is not started again",
    ),
    ({"event": "worker.done", **WORKER, "failed": True}, "worker 3 (pid 4711) has failed, and is not started again"),
    (
        {"event": "worker.started", **WORKER, "backoff_ms": 3484.2},
        "worker 3 (pid 4711) started again after a backoff of 3.5 s",
    ),
    ({"event": "worker.promoted", **WORKER, "heal_ms": 1.25}, "worker 3 (pid 4711) promoted, healed in 1.2 ms"),
    ({"event": "pool.below", "running": 3, "share": 4}, "only 3 of 4 workers are ready"),
    ({"event": "pool.recovered", "running": 4, "share": 4, "seconds": 2}, "all 4 workers are ready again, after 2.0 s"),
    (
        {"event": "operation.done", "verb": "kill", "subject": "a-0-b", "by": "me@host", "detail": ""},
        "kill a-0-b, asked for by me@host: done",
    ),
    (
        {"event": "operation.refused", "verb": "scale", "subject": "", "by": "me@host", "detail": "no such pool"},
        "scale, asked for by me@host: refused, no such pool",
    ),
    (
        {"event": "rollout.started", **ROLLOUT, "exchanged": 0, "soak": 10.0, "parallel": 1},
        "update to r4 begins, for me@host: 3 to be replaced",
    ),
    (
        {"event": "rollout.step", **ROLLOUT, "exchanged": 1, "detail": "slot 0 is new"},
        "update to r4: slot 0 is new (1 of 3)",
    ),
    (
        {"event": "rollout.finished", **ROLLOUT, "exchanged": 3, "seconds": 12.04, "detail": ""},
        "update to r4: 3 of 3 replaced in 12.0 s",
    ),
    (
        {"event": "rollout.finished", **ROLLOUT, "exchanged": 2, "seconds": 9, "detail": "1 of 3 is not ready"},
        "update to r4: 2 of 3 replaced in 9.0 s; 1 of 3 is not ready",
    ),
    (
        {"event": "rollout.undone", **ROLLOUT, "exchanged": 0, "seconds": 9, "detail": "a new worker was faulty"},
        "update to r4: undone, as a new worker was faulty",
    ),
    ({"event": "worker.adopted", **WORKER}, "worker 3 (pid 4711) adopted"),
    (
        {"event": "worker.backoff", "worker": None, "pid": None, "slot": 3, "delay": 0.4, "reason": "exit code 1"},
        "worker 3 waits 0.4 s before its next start: exit code 1",
    ),
    ({"event": "agent.joined", "agent": "a"}, "agent a joined"),
    ({"event": "agent.left", "agent": "a"}, "agent a left"),
    ({"event": "leader.elected", "leader": "a", "epoch": 7}, "agent a leads (epoch 7)"),
    ({"event": "leader.lost", "leader": "a", "epoch": 7}, "agent a leads no more"),
    (
        {"event": "plan.changed", "target": 10, "foreign": 0, "shares": {"a": 6, "b": 4}},
        "plan: 10 workers (a: 6, b: 4)",
    ),
    (
        {"event": "plan.changed", "target": 10, "foreign": 1, "shares": {"a": 9}},
        "plan: 10 workers, 1 foreign (a: 9)",
    ),
    ({"event": "target.changed", "target": 10, "former": None}, "target: 10 workers"),
    ({"event": "target.changed", "target": 10, "former": 3}, "target: 10 workers (was 3)"),
    (
        {"event": "zookeeper.connected", "session_timeout": 6.0, "resumed": False},
        "connected to ZooKeeper (session timeout 6 s)",
    ),
    (
        {"event": "zookeeper.connected", "session_timeout": 0.4, "resumed": True},
        "connected to ZooKeeper (session timeout 0.4 s, the former session goes on)",
    ),
    ({"event": "zookeeper.suspended"}, "ZooKeeper does not answer; workers go on"),
    ({"event": "zookeeper.lost"}, "the ZooKeeper session is lost; workers go on"),
    ({"event": "of.tomorrow", "what": 3}, "of.tomorrow what=3"),
]


@pytest.mark.parametrize(("fields", "words"), LINES, ids=lambda value: value if isinstance(value, str) else "")
def test_an_event_in_words(fields: dict[str, Any], words: str) -> None:
    """One line, with the time of day."""
    assert event_line(record_of({"time": TIME, **fields})) == f"03:04:05.678  {words}"


@pytest.mark.parametrize(
    "fields",
    [{"event": "worker.faulty", "evidence": "one\ntwo"}, {"event": "worker.backoff", "output": ["one", "two"]}],
)
def test_what_a_worker_said_last_is_shown_below(fields: dict[str, Any]) -> None:
    """Evidence or output, each line on a line of its own."""
    shown = event_line(record_of({**fields, **WORKER, "time": TIME}))
    assert shown.splitlines()[1:] == [f"{'':14}| {line}" for line in ("one", "two")]


@pytest.mark.parametrize("fields", [{}, {"event": None}, {"event": "worker.exited"}, {"event": "plan.changed"}])
def test_what_is_missing_does_no_harm(fields: dict[str, Any]) -> None:
    """A line of the log may be of another version."""
    assert event_line(record_of(fields)).startswith("--:--:--.---  ")


@pytest.mark.parametrize("order", ["\x1b", "\x9b", "\r", "\n", "\u202e", "\u2066", "\u200f", "\u061c", "\u2028"])
def test_names_that_a_terminal_would_obey_are_not_printed_as_they_are(order: str) -> None:
    """Any client of ZooKeeper can name an agent, and a worker says what it likes before its end."""
    name = f"web{order}1"
    for event in (
        {"event": "agent.joined", "agent": name},
        {"event": "leader.elected", "agent": name, "leader": name, "epoch": name},
        {"event": "plan.changed", "target": 1, "shares": {name: 1}},
        {"event": "worker.exited", **WORKER, "worker": name, "slot": None, "signal": name, "output": [name]},
        {"event": "warning", "text": name},
        {"event": name, "what": name},
    ):
        line = event_line(record_of({"time": TIME, **event}))
        assert order not in line.replace("\n" + " " * 14 + "| ", ""), event
        assert "web 1" in line


def test_times_are_those_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its zone, whatever that is; the report's, too, and in UTC where that is asked for."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert event_line(record_of({"time": TIME, "event": "leader.lost", "leader": "a"})).startswith("12:04:05.678  ")
        assert words.clock(0.0, None) == "09:00:00"
        assert words.clock(0.0) == "00:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["time", "worker", "pid", "slot", "code", "signal", "uptime", "heal_ms", "cause", "detail", "evidence",
          "output", "delay", "reason", "agent", "leader", "epoch", "target", "foreign", "shares", "workers", "former",
          "asked", "session_timeout", "resumed", "verb", "subject", "by", "exchanged", "of"]  # fmt: skip


@given(event=st.sampled_from(sorted(KINDS)) | odd, fields=st.dictionaries(st.sampled_from(FIELDS), odd))
def test_whatever_stands_in_a_line_it_can_be_shown(event: object, fields: dict[str, object]) -> None:
    """A line may be of another version, or come from a disk that is damaged."""
    record = record_of({**fields, "event": event})
    for lines in (event_line(record).splitlines(), [event_words(record)]):
        assert all(isinstance(line, str) for line in lines)
    assert event_lines(record, 0.0, glyphs=True, is_past=True)


def test_every_event_has_words() -> None:
    assert set(_WORDS) == set(KINDS.values())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"event": "worker.exited", "slot": "three"}, "worker.exited slot=three"),
        ({"event": "pool.recovered", "share": 3, "seconds": [2]}, "pool.recovered share=3 seconds=[2]"),
        ({"event": "worker.started", "slot": 1, "heal_ms": True}, "worker.started slot=1 heal_ms=True"),
    ],
)
def test_odd_values_are_shown_as_they_stand(fields: dict[str, Any], words: str) -> None:
    assert event_words(record_of(fields)) == words
