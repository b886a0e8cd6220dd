"""Why a worker was replaced can be asked: while the agent runs, and after its end."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from tests.support.pools import Pool
from tests.support.processes import ROOT, eventually

Json = dict[str, Any]
STUCK = """
import os, time
from autohealer import worker
worker.debuggable()
def stuck_in_here():
    print("about to be stuck", flush=True)
    time.sleep(1000)
worker.ready()
stuck_in_here()
"""


def why(pool: Pool, *arguments: str) -> list[Json]:
    """What the command says."""
    done = pool.call("why", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: list[Json] = json.loads(done.stdout)
    return found


def test_a_death_from_its_last_words_to_its_heal(embedded_pool: Pool) -> None:
    """The output is that of the life that ended, and of no other."""
    pool = embedded_pool
    pool.run(2, "sh", "-c", "echo I am $AUTOHEALER_WORKER_ID; sleep 1000")
    pids = pool.until_running(2)
    victim = pool.workers()[1]
    eventually(lambda: pool.call("logs", "1").stdout.count("I am") == 1)
    os.kill(pids[1], signal.SIGKILL)
    pool.until_replaced(pids, [1])
    (found,) = eventually(lambda: [one for one in why(pool) if one["outcome"] == "healed"])

    assert (found["kind"], found["cause"], found["slot"], found["pid"]) == ("death", "signal", 1, pids[1])
    assert found["exit"] == {"code": None, "signal": "SIGKILL", "oom": False}
    assert found["evidence"]["output"] == [f"I am {victim['worker']}"]
    assert found["replacement"] == pool.workers()[1]["worker"]
    assert found["ready_ms"] > found["started_ms"] > 0
    told = pool.call("why", "1").stdout
    assert f"worker 1 (pid {pids[1]}) died: killed by SIGKILL" in told
    assert f"| I am {victim['worker']}" in told
    assert why(pool, "0") == []


def test_what_has_just_happened_is_told_at_once(embedded_pool: Pool) -> None:
    """Once `kill` has named the replacement, `why` names it, too, though the incident ends only when that is ready."""
    pool = embedded_pool
    pool.run(1, options=("--ready", "after:1000"))
    eventually(pool.workers)
    pool.call("kill", "0")
    (found,) = why(pool, "0")

    assert (found["outcome"], found["replacement"]) == ("open", pool.workers()[0]["worker"])
    assert found["started_ms"] > 0
    assert "replaced, and not ready: replacement ran after" in pool.call("why").stdout
    assert why(pool, "7") == []


def test_a_verdict_with_the_stacks_of_who_hung(embedded_pool: Pool) -> None:
    """Told also when the agent is gone; what it left open is unknown then."""
    pool = embedded_pool
    pool.run(1, sys.executable, "-c", STUCK, options=("--beat-timeout", "3", "--cwd", str(ROOT)))
    pool.until_event("worker.faulty", cause="beat")
    pool.stop()
    found = why(pool)[-1]

    assert (found["kind"], found["cause"], found["detail"]) == ("verdict", "beat", "no beat for 3 s")
    assert "stuck_in_here" in found["evidence"]["stack"]
    assert found["evidence"]["output"] == ["about to be stuck"]
    assert "stuck_in_here" in pool.call("why").stdout


def test_nothing_is_known(embedded_pool: Pool) -> None:
    """Of a pool that never was; and of one in which nothing has happened."""
    never = embedded_pool.call("why")
    embedded_pool.run(1)
    embedded_pool.until_running(1)
    quiet = embedded_pool.call("why")

    assert (never.returncode, never.stderr.count("\n")) == (3, 1)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "no incidents\n")
