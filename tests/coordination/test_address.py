"""One address in the service registry. Whole programs with one are in tests/integration/test_services.py."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from kazoo.client import KazooClient

from autohealer.coordination.registry.address import Address
from autohealer.coordination.session.ensemble import Ensemble
from tests.support.pools import children
from tests.support.processes import eventually

FOLDER = "/service_registry/web"
PATIENCE_S = 20.0


class Told:
    """An address whose answers come when the test calls for the next one."""

    def __init__(self, hosts: str) -> None:
        self._answers: SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] = SimpleQueue()
        self.standing = False
        self.address = Address(
            Ensemble(hosts, 2.0),
            FOLDER,
            "h:1",
            name="only",
            observer=self,
            call_soon=lambda function, *arguments: self._answers.put((function, arguments)),
        )
        self.address.connect()

    def next(self) -> Callable[[], object]:
        """What is to be called next, when it has come."""
        function, arguments = self._answers.get(timeout=PATIENCE_S)
        return lambda: function(*arguments)

    def connected(self) -> None:
        self.address.want(True)

    def registered(self, name: str) -> None:
        assert name.startswith("only-")
        self.standing = True

    def withdrawn(self) -> None:
        self.standing = False

    def refused(self, why: str) -> None:
        raise AssertionError(why)


def test_it_is_withdrawn_also_where_it_was_just_being_made(zookeeper_hosts: str, client: KazooClient) -> None:
    """It stands there before the answer to that comes; whoever wants it gone by then has it gone."""
    told = Told(zookeeper_hosts)
    answer = told.next()
    while not children(client, FOLDER):
        answer()
        answer = told.next()
    told.address.want(False)
    while children(client, FOLDER):
        answer()
        answer = told.next()

    told.address.close()
    assert not told.standing


def test_it_stands_while_it_is_wanted(zookeeper_hosts: str, client: KazooClient) -> None:
    told = Told(zookeeper_hosts)
    while not told.standing:
        told.next()()
    assert children(client, FOLDER)
    told.address.want(False)
    while told.standing:
        told.next()()

    assert not children(client, FOLDER)
    told.address.want(True)
    while not told.standing:
        told.next()()
    told.address.close()
    eventually(lambda: not children(client, FOLDER))
