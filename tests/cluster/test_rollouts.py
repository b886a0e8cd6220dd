"""Rollouts of a pool on several hosts: by turns, undone on one and begun on no other, whatever is lost meanwhile."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.clusters import Cluster, Host
from tests.support.pools import children
from tests.support.processes import eventually

N = 4


def asked(host: Host, *arguments: str) -> subprocess.Popen[str]:
    """A command on this host that is not waited for."""
    return host.processes.autohealer(*arguments[:1], *host.where, *arguments[1:], output=f"asked-{arguments[0]}")


def rolls(host: Host) -> bool:
    """Whether a rollout is under way there, with a surge."""
    workers = host.status().get("workers", [])
    return bool(host.status().get("rollout")) and any(worker["slot"] is None for worker in workers)


def test_agents_take_turns(cluster: Cluster) -> None:
    """Never two at a time, never fewer than the target; in the end the request is gone, and both have an outcome."""
    hosts = cluster.start(N, 2)
    before = set(cluster.living())
    restart = asked(hosts[0], "restart")
    both = fewest = None
    while restart.poll() is None:
        rolling = [rolls(host) for host in hosts]
        both = both or all(rolling)
        count = len(cluster.living())
        fewest = count if fewest is None else min(fewest, count)

    assert restart.returncode == 0
    assert "all workers of 2 agents are new" in hosts[0].processes.read("asked-restart")
    assert not both
    assert fewest is not None
    assert fewest >= N
    assert not before & set(cluster.living())
    assert children(cluster.client, "/autohealer/requests") == []
    outcomes = {agent["revision"]["outcome"].partition(" ")[0] for agent in cluster.agents().values()}
    assert outcomes == {"done"}
    assert cluster.plan()["turn"] is None
    cluster.until_rest(N)


def test_updates_on_several_hosts_take_turns(cluster: Cluster) -> None:
    """What is run is each host's own matter, and one host after the other changes it; never fewer than the target."""
    hosts = cluster.start(N, 2)
    before = set(cluster.living())
    updates = [asked(host, "update", "--soak", "1", "--", "sleep", "1001") for host in hosts]
    counts = []
    while any(update.poll() is None for update in updates):
        counts.append(len(cluster.living()))

    assert [update.returncode for update in updates] == [0, 0]
    assert min(counts) >= N
    assert not before & set(cluster.living())
    first, second = sorted(host.events("rollout.started")[0]["time"] for host in hosts)
    ended = min(host.events("rollout.finished")[0]["time"] for host in hosts)
    assert first < ended <= second
    cluster.until_rest(N)


def test_what_is_undone_on_one_is_begun_on_no_other(cluster: Cluster, tmp_path: Path) -> None:
    script = tmp_path / "worker.sh"
    script.write_text("exec sleep 1000")
    hosts = cluster.start(N, 2, command=("sh", script))
    before = cluster.living()
    script.write_text("exit 1")
    answer = hosts[1].call("restart")

    assert answer.returncode == 4, answer
    assert "undone on" in answer.stderr
    assert cluster.living() == before
    assert len(cluster.events("rollout.undone")) == 1
    eventually(lambda: children(cluster.client, "/autohealer/requests") == [])


def test_a_restart_of_one_worker_elsewhere(cluster: Cluster) -> None:
    hosts = cluster.start(N, 2)
    before = set(cluster.living())
    victim = hosts[1].workers()[0]
    # Commands here know the workers of other agents by their registrations.
    eventually(lambda: victim["worker"] in hosts[0].call("status").stdout, what="the worker's registration")
    answer = hosts[0].call("restart", victim["worker"])

    assert answer.returncode == 0, answer
    assert before - set(cluster.living()) == {victim["pid"]}


def test_restart_and_undo_from_a_host_without_an_agent(cluster: Cluster) -> None:
    hosts = cluster.start(N, 2)
    for host in hosts:
        assert host.call("update", "--soak", "0", "--", "sleep", "1001").returncode == 0
    elsewhere = cluster.host()
    before = set(cluster.living())
    answer = elsewhere.call("restart")
    assert (answer.returncode, answer.stdout) == (0, "all workers of 2 agents are new\n"), answer
    assert not before & set(cluster.living())
    assert elsewhere.call("undo", "--soak", "0").returncode == 0
    commands = {Path(f"/proc/{pid}/cmdline").read_text().split("\0")[-2] for pid in cluster.living()}
    assert commands == {"1000"}
    assert elsewhere.call("update", "--", "sleep", "1").returncode == 3


def test_the_leaders_host_is_lost_in_the_middle(cluster: Cluster) -> None:
    """The next one goes on: whose turn it is follows from what the agents say."""
    hosts = cluster.start(6, 3)
    before = set(cluster.living())
    restart = asked(hosts[2], "restart")
    eventually(lambda: any(rolls(host) for host in hosts), what="a rollout under way")
    cluster.leader().die()
    restart.wait(90)
    cluster.until_rest(6)

    def all_new() -> bool:
        return not before & set(cluster.living()) and children(cluster.client, "/autohealer/requests") == []

    eventually(all_new, 90, f"all new; {cluster}")


def test_it_goes_on_while_zookeeper_is_away(cluster: Cluster) -> None:
    (host,) = cluster.start(3, 1, proxied=[0])
    before = set(cluster.living())
    update = asked(host, "update", "--soak", "2", "--", "sleep", "1001")
    eventually(lambda: rolls(host), what="a surge")
    assert host.proxy is not None
    host.proxy.cut()
    host.until_event("zookeeper.suspended")

    assert update.wait(90) == 0
    assert not host.status()["connected"]
    assert not before & set(cluster.living())
    assert len(cluster.living()) == 3
    host.proxy.heal()
    host.until_registered(3)


def test_an_agent_that_is_killed_in_the_middle_of_a_restart_goes_on(cluster: Cluster) -> None:
    """Its request still stands, so the next agent there carries it out, and exchanges none twice."""
    (host,) = cluster.start(3, 1)
    before = set(cluster.living())
    elsewhere = cluster.host()
    restart = asked(elsewhere, "restart")
    eventually(lambda: len(before - set(cluster.living())) >= 1, what="a first slot that was exchanged")
    eventually(lambda: host.events("rollout.step", exchanged=1), what="a first step")
    host.kill_agent()
    cluster.run(host, 3)

    assert restart.wait(90) == 0
    cluster.until_rest(3, [host])
    assert not before & set(cluster.living())
    assert children(cluster.client, "/autohealer/requests") == []
