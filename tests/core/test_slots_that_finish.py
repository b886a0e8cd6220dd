"""Slots whose workers may finish, and slots in rollouts."""

from __future__ import annotations

from typing import Any

import pytest

from autohealer.core.actions import (
    KeepFinished,
    SpawnWorker,
)
from autohealer.core.events import (
    FinishedFound,
    ProcessExited,
)
from autohealer.core.model import ExitOn, RestartPolicy
from autohealer.core.pool.finishing import Over
from autohealer.core.pool.lifecycle import WorkerState
from tests.core.slots_bench import STOP, Bench, empty_the_bucket

# ---- what ends for good


def finishing(restart: RestartPolicy, **fields: Any) -> tuple[Bench, str]:
    bench = Bench(restart=restart, **fields)
    (worker,) = bench.run(1)
    return bench, worker


@pytest.mark.parametrize(
    ("restart", "code", "signal", "state"),
    [
        (RestartPolicy.ON_FAILURE, 0, None, WorkerState.DONE),
        (RestartPolicy.ON_FAILURE, 3, None, WorkerState.DONE),
        (RestartPolicy.ON_FAILURE, None, "SIGUSR1", WorkerState.DONE),
        (RestartPolicy.ON_FAILURE, 1, None, WorkerState.STARTING),
        (RestartPolicy.ON_FAILURE, None, None, WorkerState.STARTING),
        (RestartPolicy.NEVER, 0, None, WorkerState.DONE),
        (RestartPolicy.NEVER, 1, None, WorkerState.FAILED),
        (RestartPolicy.NEVER, None, None, WorkerState.FAILED),
        (RestartPolicy.NEVER, None, "SIGKILL", WorkerState.FAILED),
        (RestartPolicy.ALWAYS, 0, None, WorkerState.STARTING),
    ],
)
def test_the_policy_and_the_end_decide_what_becomes_of_a_slot(
    restart: RestartPolicy, code: int | None, signal: str | None, state: WorkerState
) -> None:
    bench, worker = finishing(restart, ok_exit=frozenset({0, 3, "SIGUSR1"}))
    bench.exit(worker, code, signal)

    assert [slot.state for slot in bench.slots] == [state]
    finished = [state is WorkerState.FAILED] if state in {WorkerState.DONE, WorkerState.FAILED} else []
    assert [told["failed"] for told in bench.reports("worker.done")] == finished


@pytest.mark.parametrize("restart", [RestartPolicy.ON_FAILURE, RestartPolicy.NEVER])
def test_a_stop_that_was_asked_for_finishes_nothing(restart: RestartPolicy) -> None:
    bench, worker = finishing(restart)
    bench.slots.replace(0, 1, bench.now)
    bench.exit(worker, 1)

    assert len(bench.take(SpawnWorker)) == 1


def test_what_a_sense_condemned_did_not_end_well_whatever_its_exit_code() -> None:
    bench, worker = finishing(RestartPolicy.ON_FAILURE)
    bench.condemn(worker)
    bench.exit(worker, 0)

    assert len(bench.take(SpawnWorker)) == 1


def test_a_finished_slot_is_not_filled_again_by_scaling_down_and_up() -> None:
    bench, worker = finishing(RestartPolicy.ON_FAILURE)
    bench.exit(worker, 0)
    bench.slots.want(0, bench.now)
    bench.slots.want(2, bench.now)

    assert [order.slot for order in bench.take(SpawnWorker)] == [1]


def test_with_on_failure_a_slot_that_fails_too_often_is_failed_and_the_others_go_on() -> None:
    bench = Bench(restart=RestartPolicy.ON_FAILURE, max_failures=2)
    worker, _ = bench.run(2)
    bench.exit(worker)
    (worker,) = bench.spawn()
    bench.exit(worker)

    assert bench.slots.over is None
    assert [slot.state for slot in bench.slots] == [WorkerState.FAILED, WorkerState.RUNNING]
    assert [told["failed"] for told in bench.reports("worker.done")] == [True]


def test_a_replacement_is_told_how_often_and_why(bench: Bench) -> None:
    (worker,) = bench.run(1)
    told = []
    for code, signal in ((3, None), (None, "SIGKILL"), (None, None)):
        bench.exit(worker, code, signal)
        told += [(order.restarts, order.last_exit) for order in bench.orders if isinstance(order, SpawnWorker)]
        (worker,) = bench.spawn()

    assert told == [(1, "3"), (2, "SIGKILL"), (3, "")]


