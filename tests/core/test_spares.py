"""Spares: started and waiting, promoted in place of a dead worker, and of no account before that."""

from __future__ import annotations

from typing import Any

from autohealer.core import events
from autohealer.core.actions import PromoteSpare, RecordIncident, SignalWorker, SpawnWorker, StartSenses
from autohealer.core.events import Usage
from autohealer.core.incident import IncidentOutcome
from autohealer.core.model import WorkerId
from autohealer.core.pool.lifecycle import WorkerState
from tests.core.clinic import PROBE, Clinic

GIB = 2**30


class Garage(Clinic):
    """Workers that run, and spares; ``spares`` are those that wait."""

    def __init__(self, workers: int = 2, spares: int = 1, **spec: Any) -> None:
        super().__init__(workers, spares=spares, **spec)
        self.spares = self.until_they_wait()
        self.orders.clear()

    def until_they_wait(self) -> list[str]:
        """Spares whose start has been ordered begin to wait."""
        self.tell(events.DeadlineReached)
        spares = [order.worker for order in self.take(SpawnWorker) if order.is_spare]
        for worker in spares:
            self.tell(events.WorkerSpawned, worker, 200, "then")
            self.say(worker, ready=True)
        return spares

    def promote(self) -> list[tuple[str, int]]:
        """Promotions that are ordered are told to the spares."""
        found = [(order.worker, order.slot) for order in self.take(PromoteSpare)]
        for worker, _ in found:
            self.tell(events.SparePromoted, worker)
        return found

    def states(self) -> dict[str | None, WorkerState]:
        return {view.worker: view.state for view in self.supervisor.snapshot(self.now).workers}


def test_a_spare_waits_fills_no_slot_and_counts_for_nothing() -> None:
    book = Garage()
    (spare,) = book.spares
    snapshot = book.supervisor.snapshot(book.now)

    assert book.states()[spare] is WorkerState.STANDBY
    assert (snapshot.running, snapshot.spares) == (2, 1)
    assert [view.slot for view in snapshot.workers] == [0, 1, None]
    identity = WorkerId.parse(spare)
    assert identity is not None
    assert identity.number == 0


def test_spares_are_started_once_the_workers_are_there() -> None:
    book = Clinic(2, spares=1, probes=(PROBE,))
    assert book.take(SpawnWorker) == []
    for worker in book.workers:
        book.probe(worker, ok=True)

    assert [order.is_spare for order in book.take(SpawnWorker)] == [True]


def test_a_death_is_healed_by_a_promotion_and_another_spare_is_started_behind() -> None:
    book = Garage()
    (spare,) = book.spares
    book.tell(events.ProcessExited, book.workers[1], None, "SIGKILL")
    book.now += 0.0005
    assert book.promote() == [(spare, 1)]

    assert [(told["slot"], told["heal_ms"]) for told in book.told("worker.promoted")] == [(1, 0.5)]
    assert book.view(spare).slot == 1
    assert book.view(spare).state is WorkerState.RUNNING
    last = {order.incident.id: order.incident for order in book.take(RecordIncident)}[book.workers[1]]
    assert (last.outcome, last.replacement, last.action) == (IncidentOutcome.HEALED, spare, "a spare was promoted")
    (order,) = book.take(SpawnWorker)
    assert order.is_spare
    book.tell(events.WorkerSpawned, order.worker, 201, "then")
    assert ["heal_ms" in told for told in book.told("worker.started")] == [False]


def test_a_promoted_spare_is_a_worker_like_any_other() -> None:
    book = Garage()
    (spare,) = book.spares
    book.tell(events.ProcessExited, book.workers[0], 1, None)
    book.promote()
    book.orders.clear()
    book.tell(events.ProcessExited, spare, 1, None)

    assert [(told["slot"], told["worker"]) for told in book.told("worker.exited")] == [(0, spare)]


def test_a_promotion_that_cannot_be_told_falls_back_to_a_start_in_the_same_turn() -> None:
    book = Garage()
    (spare,) = book.spares
    book.tell(events.ProcessExited, book.workers[0], 1, None)
    book.take(PromoteSpare)
    book.take(SpawnWorker)
    book.tell(events.PromotionFailed, spare)

    assert [order.slot for order in book.take(SpawnWorker)] == [0]
    assert [order.worker for order in book.take(SignalWorker)] == [spare]


