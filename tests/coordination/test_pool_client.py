"""The face for commands in another terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from kazoo.client import KazooClient

from autohealer.coordination.admin import pool_client as console
from autohealer.coordination.admin.pool_client import CurrentLeader, PoolClient
from autohealer.core.events import AgentsRead, LeadershipWon, OperationRequested, PlanRead, StandInMade, TargetRead
from autohealer.core.model import Plan
from autohealer.core.operations import Operation
from autohealer.errors import UnreachableError
from tests.coordination.member import Member, entry
from tests.support.real_zookeeper import RealZooKeeper


@pytest.fixture
def pool(zookeeper_hosts: str) -> Iterator[PoolClient]:
    """A console on the test's own pool."""
    one = console.connect(zookeeper_hosts, "default", 10.0)
    yield one
    one.close()


def test_where_there_is_no_pool_there_is_nothing(pool: PoolClient) -> None:
    """So that the caller can say that no agent runs."""
    assert (pool.agents(), pool.workers()) == ({}, [])
    assert (pool.plan(), pool.target(), pool.leader()) == (None, None, None)
    with pytest.raises(UnreachableError, match="no such pool"):
        pool.request(Operation("o1", "stop"))
    with pytest.raises(UnreachableError, match="no such pool"):
        pool.scale(3)


def test_what_is(pool: PoolClient, member: Callable[..., Member], client: KazooClient) -> None:
    """Agents, plan, target, leader and the registered, as an agent wrote them."""
    a = member().join(running=2)
    epoch = a.wait(LeadershipWon).epoch
    plan = Plan(epoch, "host-a", 2, 0, {"host-a": 2})
    a.do(a.cluster.write_plan, plan)
    a.do(a.cluster.write_target, 2)
    a.do(a.cluster.make_stand_in, "host-a-0-x", 0, 77, "then")
    a.wait(StandInMade)
    a.wait(PlanRead, lambda e: e.plan == plan)
    a.wait(TargetRead, lambda e: e.workers == 2)
    a.wait(AgentsRead, lambda e: "host-a" in e.agents)
    client.create("/workers/odd", b"\xff", ephemeral=True)
    client.create("/workers/named", b'{"worker": "host-b-1-y"}', ephemeral=True)
    client.create("/workers/kept", b"")

    assert pool.agents() == {"host-a": entry(2)}
    assert (pool.plan(), pool.target(), pool.leader()) == (plan, 2, CurrentLeader("host-a", epoch))
    registered = {r.name: (r.worker, r.entry.pid) for r in pool.workers()}
    assert registered == {
        "host-a-0-x.agent": ("host-a-0-x", 77),
        "named": ("host-b-1-y", None),
        "odd": (None, None),
    }


def test_what_is_wanted(pool: PoolClient, member: Callable[..., Member]) -> None:
    """A new target reaches the agents; a request is told, and waited for until it is answered."""
    a = member().join()
    a.wait(LeadershipWon)
    pool.scale(4)
    a.wait(TargetRead, lambda e: e.workers == 4)
    pool.scale(5)
    a.wait(TargetRead, lambda e: e.workers == 5)
    name = pool.request(Operation("o1", "kill", "host-a-0-x", "me@here"))
    told = a.wait(OperationRequested)
    assert told.operation == Operation("o1", "kill", "host-a-0-x", "me@here", request=name)
    assert not told.stood
    assert pool.wait_answered(name, 0.05) is False
    answering = threading.Timer(0.05, a.do, [a.cluster.answer_request, name])
    answering.start()

    assert pool.wait_answered(name, 20.0) is True
    answering.join()


def test_nobody_there_is_told_in_time() -> None:
    """One line, and what to look at."""
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"no ZooKeeper answers at 127\.0\.0\.1:1 within 0\.3 s") as caught:
        console.connect("127.0.0.1:1", "default", 0.3)

    assert time.monotonic() - began < 2.0
    assert caught.value.exit_code == 3
    assert "--zk" in caught.value.hint


def test_a_server_that_freezes_is_told_in_time() -> None:
    """Kazoo's own synchronous calls would wait for as long as it takes."""
    with RealZooKeeper() as server:
        one = console.connect(server.hosts, "default", 0.5)
        server.pause(0)
        began = time.monotonic()
        with pytest.raises(UnreachableError):
            one.target()
        assert time.monotonic() - began < 3.0
        server.resume(0)
        one.close()
