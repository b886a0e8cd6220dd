"""When people are told that a pool is below its number."""

from __future__ import annotations

from autohealer.core.actions import Action, EmitEvent
from autohealer.core.notices import Notice, PoolBelow, PoolRecovered
from autohealer.core.pool.below import BELOW_S, Below
from tests.core.clinic import PROBE, Clinic


class Watch:
    def __init__(self) -> None:
        self.orders: list[Action] = []
        self.below = Below(self.orders.append)
        self.now = 100.0

    def see(self, wanted: int, running: int, *, after: float = 0.0) -> list[Notice]:
        self.now += after
        self.below.observe(wanted, running, self.now)
        told = [order.notice for order in self.orders if isinstance(order, EmitEvent)]
        self.orders.clear()
        return told


def test_what_lasts_is_told_once_and_its_end_with_how_long_it_took() -> None:
    watch = Watch()
    watch.see(4, 4)
    assert watch.see(4, 3) == []
    assert watch.below.next_deadline() == watch.now + BELOW_S
    assert watch.see(4, 3, after=BELOW_S) == [PoolBelow(3, 4)]
    assert watch.below.next_deadline() is None
    assert watch.see(4, 2, after=10) == []
    assert watch.see(4, 4, after=1) == [PoolRecovered(4, 4, 12.0)]


def test_before_anything_is_known_nothing_is_due() -> None:
    assert Watch().below.next_deadline() is None


def test_one_worker_alone_is_a_pool_that_can_be_below_its_number() -> None:
    watch = Watch()
    watch.see(1, 1)
    watch.see(1, 0)

    assert watch.see(1, 0, after=BELOW_S) == [PoolBelow(0, 1)]


def test_a_quick_heal_is_no_news() -> None:
    watch = Watch()
    watch.see(4, 4)
    watch.see(4, 3)
    assert watch.see(4, 4, after=0.9) == []
    assert watch.see(4, 3, after=10) == []


def test_a_pool_that_is_being_started_or_scaled_up_is_below_nothing() -> None:
    watch = Watch()
    watch.see(4, 0)
    assert watch.see(4, 2, after=60) == []
    watch.see(4, 4)
    watch.see(6, 4)
    assert watch.see(6, 4, after=60) == []


def test_a_pool_that_is_scaled_down_to_what_runs_is_complete_from_then_on() -> None:
    watch = Watch()
    watch.see(4, 4)
    watch.see(3, 3)
    watch.see(3, 2)
    assert watch.see(3, 2, after=BELOW_S) == [PoolBelow(2, 3)]


def test_a_pool_of_nothing_lacks_nothing_when_it_is_started_again() -> None:
    watch = Watch()
    watch.see(4, 4)
    watch.see(0, 0)
    watch.see(4, 0)
    assert watch.see(4, 0, after=60) == []


def test_fewer_than_ever_ran_is_no_news_where_more_are_wanted_meanwhile() -> None:
    watch = Watch()
    watch.see(2, 2)
    watch.see(2, 1)
    watch.see(4, 1, after=0.5)
    assert watch.below.next_deadline() is None
    assert watch.see(4, 1, after=60) == []


def test_what_has_been_told_stays_told_where_more_are_wanted_meanwhile() -> None:
    """Its end is told, too, and how long that has taken from its beginning."""
    watch = Watch()
    watch.see(4, 4)
    watch.see(4, 3)
    assert watch.see(4, 3, after=BELOW_S) == [PoolBelow(3, 4)]
    assert watch.see(6, 3, after=1) == []
    assert watch.see(6, 6, after=1) == [PoolRecovered(6, 6, 3.0)]


def test_a_pool_that_was_complete_by_more_than_its_number_is_below_at_its_number_no_sooner() -> None:
    watch = Watch()
    watch.see(3, 5)
    assert watch.see(3, 3, after=5) == []
    watch.see(3, 2)
    watch.see(2, 2, after=0.5)
    watch.see(2, 1)
    assert watch.below.next_deadline() == watch.now + BELOW_S
    assert watch.see(2, 1, after=BELOW_S) == [PoolBelow(1, 2)]


def test_an_end_that_was_asked_for_is_no_recovery() -> None:
    watch = Watch()
    watch.see(4, 4)
    watch.see(4, 0)
    watch.see(4, 0, after=2)
    assert watch.see(0, 0, after=1) == []


def test_a_worker_that_is_not_ready_lacks() -> None:
    book = Clinic(2, probes=(PROBE,))
    for worker in book.workers:
        book.probe(worker, ok=True)
    book.probe(book.workers[0], ok=False)
    book.wait(1)
    assert book.told("pool.below") == [{"running": 1, "share": 2}]
    book.probe(book.workers[0], ok=True)
    assert book.told("pool.recovered") == [{"running": 2, "share": 2, "seconds": 1.0}]
