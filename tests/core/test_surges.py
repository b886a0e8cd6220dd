"""The lives that a rollout starts beside the slots, and what it may do with those in them."""

from __future__ import annotations

import pytest

from autohealer.core.actions import SignalWorker, SpawnWorker, TakeEvidence
from autohealer.core.model import OnPartition, Sense, Verdict
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Role
from autohealer.core.pool.lives import Start
from autohealer.core.pool.surges import UNBOUNDED, AgentFleet
from tests.core.slots_bench import Bench


def fleet_of(bench: Bench, share: int) -> AgentFleet:
    bench.run(share)
    fleet = AgentFleet(bench.spec, bench.slots, bench.lives, Incidents(bench.orders.append))
    fleet.share, fleet.now = share, bench.now
    return fleet


def test_a_surge_has_the_first_number_that_is_free_and_no_slot(bench: Bench) -> None:
    fleet = fleet_of(bench, 2)
    fleet.start_surge()
    fleet.start_surge()

    assert [(order.number, order.slot) for order in bench.take(SpawnWorker)] == [(2, None), (3, None)]
    assert list(fleet.surges()) == [2, 3]


@pytest.mark.parametrize(
    ("spec", "room"),
    [({}, UNBOUNDED), ({"capacity": 5}, 3), ({"capacity": 1}, 0), ({"on_partition": OnPartition.STOP}, 0)],
)
def test_how_many_there_may_be(spec: dict[str, object], room: int) -> None:
    assert fleet_of(Bench(**spec), 2).room() == room


def test_one_that_was_dismissed_is_gone_with_its_process_and_another_is_started_again(bench: Bench) -> None:
    fleet = fleet_of(bench, 1)
    fleet.start_surge()
    fleet.start_surge()
    one, other = (life for life in fleet.surges().values() if life is not None)
    bench.spawn()
    fleet.end_surge(1)
    fleet.end_surge(1)
    assert [order.worker for order in bench.take(SignalWorker)] == [one.worker]
    fleet.surge_ended(one)
    fleet.surge_ended(other)
    assert fleet.surges() == {2: None}

    fleet.retry(2)

    assert [order.number for order in bench.take(SpawnWorker)] == [2]


def test_what_is_told_of_a_life_that_is_no_surge_any_more_is_no_news(bench: Bench) -> None:
    fleet = fleet_of(bench, 1)
    fleet.start_surge()
    (surge,) = fleet.surges().values()
    stranger = bench.lives.start(Start(1, None, Role.SURGE, 1), bench.now)
    fleet.surge_ended(stranger)

    assert fleet.surges() == {1: surge}


def test_want_of_resources_is_waited_for(bench: Bench) -> None:
    fleet = fleet_of(bench, 1)
    fleet.start_surge()
    (surge,) = (life for life in fleet.surges().values() if life is not None)
    bench.take(SpawnWorker)
    fleet.surge_not_started(surge, is_temporary=True)
    fleet.retry(1)
    assert bench.take(SpawnWorker) == []
    due = fleet.next_deadline()
    assert due is not None

    fleet.now = due
    fleet.retry(1)

    assert len(bench.take(SpawnWorker)) == 1
    assert fleet.next_deadline() is None


def test_a_worker_that_is_exchanged_for_a_verdict_gives_evidence_unless_it_is_stopped_already(bench: Bench) -> None:
    fleet = fleet_of(bench, 2)
    one, other = (slot.life for slot in bench.slots)
    assert one is not None
    assert other is not None
    fleet.verdict = Verdict(Sense.AGE, "old")
    bench.lives.stop(other, bench.now)
    bench.orders.clear()
    fleet.exchange(0)
    fleet.exchange(1)

    assert [order.worker for order in bench.take(TakeEvidence)] == [one.worker]
    assert (one.on_trial, other.on_trial) == (True, False)
