"""How an agent comes to run nothing, and what becomes of those who asked for it."""

from __future__ import annotations

import pytest

from autohealer.core import events
from autohealer.core.actions import (
    Action,
    AnswerOperation,
    EmitEvent,
    EndAgent,
    LeaveCluster,
    SignalWorker,
    SpawnWorker,
)
from autohealer.core.model import OnPartition, SlotAccount
from autohealer.core.notices import AgentDraining
from autohealer.core.operations import Operation
from autohealer.core.pool.draining import KILLED, Draining
from tests.core.playbook import Playbook


def asked(number: int, verb: str, subject: str = "me") -> Operation:
    return Operation(id=str(number), verb=verb, subject=subject, by="ann")


def answers(book: Playbook) -> list[tuple[str, str]]:
    return [(order.operation.id, order.answer.detail) for order in book.take(AnswerOperation)]


def test_an_agent_that_is_drained_stays_and_all_who_asked_are_answered_once_it_is_empty() -> None:
    book = Playbook(1)
    (worker,) = book.run(1)
    for number in (1, 2):
        book.tell(events.OperationRequested, asked(number, "drain"))
    book.follow(me=0)
    assert answers(book) == []
    book.tell(events.ProcessExited, worker, 0, None)
    book.tell(events.OrphansEnded, worker)

    assert answers(book) == [("1", "agent me is empty"), ("2", "agent me is empty")]
    assert book.take(LeaveCluster) == []


def test_a_drain_that_is_undone_in_time_stops_nobody() -> None:
    book = Playbook(1)
    book.run(1)
    book.tell(events.AgentsListed, frozenset({"me", "other"}))
    book.tell(events.OperationRequested, asked(1, "drain"))
    book.tell(events.OperationRequested, asked(2, "undrain"))
    book.wait(60)

    assert answers(book) == [("1", "undone before it was empty"), ("2", "agent me may have workers again")]
    assert book.take(SignalWorker) == []


def test_an_agent_that_ends_does_not_come_back_by_undoing_a_drain() -> None:
    book = Playbook(1)
    book.run(1)
    book.tell(events.DrainRequested, "SIGTERM")
    book.tell(events.OperationRequested, asked(1, "undrain"))

    assert answers(book) == [("1", "agent me is about to end")]


def test_what_concerns_another_agent_is_left_alone() -> None:
    book = Playbook(1)
    book.run(1)
    for verb in ("drain", "undrain"):
        book.tell(events.OperationRequested, asked(1, verb, "other"))

    assert answers(book) == []


def test_one_agent_hands_on_that_it_is_drained_and_what_its_slots_have_used() -> None:
    book = Playbook(1)
    (worker,) = book.run(1)
    book.now += 0.1
    for _ in range(7):
        book.tell(events.ProcessExited, worker, 1, None)
        worker = next(iter(book.spawn()), "")
    drained, (account,) = book.supervisor.what_to_hand_over(book.now)
    assert (drained, account.slot, account.failures) == (False, 0, 7 - 1)
    assert account.wait_s > 0

    heir = Playbook(1)
    heir.tell(events.FormerLifeFound, False, (account,))
    heir.run_unregistered(1)
    assert heir.take(SpawnWorker) == []
    heir.wait(account.wait_s)
    assert len(heir.take(SpawnWorker)) == 1


def test_an_heir_of_one_that_was_drained_starts_nothing() -> None:
    heir = Playbook(1)
    heir.tell(events.FormerLifeFound, True, (SlotAccount(0, 6.0, 0, 0, 0.0),))
    heir.run_unregistered(1)

    assert heir.take(SpawnWorker) == []
    assert heir.supervisor.what_to_hand_over(heir.now)[0]


@pytest.mark.parametrize(
    ("on_partition", "ends", "reason"),
    [
        (OnPartition.KEEP, False, None),
        (OnPartition.KEEP, True, "the agent is about to end"),
        (OnPartition.STOP, False, "with --on-partition stop no worker outlives its agent"),
    ],
)
def test_when_an_agent_cannot_leave(on_partition: OnPartition, ends: bool, reason: str | None) -> None:
    book = Playbook(1, on_partition=on_partition)
    if ends:
        book.tell(events.DrainRequested, "SIGTERM")

    assert book.supervisor.reason_to_stay() == reason


def test_a_scale_to_what_is_no_number_is_ignored() -> None:
    book = Playbook(1)
    book.run(1)
    book.tell(events.OperationRequested, asked(1, "scale", "many"))

    book.expect()


# ---- by itself


def draining() -> tuple[Draining, list[Action]]:
    orders: list[Action] = []
    return Draining("me", 30.0, orders.append), orders


def test_patience_ends_after_the_timeout_or_at_once_where_nobody_takes_over() -> None:
    for hand_over, until in ((True, 40.0), (False, 10.0)):
        it, orders = draining()
        it.ask_to_end("SIGTERM", 10.0, hand_over=hand_over)
        assert orders == [EmitEvent(AgentDraining("me", "SIGTERM"))]
        assert (it.is_ending, it.next_deadline()) == (True, until)
        assert it.must_be_empty(until, may_hand_over=True)
        assert it.next_deadline() is None


def test_while_others_take_over_it_goes_by_the_plan() -> None:
    it, _ = draining()
    assert not it.must_be_empty(0.0, may_hand_over=False)
    it.ask_to_end("SIGTERM", 10.0, hand_over=True)
    assert not it.must_be_empty(39.9, may_hand_over=True)
    assert it.must_be_empty(20.0, may_hand_over=False)
    assert it.must_be_empty(40.0, may_hand_over=True)
    it.ask_to_end("SIGTERM again", 50.0, hand_over=True)
    assert it.must_be_empty(60.0, may_hand_over=True)  # it ends already: the first one's patience holds


def test_a_kill_is_not_waited_for() -> None:
    it, _ = draining()
    it.kill(10.0)

    assert (it.is_killing, it.is_ending, it.exit) == (True, True, EndAgent(KILLED))
    assert it.next_deadline() is None


def test_one_that_was_drained_in_a_former_life_stays_so_and_ends_nothing() -> None:
    it, orders = draining()
    it.go_on(10.0)
    assert (it.is_ending, it.must_be_empty(10.0, may_hand_over=True)) == (False, True)
    it.empty()
    assert (orders, it.is_leaving) == ([], False)


def test_each_who_asked_is_answered_once() -> None:
    it, orders = draining()
    one, other = asked(1, "drain"), asked(2, "drain")
    it.stay(one, 10.0)
    it.stay(other, 11.0)
    assert orders == [EmitEvent(AgentDraining("me", "autohealer drain"))]
    assert it.next_deadline() == 40.0
    it.empty()
    it.empty()
    assert [order.operation for order in orders if isinstance(order, AnswerOperation)] == [one, other]
    assert not it.is_leaving


def test_one_that_ends_leaves_once_it_is_empty_and_once() -> None:
    it, orders = draining()
    it.empty()
    assert orders == []
    it.end("SIGTERM", 10.0, leave_with=EndAgent(3))
    assert it.exit == EndAgent(3)
    it.empty()
    it.empty()
    assert orders[1:] == [LeaveCluster()]
    assert it.is_leaving


def test_where_nothing_is_drained_to_undo_it_is_no_failure() -> None:
    it, orders = draining()
    it.undo(asked(1, "undrain"))

    assert [order.answer.detail for order in orders if isinstance(order, AnswerOperation)] == [
        "agent me may have workers again"
    ]
