"""Hosts, leaders and agents are lost, and come back."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from tests.cluster.figures import when
from tests.support.clusters import SESSION_S, TICK_S, Cluster, Host
from tests.support.processes import ROOT, eventually

N = 6
# Registers itself, with a session as long as its agent's.
STEADY = (sys.executable, ROOT / "flaky_worker" / "flaky_worker.py", "--fault", "none", "--session-timeout", "2")


@pytest.mark.parametrize("victim", [0, 1], ids=["leader", "follower"])
def test_a_host_is_lost(cluster: Cluster, victim: int) -> None:
    """All workers run again within session timeout + tick + 1 s; a new leader within + 0.5 s, with a higher epoch."""
    hosts = cluster.start(N, 3)
    epoch = cluster.plan()["epoch"]
    at, told_at = time.monotonic(), time.time()
    hosts[victim].die()
    cluster.until_living(N)
    assert time.monotonic() - at < SESSION_S + TICK_S + 1
    if victim == 0:
        elected = eventually(lambda: [e for e in cluster.events("leader.elected") if e["epoch"] > epoch])
        assert when(elected[0]) - told_at < SESSION_S + TICK_S + 0.5
    else:
        assert cluster.plan()["epoch"] == epoch
    cluster.until_rest(N)
    assert cluster.events("worker.faulty") == []


def test_leaders_die_one_after_the_other(cluster: Cluster) -> None:
    """Each next one leads with a higher epoch, until one agent is left, and it has all."""
    cluster.start(N, 3)
    epochs = [cluster.plan()["epoch"]]
    for left in (2, 1):
        cluster.leader().die()
        eventually(lambda: cluster.plan()["epoch"] > epochs[-1])
        cluster.until_rest(N)
        assert len(cluster.running()) == left
        epochs.append(cluster.plan()["epoch"])


def test_workers_that_outlive_their_agent_count(cluster: Cluster) -> None:
    """They are registered: nobody starts others in their place; when they die, somebody does; nobody kills them."""
    hosts = cluster.start(N, 2, command=STEADY)
    cluster.until_by_themselves()
    orphans = hosts[1].living()
    with cluster.timeline() as timeline:
        begun = timeline.settle()
        hosts[1].kill_agent()
        eventually(lambda: len(cluster.agents()) == 1)
        eventually(lambda: cluster.plan()["foreign"] == N // 2, what=str(cluster))
        assert hosts[1].living() == orphans
        assert len(hosts[0].living()) == N // 2
        os.kill(orphans[0], signal.SIGKILL)
        eventually(lambda: len(hosts[0].living()) == N // 2 + 1, what=str(cluster))
        assert timeline.at_most(begun) == N, timeline.story(begun)
        # The next agent there takes over what is left: N, and none of them twice.
        cluster.run(hosts[1], N)
        cluster.until_rest(N)
        assert set(orphans[1:]) <= set(hosts[1].living())
        assert timeline.at_least(begun, timeline.settle()) == N - 1


def test_an_agent_is_replaced_at_once(cluster: Cluster) -> None:
    """Killed and started again within its session: the others do not even see it, and no worker is touched."""
    hosts = cluster.start(N, 2)
    workers, plan = cluster.living(), cluster.plan()
    for host in hosts:
        host.kill_agent()
        cluster.run(host, N)
        cluster.until_rest(N)
        assert cluster.living() == workers
    assert cluster.plan()["shares"] == plan["shares"]
    assert cluster.events("agent.left") == []


def test_an_agent_comes_back_after_its_session(cluster: Cluster) -> None:
    """Others have taken over from it by then: it adopts its workers, and the surplus is trimmed to N."""
    hosts = cluster.start(N, 2)
    mine = hosts[1].living()
    with cluster.timeline() as timeline:
        begun = timeline.settle()
        hosts[1].kill_agent()
        eventually(lambda: len(hosts[0].living()) == N, what=str(cluster))
        assert hosts[1].living() == mine
        cluster.run(hosts[1], N)
        cluster.until_rest(N)
        assert len(hosts[1].events("worker.adopted")) == len(mine)
        assert timeline.at_least(begun, timeline.settle()) == N, timeline.story(begun)


def test_a_restarted_agent_does_not_undo_a_scale(cluster: Cluster) -> None:
    """The target is what ``scale`` has made of it; whoever joins takes it, and says so; another number is an order."""
    hosts = cluster.start(4, 2)
    assert hosts[1].call("scale", "6").returncode == 0
    for host in hosts:
        host.kill_agent()
        cluster.run(host, 4)
        cluster.until_rest(6)
    third = cluster.add(3)
    cluster.until_rest(6)
    eventually(lambda: "target: 6 workers, as the pool has it; for 3: " in third.said(), what=third.said())
    assert "target: 6 workers, as the pool has it; for 4: " in hosts[0].said()
    # Where the same host asks for another number than before, that is meant.
    third.kill_agent()
    cluster.run(third, 5)
    cluster.until_rest(5)


def test_all_hosts_are_killed_and_come_back(cluster: Cluster) -> None:
    """Agents alone: their workers live on, are adopted, and are as many as before."""
    hosts = cluster.start(N, 3)
    workers = cluster.living()
    for host in hosts:
        host.kill_agent()
    eventually(lambda: cluster.agents() == {})
    assert cluster.living() == workers
    for host in hosts:
        cluster.run(host, N)
    cluster.until_rest(N)
    assert cluster.events("worker.faulty") == []


def test_a_pool_that_ended_leaves_nothing(cluster: Cluster) -> None:
    """``stop`` from any host ends the pool on all of them: no target, no plan, no registration; a new one is new."""
    hosts: list[Host] = cluster.start(N, 3)
    answer = hosts[2].call("stop")
    assert answer.returncode == 0, answer
    assert [host.ended() for host in hosts] == [0, 0, 0]
    assert cluster.living() == []
    left = {path: cluster.client.get_children(path) for path in ("/workers", "/election", "/autohealer/requests")}
    assert left == {"/workers": [], "/election": [], "/autohealer/requests": []}
    assert sorted(cluster.client.get_children("/autohealer")) == ["agents", "requests"]
    cluster.run(hosts[1], 2)
    cluster.until_rest(2)
