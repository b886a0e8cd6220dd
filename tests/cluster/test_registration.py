"""Registrations over several agents: whose is what, who is foreign, and what a long session leaves behind."""

from __future__ import annotations

import os
import signal
import sys

from tests.support.clusters import Cluster
from tests.support.processes import ROOT, eventually

N = 6
WORKER = (sys.executable, ROOT / "flaky_worker" / "flaky_worker.py", "--fault", "none", "--session-timeout")


def plan_counts(cluster: Cluster) -> tuple[int, int]:
    """How many the plan has for agents, and how many are foreign."""
    plan = cluster.plan()
    return sum(plan["shares"].values()), plan["foreign"]


def test_anonymous_workers_on_two_agents(cluster: Cluster) -> None:
    """Also of an agent that does not lead it is known that its own are among them; when one dies, nobody else ends."""
    hosts = cluster.start(N, 2, command=(*WORKER, "2", "--anonymous"))

    def settled() -> bool:
        names = cluster.client.get_children("/workers")
        told = sum(agent["unregistered"] for agent in cluster.agents().values())
        return len(names) == told == N and all(name.startswith("worker_") for name in names)

    eventually(settled, 40, str(cluster))
    cluster.until_rest(N)
    assert plan_counts(cluster) == (N, 0)
    with cluster.timeline() as timeline:
        begun = timeline.settle()
        for host in hosts:
            before = cluster.living()
            victim = host.living()[0]
            os.kill(victim, signal.SIGKILL)
            eventually(lambda before=before: len(set(cluster.living()) - set(before)) == 1)  # type: ignore[misc]  # of such a lambda mypy knows no type
            eventually(settled, 40, str(cluster))
            cluster.until_rest(N)
            assert set(before) - set(cluster.living()) == {victim}
        assert timeline.at_most(begun) == N, timeline.story(begun)
    assert plan_counts(cluster) == (N, 0)
    assert cluster.events("worker.faulty") == []


def test_a_foreign_worker_makes_room(cluster: Cluster) -> None:
    """One that was started by hand, anonymously: one fewer runs, and one more again when it is gone."""
    cluster.start(N, 2, command=(*WORKER, "2"))
    cluster.until_by_themselves()
    by_hand = cluster.client.create("/workers/worker_", b"", ephemeral=True, sequence=True)
    cluster.until_rest(N - 1)
    assert plan_counts(cluster) == (N - 1, 1)
    cluster.client.delete(by_hand)
    cluster.until_rest(N)
    assert plan_counts(cluster) == (N, 0)


def test_sessions_of_workers_that_outlast_their_host(cluster: Cluster) -> None:
    """What is registered counts, until its session ends; then N run again, and in between nobody else is touched."""
    hosts = cluster.start(N, 2, command=(*WORKER, "5"))
    cluster.until_by_themselves()
    kept = hosts[0].living()
    hosts[1].die()
    eventually(lambda: cluster.plan()["foreign"] == N // 2, what=str(cluster))
    assert hosts[0].living() == kept
    cluster.until_rest(N)
    assert set(kept) < set(hosts[0].living())
    assert plan_counts(cluster) == (N, 0)
