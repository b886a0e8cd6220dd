"""Rollouts of one agent, from the request to the answer."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from autohealer.core import events
from autohealer.core.actions import (
    SettleRevision,
    SignalWorker,
    SpawnWorker,
    Warn,
)
from autohealer.core.model import (
    RestartPolicy,
    RevisionEntry,
    RolloutView,
    Sense,
    Verdict,
)
from autohealer.core.operations import Operation, Outcome
from autohealer.core.pool.restarts import BURST
from tests.core.playbook import ME, Playbook
from tests.core.rollout_book import (
    RESTART,
    UPDATE,
    account,
    answers,
    ask,
    condemn,
    entry,
    exchanges,
    live,
    slots,
    told,
)


def test_all_are_exchanged_the_command_is_answered_and_the_revision_is_present() -> None:
    book = Playbook()
    old = book.run(3)
    ask(book, UPDATE)
    assert book.supervisor.snapshot(book.now).rollout == RolloutView("update", "ann@web1", 1, 2, 0, 3)
    live(book, 60)

    assert answers(book) == [(Outcome.DONE, "all 3 workers are new (r2)", 0)]
    assert book.take(SettleRevision) == [SettleRevision(2, present=True)]
    assert {slot: revision for slot, (_, revision) in slots(book).items()} == {0: 2, 1: 2, 2: 2}
    assert not {worker for worker, _ in slots(book).values()} & set(old)
    assert entry(book) == RevisionEntry(2, "new", 0, "done op")
    assert book.supervisor.snapshot(book.now).rollout is None


def test_people_are_told_of_each_step_and_of_the_end() -> None:
    book = Playbook()
    book.run(2)
    ask(book, RESTART)
    live(book, 30)

    events_told = told(book)
    (started,) = events_told["rollout.started"]
    assert (started["verb"], started["by"], started["former"], started["revision"], started["of"]) == (
        "restart", "ann@web1", 1, 2, 2)  # fmt: skip
    assert [step["exchanged"] for step in events_told["rollout.step"]] == [0, 1, 2]
    (finished,) = events_told["rollout.finished"]
    assert (finished["exchanged"], finished["of"]) == (2, 2)
    assert not any("heal_ms" in started for started in events_told["worker.started"])


def test_surges_have_no_slot_and_stand_for_those_that_are_exchanged() -> None:
    book = Playbook()
    book.run(2)
    ask(book, RESTART)
    (surge,) = book.take(SpawnWorker)
    assert (surge.slot, surge.number, surge.revision) == (None, 2, 2)
    book.orders.append(surge)
    running = []
    for _ in range(60):
        live(book, 0.25)
        running.append(book.supervisor.snapshot(book.now).running)

    assert set(running) == {2}
    assert set(slots(book)) == {0, 1}


def test_a_bad_release_costs_no_good_worker_and_no_failure_of_the_pool() -> None:
    book = Playbook(max_failures=2)
    book.run(3)
    before = slots(book)
    ask(book, UPDATE)
    live(book, 10, bad=2)

    ((outcome, detail, code),) = answers(book)
    assert (outcome, code) == (Outcome.DONE, 4)
    assert detail.startswith("undone: a new worker beside the slots ended 3 times")
    assert slots(book) == before
    assert book.take(SettleRevision) == [SettleRevision(2, present=False)]
    assert len(told(book)["rollout.undone"]) == 1
    assert entry(book).outcome == "undone op"


def test_a_start_that_fails_counts_like_an_end() -> None:
    book = Playbook()
    book.run(1)
    ask(book, UPDATE)
    for _ in range(3):
        (spawn,) = book.take(SpawnWorker)
        book.tell(events.SpawnFailed, spawn.worker, "no such file", False)

    assert "no such file" in answers(book)[0][1]


def test_want_of_resources_is_waited_for() -> None:
    book = Playbook()
    book.run(1)
    ask(book, UPDATE)
    for _ in range(10):
        (spawn,) = book.take(SpawnWorker)
        book.tell(events.SpawnFailed, spawn.worker, "too many processes", True)
        assert book.take(SpawnWorker) == []
        book.wait(40)
    live(book, 40)

    assert answers(book)[0][2] == 0


def test_a_faulty_new_worker_ends_it_without_the_brake() -> None:
    book = Playbook(registration="self", start_timeout_s=5.0)
    old = book.run(1)
    ask(book, UPDATE)
    (surge,) = book.spawn()
    book.wait(6)
    book.tell(events.EvidenceTaken, surge, events.Evidence())
    book.tell(events.ProcessExited, surge, None, "SIGTERM")
    book.wait(1)

    assert answers(book)[0][2] == 4
    assert [worker for worker, _ in slots(book).values()] == old


def test_where_there_may_be_no_surge_one_fewer_runs_meanwhile() -> None:
    book = Playbook(capacity=2)
    book.run(2)
    ask(book, RESTART)
    assert book.take(SpawnWorker) == []
    live(book, 30)

    assert answers(book)[0][2] == 0
    assert {revision for _, revision in slots(book).values()} == {2}


def test_one_worker_alone_is_restarted() -> None:
    book = Playbook()
    old = book.run(3)
    ask(book, replace(RESTART, worker=old[1]))
    live(book, 20)

    assert answers(book) == [(Outcome.DONE, "the worker is new (r2)", 0)]
    assert [worker in old for worker, _ in slots(book).values()] == [True, False, True]


def test_a_second_one_is_refused_and_its_revision_dropped() -> None:
    book = Playbook()
    book.run(2)
    ask(book, UPDATE)
    ask(book, replace(RESTART, id="other", new=3))

    ((outcome, detail, _),) = answers(book)
    assert outcome is Outcome.REFUSED
    assert "update by ann@web1" in detail
    assert book.take(SettleRevision) == [SettleRevision(3, present=False)]


def test_a_worker_that_somebody_kills_is_no_failure_of_the_rollout() -> None:
    book = Playbook()
    book.run(1)
    ask(book, UPDATE)
    for number in range(5):
        (surge,) = book.spawn()
        book.tell(events.OperationRequested, Operation(f"kill-{number}", "kill", surge))
        book.tell(events.ProcessExited, surge, None, "SIGKILL")
    answers(book)
    live(book, 40)

    assert answers(book)[0][2] == 0


def test_an_old_worker_that_dies_meanwhile_heals_as_it_was_and_is_exchanged_later() -> None:
    book = Playbook()
    old = book.run(3)
    ask(book, UPDATE)
    live(book, 3)
    book.tell(events.ProcessExited, old[2], None, "SIGKILL")
    (spawn,) = [o for o in book.orders if isinstance(o, SpawnWorker)]
    assert (spawn.slot, spawn.revision) == (2, 1)
    live(book, 60)

    assert answers(book)[0][2] == 0
    assert {revision for _, revision in slots(book).values()} == {2}


@pytest.mark.parametrize("share", [1, 5])
def test_another_share_ends_the_surges_and_it_goes_on(share: int) -> None:
    book = Playbook()
    book.run(3)
    ask(book, UPDATE)
    live(book, 14)
    book.follow(me=share)
    live(book, 120)

    assert answers(book)[0][2] == 0
    assert {slot: revision for slot, (_, revision) in slots(book).items()} == dict.fromkeys(range(share), 2)


def test_a_drain_undoes_an_update_and_ends_its_surges() -> None:
    book = Playbook()
    book.run(2)
    ask(book, UPDATE)
    live(book, 4)
    book.tell(events.OperationRequested, Operation("drain", "drain", ME.agent))
    live(book, 40)

    assert (Outcome.DONE, "undone: this agent is to run no workers any more", 4) in answers(book)
    assert slots(book) == {}


def test_it_goes_on_while_zookeeper_is_away() -> None:
    book = Playbook()
    book.run(2)
    ask(book, RESTART)
    live(book, 1)
    book.tell(events.ConnectionSuspended)
    for _ in range(80):
        book.spawn()  # nobody can register
        for signal in book.take(SignalWorker):
            book.tell(events.ProcessExited, signal.worker, None, "SIGTERM")
        book.wait(0.5)

    assert answers(book)[0][2] == 0


def test_a_worker_that_outgrew_a_soft_limit_is_exchanged_after_what_people_asked_for() -> None:
    book = Playbook()
    old = book.run(2)
    life = book.supervisor._workers.lives.of(old[0])
    assert life is not None
    ask(book, replace(RESTART, worker=old[1]))
    book.supervisor._workers.recycle(life, Verdict(Sense.MEMORY, "too much"))
    live(book, 10)
    assert slots(book)[0][0] == old[0] or answers(book)
    live(book, 20)

    assert not {worker for worker, _ in slots(book).values()} & set(old)
    happened = told(book)
    assert len(happened["rollout.started"]) == 1, "people are told of those that they asked for"
    assert [(told["worker"], told["cause"]) for told in happened["worker.faulty"]] == [(old[0], "memory")]
    assert not any("heal_ms" in started for started in happened["worker.started"])


def test_a_worker_is_exchanged_without_a_surge_where_there_is_no_memory_for_both() -> None:
    book = Playbook()
    old = book.run(2)
    life = book.supervisor._workers.lives.of(old[0])
    assert life is not None
    book.tell(events.UsageSampled, {old[0]: events.Usage(1.0, 900, "S", False, None)}, 800)
    book.supervisor._workers.recycle(life, Verdict(Sense.MEMORY, "too much"))
    live(book, 20)

    assert {old[0]} == set(old) - {worker for worker, _ in slots(book).values()}
    assert not [started for started in told(book)["worker.started"] if started["slot"] is None]
    assert "no memory for both" in book.take(Warn)[0].text


def test_a_worker_that_needs_no_exchange_any_more_is_not_exchanged() -> None:
    book = Playbook()
    old = book.run(1)
    life = book.supervisor._workers.lives.of(old[0])
    assert life is not None
    ask(book, replace(RESTART, worker="me-7-x"))
    book.supervisor._workers.recycle(life, Verdict(Sense.AGE, "old"))
    assert book.supervisor._workers.rollouts.is_recycling(old[0])
    book.supervisor._workers.recycle(life, None)
    live(book, 20)

    assert slots(book)[0][0] == old[0]


def test_workers_that_outgrow_a_limit_as_soon_as_they_start_are_exchanged_with_backoff() -> None:
    book = Playbook(1, stable_after_s=10_000.0, backoff_max_s=30.0)
    book.run(1)
    times = exchanges(book, 600)

    gaps = [after - before for before, after in pairwise(times)]
    assert max(gaps[:5]) < 10, "the budget of the slot comes first"
    assert all(30 <= gap < 50 for gap in gaps[-5:]), gaps
    assert book.supervisor.snapshot(book.now).running == 1, "the worker goes on meanwhile"


def test_a_worker_that_recovers_and_outgrows_the_limit_again_pays_once() -> None:
    book = Playbook(1, stable_after_s=1000.0)
    (worker,) = book.run(1)
    condemn(book, worker)
    tokens = account(book, 0).tokens
    for _ in range(10):
        condemn(book, worker, recovered=True)
        condemn(book, worker)

    assert account(book, 0).tokens == tokens < BURST


def test_an_exchange_that_fails_again_and_again_is_tried_again_with_backoff() -> None:
    book = Playbook(1, stable_after_s=10_000.0, backoff_max_s=30.0)
    (worker,) = book.run(1)
    condemn(book, worker)
    live(book, 400, bad=1)

    starts = len(told(book)["worker.started"])
    assert slots(book)[0][0] == worker
    assert 3 * BURST < starts < 100, "three starts a try"
    assert account(book, 0).tokens < 1, "what it earned while it lived was earned once"


def test_a_soft_verdict_ends_nobody_elses_backoff() -> None:
    book = Playbook(2, stable_after_s=1000.0, backoff_max_s=30.0)
    crashing: str | None
    crashing, fat = book.run(2)
    while crashing is not None:
        book.tell(events.ProcessExited, crashing, 1, None)
        book.spawn()
        crashing = slots(book)[0][0]
    before = replace(account(book, 0))
    condemn(book, fat)
    book.tell(events.DeadlineReached)

    assert [order.slot for order in book.take(SpawnWorker)] == [None], "its replacement is on its way, and no other"
    assert account(book, 0) == before


def test_spares_follow_once_a_new_worker_has_proven_itself() -> None:
    book = Playbook()
    book.run(2)
    rollouts = book.supervisor._workers.rollouts
    ask(book, UPDATE)
    live(book, 5)
    assert rollouts.revision_of_spares == 1
    live(book, 12)
    assert rollouts.revision_of_spares == 2
    live(book, 60)
    assert rollouts.revision_of_spares == 2


def test_slots_that_are_done_are_left_alone() -> None:
    book = Playbook(restart=RestartPolicy.ON_FAILURE)
    old = book.run(2)
    book.tell(events.ProcessExited, old[0], 0, None)
    ask(book, RESTART)
    live(book, 20)

    assert answers(book)[0][2] == 0
    assert slots(book)[0][0] is None
    assert slots(book)[1][0] != old[1]
