"""What people ask of a pool, whichever way: by the control socket, by ZooKeeper, and when one of them is not there."""

from __future__ import annotations

import json
import os
import signal
import time

from tests.support.pools import Pool, children
from tests.support.processes import eventually
from tests.support.proxy import Proxy


def test_a_stop_that_was_answered_by_the_agents_death_stops_not_the_next_run(real_pool: Pool) -> None:
    """The request still stands in ZooKeeper when the next agent comes; it was for the one before."""
    real_pool.run(2, "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    real_pool.until_running(2)
    client = real_pool.client()
    request = {"verb": "stop", "subject": "", "expires": time.time() + 600, "id": "stop-1", "by": "me@elsewhere"}
    client.create("/autohealer/requests/request-", json.dumps(request).encode(), sequence=True)
    real_pool.until_event("agent.draining")
    eventually(lambda: '"stopped":"stop-1"' in real_pool.ledger().read_text())
    real_pool.kill_agent()
    assert len(children(client, "/autohealer/requests")) == 1
    real_pool.run(2)
    real_pool.until_running(2)
    os.kill(real_pool.pids()[0], signal.SIGKILL)
    real_pool.until_running(2)
    assert real_pool.call("stop").returncode == 0
    eventually(lambda: real_pool.processes.alive() == [])


def test_a_flood_of_nonsense_makes_nobody_deaf(real_pool: Pool) -> None:
    """A thousand requests that cannot be read: who asks after them is heard, and the leader clears up."""
    real_pool.run(2)
    workers = real_pool.until_running(2)
    client = real_pool.client()
    for _ in range(1100):
        client.create_async("/autohealer/requests/request-", b"\xff", sequence=True)
    eventually(lambda: len(children(client, "/autohealer/requests")) == 1100)
    victim = real_pool.workers()[0]["worker"]
    request = {"verb": "kill", "subject": victim, "expires": time.time() + 600}
    client.create("/autohealer/requests/request-", json.dumps(request).encode(), sequence=True)
    real_pool.until_replaced(workers, [0])
    done = real_pool.until_event("operation.done", verb="kill")
    assert (done["subject"], done["by"]) == (victim, "unknown")
    assert real_pool.stop() == 0


def test_who_asked_is_in_the_events(pool: Pool) -> None:
    """By the socket the kernel says who it was."""
    pool.run(2)
    pool.until_running(2)
    victim = pool.workers()[1]["worker"]
    assert pool.call("kill", victim).returncode == 0
    assert pool.call("kill", "default-0-nobody").returncode == 2
    killed = pool.until_event("operation.done", verb="kill")
    assert killed["subject"] == victim
    assert "@" in killed["by"]
    assert pool.call("scale", "3").returncode == 0
    pool.until_event("operation.done", verb="scale", subject="3")
    assert pool.stop() == 0


def test_without_zookeeper_what_concerns_this_host_works(real_pool: Pool) -> None:
    """`kill`, `restart WORKER`, `scale` and `stop` of a pool without other agents; the target is written later."""
    hosts, _, chroot = str(real_pool.zk).partition("/")
    real = real_pool.client
    with Proxy(hosts) as proxy:
        real_pool.zk = f"{proxy.hosts}/{chroot}"
        real_pool.run(2)
        workers = real_pool.until_running(2)
        proxy.cut()
        eventually(lambda: real_pool.status().get("connected") is False)
        assert real_pool.call("kill", real_pool.workers()[0]["worker"]).returncode == 0
        real_pool.until_replaced(workers, [0])
        answer = real_pool.call("scale", "3")
        assert answer.returncode == 0, answer
        real_pool.until_running(3)
        drained = real_pool.call("drain")
        assert drained.returncode == 3
        proxy.heal()
        eventually(lambda: real_pool.status().get("connected"))
        eventually(lambda: json.loads(real().get("/autohealer/target")[0]) == {"workers": 3})
        real_pool.until_running(3)
        proxy.cut()
        eventually(lambda: real_pool.status().get("connected") is False)
        assert real_pool.call("stop").returncode == 0
        assert real_pool.ended() == 0
    assert real_pool.processes.alive() == []


def test_a_frozen_agent_is_called_frozen(embedded_pool: Pool) -> None:
    """With its pid and what to do, soon; nobody is told to check a --zk that was not given."""
    embedded_pool.run(1)
    embedded_pool.until_running(1)
    embedded_pool.agent.send_signal(signal.SIGSTOP)
    for command in (("status",), ("kill", "0"), ("scale", "2"), ("stop",)):
        answer = embedded_pool.call(*command)
        assert answer.returncode == 3, answer
        assert f"(pid {embedded_pool.agent.pid}) is frozen" in answer.stderr
        assert f"kill -CONT {embedded_pool.agent.pid}" in answer.stderr
        assert "--zk" not in answer.stderr
        assert len(answer.stderr.splitlines()) == 1
    embedded_pool.agent.send_signal(signal.SIGCONT)
    embedded_pool.until_running(1)
    assert embedded_pool.stop() == 0
