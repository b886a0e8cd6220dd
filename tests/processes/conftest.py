"""Real workers for the tests of ``processes``, in an event loop that runs only while a test waits."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from autohealer.processes.launch.command import resolve_command
from autohealer.processes.launch.environment import WORKER_ID
from autohealer.processes.launch.exits import ExitWatcher
from autohealer.processes.launch.setup import become_subreaper
from autohealer.processes.launch.spawn import Output, Spawned, Spawner
from autohealer.processes.reaper import Reaper
from autohealer.processes.tree.orphans import Orphans
from autohealer.processes.tree.strays import Strays
from tests.support.processes import POLL_S, Processes

PR_SET_CHILD_SUBREAPER = 36

Exit = tuple[str, int | None, str | None]


class World:
    """What an agent has: a loop, exits, orphans. Whatever a test starts here ends with it."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.directory = processes.directory
        self.loop = asyncio.new_event_loop()
        self.exits: list[Exit] = []
        self.cleared: list[str] = []
        self.reaper = Reaper()
        self.looks: list[int] = []
        """How many exits had been told of at the end of each look."""
        self.watcher = ExitWatcher(
            self.loop,
            lambda *exit_: self.exits.append(exit_),
            self.reaper,
            looked=lambda: self.looks.append(len(self.exits)),
        )
        self.strays = Strays(self.reaper, come=become_subreaper())
        self.orphans = Orphans(self.loop, self._on_cleared, self.strays)
        self._number = 0

    def spawn(self, *argv: str, worker: str = "", env: Mapping[str, str] | None = None) -> Spawned:
        """Start a command in the test's environment, output to the file ``output``."""
        environ = self.processes.environment(env)
        command = resolve_command(argv, environ, str(Path.cwd()))
        spawner = Spawner(command, environ, Output.FILE)
        with open(self.directory / "output", "ab") as output:
            return spawner.spawn({WORKER_ID.encode(): worker.encode()}, slot=0, worker=worker, output=output.fileno())

    def start(self, *argv: str, env: Mapping[str, str] | None = None) -> tuple[str, int]:
        """Start and watch a worker; its id and pid."""
        self._number += 1
        worker = f"agent-{os.getpid()}-{self._number}-u{self._number}"
        spawned = self.spawn(*argv, worker=worker, env=env)
        self.watcher.watch(worker, spawned.pid, spawned.pidfd, child=True)
        return worker, spawned.pid

    def python(self, code: str) -> tuple[str, int]:
        """Start a worker of a few lines of Python."""
        return self.start(sys.executable, "-c", code)

    def run_until(self, condition: Callable[[], object], timeout_s: float = 20) -> None:
        """Run the loop until the condition holds."""
        deadline = self.loop.time() + timeout_s
        while not condition():
            self.loop.run_until_complete(asyncio.sleep(POLL_S))
            if self.loop.time() > deadline:
                pytest.fail(f"not within {timeout_s} s; exits {self.exits}, cleared {self.cleared}")

    def exit_of(self, worker: str) -> Exit:
        """Wait for a worker's exit."""
        self.run_until(lambda: any(found[0] == worker for found in self.exits))
        return next(found for found in self.exits if found[0] == worker)

    def output(self) -> str:
        """What workers wrote."""
        path = self.directory / "output"
        return path.read_text() if path.exists() else ""

    def wait_for_output(self, text: str) -> None:
        """Wait until some worker has written this."""
        self.run_until(lambda: text in self.output())

    def close(self) -> None:
        """End and forget all."""
        for worker in list(self.watcher._watched):
            self.watcher.send_signal(worker, signal.SIGKILL)  # one that is just being executed bears no mark yet
        self.processes.end()
        self.run_until(lambda: not any(map(self.watcher.is_alive, list(self.watcher._watched))))
        self.orphans.close()
        self.watcher.close()
        self.loop.close()
        while _reaped():
            pass
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)  # other tests' orphans are init's

    def _on_cleared(self, worker: str) -> None:
        self.cleared.append(worker)
        self.watcher.release(worker)


@pytest.fixture
def world(processes: Processes) -> Iterator[World]:
    world = World(processes)
    yield world
    world.close()


def _reaped() -> bool:
    """Reap one orphan that came to this process, which is a subreaper now."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False
