"""Which workers wait to be exchanged for a soft limit, and when each may be."""

from __future__ import annotations

from autohealer.core.events import WorkerFound
from autohealer.core.model import Sense, Verdict
from autohealer.core.pool.outgrown import Outgrown
from tests.core.slots_bench import Bench

TOO_OLD, TOO_BIG = Verdict(Sense.AGE, "old"), Verdict(Sense.MEMORY, "big")


def test_one_that_has_restarts_left_may_be_exchanged_at_once(bench: Bench) -> None:
    (worker,) = bench.run(1)
    outgrown = Outgrown(bench.slots)
    assert (outgrown.next(bench.now), outgrown.next_deadline()) == (None, None)
    outgrown.judged(bench.life(worker), TOO_BIG, bench.now)

    assert worker in outgrown
    assert outgrown.next(bench.now) == (worker, TOO_BIG)
    assert outgrown.next_deadline() == bench.now


def test_the_first_verdict_stands_until_the_worker_recovers_or_is_gone(bench: Bench) -> None:
    one, other = bench.run(2)
    outgrown = Outgrown(bench.slots)
    for worker in (one, other):
        outgrown.judged(bench.life(worker), TOO_BIG, bench.now)
    outgrown.judged(bench.life(one), TOO_OLD, bench.now)
    assert outgrown.next(bench.now) == (one, TOO_BIG)

    outgrown.recovered(one)
    assert one not in outgrown
    assert outgrown.next(bench.now) == (other, TOO_BIG)
    outgrown.gone(other)
    assert outgrown.next(bench.now) is None
    outgrown.recovered(other)
    assert other not in outgrown


def test_one_beside_the_slots_is_not_exchanged(bench: Bench) -> None:
    bench.slots.adopt(WorkerFound(bench.now, "me-7-surge", None, 99, "then", 1.0, 2, 7))
    outgrown = Outgrown(bench.slots)
    outgrown.judged(bench.life("me-7-surge"), TOO_BIG, bench.now)

    assert "me-7-surge" not in outgrown


def test_an_exchange_that_failed_is_tried_again_and_paid_for_again(bench: Bench) -> None:
    (worker,) = bench.run(1)
    outgrown, life = Outgrown(bench.slots), bench.life(worker)
    (slot,) = bench.slots
    outgrown.judged(life, TOO_BIG, bench.now)
    before = slot.restarts.tokens
    outgrown.tried(life, bench.now)

    assert outgrown.next(bench.now) == (worker, TOO_BIG)
    assert slot.restarts.tokens == before - 1


def test_what_was_not_to_be_exchanged_any_more_is_not_tried_again(bench: Bench) -> None:
    one, other, third = bench.run(3)
    outgrown = Outgrown(bench.slots)
    outgrown.tried(bench.life(third), bench.now)
    for worker in (one, other):
        outgrown.judged(bench.life(worker), TOO_BIG, bench.now)
    outgrown.recovered(one)
    outgrown.tried(bench.life(one), bench.now)
    bench.lives.stop(bench.life(other), bench.now)
    outgrown.tried(bench.life(other), bench.now)

    assert outgrown.next(bench.now) is None
