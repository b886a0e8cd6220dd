"""What /proc says, and that it may say nothing."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from autohealer.processes.tree import procfs
from tests.processes.conftest import World

FIELDS = "S 10 20 30 " + " ".join(["0"] * 15) + " 4711 0 0"


@pytest.mark.parametrize("name", ["sh", "a b", "(sd-pam)", "x) S 1 1 (", "new\nline", "\xff"])
def test_a_name_may_hold_anything(name: str) -> None:
    assert procfs.parse_stat(f"99 ({name}) {FIELDS}".encode("latin-1")) == procfs.ProcessStat(99, "S", 10, 20, 30, 4711)


@pytest.mark.parametrize("text", [b"", b"99", b"99 (sh) S", b"99 (sh) S 1 2 x", b"x (sh) " + FIELDS.encode()])
def test_what_is_no_stat_is_none(text: bytes) -> None:
    assert procfs.parse_stat(text) is None


def test_our_own_process() -> None:
    stat = procfs.read_stat(os.getpid())

    assert stat is not None
    assert (stat.parent, stat.group, stat.session) == (os.getppid(), os.getpgid(0), os.getsid(0))
    assert not stat.is_gone
    assert procfs.start_time(os.getpid()) == stat.start_time
    assert procfs.all_stats()[os.getpid()] == stat
    assert os.getpid() not in procfs.all_stats(without={os.getpid()})


def test_who_is_gone_is_none() -> None:
    process = subprocess.Popen(["true"])
    process.wait()

    assert procfs.read_stat(process.pid) is None
    assert procfs.start_time(process.pid) is None
    assert procfs.environment(process.pid) is None
    assert procfs.status_fields(process.pid) == {}


def test_a_start_has_a_time(world: World) -> None:
    before = datetime.now(UTC)
    _, pid = world.start("sleep", "600")
    ticks = procfs.start_time(pid)

    assert ticks is not None
    assert abs(procfs.started_at(ticks) - before) < timedelta(seconds=5)


def test_a_variable_is_found_by_its_whole_name() -> None:
    environ = b"FIRST=1\0NOT_NAME=2\0NAME=v=\xc3\xa4\0NAMED=3\0EMPTY=\0"

    assert procfs.variable(environ, "NAME") == "v=ä"
    assert procfs.variable(environ, "FIRST") == "1"
    assert procfs.variable(environ, "EMPTY") == ""
    assert procfs.variable(environ, "AME") is None


def test_a_large_environment_is_read_whole(world: World) -> None:
    _, pid = world.start("sleep", "600", env={"BIG": "x" * 100_000, "Z": "end"})

    world.run_until(lambda: procfs.environment(pid))  # exec may be under way
    environ = procfs.environment(pid)

    assert environ is not None
    assert procfs.variable(environ, "BIG") == "x" * 100_000
    assert procfs.variable(environ, "Z") == "end"


def test_a_boot_has_an_id() -> None:
    assert len(procfs.boot_id()) == 36
    assert procfs.boot_id() == procfs.boot_id()
