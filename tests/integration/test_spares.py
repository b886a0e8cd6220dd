"""Spares with real processes: a heal that does not contain the start-up, and what becomes of them without an agent."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.pools import Pool
from tests.support.processes import eventually

SLOW_START = """
import sys, time
from autohealer import worker
with open(sys.argv[1], "a") as said:
    time.sleep(0.5)  # imports, caches, connections
    print("waits" if worker.info.slot is None else "begins", file=said, flush=True)
    slot = worker.standby()
    print("slot", slot, file=said, flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def said(tmp_path: Path) -> Path:
    return tmp_path / "said"


def run(pool: Pool, said: Path, workers: int, spares: int) -> None:
    pool.run(workers, sys.executable, "-c", SLOW_START, said, options=["--spares", str(spares)])
    eventually(lambda: pool.status().get("spares") == spares, timeout=90)


def test_a_spare_takes_the_dead_ones_place_with_its_start_up_behind_it(pool: Pool, said: Path) -> None:
    run(pool, said, 2, 1)
    former = pool.pids()[1]
    os.kill(former, signal.SIGKILL)
    (promoted,) = eventually(lambda: pool.events("worker.promoted", slot=1))
    assert promoted["heal_ms"] < 500
    assert "slot 1" in eventually(lambda: said.read_text().splitlines()[-1:], timeout=30)
    eventually(lambda: pool.pids().get(1) == promoted["pid"])
    eventually(lambda: pool.status().get("spares") == 1, timeout=60)
    assert [event["slot"] for event in pool.events("worker.started") if "heal_ms" in event] == []
    assert pool.call("status").returncode == 0
    assert pool.stop() == 0
    assert pool.processes.alive() == []


def test_spares_leave_with_their_agent_and_the_promoted_are_adopted(embedded_pool: Pool, said: Path) -> None:
    run(embedded_pool, said, 1, 1)
    os.kill(embedded_pool.pids()[0], signal.SIGKILL)
    (promoted,) = eventually(lambda: embedded_pool.events("worker.promoted"))
    eventually(lambda: embedded_pool.status().get("spares") == 1, timeout=60)
    eventually(lambda: f'"slot":0,"pid":{promoted["pid"]}' in (embedded_pool.folder / "ledger").read_text())
    embedded_pool.kill_agent()
    eventually(lambda: embedded_pool.living() == [promoted["pid"]])
    run(embedded_pool, said, 1, 1)
    assert embedded_pool.pids()[0] == promoted["pid"]


def test_what_a_spare_cannot_have_is_refused(embedded_pool: Pool) -> None:
    for arguments in (
        ["--spares", "1", "--", "echo", "{slot}"],
        ["--spares", "1", "--port-base", "9000", "--", "true"],
    ):
        answer = embedded_pool.processes.run_autohealer("run", "1", *arguments)
        assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
