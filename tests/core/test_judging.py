"""What follows from facts, in detail: who counts as ready and when, what a story says, what a spare owes."""

from __future__ import annotations

from autohealer.core import events
from autohealer.core.actions import RecordIncident, SpawnWorker, TakeEvidence
from autohealer.core.incident import Incident, IncidentOutcome
from autohealer.core.model import ReadyWhen
from autohealer.core.notices import WorkerFaulty
from autohealer.core.pool.lifecycle import WorkerState
from tests.core.clinic import PROBE, Clinic, Ward
from tests.core.playbook import Playbook
from tests.core.test_spares import Garage


def stories(book: Playbook) -> list[Incident]:
    """All that was recorded since the last time."""
    return [order.incident for order in book.take(RecordIncident)]


# ---- ready, and when


def test_who_waits_for_a_registration_when_zookeeper_goes_is_ready_after_the_grace() -> None:
    book = Playbook(2)
    one, other = book.run_unregistered(2)
    book.tell(events.RegistrationSeen, one)
    book.now += 1
    book.orders.clear()
    book.tell(events.ConnectionSuspended)
    due = book.supervisor.next_deadline()
    assert due is not None
    assert due <= book.now + 1  # two seconds from its start on
    book.wait(1)

    assert [told["worker"] for told in book.told("worker.ready")] == [other]


def test_who_has_lived_longer_than_the_grace_when_zookeeper_goes_is_ready_at_once() -> None:
    book = Playbook(1)
    (worker,) = book.run_unregistered(1)
    book.now += 10
    book.orders.clear()
    book.tell(events.ConnectionSuspended)

    assert [told["worker"] for told in book.told("worker.ready")] == [worker]


def test_only_where_registrations_decide_does_zookeepers_going_make_anybody_ready() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY)
    book.now += 10
    book.tell(events.ConnectionSuspended)
    book.wait(10)

    assert not book.view(book.workers[0]).ready


def test_a_line_of_the_log_makes_a_worker_ready_at_that_moment() -> None:
    book = Clinic(ready=ReadyWhen.LOG)
    book.tell(events.LogMatched, book.workers[0])

    assert [told["worker"] for told in book.told("worker.ready")] == book.workers


def test_it_is_told_once_that_a_worker_is_ready() -> None:
    book = Clinic(probes=(PROBE,))
    for _ in range(3):
        book.probe(book.workers[0], ok=True)

    assert len(book.told("worker.ready")) == 1


def test_a_worker_that_was_adopted_runs_before_it_is_ready() -> None:
    book = Playbook(1, probes=(PROBE,))
    book.tell(events.WorkerFound, "me-0-old", 0, 99, "then", 100.0)
    (view,) = book.supervisor.snapshot(book.now).workers

    assert (view.state, view.ready) == (WorkerState.RUNNING, False)


def test_once_one_has_said_that_it_is_ready_the_others_have_all_their_time_from_then_on() -> None:
    book = Playbook(2, start_timeout_s=60)
    one, other = book.run_unregistered(2)
    book.now += 1
    book.orders += book.supervisor.handle(events.NotifyReceived(book.now, one, ready=True))
    book.wait(30)
    book.orders += book.supervisor.handle(events.NotifyReceived(book.now, one, ready=True))
    book.tell(events.RegistrationSeen, other)
    assert [view.ready for view in book.supervisor.snapshot(book.now).workers] == [True, False]
    book.wait(29.9)
    assert book.take(TakeEvidence) == []
    book.wait(0.1)

    assert [order.worker for order in book.take(TakeEvidence)] == [other]


# ---- late


def test_two_seconds_late_are_not_late() -> None:
    """Who is called later than that may have missed a beat that came in time."""
    for late_s, found in ((2.0, 1), (2.1, 0)):
        book = Clinic(beat_timeout_s=5.0, ready=ReadyWhen.STARTED)
        book.now += 5 + late_s
        book.tell(events.DeadlineReached)
        assert len(book.faults()) == found, late_s


# ---- held


def test_a_task_that_is_over_while_its_worker_is_stopped_ends_that_wait() -> None:
    """What it works on is over once: it is not told so again by each message."""
    book = Ward(task_timeout_s=100)
    (worker, *_) = book.workers
    book.say(worker, task="a")
    book.say(worker, status="at it")
    assert book.view(worker).ready
    book.say(worker, task_ended="a")
    book.say(worker, status="fine")

    assert book.faults() == []


