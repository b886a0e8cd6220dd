"""Standard input of workers, and who gets their stop signal."""

from __future__ import annotations

from tests.support.pools import Pool
from tests.support.processes import eventually

WRAPPER = """
sh -c 'trap "echo child ends; exit 0" TERM; echo child runs; while :; do sleep 0.05; done' &
trap "" TERM
wait; wait
"""


def test_a_program_that_reads_waits_with_an_open_input(embedded_pool: Pool) -> None:
    embedded_pool.run(2, "cat", options=["--stdin", "open"])
    pids = embedded_pool.until_running(2)
    embedded_pool.until_registered(2)
    assert embedded_pool.pids() == pids
    embedded_pool.kill_agent()
    embedded_pool.run(2, "cat", options=["--stdin", "open"])
    assert embedded_pool.until_running(2) == pids


def test_a_program_that_ends_because_it_reads_is_told(embedded_pool: Pool) -> None:
    embedded_pool.run(1, "cat")
    eventually(lambda: "--stdin open" in embedded_pool.said())


def test_a_program_that_ends_without_reading_is_not(embedded_pool: Pool) -> None:
    embedded_pool.run(1, "true")
    embedded_pool.until_event("worker.backoff")
    assert "--stdin" not in embedded_pool.said()


def test_the_whole_group_gets_the_stop_signal(embedded_pool: Pool) -> None:
    """A wrapper that does not pass it on, and a child that would have ended in order."""
    embedded_pool.run(1, "sh", "-c", WRAPPER, options=["--stop-scope", "group", "--stop-timeout", "60"])
    embedded_pool.until_running(1)
    eventually(lambda: "child runs" in embedded_pool.call("logs").stdout)

    assert embedded_pool.stop() == 0

    assert "child ends" in embedded_pool.call("logs").stdout
