"""Events, folded: deaths, heals, causes, and how long heals took."""

from __future__ import annotations

import pytest

from autohealer.views.history import KEPT_EVENTS, KEPT_S, History
from tests.views.scenes import NOW, death, event, history


def test_deaths_and_heals_are_counted() -> None:
    """A stop that was asked for is no death, and a first start no heal."""
    found = history(
        event("worker.started", 10, 0),
        *death(9, 0),
        *death(8, 1),
        event("worker.stopped", 7, 0, signal="SIGTERM"),
        event("worker.exited", 6, 1, code=3, signal=None, uptime=1.0),
    )
    assert (found.deaths, found.heals) == (3, 2)


@pytest.mark.parametrize(
    ("last", "cause"),
    [
        ({"signal": "SIGSEGV", "code": None}, "SIGSEGV"),
        ({"signal": None, "code": 3}, "exit code 3"),
        ({"signal": None, "code": None}, "ended"),
    ],
)
def test_the_last_cause_of_death(last: dict[str, object], cause: str) -> None:
    """By slot, in few words."""
    found = history(*death(9, 4), event("worker.exited", 1, 4, uptime=1.0, **last))
    assert found.causes == {4: cause}


def test_a_fault_says_more_than_the_signal_that_ended_it() -> None:
    """The next death of the slot has a cause of its own."""
    found = history(
        event("worker.faulty", 9, 4, cause="its registration is gone"),
        event("worker.exited", 8, 4, code=None, signal="SIGTERM", uptime=1.0),
    )
    assert found.causes == {4: "faulty: its registration is gone"}
    found.take(event("worker.exited", 1, 4, code=1, signal=None, uptime=1.0))
    assert found.causes == {4: "exit code 1"}


def test_what_never_came_to_be_has_a_reason() -> None:
    """A spawn that failed has no exit."""
    found = history({**event("worker.backoff", 1, 2, delay=1.0, reason="no memory"), "worker": None, "pid": None})
    assert found.causes == {2: "no memory"}


def test_the_strip() -> None:
    """The last column is now; each stands for so many seconds."""
    found = history(*death(25, 0), *death(11, 1), *death(11, 2), *death(0, 3), event("worker.exited", 0, 3, code=1))
    assert NOW % 4 == 0
    assert found.strip(NOW, 8, 4) == [(1, 1), (0, 0), (0, 0), (0, 0), (2, 2), (0, 0), (0, 0), (2, 1)]
    assert found.strip(NOW, 30, 1)[-1] == (2, 1)
    assert found.strip(NOW, 30, 1)[-12] == (2, 2)
    assert found.strip(NOW + 1, 30, 1)[-2] == (2, 1)


def test_percentiles() -> None:
    """Of what there was; nothing of nothing."""
    assert History().percentile(0.5) is None
    found = history(*(fields for ms in range(100) for fields in death(1, 0, heal_ms=float(ms))))
    assert (found.percentile(0.5), found.percentile(0.95)) == (50.0, 95.0)
    found.take(death(0, 0, heal_ms=1e6)[1])
    assert found.percentile(1.0) == 1e6


def test_it_does_not_grow_for_ever() -> None:
    """Neither by events nor by seconds."""
    found = history(*(fields for s in range(KEPT_S + 500, 0, -1) for fields in death(float(s), 0)))
    assert len(found.events) == KEPT_EVENTS
    assert sum(deaths for deaths, _ in found.strip(NOW, KEPT_S * 2, 1)) <= KEPT_S
    assert found.deaths == KEPT_S + 500


@pytest.mark.parametrize(
    "odd", [{}, {"event": None}, {"event": "worker.exited", "time": "yesterday"}, {"event": "new.kind", "time": 5}]
)
def test_odd_events_are_only_shown(odd: dict[str, object]) -> None:
    """A log may be of another version, or half written."""
    found = history(odd)
    assert list(found.events) == [odd]
    assert (found.deaths, found.causes) == (0, {})


def test_since_when_zookeeper_is_as_it_is() -> None:
    """By its last event."""
    assert history(event("zookeeper.connected", 9), event("zookeeper.suspended", 3)).zookeeper_since == NOW - 3
