"""Nothing that a dead worker has left stays, and nothing else is touched."""

from __future__ import annotations

import os
import signal

import pytest

from autohealer.processes.tree import process_tree, procfs
from autohealer.processes.tree.process_tree import DeadWorker, look_for_orphans
from tests.processes.conftest import World

DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {inside}
        os.write(1, b"daemon %d\\n" % os.getpid())
        time.sleep(600)
    os._exit(0)
os.wait()
os.write(1, b"ready\\n")
time.sleep(600)
"""
DEAF_GROUP = """
sh -c 'trap "echo heard" TERM; echo deaf $$; while :; do sleep 600 & wait; done' &
echo ready
wait
"""
BOMB = """
import os, time
print("ready", flush=True)
for _ in range(6):
    os.fork()
while True:
    time.sleep(0.01)
    if os.fork() == 0:
        os.setpgid(0, 0)
    else:
        break
time.sleep(600)
"""


@pytest.fixture(params=["lists of children", "a walk through /proc"])
def any_kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels differ in whether they list a process's children, so both ways are tried wherever possible."""
    if request.param == "a walk through /proc":
        monkeypatch.setattr(procfs, "_CHILDREN_ARE_LISTED", False)
    elif not procfs._CHILDREN_ARE_LISTED:
        monkeypatch.setattr(procfs, "children", children_by_walking)


def children_by_walking(pid: int) -> list[int]:
    """What a kernel with CONFIG_PROC_CHILDREN would say, for one without."""
    return [stat.pid for stat in procfs.all_stats().values() if stat.parent == pid]


def kill(world: World, worker: str, signum: int = signal.SIGKILL) -> None:
    world.watcher.send_signal(worker, signum)
    world.exit_of(worker)


def clear(
    world: World, worker: str, pid: int, signum: int = signal.SIGKILL, *, deadline_s: float = 20, child: bool = True
) -> None:
    """Clear away after one worker, and wait for it."""
    world.orphans.clear([DeadWorker(worker, pid, child)], signum, deadline_s)
    world.run_until(lambda: worker in world.cleared)


def printed_pid(world: World, word: str) -> int:
    """The number behind a word in the workers' output."""
    world.wait_for_output(f"{word} ")
    world.run_until(lambda: world.output().partition(f"{word} ")[2].partition("\n")[1])
    return int(world.output().partition(f"{word} ")[2].split()[0])


def is_alive(pid: int) -> bool:
    stat = procfs.read_stat(pid)
    return stat is not None and not stat.is_gone


@pytest.mark.usefixtures("any_kernel")
@pytest.mark.parametrize("inside", ["pass", "os.setpgid(0, 0)", "os.chdir('/')"])
def test_a_double_forked_daemon_goes_too(world: World, inside: str) -> None:
    worker, pid = world.python(DAEMON.format(inside=inside))
    world.wait_for_output("ready")
    daemon = printed_pid(world, "daemon")

    kill(world, worker)
    clear(world, worker, pid)

    assert procfs.read_stat(daemon) is None
    assert world.processes.alive() == []


@pytest.mark.usefixtures("any_kernel")
def test_members_of_the_group_go_though_deaf(world: World) -> None:
    """First the stop signal, then SIGKILL at the deadline."""
    worker, pid = world.start("sh", "-c", DEAF_GROUP)
    world.wait_for_output("ready")
    deaf = printed_pid(world, "deaf")

    kill(world, worker, signal.SIGTERM)
    world.orphans.clear([DeadWorker(worker, pid, True)], signal.SIGTERM, 0.3)
    world.wait_for_output("heard")
    assert is_alive(deaf)
    world.run_until(lambda: worker in world.cleared)

    assert world.processes.alive() == []


@pytest.mark.usefixtures("any_kernel")
def test_a_grandchild_in_another_session_without_marker_goes_with_its_parent(world: World) -> None:
    """Its environment is clean and its session its own, but it descends from one that is known."""
    hidden = "env -i setsid sh -c 'echo hidden $$; sleep 600; :' & echo ready; wait"
    worker, pid = world.start("sh", "-c", f'sh -c "$0" & wait; {hidden}', hidden)
    world.wait_for_output("ready")
    grandchild = printed_pid(world, "hidden")
    assert procfs.read_stat(grandchild) is not None

    kill(world, worker)
    clear(world, worker, pid)

    assert not is_alive(grandchild)


@pytest.mark.usefixtures("any_kernel")
def test_a_gentle_signal_is_enough_for_the_willing(world: World) -> None:
    code = (
        "import signal, subprocess, time; p = subprocess.Popen(['sleep', '600']); print('ready', flush=True); p.wait()"
    )
    worker, pid = world.python(code)
    world.wait_for_output("ready")

    kill(world, worker)
    clear(world, worker, pid, signal.SIGTERM, deadline_s=600)

    assert world.processes.alive() == []


