"""The suite's own manners, tried on a small suite that is run as another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT, eventually

CONFTEST = """
from tests.support import suite

def pytest_configure():
    suite.use_usual_signals()
    suite.leave_nothing_behind()
"""
STARTS_ONE_AND_WAITS = """
import subprocess

def test_one():
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    print(child.pid, flush=True)
    child.wait()
"""


def small_suite(folder: Path, test: str, ignored: set[signal.Signals]) -> subprocess.Popen[str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(test)
    former = {signum: signal.signal(signum, signal.SIG_IGN) for signum in ignored}
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-s", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
    finally:
        for signum, handler in former.items():
            signal.signal(signum, handler)


def test_what_was_started_ends_with_a_suite_that_is_killed(tmp_path: Path) -> None:
    with small_suite(tmp_path, STARTS_ONE_AND_WAITS, set()) as run:
        assert run.stdout is not None
        child = int(next(line for line in run.stdout if line.strip().isdigit()))
        assert Path(f"/proc/{child}").exists()
        run.kill()
        eventually(lambda: not Path(f"/proc/{child}").exists(), what="the end of what the suite had started")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
def test_what_is_started_has_the_usual_signals_though_the_suite_was_started_without(
    tmp_path: Path, signum: signal.Signals
) -> None:
    test = f"""
import subprocess
def test_one():
    with subprocess.Popen(["sleep", "1000"]) as child:
        child.send_signal({int(signum)})
        assert child.wait(30) == {-signum}
"""
    with small_suite(tmp_path, test, {signum}) as run:
        assert run.wait(60) == 0, run.communicate()[0]
