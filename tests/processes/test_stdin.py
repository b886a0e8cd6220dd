"""What workers read from standard input, and how a program is found that ends because of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from autohealer.processes.launch.stdin import StdinCheck, open_stdin


def test_an_open_input_has_nothing_to_read_and_no_end(tmp_path: Path) -> None:
    """Also when whoever opened it is gone."""
    fd = open_stdin(tmp_path)
    reader = subprocess.Popen(["cat"], stdin=fd)
    os.close(fd)

    with pytest.raises(subprocess.TimeoutExpired):
        reader.wait(0.3)
    assert list(tmp_path.iterdir()) == []
    reader.kill()
    reader.wait()


@pytest.mark.parametrize(("command", "has_read"), [("cat", True), ("true", False)])
def test_a_program_that_ends_at_once_is_asked_whether_it_read(command: str, has_read: bool) -> None:
    check = StdinCheck()
    assert check.began("first", 0.0) is None
    assert not check.ended("first", 0, 0.1)
    fd = check.began("second", 0.2)
    assert fd is not None
    subprocess.run([command], stdin=fd, check=True)

    assert check.ended("second", 0, 0.3) is has_read
    assert check.began("third", 0.4) is None


@pytest.mark.parametrize(("code", "at"), [(1, 0.1), (None, 0.1), (0, 5.0)])
def test_other_ends_ask_nothing(code: int | None, at: float) -> None:
    check = StdinCheck()
    check.began("first", 0.0)
    check.ended("first", code, at)

    assert check.began("second", 10.0) is None


@pytest.mark.parametrize("code", [0, 1, None])
def test_nothing_is_kept_of_a_worker_that_has_ended(code: int | None) -> None:
    """However it ended: a pool whose workers are killed for months must not grow by a line for each."""
    check = StdinCheck()
    for number in range(3):
        check.began(f"worker-{number}", 100.0)
        check.ended(f"worker-{number}", code, 200.0)

    assert "worker-" not in str(vars(check))
