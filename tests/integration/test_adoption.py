"""The agent is killed: its workers live, and the next one has them, exactly them, and heals them."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.pools import Pool
from tests.support.processes import ROOT, eventually

STEADY = (sys.executable, ROOT / "flaky_worker" / "flaky_worker.py", "--fault", "none")


def test_the_next_agent_adopts_and_heals(pool: Pool) -> None:
    """The same pids, told as adopted and never as started; one that dies later is replaced as any other."""
    pool.run(4)
    pids = pool.until_running(4)
    pool.kill_agent()
    assert pool.living() == sorted(pids.values())
    pool.run(4)

    assert pool.until_running(4) == pids
    pool.until_registered(4)
    assert eventually(lambda: _adopted(pool)) == pids
    os.kill(pids[2], signal.SIGKILL)
    pool.until_replaced(pids, [2])
    exited = pool.until_event("worker.exited", pid=pids[2])
    assert (exited["code"], exited["signal"]) == (None, None)
    assert exited["uptime"] >= 0
    since = pool.events("worker.adopted")[0]["time"]
    assert [event["slot"] for event in pool.events("worker.started") if event["time"] > since] == [2]
    assert pool.stop() == 0
    assert pool.processes.alive() == []


def test_workers_keep_their_registrations(pool: Pool) -> None:
    """Those that register themselves are not disturbed by the death and the return of the agent."""
    pool.run(3, *STEADY)
    pids = pool.until_running(3)
    pool.until_by_themselves(pool.client())
    names = {worker["worker"] for worker in pool.workers().values()}
    pool.kill_agent()
    pool.run(3, *STEADY)
    assert pool.until_running(3) == pids
    pool.until_by_themselves(pool.client())
    assert {worker["worker"] for worker in pool.workers().values()} == names
    assert pool.events("worker.faulty") == []


def test_a_death_while_no_agent_was_there(pool: Pool) -> None:
    """It is healed by the next one; the others are adopted."""
    pool.run(3)
    pids = pool.until_running(3)
    pool.kill_agent()
    os.kill(pids[1], signal.SIGKILL)
    eventually(lambda: pids[1] not in pool.living())
    pool.run(3)
    pool.until_replaced(pids, [1])


def test_after_the_session_of_the_former_agent_has_expired(real_pool: Pool) -> None:
    """Whether it can take the session up again or not, it takes the workers over."""
    real_pool.run(3, options=["--session-timeout", "0.5"])
    pids = real_pool.until_running(3)
    real_pool.until_registered(3)
    client = real_pool.client()
    real_pool.kill_agent()
    eventually(lambda: not client.get_children("/autohealer/agents") and not client.get_children("/workers"))
    real_pool.run(3)
    assert real_pool.until_running(3) == pids
    real_pool.until_registered(3)


def test_a_former_scale_is_not_undone(pool: Pool) -> None:
    """``run`` with the number of the last run takes the target as it stands; with another it means it."""
    pool.run(2)
    pool.until_running(2)
    assert pool.call("scale", "4").returncode == 0
    pids = pool.pids()
    pool.kill_agent()
    pool.run(2)
    assert pool.until_running(4) == pids
    pool.kill_agent()
    pool.run(3)
    assert pool.until_running(3) == {slot: pids[slot] for slot in range(3)}
    assert pool.status()["target"] == 3


def test_a_clean_end_is_the_end(pool: Pool) -> None:
    """The pool that is started after it has the number that it is given, whatever was scaled before."""
    pool.run(2)
    pool.until_running(2)
    assert pool.call("scale", "3").returncode == 0
    assert pool.stop() == 0
    pool.run(2)
    pool.until_running(2)
    assert pool.status()["target"] == 2
    assert pool.events("worker.adopted") == []


@pytest.mark.parametrize("lost", ["the last line", "all workers", "the whole file but the first line"])
def test_a_worker_that_the_ledger_lacks(embedded_pool: Pool, lost: str) -> None:
    """Spawned in the agent's last instant, or while the disk was full: its environment tells whose it is."""
    embedded_pool.run(3)
    pids = embedded_pool.until_running(3)
    eventually(lambda: len(_workers_in(embedded_pool.ledger())) == 3)
    embedded_pool.kill_agent()
    lines = embedded_pool.ledger().read_text().splitlines(keepends=True)
    if lost == "the last line":
        last = max(i for i, line in enumerate(lines) if "start_time" in line)
        kept = [*lines[:last], lines[last][:20]]
    elif lost == "all workers":
        kept = [line for line in lines if "start_time" not in line]
    else:
        kept = lines[:1]
    embedded_pool.ledger().write_text("".join(kept))
    embedded_pool.run(3)
    assert embedded_pool.until_running(3) == pids
    assert eventually(lambda: _adopted(embedded_pool)) == pids


