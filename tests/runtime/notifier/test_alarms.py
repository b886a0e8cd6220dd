"""Which notices are sent, of which events, and when: on a clock that is turned by hand."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autohealer.core.notices import EventRecord
from autohealer.runtime.notifier.alarms import CALM_S, Alarm, Alarms, Rule
from autohealer.views.reading import record_of

ALL = frozenset({"crash-loop", "held", "below-target", "leader-lost", "rollout-undone", "recovered"})


def event(name: str, **fields: Any) -> EventRecord:
    return record_of({"event": name, "time": "2026-01-01T00:00:00Z", **fields})


BACKOFF = event("worker.backoff", slot=0, reason="exit code 2", output=["a", "can't open file"])
STARTED = event("worker.started", slot=0)
EXITED = event("worker.exited", slot=0, worker="w")
BELOW = event("pool.below", running=1, share=3)
ABOVE = event("pool.recovered", running=3, share=3)


def told(alarms: list[Alarm]) -> list[tuple[str, str]]:
    return [(alarm.notice, alarm.text) for alarm in alarms]


def test_one_alarm_and_one_end_of_it() -> None:
    """However many events there are in between."""
    alarms = Alarms([Rule(ALL)])

    assert told(alarms.take(0, "web", BELOW)) == [("below-target", "1 of 3 workers are ready")]
    assert told(alarms.take(5, "web", BELOW)) == []
    assert told(alarms.take(9, "web", ABOVE)) == [("recovered", "no longer: 1 of 3 workers are ready")]
    assert told(alarms.take(10, "web", ABOVE)) == []
    assert alarms.next_deadline() == inf


def test_a_crash_loop_ends_when_a_worker_lives() -> None:
    """Not at its next start, nor when it dies again before it is calm."""
    alarms = Alarms([Rule(ALL)])

    first = alarms.take(0, "web", BACKOFF)
    assert told(first) == [("crash-loop", "a worker fails again and again (slot 0): exit code 2: can't open file")]
    assert alarms.take(5, "web", STARTED) == []
    assert alarms.next_deadline() == 5 + CALM_S
    assert alarms.take(20, "web", EXITED) == []
    assert alarms.tick(5 + CALM_S) == []
    assert alarms.take(50, "web", STARTED) == []
    assert [alarm.notice for alarm in alarms.tick(50 + CALM_S)] == ["recovered"]


def test_what_does_not_last_is_not_told() -> None:
    """``for``: nor is its end."""
    alarms = Alarms([Rule(ALL, for_s=30)])

    assert alarms.take(0, "web", BELOW) == []
    assert alarms.next_deadline() == 30
    assert alarms.take(10, "web", ABOVE) == []
    assert alarms.take(20, "web", BELOW) == []
    assert alarms.tick(49) == []
    assert [alarm.notice for alarm in alarms.tick(50)] == ["below-target"]


def test_the_same_is_not_told_too_often() -> None:
    """``every``: while it goes on, and when it comes again."""
    alarms = Alarms([Rule(ALL, every_s=100)])

    assert [alarm.again for alarm in alarms.take(0, "web", BELOW)] == [False]
    assert alarms.tick(99) == []
    assert [alarm.again for alarm in alarms.tick(100)] == [True]
    assert [alarm.notice for alarm in alarms.take(110, "web", ABOVE)] == ["recovered"]
    assert alarms.take(120, "web", BELOW) == []
    assert alarms.take(130, "web", ABOVE) == []
    assert alarms.take(140, "web", BELOW) == []
    assert alarms.next_deadline() == 200
    assert [(alarm.notice, alarm.again) for alarm in alarms.tick(200)] == [("below-target", False)]


def test_held_workers_until_the_last_is_free() -> None:
    alarms = Alarms([Rule(ALL)])
    held = [event("worker.held", worker=name, cause="probe", detail="refused") for name in ("a", "b")]

    assert told(alarms.take(0, "web", held[0])) == [("held", "worker a is faulty, and is held: probe: refused")]
    assert alarms.take(1, "web", held[1]) == []
    assert alarms.take(2, "web", event("worker.ready", worker="a", slot=0)) == []
    assert [alarm.notice for alarm in alarms.take(3, "web", event("worker.faulty", worker="b", slot=1))] == [
        "recovered"
    ]


def test_rules_are_told_of_what_they_asked_for() -> None:
    """Each by itself; pools apart; recovered only to who wants it."""
    alarms = Alarms([Rule(frozenset({"below-target"})), Rule(ALL), Rule(frozenset({"recovered"}))])

    assert [(alarm.rule, alarm.pool) for alarm in alarms.take(0, "web", BELOW)] == [(0, "web"), (1, "web")]
    assert [(alarm.rule, alarm.pool) for alarm in alarms.take(1, "db", BELOW)] == [(0, "db"), (1, "db")]
    assert [(alarm.rule, alarm.pool, alarm.notice) for alarm in alarms.take(2, "web", ABOVE)] == [
        (1, "web", "recovered")
    ]
    assert [alarm.rule for alarm in alarms.take(3, "web", event("rollout.undone", detail="r3"))] == [1]


def test_a_leader_that_is_lost_until_there_is_one() -> None:
    alarms = Alarms([Rule(ALL)])

    assert told(alarms.take(0, "web", event("leader.lost", leader="a"))) == [("leader-lost", "agent a leads no more")]
    assert [alarm.notice for alarm in alarms.take(1, "web", event("leader.elected", leader="b"))] == ["recovered"]


EVENTS = st.sampled_from([BACKOFF, STARTED, EXITED, BELOW, ABOVE, event("worker.held", worker="w", cause="x")])
STEPS = st.lists(st.tuples(st.floats(0, 60), EVENTS, st.sampled_from(["web", "db"])), max_size=40)


@given(STEPS, st.sampled_from([0.0, 20.0]), st.sampled_from([1.0, 50.0]))
def test_every_alarm_has_at_most_one_end(steps: Any, for_s: float, every_s: float) -> None:
    """And no end is told of what was not; the deadline is never behind, and no notice is late."""
    alarms, now = Alarms([Rule(ALL, for_s, every_s)]), 0.0
    open_alarms: Counter[tuple[str, str]] = Counter()
    for pause, one, pool in steps:
        until = now + pause
        while (deadline := alarms.next_deadline()) <= until:
            note(open_alarms, alarms.tick(max(now, deadline)))
        now = until
        note(open_alarms, alarms.take(now, pool, one))
        assert alarms.next_deadline() > now


def note(open_alarms: Counter[tuple[str, str]], found: list[Alarm]) -> None:
    for alarm in found:
        key = (alarm.pool, alarm.of)
        if alarm.notice == "recovered":
            assert open_alarms.pop(key) == 1
        else:
            assert (key in open_alarms) == alarm.again
            open_alarms[key] = 1
