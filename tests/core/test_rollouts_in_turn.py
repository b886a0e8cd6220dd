"""Rollouts of several agents: one after the other, by turns."""

from __future__ import annotations

from msgspec.structs import replace

from autohealer.core import events
from autohealer.core.actions import (
    DeleteRequest,
    SettleRevision,
    SignalWorker,
    SpawnWorker,
)
from autohealer.core.model import (
    OnPartition,
    Plan,
    RestartPolicy,
    RevisionEntry,
)
from autohealer.core.operations import Outcome
from autohealer.core.rollout_spec import RolloutOrder
from tests.core.clinic import PROBE, Clinic
from tests.core.playbook import EPOCH, MZXID, Playbook
from tests.core.rollout_book import (
    RESTART,
    UPDATE,
    answers,
    ask,
    entry,
    lead,
    live,
    peer,
    settle_plan,
    slots,
    told,
)
from tests.core.supervisor_stories import run_by_authority

# ---- an agent that comes back in the middle


def test_an_agent_that_comes_back_in_the_middle_goes_back_and_says_so() -> None:
    book = Playbook(unfinished=RolloutOrder(UPDATE, None, "the agent was ended in the middle of it"))
    for slot, number, revision in ((0, 0, 2), (1, 1, 1), (None, 2, 2)):
        worker = f"me-{number}-old"
        book.tell(events.WorkerFound, worker, slot, 100 + number, "2020-01-01T00:00:00Z", 60.0, revision, number)
    book.tell(events.SessionOpened, 6.0, True)
    book.follow(me=2)
    for worker in ("me-0-old", "me-1-old"):
        book.tell(events.RegistrationSeen, worker)
    live(book, 30)

    assert {slot: revision for slot, (_, revision) in slots(book).items()} == {0: 1, 1: 1}
    assert slots(book)[1][0] == "me-1-old"
    (undone,) = told(book)["rollout.undone"]
    assert undone["detail"] == "the agent was ended in the middle of it"
    assert book.take(SettleRevision) == [SettleRevision(2, present=False)]


# ---- several agents


def test_with_other_agents_it_waits_for_its_turn() -> None:
    book = Playbook()
    book.run(1)
    book.tell(events.AgentsListed, frozenset({"me", "other"}))
    book.tell(events.PoolRequestStands, "r-1", None)
    ask(book, RESTART, request="r-1")
    assert book.take(SpawnWorker) == []
    assert entry(book) == RevisionEntry(1, "", 1, None)
    book.tell(events.PlanRead, Plan(EPOCH + 1, "other", 10, 0, {"me": 1, "other": 9}, turn="me"), MZXID + 1)
    live(book, 20)

    assert entry(book) == RevisionEntry(2, "same", 0, "done r-1")
    assert answers(book)[0][2] == 0


def test_what_is_gone_before_it_has_begun_is_not_begun() -> None:
    book = Playbook()
    book.run(1)
    book.tell(events.AgentsListed, frozenset({"me", "other"}))
    book.tell(events.PoolRequestStands, "r-1", None)
    ask(book, RESTART, request="r-1")
    book.tell(events.RequestGone, "r-1")

    assert entry(book).old == 0
    assert book.take(SettleRevision) == [SettleRevision(2, present=False)]


def test_the_next_request_waits_until_the_outcome_of_the_one_before_was_heard() -> None:
    book = Playbook()
    book.run(1)
    for request, new in (("r-1", 2), ("r-2", 3)):
        book.tell(events.PoolRequestStands, request, None)
        ask(book, replace(RESTART, id=request, new=new), request=request)
    live(book, 30)
    assert entry(book) == RevisionEntry(2, "same", 0, "done r-1")
    book.tell(events.RequestGone, "r-1")
    live(book, 30)

    assert entry(book) == RevisionEntry(3, "same", 0, "done r-2")


def test_an_agent_that_a_request_does_not_concern_says_so_at_once() -> None:
    book = Playbook()
    book.run(1)
    book.tell(events.PoolRequestStands, "r-1", "done")

    assert entry(book).outcome == "done r-1"


def test_what_is_known_of_a_later_request_is_told_once_the_one_before_is_gone() -> None:
    """Others, whom both concern, carry out the first one first, and wait for its outcome here."""
    book = Playbook()
    book.run(1)
    book.tell(events.PoolRequestStands, "r-1", None)
    book.tell(events.AgentsListed, frozenset({"me", "other"}))
    ask(book, RESTART, request="r-1")
    book.tell(events.PoolRequestStands, "r-2", "done")
    assert entry(book) == RevisionEntry(1, "", 1, None)
    book.tell(events.PlanRead, Plan(EPOCH + 1, "other", 10, 0, {"me": 1, "other": 9}, turn="me"), MZXID + 1)
    live(book, 20)
    assert entry(book).outcome == "done r-1"
    book.tell(events.RequestGone, "r-1")

    assert entry(book).outcome == "done r-2"


def test_an_agent_keeps_its_turn_and_an_outcome_is_not_lost_where_a_request_comes_in_a_rollout_of_its_own() -> None:
    book = Playbook()
    book.run(1)
    ask(book, UPDATE)
    live(book, 2)
    book.tell(events.PoolRequestStands, "r-1", "done")
    assert entry(book) == RevisionEntry(1, "", 1, None)
    live(book, 60)

    assert entry(book) == RevisionEntry(2, "new", 0, "done r-1")


