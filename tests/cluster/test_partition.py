"""One agent is cut off, frozen or killed: what the others do, and what there is meanwhile."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.support.clusters import SESSION_S, Cluster, Host
from tests.support.processes import eventually

N = 6
HALF = N // 2


def freeze(host: Host) -> None:
    """Stop the agent, and nothing else."""
    host.agent.send_signal(signal.SIGSTOP)


def thaw(host: Host) -> None:
    """Let it go on."""
    host.agent.send_signal(signal.SIGCONT)


def cut(host: Host) -> None:
    """Its way to ZooKeeper is gone."""
    assert host.proxy is not None
    host.proxy.cut()


def heal(host: Host) -> None:
    """It is there again."""
    assert host.proxy is not None
    host.proxy.heal()


@pytest.mark.parametrize(
    ("fault", "mend", "victim"),
    [
        pytest.param(cut, heal, 0, id="leader cut off"),
        pytest.param(cut, heal, 1, id="follower cut off"),
        pytest.param(freeze, thaw, 0, id="leader frozen"),
    ],
)
def test_keep(cluster: Cluster, fault: Callable[[Host], None], mend: Callable[[Host], None], victim: int) -> None:
    """The others take over, it keeps its own; on its return there are N again, in one go."""
    hosts = cluster.start(N, 3, proxied=[victim])
    lost, others = hosts[victim], [host for host in hosts if host is not hosts[victim]]
    mine = lost.living()
    with cluster.timeline() as timeline:
        begun = timeline.settle()
        fault(lost)
        eventually(lambda: [len(host.living()) for host in others] == [HALF, HALF], what=str(cluster))
        assert lost.living() == mine
        if fault is cut:
            # Cut off, and with no session any more, it goes on healing what was its share.
            os.kill(mine[0], signal.SIGKILL)
            eventually(lambda: len(lost.living()) == N // 3 and mine[0] not in lost.living())
            assert eventually(lambda: [e["heal_ms"] for e in lost.events("worker.started") if "heal_ms" in e])[0] < 1000
        started = len(cluster.events("worker.started"))
        mend(lost)
        cluster.until_rest(N, hosts)
        done = timeline.settle()
        assert timeline.at_least(begun, done) >= N - (fault is cut), timeline.story(begun)
        # No flapping: the surplus was trimmed, and whoever had too few after that started no more than it then had.
        assert len(cluster.events("worker.started")) - started <= N // 3
        assert cluster.events("worker.faulty") == []


def kill(host: Host) -> None:
    """The agent alone; its workers are left."""
    host.kill_agent()


@pytest.mark.parametrize(
    ("fault", "victim"),
    [
        pytest.param(cut, 0, id="leader cut off"),
        pytest.param(cut, 1, id="follower cut off"),
        pytest.param(freeze, 0, id="leader frozen"),
        pytest.param(kill, 1, id="follower killed"),
    ],
)
def test_stop(cluster: Cluster, fault: Callable[[Host], None], victim: int) -> None:
    """Its workers end before others start theirs; on its return, too, there are never more than N."""
    hosts = cluster.start(N, 3, options=("--on-partition", "stop"), proxied=[victim])
    lost, others = hosts[victim], [host for host in hosts if host is not hosts[victim]]
    with cluster.timeline() as timeline:
        begun = timeline.settle()
        fault(lost)
        at = time.monotonic()
        eventually(lambda: lost.living() == [], what=str(cluster))
        gone = time.monotonic()
        assert gone - at < SESSION_S
        eventually(lambda: [len(host.living()) for host in others] == [HALF, HALF], what=str(cluster))
        if fault is kill:
            cluster.run(lost, N)
        else:
            (heal if fault is cut else thaw)(lost)
        cluster.until_rest(N, hosts)
        assert timeline.at_most(begun) == N, timeline.story(begun)
        assert timeline.alive() == N


def test_stop_alone(cluster: Cluster) -> None:
    """An agent without others runs all, also after it was cut off, and after its end."""
    (host,) = cluster.start(N, 1, options=("--on-partition", "stop"), proxied=[0])
    cut(host)
    eventually(lambda: host.living() == [], what=str(cluster))
    heal(host)
    cluster.until_rest(N)
    assert host.stop() == 0
    cluster.run(host, N)
    cluster.until_rest(N)


def test_stop_when_agent_and_leader_are_frozen_together(cluster: Cluster) -> None:
    """Two of three, the leader among them: the third waits until all of theirs are gone."""
    hosts = cluster.start(N, 3, options=("--on-partition", "stop"))
    with cluster.timeline() as timeline:
        begun = timeline.settle()
        freeze(hosts[0])
        freeze(hosts[1])
        eventually(lambda: len(hosts[2].living()) == N, what=str(cluster))
        thaw(hosts[1])
        thaw(hosts[0])
        cluster.until_rest(N)
        assert timeline.at_most(begun) == N, timeline.story(begun)


def test_a_singleton_with_a_fencing_token(cluster: Cluster) -> None:
    """N=1 with ``stop``: never two, and every next holder of the job has a higher epoch."""
    hosts = cluster.start(1, 2, options=("--on-partition", "stop"))
    epochs = []
    with cluster.timeline() as timeline:
        for _ in range(3):
            (holder,) = [host for host in hosts if host.living()]
            (other,) = [host for host in hosts if host is not holder]
            environ = dict(line.split("=", 1) for line in _environment(holder.living()[0]) if "=" in line)
            epochs.append(int(environ["AUTOHEALER_EPOCH"]))
            freeze(holder)
            eventually(other.living, what=str(cluster))
            thaw(holder)
            cluster.until_rest(1)
        assert timeline.at_most() == 1, timeline.story()
    assert epochs == sorted(set(epochs))


def _environment(pid: int) -> list[str]:
    with open(f"/proc/{pid}/environ") as file:
        return file.read().split("\0")
