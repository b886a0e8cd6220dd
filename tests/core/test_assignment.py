"""What this agent is to run: the target, its share of the plan, and which plans it may follow."""

from __future__ import annotations

from typing import Any

import pytest

from autohealer.core.actions import Action, EmitEvent, WriteTarget
from autohealer.core.cluster.assignment import Assignment
from autohealer.core.events import PlanRead, TargetRead
from autohealer.core.model import OnPartition, Plan, PoolSpec
from autohealer.core.notices import LeaderElected, PlanChanged, TargetChanged


class Desk:
    """An assignment, and what it orders."""

    def __init__(self, workers: int = 5, *, overwrite: bool = False, **spec: Any) -> None:
        self.orders: list[Action] = []
        self.it = Assignment(PoolSpec("default", workers, **spec), "me", self.orders.append, overwrite_target=overwrite)

    def target(self, workers: int | None) -> list[Action]:
        """It stands in ZooKeeper; what that leads to."""
        self.orders.clear()
        self.it.target_read(TargetRead(1.0, workers))
        return self.orders[:]

    def plan(self, mzxid: int, share: int | None, target: int = 5, *, foreign: int = 0, **fields: Any) -> list[Action]:
        """Such a plan stands; None: none does."""
        self.orders.clear()
        plan = None if share is None else Plan(3, fields.pop("leader", "me"), target, foreign, {"me": share}, **fields)
        self.it.plan_read(PlanRead(1.0, plan, mzxid))
        return self.orders[:]


def test_where_no_target_stands_it_is_written_and_told() -> None:
    desk = Desk()
    assert not desk.it.target_is_written
    assert desk.target(None) == [WriteTarget(5), EmitEvent(TargetChanged(5, None, None))]
    assert desk.it.target_is_written
    assert desk.target(5) == []
    assert desk.target(None) == [WriteTarget(5)]  # somebody took it away
    assert desk.target(7) == [EmitEvent(TargetChanged(7, 5, None))]
    assert desk.target(None) == [WriteTarget(7)]


def test_another_target_that_stands_is_taken_and_it_is_told_that_another_was_asked_for() -> None:
    assert Desk().target(7) == [EmitEvent(TargetChanged(7, None, 5))]
    assert Desk().target(5) == [EmitEvent(TargetChanged(5, None, None))]


def test_a_run_that_overwrites_does_so_once() -> None:
    desk = Desk(overwrite=True)
    assert not desk.it.target_is_written
    assert desk.target(7) == [WriteTarget(5), EmitEvent(TargetChanged(5, None, None))]
    assert desk.it.target_is_written
    assert desk.target(7) == [EmitEvent(TargetChanged(7, 5, None))]


def test_a_plan_that_was_found_is_followed_only_if_it_is_for_the_target_that_stands() -> None:
    for target, share in ((5, 3), (6, None)):
        desk = Desk()
        desk.it.session_opened()
        desk.target(5)
        desk.plan(7, 3, target)
        assert desk.it.was_found
        assert (desk.it.epoch, desk.it.share, desk.it.followed) == (7, share, 7 if share else 0)


def test_where_there_may_never_be_too_many_a_plan_that_was_found_is_not_followed() -> None:
    desk = Desk(on_partition=OnPartition.STOP)
    desk.it.session_opened()
    desk.target(5)
    desk.plan(7, 3)
    assert (desk.it.share, desk.it.followed) == (None, 0)
    desk.plan(8, 3)
    assert not desk.it.was_found
    assert (desk.it.share, desk.it.followed) == (3, 8)
    desk.it.session_lost()
    assert desk.it.share is None
    desk.it.session_opened()
    assert desk.it.followed == 0
    desk.plan(8, 3)
    assert (desk.it.share, desk.it.followed) == (None, 0)


