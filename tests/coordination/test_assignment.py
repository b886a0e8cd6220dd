"""What all agents of a pool share: target, plan, each other's entries, requests, and the list of the registered."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError
from kazoo.security import make_acl, make_digest_acl

from autohealer.coordination.pool import requests
from autohealer.coordination.pool.listing import GAP_S
from autohealer.core.events import (
    AgentsListed,
    AgentsRead,
    ChildrenRead,
    ClusterLeft,
    HoldRead,
    LeadershipWon,
    OperationRequested,
    PlanRead,
    PlanRefused,
    RegistrationSeen,
    StandInMade,
    TargetRead,
)
from autohealer.core.model import Child, Hold, Plan
from autohealer.core.operations import Operation
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


def test_a_leader_hears_of_all_agents(member: Callable[..., Member], client: KazooClient) -> None:
    """Of one that comes, says something new, or goes; odd data is an agent that says nothing."""
    a = member("host-a").join(running=1)
    a.wait(AgentsRead, lambda e: e.agents == {"host-a": entry(1)})
    b = member("host-b").join(running=2)
    a.wait(AgentsRead, lambda e: e.agents == {"host-a": entry(1), "host-b": entry(2)})
    b.do(b.cluster.publish_agent, entry(7))
    a.wait(AgentsRead, lambda e: e.agents == {"host-a": entry(1), "host-b": entry(7)})
    client.create("/autohealer/agents/host-c", b"\x00", ephemeral=True)
    a.wait(AgentsRead, lambda e: e.agents == {"host-a": entry(1), "host-b": entry(7), "host-c": None})
    b.end()
    a.wait(AgentsRead, lambda e: e.agents == {"host-a": entry(1), "host-c": None})


def test_who_does_not_lead_knows_names_and_more_only_while_it_is_looked_at(member: Callable[..., Member]) -> None:
    """It asks for no entry, and is told of none; a new leader reads them all."""
    a = member("host-a").join(running=1)
    a.wait(LeadershipWon)
    b = member("host-b").join(running=2)
    b.wait(AgentsListed, lambda e: e.names >= {"host-a"})
    a.wait(AgentsRead, lambda e: set(e.agents) == {"host-a", "host-b"})
    a.do(a.cluster.publish_agent, entry(5))
    c = member("host-c").join(running=3)
    c.wait(AgentsListed, lambda e: e.names >= {"host-a", "host-b"})
    b.settle()
    assert b.of(AgentsRead) == []
    c.do(c.cluster.show_agents)
    c.wait(AgentsRead, lambda e: e.agents == {"host-a": entry(5), "host-b": entry(2), "host-c": entry(3)})
    a.end()

    b.wait(AgentsRead, lambda e: e.agents == {"host-b": entry(2), "host-c": entry(3)})
    c.wait(AgentsRead, lambda e: e.agents == {"host-b": entry(2), "host-c": entry(3)})


def test_a_leader_hears_that_an_agent_is_gone_together_with_its_registrations(member: Callable[..., Member]) -> None:
    """Not before: it would take what the agent has registered for workers that live on without it."""
    a = member("host-a").join()
    a.wait(LeadershipWon)
    for _ in range(5):
        b = member("host-b").join()
        before = len(a.events)
        b.do(b.cluster.make_stand_in, "host-b-0-x", 0, 1, "")
        a.wait(ChildrenRead, lambda e: len(e.children) == 1, after=before)
        a.wait(AgentsRead, lambda e: "host-b" in e.agents, after=before)
        before = len(a.events)
        b.end()
        a.wait(AgentsRead, lambda e: "host-b" not in e.agents, after=before)
        kinds = [type(event) for event in a.events[before:] if isinstance(event, AgentsRead | ChildrenRead)]
        assert kinds == [ChildrenRead, AgentsRead]


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


def test_the_leader_tells_anonymous_identified_and_persistent_apart(
    member: Callable[..., Member], client: KazooClient
) -> None:
    """A worker's id in the name or in the data identifies; persistent children count for nothing."""
    client.ensure_path("/workers/persistent")
    for name, data in {
        "worker_0000000042": b"",
        "odd": b"\xff" * 100,
        "huge": b'{"worker": "host-b-1-x"}' + b" " * 9000,
        "mine": b'{"worker": "host-b-2-x", "new": 1}',
        "liar": b'{"worker": "nobody"}',
        "host-b-3-x": b"",
        "host-b-4-x.agent": b"",
    }.items():
        client.create(f"/workers/{name}", data, ephemeral=True)
    a = member().join()

    expected = {
        Child("worker_0000000042", None),
        Child("odd", None),
        Child("huge", None),
        Child("mine", "host-b-2-x"),
        Child("liar", None),
        Child("host-b-3-x", "host-b-3-x"),
        Child("host-b-4-x.agent", "host-b-4-x"),
    }
    assert set(a.wait(ChildrenRead).children) == expected
    client.delete("/workers/odd")
    a.wait(ChildrenRead, lambda e: set(e.children) == expected - {Child("odd", None)})


