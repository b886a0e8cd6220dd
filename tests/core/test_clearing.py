"""What dead workers leave behind is ended, and waited for."""

from __future__ import annotations

from autohealer.core.actions import EndOrphans, SpawnWorker
from autohealer.core.events import OrphansEnded
from autohealer.core.pool.clearing import ORPHANS_S
from autohealer.core.pool.stops import SIGKILL
from tests.core.slots_bench import STOP, STOP_TIMEOUT_S, Bench


def test_what_a_stopped_worker_left_behind_gets_the_same_time_to_end(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.want(0, bench.now)
    bench.exit(worker, 0)

    assert bench.take(EndOrphans) == [EndOrphans(worker, STOP, STOP_TIMEOUT_S)]


def test_nothing_is_left_only_when_orphans_are_gone_too(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.slots.want(0, bench.now)
    assert not bench.is_empty
    bench.exit(worker, 0)
    assert not bench.is_empty
    bench.occupancy.orphans_ended(OrphansEnded(bench.now, worker))

    assert bench.is_empty


def test_kill_all_leaves_no_time_to_what_the_killed_left_behind(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.kill_all()
    bench.exit(worker, None, "SIGKILL")

    assert bench.take(EndOrphans) == [EndOrphans(worker, SIGKILL, 0.0)]


def test_what_a_worker_left_ends_before_its_replacement_starts(bench: Bench) -> None:
    """It may hold the port that the replacement needs, and a start that fails for that is nobody's failure."""
    first, _ = bench.run(2)

    bench.exit(first, left=True)

    assert bench.take(SpawnWorker) == []
    assert [order.worker for order in bench.take(EndOrphans)] == [first]
    bench.occupancy.orphans_ended(OrphansEnded(bench.now, first))
    assert [order.slot for order in bench.take(SpawnWorker)] == [0]


def test_what_cannot_be_ended_holds_no_slot_for_ever(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.exit(worker, left=True)

    bench.wait(ORPHANS_S + 0.01)

    assert len(bench.take(SpawnWorker)) == 1
    bench.occupancy.orphans_ended(OrphansEnded(bench.now, worker))
    assert bench.take(SpawnWorker) == []


def test_a_slot_that_is_gone_waits_for_nothing(bench: Bench) -> None:
    (worker,) = bench.run(1)
    bench.exit(worker, left=True)
    bench.slots.want(0, bench.now)

    bench.occupancy.orphans_ended(OrphansEnded(bench.now, worker))

    assert bench.take(SpawnWorker) == []
    assert bench.is_empty
