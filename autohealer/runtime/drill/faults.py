"""How each fault is done, and made good again."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from autohealer.errors import AutohealerError, UsageError
from autohealer.processes.launch.environment import WORKER_ID
from autohealer.processes.tree import procfs
from autohealer.runtime.drill.verdict import DrilledWorker

BACK_WITHIN_S = 30.0
LOOK_S = 0.05
# A command that ends at once and well, so that a pool with any rule for ends takes it for a bad release.
BAD_RELEASE = ("sh", "-c", "exit 1")


class Scene(msgspec.Struct, frozen=True):
    """``workers`` run on this host, under the agent with this pid; ``ask`` asks it; ``commands`` name the pool."""

    workers: Sequence[DrilledWorker]
    agent_pid: int
    ask: Callable[[str], object]
    options: Sequence[str]


class Done(msgspec.Struct, frozen=True):
    """Whom it touched, and what makes it good again, if anything."""

    victims: Sequence[DrilledWorker]
    mend: Callable[[], None] = lambda: None


def do(kind: str, scene: Scene) -> Done:
    """Do it. Raises UsageError where it cannot be done here."""
    return FAULTS[kind](scene)


def _kill(scene: Scene) -> Done:
    return Done([_signalled(_one(scene), signal.SIGKILL)])


def _half(scene: Scene) -> Done:
    count = len(scene.workers) // 2
    if not count:
        raise UsageError("half of one worker is none", "drill kill instead, or scale the pool")
    return Done([_signalled(worker, signal.SIGKILL) for worker in random.sample(list(scene.workers), count)])


def _stop(scene: Scene) -> Done:
    return Done([_signalled(_one(scene), signal.SIGTERM)])


def _hang(scene: Scene) -> Done:
    victim = _signalled(_one(scene), signal.SIGSTOP)

    def wake() -> None:
        with suppress(UsageError):  # it has been replaced
            _signalled(victim, signal.SIGCONT)

    return Done([victim], wake)


def _leak(scene: Scene) -> Done:
    worker = scene.ask("drill leak")
    if worker is None:
        raise UsageError("this pool has no limit of memory", "run it with --max-rss or --kill-rss")
    return Done([one for one in scene.workers if one.worker == worker])


def _zk_away(scene: Scene) -> Done:
    scene.ask("drill zk-away")
    return Done([])


def _agent(scene: Scene) -> Done:
    """Kill it, and start it again as it was started, unless somebody else does."""
    command = _command_line(scene.agent_pid)
    parent = procfs.read_stat(scene.agent_pid)
    if parent is None or not command:
        raise UsageError("the agent has ended", "see `autohealer status`")
    has_terminal = any(_is_terminal(scene.agent_pid, fd) for fd in (0, 1, 2))
    if has_terminal:
        raise UsageError("the agent runs in a terminal, which it would lose", "run it with --detach or as a service")
    environment, folder = _environment(scene.agent_pid), Path(f"/proc/{scene.agent_pid}/cwd").readlink()
    with _open(scene.agent_pid) as pidfd:
        signal.pidfd_send_signal(pidfd.fd, signal.SIGKILL)
        select.select([pidfd.fd], [], [], BACK_WITHIN_S)

    def again() -> None:
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    return Done([], again)


def _release(scene: Scene) -> Done:
    done = subprocess.run(
        [sys.executable, "-m", "autohealer", "update", *scene.options, "--", *BAD_RELEASE],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 4:
        said = done.stderr.strip() or done.stdout.strip()
        raise AutohealerError(f"the bad release was not undone (exit code {done.returncode}): {said}")
    return Done([])


FAULTS: dict[str, Callable[[Scene], Done]] = {
    "kill": _kill,
    "half": _half,
    "stop": _stop,
    "hang": _hang,
    "leak": _leak,
    "zk-away": _zk_away,
    "agent": _agent,
    "release": _release,
}


class _open:  # noqa: N801 - used like the function
    """A pidfd as a context."""

    def __init__(self, pid: int) -> None:
        try:
            self.fd = os.pidfd_open(pid)
        except OSError as error:
            raise UsageError(f"process {pid} has ended", "see `autohealer status`") from error

    def __enter__(self) -> _open:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)


def _one(scene: Scene) -> DrilledWorker:
    if not scene.workers:
        raise UsageError("no worker of this pool runs here", "see `autohealer status`")
    return random.choice(list(scene.workers))  # noqa: S311 - any will do


def _signalled(worker: DrilledWorker, signum: int) -> DrilledWorker:
    """Signal the process that still is this worker: its pid may be another's by now."""
    with _open(worker.pid) as pidfd:
        if _environment(worker.pid).get(WORKER_ID) != worker.worker:
            raise UsageError(f"process {worker.pid} is no longer worker {worker.worker}", "try again")
        signal.pidfd_send_signal(pidfd.fd, signum)
    return worker


def _command_line(pid: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")[:-1]
    return []


def _environment(pid: int) -> dict[str, str]:
    with suppress(OSError):
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="surrogateescape").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {}


def _is_terminal(pid: int, fd: int) -> bool:
    with suppress(OSError):
        return str(Path(f"/proc/{pid}/fd/{fd}").readlink()).startswith(("/dev/pts/", "/dev/tty"))
    return False


def wait(until: Callable[[], bool], timeout_s: float) -> bool:
    """Whether it became true in time."""
    deadline = time.monotonic() + timeout_s
    while not until():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True
