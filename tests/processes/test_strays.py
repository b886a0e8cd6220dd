"""Which children of a process are waited for, and which are strays."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys

import pytest

from autohealer.processes.reaper import Reaper
from autohealer.processes.tree import procfs
from autohealer.processes.tree.process_tree import DeadWorker
from autohealer.processes.tree.strays import Left, Strays
from tests.processes.conftest import World

# Each starts a program that has nothing in common with its worker: session, environment and, once it runs, parents.
CLEAN = "import os, subprocess as s; p = s.Popen(['sleep', '600'], env={{}}, start_new_session=True{more})"
LAUNCHER = CLEAN + "; print('stray', p.pid, flush=True); p.wait()"
LETS_GO = """
import os, subprocess, time
if os.fork() == 0:
    p = subprocess.Popen(['sleep', '600'], env={}, start_new_session=True, stdout=-3, stderr=-3)
    os.write(1, b"stray %d\\n" % p.pid)
    os._exit(0)
os.wait()
os.write(1, b"ready\\n")
time.sleep(600)
"""


@pytest.fixture
def world(world: World) -> World:
    """A world in which the suite's own processes, which could have left strays, too, are no suspects."""
    for pid in world.strays._inherited:
        world.reaper.enter(pid, is_child=False)
    world.strays._inherited.clear()
    return world


def stray_of(world: World) -> int:
    """The pid that the only worker that prints one has printed."""
    world.wait_for_output("stray ")
    world.run_until(lambda: world.output().partition("stray ")[2].partition("\n")[1])
    return int(world.output().partition("stray ")[2].split()[0])


def is_alive(pid: int) -> bool:
    stat = procfs.read_stat(pid)
    return stat is not None and not stat.is_gone


def die(world: World, worker: str, pid: int) -> bool:
    """Kill a worker; whether it is said to have left something."""
    os.kill(pid, signal.SIGKILL)
    world.exit_of(worker)
    return world.orphans.exited(worker, pid, is_child=True)


def clear(world: World, worker: str, pid: int) -> None:
    output = str(world.directory / "output")
    world.orphans.clear([DeadWorker(worker, pid, is_child=True, output=output)], signal.SIGKILL, 20)
    world.run_until(lambda: worker in world.cleared)


def _ended_child() -> int:
    """The pid of a child that has ended and that nobody has collected."""
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