def test_a_promotion_that_fails_in_a_slot_that_is_not_wanted_any_more_starts_nothing() -> None:
    book = Garage()
    (spare,) = book.spares
    book.tell(events.ProcessExited, book.workers[1], 1, None)
    book.tell(events.DrainRequested, "SIGTERM", False)
    book.take(SpawnWorker)
    book.tell(events.PromotionFailed, spare)

    assert book.take(SpawnWorker) == []


def test_a_promoted_spare_that_is_not_ready_has_healed_nothing_yet() -> None:
    book = Garage()
    (spare,) = book.spares
    book.say(spare, stopping=True)
    book.tell(events.ProcessExited, book.workers[1], None, "SIGKILL")
    book.promote()
    incidents = {order.incident.id: order.incident.outcome for order in book.take(RecordIncident)}
    assert incidents[book.workers[1]] is IncidentOutcome.OPEN

    book.say(spare, ready=True)

    assert [order.incident.outcome for order in book.take(RecordIncident)] == [IncidentOutcome.HEALED]


def test_one_that_does_not_wait_yet_is_not_promoted() -> None:
    book = Clinic(1, spares=1)
    book.tell(events.DeadlineReached)
    (order,) = book.take(SpawnWorker)
    book.tell(events.WorkerSpawned, order.worker, 200, "then")
    book.tell(events.ProcessExited, book.workers[0], 1, None)

    assert [order.slot for order in book.take(SpawnWorker)] == [0]


def test_a_spare_that_dies_has_a_backoff_of_its_own_and_is_no_incident() -> None:
    book = Garage()
    (spare,) = book.spares
    deaths = 0
    while spare:
        deaths += 1
        book.tell(events.ProcessExited, spare, 1, None)
        spare = next(iter(book.until_they_wait()), "")
    assert deaths > 6
    assert book.take(RecordIncident) == []
    book.tell(events.ProcessExited, book.workers[0], 1, None)
    assert [order.slot for order in book.take(SpawnWorker)] == [0]
    book.wait(1)

    assert [order.is_spare for order in book.take(SpawnWorker)] in ([True], [])


def test_a_spare_that_cannot_be_started_is_tried_again_later() -> None:
    book = Garage(1)
    book.tell(events.ProcessExited, book.spares[0], 1, None)
    (order,) = book.take(SpawnWorker)
    book.tell(events.SpawnFailed, order.worker, "no memory", True, "ENOMEM")
    assert book.take(SpawnWorker) == []
    assert book.take(RecordIncident) == []
    book.wait(1)

    assert [order.is_spare for order in book.take(SpawnWorker)] == [True]


def test_news_of_a_promotion_of_one_that_is_gone_is_none() -> None:
    book = Garage()
    (spare,) = book.spares
    book.tell(events.ProcessExited, book.workers[0], 1, None)
    book.tell(events.ProcessExited, spare, 1, None)
    book.orders.clear()
    for kind in (events.SparePromoted, events.PromotionFailed):
        book.tell(kind, spare)
        book.tell(kind, "me-0-never")

    assert book.told("worker.promoted") == []
    assert book.take(SpawnWorker) == []


def test_what_waits_owes_no_beat_and_a_new_worker_does() -> None:
    book = Garage(1, beat_timeout_s=5.0)
    for _ in range(30):
        book.wait(4)
        book.say(book.workers[0], beat=True)
    assert book.faults() == []
    book.tell(events.ProcessExited, book.workers[0], 1, None)
    book.promote()
    book.wait(5)

    assert book.faults() == [(book.spares[0], "beat")]


def test_senses_look_at_a_spare_from_its_promotion_on() -> None:
    book = Garage(1, stopped_timeout_s=10.0)
    assert book.take(StartSenses) == []
    book.tell(events.ProcessExited, book.workers[0], 1, None)
    book.promote()

    assert [order.worker for order in book.take(StartSenses)] == book.spares


