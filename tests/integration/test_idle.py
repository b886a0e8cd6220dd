"""An agent to which nothing happens hardly wakes up: that is counted, for CPU time would be the machine's affair."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.support.pools import Pool
from tests.support.processes import Processes, eventually

WATCHED_S = 6.0
WITHIN_S = 100.0


def waits(pid: int) -> tuple[int, int]:
    """How often the thread of the loop has waited for something so far, and how often all threads have."""
    counts: dict[int, int] = {}
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with suppress(OSError):  # that thread has ended
            count = status.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0]
            counts[int(status.parent.name)] = int(count)
    return counts[pid], sum(counts.values())


def assert_idle(agent: subprocess.Popen[str], loop: int, threads: int) -> None:
    """Within some seconds it wakes up no more often than so. What it does once, and what others do, is waited out."""
    seen: list[tuple[int, int]] = []

    def is_idle() -> bool:
        before, began = waits(agent.pid), time.monotonic()
        eventually(lambda: time.monotonic() >= began + WATCHED_S)
        after = waits(agent.pid)
        seen.append((after[0] - before[0], after[1] - before[1]))
        return seen[-1][0] <= loop and seen[-1][1] <= threads

    eventually(is_idle, WITHIN_S, f"at most {loop} wake-ups of the loop, {threads} of all threads: {seen}")


def test_one_pool(embedded_pool: Pool) -> None:
    """A look each five seconds; a ping each two, which wakes both its ends."""
    agent = embedded_pool.run(10, options=("--session-timeout", "6", "--registration", "agent"))
    embedded_pool.until_running(10)
    embedded_pool.until_registered(10)

    assert_idle(agent, loop=6, threads=40)


def test_twenty_pools(processes: Processes) -> None:
    """They look and ping in the same moments: the loop hardly notices how many there are."""
    file = processes.directory / "pools.toml"
    defaults = '[defaults]\ncommand = ["sleep", "1000"]\nworkers = 2\nregistration = "agent"\n'
    file.write_text(defaults + "".join(f"[pools.p{number}]\n" for number in range(20)))
    agent = processes.autohealer("run", "--config", file)

    def all_are_registered() -> bool:
        answer = processes.run_autohealer("status", "--all", "--json")
        return [pool["registered"] for pool in json.loads(answer.stdout or "[]")] == [2] * 20

    eventually(all_are_registered, WITHIN_S)

    assert_idle(agent, loop=15, threads=2000)
