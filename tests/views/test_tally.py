"""How a pool has fared, and which of its heals were none."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from autohealer.core.notices import EventRecord, Notice, WorkerExited, WorkerReady, WorkerStarted
from autohealer.views.tally import Tally

TIME = "2026-01-05T11:02:07.301233Z"


def started(number: int) -> WorkerStarted:
    return WorkerStarted(f"w-0-{number}", 100 + number, 0, revision=1, heal_ms=1.0 + number)


def exited(number: int) -> WorkerExited:
    return WorkerExited(f"w-0-{number}", 100 + number, 0, code=1, signal=None, cause="exit code 1", uptime=0.1)


def tally_of(notices: Iterator[Notice] | list[Notice]) -> Tally:
    tally = Tally()
    for notice in notices:
        tally.take(EventRecord(TIME, notice.event, notice))
    return tally


def test_a_crash_loop_has_healed_nothing() -> None:
    """Each replacement ended before it was ready."""
    tally = tally_of([exited(0), started(1), exited(1), started(2), exited(2)])

    assert tally.words() == "3 deaths, 0 heals"


def test_a_replacement_that_was_ready_once_was_a_heal() -> None:
    tally = tally_of([exited(0), started(1), WorkerReady("w-0-1", 101, 0), exited(1), started(2)])

    assert tally.words() == "2 deaths, 2 heals, p50 3.0 ms, p95 3.0 ms"


@given(st.lists(st.booleans(), max_size=30))
def test_heals_are_those_that_came_to_be_ready(ready: list[bool]) -> None:
    def lives() -> Iterator[Notice]:
        for number, is_ready in enumerate(ready):
            yield started(number)
            if is_ready:
                yield WorkerReady(f"w-0-{number}", 100 + number, 0)
            yield exited(number)

    assert tally_of(lives()).heals == sum(ready)
