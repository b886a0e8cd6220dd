"""The one judge: who is ready, who is faulty because of what, and whose verdict is held."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from autohealer.core import events
from autohealer.core.actions import EmitEvent, SignalWorker, SpawnWorker, StartSenses, StopSenses, TakeEvidence
from autohealer.core.cluster.registrations import Style
from autohealer.core.events import Usage
from autohealer.core.model import Plan, ReadyWhen, RegistrationMode
from autohealer.core.notices import Notice, WorkerFaulty
from autohealer.core.pool.brake import Brake
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.snapshot import WorkerView
from tests.core.playbook import Playbook

N = TypeVar("N", bound=Notice)

PROBE = "http://127.0.0.1/"
MIB = 2**20


class Clinic(Playbook):
    """Workers that run, and what senses say of them."""

    def __init__(self, workers: int = 1, **spec: Any) -> None:
        super().__init__(workers, registration=RegistrationMode.AGENT, **spec)
        self.connect(target=workers)
        self.tell(events.PlanRead, self.plan(workers), 8)
        self.workers = self.spawn()
        for worker in self.workers:
            self.tell(events.StandInMade, worker)
        self.orders[:] = self.take(SpawnWorker)  # of spares

    def plan(self, workers: int) -> Plan:
        return Plan(5, "me", workers, 0, {"me": workers})

    def probe(self, worker: str, ok: bool, *, weight: float = 1.0, probe: str = PROBE) -> None:
        self.tell(events.ProbeAnswered, worker, probe, ok, "200" if ok else "500", weight)

    def say(self, worker: str, **fields: Any) -> None:
        self.orders += self.supervisor.handle(events.NotifyReceived(self.now, worker, **fields))

    def use(self, worker: str, cpu_s: float = 0.0, *, rss: int = 0, state: str = "S", traced: bool = False) -> None:
        self.tell(events.UsageSampled, {worker: Usage(cpu_s, rss, state, traced, 0)})

    def told_of(self, kind: type[N]) -> list[N]:
        """What people were told of this kind, after all have given their evidence."""
        for order in self.take(TakeEvidence):
            self.tell(events.EvidenceTaken, order.worker, events.Evidence())
        return [order.notice for order in self.take(EmitEvent) if isinstance(order.notice, kind)]

    def view(self, worker: str) -> WorkerView:
        (view,) = [view for view in self.supervisor.snapshot(self.now).workers if view.worker == worker]
        return view

    def faults(self) -> list[tuple[str, str]]:
        """Who was found faulty since the last time, and by which sense; each has given its evidence."""
        for order in self.take(TakeEvidence):
            self.tell(events.EvidenceTaken, order.worker, events.Evidence())
        told = [order.notice for order in self.orders if isinstance(order, EmitEvent)]
        found = [notice for notice in told if isinstance(notice, WorkerFaulty)]
        self.orders = [order for order in self.orders if not (isinstance(order, EmitEvent) and order.notice in found)]
        return [(str(notice.worker), notice.cause) for notice in found]

    def heal(self, worker: str, *, ready: bool = True) -> str:
        """The worker that was stopped ends, and its replacement passes its probe."""
        self.tell(events.ProcessExited, worker, 0, None)
        (successor,) = self.spawn()
        if ready:
            self.probe(successor, ok=True)
        return successor


# ---- readiness


def test_a_registration_of_its_own_makes_a_worker_ready_at_once_a_stand_in_after_the_grace() -> None:
    book = Playbook(1)
    (worker,) = book.run_unregistered(1)
    book.tell(events.RegistrationSeen, worker)
    assert [told["worker"] for told in book.told("worker.ready")] == [worker]

    book = Playbook(1, registration=RegistrationMode.AGENT)
    (worker,) = book.run_unregistered(1)
    book.tell(events.StandInMade, worker)
    assert book.told("worker.ready") == []
    book.wait(2.0)
    assert [told["worker"] for told in book.told("worker.ready")] == [worker]


def test_where_registrations_name_nobody_a_worker_is_ready_once_it_has_lived_for_the_grace() -> None:
    book = Playbook(1, style=Style.ANONYMOUS)
    book.tell(events.WorkerFound, "me-0-old", 0, 99, "then", 100.0)
    (worker,) = ["me-0-old"]
    book.run_unregistered(1)
    book.tell(events.ProcessExited, worker, 1, None)
    book.spawn()
    assert [view.ready for view in book.supervisor.snapshot(book.now).workers] == [False]
    book.wait(2)

    assert [view.ready for view in book.supervisor.snapshot(book.now).workers] == [True]


def test_while_zookeeper_is_away_a_worker_is_ready_once_it_has_lived_for_the_grace() -> None:
    book = Clinic()
    book.tell(events.ConnectionSuspended)
    book.tell(events.ProcessExited, book.workers[0], 1, None)
    (worker,) = book.spawn()
    assert not book.view(worker).ready

    book.wait(2.0)

    assert book.view(worker).ready


def test_with_a_probe_a_worker_runs_and_is_ready_from_its_first_success() -> None:
    book = Clinic(probes=(PROBE, "tcp"))
    (worker,) = book.workers
    book.probe(worker, ok=True)
    assert (book.view(worker).state, book.view(worker).ready) == (WorkerState.STARTING, False)

    book.probe(worker, ok=True, probe="tcp")

    assert (book.view(worker).state, book.view(worker).ready) == (WorkerState.RUNNING, True)


def test_a_worker_is_unready_from_its_first_failed_probe_on_and_ready_again_when_it_passes() -> None:
    book = Clinic(probes=(PROBE,))
    (worker,) = book.workers
    for ok in (True, False, False, True):
        book.probe(worker, ok=ok)

    assert [told["detail"] for told in book.told("worker.unready")] == [f"{PROBE}: 500"]
    assert book.view(worker).ready
    assert book.faults() == []


@pytest.mark.parametrize(
    ("when", "fields"),
    [(ReadyWhen.STARTED, {}), (ReadyWhen.AFTER, {"ready_after_s": 5.0}), (ReadyWhen.LOG, {}), (ReadyWhen.NOTIFY, {})],
)
def test_each_way_of_being_ready(when: ReadyWhen, fields: dict[str, Any]) -> None:
    book = Clinic(ready=when, **fields)
    (worker,) = book.workers
    assert book.view(worker).ready is (when is ReadyWhen.STARTED)
    book.wait(4.9)
    assert book.view(worker).ready is (when is ReadyWhen.STARTED)

    book.wait(0.1)
    book.tell(events.LogMatched, worker)
    book.say(worker, ready=True)

    assert book.view(worker).ready


def test_once_a_worker_has_said_that_it_is_ready_the_others_are_waited_for() -> None:
    book = Clinic(2)
    one, other = book.workers
    book.say(one, ready=True)
    book.wait(3)
    assert (book.view(one).ready, book.view(other).ready) == (True, False)
    book.wait(56)
    assert book.faults() == []

    book.wait(1)

    assert book.faults() == [(other, "not-ready")]


def test_what_never_becomes_ready_is_faulty_and_may_ask_for_more_time() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY)
    (worker,) = book.workers
    book.wait(50)
    book.say(worker, extend_s=30.0)
    book.wait(29)
    assert book.faults() == []

    book.wait(1)

    assert book.faults() == [(worker, "not-ready")]


def test_one_that_is_ready_late_after_all_is_not_replaced() -> None:
    book = Clinic(2, ready=ReadyWhen.NOTIFY)
    one, other = book.workers
    book.wait(60)
    assert book.faults() == [(one, "not-ready")]
    assert book.view(other).held == "not-ready"
    book.say(other, ready=True)
    assert book.view(other).held is None
    book.tell(events.ProcessExited, one, 0, None)
    (successor,) = book.spawn()
    book.say(successor, ready=True)
    book.wait(60)

    assert book.faults() == []


def test_one_that_says_it_is_stopping_is_unready_and_not_faulty() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY)
    (worker,) = book.workers
    book.say(worker, ready=True)
    book.say(worker, stopping=True)
    book.wait(100)

    assert not book.view(worker).ready
    assert book.faults() == []


def test_an_adopted_worker_has_said_long_ago_that_it_is_ready() -> None:
    book = Playbook(1, ready=ReadyWhen.NOTIFY)
    book.tell(events.WorkerFound, "me-0-old", 0, 99, "then", 100.0)
    book.wait(100)

    assert [view.ready for view in book.supervisor.snapshot(book.now).workers] == [True]
    assert book.told("worker.faulty") == []


# ---- senses


def test_so_many_failures_in_a_row_and_a_doubtful_one_counts_half() -> None:
    book = Clinic(probes=(PROBE,))
    (worker,) = book.workers
    book.probe(worker, ok=True)
    for weight in (1.0, 1.0, 0.5):
        book.probe(worker, ok=False, weight=weight)
    assert book.faults() == []

    book.probe(worker, ok=False, weight=0.5)

    assert book.faults() == [(worker, "probe")]


def test_before_its_first_success_a_probe_condemns_nobody_but_the_start_timeout_does() -> None:
    book = Clinic(probes=(PROBE,))
    (worker,) = book.workers
    for _ in range(59):
        book.wait(1)
        book.probe(worker, ok=False)
    assert book.faults() == []

    book.wait(1)

    assert book.faults() == [(worker, "not-ready")]


def test_counters_belong_to_one_life() -> None:
    book = Clinic(probes=(PROBE,))
    (worker,) = book.workers
    book.probe(worker, ok=True)
    book.probe(worker, ok=False)
    book.probe(worker, ok=False)
    successor = book.heal(worker)
    book.probe(successor, ok=False)
    book.probe(worker, ok=False)  # of the life that is gone

    assert book.faults() == []


def test_a_beat_is_due_from_readiness_on_and_not_from_one_that_is_idle() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY, beat_timeout_s=5.0)
    (worker,) = book.workers
    book.wait(50)
    book.say(worker, ready=True)
    book.wait(4)
    book.say(worker, idle=True)
    book.wait(500)
    assert book.faults() == []
    book.say(worker, beat=True)
    book.wait(4.9)
    assert book.faults() == []

    book.wait(0.1)

    assert book.faults() == [(worker, "beat")]


def test_a_worker_that_never_beats_is_found() -> None:
    book = Clinic(ready=ReadyWhen.STARTED, beat_timeout_s=5.0)
    book.wait(5)

    assert book.faults() == [(book.workers[0], "beat")]


def test_a_worker_may_call_itself_faulty() -> None:
    book = Clinic()
    book.say(book.workers[0], trigger=True, status="out of ideas")
    book.faults()

    assert [view.state for view in book.supervisor.snapshot(book.now).workers] == [WorkerState.STOPPING]


@pytest.mark.parametrize(("limit", "found_after"), [(None, 30.0), (3.0, 3.0)])
def test_a_task_has_its_own_limit_or_that_of_the_pool(limit: float | None, found_after: float) -> None:
    book = Clinic(task_timeout_s=30.0)
    (worker,) = book.workers
    book.say(worker, task="a", task_limit_s=limit)
    book.say(worker, task="b", task_limit_s=1000.0)
    book.wait(found_after - 0.1)
    assert book.faults() == []

    book.wait(0.1)

    assert book.faults() == [(worker, "task")]


def test_a_task_that_ended_in_time_is_nobodys_fault() -> None:
    book = Clinic(task_timeout_s=30.0)
    (worker,) = book.workers
    book.say(worker, task="a")
    book.wait(29)
    book.say(worker, task="b", task_ended="a")
    book.wait(29)
    book.say(worker, idle=True)
    book.wait(100)

    assert book.faults() == []


def test_a_counter_that_stands_still_is_found_only_while_there_is_work() -> None:
    book = Clinic(progress_from_url=True, progress_timeout_s=20.0)
    (worker,) = book.workers
    book.wait(2)
    for busy in (None, None, False, True, False, None):
        book.tell(events.ProgressRead, worker, 7.0, busy, "jobs_total")
        book.wait(10)
    assert book.faults() == []
    book.tell(events.ProgressRead, worker, None, None, "cannot be read")
    assert book.faults() == []

    book.tell(events.ProgressRead, worker, 7.0, True, "jobs_total")

    assert book.faults() == [(worker, "progress")]


def test_progress_that_a_worker_tells_itself_must_move() -> None:
    book = Clinic(progress_timeout_s=20.0, ready=ReadyWhen.STARTED)
    (worker,) = book.workers
    for value in (1.0, 2.0, 2.0):
        book.say(worker, beat=True, progress=value)
        book.wait(9)
    assert book.faults() == []

    book.wait(2)

    assert book.faults() == [(worker, "progress")]


def test_a_stopped_process_is_found_unless_a_debugger_is_at_it() -> None:
    book = Clinic(stopped_timeout_s=10.0)
    (worker,) = book.workers
    for _ in range(3):
        book.use(worker, state="T", traced=True)
        book.wait(5)
    for _ in range(2):
        book.use(worker, state="T")
        book.wait(5)
    assert book.faults() == []

    book.use(worker, state="T")

    assert book.faults() == [(worker, "stopped")]


def test_silence_is_neither_output_nor_cpu_time() -> None:
    book = Clinic(silence_timeout_s=10.0, ready=ReadyWhen.STARTED)
    (worker,) = book.workers
    for cpu_s in (1.0, 1.0, 1.1, 1.1):
        book.use(worker, cpu_s)
        book.wait(5)
    assert book.faults() == []

    book.use(worker, 1.1)

    assert book.faults() == [(worker, "silent")]


def test_the_hard_memory_limit_kills_at_once() -> None:
    book = Clinic(kill_rss=100 * MIB)
    (worker,) = book.workers
    book.use(worker, rss=101 * MIB)

    assert [(order.worker, order.signum) for order in book.take(SignalWorker)] == [(worker, 9)]
    assert [told["cause"] for told in book.told("worker.faulty")] == ["memory"]


def test_the_soft_memory_limit_takes_two_samples_in_a_row() -> None:
    book = Clinic(max_rss=100 * MIB)
    (worker,) = book.workers
    for rss in (101, 99, 101):
        book.use(worker, rss=rss * MIB)
    assert book.supervisor.is_recycling(worker) is False

    book.use(worker, rss=101 * MIB)

    assert book.supervisor.is_recycling(worker)
    assert book.take(SignalWorker) == []


@pytest.mark.parametrize(("ends_after", "stopped_after"), [(3.0, 3.0), (None, 10.0)])
def test_a_recycled_worker_may_end_what_it_works_on_within_the_stop_timeout(
    ends_after: float | None, stopped_after: float
) -> None:
    book = Clinic(max_rss=100 * MIB, ready=ReadyWhen.STARTED, stop_timeout_s=10.0)
    (worker,) = book.workers
    book.say(worker, task="a")
    for _ in range(2):
        book.use(worker, rss=101 * MIB)
    (surge,) = book.spawn()
    book.wait(1)
    assert book.take(TakeEvidence) == []
    if ends_after is not None:
        book.wait(ends_after - 1)
        book.say(worker, task_ended="a")
    else:
        book.wait(stopped_after - 1)
    (order,) = book.take(TakeEvidence)
    book.tell(events.EvidenceTaken, worker, events.Evidence())

    assert order.worker == worker
    assert [told["cause"] for told in book.told("worker.faulty")] == ["memory"]
    assert [order.worker for order in book.take(SignalWorker)] == [worker]
    book.tell(events.ProcessExited, worker, 0, None)
    (successor,) = book.spawn()
    assert [("heal_ms" in told) for told in book.told("worker.started")] == [False]
    assert book.view(successor).slot == 0
    assert surge != successor


def test_memory_that_is_given_back_in_time_recycles_nobody_and_the_limits_may_be_reached() -> None:
    book = Clinic(max_rss=100 * MIB, kill_rss=200 * MIB)
    (worker,) = book.workers
    book.tell(events.HoldRead, frozenset({"memory"}))
    for rss in (200, 200):
        book.use(worker, rss=rss * MIB)
    assert book.view(worker).held == "memory"
    book.use(worker, rss=100 * MIB)
    assert book.view(worker).held is None
    book.tell(events.HoldRead, frozenset())
    book.use(worker, rss=101 * MIB)
    book.use(worker, rss=100 * MIB)
    book.use(worker, rss=101 * MIB)

    assert not book.supervisor.is_recycling(worker)


def test_what_a_status_says_is_no_beat() -> None:
    book = Clinic(beat_timeout_s=5.0, ready=ReadyWhen.STARTED)
    (worker,) = book.workers
    book.wait(4)
    book.say(worker, status="busy")
    book.wait(1)

    assert book.faults() == [(worker, "beat")]


def test_one_that_is_idle_may_be_silent_and_stand_still() -> None:
    book = Clinic(silence_timeout_s=10.0, progress_timeout_s=10.0, ready=ReadyWhen.STARTED)
    (worker,) = book.workers
    book.say(worker, progress=1.0)
    book.say(worker, idle=True)
    for _ in range(5):
        book.use(worker, 1.0)
        book.wait(5)

    assert book.faults() == []


def test_a_task_that_ends_while_its_verdict_is_held_is_forgiven() -> None:
    book = Clinic(task_timeout_s=10.0)
    (worker,) = book.workers
    book.tell(events.HoldRead, frozenset({"task"}))
    book.say(worker, task="a")
    book.wait(10)
    assert book.view(worker).held == "task"
    book.say(worker, status="nearly there")
    assert book.view(worker).held == "task"
    book.say(worker, task_ended="a")

    assert book.view(worker).held is None


def test_one_probe_that_passes_acquits_nobody_of_another_one_that_fails() -> None:
    book = Clinic(probes=(PROBE, "tcp"), probe_failures=2)
    (worker,) = book.workers
    for probe in (PROBE, "tcp"):
        book.probe(worker, ok=True, probe=probe)
    book.tell(events.HoldRead, frozenset({"all"}))
    for _ in range(2):
        book.probe(worker, ok=False)
    book.probe(worker, ok=True, probe="tcp")
    assert book.view(worker).held == "probe"
    book.probe(worker, ok=True)

    assert book.view(worker).held is None


def test_one_that_is_ready_again_after_it_said_that_it_stops_is_ready() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY)
    (worker,) = book.workers
    book.say(worker, ready=True)
    book.say(worker, stopping=True)
    book.say(worker, beat=True)
    assert not book.view(worker).ready
    book.say(worker, ready=True)

    assert book.view(worker).ready


def test_a_start_that_nobody_watched_has_its_whole_time_again() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY)
    book.now += 100  # it was frozen
    book.tell(events.DeadlineReached)
    book.wait(59)
    assert book.faults() == []
    book.wait(1)

    assert [told.detail for told in book.told_of(WorkerFaulty)] == ["not ready within 60 s"]


def test_what_an_agent_learns_late_condemns_nobody() -> None:
    book = Clinic(beat_timeout_s=5.0, ready=ReadyWhen.STARTED)
    book.now += 60  # it was frozen
    book.tell(events.DeadlineReached)
    assert book.faults() == []
    book.wait(4.9)
    assert book.faults() == []

    book.wait(0.1)

    assert book.faults() == [(book.workers[0], "beat")]


def test_senses_look_at_a_life_from_its_start_to_the_beginning_of_its_end() -> None:
    book = Playbook(1, probes=(PROBE,), port_base=8000)
    (worker,) = book.run_unregistered(1)
    assert book.take(StartSenses) == [StartSenses(worker, 100, 0, 8000)]
    book.tell(events.ProcessExited, worker, 1, None)
    assert book.take(StopSenses) == [StopSenses(worker)]
    (worker,) = book.spawn()
    book.follow(me=0)
    assert book.take(StopSenses) == [StopSenses(worker)]

    book.tell(events.ProcessExited, worker, 0, None)

    assert book.take(StopSenses) == []


# ---- the brake, and what is held


class Ward(Clinic):
    """Eight workers that are ready, of which two may be replaced for a verdict at once."""

    def __init__(self, **spec: Any) -> None:
        super().__init__(8, probes=(PROBE,), probe_failures=1, **spec)
        for worker in self.workers:
            self.probe(worker, ok=True)
        self.orders.clear()

    def fail_all(self, workers: list[str] | None = None) -> None:
        for worker in workers if workers is not None else self.workers:
            self.probe(worker, ok=False)


def test_a_shared_dependency_that_fails_costs_no_more_than_the_brakes_part() -> None:
    book = Ward()
    book.fail_all()
    assert book.faults() == [(worker, "probe") for worker in book.workers[:2]]
    assert [told["worker"] for told in book.told("worker.held")] == book.workers[2:]
    assert {book.view(worker).held for worker in book.workers[2:]} == {"probe"}
    for worker in book.workers[:2]:
        book.heal(worker, ready=False)
    book.wait(30)
    book.fail_all(book.workers[2:])

    assert book.faults() == []


def test_who_recovers_first_is_not_replaced() -> None:
    book = Ward()
    book.fail_all()
    book.faults()
    for worker in book.workers[2:]:
        book.probe(worker, ok=True)
    for worker in book.workers[:2]:
        book.heal(worker)
    book.wait(30)

    assert book.faults() == []
    assert {book.view(worker).held for worker in book.workers[2:]} == {None}


def test_held_verdicts_are_carried_out_on_evidence_that_is_newer_than_the_room() -> None:
    book = Ward()
    book.fail_all()
    book.faults()
    book.heal(book.workers[0])
    third = book.workers[2]
    book.probe(third, ok=False)  # it was asked before there was room
    assert book.faults() == []

    book.wait(2.1)
    book.probe(third, ok=False)

    assert book.faults() == [(third, "probe")]
    book.probe(book.workers[3], ok=False)
    assert book.faults() == []


def test_a_clock_that_ran_out_is_looked_at_once_more_when_there_is_room() -> None:
    book = Clinic(2, ready=ReadyWhen.STARTED, beat_timeout_s=5.0)
    one, other = book.workers
    book.wait(5)
    assert book.faults() == [(one, "beat")]
    assert book.view(other).held == "beat"
    book.wait(1)
    book.tell(events.ProcessExited, one, 0, None)
    book.spawn()
    assert book.faults() == []

    book.wait(1)

    assert book.faults() == [(other, "beat")]


def test_a_replacement_that_is_faulty_itself_needs_no_more_room() -> None:
    book = Ward()
    book.fail_all()
    book.faults()
    worker = book.heal(book.workers[0], ready=False)
    book.wait(60)

    assert (worker, "not-ready") in book.faults()
    book.wait(1)
    book.probe(book.workers[2], ok=False)
    assert book.faults() == []


def test_deaths_are_never_braked() -> None:
    book = Ward()
    for worker in book.workers:
        book.tell(events.ProcessExited, worker, None, "SIGKILL")

    assert len(book.take(SpawnWorker)) == 8


@pytest.mark.parametrize(("held", "free"), [("probe", "beat"), ("all", None)])
def test_what_somebody_holds_is_carried_out_once_it_is_released(held: str, free: str | None) -> None:
    book = Ward()
    worker = book.workers[0]
    book.tell(events.HoldRead, frozenset({held}))
    book.probe(worker, ok=False)
    assert book.faults() == []
    assert book.view(worker).held == "probe"
    book.tell(events.HoldRead, frozenset({free} if free else ()))
    assert book.faults() == []
    book.wait(1.9)
    book.probe(worker, ok=False)  # it may have been asked before the release
    assert book.faults() == []
    book.wait(0.2)

    book.probe(worker, ok=False)

    assert book.faults() == [(worker, "probe")]


def test_a_registration_that_is_lost_while_that_is_held_is_judged_anew_when_it_is_released() -> None:
    book = Playbook(3)
    one, *_ = book.run(3)
    book.tell(events.HoldRead, frozenset({"registration"}))
    book.tell(events.RegistrationGone, one)
    book.wait(10)
    assert book.take(TakeEvidence) == []
    book.tell(events.HoldRead, frozenset())
    assert book.take(TakeEvidence) == []
    book.wait(1)

    assert [order.worker for order in book.take(TakeEvidence)] == [one]


def test_what_is_held_is_told_once() -> None:
    book = Ward()
    book.tell(events.HoldRead, frozenset({"probe"}))
    for _ in range(3):
        book.probe(book.workers[0], ok=False)

    assert len(book.told("worker.held")) == 1


@pytest.mark.parametrize(
    ("max_faulty", "share", "limit"), [(0.25, 3, 1), (0.25, 8, 2), (0.29, 100, 29), (3, 100, 3), (0.01, 10, 1)]
)
def test_the_part_is_rounded_down_and_at_least_one(max_faulty: int | float, share: int, limit: int) -> None:
    brake = Brake(max_faulty)
    brake.set_share(share, 0.0)

    assert brake.limit == limit


# ---- what is told of nobody, or in the wrong moment


def test_what_is_told_of_an_unknown_worker_is_ignored() -> None:
    book = Clinic(ready=ReadyWhen.LOG)
    book.orders.clear()
    book.say("me-9-gone", trigger=True)
    book.tell(events.LogMatched, "me-9-gone")
    book.tell(events.RegistrationSeen, "me-9-gone")
    book.use("me-9-gone", rss=MIB)
    book.tell(events.EvidenceTaken, "me-9-gone", events.Evidence("S (sleeping)"))

    assert book.orders == []
    assert not book.view(book.workers[0]).ready


def test_a_pattern_in_the_log_makes_nobody_ready_where_something_else_decides() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY)
    (worker,) = book.workers
    book.tell(events.LogMatched, worker)

    assert not book.view(worker).ready


def test_of_two_verdicts_at_once_the_first_one_stands() -> None:
    book = Clinic(ready=ReadyWhen.STARTED, stopped_timeout_s=5.0, silence_timeout_s=5.0)
    (worker,) = book.workers
    book.use(worker, state="T")
    book.now += 6
    book.use(worker, state="T")

    assert book.faults() == [(worker, "stopped")]


def test_progress_that_stood_before_a_worker_was_ready_is_counted_from_its_readiness() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY, progress_timeout_s=10.0)
    (worker,) = book.workers
    book.say(worker, progress=1.0)
    book.wait(8)
    book.say(worker, ready=True)
    book.wait(9)
    assert book.faults() == []
    book.wait(1)

    assert book.faults() == [(worker, "progress")]


def test_after_the_agent_was_held_up_progress_has_all_its_time_again() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY, progress_timeout_s=10.0)
    (worker,) = book.workers
    book.say(worker, ready=True, progress=1.0)
    book.now += 60
    book.tell(events.DeadlineReached)
    book.wait(9)
    assert book.faults() == []
    book.wait(1)

    assert book.faults() == [(worker, "progress")]


def test_a_worker_that_called_itself_faulty_and_was_held_is_stopped_when_the_hold_ends() -> None:
    book = Clinic(ready=ReadyWhen.STARTED)
    (worker,) = book.workers
    book.tell(events.HoldRead, frozenset({"beat"}))
    book.say(worker, trigger=True, status="out of disk")
    book.wait(60)
    assert book.faults() == []
    book.tell(events.HoldRead, frozenset())
    book.wait(60)

    assert book.faults() == [(worker, "beat")]


def test_a_worker_that_was_ready_before_the_pool_was_seen_to_notify_owes_no_ready() -> None:
    book = Clinic(2)
    book.wait(3)
    assert all(book.view(worker).ready for worker in book.workers)
    book.say(book.workers[0], ready=True)
    book.wait(1000)

    assert book.faults() == []
