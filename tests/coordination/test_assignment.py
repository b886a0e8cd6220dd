"""What all agents of a pool share: target, hold, plan, and each other's entries."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kazoo.client import KazooClient
from kazoo.security import make_acl, make_digest_acl

from autohealer.core.events import (
    AgentsRead,
    ClusterLeft,
    HoldRead,
    LeadershipWon,
    PlanRead,
    PlanRefused,
    TargetRead,
)
from autohealer.core.model import Hold, Plan
from autohealer.errors import AutohealerError
from tests.coordination.member import Member, entry
from tests.support.processes import eventually


def test_the_target_is_told_at_first_and_with_each_change(member: Callable[..., Member], client: KazooClient) -> None:
    """None while there is none, and none again when it makes no sense."""
    a = member().join()
    assert a.wait(TargetRead).workers is None
    a.do(a.cluster.write_target, 10)
    a.wait(TargetRead, lambda e: e.workers == 10)
    client.set("/autohealer/target", b'{"workers": 7, "later": true}')
    a.wait(TargetRead, lambda e: e.workers == 7)
    before = len(a.events)
    client.set("/autohealer/target", b"\xff many")
    a.wait(TargetRead, lambda e: e.workers is None, after=before)
    client.delete("/autohealer/target")
    a.do(a.cluster.write_target, 3)
    a.wait(TargetRead, lambda e: e.workers == 3)

    assert client.get("/autohealer/target")[0] == b'{"workers":3}'


def test_what_is_held_is_told_to_all(member: Callable[..., Member], client: KazooClient) -> None:
    """Nothing, where there is nothing; and names that are no senses are left out."""
    a, b = member("a").join(), member("b").join()
    assert a.wait(HoldRead).senses == frozenset()
    a.do(a.cluster.write_hold, Hold(frozenset({"probe"}), "kim@host", "2026-01-31T12:00:00.000000Z"))
    for agent in (a, b):
        agent.wait(HoldRead, lambda e: e.senses == {"probe"})
    written = client.get("/autohealer/hold")[0]
    client.set("/autohealer/hold", b'{"senses": ["beat", "nonsense", 7, "all"]}')
    b.wait(HoldRead, lambda e: e.senses == {"beat", "all"})
    client.set("/autohealer/hold", b"nonsense")
    b.wait(HoldRead, lambda e: e.senses == frozenset(), after=len(b.events) - 1)

    assert written == b'{"senses":["probe"],"by":"kim@host","since":"2026-01-31T12:00:00.000000Z"}'


def test_a_target_ordered_before_there_is_a_connection_is_written(
    member: Callable[..., Member], client: KazooClient
) -> None:
    """An order stands until it is carried out."""
    a = member()
    a.do(a.cluster.write_target, 4)
    a.join()
    a.wait(TargetRead, lambda e: e.workers == 4)

    assert client.get("/autohealer/target")[0] == b'{"workers":4}'


def test_the_plan_reaches_everyone(member: Callable[..., Member], client: KazooClient) -> None:
    """With the zxid that wrote it, which its writer hears as well."""
    a, b = member("host-a").join(), member("host-b").join()
    leader = eventually(lambda: [m for m in (a, b) if m.of(LeadershipWon)])[0]
    epoch = leader.wait(LeadershipWon).epoch
    for target in (5, 6):
        plan = Plan(epoch, leader.agent, target, 1, {"host-a": target - 2, "host-b": 1})
        told = len(a.events), len(b.events)
        leader.do(leader.cluster.write_plan, plan)
        reads = [m.wait(PlanRead, lambda e: e.plan is not None, after=n) for m, n in zip((a, b), told, strict=True)]
        assert [e.plan for e in reads] == [plan, plan]
        assert {e.mzxid for e in reads} == {client.exists("/autohealer/plan").mzxid}
    client.set("/autohealer/plan", b"[]")
    a.wait(PlanRead, lambda e: e.plan is None and e.mzxid > 0)

    mzxids = [e.mzxid for e in a.of(PlanRead)]
    assert mzxids == sorted(set(mzxids))


def test_what_an_agent_says_is_coalesced(member: Callable[..., Member], client: KazooClient) -> None:
    """Of a hundred changes at once the last is written, and hardly any other."""
    a = member().join()
    a.wait(AgentsRead, lambda e: "host-a" in e.agents)

    def publish() -> None:
        for n in range(100):
            a.cluster.publish_agent(entry(n))

    a.do(publish)
    eventually(lambda: b'"running":99' in client.get("/autohealer/agents/host-a")[0])
    assert client.exists("/autohealer/agents/host-a").version <= 2


def test_an_entry_deleted_by_hand_returns(member: Callable[..., Member], client: KazooClient) -> None:
    """An agent that lives is among the agents."""
    a = member().join()
    a.wait(AgentsRead, lambda e: "host-a" in e.agents)
    client.delete("/autohealer/agents/host-a")

    eventually(lambda: client.exists("/autohealer/agents/host-a"))


def test_an_entry_too_large_for_zookeeper_is_refused(member: Callable[..., Member]) -> None:
    """A clear error, rather than a connection that breaks for ever."""
    a = member()
    with pytest.raises(AutohealerError, match="too large"):
        a.do(a.cluster.make_stand_in, "host-a-0-x", 0, 1, "x" * 9000)


def test_another_pool_has_a_place_of_its_own(member: Callable[..., Member], client: KazooClient) -> None:
    """The same layout under /pools/NAME; the pool ``default`` knows nothing of it."""
    a = member(pool="blue").join()
    a.wait(AgentsRead, lambda e: "host-a" in e.agents)

    assert sorted(client.get_children("/pools/blue")) == ["autohealer", "election", "service_registry", "workers"]
    assert client.get_children("/") == ["pools"]


def test_a_chroot_is_made_if_missing(member: Callable[..., Member], client: KazooClient, zookeeper_hosts: str) -> None:
    """However deep."""
    a = member(hosts=f"{zookeeper_hosts}/deep/er").join()
    a.wait(LeadershipWon)

    assert "workers" in client.get_children("/deep/er")


def test_a_persistent_node_is_no_agent(member: Callable[..., Member], client: KazooClient) -> None:
    """Neither to the leader, whatever it says, nor when the last agent leaves."""
    a = member("host-a").join()
    a.wait(AgentsRead, lambda e: set(e.agents) == {"host-a"})
    data = client.get("/autohealer/agents/host-a")[0]
    client.create("/autohealer/agents/ghost", data)
    b = member("host-b").join()
    a.wait(AgentsRead, lambda e: set(e.agents) == {"host-a", "host-b"})
    client.set("/autohealer/agents/ghost", b"{}")
    before = len(a.events)
    client.create("/autohealer/agents/other", data, ephemeral=True)
    a.wait(AgentsRead, lambda e: set(e.agents) == {"host-a", "host-b", "other"}, after=before)
    client.delete("/autohealer/agents/other")
    b.do(b.cluster.leave)
    b.wait(ClusterLeft)
    client.create("/autohealer/target", b'{"workers": 1}')
    a.do(a.cluster.leave)
    a.wait(ClusterLeft)

    assert client.exists("/autohealer/target") is None
    assert not any("ghost" in event.agents for event in a.of(AgentsRead))


def test_a_plan_that_may_not_be_written_is_named_with_its_remedy(
    member: Callable[..., Member], client: KazooClient
) -> None:
    """By each leader that tries; it is written once it may be."""
    client.create("/autohealer/plan", b"{}", makepath=True)
    client.add_auth("digest", "root:pw")
    client.set_acls(
        "/autohealer/plan", [make_digest_acl("root", "pw", all=True), make_acl("world", "anyone", read=True)]
    )
    for agent in ("host-a", "host-b"):
        leader = member(agent).join()
        epoch = leader.wait(LeadershipWon).epoch
        leader.do(leader.cluster.write_plan, Plan(epoch, agent, 1, 0, {agent: 1}))
        refused = leader.wait(PlanRefused).error
        assert "/autohealer/plan" in refused
        assert "setacl" in refused
        if agent == "host-a":
            leader.end()
    client.set_acls("/autohealer/plan", [make_acl("world", "anyone", all=True)])
    leader.do(leader.cluster.write_plan, Plan(epoch, agent, 1, 0, {agent: 1}))

    assert leader.wait(PlanRead, lambda e: e.plan is not None).plan == Plan(epoch, agent, 1, 0, {agent: 1})
