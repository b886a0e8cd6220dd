"""How an agent ends: asked, by itself, or because it cannot go on; and when it may leave its workers."""

from __future__ import annotations

import pytest

from autohealer.core import events
from autohealer.core.actions import (
    EndAgent,
    EndOrphans,
    LeaveCluster,
    RemoveRegistration,
    SignalWorker,
    TakeEvidence,
    WritePlan,
)
from autohealer.core.model import OnPartition, Plan, RegistrationMode, RestartPolicy
from tests.core.playbook import EPOCH, ME, MZXID, SESSION_TIMEOUT_S, Playbook
from tests.core.supervisor_stories import KILL, TERM, operation

# ---- operations


def test_a_request_to_stop_drains() -> None:
    book = Playbook()
    one, other = book.run(2)
    book.tell(events.OperationRequested, operation("stop", ""))

    assert book.take(SignalWorker) == [SignalWorker(other, TERM), SignalWorker(one, TERM)]


# ---- the end


def end(book: Playbook, *workers: str) -> None:
    """The workers end, and what they left, and the agent's place in ZooKeeper."""
    for worker in workers:
        book.tell(events.ProcessExited, worker, 0, None)
        book.tell(events.OrphansEnded, worker)
    book.take(LeaveCluster)
    book.tell(events.ClusterLeft)


def test_a_drain_stops_all_leaves_the_cluster_and_exits_with_0() -> None:
    book = Playbook()
    one, other = book.run(2)
    book.tell(events.DrainRequested, "SIGTERM")
    book.expect(SignalWorker(other, TERM), SignalWorker(one, TERM))
    for worker in (one, other):
        book.tell(events.ProcessExited, worker, 0, None)
        book.expect(EndOrphans(worker, TERM, 10.0), RemoveRegistration(worker))
    book.tell(events.OrphansEnded, one)
    book.expect()
    book.tell(events.OrphansEnded, other)
    book.expect(LeaveCluster())
    book.tell(events.ClusterLeft)

    book.expect(EndAgent(0))


def test_a_worker_that_starts_during_a_drain_is_stopped() -> None:
    book = Playbook()
    book.follow(me=1)
    book.tell(events.DrainRequested, "SIGTERM")
    (worker,) = book.spawn()

    book.expect(SignalWorker(worker, TERM))


def test_a_drain_needs_no_plan_and_no_zookeeper() -> None:
    book = Playbook()
    book.tell(events.WorkerFound, "me-0-old", 0, 50, "then", 100.0)
    book.tell(events.DrainRequested, "SIGTERM")
    book.expect(SignalWorker("me-0-old", TERM))
    end(book, "me-0-old")

    assert book.take(EndAgent) == [EndAgent(0)]


def test_a_drain_is_obeyed_where_authority_was_never_proven() -> None:
    book = Playbook(on_partition=OnPartition.STOP)
    book.tell(events.WorkerFound, "me-0-old", 0, 50, "then", 100.0)
    book.tell(events.DrainRequested, "SIGTERM")

    book.expect(SignalWorker("me-0-old", TERM))


def test_a_drain_is_obeyed_while_there_is_no_watchdog() -> None:
    book = Playbook(on_partition=OnPartition.STOP)
    book.tell(events.WorkerFound, "me-0-old", 0, 50, "then", 100.0)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.AuthorityProven, book.now)
    book.tell(events.DrainRequested, "SIGTERM")
    book.wait(1)

    assert book.take(SignalWorker) == [SignalWorker("me-0-old", TERM)]


def test_a_second_signal_kills_all_at_once_and_exits_with_130() -> None:
    book = Playbook()
    one, other = book.run(2)
    book.tell(events.DrainRequested, "SIGINT")
    book.orders.clear()
    book.tell(events.KillRequested)
    assert set(book.take(SignalWorker)) == {SignalWorker(one, KILL), SignalWorker(other, KILL)}
    end(book, one, other)

    assert book.take(EndAgent) == [EndAgent(130)]


@pytest.mark.parametrize(
    ("restart", "finishes", "refused"),
    [
        (RestartPolicy.ALWAYS, False, False),
        (RestartPolicy.ALWAYS, True, True),
        (RestartPolicy.ON_FAILURE, True, True),
        (RestartPolicy.NEVER, False, True),
    ],
)
def test_a_pool_whose_workers_may_finish_has_one_agent(restart: RestartPolicy, finishes: bool, refused: bool) -> None:
    """What was found at the start may be the plan of an agent that is long gone."""
    book = Playbook(restart=restart)
    found, written = (Plan(EPOCH, "other", 2, 0, shares, finishes=finishes) for shares in ({"other": 2}, {"me": 0}))
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.TargetRead, 2)
    book.tell(events.PlanRead, found, MZXID)
    assert book.take(EndAgent) == []
    book.tell(events.PlanRead, written, MZXID + 1)

    assert [order.code for order in book.take(EndAgent)] == ([1] if refused else [])


