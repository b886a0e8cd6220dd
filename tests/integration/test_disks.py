"""What a disk can do to an agent whose state is on it: nothing to the healing, and nothing is lost that need not be."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.loop_disk import LoopDisk
from tests.support.pools import Pool
from tests.support.processes import eventually

needs_mounts = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mkfs.ext4") is None, reason="mounts a disk: for root, with mkfs.ext4"
)
STALL_S = 30.0
# What a heal takes at most on a machine where others work, too: without the stall it takes as long.
USUAL_MS = 500.0


@pytest.fixture
def disk(own_pool: Pool) -> Iterator[LoopDisk]:
    """The state directory is on a disk of its own."""
    mounted = LoopDisk(own_pool.processes.state_dir)
    yield mounted
    own_pool.processes.end()
    mounted.unmount()


@needs_mounts
def test_a_disk_that_stalls_delays_no_heal_and_loses_nothing(own_pool: Pool, disk: LoopDisk) -> None:
    """Ledger, events, incidents, the files for output and the recorder are on it, and all wait for half a minute."""
    own_pool.run(4, options=["--stable-after", "0.001"])
    pids = own_pool.until_running(4)
    own_pool.until_event("worker.started", slot=3)
    deaths = 0
    with disk.stalled():
        until = time.monotonic() + STALL_S
        while (left_s := until - time.monotonic()) > 0:
            victim = deaths % 4
            os.kill(pids[victim], signal.SIGKILL)
            pids = own_pool.until_replaced(pids, [victim])
            deaths += 1
            threading.Event().wait(min(left_s, STALL_S / 40))  # how long it stalls is what this is about
    eventually(lambda: len(own_pool.events("worker.exited")) == deaths, what="all deaths in the event log")
    eventually(lambda: len(own_pool.events("worker.started")) == 4 + deaths, what="all starts in the event log")

    heals = [event["heal_ms"] for event in own_pool.events("worker.started") if "heal_ms" in event]

    assert len(heals) == deaths
    assert max(heals) < USUAL_MS, sorted(heals)[-5:]
    recorded = own_pool.ledger().read_text()
    assert all(str(pid) in recorded for pid in pids.values())
    assert own_pool.stop() == 0
    incidents = json.loads(own_pool.call("why", "--json").stdout)
    assert len(incidents) == deaths
    replayed = own_pool.processes.run_autohealer("replay", "--json", own_pool.folder)
    *steps, end = map(json.loads, replayed.stdout.splitlines())
    assert sum(step["event"] == "ProcessExited" for step in steps) == deaths + 4
    assert end["different"] == 0


@needs_mounts
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (LoopDisk.fill, "No space left on device|database or disk is full"),
        (LoopDisk.fail, "Input/output error"),
        (LoopDisk.become_read_only, "Read-only file system"),
    ],
)
def test_a_disk_that_cannot_be_written_stops_no_healing(
    own_pool: Pool, disk: LoopDisk, fault: Callable[[LoopDisk], None], words: str
) -> None:
    """What cannot be noted is said, once, and the workers go on, heal, and end with the agent."""
    own_pool.run(3, options=["--stable-after", "0.001"])
    pids = own_pool.until_running(3)
    own_pool.until_registered(3)
    fault(disk)

    for victim in (0, 1, 2, 0):
        os.kill(pids[victim], signal.SIGKILL)
        pids = own_pool.until_replaced(pids, [victim])
    warnings = eventually(lambda: re.findall(rf"^warning: cannot .*(?:{words}).*$", own_pool.said(), re.MULTILINE))

    assert len(warnings) == len(set(warnings)), warnings
    assert own_pool.stop() == 0
    assert own_pool.living() == []
