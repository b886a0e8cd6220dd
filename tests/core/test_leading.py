"""An agent that leads: what it decides for the others, and when it waits with that."""

from __future__ import annotations

import pytest

from autohealer.core import events
from autohealer.core.actions import (
    RemoveRegistration,
    SignalWorker,
    WritePlan,
)
from autohealer.core.cluster.registrations import Style
from autohealer.core.model import Child, Plan
from tests.core.playbook import EPOCH, MZXID, OTHER, SESSION_TIMEOUT_S, Playbook
from tests.core.supervisor_stories import lead_two


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
