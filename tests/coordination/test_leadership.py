"""What a leader knows more than others: every agent's entry, and all that are registered."""

from __future__ import annotations

import time
from collections.abc import Callable

from kazoo.client import KazooClient

from autohealer.coordination.pool.listing import GAP_S
from autohealer.core.events import (
    AgentsListed,
    AgentsRead,
    ChildrenRead,
    LeadershipWon,
)
from autohealer.core.model import Child
from tests.coordination.member import Member, entry


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
