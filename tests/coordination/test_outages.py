"""Connections that break, sessions that end, servers that die, and lives that follow on one another."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from autohealer.core.events import (
    AgentsRead,
    ClusterLeft,
    ConnectionResumed,
    ConnectionSuspended,
    IdentityTaken,
    LeadershipWon,
    PlanRead,
    PlanRefused,
    RegistrationGone,
    RegistrationSeen,
    SessionLost,
    SessionOpened,
    StandInMade,
    TargetRead,
    WorkersRecreated,
)
from autohealer.core.model import Plan
from tests.coordination.member import Member, entry, expire
from tests.support.processes import eventually
from tests.support.proxy import Proxy
from tests.support.real_zookeeper import RealZooKeeper

WORKER = "host-a-0-x1"


@pytest.fixture
def mortal() -> Iterator[RealZooKeeper]:
    """A real ZooKeeper that may be killed."""
    with RealZooKeeper() as server:
        yield server


def crash(member: Member) -> None:
    """What SIGKILL does to an agent: its session lives on, and nobody speaks for it."""
    inside = member.kazoo
    inside._stopped.set()

    def dead() -> bool:
        # It may be about to connect: then there is no socket yet, or one that is not connected.
        with suppress(OSError, AttributeError):
            inside._connection._socket.shutdown(socket.SHUT_RDWR)
        return bool(inside._connection.connection_stopped.is_set())

    eventually(dead)
    inside.close()


def wipe(client: KazooClient) -> bool:
    """Delete everything below the chroot in one transaction, if nothing changes meanwhile."""

    def below(path: str) -> Iterator[str]:
        for name in client.get_children(path or "/"):
            yield from below(f"{path}/{name}")
            yield f"{path}/{name}"

    transaction = client.transaction()
    try:
        for path in list(below("")):
            transaction.delete(path)
    except NoNodeError:
        return False
    return all(result is True for result in transaction.commit())


def test_a_server_that_dies_and_returns_changes_nothing(
    mortal: RealZooKeeper, member_at: Callable[..., Member]
) -> None:
    """The session and all that is in it live on; what was ordered meanwhile is done once, and watches are set anew."""
    a = member_at(mortal.hosts).join()
    a.do(a.cluster.make_stand_in, WORKER, 0, 1, "")
    a.do(a.cluster.make_stand_in, "host-a-1-x", 1, 1, "")
    a.do(a.cluster.watch_registration, WORKER)
    eventually(lambda: len(a.of(StandInMade)) == 2)
    session = a.session
    epoch = a.wait(LeadershipWon).epoch
    mortal.kill(0)
    a.wait(ConnectionSuspended)
    a.do(a.cluster.make_stand_in, "host-a-2-x", 2, 1, "")
    a.do(a.cluster.remove_registration, "host-a-1-x")
    a.do(a.cluster.write_target, 8)
    a.do(a.cluster.write_plan, Plan(epoch, "host-a", 8))
    a.wait(PlanRefused)
    mortal.restart(0)
    a.wait(ConnectionResumed)
    a.wait(StandInMade, lambda e: e.worker == "host-a-2-x")
    a.wait(TargetRead, lambda e: e.workers == 8)

    assert a.session == session
    assert len(a.of(StandInMade)) == 3
    assert not a.of(SessionLost)
    with_client = KazooClient(hosts=mortal.hosts)
    with_client.start()
    try:
        eventually(
            lambda: sorted(with_client.get_children("/workers")) == [f"{WORKER}.agent", "host-a-2-x.agent"],
        )
        with_client.create(f"/workers/{WORKER}", b"", ephemeral=True)
        a.wait(RegistrationSeen)
        with_client.delete(f"/workers/{WORKER}")
        a.wait(RegistrationGone)
        a.settle()
        watchers = a.kazoo._data_watchers
        assert {path: len(of) for path, of in watchers.items() if len(of) != 1} == {}
    finally:
        with_client.stop()
        with_client.close()


def test_a_frozen_server_is_noticed(mortal: RealZooKeeper, member_at: Callable[..., Member]) -> None:
    """Well before the session would end; when it thaws, the session goes on."""
    a = member_at(mortal.hosts, session_timeout=3.0).join()
    a.wait(LeadershipWon)
    mortal.pause(0)
    a.wait(ConnectionSuspended, within=3.0)
    mortal.resume(0)
    a.wait(ConnectionResumed)
    a.do(a.cluster.write_target, 2)

    a.wait(TargetRead, lambda e: e.workers == 2)


def test_nobody_waits_for_a_server_that_is_away(mortal: RealZooKeeper, member_at: Callable[..., Member]) -> None:
    """Leaving and closing take two seconds at most each."""
    a = member_at(mortal.hosts).join()
    a.wait(LeadershipWon)
    mortal.pause(0)
    a.do(a.cluster.leave)
    a.wait(ClusterLeft, within=2.5)
    began = time.monotonic()
    a.end()

    assert time.monotonic() - began < 2.0
    mortal.resume(0)


def test_a_session_that_ends_is_replaced(
    member: Callable[..., Member], client: KazooClient, zookeeper_hosts: str
) -> None:
    """All that was ephemeral is made again in the new session, and told again."""
    a = member(session_timeout=6.0).join()
    a.do(a.cluster.announce_address, WORKER, "host:1")
    a.do(a.cluster.make_stand_in, WORKER, 0, 1, "")
    a.wait(StandInMade)
    opened = a.wait(SessionOpened)
    assert (opened.timeout_s, opened.resumed) == (6.0, False)
    session = a.session
    before = len(a.events)
    expire(zookeeper_hosts, session)
    a.wait(SessionLost)
    assert a.wait(SessionOpened, after=before).resumed is False
    a.wait(StandInMade, after=before)
    a.wait(AgentsRead, lambda e: "host-a" in e.agents, after=before)
    a.wait(LeadershipWon, after=before)

    assert client.exists(f"/workers/{WORKER}.agent").ephemeralOwner == a.session[0] != session[0]
    assert not a.of(WorkersRecreated)
    address = eventually(lambda: client.exists(f"/service_registry/{WORKER}"))
    assert address.ephemeralOwner == a.session[0]


def test_the_granted_timeout_is_told(member: Callable[..., Member]) -> None:
    """Not the one that was asked for: the server has its own limits."""
    assert member(session_timeout=600.0).join().wait(SessionOpened).timeout_s == 60.0


def test_a_next_life_takes_the_session_over(member: Callable[..., Member], client: KazooClient) -> None:
    """What it still wants is there already, and what it does not is cleared."""
    a = member().join()
    for n in range(2):
        a.do(a.cluster.make_stand_in, f"host-a-{n}-x", n, 1, "")
    eventually(lambda: len(a.of(StandInMade)) == 2)
    session = a.session
    made = client.exists("/workers/host-a-0-x.agent").czxid
    crash(a)
    b = member(prior_session=session)
    b.do(b.cluster.make_stand_in, "host-a-0-x", 0, 1, "")
    b.join(running=3)

    assert b.wait(SessionOpened).resumed is True
    b.wait(StandInMade)
    eventually(lambda: client.get_children("/workers") == ["host-a-0-x.agent"])
    assert client.exists("/workers/host-a-0-x.agent").czxid == made
    b.wait(LeadershipWon)
    assert len(client.get_children("/election")) == 1
    b.wait(AgentsRead, lambda e: e.agents == {"host-a": entry(3)})
    assert not b.of(IdentityTaken)


def test_a_next_life_without_the_session_leaves_no_gap(member: Callable[..., Member], client: KazooClient) -> None:
    """Where the former session is refused and has not ended yet, its nodes are replaced in one transaction."""
    watcher = member("host-z").join()
    watcher.wait(LeadershipWon)
    a = member().join()
    a.do(a.cluster.make_stand_in, WORKER, 0, 1, "")
    a.wait(StandInMade)
    watcher.wait(AgentsRead, lambda e: "host-a" in e.agents)
    session = a.session
    crash(a)
    before = len(watcher.events)
    b = member(prior_session=(session[0], b"\x01" * 16))
    b.do(b.cluster.make_stand_in, WORKER, 0, 2, "")
    b.join(running=5)
    b.wait(StandInMade)
    watcher.wait(AgentsRead, lambda e: e.agents.get("host-a") == entry(5))

    assert b.wait(SessionOpened).resumed is False
    assert client.exists(f"/workers/{WORKER}.agent").ephemeralOwner == b.session[0]
    assert all("host-a" in e.agents for e in watcher.events[before:] if isinstance(e, AgentsRead))


def test_a_prior_session_that_has_ended_is_no_loss(member: Callable[..., Member], zookeeper_hosts: str) -> None:
    """There is a new one, and nothing is said of the old."""
    a = member().join()
    session = a.session
    a.wait(LeadershipWon)
    crash(a)
    expire(zookeeper_hosts, session)
    b = member(prior_session=session).join()
    b.wait(LeadershipWon)

    assert [e.resumed for e in b.of(SessionOpened)] == [False]
    assert not b.of(SessionLost)


def test_a_second_agent_of_the_same_name_does_not_join(member: Callable[..., Member], client: KazooClient) -> None:
    """It says so, touches nothing, and joins once the name is free."""
    a = member().join()
    a.do(a.cluster.make_stand_in, WORKER, 0, 1, "")
    a.wait(StandInMade)
    a.wait(AgentsRead, lambda e: "host-a" in e.agents)
    epoch = a.wait(LeadershipWon).epoch
    b = member().join()
    b.wait(IdentityTaken)
    b.settle()
    assert client.exists(f"/workers/{WORKER}.agent")
    assert len(client.get_children("/election")) == 1
    a.end()

    assert b.wait(LeadershipWon).epoch > epoch
    eventually(lambda: client.exists("/autohealer/agents/host-a"))


def test_of_two_in_one_session_the_newcomer_gives_way(member: Callable[..., Member], client: KazooClient) -> None:
    """A state directory was copied while its agent runs: both know the session, and keep cutting each other off."""
    a = member().join(running=1)
    a.wait(AgentsRead, lambda e: "host-a" in e.agents)
    b = member(prior_session=a.session).join(running=2)
    b.wait(IdentityTaken)
    crash(b)
    b.end()
    a.do(a.cluster.publish_agent, entry(9))

    eventually(lambda: b'"running":9' in client.get("/autohealer/agents/host-a")[0])
    assert not a.of(IdentityTaken)
    assert not a.of(SessionLost)


def test_data_that_is_wiped_comes_back(member: Callable[..., Member], client: KazooClient) -> None:
    """Somebody deletes everything while the agent is connected: it is all made again."""
    a = member().join()
    a.do(a.cluster.write_target, 3)
    a.do(a.cluster.make_stand_in, WORKER, 0, 1, "")
    a.wait(StandInMade)
    a.wait(TargetRead, lambda e: e.workers == 3)
    first = a.wait(LeadershipWon).epoch
    eventually(lambda: wipe(client))

    a.wait(WorkersRecreated)
    a.wait(LeadershipWon, lambda e: e.epoch > first)
    eventually(lambda: client.exists("/autohealer/agents/host-a"))
    eventually(lambda: client.exists(f"/workers/{WORKER}.agent"))
    eventually(lambda: client.exists("/autohealer/requests") and client.exists("/service_registry"))
    assert a.of(TargetRead)[-1].workers is None


def test_an_ensemble_that_loses_its_leader_loses_nothing(member_at: Callable[..., Member]) -> None:
    """One server of three dies, the one that leads: sessions, stand-ins and the agents' leader stay."""
    with RealZooKeeper(servers=3) as ensemble:
        a = member_at(ensemble.hosts).join()
        epoch = a.wait(LeadershipWon).epoch
        a.do(a.cluster.make_stand_in, WORKER, 0, 1, "")
        a.wait(StandInMade)
        session = a.session
        leader = ensemble.leader()
        assert leader is not None
        ensemble.kill(leader)
        a.do(a.cluster.write_target, 6)
        a.wait(TargetRead, lambda e: e.workers == 6)
        b = member_at(ensemble.hosts, "host-b").join()
        a.wait(AgentsRead, lambda e: set(e.agents) == {"host-a", "host-b"})
        a.settle()
        before = len(a.of(PlanRefused))
        a.do(a.cluster.write_plan, Plan(epoch, "host-a", 6))
        b.wait(PlanRead, lambda e: e.plan is not None)

        assert a.session == session
        assert [e.epoch for e in a.of(LeadershipWon)] == [epoch]
        assert len(a.of(PlanRefused)) == before
        b.end()
        a.end()


