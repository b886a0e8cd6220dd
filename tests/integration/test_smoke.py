"""What the product promises: ten workers, killed for a while, are ten again; and nothing is left behind."""

from __future__ import annotations

import os
import random
import signal
import sys
from contextlib import suppress

from tests.support.pools import Pool, children
from tests.support.processes import ROOT, eventually

WORKERS = 10
KILLS = 30
FLAKY = (sys.executable, ROOT / "flaky_worker" / "flaky_worker.py", "--seed", "7", "--session-timeout", "2")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGINT)


def test_ten_flaky_workers_stay_ten_and_leave_nothing(pool: Pool) -> None:
    """They fail by themselves, and others kill them; then the agent is stopped, by Ctrl-C or a signal."""
    ending = signal.SIGINT if pool.zk is None else signal.SIGTERM
    dice = random.Random(7)
    pool.run(WORKERS, *FLAKY, "--mean-life", "5", options=["--stable-after", "0.1"])
    pool.until_running(WORKERS)
    client = pool.client()
    killed: set[int] = set()
    while len(killed) < KILLS:
        victim = dice.choice(list(eventually(pool.pids).values()))
        if victim not in killed:
            with suppress(ProcessLookupError):
                os.kill(victim, dice.choice(SIGNALS))
            killed.add(victim)

    # Those that were asked politely take their leave of ZooKeeper first.
    eventually(lambda: not killed & set(pool.processes.alive()), what="the end of the killed")
    pool.until_running(WORKERS)
    eventually(lambda: pool.registered(client), what="a registration")
    assert pool.stop(ending) == 0
    assert pool.processes.alive() == []
    if pool.zk is not None:
        for path in ("/workers", "/election", "/autohealer/agents", "/service_registry", "/autohealer/requests"):
            assert children(client, path) == []
        assert client.exists("/autohealer/target") is None


def test_a_calm_pool_is_whole(pool: Pool) -> None:
    """Ten steady workers of the flaky kind: ten processes, ten registrations under their ids, none in their stead."""
    pool.run(WORKERS, *FLAKY, "--fault", "none")
    pool.until_running(WORKERS)
    pool.until_by_themselves(pool.client())

    assert pool.events("worker.exited") == []
    assert pool.stop() == 0
    assert pool.processes.alive() == []
