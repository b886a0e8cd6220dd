"""What the processes of a worker leave behind ends with it: whatever session and environment it has gone to."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from autohealer.processes.tree import procfs
from tests.support.pools import Pool
from tests.support.processes import eventually

# It starts as quickly as anything can, and says if what its predecessor started still runs.
LAUNCHER = """
[ -e {mark} ] && kill -0 $(cat {mark}) 2>/dev/null && echo overlapped
{how} sleep 600 </dev/null >/dev/null 2>&1 & echo $! >{mark}.new; mv {mark}.new {mark}; wait
"""
HIDDEN = """
import subprocess
subprocess.Popen(['sleep', '{mark}'], env={{'PATH': '/usr/bin:/bin'}}, start_new_session=True).wait()
"""


@pytest.mark.parametrize("how", ["", "env -i setsid"])
def test_what_a_dead_worker_left_ends_before_its_replacement_starts(embedded_pool: Pool, how: str) -> None:
    """It may hold the port; a replacement that fails for that would be said to have failed, and would wait."""
    mark = embedded_pool.processes.directory / "child"
    embedded_pool.run(1, "sh", "-c", LAUNCHER.format(mark=mark, how=how))
    pids = embedded_pool.until_running(1)
    former = ""
    for _ in range(8):
        former = str(eventually(partial(_other_than, mark, former)))
        os.kill(pids[0], signal.SIGKILL)
        pids = embedded_pool.until_replaced(pids, [0])
    eventually(partial(_other_than, mark, former))
    assert "overlapped" not in embedded_pool.call("logs").stdout
    assert [event["event"] for event in embedded_pool.events() if "backoff" in event["event"]] == []


def test_nothing_of_a_pool_outlives_it(embedded_pool: Pool) -> None:
    """Programs without any mark, of workers that are killed and of workers that are stopped."""
    mark = f"6{os.getpid()}"
    embedded_pool.run(2, sys.executable, "-c", HIDDEN.format(mark=mark))
    pids = embedded_pool.until_running(2)
    eventually(lambda: len(_running(mark)) == 2)
    os.kill(pids[0], signal.SIGKILL)
    embedded_pool.until_replaced(pids, [0])
    eventually(lambda: len(_running(mark)) == 2)

    assert embedded_pool.stop() == 0

    assert _running(mark) == []


def test_what_was_seen_below_an_adopted_worker_ends_with_it(embedded_pool: Pool) -> None:
    """It is nobody's child that could be told of; it was seen there when its worker was adopted."""
    mark = f"6{os.getpid()}"
    command = (sys.executable, "-c", HIDDEN.format(mark=mark))
    embedded_pool.run(2, *command)
    embedded_pool.until_running(2)
    eventually(lambda: len(_running(mark)) == 2)
    embedded_pool.kill_agent()
    embedded_pool.run(2, *command)
    pids = embedded_pool.until_running(2)

    os.kill(pids[1], signal.SIGKILL)
    embedded_pool.until_replaced(pids, [1])
    eventually(lambda: len(_running(mark)) == 2)
    assert embedded_pool.stop() == 0

    assert eventually(lambda: not _running(mark))


def _running(mark: str) -> list[int]:
    """The processes `sleep MARK`."""
    wanted = b"sleep\0" + mark.encode() + b"\0"
    return [pid for pid in procfs.process_ids() if procfs.read_file(f"/proc/{pid}/cmdline") == wanted]


def _other_than(mark: Path, former: str) -> str | None:
    """What the file holds, once that is something new."""
    text = mark.read_text() if mark.exists() else former
    return None if text == former else text