def test_a_pid_that_is_somebody_elses_now(embedded_pool: Pool) -> None:
    """A line of the ledger with another start time: that process is not ours, and is left in peace."""
    stranger = embedded_pool.processes.start("sleep", "1000")
    embedded_pool.run(2)
    pids = embedded_pool.until_running(2)
    eventually(lambda: len(_workers_in(embedded_pool.ledger())) == 2)
    embedded_pool.kill_agent()
    os.kill(pids[0], signal.SIGKILL)
    eventually(lambda: pids[0] not in embedded_pool.living())
    entry = next(line for line in _workers_in(embedded_pool.ledger()) if line["slot"] == 0)
    with embedded_pool.ledger().open("a") as ledger:
        ledger.write(json.dumps({**entry, "pid": stranger.pid}) + "\n")
    embedded_pool.run(2)
    now = embedded_pool.until_replaced(pids, [0])

    assert stranger.pid not in now.values()
    assert eventually(lambda: _adopted(embedded_pool)) == {1: pids[1]}
    assert embedded_pool.stop() == 0
    assert embedded_pool.processes.alive() == [stranger.pid]


def test_stop_where_the_agent_is_gone(pool: Pool) -> None:
    """It ends the workers all the same, with what they have left, and the pool with them."""
    pool.run(3, "sh", "-c", "setsid sleep 1000 & exec sleep 1000")
    pool.until_running(3)
    eventually(lambda: len(pool.processes.alive()) == 7)
    pool.kill_agent()
    answer = pool.call("stop")

    assert answer.returncode == 0
    assert "stopped 3 workers that their agent had left\n" in answer.stdout
    assert pool.processes.alive() == []
    assert pool.call("stop").returncode == 3
    pool.run(2)
    pool.until_running(2)
    assert pool.status()["target"] == 2


def test_killed_again_and_again(pool: Pool) -> None:
    """Agents that live for moments, at whatever they are just then, lose no worker and double none."""
    pool.run(5)
    pids = pool.until_running(5)
    for _ in range(4):
        pool.kill_agent()
        pool.run(5)
        eventually(lambda: pool.folder.joinpath("control.sock").exists())
    assert pool.until_running(5) == pids


def test_killed_in_the_midst_of_starting(pool: Pool) -> None:
    """What had been started by then is adopted, the rest is started, and none twice."""
    pool.run(30)
    eventually(lambda: len(pool.living()) > 3)
    pool.kill_agent()
    before = set(pool.living())
    pool.run(30)
    pids = pool.until_running(30)
    assert before <= set(pids.values())
    adopted = eventually(lambda: _adopted(pool))
    assert before <= set(adopted.values())
    assert adopted.items() <= pids.items()


def _adopted(pool: Pool) -> dict[int, int]:
    """The pids that were told as adopted, by slot; they are all told at once."""
    return {event["slot"]: event["pid"] for event in pool.events("worker.adopted")}


def _workers_in(ledger: Path) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in ledger.read_text().splitlines()]
    return [entry for entry in entries if "start_time" in entry]
