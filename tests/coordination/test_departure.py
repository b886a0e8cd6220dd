"""What an agent takes away when it leaves, and what the last one takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kazoo.client import KazooClient

from autohealer.core.events import (
    AgentsRead,
    ClusterLeft,
    LeadershipWon,
    OperationRequested,
    RegistrationSeen,
    StandInMade,
)
from tests.coordination.member import Member
from tests.support.processes import eventually


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
