"""Exits are heard at once, with their cause, and the dead keep their pid until they are released."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import pairwise

import pytest

from autohealer.processes.launch.exits import signal_name
from autohealer.processes.tree import procfs
from tests.processes.conftest import World


@pytest.mark.parametrize("code", [0, 1, 77, 255])
def test_an_exit_code_is_told(world: World, code: int) -> None:
    worker, _ = world.start("sh", "-c", f"exit {code}")

    assert world.exit_of(worker) == (worker, code, None)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGABRT", "SIGHUP"])
def test_a_signal_is_told_by_name(world: World, name: str) -> None:
    worker, _ = world.start("sleep", "600")

    assert world.watcher.send_signal(worker, signal.Signals[name])

    assert world.exit_of(worker) == (worker, None, name)


def test_real_time_signals_have_names() -> None:
    assert signal_name(signal.SIGRTMIN + 3) == "SIGRTMIN+3"
    assert signal_name(signal.SIGRTMIN) == "SIGRTMIN"


def test_the_dead_keep_their_pid_until_released(world: World) -> None:
    worker, pid = world.start("true")
    world.exit_of(worker)

    stat = procfs.read_stat(pid)
    assert stat is not None
    assert stat.is_gone
    assert not world.watcher.is_alive(worker)
    assert pid in world.reaper.pids

    world.watcher.release(worker)

    assert procfs.read_stat(pid) is None
    assert pid not in world.reaper.pids


def test_each_exit_is_told_once(world: World) -> None:
    first, _ = world.start("true")
    world.exit_of(first)
    second, _ = world.start("true")
    world.exit_of(second)

    assert [found[0] for found in world.exits] == [first, second]


def test_an_exit_before_the_watch_is_told_from_the_loop(world: World) -> None:
    spawned = world.spawn("true")
    os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED | os.WNOWAIT)

    world.watcher.watch("late", spawned.pid, spawned.pidfd, child=True)

    assert world.exits == []
    assert world.exit_of("late") == ("late", 0, None)


def test_an_adopted_worker_ends_without_a_status(world: World) -> None:
    """Its parent is somebody else: here a shell that has made it and waits for it."""
    shell = world.processes.start("sh", "-c", "sleep 600 & echo $!; wait")
    world.run_until(lambda: world.processes.read().strip())
    pid = int(world.processes.read())
    world.watcher.watch("adopted", pid, os.pidfd_open(pid), child=False)

    world.watcher.send_signal("adopted", signal.SIGKILL)

    assert world.exit_of("adopted") == ("adopted", None, None)
    assert pid not in world.reaper.pids
    world.watcher.release("adopted")
    shell.wait()


def test_the_dead_and_the_unknown_are_not_signalled(world: World) -> None:
    worker, _ = world.start("true")
    world.exit_of(worker)

    assert not world.watcher.send_signal(worker, signal.SIGTERM)
    assert not world.watcher.send_signal("nobody", signal.SIGTERM)
    world.watcher.release(worker)
    world.watcher.release(worker)


def test_a_status_that_somebody_else_took_is_unknown(world: World) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    world.watcher.watch("stolen", process.pid, os.pidfd_open(process.pid), child=True)
    process.communicate(b"\n")

    assert world.exit_of("stolen") == ("stolen", None, None)
    world.watcher.release("stolen")


def test_a_living_worker_that_is_released_lives_on(world: World) -> None:
    worker, pid = world.start("sleep", "600")

    world.watcher.release(worker)

    assert procfs.start_time(pid) is not None
    assert pid not in world.reaper.pids


def test_two_hundred_deaths_at_once(world: World) -> None:
    workers = dict(world.start("sleep", "600") for _ in range(200))

    for pid in workers.values():
        os.kill(pid, signal.SIGKILL)

    world.run_until(lambda: len(world.exits) == 200)
    assert world.looks == sorted(set(world.looks)), "at the end of a look some more have been told of"
    assert world.looks[-1] == 200
    # A storm is not told of as a whole before the first replacement.
    assert all(after - before <= 32 for before, after in pairwise([0, *world.looks]))
    assert {found[0] for found in world.exits} == set(workers)
    assert {found[1:] for found in world.exits} == {(None, "SIGKILL")}
    for worker in workers:
        world.watcher.release(worker)
    assert world.reaper.pids.keys().isdisjoint(workers.values())