def test_data_wiped_while_it_was_down(
    mortal: RealZooKeeper, member_at: Callable[..., Member], connect: Callable[[str], KazooClient]
) -> None:
    """Servers close the connection of a client that has seen more than they have, without a word: it is renewed."""
    hosts = f"{mortal.hosts}/pool"
    a = member_at(hosts, session_timeout=1).join()
    first = a.wait(LeadershipWon).epoch
    a.do(a.cluster.write_target, 3)
    a.wait(TargetRead, lambda e: e.workers == 3)
    a.do(a.cluster.make_stand_in, WORKER, 0, 1, "now")
    a.wait(StandInMade)
    session = a.session
    mortal.kill(0)
    mortal.erase(0)
    a.wait(ConnectionSuspended)
    before = len(a.events)
    mortal.restart(0)
    a.wait(SessionLost, after=before)
    a.wait(SessionOpened, lambda e: not e.resumed, after=before)
    a.wait(LeadershipWon, after=before)
    a.wait(StandInMade, after=before)

    assert a.session != session
    assert first
    assert connect(mortal.hosts).exists(f"/pool/workers/{WORKER}.agent").ephemeralOwner == a.session[0]


def test_a_greeting_that_is_never_answered_costs_no_session(
    real_zookeeper: RealZooKeeper, member_at: Callable[..., Member]
) -> None:
    """A server that is only just starting may take one, and forget it."""
    with Proxy(real_zookeeper.hosts) as proxy:
        a = member_at(proxy.hosts, session_timeout=6).join()
        a.wait(LeadershipWon)
        session = a.session
        proxy.deaf = 1
        proxy.heal()
        a.wait(ConnectionResumed)

        assert (proxy.deaf, a.session, a.of(SessionLost)) == (0, session, [])
        a.end()


def test_an_outage_longer_than_the_session_is_no_reason_for_a_new_one(
    mortal: RealZooKeeper, member_at: Callable[..., Member]
) -> None:
    """A server that comes back knows its sessions, whatever time has passed; the rival gives way to the old client."""
    a = member_at(mortal.hosts, session_timeout=4).join()
    a.wait(LeadershipWon)
    session = a.session
    mortal.kill(0)
    a.wait(ConnectionSuspended)
    eventually(lambda: a.cluster._link._rival is not None)
    mortal.restart(0)
    a.wait(ConnectionResumed)

    assert a.session == session
    assert a.cluster._link._rival is None
    assert a.of(SessionLost) == []
