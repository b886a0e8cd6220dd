"""Whatever is ordered, and however often the connection breaks meanwhile: in the end what stands is what is wanted."""

from __future__ import annotations

import itertools
import random
import socket
from collections.abc import Callable
from contextlib import suppress

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException

from autohealer.core.events import LeadershipWon, RegistrationGone, RegistrationSeen, SessionLost, SessionOpened
from tests.coordination.member import Member, expire
from tests.support.processes import eventually

ROUNDS = 300
WORKERS = 12
OWN = (RegistrationSeen, RegistrationGone)


class Storm:
    """One agent, a world that registers and deletes, and a connection that will not hold."""

    def __init__(self, seed: int, agent: Member, client: KazooClient, hosts: str) -> None:
        self.dice = random.Random(seed)
        self.agent, self.client, self.hosts = agent, client, hosts
        self.serial = 0
        self.alive: list[str] = []
        self.wanted: set[str] = set()
        self.registered: set[str] = set()

    def round(self) -> None:
        """One thing happens."""
        happenings = [self.start] * 3 + [self.stand_in, self.withdraw, self.register, self.unregister, self.die] * 2
        happenings += [self.cut, self.meddle]
        if self.dice.random() < 0.01:
            happenings = [self.expire]
        self.dice.choice(happenings)()

    def start(self) -> None:
        if len(self.alive) < WORKERS:
            worker = f"host-a-{self.serial}-x"
            self.serial += 1
            self.alive.append(worker)
            self.agent.do(self.agent.cluster.watch_registration, worker)

    def stand_in(self) -> None:
        if self.alive:
            worker = self.dice.choice(self.alive)
            self.wanted.add(worker)
            self.agent.do(self.agent.cluster.make_stand_in, worker, 0, 1, "")

    def withdraw(self) -> None:
        if self.alive:
            worker = self.dice.choice(self.alive)
            self.wanted.discard(worker)
            self.agent.do(self.agent.cluster.withdraw_stand_in, worker)

    def register(self) -> None:
        if self.alive:
            worker = self.dice.choice(self.alive)
            with suppress(KazooException):
                self.client.create(f"/workers/{worker}", b"", ephemeral=True)
                self.registered.add(worker)

    def unregister(self) -> None:
        if self.registered:
            worker = self.dice.choice(sorted(self.registered))
            self.registered.discard(worker)
            with suppress(KazooException):
                self.client.delete(f"/workers/{worker}")

    def die(self) -> None:
        if self.alive:
            worker = self.alive.pop(self.dice.randrange(len(self.alive)))
            self.wanted.discard(worker)
            self.registered.discard(worker)
            self.agent.do(self.agent.cluster.remove_registration, worker)

    def meddle(self) -> None:
        """Somebody deletes a stand-in by hand."""
        if self.alive:
            with suppress(KazooException):
                self.client.delete(f"/workers/{self.dice.choice(self.alive)}.agent")

    def cut(self) -> None:
        with suppress(OSError, AttributeError):
            self.agent.kazoo._connection._socket.shutdown(socket.SHUT_RDWR)

    def expire(self) -> None:
        session = self.agent.cluster.session
        if session is not None:
            expire(self.hosts, session)

    def calm(self) -> bool:
        """Whether what stands is what is wanted, and what was told is what stands."""
        expected = {f"{worker}.agent" for worker in self.wanted} | self.registered
        told: dict[str, bool] = {}
        for event in list(self.agent.events):
            if isinstance(event, OWN):
                told[event.worker] = isinstance(event, RegistrationSeen)
        seen = {worker for worker in self.alive if told.get(worker)}
        return set(self.client.get_children("/workers")) == expected and seen == self.registered


@pytest.mark.parametrize("seed", range(4))
def test_in_the_end_what_stands_is_what_is_wanted(
    member: Callable[..., Member], client: KazooClient, zookeeper_hosts: str, seed: int
) -> None:
    """Nothing is lost, nothing is left, and nothing told is wrong."""
    agent = member(session_timeout=10.0).join()
    agent.wait(LeadershipWon)
    storm = Storm(seed, agent, client, zookeeper_hosts)
    for _ in range(ROUNDS):
        storm.round()

    def settled() -> bool:
        agent.do(agent.cluster._look_again)
        return storm.calm()

    eventually(settled, what=f"seed {seed}: {storm.wanted}, {storm.registered}")
    assert len(agent.of(SessionOpened)) == len(agent.of(SessionLost)) + 1
    for worker in storm.alive:
        news = [type(e) for e in agent.events if isinstance(e, OWN) and e.worker == worker]
        assert all(now is not before for before, now in itertools.pairwise(news))
