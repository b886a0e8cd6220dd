"""The brake: how many verdicts are carried out at once, and what becomes of those that are held."""

from __future__ import annotations

import pytest

from autohealer.core import events
from autohealer.core.actions import SpawnWorker
from autohealer.core.model import ReadyWhen
from autohealer.core.pool.brake import Brake
from tests.core.clinic import Clinic, Ward


def test_a_shared_dependency_that_fails_costs_no_more_than_the_brakes_part() -> None:
    book = Ward()
    book.fail_all()
    assert book.faults() == [(worker, "probe") for worker in book.workers[:2]]
    assert [told["worker"] for told in book.told("worker.held")] == book.workers[2:]
    assert {book.view(worker).held for worker in book.workers[2:]} == {"probe"}
    for worker in book.workers[:2]:
        book.heal(worker, ready=False)
    book.wait(30)
    book.fail_all(book.workers[2:])

    assert book.faults() == []


def test_a_clock_that_ran_out_is_looked_at_once_more_when_there_is_room() -> None:
    book = Clinic(2, ready=ReadyWhen.STARTED, beat_timeout_s=5.0)
    one, other = book.workers
    book.wait(5)
    assert book.faults() == [(one, "beat")]
    assert book.view(other).held == "beat"
    book.wait(1)
    book.tell(events.ProcessExited, one, 0, None)
    book.spawn()
    assert book.faults() == []

    book.wait(1)

    assert book.faults() == [(other, "beat")]


def test_a_replacement_that_is_faulty_itself_needs_no_more_room() -> None:
    book = Ward()
    book.fail_all()
    book.faults()
    worker = book.heal(book.workers[0], ready=False)
    book.wait(60)

    assert (worker, "not-ready") in book.faults()
    book.wait(1)
    book.probe(book.workers[2], ok=False)
    assert book.faults() == []


def test_deaths_are_never_braked() -> None:
    book = Ward()
    for worker in book.workers:
        book.tell(events.ProcessExited, worker, None, "SIGKILL")

    assert len(book.take(SpawnWorker)) == 8


@pytest.mark.parametrize(
    ("max_faulty", "share", "limit"), [(0.25, 3, 1), (0.25, 8, 2), (0.29, 100, 29), (3, 100, 3), (0.01, 10, 1)]
)
def test_the_part_is_rounded_down_and_at_least_one(max_faulty: int | float, share: int, limit: int) -> None:
    brake = Brake(max_faulty)
    brake.set_share(share, 0.0)

    assert brake.limit == limit