def test_where_workers_are_kept_a_share_outlasts_its_session() -> None:
    desk = Desk()
    desk.it.session_opened()
    desk.target(5)
    desk.plan(7, 3)
    desk.it.session_lost()
    desk.it.session_opened()
    assert (desk.it.share, desk.it.followed) == (3, 0)
    desk.target(6)
    assert (desk.it.share, desk.it.followed) == (3, 0)  # no plan of this session has been read
    desk.plan(7, 3)
    assert desk.it.followed == 0  # of another target, and found
    desk.plan(8, 4, 6)
    assert (desk.it.share, desk.it.followed) == (4, 8)


def test_a_plan_that_is_not_there_changes_nothing() -> None:
    desk = Desk()
    desk.target(5)
    assert desk.plan(7, None) == []
    assert (desk.it.epoch, desk.it.share) == (0, None)
    desk.plan(8, 3)
    desk.plan(9, None)

    assert (desk.it.epoch, desk.it.share) == (8, 3)


def test_only_what_is_new_in_a_plan_is_told() -> None:
    desk = Desk()
    desk.target(5)
    assert desk.plan(7, 3, leader="b") == [EmitEvent(LeaderElected("b", 3)), EmitEvent(PlanChanged(5, 0, {"me": 3}))]
    assert desk.plan(8, 3, leader="b") == []
    assert desk.plan(9, 3, leader="b", turn="me") == []
    assert desk.it.has_turn
    assert desk.plan(10, 3, leader="me") == []  # that it leads itself it knows
    assert not desk.it.has_turn
    assert desk.plan(11, 2, leader="me") == [EmitEvent(PlanChanged(5, 0, {"me": 2}))]
    assert desk.plan(12, 2, leader="me", foreign=1) == [EmitEvent(PlanChanged(5, 1, {"me": 2}))]


@pytest.mark.parametrize(
    ("workers", "foreign", "capacity", "share"),
    [(8, 0, None, 8), (8, 2, None, 6), (1, 2, None, 0), (8, 2, 4, 4), (3, 2, 4, 1)],
)
def test_alone_and_without_zookeeper_it_runs_what_is_asked_of_it_beside_foreign_workers(
    workers: int, foreign: int, capacity: int | None, share: int
) -> None:
    desk = Desk(capacity=capacity)
    desk.it.session_opened()
    desk.target(5)
    desk.plan(7, 5 - foreign, foreign=foreign)
    desk.orders.clear()
    desk.it.scale_alone(workers)

    assert desk.orders == [EmitEvent(TargetChanged(workers, 5, None)), WriteTarget(workers)]
    assert (desk.it.target, desk.it.share) == (workers, share)


def test_alone_it_runs_nothing_before_it_knows_that_it_may() -> None:
    desk = Desk()
    desk.it.scale_alone(4)
    assert (desk.it.target, desk.it.share) == (4, None)
    desk.orders.clear()
    desk.it.scale_alone(4)

    assert desk.orders == [WriteTarget(4)]


def test_what_was_asked_of_it_alone_stands_until_a_plan_for_it_does_or_somebody_sets_another_target() -> None:
    for later, shares in ((8, (8, 6)), (3, (4, 4))):
        desk = Desk()
        desk.it.session_opened()
        desk.target(5)
        desk.plan(7, 4)
        desk.it.scale_alone(8)
        assert desk.it.share == 8
        desk.plan(9, 4)  # ZooKeeper is back: the old plan, written anew
        assert desk.it.share == 8
        desk.target(later)
        assert desk.it.share == shares[0]
        desk.plan(10, shares[1], later)
        assert desk.it.share == shares[1]
        desk.plan(11, 2, 5)
        assert desk.it.share == 2


def test_a_run_that_overwrites_still_does_so_after_it_was_scaled_without_zookeeper() -> None:
    desk = Desk(overwrite=True)
    desk.it.scale_alone(4)

    assert not desk.it.target_is_written


def test_where_no_plan_stands_what_was_asked_of_it_alone_waits_for_one() -> None:
    desk = Desk()
    desk.it.session_opened()
    desk.plan(7, None)
    desk.it.scale_alone(8)
    desk.target(8)

    assert (desk.it.target, desk.it.share) == (8, None)
