"""One agent, from its start to its end."""

from __future__ import annotations

import pytest

from autohealer.core import events
from autohealer.core.actions import (
    AnswerOperation,
    EndAgent,
    EndOrphans,
    MakeStandIn,
    PublishAgent,
    RemoveRegistration,
    SignalWorker,
    SpawnWorker,
    TakeEvidence,
    WritePlan,
)
from autohealer.core.cluster.company import TICK_S
from autohealer.core.cluster.publication import HEAL_S
from autohealer.core.cluster.registrations import Style
from autohealer.core.events import Event
from autohealer.core.model import Plan, RegistrationMode
from autohealer.core.operations import done, refused
from tests.core.playbook import EPOCH, MZXID, SESSION_TIMEOUT_S, Playbook
from tests.core.supervisor_stories import KILL, TERM, operation


def every_event() -> set[type[Event]]:
    named = vars(events).values()
    return {kind for kind in named if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event}


def test_every_event_has_a_handler() -> None:
    assert set(Playbook().supervisor._handlers) == every_event()


# ---- the plan


def test_a_single_agent_leads_itself_without_waiting() -> None:
    book = Playbook(workers=2)
    book.connect(target=2)
    (write,) = book.take(WritePlan)
    assert write.plan == Plan(EPOCH, "me", 2, 0, {"me": 2})
    book.orders.clear()
    book.tell(events.PlanRead, write.plan, 9)

    book.expect(SpawnWorker("me-0-n1", 0, 0, 9, 1), SpawnWorker("me-1-n2", 1, 1, 9, 1))


def test_an_agent_starts_nothing_before_it_has_read_a_plan() -> None:
    book = Playbook()
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.TargetRead, 2)
    book.tell(events.PlanRead, None, 0)

    assert book.take(SpawnWorker) == []


def test_an_agent_that_the_plan_does_not_name_keeps_what_it_runs_and_starts_nothing() -> None:
    book = Playbook()
    one, other = book.run(2)
    book.follow(other=10)
    book.tell(events.ProcessExited, one, 1, None)

    book.expect(EndOrphans(one, KILL, 0.0), RemoveRegistration(one))
    assert book.supervisor.snapshot(book.now).running == 1
    book.follow(me=2)
    assert [order.slot for order in book.take(SpawnWorker)] == [0]
    assert other in {view.worker for view in book.supervisor.snapshot(book.now).workers}


@pytest.mark.parametrize("target_first", [True, False])
def test_a_plan_found_at_the_start_is_followed_only_if_it_was_made_for_the_target(target_first: bool) -> None:
    for target, started in [(5, 5), (2, 0)]:
        book = Playbook()
        book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
        found = (events.PlanRead, Plan(3, "other", 5, 0, {"me": 5}), MZXID)
        stands = (events.TargetRead, target)
        for kind, *fields in (stands, found) if target_first else (found, stands):
            book.tell(kind, *fields)

        assert len(book.take(SpawnWorker)) == started


def test_a_plan_with_a_smaller_share_stops_the_surplus() -> None:
    book = Playbook()
    workers = book.run(3)
    book.follow(me=1)

    book.expect(SignalWorker(workers[2], TERM), SignalWorker(workers[1], TERM))


def test_a_plan_that_vanishes_stops_nothing() -> None:
    book = Playbook()
    book.run(2)
    book.tell(events.PlanRead, None, 8)

    book.expect()


def test_the_plan_is_told_when_it_changes_and_its_leader_when_it_is_another() -> None:
    book = Playbook()
    for shares in ({"me": 1}, {"me": 1}, {"me": 2}):
        book.follow(**shares)

    orders = book.orders.copy()
    assert [told["shares"] for told in book.told("plan.changed")] == [{"me": 1}, {"me": 2}]
    book.orders = orders
    assert book.told("leader.elected") == [{"leader": "other", "epoch": EPOCH + 1}]


# ---- healing


def test_a_replacement_is_ordered_first_and_the_registration_removed_last() -> None:
    book = Playbook()
    one, _ = book.run(2)
    book.tell(events.ProcessExited, one, None, "SIGKILL")

    book.expect(
        SpawnWorker("me-0-n3", 0, 0, MZXID, 1, 1, "SIGKILL"), EndOrphans(one, KILL, 0.0), RemoveRegistration(one)
    )


