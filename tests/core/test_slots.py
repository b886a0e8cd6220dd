"""Slots are filled, healed, held back and emptied; former workers keep theirs."""

from __future__ import annotations

import pytest

from autohealer.core.actions import (
    EmitEvent,
    EndOrphans,
    SignalWorker,
    SpawnWorker,
    TakeEvidence,
)
from autohealer.core.events import (
    Evidence,
    EvidenceTaken,
    WorkerFound,
)
from autohealer.core.notices import WorkerFaulty
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.stops import EVIDENCE_S, REPEAT_KILL_S, SIGKILL
from tests.core.slots_bench import STOP, STOP_TIMEOUT_S, Bench, empty_the_bucket

# ---- wanted


def test_wanted_slots_are_filled_from_zero_up(bench: Bench) -> None:
    bench.slots.want(3, bench.now)

    assert [(order.slot, order.epoch) for order in bench.take(SpawnWorker)] == [(0, 0), (1, 0), (2, 0)]


def test_a_worker_carries_the_epoch_under_which_it_is_started(bench: Bench) -> None:
    bench.lives.epoch = 77
    bench.slots.want(1, bench.now)

    assert [order.epoch for order in bench.take(SpawnWorker)] == [77]


def test_asking_for_the_same_again_orders_nothing(bench: Bench) -> None:
    bench.run(3)
    bench.slots.want(3, bench.now)

    assert bench.orders == []


def test_a_surplus_is_stopped_from_the_highest_slot_down(bench: Bench) -> None:
    workers = bench.run(4)
    bench.slots.want(1, bench.now)

    assert bench.signals() == [(worker, STOP) for worker in reversed(workers[1:])]


