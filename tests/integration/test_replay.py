"""The flight recorder of a real agent, run again."""

from __future__ import annotations

import json
import os
import signal

from autohealer.runtime.recorder.recording import NAMES
from tests.support.pools import Pool
from tests.support.processes import eventually


def test_an_agent_that_healed_decides_the_same_again(own_pool: Pool) -> None:
    own_pool.run(3)
    pids = own_pool.until_running(3)
    os.kill(pids[1], signal.SIGKILL)
    pids = own_pool.until_replaced(pids, [1])
    own_pool.call("scale", "4")
    own_pool.until_running(4)
    recording = own_pool.folder / NAMES[0]
    eventually(lambda: recording.exists() and b"TargetRead" in recording.read_bytes(), what="the recording")
    own_pool.stop()

    said = own_pool.processes.run_autohealer("replay", "--json", own_pool.folder)
    *steps, end = map(json.loads, said.stdout.splitlines())
    assert said.returncode == 0, said.stdout[-2000:]
    assert {"ProcessExited", "WorkerSpawned", "SessionOpened"} <= {step["event"] for step in steps}
    assert (end["different"], end["running"]) == (0, 0)
