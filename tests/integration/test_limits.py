"""An agent that can have no more processes, threads or memory: it goes on, says so, and heals once there is room."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.pools import Pool
from tests.support.processes import eventually

# Where the controller `pids` is, in version 1 of cgroups and in version 2.
GROUPS = [Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")]


class Limit(Protocol):
    """Holds for the agent while its block lasts."""

    def __call__(self, agent: int) -> AbstractContextManager[None]: ...


@contextmanager
def processes(agent: int) -> Iterator[None]:
    """No process and no thread may be added to its control group: fork fails with EAGAIN."""
    parent = next((group for group in GROUPS if (group / "cgroup.procs").exists()), None)
    if parent is None or not os.access(parent, os.W_OK):
        pytest.skip("control groups cannot be made here")
    group = parent / f"autohealer-test-{agent}"
    with suppress(OSError):  # version 1 has no such file
        (parent / "cgroup.subtree_control").write_text("+pids")
    group.mkdir()
    try:
        (group / "cgroup.procs").write_text(str(agent))
        (group / "pids.max").write_text("1")
        yield
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            (parent / "cgroup.procs").write_text(pid)
        group.rmdir()


@contextmanager
def memory(agent: int) -> Iterator[None]:
    """It may map no more: what needs another page fails with ENOMEM."""
    pages = int(Path(f"/proc/{agent}/statm").read_text().split()[0])
    before = resource.prlimit(agent, resource.RLIMIT_AS)
    resource.prlimit(agent, resource.RLIMIT_AS, (pages * resource.getpagesize(), before[1]))
    try:
        yield
    finally:
        resource.prlimit(agent, resource.RLIMIT_AS, before)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (processes, "Resource temporarily unavailable"),
        (memory, "Cannot allocate memory"),
    ],
)
def test_want_of_anything_that_a_start_needs(own_pool: Pool, limit: Limit, words: str) -> None:
    """The replacement is tried again, with its reason told, and comes by itself."""
    own_pool.run(2, options=["--log", "none"])
    pids = own_pool.until_running(2)
    own_pool.until_registered(2)

    with limit(own_pool.agent.pid):
        os.kill(pids[1], signal.SIGKILL)
        eventually(lambda: words in own_pool.said())
        assert own_pool.agent.poll() is None
        assert sorted(own_pool.living()) == [pids[0]]

    own_pool.until_replaced(pids, [1])
    found = eventually(lambda: json.loads(own_pool.call("why", "--json").stdout))
    assert [one["pid"] for one in found][-1:] == [pids[1]]  # kept once there was a thread for it
    assert own_pool.stop() == 0, own_pool.said()
