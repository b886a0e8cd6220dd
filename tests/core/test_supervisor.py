"""One agent, from its start to its end."""

from __future__ import annotations

import pytest

from autohealer.core import events
from autohealer.core.actions import (
    AnswerOperation,
    EndAgent,
    EndOrphans,
    LeaveCluster,
    MakeStandIn,
    ProveAuthority,
    PublishAgent,
    RemoveRegistration,
    SignalWorker,
    SpawnWorker,
    TakeEvidence,
    WritePlan,
    WriteTarget,
)
from autohealer.core.cluster.company import TICK_S
from autohealer.core.cluster.publication import HEAL_S
from autohealer.core.cluster.registrations import Style
from autohealer.core.events import Event
from autohealer.core.model import Child, OnPartition, Plan, RegistrationMode, RestartPolicy
from autohealer.core.operations import Operation, done, refused
from tests.core.playbook import EPOCH, ME, MZXID, OTHER, SESSION_TIMEOUT_S, Playbook

TERM, KILL = 15, 9


def every_event() -> set[type[Event]]:
    named = vars(events).values()
    return {kind for kind in named if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event}


def test_every_event_has_a_handler() -> None:
    assert set(Playbook().supervisor._handlers) == every_event()


# ---- the target


@pytest.mark.parametrize(
    ("overwrite", "stands", "written", "target"),
    [(False, None, [2], 2), (False, 7, [], 7), (True, 7, [2], 2), (True, None, [2], 2), (True, 2, [], 2),
     (False, 0, [], 0)],
)  # fmt: skip
def test_the_target_is_written_only_where_there_is_none_or_another_run_asked_for_another_number(
    overwrite: bool, stands: int | None, written: list[int], target: int
) -> None:
    book = Playbook(workers=2, overwrite_target=overwrite)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.TargetRead, stands)

    assert [order.workers for order in book.take(WriteTarget)] == written
    assert book.supervisor.snapshot(book.now).target == target


def test_a_target_is_written_when_this_runs_number_has_had_its_say() -> None:
    for overwrite in (False, True):
        book = Playbook(workers=2, overwrite_target=overwrite)
        assert not book.supervisor.target_is_written
        book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
        assert not book.supervisor.target_is_written
        book.tell(events.TargetRead, 7)
        assert book.supervisor.target_is_written


def test_a_scale_after_the_start_is_obeyed_even_where_the_start_overwrote() -> None:
    book = Playbook(workers=2, overwrite_target=True)
    book.connect(target=7)
    book.tell(events.TargetRead, 2)
    book.orders.clear()
    book.tell(events.TargetRead, 5)

    assert book.take(WriteTarget) == []
    assert book.supervisor.snapshot(book.now).target == 5


def test_a_target_that_was_wiped_is_restored_as_it_was_last_known() -> None:
    book = Playbook(workers=2)
    book.connect(target=7)
    book.tell(events.TargetRead, None)

    assert [order.workers for order in book.take(WriteTarget)] == [7]


def test_a_change_of_target_is_told_once() -> None:
    book = Playbook(workers=2)
    book.connect(target=7)
    book.told("")
    for target in (3, 3):
        book.tell(events.TargetRead, target)

    assert book.told("target.changed") == [{"target": 3, "former": 7}]


def test_a_draining_agent_restores_no_target() -> None:
    book = Playbook(workers=2)
    book.connect(target=2)
    book.tell(events.DrainRequested, "SIGTERM")
    book.orders.clear()
    book.tell(events.TargetRead, None)

    assert book.take(WriteTarget) == []


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


# ---- leading


def test_registrations_of_dead_workers_of_mine_are_removed_whenever_they_are_seen() -> None:
    book = Playbook(workers=1)
    book.connect(target=1)
    book.follow(me=1)
    (worker,) = book.spawn()
    book.orders.clear()
    dead, alive, foreign = Child("me-0-old", "me-0-old"), Child(worker, worker), Child("x-0-a", "x-0-a")
    for _ in range(2):
        book.tell(events.ChildrenRead, (dead, alive, foreign))

        assert book.take(RemoveRegistration) == [RemoveRegistration("me-0-old")]