def test_a_slot_wanted_again_while_its_worker_stops_is_filled_when_it_has_gone(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.want(0, bench.now)
    bench.slots.want(1, bench.now)
    assert bench.take(SpawnWorker) == []

    bench.exit(worker, 0)

    assert [order.slot for order in bench.take(SpawnWorker)] == [0]


def test_a_worker_unwanted_before_it_runs_is_stopped_as_soon_as_it_does(bench: Bench) -> None:
    bench.slots.want(1, bench.now)
    bench.slots.want(0, bench.now)
    assert bench.signals() == []

    (worker,) = bench.spawn()

    assert bench.signals() == [(worker, STOP)]


def test_with_no_share_known_workers_are_kept_and_none_is_replaced(bench: Bench) -> None:
    workers = bench.run(2)
    bench.slots.want(None, bench.now)
    bench.exit(workers[0])

    assert bench.signals() == []
    assert bench.take(SpawnWorker) == []
    assert bench.lives.of(workers[1]) is not None


def test_a_backoff_that_ends_with_no_share_known_starts_nothing(bench: Bench) -> None:
    (worker,) = bench.run(1)
    empty_the_bucket(bench, worker)
    bench.slots.want(None, bench.now)
    bench.wait(60)
    assert bench.take(SpawnWorker) == []

    bench.slots.want(1, bench.now)

    assert len(bench.take(SpawnWorker)) == 1


# ---- backoff


def test_a_crash_loop_waits_says_so_and_starts_again_on_time(bench: Bench) -> None:
    (worker,) = bench.run(1)
    empty_the_bucket(bench, worker)
    (told,) = bench.reports("worker.backoff")
    due = bench.slots.next_deadline()
    assert due is not None
    assert [slot.state for slot in bench.slots] == [WorkerState.BACKOFF]
    assert told["delay"] == round(due - bench.now, 3)
    assert told["reason"] == "exit code 1"

    bench.wait((due - bench.now) / 2)
    assert bench.take(SpawnWorker) == []
    bench.now = due
    bench.wait(0)

    assert len(bench.take(SpawnWorker)) == 1
    assert bench.slots.next_deadline() is None


def test_a_slot_that_waits_is_forgotten_when_it_is_not_wanted_any_more(bench: Bench) -> None:
    (worker,) = bench.run(1)
    empty_the_bucket(bench, worker)
    bench.slots.want(0, bench.now)

    assert list(bench.slots) == []
    assert bench.slots.next_deadline() is None


@pytest.mark.parametrize("limit", [1, 3])
def test_so_many_failures_in_a_row_are_enough(limit: int) -> None:
    bench = Bench(max_failures=limit)
    (worker,) = bench.run(1)
    for failure in range(limit):
        assert bench.slots.over is None, failure
        bench.exit(worker, None, "SIGSEGV")
        worker = (bench.spawn() or [""])[0]

    assert bench.slots.over is not None
    assert bench.slots.over.reason.endswith("killed by SIGSEGV")


def test_a_stable_life_between_failures_begins_a_new_count() -> None:
    bench = Bench(max_failures=2)
    (worker,) = bench.run(1)
    for alive in (0, 10, 0, 10, 0):
        bench.now += alive
        bench.exit(worker)
        (worker,) = bench.spawn()

    assert bench.slots.over is None


# ---- stopping


def test_what_does_not_stop_in_time_is_killed_again_and_again_until_it_is_gone(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.want(0, bench.now)
    assert bench.signals() == [(worker, STOP)]

    assert bench.lives.next_deadline() == bench.now + STOP_TIMEOUT_S
    bench.wait(STOP_TIMEOUT_S - 0.001)
    assert bench.signals() == []
    bench.wait(0.001)
    assert bench.signals() == [(worker, SIGKILL)]
    bench.wait(REPEAT_KILL_S)
    assert bench.signals() == [(worker, SIGKILL)]

    bench.exit(worker, None, "SIGKILL")
    assert bench.slots.next_deadline() is None


def test_a_faulty_worker_gives_evidence_is_stopped_and_replaced(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.condemn(worker, "it is gone")
    assert bench.orders == [TakeEvidence(worker)]

    bench.lives.evidence(EvidenceTaken(bench.now, worker, Evidence(state="in a lock")))
    told, signal = bench.orders[1:]
    assert told == EmitEvent(WorkerFaulty(worker, 4711, 0, "registration", "it is gone", "state in a lock"))
    assert signal == SignalWorker(worker, STOP)
    assert bench.lives.next_deadline() == bench.now + STOP_TIMEOUT_S

    bench.exit(worker, 0)
    assert [order.slot for order in bench.take(SpawnWorker)] == [0]


def test_evidence_that_does_not_come_is_not_waited_for(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.condemn(worker)
    bench.wait(EVIDENCE_S)
    assert bench.signals() == [(worker, STOP)]

    bench.lives.evidence(EvidenceTaken(bench.now, worker, Evidence(state="too late")))
    assert bench.signals() == []


def test_a_fault_found_twice_or_in_a_worker_that_stops_is_no_news(bench: Bench) -> None:
    one, other = bench.run(2)
    bench.slots.want(1, bench.now)
    bench.orders.clear()
    bench.condemn(other)
    assert bench.orders == []

    bench.condemn(one)
    bench.condemn(one)
    assert bench.orders == [TakeEvidence(one)]


def test_only_a_worker_that_lives_here_is_killed(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.lives.kill("me-0-former")
    assert bench.signals() == []
    bench.lives.kill(worker)

    assert bench.signals() == [(worker, SIGKILL)]


def test_kill_all_kills_what_runs_what_stops_and_what_they_left(bench: Bench) -> None:
    runs, stops, left = bench.run(3)
    bench.slots.want(2, bench.now)
    bench.exit(left, 0)
    bench.condemn(stops)
    bench.orders.clear()
    bench.kill_all()

    assert {worker for worker, signum in bench.signals() if signum == SIGKILL} == {runs, stops}
    assert bench.take(EndOrphans) == [EndOrphans(left, SIGKILL, 0.0)]


def test_kill_all_leaves_no_time_to_what_starts_only_now(bench: Bench) -> None:
    bench.slots.want(1, bench.now)
    bench.kill_all()
    (worker,) = bench.spawn()

    assert (worker, SIGKILL) in bench.signals()


# ---- adoption


def adopt(bench: Bench, worker: str, slot: int, age_s: float = 100.0) -> None:
    bench.slots.adopt(WorkerFound(bench.now, worker, slot, 99, "then", age_s))


def test_an_adopted_worker_keeps_its_slot_and_the_rest_is_filled(bench: Bench) -> None:
    adopt(bench, "me-1-old", 1)
    bench.slots.want(3, bench.now)

    assert [order.slot for order in bench.take(SpawnWorker)] == [0, 2]
    assert bench.signals() == []
    assert [(told["worker"], told["pid"]) for told in bench.reports("worker.adopted")] == [("me-1-old", 99)]


def test_one_adopted_worker_too_many_in_a_slot_is_stopped(bench: Bench) -> None:
    adopt(bench, "me-0-old", 0)
    adopt(bench, "me-0-older", 0)
    adopt(bench, "me-0-oldest", 0)
    bench.slots.want(1, bench.now)

    assert [worker for worker, _ in bench.signals()] == ["me-0-older", "me-0-oldest"]


def test_an_adopted_worker_has_lived_as_long_as_it_has(bench: Bench) -> None:
    adopt(bench, "me-0-old", 0, age_s=100.0)
    bench.slots.want(1, bench.now)
    bench.now += 5
    bench.exit("me-0-old", None)

    (report,) = bench.reports("worker.exited")
    assert (report["uptime"], report["code"], report["signal"]) == (105.0, None, None)


def test_an_adopted_life_without_a_slot_is_stopped_once_the_share_is_known(bench: Bench) -> None:
    bench.slots.adopt(WorkerFound(bench.now, "me-7-surge", None, 99, "then", 1.0, 2, 7))
    assert bench.signals() == []

    bench.slots.want(1, bench.now)

    assert bench.signals() == [("me-7-surge", STOP)]