@pytest.mark.usefixtures("any_kernel")
def test_orphans_of_living_workers_are_left_alone(world: World) -> None:
    living, _ = world.python(DAEMON.format(inside="pass"))
    world.wait_for_output("ready")
    daemon = printed_pid(world, "daemon")
    dead, pid = world.start("true")
    world.exit_of(dead)

    clear(world, dead, pid)

    assert is_alive(daemon)
    assert world.watcher.is_alive(living)


def test_a_fork_bomb_is_ended(world: World) -> None:
    worker, pid = world.python(BOMB)
    world.wait_for_output("ready")

    kill(world, worker)
    clear(world, worker, pid)

    assert world.processes.alive() == []


@pytest.mark.usefixtures("any_kernel")
def test_a_new_order_hurries_the_old_one(world: World) -> None:
    worker, pid = world.start("sh", "-c", DEAF_GROUP)
    world.wait_for_output("ready")
    printed_pid(world, "deaf")
    kill(world, worker)
    world.orphans.clear([DeadWorker(worker, pid, True)], signal.SIGTERM, 600)
    world.run_until(lambda: world.orphans._held)

    clear(world, worker, pid, signal.SIGKILL)

    assert world.processes.alive() == []
    assert world.cleared == [worker]


def test_what_an_adopted_worker_left_is_found_by_its_marker(world: World) -> None:
    """Its orphans do not come to us. Here one whose parent lives, in a session of its own."""
    marked = {"AUTOHEALER_WORKER_ID": "old-0-x"}
    world.processes.start("setsid", "-w", "sh", "-c", "echo left $$; sleep 600; :", env=marked)
    other = world.processes.start("setsid", "-w", "sleep", "600", env={"AUTOHEALER_WORKER_ID": "old-1-y"})
    world.run_until(lambda: "left" in world.processes.read())

    clear(world, "old-0-x", 1 << 22, child=False)

    left = int(world.processes.read().split()[1])
    assert not is_alive(left)
    assert other.poll() is None


def test_a_reused_pid_makes_nobody_a_orphan(world: World) -> None:
    """The dead worker's pid is somebody else's by now, who leads a session of that number."""
    stranger, pid = world.start("sh", "-c", "echo ready; sleep 600; :")
    world.wait_for_output("ready")

    look = look_for_orphans([DeadWorker("dead-0-x", pid, is_child=False)], {}, world.strays, {os.getuid()})

    assert look.orphans == []
    assert world.watcher.is_alive(stranger)


@pytest.mark.usefixtures("any_kernel")
def test_two_hundred_deaths_that_left_nothing_cost_one_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def counted(*args: object, **options: object) -> process_tree.OrphanScan:
        looks.append(args)
        return look_for_orphans(*args, **options)  # type: ignore[arg-type]  # passed on as they are

    monkeypatch.setattr("autohealer.processes.tree.orphans.look_for_orphans", counted)
    workers = dict(world.start("sleep", "600") for _ in range(200))
    for pid in workers.values():
        os.kill(pid, signal.SIGKILL)
    world.run_until(lambda: len(world.exits) == 200)

    world.orphans.clear([DeadWorker(worker, pid, True) for worker, pid in workers.items()], signal.SIGKILL, 5)

    world.run_until(lambda: len(world.cleared) == 200)
    assert len(looks) == 1
    assert all(procfs.read_stat(pid) is None for pid in workers.values())


def test_orphans_that_ended_are_reaped(world: World) -> None:
    worker, _ = world.python("import os\nif os.fork() == 0:\n  os.fork() or print('stray', os.getpid())\n  os._exit(0)")
    world.exit_of(worker)
    world.watcher.release(worker)

    def is_reaped() -> bool:
        world.strays.look()
        return not [stat for stat in procfs.all_stats().values() if stat.parent == os.getpid() and stat.is_gone]

    world.run_until(is_reaped)


def test_what_belongs_to_another_user_is_told_and_left(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker, pid = world.start("sh", "-c", "sleep 600 & echo ready; wait")
    world.wait_for_output("ready")
    kill(world, worker)

    def forbidden(_pidfd: int, _signum: int) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:  # another user's process takes root to make and is not refused to root
        patch.setattr(signal, "pidfd_send_signal", forbidden)
        patch.setattr(os, "killpg", forbidden)
        clear(world, worker, pid)

    assert "another user" in caplog.text
    assert len(world.processes.alive()) == 1


def test_closing_forgets(world: World) -> None:
    worker, pid = world.start("sh", "-c", DEAF_GROUP)
    world.wait_for_output("ready")
    deaf = printed_pid(world, "deaf")
    kill(world, worker)
    world.orphans.clear([DeadWorker(worker, pid, True)], signal.SIGTERM, 600)
    world.run_until(lambda: world.orphans._held)

    world.orphans.close()

    assert is_alive(deaf)