def test_a_foreign_worker_counts_once_the_grace_has_passed() -> None:
    book = Playbook(workers=3)
    book.connect(target=3)
    book.tell(events.PlanRead, book.take(WritePlan)[0].plan, 9)
    book.spawn()
    book.tell(events.ChildrenRead, (Child("x-0-a", "x-0-a"),))
    book.wait(1.9)
    assert book.take(WritePlan) == []
    book.wait(0.1)

    assert [order.plan.shares for order in book.take(WritePlan)] == [{"me": 2}]


def test_a_plan_waits_until_it_is_known_whose_an_anonymous_registration_is() -> None:
    book = Playbook(workers=1)
    book.connect(target=1)
    book.tell(events.PlanRead, book.take(WritePlan)[0].plan, 9)
    (worker,) = book.spawn()
    book.tell(events.ChildrenRead, (Child("worker_1", None),))
    book.wait(50)
    assert book.take(WritePlan) == []
    book.tell(events.ConnectionsSeen, frozenset({worker}))
    book.wait(50)

    (write,) = book.take(WritePlan)
    assert write.plan == Plan(EPOCH, "me", 1, 0, {"me": 1}, anonymous=True)
    assert book.supervisor.style is Style.ANONYMOUS
    assert book.supervisor.snapshot(book.now).registered == 1


def test_no_deadline_that_has_passed_is_asked_for_while_nothing_can_be_decided() -> None:
    book = Playbook(workers=1)
    book.connect(target=1)
    book.tell(events.ChildrenRead, (Child("x-0-a", "x-0-a"),))
    book.tell(events.PlanRead, book.take(WritePlan)[0].plan, 9)
    book.tell(events.ConnectionSuspended)
    book.wait(100)
    book.tell(events.ConnectionResumed)
    book.wait(100)

    assert [order.plan.foreign for order in book.take(WritePlan)] == [1]


def lead_two(book: Playbook) -> None:
    """This agent leads a pool of two."""
    book.connect(target=4)
    book.tell(events.AgentsRead, {"me": None, "other": OTHER})
    book.tell(events.PlanRead, Plan(EPOCH, "me", 4, 0, {"me": 2, "other": 2}), MZXID)
    book.orders.clear()


@pytest.mark.parametrize(("away_s", "held"), [(1.9, False), (2.1, True)])
def test_a_leader_holds_for_a_session_timeout_after_zookeeper_was_away_for_a_third_of_one(
    away_s: float, held: bool
) -> None:
    book = Playbook(workers=4)
    lead_two(book)
    book.tell(events.ConnectionSuspended)
    book.wait(away_s)
    book.tell(events.ConnectionResumed)
    book.tell(events.AgentsRead, {"me": None})
    assert (book.take(WritePlan) == []) is held
    book.wait(SESSION_TIMEOUT_S)

    assert (len(book.take(WritePlan)) == 1) is held


def test_a_leader_holds_too_where_its_session_was_lost_with_all_the_others() -> None:
    book = Playbook(workers=4)
    lead_two(book)
    book.tell(events.ConnectionSuspended)
    book.wait(100)
    book.tell(events.SessionLost)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.AgentsRead, {"me": None})
    book.tell(events.LeadershipWon, EPOCH + 2)
    book.tell(events.ChildrenRead, ())
    book.wait(SESSION_TIMEOUT_S - 0.1)
    assert book.take(WritePlan) == []
    book.tell(events.AgentsRead, {"me": None, "other": OTHER})
    book.wait(0.1)

    assert [order.plan.shares for order in book.take(WritePlan)] == [{"me": 2, "other": 2}]


def test_each_new_leader_is_told_once() -> None:
    book = Playbook()
    for leader, epoch in [("b", 1), ("b", 1), ("c", 2), ("c", 3), ("me", 4)]:
        book.tell(events.PlanRead, Plan(epoch, leader, 10, 0, {}), MZXID)

    assert [(told["leader"], told["epoch"]) for told in book.told("leader.elected")] == [("b", 1), ("c", 2), ("c", 3)]


def test_nothing_is_written_while_zookeeper_is_away() -> None:
    book = Playbook(workers=4)
    lead_two(book)
    book.tell(events.ConnectionSuspended)
    book.tell(events.AgentsRead, {"me": None})
    book.tell(events.TargetRead, 1)
    book.wait(100)

    assert book.take(WritePlan) == []