@pytest.mark.parametrize("away", [events.ConnectionSuspended, events.SessionLost])
def test_healing_goes_on_while_zookeeper_is_away(away: type[Event]) -> None:
    book = Playbook()
    one, _ = book.run(2)
    book.tell(away)
    book.wait(600)
    book.tell(events.ProcessExited, one, 1, None)

    assert len(book.take(SpawnWorker)) == 1


def test_an_outage_however_long_stops_no_worker() -> None:
    book = Playbook()
    workers = book.run(3)
    book.tell(events.ConnectionSuspended)
    book.wait(10)
    book.tell(events.SessionLost)
    book.wait(1000)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.RegistrationGone, workers[0])
    book.follow(me=3)
    book.wait(1000)

    book.expect(MakeStandIn(workers[0]))


def test_a_worker_that_loses_its_registration_alone_is_shut_down_and_replaced() -> None:
    book = Playbook()
    one, *_ = book.run(3)
    book.tell(events.RegistrationGone, one)
    book.wait(1.9)
    book.expect()
    book.wait(0.1)
    book.expect(TakeEvidence(one))
    book.tell(events.EvidenceTaken, one, events.Evidence(state="asleep"))
    book.expect(SignalWorker(one, TERM))
    book.wait(10)
    book.expect(SignalWorker(one, KILL))
    book.tell(events.ProcessExited, one, None, "SIGKILL")

    book.expect(
        SpawnWorker("me-0-n4", 0, 0, MZXID, 1, 1, "SIGKILL"), EndOrphans(one, KILL, 0.0), RemoveRegistration(one)
    )


def test_a_session_that_is_lost_without_warning_is_an_outage_too() -> None:
    book = Playbook()
    one, *_ = book.run(3)
    book.tell(events.SessionLost)
    assert book.supervisor.snapshot(book.now).away_since == book.now
    book.tell(events.RegistrationGone, one)
    book.wait(3)

    book.expect(MakeStandIn(one))


def test_workers_recreated_excuse_whoever_lost_a_registration_with_them() -> None:
    book = Playbook()
    one, *_ = book.run(3)
    book.tell(events.WorkersRecreated)
    book.tell(events.RegistrationGone, one)
    book.wait(3)

    book.expect(MakeStandIn(one))


# ---- adoption


def test_adopted_workers_are_kept_and_only_the_missing_one_is_started() -> None:
    book = Playbook(workers=3)
    for slot in (0, 2):
        book.tell(events.WorkerFound, f"me-{slot}-old", slot, 50 + slot, "then", 100.0)
    book.connect(target=3, resumed=True)
    (write,) = book.take(WritePlan)
    book.orders.clear()
    book.tell(events.PlanRead, write.plan, 9)

    book.expect(SpawnWorker("me-1-n1", 1, 1, 9, 1))
    assert book.supervisor.snapshot(book.now).running == 2


def test_what_adopted_workers_lose_with_the_old_session_is_nobodys_fault() -> None:
    book = Playbook(workers=1, style=Style.IDENTIFIED)
    book.tell(events.WorkerFound, "me-0-old", 0, 50, "then", 100.0)
    book.connect(target=1)
    book.tell(events.RegistrationSeen, "me-0-old")
    book.tell(events.RegistrationGone, "me-0-old")
    book.wait(3)

    assert book.take(TakeEvidence) == []
    assert book.take(MakeStandIn) == [MakeStandIn("me-0-old")]


@pytest.mark.parametrize("former", [Style.IDENTIFIED, Style.ANONYMOUS])
def test_how_former_workers_registered_says_nothing_of_those_of_another_command(former: Style) -> None:
    book = Playbook(workers=1, style=former)
    book.connect(target=1)
    book.follow(me=1)
    (worker,) = book.spawn()
    book.wait(3)

    assert book.take(MakeStandIn) == [MakeStandIn(worker)]


# ---- what it says of itself


