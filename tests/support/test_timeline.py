"""The recorder sees what was there: too many, too few, and when."""

from __future__ import annotations

import subprocess
import time

from tests.support.processes import Processes, eventually
from tests.support.timeline import Timeline


def worker(processes: Processes, name: str) -> subprocess.Popen[bytes]:
    """Starts what looks like one."""
    env = processes.environment({"AUTOHEALER_WORKER_ID": name})
    return subprocess.Popen(["sleep", "1000"], env=env, start_new_session=True)


def test_counts_those_that_live_at_once(processes: Processes) -> None:
    """A third that overlaps with two others, and a gap of a twentieth of a second with one alone."""
    with Timeline([processes.mark]) as timeline:
        first = worker(processes, "a-0-1")
        eventually(lambda: timeline.alive() == 1)
        second = worker(processes, "a-1-1")
        eventually(lambda: timeline.alive() == 2)
        two = timeline.settle()
        assert timeline.at_most() == 2
        third = worker(processes, "a-2-1")
        eventually(lambda: timeline.alive() == 3)
        second.kill()
        second.wait()
        third.kill()
        third.wait()
        eventually(lambda: timeline.alive() == 1)
        one = timeline.settle()
        again = worker(processes, "a-1-2")
        eventually(lambda: timeline.alive() == 2)
        assert timeline.at_most() == timeline.at_most(two) == 3
        assert timeline.at_least(two, time.monotonic()) == 1
        assert timeline.at_least(timeline.settle(), time.monotonic() + 1) == 2
        assert timeline.at_most(one) == 2
        assert [life.worker for life in timeline.lives] == ["a-0-1", "a-1-1", "a-2-1", "a-1-2"]
        assert timeline.lives[0].began < timeline.lives[3].began
    for process in (first, again):
        process.kill()
        process.wait()


def test_others_are_left_out(processes: Processes) -> None:
    """Neither what bears another test's mark, nor what bears no worker's id, nor a worker's child."""
    with Timeline([processes.mark]) as timeline:
        env = processes.environment({"AUTOHEALER_WORKER_ID": "a-0-1"})
        plain = processes.start("sleep", "1000")
        child = processes.start("sleep", "1000", env={"AUTOHEALER_WORKER_ID": "a-0-1"})
        stranger = subprocess.Popen(
            ["sleep", "1000"],
            env={k: v for k, v in env.items() if v not in processes.mark.decode()},
            start_new_session=True,
        )
        timeline.settle()
        assert timeline.alive() == 0
    for process in (plain, child, stranger):
        process.kill()
        process.wait()
