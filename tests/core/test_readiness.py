"""When a worker is ready, by which sign, and what becomes of one that is not in time."""

from __future__ import annotations

from typing import Any

import pytest

from autohealer.core import events
from autohealer.core.cluster.registrations import Style
from autohealer.core.model import ReadyWhen, RegistrationMode
from autohealer.core.pool.lifecycle import WorkerState
from tests.core.clinic import PROBE, Clinic
from tests.core.playbook import Playbook


def test_a_registration_of_its_own_makes_a_worker_ready_at_once_a_stand_in_after_the_grace() -> None:
    book = Playbook(1)
    (worker,) = book.run_unregistered(1)
    book.tell(events.RegistrationSeen, worker)
    assert [told["worker"] for told in book.told("worker.ready")] == [worker]

    book = Playbook(1, registration=RegistrationMode.AGENT)
    (worker,) = book.run_unregistered(1)
    book.tell(events.StandInMade, worker)
    assert book.told("worker.ready") == []
    book.wait(2.0)
    assert [told["worker"] for told in book.told("worker.ready")] == [worker]


def test_where_registrations_name_nobody_a_worker_is_ready_once_it_has_lived_for_the_grace() -> None:
    book = Playbook(1, style=Style.ANONYMOUS)
    book.tell(events.WorkerFound, "me-0-old", 0, 99, "then", 100.0)
    (worker,) = ["me-0-old"]
    book.run_unregistered(1)
    book.tell(events.ProcessExited, worker, 1, None)
    book.spawn()
    assert [view.ready for view in book.supervisor.snapshot(book.now).workers] == [False]
    book.wait(2)

    assert [view.ready for view in book.supervisor.snapshot(book.now).workers] == [True]


def test_while_zookeeper_is_away_a_worker_is_ready_once_it_has_lived_for_the_grace() -> None:
    book = Clinic()
    book.tell(events.ConnectionSuspended)
    book.tell(events.ProcessExited, book.workers[0], 1, None)
    (worker,) = book.spawn()
    assert not book.view(worker).ready

    book.wait(2.0)

    assert book.view(worker).ready


def test_with_a_probe_a_worker_runs_and_is_ready_from_its_first_success() -> None:
    book = Clinic(probes=(PROBE, "tcp"))
    (worker,) = book.workers
    book.probe(worker, ok=True)
    assert (book.view(worker).state, book.view(worker).ready) == (WorkerState.STARTING, False)

    book.probe(worker, ok=True, probe="tcp")

    assert (book.view(worker).state, book.view(worker).ready) == (WorkerState.RUNNING, True)


def test_a_worker_is_unready_from_its_first_failed_probe_on_and_ready_again_when_it_passes() -> None:
    book = Clinic(probes=(PROBE,))
    (worker,) = book.workers
    for ok in (True, False, False, True):
        book.probe(worker, ok=ok)

    assert [told["detail"] for told in book.told("worker.unready")] == [f"{PROBE}: 500"]
    assert book.view(worker).ready
    assert book.faults() == []


@pytest.mark.parametrize(
    ("when", "fields"),
    [(ReadyWhen.STARTED, {}), (ReadyWhen.AFTER, {"ready_after_s": 5.0}), (ReadyWhen.LOG, {}), (ReadyWhen.NOTIFY, {})],
)
def test_each_way_of_being_ready(when: ReadyWhen, fields: dict[str, Any]) -> None:
    book = Clinic(ready=when, **fields)
    (worker,) = book.workers
    assert book.view(worker).ready is (when is ReadyWhen.STARTED)
    book.wait(4.9)
    assert book.view(worker).ready is (when is ReadyWhen.STARTED)

    book.wait(0.1)
    book.tell(events.LogMatched, worker)
    book.say(worker, ready=True)

    assert book.view(worker).ready


def test_once_a_worker_has_said_that_it_is_ready_the_others_are_waited_for() -> None:
    book = Clinic(2)
    one, other = book.workers
    book.say(one, ready=True)
    book.wait(3)
    assert (book.view(one).ready, book.view(other).ready) == (True, False)
    book.wait(56)
    assert book.faults() == []

    book.wait(1)

    assert book.faults() == [(other, "not-ready")]


def test_what_never_becomes_ready_is_faulty_and_may_ask_for_more_time() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY)
    (worker,) = book.workers
    book.wait(50)
    book.say(worker, extend_s=30.0)
    book.wait(29)
    assert book.faults() == []

    book.wait(1)

    assert book.faults() == [(worker, "not-ready")]


def test_one_that_is_ready_late_after_all_is_not_replaced() -> None:
    book = Clinic(2, ready=ReadyWhen.NOTIFY)
    one, other = book.workers
    book.wait(60)
    assert book.faults() == [(one, "not-ready")]
    assert book.view(other).held == "not-ready"
    book.say(other, ready=True)
    assert book.view(other).held is None
    book.tell(events.ProcessExited, one, 0, None)
    (successor,) = book.spawn()
    book.say(successor, ready=True)
    book.wait(60)

    assert book.faults() == []


def test_one_that_says_it_is_stopping_is_unready_and_not_faulty() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY)
    (worker,) = book.workers
    book.say(worker, ready=True)
    book.say(worker, stopping=True)
    book.wait(100)

    assert not book.view(worker).ready
    assert book.faults() == []


def test_an_adopted_worker_has_said_long_ago_that_it_is_ready() -> None:
    book = Playbook(1, ready=ReadyWhen.NOTIFY)
    book.tell(events.WorkerFound, "me-0-old", 0, 99, "then", 100.0)
    book.wait(100)

    assert [view.ready for view in book.supervisor.snapshot(book.now).workers] == [True]
    assert book.told("worker.faulty") == []