def _is_there(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def test_a_stray_is_taken_away_and_an_entered_child_is_not() -> None:
    """Whoever waits for a child gets its exit code, whatever else ends meanwhile."""
    reaper = Reaper()
    mine = _ended_child()
    reaper.enter(mine)
    Strays(reaper, come=True).look()
    assert _is_there(mine)
    reaper.leave(mine)
    stray = _ended_child()
    Strays(reaper, come=True).look()
    assert not _is_there(mine)
    assert not _is_there(stray)


def test_a_living_child_is_left_alone() -> None:
    """Also where nobody has entered it."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    Strays(Reaper(), come=True).look()
    assert child.poll() is None
    child.communicate(b"\n")
    assert child.returncode == 0


def test_a_look_at_the_same_children_reads_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one that is left is seen all the same, and one that is let go as well."""
    reaper, read = Reaper(), procfs.read_stat
    looked_at: list[int] = []

    def look_at(pid: int) -> procfs.ProcessStat | None:
        looked_at.append(pid)
        return read(pid)

    monkeypatch.setattr(procfs, "read_stat", look_at)
    mine = _ended_child()
    for child in procfs.children(os.getpid()) or ():
        reaper.enter(child)
    strays = Strays(reaper, come=True)
    strays.look()
    monkeypatch.setattr(procfs, "children", None)
    strays.look()
    assert looked_at == []
    monkeypatch.undo()

    stray = _ended_child()
    strays.look()
    assert not _is_there(stray)
    reaper.leave(mine)
    strays.look()
    assert not _is_there(mine)


def test_without_children_there_is_nothing_to_do() -> None:
    """It is no error."""
    Strays(Reaper(), come=True).look()


@pytest.mark.parametrize("more", ["", ", stdout=-3, stderr=-3"])
def test_a_program_without_any_mark_ends_with_its_launcher(world: World, more: str) -> None:
    """As what `su -` or `env -i setsid` have started; whether it still has the launcher's output, or not."""
    world.start("sleep", "600")
    worker, pid = world.python(LAUNCHER.format(more=more))
    stray = stray_of(world)

    assert die(world, worker, pid)
    clear(world, worker, pid)

    assert not is_alive(stray)


def test_what_a_living_worker_let_go_survives_the_death_of_another(world: World) -> None:
    dead, dead_pid = world.start("sleep", "600")
    living, living_pid = world.python(LETS_GO)
    world.wait_for_output("ready")
    stray = stray_of(world)
    world.strays.look()

    assert not die(world, dead, dead_pid)
    clear(world, dead, dead_pid)
    assert is_alive(stray)

    assert die(world, living, living_pid)
    clear(world, living, living_pid)
    assert not is_alive(stray)


def test_what_was_let_go_ends_with_the_last_that_may_have_done_it(world: World) -> None:
    other, other_pid = world.start("sleep", "600")
    worker, pid = world.python(LETS_GO)
    world.wait_for_output("ready")
    stray = stray_of(world)
    world.strays.look()

    die(world, worker, pid)
    clear(world, worker, pid)
    assert is_alive(stray)
    die(world, other, other_pid)
    clear(world, other, other_pid)

    assert not is_alive(stray)


def test_nothing_of_ours_outlives_us(world: World) -> None:
    """At the end of the agent whatever it has become the parent of goes, marked or not, deaf or not."""
    worker, pid = world.python(LETS_GO)
    world.wait_for_output("ready")
    stray = stray_of(world)
    die(world, worker, pid)
    world.watcher.release(worker)

    assert world.strays.end_all(10) == []

    assert procfs.read_stat(stray) is None


def test_children_from_before_the_agent_are_left_alone(world: World) -> None:
    """A script may have started something and become the agent (`exec autohealer run …`)."""
    world.start("sleep", "600")
    older = subprocess.Popen(["sleep", "600"])
    strays = Strays(world.reaper, come=True)
    try:
        assert strays.end_all(10) == []
        assert older.poll() is None
    finally:
        older.kill()
        older.wait()


def test_a_worker_without_children_is_known_to_have_left_nothing(world: World) -> None:
    worker, pid = world.start("sleep", "600")
    os.kill(pid, signal.SIGKILL)
    world.exit_of(worker)

    assert world.strays.left_by(pid, is_child=True) is Left.NOTHING


def test_a_child_in_the_group_is_noticed_also_among_hundreds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a look at all children would take too long before each replacement."""
    worker, pid = world.start("sh", "-c", "sleep 600 & echo ready; wait")
    world.wait_for_output("ready")
    monkeypatch.setattr("autohealer.processes.tree.strays._AFFORDABLE_S", 0.0)
    world.strays._list_cost_s = 1.0
    os.kill(pid, signal.SIGKILL)
    world.exit_of(worker)

    assert world.strays.left_by(pid, is_child=True) is Left.SOMETHING


def test_no_orphan_is_forgotten_for_want_of_descriptors(world: World) -> None:
    """That a file cannot be opened says nothing of the process that it tells of."""
    worker, pid = world.start("sh", "-c", "setsid sleep 600 & sleep 600 & echo ready; wait")
    world.wait_for_output("ready")
    os.kill(pid, signal.SIGKILL)
    world.exit_of(worker)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limit[1]))
    try:
        world.orphans.exited(worker, pid, is_child=True)
        world.orphans.clear([DeadWorker(worker, pid, is_child=True)], signal.SIGTERM, 20)
        for _ in range(5):
            world.orphans._sweep()
        assert world.cleared == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)

    world.run_until(lambda: worker in world.cleared)

    assert world.processes.alive() == []


def test_want_of_descriptors_is_not_the_end_of_a_process() -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limit[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            procfs.read_stat(1)
        with pytest.raises(OSError, match="Too many open files"):
            procfs.children(os.getpid())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
