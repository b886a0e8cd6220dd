"""Lives begin and end in slots: what is told of it, and what counts as a heal."""

from __future__ import annotations

from autohealer.core.actions import EmitEvent, EndOrphans, RecordIncident, SpawnWorker
from autohealer.core.events import ProcessExited, SpawnFailed
from autohealer.core.notices import WorkerExited
from autohealer.core.pool.finishing import Over
from autohealer.core.pool.stops import SIGKILL
from tests.core.slots_bench import Bench, empty_the_bucket

# ---- beginnings and ends


def test_a_dead_worker_is_replaced_before_anything_else_is_ordered(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.exit(worker, None, "SIGKILL")

    replacement, report, clear, incident = bench.orders
    assert isinstance(incident, RecordIncident)
    assert isinstance(replacement, SpawnWorker)
    assert replacement.slot == 0
    assert replacement.worker != worker
    assert report == EmitEvent(WorkerExited(worker, 4711, 0, None, "SIGKILL", 0.0, "SIGKILL"))
    assert clear == EndOrphans(worker, SIGKILL, 0.0)


def test_an_exit_that_is_no_news_changes_nothing(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.exit(worker)
    bench.orders.clear()
    bench.exit(worker)
    bench.exit("me-0-never")

    assert bench.orders == []


def test_heal_ms_is_the_time_from_death_to_the_replacements_start(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.exit(worker)
    bench.now += 0.0125
    bench.spawn()

    assert [report["heal_ms"] for report in bench.reports("worker.started")] == [12.5]


def test_a_first_start_heals_nothing(bench: Bench) -> None:
    bench.slots.want(1, bench.now)
    bench.spawn()

    assert [("heal_ms" in report) for report in bench.reports("worker.started")] == [False]


def test_uptime_counts_from_the_workers_start(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.now += 4.5
    bench.exit(worker)

    assert [report["uptime"] for report in bench.reports("worker.exited")] == [4.5]


def test_a_start_after_a_backoff_is_no_heal_and_says_how_long_it_waited(bench: Bench) -> None:
    """The next one that is due at once is a heal again."""
    (worker,) = bench.run(1)
    empty_the_bucket(bench, worker)
    bench.wait(60)
    (successor,) = bench.spawn()
    bench.wait(600)
    bench.exit(successor)
    bench.spawn()
    late, prompt = bench.reports("worker.started")[-2:]

    assert ("heal_ms" in late, late["backoff_ms"]) == (False, 60_000.0)
    assert ("backoff_ms" in prompt, prompt["heal_ms"]) == (False, 0.0)


def test_the_end_of_a_life_on_trial_counts_for_nothing_and_is_filled_when_that_has_been_decided(bench: Bench) -> None:
    (worker,) = bench.run(1)
    for _ in range(20):
        bench.occupancy.exited(ProcessExited(bench.now, worker, 1, None), on_trial=True)
        assert bench.take(SpawnWorker) == []
        bench.slots.fill_left(bench.now)
        (worker,) = bench.spawn()

    assert bench.reports("worker.backoff") == []


def test_want_of_resources_is_retried_later_and_not_charged_to_the_worker() -> None:
    bench = Bench(max_failures=1)
    bench.slots.want(1, bench.now)
    for _ in range(12):
        (order,) = bench.take(SpawnWorker)
        bench.occupancy.spawn_failed(SpawnFailed(bench.now, order.worker, "EAGAIN", temporary=True))
        due = bench.slots.next_deadline()
        assert due is not None
        assert 0.2 <= due - bench.now <= 36
        bench.now = due
        bench.wait(0)

    assert bench.slots.over is None
    assert len(bench.spawn()) == 1


def test_a_command_that_cannot_be_started_is_the_workers_failure() -> None:
    bench = Bench(max_failures=2)
    bench.slots.want(1, bench.now)
    for _ in range(2):
        (order,) = bench.take(SpawnWorker)
        bench.occupancy.spawn_failed(SpawnFailed(bench.now, order.worker, "no such file", temporary=False))

    reason = "the worker in slot 0 failed 2 times in a row, the last time with: no such file"
    assert bench.slots.over == Over(True, reason)


def test_a_stop_that_was_asked_for_is_no_failure() -> None:
    bench = Bench(max_failures=1)
    workers = bench.run(1)
    bench.slots.want(0, bench.now)
    bench.exit(workers[0], 143)

    assert bench.slots.over is None
    assert [report["code"] for report in bench.reports("worker.stopped")] == [143]


def test_a_start_that_fails_for_want_of_resources_waits_even_in_a_rollout(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.replace(0, 2, bench.now)
    bench.exit(worker, None, "SIGTERM")
    (order,) = bench.take(SpawnWorker)
    bench.occupancy.spawn_failed(SpawnFailed(bench.now, order.worker, "too many processes", temporary=True))
    bench.slots.retry(0, 2, bench.now)
    assert bench.take(SpawnWorker) == []
    bench.wait(1)

    assert [order.revision for order in bench.take(SpawnWorker)] == [2]
