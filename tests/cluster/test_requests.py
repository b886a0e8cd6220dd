"""What people ask for from any host, how much an agent takes, and what others put into ZooKeeper."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress

from kazoo.exceptions import NoNodeError, NotEmptyError

from tests.support.clusters import OPTIONS, Cluster
from tests.support.pools import children
from tests.support.processes import eventually

N = 6


def test_status_and_kill_from_any_host(cluster: Cluster) -> None:
    """Each host shows all of it; a worker of another host is killed by its id, and replaced there."""
    hosts = cluster.start(N, 3)
    eventually(lambda: len(children(cluster.client, "/workers")) == N)
    answers = [json.loads(host.call("status", "--json").stdout) for host in hosts]
    for answer in answers:
        assert (answer["running"], answer["registered"], answer["target"], answer["foreign"]) == (N, N, N, 0)
        assert sorted(worker["pid"] for worker in answer["workers"]) == cluster.living()
        assert [agent["share"] for agent in answer["agents"]] == [2, 2, 2]
        assert (answer["leader"], answer["epoch"]) == (hosts[0].agent_id, cluster.plan()["epoch"])
    victim = hosts[2].workers()[0]
    answer = hosts[0].call("kill", victim["worker"])
    assert answer.returncode == 0, answer
    assert victim["pid"] not in cluster.living()
    cluster.until_rest(N)
    assert len(hosts[2].living()) == 2
    assert children(cluster.client, "/autohealer/requests") == []


def test_capacity(cluster: Cluster) -> None:
    """It bounds an agent's share; a target above all capacity: what fits runs, and the leader says so."""
    first = cluster.host()
    first.run(N, options=(*OPTIONS, "--capacity", "2"))
    first.until_event("leader.elected")
    eventually(lambda: len(cluster.living()) == 2)
    eventually(lambda: f"{N - 2} workers more than all agents take (--capacity): start another agent" in first.said())
    second = cluster.host()
    second.run(N, options=(*OPTIONS, "--capacity", "3"))
    eventually(lambda: [len(host.living()) for host in cluster.members] == [2, 3])
    assert second.call("status").returncode == 6
    third = cluster.host()
    third.run(N, options=OPTIONS)
    eventually(lambda: [len(host.living()) for host in cluster.members] == [2, 2, 2], what=str(cluster))
    assert third.call("scale", "12").returncode == 0
    assert [len(host.living()) for host in cluster.members] == [2, 3, 7]


def test_two_pools_on_one_ensemble(cluster: Cluster) -> None:
    """Each has its own target, leader and workers; the end of the one is nothing to the other."""
    hosts = [cluster.host(name=name) for name in ("default", "other", "default", "other")]
    for host in hosts:
        host.run(5 if host.name == "other" else 3, options=OPTIONS)
        host.until_event("zookeeper.connected")
    eventually(lambda: [sum(len(h.living()) for h in pool) for pool in (hosts[::2], hosts[1::2])] == [3, 5])
    assert hosts[2].call("scale", "4").returncode == 0
    assert hosts[1].call("stop").returncode == 0
    assert [hosts[1].ended(), hosts[3].ended()] == [0, 0]
    cluster.members = hosts[::2]
    cluster.until_rest(4)
    assert children(cluster.client, "/pools/other/workers") == []
    assert [host.living() for host in hosts[1::2]] == [[], []]


def test_odd_things_from_outside(cluster: Cluster) -> None:
    """Agents, plans, candidates and requests that make no sense: shown or ignored, never obeyed; nothing crashes."""
    hosts = cluster.start(N, 2)
    workers = cluster.living()
    client, huge = cluster.client, b'{"host": "' + b"x" * 500_000 + b'"}'
    plan = json.loads(client.get("/autohealer/plan")[0])
    client.create("/autohealer/agents/huge", huge, ephemeral=True)
    client.create("/autohealer/agents/binary", b"\x00\xff", ephemeral=True)
    client.create("/autohealer/agents/\u202enegative", b'{"host": "h", "pid": 1, "version": "1", "running": -5}')
    client.create("/election/junk", b"\xff", ephemeral=True)
    client.create("/election/no-agent:0a0b:", huge, ephemeral=True, sequence=True)
    client.create("/service_registry/junk", b"\xff")
    for verb in ("exec", "stop; reboot", "kill"):
        request = json.dumps({"verb": verb, "subject": "/bin/sh", "expires": 9e9}).encode()
        client.create("/autohealer/requests/request-", request, sequence=True)
    client.create("/autohealer/requests/junk", b"\xff")
    for data in (b"\xff", b"[]", json.dumps({**plan, "shares": {"huge": 10**9}}).encode()):
        client.set("/autohealer/plan", data)
        eventually(lambda data=data: client.get("/autohealer/plan")[0] != data, what=str(cluster))  # type: ignore[misc]  # of such a lambda mypy knows no type
    client.set("/autohealer/target", b'{"workers": 1e99}')
    eventually(lambda: json.loads(client.get("/autohealer/target")[0]) == {"workers": N})
    eventually(lambda: len(cluster.living()) == N, what=str(cluster))
    assert len(set(workers) & set(cluster.living())) == N
    for host in hosts:
        answer = host.call("status")
        assert answer.returncode == 0, answer
        assert not set("\u202e\x1b") & set(answer.stdout)
        assert "internal error" not in host.said()
    for name in children(client, "/autohealer/agents"):
        if name not in {host.agent_id for host in hosts}:
            client.delete(f"/autohealer/agents/{name}")
    cluster.until_rest(N)
    assert cluster.living() == workers


def test_the_tree_is_deleted_by_hand(cluster: Cluster) -> None:
    """All of it, bit by bit, while agents make it anew: in the end everything stands, and no worker was touched."""
    hosts = cluster.start(N, 2)
    workers = cluster.living()
    eventually(lambda: len(children(cluster.client, "/workers")) == N)
    for path in ("/workers", "/autohealer", "/election", "/service_registry"):
        with suppress(NotEmptyError, NoNodeError):  # somebody may be quicker
            cluster.client.delete(path, recursive=True)
    eventually(lambda: len(children(cluster.client, "/workers")) == N, what=str(cluster))
    cluster.until_rest(N)
    assert cluster.living() == workers
    assert hosts[1].call("scale", str(N + 1)).returncode == 0
    assert cluster.events("worker.faulty") == []


def test_a_copy_of_a_state_directory(cluster: Cluster) -> None:
    """The second agent with one id ends, and says why; the first goes on as if nothing had been."""
    hosts = cluster.start(N, 2)
    workers = cluster.living()
    copy = cluster.host()
    shutil.copytree(hosts[1].processes.state_dir, copy.processes.state_dir, ignore=shutil.ignore_patterns("*.sock"))
    cluster.run(copy, N)
    assert copy.ended() == 1
    assert (
        f"another agent goes by the id {hosts[1].agent_id}: its state directory is a copy of this one's" in copy.said()
    )
    assert copy.living() == []
    cluster.until_rest(N)
    assert cluster.living() == workers
