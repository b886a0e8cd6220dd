"""Who leads: one at a time, in the order of joining, each watching only the one before it."""

from __future__ import annotations

from collections.abc import Callable

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from autohealer.core.events import LeadershipLost, LeadershipWon, PlanRead, PlanRefused
from autohealer.core.model import Plan
from tests.coordination.member import Member, expire
from tests.support.processes import eventually


def candidates(client: KazooClient) -> list[str]:
    """Who stands for election, first to last; empty too while somebody is just going."""
    try:
        names = sorted(client.get_children("/election"), key=lambda name: name[-10:])
        return [client.get(f"/election/{name}")[0].decode() for name in names]
    except NoNodeError:
        return []


def queue(member: Callable[..., Member], client: KazooClient, *agents: str) -> list[Member]:
    """Agents that have joined one after the other."""
    members = []
    for agent in agents:
        members.append(member(agent).join())
        eventually(lambda: len(candidates(client)) == len(members))
        members[-1].settle()
    return members


def test_one_agent_leads_at_once(member: Callable[..., Member], client: KazooClient) -> None:
    """Its epoch is the czxid of its election node, which holds its id."""
    a = member().join()
    epoch = a.wait(LeadershipWon).epoch
    (name,) = client.get_children("/election")
    data, stat = client.get(f"/election/{name}")

    assert (data, stat.czxid, stat.ephemeralOwner) == (b"host-a", epoch, a.session[0])


def test_the_next_in_line_follows(member: Callable[..., Member], client: KazooClient) -> None:
    """The epoch grows with each leader; who goes from the middle of the queue makes nobody lead."""
    a, b, c = queue(member, client, "host-a", "host-b", "host-c")
    first = a.wait(LeadershipWon).epoch
    b.end()
    eventually(lambda: candidates(client) == ["host-a", "host-c"])
    c.settle()
    assert c.of(LeadershipWon) == []
    a.end()

    assert c.wait(LeadershipWon).epoch > first
    assert b.of(LeadershipWon) == []


def test_only_the_predecessor_is_watched(member: Callable[..., Member], client: KazooClient) -> None:
    """No herd: when the first goes, the third hears nothing."""
    a, b, c = queue(member, client, "host-a", "host-b", "host-c")

    def watched(one: Member) -> list[str]:
        inside = one.kazoo
        nodes = [path for path in list(inside._data_watchers) if "/election/" in path]
        assert not [path for path in list(inside._child_watchers) if path.endswith("/election")]
        return sorted({path.rpartition("/")[2].partition(":")[0] for path in nodes})

    eventually(lambda: [watched(one) for one in (a, b, c)] == [["host-a"], ["host-a"], ["host-b"]])


def test_a_deposed_leader_cannot_write_the_plan(member: Callable[..., Member], client: KazooClient) -> None:
    """It may not know yet that it is deposed: ZooKeeper does, in the same transaction."""
    a = member().join()
    epoch = a.wait(LeadershipWon).epoch
    a.do(a.cluster.write_plan, Plan(epoch, "host-a", 3, 0, {"host-a": 3}))
    written = a.wait(PlanRead, lambda e: e.plan is not None)
    (name,) = client.get_children("/election")

    def deposed() -> None:
        # As seen from the agent: its node is gone, and no news of that has come.
        a.cluster._leadership._election._open = False

    a.do(deposed)
    client.delete(f"/election/{name}")
    a.do(a.cluster.write_plan, Plan(epoch, "host-a", 9, 0, {"host-a": 9}))
    a.wait(PlanRefused)

    assert client.get("/autohealer/plan")[1].mzxid == written.mzxid


def test_a_leader_whose_node_is_deleted_stands_again(member: Callable[..., Member], client: KazooClient) -> None:
    """By hand, say; its second term is another epoch."""
    a = member().join()
    first = a.wait(LeadershipWon).epoch
    (name,) = client.get_children("/election")
    client.delete(f"/election/{name}")
    a.wait(LeadershipLost)

    assert a.wait(LeadershipWon, lambda e: e.epoch != first).epoch > first


def test_contends_anew_with_each_session(
    member: Callable[..., Member], client: KazooClient, zookeeper_hosts: str
) -> None:
    """A leader that loses its session goes to the end of the queue."""
    a, b = queue(member, client, "host-a", "host-b")
    first = a.wait(LeadershipWon).epoch
    expire(zookeeper_hosts, a.session)

    assert b.wait(LeadershipWon).epoch > first
    eventually(lambda: candidates(client) == ["host-b", "host-a"])
    a.settle()
    assert len(a.of(LeadershipWon)) == 1


def test_does_not_queue_behind_its_former_life(
    member: Callable[..., Member], client: KazooClient, connect: Callable[[str], KazooClient], zookeeper_hosts: str
) -> None:
    """What this agent left in the election is deleted, also where it belongs to the very same session."""
    client.ensure_path("/election")
    connect(zookeeper_hosts).create("/election/host-a:0a0b:", b"host-a", ephemeral=True, sequence=True)
    client.create("/election/host-a:00:x:", b"host-a:00", ephemeral=True, sequence=True)
    a = member().join()
    eventually(lambda: candidates(client) == ["host-a:00", "host-a"])

    assert a.of(LeadershipWon) == []


def test_a_persistent_node_is_no_candidate(member: Callable[..., Member], client: KazooClient) -> None:
    """Somebody made it, or a backup brought it back: waited for, it would keep everybody from leading for ever."""
    client.create("/election/old:1:0000000000", b"old", makepath=True)
    client.create("/election/old:1:", b"old", sequence=True)
    a = member("host-a").join()
    a.wait(LeadershipWon)
    client.create("/election/old:2:", b"old", sequence=True)
    b = member("host-b").join()
    eventually(lambda: "host-b" in candidates(client))
    b.settle()
    assert b.of(LeadershipWon) == []
    a.end()

    b.wait(LeadershipWon)


def test_who_leads_gives_way_to_one_that_comes_before_it_after_all(
    member: Callable[..., Member], client: KazooClient
) -> None:
    """ZooKeeper has gone back to an older state, in which somebody who had left still stands."""
    a = member("host-a").join()
    a.wait(LeadershipWon)
    client.create("/election/host-0:1:-0000000001", b"host-0", ephemeral=True)
    a.do(a.cluster._leadership._election.step)
    a.wait(LeadershipLost)
    client.delete("/election/host-0:1:-0000000001")

    eventually(lambda: len(a.of(LeadershipWon)) == 2)
