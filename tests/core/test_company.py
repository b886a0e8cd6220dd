"""Whom an agent takes for its companions, and when one of two of the same name yields."""

from __future__ import annotations

from autohealer.core.actions import Action, EmitEvent, EndAgent
from autohealer.core.cluster.company import Company
from autohealer.core.model import Plan, PoolSpec, RestartPolicy
from autohealer.core.notices import AgentJoined, AgentLeft


def company(restart: RestartPolicy = RestartPolicy.ALWAYS) -> tuple[Company, list[Action]]:
    orders: list[Action] = []
    return Company(PoolSpec("default", 3, restart=restart), "me", orders.append), orders


def plan(*agents: str, leader: str = "b", finishes: bool = False) -> Plan:
    return Plan(1, leader, 3, 0, dict.fromkeys(agents, 1), finishes=finishes)


def test_who_comes_and_goes_is_told_in_order() -> None:
    it, orders = company()
    assert it.is_alone
    it.read(frozenset({"me", "d", "c", "b"}))
    assert orders == [EmitEvent(AgentJoined(agent)) for agent in ("b", "c", "d", "me")]
    assert not it.is_alone
    orders.clear()
    it.read(frozenset({"me", "a"}))
    assert orders == [EmitEvent(AgentJoined("a")), *(EmitEvent(AgentLeft(agent)) for agent in ("b", "c", "d"))]
    it.read(frozenset({"me"}))
    assert it.is_alone


def test_a_name_that_no_plan_names_twice_is_no_agent() -> None:
    it, _ = company()
    it.listed(frozenset({"me", "x"}), plan("me"))
    assert it.agents == {"me", "x"}  # it may only just have come
    it.listed(frozenset({"me", "x", "y"}), plan("me"))
    assert it.agents == {"me", "y"}
    it.listed(frozenset({"me", "x"}), None)
    assert it.agents == {"me", "x"}
    it.listed(frozenset({"x"}), plan("me", "x"))
    assert it.agents == {"me", "x"}


def test_whom_the_plan_names_is_there_and_whom_it_names_no_more_is_not() -> None:
    it, _ = company()
    it.read(frozenset({"me", "new"}))
    it.named({"me": 1, "b": 1}, None)
    assert it.agents == {"me", "b", "new"}
    it.named({"me": 1}, plan("me", "b"))
    assert it.agents == {"me", "new"}


def test_the_later_of_two_of_one_name_yields_once_patience_is_over() -> None:
    it, orders = company()
    it.name_taken(10.0, 5.0)
    it.name_taken(12.0, 5.0)
    assert it.next_deadline() == 15.0
    it.expire(14.9)
    assert orders == []
    it.expire(15.0)
    (order,) = orders
    assert isinstance(order, EndAgent)
    assert order.error.startswith("another agent goes by the id me")
    assert it.next_deadline() is None
    it.expire(99.0)
    assert len(orders) == 1


def test_who_gets_to_see_the_others_has_the_name() -> None:
    for leads in (True, False):
        it, orders = company()
        it.name_taken(10.0, 5.0)
        if leads:
            it.read(frozenset({"me"}))
        else:
            it.listed(frozenset({"me"}), None)
        orders.clear()
        assert it.next_deadline() is None
        it.expire(99.0)
        assert orders == []


def test_where_workers_may_finish_the_second_agent_ends() -> None:
    for restart, finishes, leader, ends in (
        (RestartPolicy.ALWAYS, False, "b", False),
        (RestartPolicy.ALWAYS, True, "b", True),
        (RestartPolicy.NEVER, False, "b", True),
        (RestartPolicy.NEVER, True, "me", False),
    ):
        it, orders = company(restart)
        it.check(plan("me", leader=leader, finishes=finishes))
        assert bool(orders) is ends, (restart, finishes, leader)
