"""A pool under test, and what it finds."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autohealer.testing import PoolFailedError, PoolUnderTest

Start = Callable[..., PoolUnderTest]

THEIRS = """
def test_it_survives(autohealer_pool):
    pool = autohealer_pool(3, "sleep", "1000")
    with pool.kill_every(0.05, seed=7) as victims:
        pool.wait_for(lambda: len(pool.heals_ms) >= 5, "five heals")
    assert len(victims) >= 5
    pool.check()


def test_plain_assertions_are_theirs(autohealer_pool):
    assert autohealer_pool(1, "sh", "-c", "echo hello; sleep 1000").wait_for(lambda: True) is None
"""


def test_the_fixture_is_there_wherever_the_package_is_installed(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout


def test_the_same_seed_chooses_the_same_slots(autohealer_pool: Start) -> None:
    pool = autohealer_pool(4, "sleep", "1000")
    first = pool.kill(seed=3, signum=signal.SIGCONT)
    assert first is not None
    assert first == pool.kill(seed=3, signum=signal.SIGCONT)


def test_a_pool_that_is_scaled_and_what_workers_write(autohealer_pool: Start) -> None:
    pool = autohealer_pool(1, "sh", "-c", "echo hello; sleep 1000")
    pool.run("scale", "2")
    pool.check(workers=2)
    pool.wait_for(lambda: pool.output(1) == "hello\n", "the second worker's output")


def test_a_heal_beyond_the_bound_is_a_failure(autohealer_pool: Start) -> None:
    pool = autohealer_pool(1, "sleep", "1000")
    pool.kill(0)
    pool.wait_for(lambda: pool.heals_ms, "a heal")
    with pytest.raises(PoolFailedError, match="1 heals took longer"):
        pool.check(heal_ms=0.0001)


def test_a_command_that_is_refused_is_a_failure(autohealer_pool: Start) -> None:
    with pytest.raises(PoolFailedError, match="autohealer kill 7: error"):
        autohealer_pool(1, "sleep", "1000").run("kill", "7")


def test_an_agent_that_cannot_start_is_told_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(PoolFailedError, match="no-such-command"), PoolUnderTest(1, "no-such-command", folder=tmp_path):
        pass


def test_what_a_pool_leaves_behind_is_a_failure(tmp_path: Path) -> None:
    """An agent that is killed leaves its workers; a pool under test must not."""
    pool = PoolUnderTest(1, "sleep", "1000", folder=tmp_path).__enter__()
    pool._agent.kill()
    pool._agent.wait()
    with pytest.raises(PoolFailedError, match="there still ran"):
        pool.__exit__(None, None, None)


def test_plugin_costs_projects_that_do_not_use_it_next_to_nothing() -> None:
    """Nothing of the agent's is imported before a test asks for a pool."""
    program = """
import sys, autohealer.testing.plugin
print({"msgspec", "autohealer.testing.pool", "autohealer.core.notices"} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
