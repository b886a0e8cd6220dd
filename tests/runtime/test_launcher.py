"""What all starts of a revision share: its environment, its output, its standard input."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autohealer.config.schema import PoolOptions
from autohealer.errors import UsageError
from autohealer.processes.launch.environment import WorkerHome
from autohealer.processes.launch.spec import LaunchSpec
from autohealer.processes.output.outlet import JournalOutlet
from autohealer.runtime.claim import Claim, claim
from autohealer.runtime.launcher import Launcher

HOME = WorkerHome("127.0.0.1:2181", "web", "/workers", "host-a", "/run/notify.sock")
MakeLauncher = Callable[..., Launcher]


def spec(**other: Any) -> LaunchSpec:
    """What workers are started from, but for this."""
    return LaunchSpec(**{"command": ("sleep", "1"), "env": {}, "cwd": "/", "output": "none", **other})


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeLauncher]:
    """Makes the launcher of a pool with such options; the end of the test lets go of what it holds."""
    made: list[tuple[Launcher, Claim]] = []

    def make(**options: Any) -> Launcher:
        held = claim(PoolOptions(pool="web", workers=1, command=("sleep", "1"), **options), str(tmp_path), print)
        made.append((Launcher(held, HOME, (1024, 4096), print), held))
        return made[-1][0]

    yield make
    for launcher, held in made:
        launcher.close_output()
        launcher.close()
        held.release()


def test_output_goes_where_the_revision_has_it(make: MakeLauncher) -> None:
    """All revisions that write to files share these; before one does there are none."""
    launcher = make()
    assert launcher.prepare(spec(output="none")).output is None
    assert launcher.prepare(spec(output="stdout")).output is None
    assert isinstance(launcher.prepare(spec(output="journald")).output, JournalOutlet)
    assert (launcher.output, launcher.files) == (None, None)
    first, second = launcher.prepare(spec(output="file")), launcher.prepare(spec(output="file"))

    assert first.output is not None
    assert first.output is second.output is launcher.output
    assert launcher.files is not None


def test_the_environment_says_where_workers_belong(make: MakeLauncher) -> None:
    """Beside what the revision sets; how often they are to beat is the pool's, and in all revisions the same."""
    environ = make(beat_timeout=30.0).prepare(spec(env={"LEVEL": "debug", "AUTOHEALER_AGENT": "forged"})).environ

    assert environ["LEVEL"] == "debug"
    assert environ["AUTOHEALER_AGENT"] == "host-a"
    assert environ["NOTIFY_SOCKET"] == HOME.notify
    assert environ["WATCHDOG_USEC"] == "30000000"


def test_a_standard_input_that_never_ends_is_made_once_and_let_go_in_the_end(make: MakeLauncher) -> None:
    """And only where a revision asks for it."""
    launcher = make()
    launcher.prepare(spec())
    assert launcher._stdin is None
    launcher.prepare(spec(stdin="open"))
    held = launcher._stdin
    launcher.prepare(spec(stdin="open"))

    assert held is not None
    assert launcher._stdin == held
    os.fstat(held)


def test_what_cannot_be_run_is_no_revision(make: MakeLauncher) -> None:
    """It is said before anything is started from it."""
    with pytest.raises(UsageError, match="no-such-program"):
        make().prepare(spec(command=("no-such-program",)))
