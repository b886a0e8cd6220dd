"""Workers that move between hosts: with ``keep`` never fewer than there should be, with ``stop`` never more."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.support.clusters import Cluster, Host
from tests.support.processes import eventually

N = 6

Move = Callable[[Cluster, list[Host]], None]


def joins(cluster: Cluster, hosts: list[Host]) -> None:
    """A third host comes."""
    host = cluster.add(N)
    cluster.until_rest(N)
    assert len(host.living()) == N // 3


def ends(cluster: Cluster, hosts: list[Host]) -> None:
    """Ctrl-C on one of them."""
    assert hosts[1].stop(signal.SIGINT) == 0
    cluster.until_rest(N)
    assert len(hosts[0].living()) == N


def leader_ends(cluster: Cluster, hosts: list[Host]) -> None:
    """SIGTERM to the one that leads."""
    leader = cluster.leader()
    assert leader.stop() == 0
    cluster.until_rest(N)
    assert leader.living() == []


def drains(cluster: Cluster, hosts: list[Host]) -> None:
    """``drain`` on the first, which leads, from the other; it stays, and comes back with ``--undo``."""
    answer = hosts[1].call("drain", hosts[0].agent_id)
    assert (answer.returncode, answer.stdout) == (0, f"agent {hosts[0].agent_id} is empty\n")
    assert hosts[0].living() == []
    # With ``stop`` a worker is started here once it has ended there, which is when the answer comes.
    eventually(lambda: len(hosts[1].living()) == N, what="all workers on the other host")
    answer = hosts[0].call("drain", "--undo")
    assert answer.returncode == 0, answer
    cluster.until_rest(N)


def restarts(cluster: Cluster, hosts: list[Host]) -> None:
    """A rolling restart, asked for on one of them."""
    before = set(cluster.living())
    assert hosts[1].call("restart").returncode == 0
    assert not before & set(cluster.living())
    cluster.until_rest(N)


def grows(cluster: Cluster, hosts: list[Host]) -> None:
    """``scale`` up, and down again."""
    assert hosts[1].call("scale", str(N + 3)).returncode == 0
    cluster.until_rest(N + 3)
    assert hosts[0].call("scale", str(N)).returncode == 0
    cluster.until_rest(N)


MOVES: list[Move] = [joins, ends, leader_ends, drains, restarts, grows]


@pytest.mark.parametrize("move", MOVES)
def test_never_fewer_on_the_way(cluster: Cluster, move: Move) -> None:
    """``keep``: at no instant do fewer run than should, and in the end no more."""
    hosts = cluster.start(N, 2)
    with cluster.timeline() as timeline:
        begun = timeline.settle()
        assert timeline.alive() == N
        move(cluster, hosts)
        done = timeline.settle()
        assert timeline.at_least(begun, done) == N, timeline.story(begun)
        assert timeline.alive() == N


@pytest.mark.parametrize("move", [move for move in MOVES if move is not grows])
def test_never_more_on_the_way(cluster: Cluster, move: Move) -> None:
    """``stop``: at no instant do more run than should, and in the end no fewer."""
    hosts = cluster.start(N, 2, options=("--on-partition", "stop"))
    with cluster.timeline() as timeline:
        begun = timeline.settle()
        assert timeline.alive() == N
        move(cluster, hosts)
        eventually(lambda: timeline.alive() == N)
        assert timeline.at_most(begun) == N, timeline.story(begun)