def test_spares_go_first_when_memory_is_short_and_come_back_when_it_is_not() -> None:
    book = Garage(spares=2)
    usages = {worker: Usage(1.0, GIB, "S", traced=False, output_bytes=None) for worker in book.workers}
    book.tell(events.UsageSampled, usages, GIB // 2)
    assert [order.worker for order in book.take(SignalWorker)] == book.spares
    for spare in book.spares:
        book.tell(events.ProcessExited, spare, None, "SIGTERM")
    assert book.take(SpawnWorker) == []
    book.tell(events.UsageSampled, usages, 2 * GIB)

    assert [order.is_spare for order in book.take(SpawnWorker)] == [True, True]


def test_a_spare_is_younger_than_the_oldest_worker_may_be() -> None:
    book = Garage(1, max_age_s=100.0)
    book.wait(111)

    assert (book.spares[0], 15) in [(order.worker, order.signum) for order in book.take(SignalWorker)]
    assert book.told("worker.faulty") == []


def test_a_drain_ends_spares_too() -> None:
    book = Garage()
    book.tell(events.DrainRequested, "SIGTERM")

    assert {order.worker for order in book.take(SignalWorker)} == {*book.workers, *book.spares}


def test_a_spare_takes_nobodys_place_in_a_pool_that_may_never_have_too_many() -> None:
    book = Garage()

    assert book.supervisor.snapshot(book.now).agents["me"].running == 2  # type: ignore[union-attr]  # it is our own


def test_a_spare_that_never_says_that_it_is_ready_is_faulty_and_no_incident() -> None:
    book = Clinic(1, spares=1, start_timeout_s=20.0)
    book.tell(events.DeadlineReached)
    (spare,) = [order.worker for order in book.take(SpawnWorker) if order.is_spare]
    book.tell(events.WorkerSpawned, spare, 200, "then")
    book.take(RecordIncident)
    book.wait(21)

    assert book.faults() == [(spare, "not-ready")]
    assert book.take(RecordIncident) == []


def test_a_spare_that_cannot_be_started_is_tried_again_later_and_is_no_incident() -> None:
    book = Garage(1, spares=1)
    (spare,) = book.spares
    book.tell(events.ProcessExited, spare, 1, None)
    book.wait(60)
    (second,) = [order.worker for order in book.take(SpawnWorker)]
    book.take(RecordIncident)
    book.tell(events.SpawnFailed, second, "no memory", True)
    assert book.take(SpawnWorker) == []
    book.wait(60)

    assert [order.is_spare for order in book.take(SpawnWorker)] == [True]
    assert book.take(RecordIncident) == []


def test_between_too_little_memory_and_plenty_spares_stay_as_they_are() -> None:
    book = Garage(1, spares=1)
    usages = {book.workers[0]: Usage(0.0, 2 * GIB, "S", False, 0)}
    book.tell(events.UsageSampled, usages, 2 * GIB + 1)
    assert book.take(SignalWorker) == []

    book.tell(events.UsageSampled, usages, GIB)
    assert [order.worker for order in book.take(SignalWorker)] == book.spares
    book.tell(events.ProcessExited, book.spares[0], 0, None)
    book.tell(events.UsageSampled, usages, 2 * GIB + 1)
    book.wait(60)
    assert book.take(SpawnWorker) == []


def test_a_promoted_spare_makes_room_for_a_verdict_that_was_held_once_its_own_probe_has_passed() -> None:
    """Else a dependency that fails for all workers would cost one worker after the other, spare by spare."""
    book = Garage(2, spares=1, probes=(PROBE,), probe_failures=1)
    first, second = book.workers
    for worker in book.workers:
        book.probe(worker, ok=True)
    (spare,) = book.until_they_wait()
    for worker in book.workers:
        book.probe(worker, ok=False)
    assert book.faults() == [(first, "probe")]
    book.wait(60)
    book.probe(second, ok=False)
    assert book.faults() == []
    book.tell(events.ProcessExited, first, 0, None)
    assert book.promote() == [(spare, 0)]
    book.wait(10)
    book.probe(second, ok=False)
    assert book.faults() == []
    book.probe(spare, ok=True)
    book.wait(10)
    book.probe(second, ok=False)

    assert book.faults() == [(second, "probe")]
