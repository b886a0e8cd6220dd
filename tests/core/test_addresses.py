"""Where workers are reached: which addresses stand in the service registry, and when."""

from __future__ import annotations

from autohealer.core import events
from autohealer.core.actions import Action, AnnounceAddress, MakeStandIn, RemoveRegistration, SpawnWorker
from autohealer.core.model import ReadyWhen, RegistrationMode
from tests.core.clinic import PROBE
from tests.core.playbook import Playbook


def announced(book: Playbook) -> list[tuple[str, str | None]]:
    """What is to stand in the registry, or to go from it, since the last time."""
    return [(order.worker, order.address) for order in book.take(AnnounceAddress)]


def address(book: Playbook) -> str | None:
    return book.supervisor.snapshot(book.now).workers[0].address


def test_with_a_port_each_the_address_stands_while_the_worker_is_ready() -> None:
    book = Playbook(1, port_base=8000, probes=(PROBE,), ready=ReadyWhen.PROBE)
    (worker,) = book.run_unregistered(1)
    assert announced(book) == []
    assert address(book) == "host:8000"

    for ok in (True, True, False, False, True):
        book.tell(events.ProbeAnswered, worker, PROBE, ok, "", 0.1)
    assert announced(book) == [(worker, "host:8000"), (worker, None), (worker, "host:8000")]

    book.follow(me=0)
    assert announced(book) == [(worker, None)], "it is about to end"


def test_what_the_worker_says_itself_counts_and_may_change() -> None:
    book = Playbook(1, port_base=8000)
    (worker,) = book.run_unregistered(1)
    for said in ("10.0.0.7:1", "10.0.0.7:1", "10.0.0.7:2", None):
        book.tell(events.RegistrationSeen, worker, said)

    assert announced(book) == [(worker, "10.0.0.7:1"), (worker, "10.0.0.7:2"), (worker, "host:8000")]


def test_a_stand_in_has_the_address_too() -> None:
    book = Playbook(1, port_base=8000, registration=RegistrationMode.AGENT)
    (worker,) = book.run_unregistered(1)

    assert book.take(MakeStandIn) == [MakeStandIn(worker, "host:8000")]


def test_a_worker_without_an_address_costs_nothing() -> None:
    book = Playbook(1)
    (worker,) = book.run_unregistered(1)
    book.tell(events.RegistrationSeen, worker)
    book.follow(me=0)

    assert announced(book) == []
    assert address(book) is None


def test_a_dead_workers_address_goes_with_its_registration_after_the_spawn() -> None:
    book = Playbook(1, port_base=8000)
    (worker,) = book.run(1)
    orders: list[Action] = book.tell(events.ProcessExited, worker, None, "SIGKILL")
    kinds = [type(order) for order in orders if isinstance(order, AnnounceAddress | RemoveRegistration | SpawnWorker)]

    assert kinds == [SpawnWorker, RemoveRegistration]
