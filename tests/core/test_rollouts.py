"""Rollouts as one agent does them: its slots and surges, its turn, what others get to know, and what may happen."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from autohealer.core import events
from autohealer.core.actions import (
    AnswerOperation,
    DeleteRequest,
    EmitEvent,
    SettleRevision,
    SignalWorker,
    SpawnWorker,
    Warn,
    WritePlan,
)
from autohealer.core.model import (
    AgentEntry,
    OnPartition,
    Plan,
    RestartPolicy,
    RevisionEntry,
    RolloutView,
    Sense,
    Verdict,
)
from autohealer.core.operations import Operation, Outcome
from autohealer.core.pool.restarts import BURST, Restarts
from autohealer.core.rollout_spec import RolloutOrder, RolloutSpec
from autohealer.runtime.event_log import as_fields
from tests.core.playbook import EPOCH, ME, MZXID, OTHER, Playbook
from tests.core.test_health import PROBE, Clinic
from tests.core.test_supervisor import run_by_authority

TERM = 15
UPDATE = RolloutSpec("update", "op", "ann@web1", 1, 2, hash="new", soak_s=10.0, reversible=True)
RESTART = RolloutSpec("restart", "op", "ann@web1", 1, 2, hash="same", lenient=True)


def order(spec: RolloutSpec, request: str | None = None) -> RolloutOrder:
    return RolloutOrder(spec, Operation(spec.id, spec.verb, spec.worker or "", "ann@web1", request=request))


def ask(book: Playbook, spec: RolloutSpec, request: str | None = None) -> None:
    book.tell(events.RolloutRequested, order(spec, request))


def live(book: Playbook, seconds: float, bad: int | None = None) -> None:
    """Time passes: what is started registers, what is asked to stop stops; lives of revision ``bad`` die at once."""
    until = book.now + seconds
    while book.now < until:
        dying = [o.worker for o in book.orders if isinstance(o, SpawnWorker) and o.revision == bad]
        for worker in book.spawn():
            if worker in dying:
                book.tell(events.ProcessExited, worker, 1, None)
            else:
                book.tell(events.RegistrationSeen, worker)
        for signal in book.take(SignalWorker):
            book.tell(events.ProcessExited, signal.worker, None, "SIGTERM")
        book.wait(0.25)


def slots(book: Playbook) -> dict[int | None, tuple[str | None, int]]:
    return {view.slot: (view.worker, view.revision) for view in book.supervisor.snapshot(book.now).workers}


def entry(book: Playbook) -> RevisionEntry:
    revision = book.supervisor.snapshot(book.now).agents[ME.agent].revision  # type: ignore[union-attr]  # its own entry
    assert revision is not None
    return revision


def told(book: Playbook) -> dict[str, list[dict[str, Any]]]:
    """What people were told since the last time, by event."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in book.take(EmitEvent):
        found.setdefault(each.notice.event, []).append(as_fields(each.notice))
    return found


def answers(book: Playbook) -> list[tuple[Outcome, str, int]]:
    return [(a.answer.outcome, a.answer.detail, a.answer.code) for a in book.take(AnswerOperation)]


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


def condemn(book: Playbook, worker: str, *, recovered: bool = False) -> None:
    """The worker is over its memory limit, or not any more."""
    life = book.supervisor._workers.lives.of(worker)
    assert life is not None
    book.supervisor._workers.recycle(life, None if recovered else Verdict(Sense.MEMORY, "too much"))


def account(book: Playbook, slot: int) -> Restarts:
    place = book.supervisor._workers.slots.at(slot)
    assert place is not None
    return place.restarts


def exchanges(book: Playbook, seconds: float) -> list[float]:
    """When slot 0 got a new worker, where each is over its limit from its start on."""
    known, times, until = slots(book)[0][0], [], book.now + seconds
    while book.now < until:
        worker = slots(book)[0][0]
        if worker is not None:
            condemn(book, worker)
        if worker not in {None, known}:
            known = worker
            times.append(book.now)
        live(book, 0.25)
    return times


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


def peer(**revision: Any) -> AgentEntry:
    return replace(OTHER, revision=RevisionEntry(**{"number": 1, "hash": "", **revision}))


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


def lead(book: Playbook, **others: AgentEntry) -> None:
    mine = book.supervisor.snapshot(book.now).agents[ME.agent]
    book.tell(events.AgentsRead, {ME.agent: mine, **others})


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


def settle_plan(book: Playbook) -> str | None:
    """Each plan that is written is read again, until none is; whose turn it is then."""
    while writes := book.take(WritePlan):
        book.tell(events.PlanRead, writes[-1].plan, MZXID + 2)
    book.wait(1)
    while writes := book.take(WritePlan):
        book.tell(events.PlanRead, writes[-1].plan, MZXID + 2)
    plan = book.supervisor._membership.leader.standing
    assert plan is not None
    return plan.turn


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
