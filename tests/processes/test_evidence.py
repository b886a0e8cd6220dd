"""What a stuck worker was doing is told in one line."""

from __future__ import annotations

import os
import signal

from autohealer.processes.evidence import take_evidence
from tests.processes.conftest import World


def test_a_stopped_worker(world: World) -> None:
    _, pid = world.start("sleep", "600")
    os.kill(pid, signal.SIGSTOP)
    world.run_until(lambda: "state T (stopped)" in take_evidence(pid))

    evidence = take_evidence(pid)

    assert "1 threads" in evidence
    assert "MiB resident" in evidence
    assert "\n" not in evidence


def test_a_worker_that_is_gone(world: World) -> None:
    worker, pid = world.start("true")
    world.exit_of(worker)
    assert "zombie" in take_evidence(pid)

    world.watcher.release(worker)

    assert take_evidence(pid) == "the process is gone"