def test_a_lost_session_ends_the_leadership_and_the_next_epoch_is_the_one_that_was_won() -> None:
    book = Playbook(workers=4)
    lead_two(book)
    book.tell(events.SessionLost)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.TargetRead, 6)
    book.tell(events.ChildrenRead, ())
    book.wait(100)
    assert book.told("leader.lost") == [{"leader": "me", "epoch": EPOCH}]
    assert book.take(WritePlan) == []
    book.tell(events.LeadershipWon, EPOCH + 9)
    book.tell(events.AgentsRead, {"me": None, "other": OTHER})
    book.tell(events.ChildrenRead, ())
    book.wait(100)

    assert {order.plan.epoch for order in book.take(WritePlan)} == {EPOCH + 9}


def test_agents_that_join_and_leave_are_told_once() -> None:
    book = Playbook()
    for agents in ({"me": None}, {"me": None, "b": OTHER}, {"me": None, "b": None}, {"me": None}):
        book.tell(events.AgentsRead, agents)

    orders = book.orders.copy()
    assert book.told("agent.joined") == [{"agent": "me"}, {"agent": "b"}]
    book.orders = orders
    assert book.told("agent.left") == [{"agent": "b"}]


def test_an_agent_that_is_told_names_alone_hears_by_the_plan_who_comes_and_goes() -> None:
    """Who was never named may have come after the plan was made."""
    book = Playbook()
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.PlanRead, Plan(EPOCH, "b", 4, 0, {"b": 2, "dead": 2}), MZXID)
    book.tell(events.AgentsListed, frozenset({"me", "b", "late"}))
    assert book.told("agent.joined") == [{"agent": "b"}, {"agent": "late"}, {"agent": "me"}]
    for number, shares in enumerate([{"me": 2, "b": 2}, {"me": 1, "b": 2, "c": 1}, {"me": 2, "c": 2}], 1):
        book.tell(events.PlanRead, Plan(EPOCH, "b", 4, 0, shares), MZXID + number)

    orders = book.orders.copy()
    assert book.told("agent.joined") == [{"agent": "c"}]
    book.orders = orders
    assert book.told("agent.left") == [{"agent": "b"}]
    assert book.supervisor.snapshot(book.now).agents.keys() == {"me", "c", "late"}
    assert book.supervisor.snapshot(book.now).shares == {"me": 2, "c": 2}


def test_a_name_that_no_plan_names_is_no_agents() -> None:
    """A persistent node among the agents: the leader knows it for none. One that has only just come is named soon."""
    book = Playbook()
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.PlanRead, Plan(EPOCH, "b", 4, 0, {"b": 2, "me": 2}), MZXID)
    book.tell(events.AgentsListed, frozenset({"me", "b", "ghost"}))
    book.tell(events.AgentsListed, frozenset({"me", "b", "ghost", "late"}))
    orders = book.orders.copy()
    assert book.told("agent.left") == [{"agent": "ghost"}]
    book.orders = orders
    book.told("agent.joined")
    book.tell(events.PlanRead, Plan(EPOCH, "b", 4, 0, {"b": 2, "me": 1, "late": 1}), MZXID + 1)
    book.tell(events.AgentsListed, frozenset({"me", "b", "ghost", "late"}))

    assert book.told("agent.left") == book.told("agent.joined") == []


@pytest.mark.parametrize("alone", [True, False])
def test_an_agent_that_drains_goes_by_the_plan_unless_it_is_alone(alone: bool) -> None:
    book = Playbook(workers=2)
    workers = book.run(2)
    book.tell(events.AgentsListed, frozenset({"me"} if alone else {"me", "b"}))
    book.tell(events.DrainRequested, "SIGTERM")
    assert len(book.take(SignalWorker)) == (2 if alone else 0)
    book.tell(events.PlanRead, Plan(EPOCH + 1, "other", 10, 0, {"me": 0, "b": 10}), MZXID + 1)

    assert {order.worker for order in book.take(SignalWorker)} == (set() if alone else set(workers))


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


# ---- authority


