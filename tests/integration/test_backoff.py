"""Workers that fail at once, and those that fail now and then."""

from __future__ import annotations

import os
import re
import signal
from datetime import datetime

from tests.support.pools import Pool
from tests.support.processes import eventually

SPAN_S = 10.0
MOST_STARTS = 120


def test_a_crash_loop_costs_next_to_nothing(embedded_pool: Pool) -> None:
    """Ten workers that fail at once: 120 starts in ten seconds at most; shown with what they said last."""
    embedded_pool.run(10, "sh", "-c", "echo line one; echo no such file; exit 1")
    # After the burst the waits grow; the sixth is longer than the rest of the ten seconds.
    eventually(lambda: any(e["delay"] > 5 for e in embedded_pool.events("worker.backoff")), timeout=60)
    started = [datetime.fromisoformat(event["time"]) for event in embedded_pool.events("worker.started")]
    within = [moment for moment in started if (moment - started[0]).total_seconds() <= SPAN_S]
    last = embedded_pool.events("worker.backoff")[-1]

    assert 10 * 7 <= len(within) <= MOST_STARTS
    assert last["output"][-2:] == ["line one", "no such file"]
    assert last["reason"] == "exit code 1"
    answer = embedded_pool.call("status")
    assert (answer.returncode, answer.stderr) == (6, "")
    assert "\n10 are crash-looping: no such file (exit 1)\n" in answer.stdout
    assert "backoff" in answer.stdout
    assert embedded_pool.stop() == 0


def test_it_gives_up_where_that_was_asked_for(pool: Pool) -> None:
    """Exit code 4, one line that says which worker and how; the others are stopped, and nothing is left."""
    healthy_but_slot_1 = "test {slot} = 1 && exit 3; exec sleep 1000"
    pool.run(3, "sh", "-c", healthy_but_slot_1, options=["--max-failures", "3"])
    assert pool.ended() == 4
    errors = [line for line in pool.said().splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert re.fullmatch(r"error: the worker in slot 1 failed 3 times in a row, .*exit code 3; see .+", errors[0])
    assert len(pool.events("worker.exited", slot=1)) == 3
    assert pool.processes.alive() == []
    pool.run(1)
    pool.until_running(1)


def test_a_worker_that_lives_long_enough_is_never_throttled(embedded_pool: Pool) -> None:
    """Killed far more often than the burst allows, each time after it was stable: back at once each time."""
    embedded_pool.run(1, options=["--stable-after", "0.05"])
    pids = embedded_pool.until_running(1)
    for _ in range(15):
        eventually(lambda: _age_s(embedded_pool, 0) > 0.1)
        os.kill(pids[0], signal.SIGKILL)
        pids = embedded_pool.until_replaced(pids, [0])
    assert embedded_pool.events("worker.backoff") == []


def test_a_burst_of_crashes_is_healed_at_once(embedded_pool: Pool) -> None:
    """Six in a row, then it waits, and is back all the same."""
    embedded_pool.run(1, options=["--stable-after", "1000"])
    pids = embedded_pool.until_running(1)
    for _ in range(6):
        os.kill(pids[0], signal.SIGSEGV)
        pids = embedded_pool.until_replaced(pids, [0])
    assert embedded_pool.events("worker.backoff") == []
    os.kill(pids[0], signal.SIGSEGV)
    embedded_pool.until_replaced(pids, [0])
    backoff = embedded_pool.until_event("worker.backoff")
    assert 0.2 <= backoff["delay"] <= 0.24


def _age_s(pool: Pool, slot: int) -> float:
    started = datetime.fromisoformat(pool.workers()[slot]["started"])
    return (datetime.now(started.tzinfo) - started).total_seconds()
