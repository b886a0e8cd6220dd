"""Limits, user, umask and niceness are in force before a worker's first instruction."""

from __future__ import annotations

import os
import sys

import msgspec
import pytest

from autohealer.errors import UsageError
from autohealer.processes.launch.command import Command
from autohealer.processes.launch.spawn import Output, Spawner
from autohealer.processes.launch.spec import LaunchSpec
from autohealer.processes.launch.wrapper import prepare_command, user_environment
from tests.processes.conftest import World

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run workers as another user")

SHOW = """
import grp, os, resource
os.umask(mask := os.umask(0))
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(oct(mask), os.getpriority(os.PRIO_PROCESS, 0), *resource.getrlimit(resource.RLIMIT_NOFILE),
      *resource.getrlimit(resource.RLIMIT_CORE), os.getuid(), os.getgid(), len(os.getgroups()),
      status["NoNewPrivs"], os.getsid(0) == os.getpid(), flush=True)
"""


def spec(**fields: object) -> LaunchSpec:
    """A worker that shows what it has."""
    plain = LaunchSpec(command=(sys.executable, "-c", SHOW), env={}, cwd="/", output="file")
    return msgspec.structs.replace(plain, **fields)


def shown(world: World, **fields: object) -> list[str]:
    """What a worker of such a spec has."""
    environ = world.processes.environment()
    command = prepare_command(spec(**fields), environ)
    with open(world.directory / "output", "ab") as output:
        spawned = Spawner(command, environ, Output.FILE).spawn({}, slot=0, worker="w", output=output.fileno())
    world.watcher.watch("w", spawned.pid, spawned.pidfd, child=True)
    assert world.exit_of("w")[1:] == (0, None), world.output()
    return world.output().split()


def test_who_asks_for_nothing_pays_nothing() -> None:
    """The command itself is started."""
    assert prepare_command(spec(), os.environ) == Command(sys.executable, spec().command)


def test_umask_nice_and_limits(world: World) -> None:
    """All at once; the worker is the process that was started."""
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    found = shown(world, umask=0o027, nice=min(19, mine + 3), limits={"nofile": "123:456", "core": "0:0"}, user=None)

    assert found[:6] == ["0o27", str(min(19, mine + 3)), "123", "456", "0", "0"]
    assert found[-1] == "True"


@needs_root
def test_another_user(world: World) -> None:
    """With its groups, none of root's, and no way back."""
    found = shown(world, user="nobody", limits={"nofile": "99:99"})

    assert found[2:4] == ["99", "99"]
    assert found[6:10] == ["65534", found[7], "1", "1"]


@needs_root
def test_another_group(world: World) -> None:
    """Instead of the user's own."""
    assert shown(world, user="nobody", group="daemon")[6:8] == ["65534", "1"]


@needs_root
def test_what_another_user_has_in_its_environment() -> None:
    """Its home, not root's."""
    environ = user_environment(spec(user="daemon"))

    assert (environ["HOME"], environ["USER"]) == ("/usr/sbin", "daemon")
    assert user_environment(spec()) == {}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"user": "no-such-user"}, "there is no user no-such-user"),
        ({"user": "4711471"}, "there is no user 4711471"),
        ({"group": "no-such-group"}, "there is no group no-such-group"),
    ],
)
def test_what_cannot_be_had(fields: dict[str, object], error: str) -> None:
    """Is said at the start."""
    with pytest.raises(UsageError, match=error):
        prepare_command(spec(**fields), os.environ)


def test_who_is_not_root_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither become another user, nor go below the agent's niceness."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getpriority", lambda *_: 0)
    with pytest.raises(UsageError, match="another user"):
        prepare_command(spec(user="daemon"), os.environ)
    with pytest.raises(UsageError, match="--nice -5 is less"):
        prepare_command(spec(nice=-5), os.environ)


def test_a_command_that_vanished_is_a_shells_127(world: World) -> None:
    """It is not seen before; the worker's exit tells."""
    environ = world.processes.environment()
    command = prepare_command(spec(umask=0o077), environ)
    gone = Command(command.path, (*command.argv[:-3], "/no/such/program"))
    spawned = Spawner(gone, environ, Output.NONE).spawn({}, slot=0, worker="w")
    world.watcher.watch("w", spawned.pid, spawned.pidfd, child=True)

    assert world.exit_of("w")[1:] == (127, None)
