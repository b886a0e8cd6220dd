"""A worker is started as promised: session, signals, descriptors, environment, output."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autohealer.core.actions import SpawnWorker
from autohealer.processes.launch.command import Command, resolve_command
from autohealer.processes.launch.environment import WorkerHome, incarnation_environment, worker_environment
from autohealer.processes.launch.setup import raise_descriptor_limit, set_cloexec
from autohealer.processes.launch.spawn import Output, Spawned, Spawner, is_temporary
from tests.processes.conftest import World

REPORT = """
import json, os, resource, signal, sys
print(json.dumps({
    "session": os.getsid(0), "group": os.getpgid(0), "pid": os.getpid(), "argv": sys.argv[1:],
    "fds": {fd: os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")},
    "ignored": [line for line in open("/proc/self/status") if line.startswith(("SigIgn", "SigBlk"))],
    "limit": resource.getrlimit(resource.RLIMIT_NOFILE), "environ": dict(os.environ), "cwd": os.getcwd(),
}))
"""
IGNORED_BY_PYTHON = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)  # in the child, too
MANY = 500
OF_THE_C_LIBRARY = 1 << 31 | 1 << 32  # signals 32 and 33, which a program cannot reach


@pytest.fixture
def finish() -> Callable[[Spawned], int]:
    """Waits for the end of a worker; its exit code."""

    def finished(spawned: Spawned) -> int:
        os.close(spawned.pidfd)
        return os.waitstatus_to_exitcode(os.waitpid(spawned.pid, 0)[1])

    return finished


def spawner(*argv: str, output: Output = Output.FILE, limit: tuple[int, int] | None = None) -> Spawner:
    command = resolve_command(argv, os.environ, str(Path.cwd()))
    return Spawner(command, os.environ, output, descriptor_limit=limit)


def into(
    path: Path,
    spawner: Spawner,
    *,
    slot: int = 0,
    worker: str = "w",
    port: int | None = None,
    env: Mapping[bytes, bytes] | None = None,
) -> Spawned:
    """Start a worker whose output goes to this file."""
    with path.open("ab") as output:
        return spawner.spawn(env or {}, slot=slot, worker=worker, port=port, output=output.fileno())


def test_a_worker_begins_clean(tmp_path: Path, finish: Callable[[Spawned], int]) -> None:
    output = tmp_path / "out"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    try:
        set_cloexec()
        spawned = into(output, spawner(sys.executable, "-c", REPORT), env={b"NAME": "välue".encode()})
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        signal.signal(signal.SIGHUP, before)
        os.close(read_end)
        os.close(write_end)

    assert finish(spawned) == 0
    report = json.loads(output.read_text())
    assert report["session"] == report["group"] == report["pid"] == spawned.pid
    descriptors = {int(fd): target for fd, target in report["fds"].items() if not target.startswith("/proc/")}
    assert descriptors == {0: "/dev/null", 1: str(output), 2: str(output)}
    blocked, ignored = [int(line.split()[1], 16) for line in report["ignored"]]
    assert blocked == 0
    assert ignored & ~OF_THE_C_LIBRARY == IGNORED_BY_PYTHON
    assert report["environ"]["NAME"] == "välue"
    assert report["environ"]["PATH"] == os.environ["PATH"]
    assert report["cwd"] == str(Path.cwd())


def test_output_is_appended(tmp_path: Path, finish: Callable[[Spawned], int]) -> None:
    echo = spawner("sh", "-c", "echo out; echo err >&2")

    for _ in range(2):
        finish(into(tmp_path / "out", echo, slot=0, worker="w"))

    assert (tmp_path / "out").read_text() == "out\nerr\n" * 2


def test_without_a_file_output_goes_nowhere_or_to_ours(
    capfd: pytest.CaptureFixture[str], finish: Callable[[Spawned], int]
) -> None:
    finish(spawner("echo", "lost", output=Output.NONE).spawn({}, slot=0, worker="w"))
    finish(spawner("echo", "kept", output=Output.STDOUT).spawn({}, slot=0, worker="w"))

    assert capfd.readouterr().out == "kept\n"


def test_only_the_known_placeholders_are_replaced(tmp_path: Path, finish: Callable[[Spawned], int]) -> None:
    template = spawner(sys.executable, "-c", REPORT, "{slot}", "p={port}/{slot}", "{worker}", "{x} {} {{slot}}")

    for port in (8003, None):
        finish(into(tmp_path / "out", template, slot=3, worker="a-3-b", port=port))

    with_port, without = [json.loads(line)["argv"] for line in (tmp_path / "out").read_text().splitlines()]
    assert with_port == ["3", "p=8003/3", "a-3-b", "{x} {} {3}"]
    assert without == ["3", "p={port}/3", "a-3-b", "{x} {} {3}"]


def test_the_limit_is_in_force_before_the_first_instruction(
    monkeypatch: pytest.MonkeyPatch, finish: Callable[[Spawned], int]
) -> None:
    """A program that looks at its limit as soon as it runs must not find the agent's."""
    original = resource.getrlimit(resource.RLIMIT_NOFILE)
    seen = []
    posix_spawn = os.posix_spawn

    def looked(*args: object, **options: object) -> int:
        seen.append(resource.getrlimit(resource.RLIMIT_NOFILE))
        return posix_spawn(*args, **options)  # type: ignore[arg-type]  # passed on as they are

    monkeypatch.setattr(os, "posix_spawn", looked)
    finish(spawner("true", limit=(100, original[1])).spawn({}, slot=0, worker="w"))

    assert seen == [(100, original[1])]
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == original


def test_a_limit_below_what_the_agent_has_open_keeps_nobody_from_starting(
    tmp_path: Path, finish: Callable[[Spawned], int]
) -> None:
    low = os.open("/dev/null", os.O_RDONLY)
    limit = (low + 10, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    reporter = spawner("sh", "-c", "ulimit -Sn", limit=limit)
    held = [low, *(os.open("/dev/null", os.O_RDONLY) for _ in range(40))]
    try:
        assert finish(into(tmp_path / "out", reporter, slot=0, worker="w")) == 0
    finally:
        for fd in held:
            os.close(fd)
    assert (tmp_path / "out").read_text() == f"{low + 10}\n"


def test_workers_keep_the_limit_that_the_agent_has_raised(tmp_path: Path, finish: Callable[[Spawned], int]) -> None:
    original = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, original[1]))
    try:
        limit = raise_descriptor_limit()
        raised = resource.getrlimit(resource.RLIMIT_NOFILE)
        reporter = spawner(sys.executable, "-c", REPORT, limit=limit)
        finish(into(tmp_path / "out", reporter, slot=0, worker="w"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, original)

    assert limit == (1000, original[1])
    assert raised == (original[1], original[1])
    assert json.loads((tmp_path / "out").read_text())["limit"] == [1000, original[1]]


def test_there_is_room_for_the_files_of_all_workers_before_the_first_is_started() -> None:
    code = f"""
import resource
from autohealer.processes.launch.setup import make_room_for_files
resource.setrlimit(resource.RLIMIT_NOFILE, (100, {MANY + 100}))
make_room_for_files({MANY})
size = open("/proc/self/status").read().partition("FDSize:")[2].split()[0]
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], size)
make_room_for_files({10 * MANY})
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], "where there may not be so many, it does without")
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert told[0] == told[2] == "100"
    assert int(told[1]) >= MANY


@pytest.mark.parametrize(
    ("path", "expected"), [("/nonexistent", errno.ENOENT), ("/", errno.EACCES), ("/etc/passwd", errno.EACCES)]
)
def test_what_cannot_be_executed_raises(path: str, expected: int, tmp_path: Path) -> None:
    broken = Spawner(Command(path, (path,)), {}, Output.FILE)

    with pytest.raises(OSError, match=r".") as caught:
        into(tmp_path / "out", broken, slot=0, worker="w")

    assert caught.value.errno == expected
    assert not is_temporary(expected)


def test_out_of_descriptors_no_worker_is_left(world: World) -> None:
    """The pidfd cannot be opened: the worker, already started, must not live unwatched."""
    original = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    environ = world.processes.environment()
    sleeper = Spawner(resolve_command(["sleep", "600"], environ, "/"), environ, Output.NONE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, original[1]))
    try:
        with pytest.raises(OSError, match=r".") as caught:
            sleeper.spawn({}, slot=0, worker="w")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, original)

    assert is_temporary(caught.value.errno or 0)
    assert world.processes.alive() == []


def test_want_of_resources_is_temporary() -> None:
    assert all(map(is_temporary, [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE]))
    assert not any(map(is_temporary, [errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.E2BIG]))


def test_workers_inherit_none_of_our_options() -> None:
    environ = worker_environment(
        {
            "HOME": "/h",
            "AUTOHEALER_ZK_AUTH": "digest:u:secret",
            "AUTOHEALER_WORKER_ID": "outer-0-x",
            "NOTIFY_SOCKET": "/run/systemd/notify",
            "WATCHDOG_USEC": "30000000",
            "WATCHDOG_PID": "1",
        },
        {"HOME": "/other", "MORE": "1", "AUTOHEALER_POOL": "forged"},
        WorkerHome("127.0.0.1:2181", "default", "/workers", "web1-x", "/state/notify.sock"),
        cwd="/srv/current",
    )

    assert environ == {
        "HOME": "/other",
        "MORE": "1",
        "AUTOHEALER_ZK": "127.0.0.1:2181",
        "AUTOHEALER_POOL": "default",
        "AUTOHEALER_WORKERS": "/workers",
        "AUTOHEALER_AGENT": "web1-x",
        "PWD": "/srv/current",
        "NOTIFY_SOCKET": "/state/notify.sock",
    }


def test_each_worker_knows_who_it_is() -> None:
    start = SpawnWorker("a-2-x", 2, 2, epoch=7, revision=3, restarts=4, last_exit="SIGKILL")
    assert incarnation_environment(start, 8002) == {
        b"AUTOHEALER_WORKER_ID": b"a-2-x",
        b"AUTOHEALER_SLOT": b"2",
        b"AUTOHEALER_EPOCH": b"7",
        b"AUTOHEALER_REVISION": b"3",
        b"AUTOHEALER_RESTARTS": b"4",
        b"AUTOHEALER_LAST_EXIT": b"SIGKILL",
        b"PORT": b"8002",
    }
    assert b"PORT" not in incarnation_environment(start, None)