def test_when_all_have_ended_well_the_agent_ends_with_0() -> None:
    book = Playbook(1, restart=RestartPolicy.ON_FAILURE)
    book.connect(target=1)
    (plan,) = book.take(WritePlan)
    book.tell(events.PlanRead, plan.plan, MZXID + 1)
    (worker,) = book.spawn()
    book.tell(events.ProcessExited, worker, 0, None)
    book.tell(events.OrphansEnded, worker)
    assert book.take(LeaveCluster)
    book.tell(events.ClusterLeft)

    assert book.take(EndAgent) == [EndAgent(0)]


def test_an_agent_that_gives_up_drains_and_exits_with_4_and_the_reason() -> None:
    book = Playbook(max_failures=2)
    book.follow(me=2)
    one, other = book.spawn()
    book.tell(events.ProcessExited, one, 3, None)
    (successor,) = book.spawn()
    book.tell(events.ProcessExited, successor, 3, None)
    book.expect(
        *(EndOrphans(one, KILL, 0.0), RemoveRegistration(one)),
        *(EndOrphans(successor, KILL, 0.0), RemoveRegistration(successor), SignalWorker(other, TERM)),
    )
    for worker in (one, successor):
        book.tell(events.OrphansEnded, worker)
    end(book, other)

    (leave,) = book.take(EndAgent)
    assert leave == EndAgent(4, "the worker in slot 0 failed 2 times in a row, the last time with: exit code 3")


def test_a_failure_while_it_drains_does_not_make_a_wish_a_failure() -> None:
    book = Playbook(max_failures=1, start_timeout_s=5.0, registration=RegistrationMode.SELF)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.follow(me=1)
    (worker,) = book.spawn()
    book.wait(6)
    assert book.take(TakeEvidence) == [TakeEvidence(worker)]
    book.tell(events.DrainRequested, "SIGTERM")
    end(book, worker)

    assert book.take(EndAgent) == [EndAgent(0)]


def test_two_agents_by_one_name_are_one_too_many() -> None:
    book = Playbook()
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, True)
    book.tell(events.IdentityTaken)

    (leave,) = book.take(EndAgent)
    assert leave.code == 1
    assert ME.agent in leave.error


def test_a_name_that_is_taken_may_be_that_of_a_former_life_whose_session_ends() -> None:
    book = Playbook()
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.IdentityTaken)
    book.wait(SESSION_TIMEOUT_S + 1)
    assert book.take(EndAgent) == []
    book.tell(events.AgentsRead, {ME.agent: None})
    book.wait(100)
    assert book.take(EndAgent) == []


def test_a_name_that_stays_taken_is_anothers() -> None:
    book = Playbook()
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.IdentityTaken)
    book.wait(SESSION_TIMEOUT_S + 3)
    (leave,) = book.take(EndAgent)
    assert leave.code == 1


def test_refused_access_ends_an_agent_that_starts_and_not_one_that_runs() -> None:
    book = Playbook()
    book.tell(events.AccessDenied, "no")
    assert book.take(EndAgent) == [EndAgent(1, "no")]

    book = Playbook()
    book.run(1)
    book.tell(events.AccessDenied, "no")
    book.expect()


# ---- who may leave workers to the next agent


def test_an_agent_is_over_once_it_has_drained() -> None:
    book = Playbook(1)
    (worker,) = book.run(1)
    book.tell(events.DrainRequested, "SIGTERM", False)
    assert not book.supervisor.is_over
    assert book.supervisor.reason_to_stay() == "the agent is about to end"
    book.tell(events.ProcessExited, worker, 0, None)
    book.tell(events.OrphansEnded, worker)

    assert book.supervisor.is_over


def test_a_spawn_that_is_told_twice_is_news_once() -> None:
    book = Playbook(1)
    (worker,) = book.run_unregistered(1)
    book.orders.clear()
    for each in (worker, "me-0-unknown"):
        book.tell(events.WorkerSpawned, each, 100, "2020-01-01T00:00:00Z")

    assert book.told("worker.started") == []
    book.expect()
