"""Which users the processes of workers run as. That they are let in is tested with real agents and servers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from autohealer.processes.tree.procfs import start_time
from autohealer.processes.tree.users import users_of_workers
from tests.support.processes import eventually
from tests.support.strangers import ANOTHER, STRANGER, needs_root

SLEEP = ("sleep", "1000")


def as_user(user: int) -> tuple[str, ...]:
    return ("setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups", *SLEEP)


@pytest.fixture
def orphan() -> Iterator[int]:
    """The leader of a session that is not our child, with a child of another user's: an adopted worker."""
    script = "setsid sh -c 'echo $$; " + " ".join(as_user(ANOTHER)) + " & wait' & "
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        pid = int(launcher.stdout.readline())
        yield pid
        os.killpg(pid, 9)


def test_own_user_is_one_of_them() -> None:
    """The agent's own processes descend from it, too."""
    assert os.geteuid() in users_of_workers([])


@needs_root
def test_descendants_count_at_any_depth() -> None:
    """A worker may start another user's programs."""
    with subprocess.Popen(["sh", "-c", " ".join(as_user(STRANGER)) + " & wait"]) as worker:
        eventually(lambda: STRANGER in users_of_workers([]))
        subprocess.run(["pkill", "-P", str(worker.pid)], check=True, timeout=20)
    assert STRANGER not in users_of_workers([])


@needs_root
def test_adopted_worker_counts_if_it_is_still_that_process(orphan: int) -> None:
    """A pid that somebody else has by now is nobody's."""
    started = start_time(orphan)
    assert started is not None
    eventually(lambda: ANOTHER in users_of_workers([(orphan, started)]))

    assert ANOTHER not in users_of_workers([(orphan, started + 1)])
    assert ANOTHER not in users_of_workers([])
