"""What becomes of a worker that a sense finds faulty: it is stopped, now or later, or held."""

from __future__ import annotations

import pytest

from autohealer.core import events
from autohealer.core.actions import SignalWorker, TakeEvidence
from autohealer.core.model import ReadyWhen
from tests.core.clinic import MIB, Clinic, Ward
from tests.core.playbook import Playbook


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


def test_of_two_verdicts_at_once_the_first_one_stands() -> None:
    book = Clinic(ready=ReadyWhen.STARTED, stopped_timeout_s=5.0, silence_timeout_s=5.0)
    (worker,) = book.workers
    book.use(worker, state="T")
    book.now += 6
    book.use(worker, state="T")

    assert book.faults() == [(worker, "stopped")]


def test_the_hard_memory_limit_kills_at_once() -> None:
    book = Clinic(kill_rss=100 * MIB)
    (worker,) = book.workers
    book.use(worker, rss=101 * MIB)

    assert [(order.worker, order.signum) for order in book.take(SignalWorker)] == [(worker, 9)]
    assert [told["cause"] for told in book.told("worker.faulty")] == ["memory"]


def test_the_soft_memory_limit_takes_two_samples_in_a_row() -> None:
    book = Clinic(max_rss=100 * MIB)
    (worker,) = book.workers
    for rss in (101, 99, 101):
        book.use(worker, rss=rss * MIB)
    assert book.supervisor.is_recycling(worker) is False

    book.use(worker, rss=101 * MIB)

    assert book.supervisor.is_recycling(worker)
    assert book.take(SignalWorker) == []
