"""Who registers whom: workers themselves, under their ids or not, or the agent in their stead."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest
from kazoo.client import KazooClient

from tests.support.pools import Pool
from tests.support.processes import ROOT, eventually

FLAKY = (sys.executable, ROOT / "flaky_worker" / "flaky_worker.py", "--fault", "none")
on_the_usual_port = pytest.mark.xdist_group("port 2181")


@pytest.mark.parametrize("mode", ["auto", "agent"])
def test_stand_ins(pool: Pool, mode: str) -> None:
    """For a command that knows nothing of ZooKeeper, with all that is known of the worker; one for each, no more."""
    pool.run(3, options=["--registration", mode])
    pids = pool.until_running(3)
    pool.until_registered(3)
    client = pool.client()
    eventually(lambda: len(pool.registered(client)) == 3)
    for slot, worker in pool.workers().items():
        data, stat = client.get(f"/workers/{worker['worker']}.agent")
        assert stat.ephemeralOwner != 0
        fields = json.loads(data)
        assert fields.keys() == {"worker", "agent", "host", "pid", "slot", "address", "started"}
        assert (fields["worker"], fields["pid"], fields["slot"]) == (worker["worker"], pids[slot], slot)
        assert fields["started"] == worker["started"]
    os.kill(pids[0], signal.SIGKILL)
    pool.until_replaced(pids, [0])
    names = {f"{worker['worker']}.agent" for worker in pool.workers().values()}
    eventually(lambda: set(pool.registered(client)) == names)


def test_another_command_in_the_same_place(pool: Pool) -> None:
    """That the workers of a pool that has ended registered themselves does not hold for those of the next one."""
    pool.run(2, *FLAKY)
    pool.until_running(2)
    pool.until_by_themselves(pool.client())
    assert pool.stop() == 0
    pool.run(2)
    pool.until_running(2)
    pool.until_registered(2)
    assert pool.stop() == 0


def test_self(pool: Pool) -> None:
    """Nobody stands in, however long it takes; who has not registered in time is faulty."""
    slot_1_never = 'test {slot} = 1 && exec sleep 1000; exec "$0" "$@"'
    options = ["--registration", "self", "--register-grace", "0", "--start-timeout", "4", "--stop-timeout", "0.2"]
    pool.run(2, "sh", "-c", slot_1_never, *FLAKY, options=options)
    faulty = pool.until_event("worker.faulty")
    assert (faulty["slot"], faulty["cause"], faulty["detail"]) == (1, "registration", "not registered within 4 s")
    client = pool.client()
    assert pool.registered(client) == [pool.workers()[0]["worker"]]
    assert pool.events("worker.faulty", slot=0) == []
    pool.until_event("worker.started", slot=1, pid=eventually(lambda: pool.pids().get(1)))


def test_a_late_worker_withdraws_its_stand_in(pool: Pool) -> None:
    """The agent stood in for it; once it has registered by itself, it is counted once."""
    go = pool.processes.directory / "go"
    wait = f'until test -e {go}; do sleep 0.05; done; exec "$0" "$@"'
    pool.run(2, "sh", "-c", wait, *FLAKY)
    pids = pool.until_running(2)
    client = pool.client()
    stand_ins = {f"{worker['worker']}.agent" for worker in eventually(pool.workers).values()}
    eventually(lambda: set(pool.registered(client)) == stand_ins)
    go.touch()
    pool.until_by_themselves(client)
    assert pool.until_running(2) == pids
    assert pool.status()["foreign"] == 0


def test_a_lost_session_is_a_fault(pool: Pool) -> None:
    """A worker that gives its registration up, and works on, is shut down and replaced; its neighbours are not."""
    loses = 'test {slot} = 0 && exec "$0" "$@" --fault lost-session --mean-life 2 --seed 4; exec "$0" "$@"'
    pool.run(3, "sh", "-c", loses, *FLAKY, options=["--stop-timeout", "1"])
    faulty = pool.until_event("worker.faulty")
    assert (faulty["slot"], faulty["cause"], faulty["detail"]) == (0, "registration", "registration lost")
    pool.until_event("worker.exited", pid=faulty["pid"])
    assert {event["slot"] for event in pool.events("worker.faulty")} == {0}


@on_the_usual_port
def test_a_worker_in_java_that_knows_only_localhost_2181(usual_port_pool: Pool, course_worker: list[str]) -> None:
    """Unmodified and anonymous: the dead one's znode lingers, and yet its replacement is there and nobody else goes."""
    pool = usual_port_pool
    pool.run(4, *course_worker)
    pids = pool.until_running(4)
    assert pool.status()["zookeeper"] == "127.0.0.1:2181"
    client = pool.client()
    _until_anonymous(pool, client, 4)
    os.kill(pids[1], signal.SIGKILL)
    pids = pool.until_replaced(pids, [1])
    # The dead one's session ends after three seconds: until then there is one more, and nobody is stopped for it.
    eventually(lambda: len(_anonymous(pool, client)) == 5)
    assert pool.until_running(4) == pids
    _until_anonymous(pool, client, 4)
    assert pool.until_running(4) == pids
    assert pool.status()["foreign"] == 0
    assert pool.events("worker.faulty") == pool.events("worker.stopped") == []
    assert pool.stop() == 0
    assert pool.processes.alive() == []


