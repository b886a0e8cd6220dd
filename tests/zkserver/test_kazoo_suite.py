"""kazoo's own tests, all but those that need an ensemble, TLS, SASL or reconfig."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

#: So many of kazoo 2.11's tests are left when the exclusions are taken off.
EXPECTED = 305


@pytest.mark.timeout(400)
def test_kazoo_cannot_tell_it_from_zookeeper(tmp_path: Path) -> None:
    """Every test of kazoo passes that does not need more than one server, or a protocol that is not ours."""
    done = _run(tmp_path, "--numprocesses", "2")

    summary = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0, done.stdout[-20_000:]
    assert summary is not None
    assert int(summary[1]) == EXPECTED, done.stdout[-2_000:]


def test_a_dropped_connection_loses_the_request_under_way(tmp_path: Path) -> None:
    """The one test of kazoo that is a race with the server passes too, if not always at once."""
    tries = (_run(tmp_path, "--race") for _ in range(5))

    assert any(done.returncode == 0 for done in tries)


def _run(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--pyargs", "kazoo.tests", "-p", "tests.zkserver.kazoo_suite"]
    # kazoo's tests have not been written under our own strict settings
    command += ["-c", os.devnull, "--rootdir", str(directory), "-p", "no:cacheprovider"]
    command += ["--quiet", "--timeout", "60", *options]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
