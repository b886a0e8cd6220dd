"""A pool's folder, held by this process: its lock, its ledger, and the command that it is to run."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autohealer.config.schema import PoolOptions
from autohealer.errors import AutohealerError, UsageError
from autohealer.processes.launch.adoption import find_workers
from autohealer.processes.launch.command import Command, resolve_command
from autohealer.processes.tree.procfs import boot_id
from autohealer.runtime.ledger import Ledger
from autohealer.runtime.state_dir import StateDir


@dataclass(frozen=True, slots=True)
class Claim:
    """What has to be right before any worker of the pool is started or adopted."""

    options: PoolOptions
    state: StateDir
    ledger: Ledger
    command: Command
    cwd: str
    """The workers' directory, absolute."""

    def release(self) -> None:
        """Let another agent have the pool."""
        self.ledger.close()
        self.state.unlock()


def claim(options: PoolOptions, state_dir: str | None, warn: Callable[[str], None]) -> Claim:
    """Claim a pool for this process. Raises AutohealerError.

    A command that cannot be run is an error, unless a former agent has left workers: these are kept, and shown.
    """
    cwd = str(Path(options.cwd or "").absolute())
    state = StateDir(state_dir, options.pool)
    command, problem = Command(options.command[0], options.command), None
    try:
        command = resolve_command(options.command, {**os.environ, **options.env}, cwd)
    except UsageError as error:
        problem = error
        if not state.ledger_path.exists():
            raise
    state.create()
    state.lock()
    try:
        ledger, trouble = _load(state)
        if problem is not None:
            _expect_workers(ledger, options.pool, problem)
    except BaseException:
        state.unlock()
        raise
    if trouble is not None:
        warn(f"cannot write the ledger: {trouble.strerror}; workers could be adopted only by their environment")
    if problem is not None:
        warn(f"{problem}; the workers that run are kept, and no other one can be started")
    return Claim(options, state, ledger, command, cwd)


def _load(state: StateDir) -> tuple[Ledger, OSError | None]:
    try:
        return Ledger.load(state.ledger_path, boot_id())
    except OSError as error:
        raise AutohealerError(f"cannot read the ledger {state.ledger_path}: {error.strerror}") from error


def _expect_workers(ledger: Ledger, pool: str, problem: UsageError) -> None:
    """Raise the problem unless a worker of a former agent lives."""
    found = find_workers(ledger.facts.agent, ledger.workers.values(), pool)
    for worker in found:
        os.close(worker.pidfd)
    if not found:
        ledger.close()
        raise problem
