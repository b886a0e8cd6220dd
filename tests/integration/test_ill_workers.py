"""Each way in which flaky_worker falls ill, while its process and its session live, is found by its sense."""

from __future__ import annotations

import sys

import pytest

from tests.integration.test_senses import free_ports
from tests.support.pools import Pool
from tests.support.processes import ROOT

# With this seed slot 0 falls ill 9.7 s after its start: it has passed its probe by then.
LATER = ("--mean-life", "3", "--seed", "66")
FLAKY = (sys.executable, ROOT / "flaky_worker" / "flaky_worker.py", "--mean-life", "0.1", "--work-every", "0.1")


@pytest.mark.parametrize(
    ("fault", "options", "cause"),
    [
        ("errors", ("--probe-http", "http://127.0.0.1:{port}/", "--probe-interval", "0.2"), "probe"),
        ("no-beat", ("--beat-timeout", "4"), "beat"),
        ("no-progress", ("--progress-timeout", "4"), "progress"),
        (
            "no-progress",
            ("--progress-http", "http://127.0.0.1:{port}/metrics#flaky_work_done_total", "--progress-timeout", "4",
             "--probe-interval", "0.5"),
            "progress",
        ),
        ("long-task", ("--task-timeout", "4"), "task"),
        ("silent", ("--silence-timeout", "4"), "silent"),
        ("bloat", ("--kill-rss", "70M", "--stopped-timeout", "1"), "memory"),
        ("never-ready", ("--ready", "notify", "--start-timeout", "4"), "not-ready"),
        ("hang", ("--stopped-timeout", "1"), "stopped"),
    ],
)  # fmt: skip
def test_it_is_found(embedded_pool: Pool, fault: str, options: tuple[str, ...], cause: str) -> None:
    """The verdict has the sense's name; what comes in its place is as ill, and found again."""
    ports = ("--port-base", str(free_ports(1)))
    when = LATER if cause == "probe" else ()
    embedded_pool.run(1, *FLAKY, "--fault", fault, *when, options=(*options, *ports))
    event = embedded_pool.until_event("worker.faulty")

    assert event["cause"] == cause
    embedded_pool.until_event("worker.started", slot=0)


def test_a_clean_exit_is_no_fault(embedded_pool: Pool) -> None:
    """With ``--restart on-failure`` the worker is done, and so is the agent."""
    embedded_pool.run(1, *FLAKY, "--fault", "clean-exit", options=("--restart", "on-failure"))

    assert embedded_pool.ended(60) == 0
    assert embedded_pool.until_event("worker.done")["failed"] is False
