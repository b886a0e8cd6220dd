"""Ctrl-C, SIGTERM and SIGHUP: the workers end, with all that came of them, and then the agent."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from tests.support.pools import Pool, children
from tests.support.processes import eventually

# Deaf to what asks it to end, with a child in its session, one in another, and one that is forked off twice.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
subprocess.Popen(["sleep", "1001"])
subprocess.Popen(["sleep", "1002"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
os.wait()
print("ready", flush=True)
time.sleep(1000)
"""
OF_EACH = 4


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left(pool: Pool, signum: signal.Signals) -> None:
    """No process, no znode but the persistent ones, no target; the cause is told."""
    pool.run(3)
    pool.until_running(3)
    pool.until_registered(3)
    client = pool.client()

    assert pool.stop(signum) == 0
    assert pool.processes.alive() == []
    assert pool.events("agent.draining")[0]["cause"] == signum.name
    assert len(pool.events("worker.stopped")) == 3
    assert pool.events("worker.exited") == []
    if pool.zk is not None:
        for path in ("/workers", "/election", "/autohealer/agents"):
            assert children(client, path) == []
        assert client.exists("/autohealer/target") is None


def test_workers_that_are_deaf_and_have_offspring(pool: Pool) -> None:
    """SIGKILL after the timeout, for the worker and for what it left behind."""
    _run_stubborn(pool, "--stop-timeout", "0.3")
    assert pool.stop() == 0
    assert pool.processes.alive() == []
    assert {event["signal"] for event in pool.events("worker.stopped")} == {"SIGKILL"}


def test_a_second_ctrl_c_is_obeyed_at_once(pool: Pool) -> None:
    """Long before the stop timeout: everything is killed, exit code 130."""
    _run_stubborn(pool, "--stop-timeout", "1000")
    pool.agent.send_signal(signal.SIGINT)
    pool.until_event("agent.draining")
    begun = time.monotonic()
    assert pool.stop(signal.SIGINT) == 130
    assert time.monotonic() - begun < 15
    eventually(lambda: pool.processes.alive() == [])


def test_the_stop_signal_and_time_to_finish(embedded_pool: Pool) -> None:
    """Workers get the signal that was chosen, and may do their last work."""
    script = "trap 'sleep 0.2; echo finished; exit 0' USR1; echo ready; while :; do sleep 0.05; done"
    embedded_pool.run(2, "sh", "-c", script, options=["--stop-signal", "USR1"])
    embedded_pool.until_running(2)
    files = [embedded_pool.folder / "output" / f"slot-{slot}.log" for slot in range(2)]
    eventually(lambda: all(file.read_text() == "ready\n" for file in files))
    assert embedded_pool.stop() == 0
    assert [file.read_text() for file in files] == ["ready\nfinished\n"] * 2
    assert {event["code"] for event in embedded_pool.events("worker.stopped")} == {0}


def test_stopped_while_it_starts(pool: Pool) -> None:
    """However early the signal comes, the end is clean."""
    pool.run(5)
    eventually(lambda: pool.folder.joinpath("control.sock").exists())
    assert pool.stop() == 0
    assert pool.processes.alive() == []


def test_a_worker_that_dies_while_it_drains_is_not_replaced(embedded_pool: Pool) -> None:
    """The pool is on its way to nothing."""
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(1000)"
    embedded_pool.run(2, sys.executable, "-c", script, options=["--stop-timeout", "1000"])
    pids = embedded_pool.until_running(2)
    eventually(lambda: embedded_pool.call("logs").stdout.count("deaf") == 2)
    embedded_pool.agent.send_signal(signal.SIGTERM)
    embedded_pool.until_event("agent.draining")
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    assert embedded_pool.ended() == 0
    assert len(embedded_pool.events("worker.started")) == 2


def _run_stubborn(pool: Pool, *options: str) -> None:
    pool.run(2, sys.executable, "-c", STUBBORN, options=options)
    pool.until_running(2)
    eventually(lambda: len(pool.processes.alive()) == 1 + 2 * OF_EACH)
    files = [pool.folder / "output" / f"slot-{slot}.log" for slot in range(2)]
    eventually(lambda: all(file.read_text() == "ready\n" for file in files))