def test_the_pool_is_over_when_all_that_is_wanted_has_finished() -> None:
    bench = Bench(restart=RestartPolicy.ON_FAILURE)
    one, other = bench.run(2)
    bench.exit(one, 0)
    assert (bench.slots.finished, bench.slots.over) == ((1, 0), None)
    bench.exit(other, 0)

    assert (bench.slots.finished, bench.slots.over) == ((2, 0), Over(False, "all workers have ended well"))
    assert bench.take(KeepFinished) == [KeepFinished(0, False, 1), KeepFinished(1, False, 1)]


@pytest.mark.parametrize(
    ("exit_on", "codes", "failed"),
    [
        (ExitOn.NEVER, (0, 1), True),
        (ExitOn.NEVER, (1,), None),
        (ExitOn.ANY_FAILED, (0,), None),
        (ExitOn.ANY_FAILED, (1,), True),
        (ExitOn.ALL_FAILED, (1,), None),
        (ExitOn.ALL_FAILED, (1, 1), True),
        (ExitOn.ALL_FAILED, (0, 0), False),
        (ExitOn.FIRST_EXIT, (0,), False),
        (ExitOn.FIRST_EXIT, (1,), True),
    ],
)
def test_whose_end_is_enough_for_the_agent(exit_on: ExitOn, codes: tuple[int, ...], failed: bool | None) -> None:
    bench = Bench(restart=RestartPolicy.NEVER, exit_on=exit_on)
    for worker, code in zip(bench.run(2), codes, strict=False):
        bench.exit(worker, code)

    assert (bench.slots.over.failed if bench.slots.over else None) is failed


def test_with_always_a_slot_fails_by_its_failures_and_all_failed_waits_for_all() -> None:
    bench = Bench(max_failures=1, exit_on=ExitOn.ALL_FAILED)
    one, other = bench.run(2)
    bench.exit(one)
    assert bench.slots.over is None
    bench.exit(other)

    assert bench.slots.over == Over(True, "the worker in slot 0 failed: once, the last time with: exit code 1")


def test_what_was_finished_in_a_former_life_is_not_started_again() -> None:
    bench = Bench(restart=RestartPolicy.ON_FAILURE)
    bench.slots.restore(FinishedFound(bench.now, frozenset({0}), frozenset({2})))
    bench.slots.want(3, bench.now)
    (worker,) = bench.spawn()
    assert bench.life(worker).slot == 1
    bench.exit(worker, 0)

    assert bench.slots.finished == (2, 1)
    assert bench.slots.over == Over(True, "the worker in slot 2 failed: before this agent was started")


# ---- for rollouts


def test_a_replaced_slot_starts_the_other_revision_at_once_and_heals_nothing(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.replace(0, 2, bench.now)
    assert bench.signals() == [(worker, STOP)]
    bench.exit(worker, None, "SIGTERM")
    (order,) = [order for order in bench.orders if isinstance(order, SpawnWorker)]
    bench.spawn()

    assert order.revision == 2
    assert [("heal_ms" in told, told["revision"]) for told in bench.reports("worker.started")] == [(False, 2)]


def test_a_slot_whose_number_a_surge_has_waits_for_its_end(bench: Bench) -> None:
    bench.run(1)
    bench.slots.reserve(1)
    bench.slots.want(2, bench.now)
    assert bench.take(SpawnWorker) == []
    bench.slots.release(1, bench.now)

    assert [order.slot for order in bench.take(SpawnWorker)] == [1]


def test_a_slot_that_is_gone_needs_no_decision_of_a_rollout(bench: Bench) -> None:
    one, other = bench.run(2)
    for worker in (one, other):
        bench.occupancy.exited(ProcessExited(bench.now, worker, 1, None), on_trial=True)
    bench.slots.want(1, bench.now)
    assert [slot.index for slot in bench.slots] == [0]
    bench.take(SpawnWorker)

    bench.slots.fill_left(bench.now)

    assert bench.take(SpawnWorker) == []


def test_a_slot_heals_in_its_own_revision(bench: Bench) -> None:
    one, other = bench.run(2)
    bench.slots.replace(0, 2, bench.now)
    bench.exit(one, None, "SIGTERM")
    bench.exit(other)

    assert [(order.slot, order.revision) for order in bench.take(SpawnWorker)] == [(0, 2), (1, 1)]


def test_a_slot_that_waits_is_tried_at_once_when_it_is_replaced_or_backoff_is_reset(bench: Bench) -> None:
    (worker,) = bench.run(1)
    empty_the_bucket(bench, worker)
    bench.slots.replace(0, 2, bench.now)
    (worker,) = bench.spawn()
    empty_the_bucket(bench, worker)
    bench.slots.reset_backoff(bench.now)

    assert len(bench.take(SpawnWorker)) == 1
