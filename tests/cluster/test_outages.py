"""ZooKeeper loses its leader, is down altogether, or forgets everything: no worker is stopped or started for it."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support.clusters import SESSION_S, Cluster, Host
from tests.support.processes import ROOT, eventually
from tests.support.real_zookeeper import RealZooKeeper

N = 6
STEADY = (sys.executable, ROOT / "flaky_worker" / "flaky_worker.py", "--fault", "none", "--session-timeout", "2")
BY_ITSELF = pytest.mark.parametrize("command", [("sleep", "1000"), STEADY], ids=["stand-ins", "by themselves"])


def kill_one(host: Host) -> None:
    """One of its workers dies; the next one runs at once."""
    slots = host.pids()
    os.kill(slots[0], signal.SIGKILL)
    eventually(lambda: host.pids().keys() == slots.keys() and slots[0] not in host.living(), what=str(host.status()))
    healed = eventually(lambda: [e["heal_ms"] for e in host.events("worker.started", slot=0) if "heal_ms" in e])
    assert healed[-1] < 500
    # A process that is only just being executed bears no mark yet.
    eventually(lambda: len(host.living()) == len(slots))


def registered(cluster: Cluster) -> set[str]:
    """The ids of all workers that a registration names."""
    return {name.removesuffix(".agent") for name in cluster.client.get_children("/workers")}


def ids(hosts: list[Host]) -> set[str]:
    """The ids of all workers that live."""
    return {worker["worker"] for host in hosts for worker in host.workers().values()}


def test_zookeeper_loses_its_leader(mortal_cluster: Cluster, mortal: RealZooKeeper) -> None:
    """And then one server more comes and goes: nothing stops, heals go on, nobody leads anew."""
    cluster = mortal_cluster
    hosts = cluster.start(N, 2)
    workers, plan = cluster.living(), cluster.plan()
    lost = eventually(lambda: [index] if (index := mortal.leader()) is not None else [])[0]
    mortal.kill(lost)
    # While there is no leader, what other agents have to hear of is refused at once.
    eventually(lambda: hosts[1].call("scale", str(N)).returncode == 0)
    assert cluster.living() == workers
    for host in hosts:
        kill_one(host)
    mortal.restart(lost)
    cluster.until_rest(N)
    assert cluster.plan()["epoch"] == plan["epoch"]
    assert cluster.events("zookeeper.lost") == []
    assert len(cluster.events("worker.started")) <= N + N // 2 + 2


@BY_ITSELF
def test_all_of_zookeeper_is_down_for_long(
    mortal_cluster: Cluster, mortal: RealZooKeeper, command: tuple[str, ...]
) -> None:
    """No worker dies for it; who dies is healed at full speed; soon after its return all are registered again."""
    cluster = mortal_cluster
    hosts = cluster.start(N, 2, command=command)
    eventually(lambda: registered(cluster) == ids(hosts), 40)
    for index in range(3):
        mortal.kill(index)
    down = time.monotonic()
    for host in hosts:
        host.until_event("zookeeper.suspended")
        kill_one(host)
        answer = host.call("status")
        assert answer.returncode == 0, answer
        assert re.match(
            r"ZooKeeper has been away since [0-9-]*\s?\d\d:\d\d:\d\d\.\d{3}: as the agent here has it\n", answer.stdout
        )
        assert f"{N} of {N} running" in answer.stdout
    workers = cluster.living()
    eventually(lambda: time.monotonic() > down + 3 * SESSION_S)
    assert cluster.living() == workers
    mortal.restart_all()
    eventually(lambda: cluster.client.connected)
    back = time.monotonic()
    eventually(lambda: registered(cluster) == ids(hosts), 40)
    assert time.monotonic() - back < 3
    cluster.until_rest(N)
    assert cluster.living() == workers
    assert cluster.events("worker.faulty") == []
    assert any("ZooKeeper was away: nothing is moved before" in host.said() for host in hosts)


def test_a_host_is_lost_while_zookeeper_is_away(mortal_cluster: Cluster, mortal: RealZooKeeper) -> None:
    """The leader holds for a session timeout, for the others are only just coming back; then it moves the share."""
    cluster = mortal_cluster
    hosts = cluster.start(N, 3)
    for index in range(3):
        mortal.kill(index)
    for host in hosts:
        host.until_event("zookeeper.suspended")
    since = time.monotonic()
    hosts[2].die()
    kept = cluster.living()
    eventually(lambda: time.monotonic() > since + SESSION_S)
    before = len(cluster.events("plan.changed"))
    mortal.restart_all()
    back = time.monotonic()
    eventually(lambda: len(cluster.events("plan.changed")) > before, 40)
    assert time.monotonic() - back > SESSION_S / 2
    cluster.until_rest(N)
    assert set(kept) < set(cluster.living())


@BY_ITSELF
def test_all_data_is_lost(mortal_cluster: Cluster, mortal: RealZooKeeper, command: tuple[str, ...]) -> None:
    """Everything is made again: target, plan, registrations; no worker is restarted, and ``scale`` works as before."""
    cluster = mortal_cluster
    hosts = cluster.start(N, 2, command=command)
    eventually(lambda: registered(cluster) == ids(hosts), 40)
    assert hosts[0].call("scale", str(N - 1)).returncode == 0
    cluster.until_rest(N - 1)
    workers = cluster.living()
    for index in range(3):
        mortal.kill(index)
        mortal.erase(index)
    mortal.restart_all()
    cluster.client = cluster.connect(mortal.hosts)
    cluster.client.chroot = "/pool"
    eventually(lambda: cluster.client.exists("/workers") and registered(cluster) == ids(hosts), 40)
    cluster.until_rest(N - 1)
    assert cluster.living() == workers
    assert cluster.events("worker.faulty") == []
    assert hosts[1].call("scale", str(N)).returncode == 0
    cluster.until_rest(N)
    assert set(workers) < set(cluster.living())


def test_what_is_held_outlives_an_agent_that_is_killed_while_zookeeper_is_away(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The next agent carries out no verdict that was held, and what was asked meanwhile is written in the end."""
    ill = tmp_path / "ill"
    probe = ("--probe-exec", f"test ! -e {ill}", "--probe-interval", "0.2", "--probe-failures", "2")
    (host,) = cluster.start(2, 1, proxied=[0], options=probe)
    assert host.proxy is not None
    before = cluster.living()
    assert host.call("hold", "probe").returncode == 0
    host.proxy.cut()
    host.until_event("zookeeper.suspended")
    assert host.call("hold", "beat").returncode == 0
    # Both are in the ledger, and that the second has yet to be written.
    eventually(lambda: '"held":["beat","probe"],"hold_by":"' in host.ledger().read_text())
    host.kill_agent()
    cluster.run(host, 2)
    eventually(lambda: [worker["ready"] for worker in host.workers().values()] == [True, True])
    ill.touch()
    host.until_event("worker.held", cause="probe")

    assert not host.status()["connected"]
    assert host.status()["held"] == ["beat", "probe"]
    assert host.events("worker.faulty") == []
    host.proxy.heal()
    eventually(lambda: json.loads(cluster.client.get("/autohealer/hold")[0])["senses"] == ["beat", "probe"])
    eventually(lambda: '"hold_by":null' in host.ledger().read_text().splitlines()[-1])
    assert cluster.living() == before
