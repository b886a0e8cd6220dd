"""How many workers a pool should have: who says so, and what becomes of that while ZooKeeper is away."""

from __future__ import annotations

import pytest

from autohealer.core import events
from autohealer.core.actions import (
    AnswerOperation,
    SignalWorker,
    SpawnWorker,
    WriteTarget,
)
from autohealer.core.model import OnPartition
from autohealer.core.operations import Operation, done, refused
from tests.core.playbook import SESSION_TIMEOUT_S, Playbook
from tests.core.supervisor_stories import operation

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


# ---- operations


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
