"""What each sense finds, and that nothing else condemns a worker."""

from __future__ import annotations

import pytest

from autohealer.core import events
from autohealer.core.actions import SignalWorker, StartSenses, StopSenses, TakeEvidence
from autohealer.core.model import ReadyWhen
from autohealer.core.notices import WorkerFaulty
from autohealer.core.pool.lifecycle import WorkerState
from tests.core.clinic import MIB, PROBE, Clinic
from tests.core.playbook import Playbook

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


# ---- what is told of nobody, or in the wrong moment


def test_what_is_told_of_an_unknown_worker_is_ignored() -> None:
    book = Clinic(ready=ReadyWhen.LOG)
    book.orders.clear()
    book.say("me-9-gone", trigger=True)
    book.tell(events.LogMatched, "me-9-gone")
    book.tell(events.RegistrationSeen, "me-9-gone")
    book.use("me-9-gone", rss=MIB)
    book.tell(events.EvidenceTaken, "me-9-gone", events.Evidence("S (sleeping)"))
    book.supervisor._workers.health.registered("me-9-gone", book.now, own=True)
    book.supervisor._workers.health.registration_lost("me-9-gone", "its session is gone", book.now)

    assert book.orders == []
    assert not book.view(book.workers[0]).ready


def test_a_pattern_in_the_log_makes_nobody_ready_where_something_else_decides() -> None:
    book = Clinic(ready=ReadyWhen.NOTIFY)
    (worker,) = book.workers
    book.tell(events.LogMatched, worker)

    assert not book.view(worker).ready


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
