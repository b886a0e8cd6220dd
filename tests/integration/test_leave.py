"""``leave``: the agent ends in order and its workers go on; the next `run` takes them over as if nothing had been."""

from __future__ import annotations

import os
import signal
import time

from tests.support.pools import Pool
from tests.support.processes import eventually


def test_the_next_run_takes_over_and_no_worker_is_touched(pool: Pool) -> None:
    """Exit code 7; the same workers, registered as before, and they are healed again."""
    pool.run(3)
    workers = pool.until_running(3)
    pool.until_registered(3)
    answer = pool.call("leave")
    assert answer.returncode == 0, answer
    assert "3 workers go on" in answer.stdout
    assert pool.ended() == 7
    assert pool.living() == sorted(workers.values())
    pool.run(3)
    assert pool.until_running(3) == workers
    pool.until_registered(3)
    os.kill(workers[0], signal.SIGKILL)
    pool.until_replaced(workers, [0])
    pool.until_event("worker.exited", pid=workers[0])
    assert len(pool.events("worker.exited")) == 1
    assert pool.events("worker.faulty") == []
    assert pool.stop() == 0
    assert pool.processes.alive() == []


def test_what_was_left_is_ended_by_stop(embedded_pool: Pool) -> None:
    """Nobody has to run an agent for that."""
    embedded_pool.run(2)
    embedded_pool.until_running(2)
    assert embedded_pool.call("leave").returncode == 0
    answer = embedded_pool.call("stop")
    assert answer.returncode == 0, answer
    assert embedded_pool.processes.alive() == []


def test_a_slot_in_backoff_goes_on_waiting(embedded_pool: Pool) -> None:
    """The next agent knows how often it has failed: a crash loop does not begin anew with each `leave`."""
    embedded_pool.run(1, "false", options=("--backoff-max", "60"))
    eventually(lambda: len(embedded_pool.events("worker.backoff")) >= 5, 60)
    delay = embedded_pool.events("worker.backoff")[-1]["delay"]
    before = len(embedded_pool.events("worker.started"))
    assert embedded_pool.call("leave").returncode == 0
    embedded_pool.run(1, "false", options=("--backoff-max", "60"))
    eventually(lambda: len(embedded_pool.events("worker.started")) > before, 90)
    eventually(lambda: embedded_pool.events("worker.backoff")[-1]["delay"] > delay, 60)
    assert embedded_pool.stop() == 0


def test_a_drained_agent_stays_drained(embedded_pool: Pool) -> None:
    """Until `drain --undo`, whoever runs."""
    embedded_pool.run(2)
    embedded_pool.until_running(2)
    assert embedded_pool.call("drain").returncode == 0
    assert embedded_pool.call("leave").returncode == 0
    embedded_pool.run(2)
    eventually(lambda: embedded_pool.status().get("connected"))
    eventually(lambda: [agent["draining"] for agent in embedded_pool.status()["agents"]] == [True])
    assert embedded_pool.pids() == {}
    assert embedded_pool.call("drain", "--undo").returncode == 0
    embedded_pool.until_running(2)
    assert embedded_pool.stop() == 0


def test_it_is_refused_where_workers_may_not_outlive_their_agent(embedded_pool: Pool) -> None:
    """And nothing has happened."""
    embedded_pool.run(1, options=("--on-partition", "stop"))
    workers = embedded_pool.until_running(1)
    answer = embedded_pool.call("leave")
    assert answer.returncode == 1
    assert "--on-partition stop" in answer.stderr
    assert embedded_pool.pids() == workers
    assert embedded_pool.stop() == 0


def test_without_an_agent_there_is_nobody_to_leave(embedded_pool: Pool) -> None:
    """One line."""
    answer = embedded_pool.call("leave")
    assert answer.returncode == 3
    assert len(answer.stderr.splitlines()) == 1


def test_how_long_nobody_heals(embedded_pool: Pool) -> None:
    """From `leave` to the first heal by the next `run`: about a second, on a machine that is not busy."""
    embedded_pool.run(2)
    workers = embedded_pool.until_running(2)
    began = time.monotonic()
    assert embedded_pool.call("leave").returncode == 0
    os.kill(workers[1], signal.SIGKILL)
    embedded_pool.run(2)
    embedded_pool.until_event("worker.started", pid=eventually(lambda: embedded_pool.pids().get(1)))
    assert time.monotonic() - began < 20
    assert embedded_pool.stop() == 0
