"""The brake: how many verdicts are carried out at once, and what becomes of those that are held."""

from __future__ import annotations

import pytest

from autohealer.core import events
from autohealer.core.actions import SpawnWorker, TakeEvidence
from autohealer.core.model import ReadyWhen
from autohealer.core.pool.brake import Brake
from tests.core.clinic import Clinic, Ward
from tests.core.playbook import Playbook


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


def test_who_recovers_first_is_not_replaced() -> None:
    book = Ward()
    book.fail_all()
    book.faults()
    for worker in book.workers[2:]:
        book.probe(worker, ok=True)
    for worker in book.workers[:2]:
        book.heal(worker)
    book.wait(30)

    assert book.faults() == []
    assert {book.view(worker).held for worker in book.workers[2:]} == {None}


def test_held_verdicts_are_carried_out_on_evidence_that_is_newer_than_the_room() -> None:
    book = Ward()
    book.fail_all()
    book.faults()
    book.heal(book.workers[0])
    third = book.workers[2]
    book.probe(third, ok=False)  # it was asked before there was room
    assert book.faults() == []

    book.wait(2.1)
    book.probe(third, ok=False)

    assert book.faults() == [(third, "probe")]
    book.probe(book.workers[3], ok=False)
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


@pytest.mark.parametrize(("held", "free"), [("probe", "beat"), ("all", None)])
def test_what_somebody_holds_is_carried_out_once_it_is_released(held: str, free: str | None) -> None:
    book = Ward()
    worker = book.workers[0]
    book.tell(events.HoldRead, frozenset({held}))
    book.probe(worker, ok=False)
    assert book.faults() == []
    assert book.view(worker).held == "probe"
    book.tell(events.HoldRead, frozenset({free} if free else ()))
    assert book.faults() == []
    book.wait(1.9)
    book.probe(worker, ok=False)  # it may have been asked before the release
    assert book.faults() == []
    book.wait(0.2)

    book.probe(worker, ok=False)

    assert book.faults() == [(worker, "probe")]


def test_a_registration_that_is_lost_while_that_is_held_is_judged_anew_when_it_is_released() -> None:
    book = Playbook(3)
    one, *_ = book.run(3)
    book.tell(events.HoldRead, frozenset({"registration"}))
    book.tell(events.RegistrationGone, one)
    book.wait(10)
    assert book.take(TakeEvidence) == []
    book.tell(events.HoldRead, frozenset())
    assert book.take(TakeEvidence) == []
    book.wait(1)

    assert [order.worker for order in book.take(TakeEvidence)] == [one]


def test_what_is_held_is_told_once() -> None:
    book = Ward()
    book.tell(events.HoldRead, frozenset({"probe"}))
    for _ in range(3):
        book.probe(book.workers[0], ok=False)

    assert len(book.told("worker.held")) == 1


@pytest.mark.parametrize(
    ("max_faulty", "share", "limit"), [(0.25, 3, 1), (0.25, 8, 2), (0.29, 100, 29), (3, 100, 3), (0.01, 10, 1)]
)
def test_the_part_is_rounded_down_and_at_least_one(max_faulty: int | float, share: int, limit: int) -> None:
    brake = Brake(max_faulty)
    brake.set_share(share, 0.0)

    assert brake.limit == limit