def test_the_leader_gives_the_turn_to_one_and_takes_the_request_away_when_all_have_their_outcome() -> None:
    book = Playbook()
    book.connect(target=2)
    lead(book, a=peer(old=1), b=peer(old=1))
    book.tell(events.PoolRequestStands, "r-1", "done")
    assert settle_plan(book) == "a"
    lead(book, a=peer(outcome="done r-1"), b=peer(old=1))
    assert settle_plan(book) == "b"
    assert book.take(DeleteRequest) == []
    lead(book, a=peer(outcome="done r-1"), b=peer(outcome="done r-1"))

    assert book.take(DeleteRequest) == [DeleteRequest("r-1")]


def test_a_request_is_taken_away_only_once_the_outcome_has_been_written() -> None:
    book = Playbook()
    book.connect(target=2)
    book.tell(events.PoolRequestStands, "r-1", "done")
    book.wait(5)
    assert book.take(DeleteRequest) == []
    lead(book)

    assert book.take(DeleteRequest) == [DeleteRequest("r-1")]


def test_what_one_has_undone_is_begun_by_no_other() -> None:
    book = Playbook()
    book.connect(target=2)
    lead(book, a=peer(), b=peer(old=1))
    book.tell(events.PoolRequestStands, "r-1", "done")
    lead(book, a=peer(outcome="undone r-1"), b=peer(old=1))

    assert book.take(DeleteRequest) == [DeleteRequest("r-1")]


def test_percentages_are_of_this_agents_share() -> None:
    book = Playbook()
    book.run(10)
    ask(book, replace(RESTART, parallel=0.3))
    live(book, 4)

    assert len([slot for slot in slots(book) if slot is None]) <= 3
    live(book, 60)
    assert answers(book)[0][2] == 0


def test_an_agent_in_the_middle_of_a_rollout_cannot_leave_its_workers_to_the_next_one() -> None:
    book = Playbook()
    book.run(2)
    assert book.supervisor.reason_to_stay() is None
    ask(book, UPDATE)
    assert book.supervisor.reason_to_stay() == "a rollout is under way"
    live(book, 60)

    assert book.supervisor.reason_to_stay() is None


def test_what_is_asked_of_one_agent_by_nobody_in_particular_is_dropped_while_a_rollout_is_under_way() -> None:
    book = Playbook()
    book.run(2)
    ask(book, UPDATE)
    book.tell(events.RolloutRequested, RolloutOrder(replace(UPDATE, id="again", old=2, new=3), None))

    assert answers(book) == []
    assert book.take(SettleRevision) == [SettleRevision(3, present=False)]


def test_a_start_that_fails_in_a_slot_that_is_exchanged_without_a_surge_undoes_it() -> None:
    book = Playbook(capacity=2)
    book.run(2)
    ask(book, UPDATE)
    (stopped,) = book.take(SignalWorker)
    (stopped_slot,) = [slot for slot, (worker, _) in slots(book).items() if worker == stopped.worker]
    book.tell(events.ProcessExited, stopped.worker, None, "SIGTERM")
    for _ in range(3):
        (spawn,) = book.take(SpawnWorker)
        assert (spawn.slot, spawn.revision) == (stopped_slot, 2)
        book.tell(events.SpawnFailed, spawn.worker, "no such file", False)
    live(book, 60)

    ((outcome, detail, code),) = answers(book)
    assert (outcome, code) == (Outcome.DONE, 4)
    assert "no such file" in detail
    assert {slot: revision for slot, (_, revision) in slots(book).items()} == {0: 1, 1: 1}


def test_where_there_may_never_be_too_many_a_worker_is_stopped_before_its_replacement_starts() -> None:
    book = Playbook(on_partition=OnPartition.STOP)
    workers = run_by_authority(book, 2)
    for worker in workers:
        book.tell(events.RegistrationSeen, worker)
    book.orders.clear()
    ask(book, RESTART)

    assert len(book.take(SignalWorker)) == 1
    assert book.take(SpawnWorker) == []


def test_one_that_is_forced_ends_with_how_many_are_not_ready() -> None:
    book = Playbook(capacity=2)
    book.run(2)
    ask(book, replace(UPDATE, force=True))
    live(book, 120, bad=2)

    assert answers(book) == [(Outcome.DONE, "2 of 2 workers of the new revision are not ready", 4)]


def test_a_new_worker_that_is_ready_again_and_again_and_never_for_long_undoes_it() -> None:
    book = Clinic(1, probes=(PROBE,), probe_failures=1000)
    (old,) = book.workers
    book.probe(old, ok=True)
    ask(book, UPDATE)
    (surge,) = book.spawn()
    for _ in range(20):
        book.probe(surge, ok=True)
        book.wait(4)
        book.probe(surge, ok=False)
        book.wait(1)

    ((_, detail, code),) = answers(book)
    assert detail == "undone: a new worker beside the slots was not ready for 10 s on end"
    assert code == 4
    assert {order.worker for order in book.take(SignalWorker)} == {surge}


def test_a_new_worker_that_ends_well_for_good_is_done_and_fails_no_rollout() -> None:
    book = Playbook(capacity=2, restart=RestartPolicy.ON_FAILURE)
    book.run(2)
    ask(book, UPDATE)
    (stopped,) = book.take(SignalWorker)
    book.tell(events.ProcessExited, stopped.worker, None, "SIGTERM")
    (new,) = book.spawn()
    book.tell(events.ProcessExited, new, 0, None)
    live(book, 60)

    ((outcome, detail, code),) = answers(book)
    assert (outcome, code) == (Outcome.DONE, 0)
    assert "new (r2)" in detail
    assert book.supervisor.snapshot(book.now).finished == (1, 0)
