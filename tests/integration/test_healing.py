"""Kill a worker, any way, and another one runs in its place; nobody else is touched."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.support.pools import Pool
from tests.support.processes import ROOT, eventually

STEADY = (sys.executable, ROOT / "flaky_worker" / "flaky_worker.py", "--fault", "none")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGINT, signal.SIGABRT)


def test_killed_by_every_sort_of_signal(pool: Pool) -> None:
    """Each is told by its name, with its uptime; the replacement says how long the healing took."""
    pool.run(3)
    pids = pool.until_running(3)
    for number, signum in enumerate(SIGNALS):
        slot = number % 3
        victim = pids[slot]
        os.kill(victim, signum)
        pids = pool.until_replaced(pids, [slot])
        exited = pool.until_event("worker.exited", pid=victim)
        assert (exited["code"], exited["signal"], exited["slot"]) == (None, signum.name, slot)
        assert pool.until_event("worker.started", pid=pids[slot])["heal_ms"] > 0
    assert [worker["restarts"] for worker in pool.workers().values()] == [2, 2, 1]


@pytest.mark.parametrize("code", [0, 3])
def test_ended_by_itself(embedded_pool: Pool, code: int) -> None:
    """Who ends is replaced, be it without an error: a pool is kept at its number."""
    embedded_pool.run(2, "sh", "-c", f"trap 'exit {code}' USR1; while :; do sleep 0.05; done")
    pids = embedded_pool.until_running(2)
    eventually(lambda: _handles(pids[0], signal.SIGUSR1))
    os.kill(pids[0], signal.SIGUSR1)
    embedded_pool.until_replaced(pids, [0])
    exited = embedded_pool.until_event("worker.exited", pid=pids[0])
    assert (exited["code"], exited["signal"]) == (code, None)


def test_registrations_of_the_dead_go_long_before_their_sessions(pool: Pool) -> None:
    """Stand-ins and workers' own; what holds the session of a killed worker is waited for by nobody."""
    long = ("--session-timeout", "60")
    pool.run(3, *STEADY, *long, options=long)
    pids = pool.until_running(3)
    client = pool.client()
    pool.until_by_themselves(client)
    dead = pool.workers()[1]["worker"]
    os.kill(pids[1], signal.SIGKILL)
    pool.until_replaced(pids, [1])
    eventually(lambda: not client.exists(f"/workers/{dead}"), timeout=10)
    pool.until_by_themselves(client)


def test_all_killed_at_once(pool: Pool) -> None:
    """Twenty die together; twenty others run, and exactly twenty were started for them."""
    pool.run(20)
    pids = pool.until_running(20)
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    pool.until_replaced(pids, list(pids))
    pool.until_registered(20)
    client = pool.client()
    assert eventually(lambda: len(pool.registered(client)) == 20)
    eventually(lambda: len(pool.events("worker.exited")) == 20)
    eventually(lambda: len(pool.events("worker.started")) == 40)


def test_one_that_hangs_is_found_faulty(pool: Pool) -> None:
    """Its session expires, and with it its registration: it is shut down and replaced, and people are told why.

    It is woken to hear the stop signal, so that it ends by itself, long before it would be killed.
    """
    pool.run(3, *STEADY, "--session-timeout", "1", options=["--stop-timeout", "60"])
    pids = pool.until_running(3)
    pool.until_by_themselves(pool.client())
    os.kill(pids[1], signal.SIGSTOP)
    pool.until_replaced(pids, [1])
    faulty = pool.until_event("worker.faulty", pid=pids[1])

    assert faulty["cause"] == "registration"
    assert faulty["slot"] == 1
    assert "T (stopped)" in faulty["evidence"]
    assert pids[1] not in pool.processes.alive()
    assert pool.until_event("worker.exited", pid=pids[1])["signal"] != "SIGKILL"
    assert len(pool.events("worker.exited")) == 1
    assert len(pool.events("worker.faulty")) == 1


def test_what_a_dead_worker_left_does_not_work_beside_its_replacement(embedded_pool: Pool) -> None:
    """Children in other sessions and double-forked ones end with it."""
    script = "setsid sleep 999 & (setsid sh -c 'sleep 998 & exit' &); exec sleep 1000"
    embedded_pool.run(1, "sh", "-c", script)
    pids = embedded_pool.until_running(1)
    eventually(lambda: len(embedded_pool.processes.alive()) == 4)
    before = set(embedded_pool.processes.alive()) - {embedded_pool.agent.pid}
    os.kill(pids[0], signal.SIGKILL)
    embedded_pool.until_replaced(pids, [0])
    eventually(lambda: not before & set(embedded_pool.processes.alive()))
    eventually(lambda: len(embedded_pool.processes.alive()) == 4)


def _handles(pid: int, signum: int) -> bool:
    with open(f"/proc/{pid}/status") as status:
        caught = next(line for line in status if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signum - 1) & 1)