def test_only_a_leader_lists_the_workers(member: Callable[..., Member], client: KazooClient) -> None:
    """The others are told nothing of /workers until they lead."""
    a = member("host-a").join()
    a.wait(ChildrenRead)
    b = member("host-b").join()
    b.wait(AgentsListed, lambda e: "host-a" in e.names)
    client.create("/workers/one", b"", ephemeral=True)
    a.wait(ChildrenRead, lambda e: len(e.children) == 1)
    b.settle()
    assert b.of(ChildrenRead) == []
    a.end()

    assert [c.name for c in b.wait(ChildrenRead).children] == ["one"]


def test_a_burst_of_registrations_is_read_a_few_times(member: Callable[..., Member], client: KazooClient) -> None:
    """Not once for each, but with a pause after each reading."""
    a = member().join()
    a.wait(ChildrenRead)
    began = time.monotonic()
    for result in [client.create_async(f"/workers/w{n}", b"", ephemeral=True) for n in range(500)]:
        result.get(timeout=20)
    a.wait(ChildrenRead, lambda e: len(e.children) == 500)

    assert len(a.of(ChildrenRead)) <= 2 + (time.monotonic() - began) / GAP_S


def test_requests_are_told_once_and_deleted_when_answered(member: Callable[..., Member], client: KazooClient) -> None:
    """Expired ones, unknown verbs and nonsense are not told."""
    client.ensure_path("/autohealer/requests")
    later = int(time.time()) + 600
    for data in (
        b'{"verb": "kill", "subject": "host-a-0-x", "expires": %d}' % later,
        b'{"verb": "stop", "subject": "", "expires": 5}',
        b'{"verb": "exec", "subject": "rm", "expires": %d}' % later,
        b"\xff",
    ):
        client.create("/autohealer/requests/r-", data, sequence=True)
    a = member().join()
    a.wait(LeadershipWon)
    told = a.wait(OperationRequested)
    operation = told.operation
    assert (operation.verb, operation.subject, told.stood) == ("kill", "host-a-0-x", True)
    a.do(a.cluster._look_again)
    a.do(a.cluster.answer_request, operation.request)

    # What has expired or makes no sense is nobody's, so the leader clears it away.
    eventually(lambda: client.get_children("/autohealer/requests") == [])
    client.create("/autohealer/requests/r-", b'{"verb": "drain", "subject": "a", "expires": 9e9}', sequence=True)
    assert not a.wait(OperationRequested, lambda e: e.operation.verb == "drain").stood
    assert len(a.of(OperationRequested)) == 2


