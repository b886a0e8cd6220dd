"""Events out: what each of them is made of, and when there are none any more."""

from __future__ import annotations

from autohealer.coordination.pool.event_emitter import EventEmitter
from autohealer.core.events import ClusterLeft, Event, PlanRead, TargetRead


def test_each_event_gets_the_time_at_which_it_is_emitted() -> None:
    """Whether it is emitted now or by something that was made to be called later."""
    told: list[Event] = []
    times = iter([1.0, 2.0])
    emitter = EventEmitter(told.append, lambda: next(times))
    read = emitter.emitting(TargetRead)
    emitter.emit(PlanRead, None, 0)
    read(5)

    assert told == [PlanRead(1.0, None, 0), TargetRead(2.0, 5)]


def test_after_the_end_nothing_is_told() -> None:
    """Answers that were under way are no news to anybody."""
    told: list[Event] = []
    emitter = EventEmitter(told.append, lambda: 1.0)
    read = emitter.emitting(TargetRead)
    emitter.emit(ClusterLeft)
    emitter.silence()
    emitter.emit(ClusterLeft)
    read(5)

    assert told == [ClusterLeft(1.0)]