def test_workers_in_java_all_killed(real_pool: Pool, course_worker: list[str]) -> None:
    """Against a real ZooKeeper; with twice as many znodes as workers for a while, N stays N."""
    pool = real_pool
    pool.run(4, *course_worker, str(pool.zk))
    pids = pool.until_running(4)
    client = pool.client()
    _until_anonymous(pool, client, 4)
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    pids = pool.until_replaced(pids, list(pids))
    eventually(lambda: len(_anonymous(pool, client)) > 4)
    _until_anonymous(pool, client, 4)
    assert pool.until_running(4) == pids
    assert {event["foreign"] for event in pool.events("plan.changed")} == {0}


@on_the_usual_port
def test_a_flaky_worker_started_by_hand(usual_port_pool: Pool) -> None:
    """On localhost:2181 it is one of N; when it goes, another one comes in its stead."""
    pool = usual_port_pool
    pool.run(3)
    pids = pool.until_running(3)
    by_hand = pool.processes.start(*FLAKY, output="by-hand")
    assert pool.until_running(2) == {slot: pids[slot] for slot in range(2)}
    eventually(lambda: pool.status()["foreign"] == 1)
    assert pool.call("status").returncode == 0
    by_hand.terminate()
    assert by_hand.wait(20) == 0
    pool.until_running(3)
    assert pool.status()["foreign"] == 0


def test_a_foreign_registration(pool: Pool) -> None:
    """Any ephemeral child counts towards N, once the grace has passed; a persistent one counts for nothing."""
    pool.run(3)
    pool.until_running(3)
    client, other = pool.client(), pool.client()
    client.create("/workers/worker_7")
    other.create("/workers/worker_", ephemeral=True, sequence=True)
    other.create("/workers/gone-0-abc", json.dumps({"pid": pool.agent.pid}).encode(), ephemeral=True)
    pool.until_running(1)
    eventually(lambda: pool.status()["foreign"] == 2)
    other.stop()
    pool.until_running(3)
    assert pool.status()["foreign"] == 0
    assert client.exists("/workers/worker_7")


def test_more_foreign_workers_than_wanted(pool: Pool) -> None:
    """Then none of ours runs; nobody else's is touched."""
    pool.run(2)
    pool.until_running(2)
    client = pool.client()
    for _ in range(3):
        client.create("/workers/worker_", ephemeral=True, sequence=True)
    pool.until_running(0)
    eventually(lambda: len(pool.registered(client)) == 3)
    for name in pool.registered(client):
        client.delete(f"/workers/{name}")
    pool.until_running(2)


def _anonymous(pool: Pool, client: KazooClient) -> list[str]:
    return [name for name in pool.registered(client) if name.startswith("worker_")]


def _until_anonymous(pool: Pool, client: KazooClient, count: int) -> None:
    """Wait until so many are registered, all of them anonymously, and the status knows."""
    eventually(lambda: len(_anonymous(pool, client)) == len(pool.registered(client)) == count, timeout=60)
    pool.until_registered(count)


def test_a_registration_under_an_id_of_ours_that_no_process_has_goes_at_once(pool: Pool) -> None:
    """Also one that claims to be our own stand-in; and no worker is touched."""
    pool.run(2)
    pids = pool.until_running(2)
    pool.until_registered(2)
    client, agent = pool.client(), pool.status()["agents"][0]["agent"]
    for name in (f"{agent}-7-forged1", f"{agent}-8-forged2.agent"):
        client.create(f"/workers/{name}", b"{}", ephemeral=True)
    eventually(lambda: not [name for name in pool.registered(client) if "forged" in name], 15.0)
    assert pool.until_running(2) == pids