def test_of_too_many_requests_the_newest_are_told_in_their_order(
    member: Callable[..., Member], client: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood, of nonsense or not, keeps nobody from being heard; the leader clears what makes no sense."""
    monkeypatch.setattr(requests, "AT_ONCE", 20)
    client.ensure_path("/autohealer/requests")
    for n in range(30):
        data = b"\xff" if n % 2 else b'{"verb": "kill", "subject": "host-a-%d-x", "expires": 9e9}' % n
        client.create("/autohealer/requests/r-", data, sequence=True)
    a = member().join()
    a.wait(LeadershipWon)
    eventually(lambda: len(a.of(OperationRequested)) == 10)
    assert [e.operation.subject for e in a.of(OperationRequested)] == [f"host-a-{n}-x" for n in range(10, 30, 2)]
    client.create("/autohealer/requests/r-", b'{"verb": "stop", "subject": "", "expires": 9e9}', sequence=True)
    a.wait(OperationRequested, lambda e: e.operation.verb == "stop")
    a.do(a.cluster._look_again)
    eventually(lambda: len(client.get_children("/autohealer/requests")) < 31)
    for _ in range(5):
        a.do(a.cluster._look_again)

    def nonsense() -> list[str]:
        found = []
        for name in client.get_children("/autohealer/requests"):
            with suppress(NoNodeError):
                if client.get(f"/autohealer/requests/{name}")[0] == b"\xff":
                    found.append(name)
        return found

    eventually(lambda: len(nonsense()) <= 5)


def test_what_an_agent_asks_of_others(member: Callable[..., Member], client: KazooClient) -> None:
    """A request for each, told by its own id; who asked is told when the last has been answered."""
    a = member().join()
    b = member("host-b").join()
    answered: list[bool] = []
    restart = Operation("o1", "restart", "", "me@here")
    a.do(a.cluster.forward, restart, ["host-a", "host-b"], lambda _: answered.append(True))
    eventually(lambda: len(b.of(OperationRequested)) == 2)
    told = {e.operation.subject: e.operation for e in b.of(OperationRequested)}
    assert {subject: operation.id for subject, operation in told.items()} == {
        "host-a": "o1/host-a", "host-b": "o1/host-b",
    }  # fmt: skip
    b.do(b.cluster.answer_request, told["host-b"].request)
    eventually(lambda: len(client.get_children("/autohealer/requests")) == 1)
    assert answered == []
    a.do(a.cluster.answer_request, told["host-a"].request)
    eventually(lambda: answered == [True])


@pytest.mark.parametrize("last", [False, True])
def test_leaving_takes_everything_along(member: Callable[..., Member], client: KazooClient, last: bool) -> None:
    """Stand-ins, own registrations, entry and candidature; the last one takes the target and requests to stop."""
    a = member().join()
    a.do(a.cluster.write_target, 2)
    for n in range(70):
        a.do(a.cluster.make_stand_in, f"host-a-{n}-x", n, 1, "")
    a.do(a.cluster.watch_registration, "host-a-0-x")
    client.ensure_path("/workers")
    client.create("/workers/host-a-0-x", b"", ephemeral=True)
    client.create("/workers/host-b-0-x", b"", ephemeral=True)
    a.wait(RegistrationSeen)
    eventually(lambda: len(a.of(StandInMade)) == 70)
    client.create("/autohealer/requests/r-", b'{"verb":"stop","subject":"","expires":9e9}', sequence=True)
    a.wait(OperationRequested)
    if not last:
        client.create("/autohealer/agents/host-b", b"{}", ephemeral=True)
    a.do(a.cluster.leave)
    a.wait(ClusterLeft, within=2.0)

    assert client.get_children("/workers") == ["host-b-0-x"]
    assert client.get_children("/election") == []
    assert client.get_children("/autohealer/agents") == ([] if last else ["host-b"])
    assert bool(client.exists("/autohealer/target")) is not last
    assert len(client.get_children("/autohealer/requests")) == (0 if last else 1)
    a.settle()
    assert a.events[-1] == a.of(ClusterLeft)[0]


def test_of_two_that_leave_together_one_is_the_last(member: Callable[..., Member], client: KazooClient) -> None:
    """Each finds the other among the agents, until both are gone."""
    a, b = member("host-a").join(), member("host-b").join()
    a.do(a.cluster.write_target, 2)
    leader = eventually(lambda: [m for m in (a, b) if m.of(LeadershipWon)])[0]
    leader.wait(AgentsRead, lambda e: set(e.agents) == {"host-a", "host-b"})
    a.do(a.cluster.leave)
    b.do(b.cluster.leave)
    a.wait(ClusterLeft)
    b.wait(ClusterLeft)

    assert client.exists("/autohealer/target") is None


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