def run_by_authority(book: Playbook, share: int) -> list[str]:
    """So many workers run, with a watchdog that stands by."""
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.follow(me=share)
    book.tell(events.PlanRead, Plan(EPOCH + 1, "other", 10, 0, {"me": share}), MZXID + 1)
    book.tell(events.WatchdogReady)
    assert book.take(SpawnWorker) == []
    book.tell(events.AuthorityProven, book.now)
    return book.spawn()


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


# ---- operations


def operation(verb: str, subject: str = "") -> Operation:
    return Operation("o1", verb, subject, "me@here")


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


def test_a_scale_without_zookeeper_and_without_others_is_done_at_once_and_written_later() -> None:
    book = Playbook()
    book.run(2)
    book.tell(events.ConnectionSuspended)
    book.orders.clear()
    book.tell(events.OperationRequested, operation("scale", "3"))
    done_now = AnswerOperation(operation("scale", "3"), done("the target is 3; it is written when ZooKeeper is back"))

    assert book.take(AnswerOperation) == [done_now]
    assert book.take(WriteTarget) == [WriteTarget(3)]
    assert len(book.spawn()) == 1
    book.tell(events.ConnectionResumed)
    book.tell(events.TargetRead, 3)
    assert book.take(SignalWorker) == []  # though the plan that stands is one for two
    assert book.supervisor.snapshot(book.now).share == 3


def test_somebody_elses_target_counts_after_an_absence() -> None:
    book = Playbook()
    book.run(2)
    book.tell(events.ConnectionSuspended)
    book.tell(events.OperationRequested, operation("scale", "3"))
    book.spawn()
    book.tell(events.ConnectionResumed)
    book.tell(events.TargetRead, 1)
    assert book.supervisor.snapshot(book.now).target == 1


def test_a_scale_is_answered_once_it_is_written_and_the_latest_counts() -> None:
    book = Playbook()
    book.run(2)
    book.tell(events.OperationRequested, operation("scale", "3"))
    assert book.take(AnswerOperation) == []
    book.tell(events.OperationRequested, operation("scale", "4"))
    overtaken = AnswerOperation(operation("scale", "3"), refused("overtaken by a scale to 4"))
    assert book.take(AnswerOperation) == [overtaken]
    book.tell(events.TargetRead, 3)
    assert book.take(AnswerOperation) == []
    book.tell(events.TargetRead, 4)
    assert book.take(AnswerOperation) == [AnswerOperation(operation("scale", "4"), done("the target is 4"))]


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


def leased() -> Playbook:
    """An agent that may run workers where there may never be too many."""
    book = Playbook(on_partition=OnPartition.STOP)
    book.tell(events.WatchdogReady)
    book.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
    book.tell(events.AuthorityProven, book.now)
    return book


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


def test_a_proof_that_nobody_needs_arms_no_watchdog() -> None:
    book = Playbook(1)
    book.run(1)
    book.tell(events.AuthorityProven, book.now)

    assert book.orders == []


def test_a_spawn_that_failed_of_an_unknown_worker_is_no_news() -> None:
    book = Playbook(1)
    book.run(1)
    book.tell(events.SpawnFailed, "me-0-unknown", "no such file", False)

    book.expect()
    assert book.told("worker.backoff") == []


# ---- a scale while ZooKeeper is away


def test_a_scale_to_the_number_that_stands_is_written_and_is_no_change_of_target() -> None:
    book = Playbook(1)
    book.connect(target=2)
    book.tell(events.ConnectionSuspended)
    book.orders.clear()
    book.tell(events.OperationRequested, Operation("1", "scale", "2"))
    assert book.told("target.changed") == []
    assert [order.workers for order in book.take(WriteTarget)] == [2]

    book.tell(events.OperationRequested, Operation("2", "scale", "3"))
    assert len(book.told("target.changed")) == 1


def test_a_scale_starts_nobody_where_this_agent_may_run_nothing_while_zookeeper_is_away() -> None:
    book = Playbook(1, on_partition=OnPartition.STOP)
    book.connect(target=2)
    book.tell(events.SessionLost)
    book.orders.clear()
    book.tell(events.OperationRequested, Operation("1", "scale", "3"))

    assert [order.workers for order in book.take(WriteTarget)] == [3]
    assert book.take(SpawnWorker) == []
    assert book.supervisor.snapshot(book.now).share is None


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