def test_it_says_what_it_runs_once_for_each_change_and_again_in_each_session() -> None:
    book = Playbook()
    workers = book.run(2)
    book.tell(events.DeadlineReached)
    assert book.take(PublishAgent) == []
    book.tell(events.ProcessExited, workers[0], 1, None)
    book.wait(HEAL_S)
    assert [order.entry.running for order in book.take(PublishAgent)] == [1]
    book.tell(events.SessionLost)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)

    (again,) = book.take(PublishAgent)
    assert (again.entry.share, again.entry.running, again.entry.draining) == (2, 1, False)


@pytest.mark.parametrize(("healed_in_s", "told"), [(HEAL_S - 0.1, []), (HEAL_S + 0.1, [1, 2])])
def test_a_heal_that_does_not_take_long_is_nobody_elses_business(healed_in_s: float, told: list[int]) -> None:
    book = Playbook(registration=RegistrationMode.SELF)
    workers = book.run(2)
    book.tell(events.ProcessExited, workers[0], None, "SIGKILL")
    book.tell(events.OrphansEnded, workers[0])
    (successor,) = book.spawn()
    book.wait(healed_in_s)
    book.tell(events.RegistrationSeen, successor)
    book.wait(HEAL_S)

    assert [order.entry.running for order in book.take(PublishAgent)] == told


def test_a_departed_workers_credit_is_published_and_taken_back_on_time() -> None:
    book = Playbook(workers=1, style=Style.ANONYMOUS)
    book.tell(events.WorkerFound, "me-0-old", 0, 50, "then", 100.0)
    book.connect(target=1)
    book.follow(me=1)
    book.tell(events.ProcessExited, "me-0-old", None, None)
    book.spawn()
    assert book.take(PublishAgent)[-1].entry.departed == 1
    book.wait(59)
    assert book.take(PublishAgent) == []
    book.wait(1)

    assert [order.entry.departed for order in book.take(PublishAgent)] == [0]


# ---- operations


def test_a_request_to_kill_a_worker_of_mine_kills_it_and_is_answered() -> None:
    book = Playbook()
    one, _ = book.run(2)
    book.tell(events.OperationRequested, operation("kill", one))

    book.expect(SignalWorker(one, KILL), AnswerOperation(operation("kill", one), done(f"killed {one}")))


def test_a_request_to_kill_a_worker_that_is_gone_is_refused() -> None:
    book = Playbook()
    book.run(2)
    book.tell(events.OperationRequested, operation("kill", "me-0-former"))

    there_is_none = refused("there is no worker me-0-former")
    book.expect(AnswerOperation(operation("kill", "me-0-former"), there_is_none))


@pytest.mark.parametrize(("verb", "subject"), [("kill", "x-0-a"), ("kill", "rubbish"), ("kill", ""), ("dance", "me")])
def test_requests_that_do_not_concern_this_agent_are_left_alone(verb: str, subject: str) -> None:
    book = Playbook()
    book.run(2)
    book.tell(events.OperationRequested, operation(verb, subject))

    book.expect()


# ---- news that is none


def test_a_connection_that_is_away_or_back_twice_is_told_of_once() -> None:
    book = Playbook(1)
    book.run(1)
    book.tell(events.ConnectionResumed)
    assert book.told("zookeeper.connected") == []

    for _ in range(2):
        book.tell(events.ConnectionSuspended)
    assert len(book.told("zookeeper.suspended")) == 1
    for _ in range(2):
        book.tell(events.ConnectionResumed)
    assert len(book.told("zookeeper.connected")) == 1


def test_a_name_that_is_found_taken_again_prolongs_nobodys_patience() -> None:
    book = Playbook(1)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.IdentityTaken)
    book.wait(SESSION_TIMEOUT_S - 1)
    book.tell(events.IdentityTaken)
    assert book.take(EndAgent) == []
    book.wait(1 + TICK_S)

    assert [order.code for order in book.take(EndAgent)] == [1]


def test_a_spawn_that_failed_of_an_unknown_worker_is_no_news() -> None:
    book = Playbook(1)
    book.run(1)
    book.tell(events.SpawnFailed, "me-0-unknown", "no such file", False)

    book.expect()
    assert book.told("worker.backoff") == []
