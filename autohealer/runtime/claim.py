"""A pool's folder, held by this process: its lock, its ledger, and the command that it is to run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from autohealer.config.env_file import environment
from autohealer.config.schema import PoolOptions
from autohealer.errors import AutohealerError, UsageError
from autohealer.processes.launch.adoption import find_workers
from autohealer.processes.launch.command import Command
from autohealer.processes.launch.sockets import Sockets, passed_to_us
from autohealer.processes.launch.spec import LaunchSpec
from autohealer.processes.launch.wrapper import prepare_command
from autohealer.processes.tree.procfs import boot_id
from autohealer.runtime.ledger import Ledger
from autohealer.runtime.probing import check_senses
from autohealer.runtime.revisions import RevisionRecord, record_for, users_of
from autohealer.runtime.state_dir import StateDir


class Claim(msgspec.Struct, frozen=True):
    """What has to be right before any worker of the pool is started or adopted."""

    options: PoolOptions
    state: StateDir
    ledger: Ledger
    record: RevisionRecord
    """The revisions of the pool here; the present one is what this agent starts workers from."""
    command: Command
    """The command of the present revision, as far as it can be found."""
    sockets: Sockets
    """What its workers listen on."""

    def release(self, *, is_over: bool = False) -> None:
        """Let another agent have the pool; ``is_over``: no worker of it is left."""
        self.sockets.close(is_over=is_over)
        self.ledger.close()
        self.state.unlock()


def claim(options: PoolOptions, state_dir: str | None, warn: Callable[[str], None]) -> Claim:
    """Claim a pool for this process. Raises AutohealerError.

    A command that cannot be run is an error, unless a former agent has left workers: these are kept, and shown.
    """
    state = StateDir(state_dir, options.pool)
    former = _read(state)
    record = record_for(former.revisions if former else None, launch_spec(options))
    spec, problem = record.present.spec, None
    check_senses(options, {**os.environ, **spec.env}, spec.cwd)
    command = Command(spec.command[0], spec.command)
    try:
        command = prepare_command(spec, {**os.environ, **spec.env})
    except UsageError as error:
        problem = error
        if former is None:
            raise
    for trouble_there in state.create(adopts=former is not None and bool(former.workers)):
        warn(f"{trouble_there}; it is taken all the same, as it knows of workers that may run")
    state.lock()
    try:
        ledger, trouble = _load(state)
        if problem is not None:
            _expect_workers(ledger, options.pool, problem)
        sockets = _open_sockets(options, ledger)
    except BaseException:
        state.unlock()
        raise
    if trouble is not None:
        warn(f"cannot write the ledger: {trouble.strerror}; workers could be adopted only by their environment")
    if problem is not None:
        warn(f"{problem}; the workers that run are kept, and no other one can be started")
    if former is not None and former.revisions is not None and record.highest != former.revisions.highest:
        warn(_differs(former.revisions, record))
    return Claim(options, state, ledger, record, command, sockets)


def launch_spec(options: PoolOptions) -> LaunchSpec:
    """What the options ask workers to be started from."""
    return LaunchSpec(
        command=options.command,
        env=environment(options),
        cwd=str(_here() / (options.cwd or "")),
        output=options.log,
        port_base=options.port_base,
        limits=options.limit,
        user=options.user,
        group=options.group,
        umask=options.umask,
        nice=options.nice,
        stdin=options.stdin,
        sockets=passed_to_us(os.environ) or len(options.listen),
    )


def _here() -> Path:
    """Where the command was typed: as the shell names it, which may be by a link that is switched later."""
    named = Path(os.environ.get("PWD", ""))
    try:
        return named if named.is_absolute() and named.samefile(".") else Path.cwd()
    except OSError:
        return Path.cwd()


def _differs(former: RevisionRecord, record: RevisionRecord) -> str:
    return (
        f"this run differs from the last one here: workers that run are kept as they are (r{former.present.number}),"
        f" new ones are r{record.present.number}; `autohealer restart` replaces the rest"
    )


def _read(state: StateDir) -> Ledger | None:
    try:
        return Ledger.read(state.ledger_path)
    except NotADirectoryError:
        return None  # it cannot be made, either, which says more
    except OSError as error:
        raise AutohealerError(f"cannot read the ledger {state.ledger_path}: {error.strerror}") from error


def _load(state: StateDir) -> tuple[Ledger, OSError | None]:
    try:
        return Ledger.load(state.ledger_path, boot_id())
    except OSError as error:
        raise AutohealerError(f"cannot read the ledger {state.ledger_path}: {error.strerror}") from error


def _open_sockets(options: PoolOptions, ledger: Ledger) -> Sockets:
    """What workers listen on; beside the workers of a former agent, which the ledger need not know yet."""
    try:
        return Sockets.open(options.listen, options.pool, os.environ, beside=False)
    except UsageError as problem:
        _expect_workers(ledger, options.pool, problem)
    return Sockets.open(options.listen, options.pool, os.environ, beside=True)


def _expect_workers(ledger: Ledger, pool: str, problem: UsageError) -> None:
    """Raise the problem unless a worker of a former agent lives."""
    found = find_workers(ledger.facts.agent, ledger.workers.values(), pool, users_of(ledger.revisions))
    for worker in found:
        os.close(worker.pidfd)
    if not found:
        ledger.close()
        raise problem
