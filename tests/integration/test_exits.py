"""Workers that may finish: which ends are followed by a start, and when the agent is done."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.support.pools import Pool
from tests.support.processes import eventually

RECYCLES = "sleep 1.2"


def test_workers_that_end_well_are_done_and_the_agent_with_them(pool: Pool) -> None:
    pool.run(3, "sh", "-c", "exit {slot}", options=["--restart", "on-failure", "--ok-exit", "0,1,2"])
    assert pool.ended() == 0
    assert sorted(event["slot"] for event in pool.events("worker.done", failed=False)) == [0, 1, 2]
    assert len(pool.events("worker.started")) == 3


def test_one_that_failed_where_workers_finish_makes_exit_code_4(embedded_pool: Pool) -> None:
    embedded_pool.run(2, "sh", "-c", "exit {slot}", options=["--restart", "never"])
    assert embedded_pool.ended() == 4
    assert "error: the worker in slot 1 failed: exit code 1" in embedded_pool.said()
    assert [event["slot"] for event in embedded_pool.events("worker.done", failed=True)] == [1]


def test_any_that_failed_may_be_enough(embedded_pool: Pool) -> None:
    options = ["--restart", "never", "--exit-on", "any-failed", "--stop-timeout", "5"]
    embedded_pool.run(2, "sh", "-c", "test {slot} = 1 && exit 127; exec sleep 1000", options=options)
    assert embedded_pool.ended() == 4
    assert "exit code 127 (command not found)" in embedded_pool.said()
    assert embedded_pool.processes.alive() == []


def test_what_is_done_is_not_done_again_by_the_next_agent(embedded_pool: Pool, tmp_path: Path) -> None:
    """Killed with two of three done; and what nobody saw end is run again: work is done at least once."""
    ran = tmp_path / "ran"
    script = f"echo {{slot}} >> {ran}; test {{slot}} = 2 && exec sleep 1000; exit 0"
    options = ["--restart", "on-failure"]
    embedded_pool.run(3, "sh", "-c", script, options=options)
    eventually(lambda: len(embedded_pool.events("worker.done")) == 2, timeout=60)
    eventually(lambda: '"finished"' in (embedded_pool.folder / "ledger").read_text())
    embedded_pool.kill_agent()
    embedded_pool.run(3, "sh", "-c", script, options=options)
    (worker,) = eventually(lambda: embedded_pool.events("worker.adopted", slot=2), timeout=60)
    eventually(lambda: embedded_pool.call("status").returncode == 0, timeout=60)
    assert sorted(ran.read_text().split()) == ["0", "1", "2"]
    os.kill(worker["pid"], signal.SIGKILL)
    eventually(lambda: sorted(ran.read_text().split()) == ["0", "1", "2", "2"], timeout=60)


def test_workers_that_recycle_themselves_are_not_in_backoff(embedded_pool: Pool) -> None:
    """Well past the burst of six: a good end after a second is nothing to be punished for."""
    embedded_pool.run(1, "sh", "-c", RECYCLES, options=["--max-failures", "3"])
    eventually(lambda: len(embedded_pool.events("worker.exited")) >= 9, timeout=90)
    assert embedded_pool.events("worker.backoff") == []


def test_a_worker_is_told_how_often_and_after_what_it_was_started(embedded_pool: Pool, tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = f'echo "$AUTOHEALER_RESTARTS-$AUTOHEALER_LAST_EXIT-$AUTOHEALER_REVISION" >> {said}; exit 3'
    embedded_pool.run(1, "sh", "-c", script)
    eventually(lambda: said.exists() and len(said.read_text().split()) >= 2)
    assert said.read_text().split()[:2] == ["0--1", "1-3-1"]
