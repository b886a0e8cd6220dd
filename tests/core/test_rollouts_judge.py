"""Whose failures a rollout judges: those of new workers that are not trusted yet, and nobody else's."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from autohealer.core import events
from autohealer.core.actions import EmitEvent, TakeEvidence
from autohealer.core.notices import RolloutStep
from autohealer.core.operations import Outcome
from autohealer.core.rollout_spec import RolloutSpec
from tests.core.playbook import Playbook
from tests.core.rollout_book import RESTART, UPDATE, answers, ask, live, slots

ONE_BY_ONE = replace(UPDATE, parallel=1)


def begun(workers: int, spec: RolloutSpec) -> Playbook:
    """A rollout that was asked of so many workers."""
    book = Playbook()
    book.run(workers)
    ask(book, spec)
    return book


def until_exchanged(book: Playbook, number: int) -> list[str]:
    """Live until so many slots are new and trusted; their workers."""
    for _ in range(400):
        steps = [o.notice for o in book.orders if isinstance(o, EmitEvent) and isinstance(o.notice, RolloutStep)]
        done = [step for step in steps if step.exchanged == number]
        if done:
            return [str(worker) for worker, revision in slots(book).values() if revision == 2 and worker is not None]
        live(book, 0.25)
    raise AssertionError("it did not come so far")


def call_faulty(book: Playbook, worker: str) -> None:
    """The worker calls itself faulty, and ends when it is asked to stop."""
    book.orders += book.supervisor.handle(events.NotifyReceived(book.now, worker, trigger=True, status="no"))
    for order in book.take(TakeEvidence):
        book.tell(events.EvidenceTaken, order.worker, events.Evidence())


@pytest.mark.parametrize("spec", [ONE_BY_ONE, RESTART])
def test_old_workers_may_be_faulty_and_die_as_often_as_they_like(spec: RolloutSpec) -> None:
    book = begun(3, spec)
    live(book, 1)
    call_faulty(book, str(slots(book)[2][0]))
    for _ in range(4):
        victim, revision = slots(book)[2]
        if revision == 1 and victim is not None:
            book.tell(events.ProcessExited, victim, 1, None)
            live(book, 0.25)
    live(book, 100)

    assert answers(book)[0][0] is Outcome.DONE
    assert {revision for _, revision in slots(book).values()} == {2}


def test_a_new_worker_that_is_trusted_may_be_faulty_and_die() -> None:
    book = begun(3, ONE_BY_ONE)
    trusted, *_ = until_exchanged(book, 1)
    (slot,) = [slot for slot, (worker, _) in slots(book).items() if worker == trusted]
    call_faulty(book, trusted)
    live(book, 2)
    victim, revision = slots(book)[slot]
    assert (victim == trusted, revision) == (False, 2)
    assert answers(book) == []
    live(book, 150)

    assert answers(book)[0][0] is Outcome.DONE


def test_a_new_worker_in_a_slot_that_is_faulty_before_it_is_trusted_undoes_the_whole() -> None:
    book = begun(3, ONE_BY_ONE)
    until_exchanged(book, 0)
    for _ in range(100):
        newest, revision = slots(book)[0]
        if revision == 2 and newest is not None:
            break
        live(book, 0.25)
    live(book, 1)
    call_faulty(book, str(newest))
    live(book, 150)

    assert answers(book)[0][2] == 4
    assert {revision for _, revision in slots(book).values()} == {1}


def test_faults_after_its_end_are_nobodys_failure() -> None:
    book = begun(2, ONE_BY_ONE)
    live(book, 100)
    ((outcome, _, _),) = answers(book)
    assert outcome is Outcome.DONE
    for _ in range(5):
        worker, _ = slots(book)[0]
        book.tell(events.ProcessExited, str(worker), 1, None)
        live(book, 5)

    assert answers(book) == []
    assert {revision for _, revision in slots(book).values()} == {2}
