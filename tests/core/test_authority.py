"""``--on-partition stop``: workers run only while this agent has proven its authority."""

from __future__ import annotations

from autohealer.core import events
from autohealer.core.actions import (
    ProveAuthority,
    SignalWorker,
    SpawnWorker,
)
from autohealer.core.model import OnPartition, Plan
from tests.core.playbook import EPOCH, MZXID, SESSION_TIMEOUT_S, Playbook
from tests.core.supervisor_stories import TERM, leased, run_by_authority

# ---- authority


def test_with_stop_nothing_is_started_before_authority_is_proven_and_a_watchdog_stands_by() -> None:
    book = Playbook(on_partition=OnPartition.STOP)

    assert len(run_by_authority(book, 2)) == 2


def test_with_stop_what_a_former_life_left_runs_on_until_authority_was_proven_once() -> None:
    """It has a watchdog of that life; to stop it at each restart of the agent would be an outage of our making."""
    book = Playbook(on_partition=OnPartition.STOP)
    book.tell(events.WorkerFound, "me-0-old", 0, 50, "then", 100.0)
    book.wait(SESSION_TIMEOUT_S * 3)
    assert book.take(SignalWorker) == []
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.WatchdogReady)
    book.tell(events.AuthorityProven, book.now)
    book.tell(events.ConnectionSuspended)
    book.wait(SESSION_TIMEOUT_S)
    assert [order.worker for order in book.take(SignalWorker)][:1] == ["me-0-old"]


def test_with_stop_authority_is_asked_for_again_and_again() -> None:
    book = Playbook(on_partition=OnPartition.STOP)
    run_by_authority(book, 1)
    assert book.take(ProveAuthority)
    book.wait(SESSION_TIMEOUT_S)

    assert len(book.take(ProveAuthority)) == 6


def test_with_stop_workers_are_stopped_at_two_thirds_of_the_session_timeout_without_an_answer() -> None:
    book = Playbook(on_partition=OnPartition.STOP)
    (worker,) = run_by_authority(book, 1)
    book.tell(events.ConnectionSuspended)
    book.wait(SESSION_TIMEOUT_S * 2 / 3 - 0.01)
    assert book.take(SignalWorker) == []
    book.wait(0.01)

    assert book.take(SignalWorker) == [SignalWorker(worker, TERM)]


def test_with_stop_workers_are_stopped_at_once_when_the_session_is_lost() -> None:
    book = Playbook(on_partition=OnPartition.STOP)
    (worker,) = run_by_authority(book, 1)
    book.tell(events.SessionLost)

    assert book.take(SignalWorker) == [SignalWorker(worker, TERM)]


# ---- the end


def test_with_stop_the_first_plan_of_a_pool_is_followed() -> None:
    """Where none was found at the start of the session, the first one that comes is new."""
    book = leased()
    book.tell(events.PlanRead, None, 0)
    book.tell(events.TargetRead, 2)
    book.tell(events.PlanRead, Plan(EPOCH, "me", 2, 0, {"me": 2}), MZXID)

    assert len(book.take(SpawnWorker)) == 2


def test_with_stop_a_plan_of_a_former_session_is_not_followed() -> None:
    """Also not when the target is read anew, and before the plan: others may have got the share meanwhile."""
    book = leased()
    book.tell(events.PlanRead, None, 0)
    book.follow(me=2)
    workers = book.spawn()
    book.tell(events.SessionLost)
    for worker in workers:
        book.tell(events.ProcessExited, worker, 0, None)
        book.tell(events.OrphansEnded, worker)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.AuthorityProven, book.now)
    book.tell(events.TargetRead, 10)

    assert book.take(SpawnWorker) == []
    book.tell(events.PlanRead, Plan(EPOCH + 1, "other", 10, 0, {"other": 10}), MZXID + 1)
    assert book.take(SpawnWorker) == []
    book.tell(events.PlanRead, Plan(EPOCH + 1, "other", 10, 0, {"other": 8, "me": 2}), MZXID + 2)
    assert len(book.spawn()) == 2


# ---- news that is none


def test_a_proof_that_nobody_needs_arms_no_watchdog() -> None:
    book = Playbook(1)
    book.run(1)
    book.tell(events.AuthorityProven, book.now)

    assert book.orders == []