def test_who_is_not_ready_in_time_and_held_is_let_be_once_its_probes_have_succeeded() -> None:
    book = Clinic(probes=(PROBE,), start_timeout_s=60)
    (worker,) = book.workers
    book.tell(events.HoldRead, frozenset({"not-ready"}))
    book.wait(60)
    assert book.view(worker).held == "not-ready"
    book.probe(worker, ok=False)
    assert book.view(worker).held == "not-ready"
    book.probe(worker, ok=True)
    assert book.view(worker).held is None
    book.tell(events.HoldRead, frozenset())
    book.wait(100)

    assert book.told_of(WorkerFaulty) == []


# ---- stories


def test_a_worker_that_ends_by_itself_died_of_its_exit() -> None:
    book = Clinic()
    book.tell(events.ProcessExited, book.workers[0], 3, None)
    (story,) = [one for one in stories(book) if one.id == book.workers[0]][-1:]

    assert (story.cause, story.detail, story.decided_ms, story.action) == ("exit", "exit code 3", 0.0, "")


def test_a_start_that_fails_for_no_reason_that_has_a_name() -> None:
    book = Clinic()
    book.tell(events.ProcessExited, book.workers[0], 1, None)
    (order,) = book.take(SpawnWorker)
    stories(book)
    book.tell(events.SpawnFailed, order.worker, "something odd", True, "")

    assert [(one.cause, one.detail) for one in stories(book) if one.id == order.worker][-1:] == [
        ("error", "something odd")
    ]


def test_what_is_decided_later_says_when() -> None:
    """The replacement of one that crash-loops is ordered after a while, and once."""
    book = Clinic()
    (worker,) = book.workers
    while not book.told("worker.backoff"):
        book.tell(events.ProcessExited, worker, 1, None)
        (worker,) = book.spawn() or [worker]
    (waiting,) = book.supervisor.open_incidents
    assert (waiting.decided_ms, waiting.outcome) == (None, IncidentOutcome.BACKOFF)
    at = book.now
    due = book.supervisor.next_deadline()
    while not book.take(SpawnWorker):
        due = book.supervisor.next_deadline()
        assert due is not None
        book.now = due
        book.tell(events.DeadlineReached)
    (decided,) = book.supervisor.open_incidents
    assert decided.decided_ms == round((book.now - at) * 1000, 3)
    book.wait(1)
    (still,) = book.supervisor.open_incidents
    assert still.decided_ms == decided.decided_ms


def test_a_verdict_of_another_sense_is_a_story_of_its_own_words_and_the_same_one_again_is_not_told_again() -> None:
    book = Ward(task_timeout_s=10)
    worker = book.workers[0]
    book.tell(events.HoldRead, frozenset({"all"}))
    book.probe(worker, ok=False)
    book.say(worker, task="a")
    (first,) = stories(book)
    assert (first.cause, first.outcome) == ("probe", IncidentOutcome.HELD)
    book.probe(worker, ok=False)
    assert stories(book) == []
    book.wait(10)
    (second,) = [one for one in stories(book) if one.cause != "probe"]
    assert (second.cause, second.opened, second.noticed_by) == ("task", book.now, "sense")


def test_a_slot_that_is_given_up_while_it_waits_takes_its_story_with_it() -> None:
    for starts, outcome in ((False, IncidentOutcome.DONE), (True, IncidentOutcome.HEALED)):
        book = Playbook(2)
        book.run(2)
        (victim,) = [view.worker for view in book.supervisor.snapshot(book.now).workers if view.slot == 1]
        book.tell(events.ProcessExited, victim, 1, None)
        if starts:
            book.spawn()
        book.follow(me=1)
        for view in book.supervisor.snapshot(book.now).workers:
            if view.slot == 1 and view.worker is not None:
                if starts:
                    book.tell(events.ProcessExited, view.worker, None, "SIGTERM")
                else:
                    book.tell(events.SpawnFailed, view.worker, "no", True, "EAGAIN")
        book.wait(5)
        last = {one.id: one for one in stories(book)}[str(victim)]

        assert (last.outcome, last.is_closed) == (outcome, True)
        assert book.supervisor.open_incidents == []


# ---- spares


def test_a_spare_that_is_promoted_has_the_start_timeout_for_its_probes() -> None:
    book = Garage(2, probes=(PROBE,), start_timeout_s=60, probe_failures=1)
    for worker in book.workers:
        book.probe(worker, ok=True)
    (spare,) = book.until_they_wait()
    book.wait(500)
    book.tell(events.ProcessExited, book.workers[0], None, "SIGKILL")
    book.promote()
    book.wait(59)
    assert book.faults() == []
    book.wait(1)

    assert book.faults() == [(spare, "not-ready")]


def test_a_spare_that_is_promoted_where_nobody_probes_owes_nothing() -> None:
    book = Garage(2, start_timeout_s=60)
    book.tell(events.ProcessExited, book.workers[0], None, "SIGKILL")
    book.promote()
    book.wait(500)

    assert book.faults() == []
