"""``reload``: the file is read again, the difference is told, and then applied, pool by pool.

Pools that are equal are not touched. What concerns no worker is applied by a runner that leaves its pool to another one
in the same process; another number of workers is a scale; what belongs to a revision is a rollout. A file that does not
hold changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from autohealer.config.diff import Difference, Fate, PoolChange, difference
from autohealer.config.drift import Drift, drift_of, invalid
from autohealer.config.load import load
from autohealer.config.options import Change
from autohealer.config.schema import POOL_FIELDS, Configuration, NotifyOptions, PoolOptions
from autohealer.core.notices import ConfigChanged, ConfigInvalid, Notice
from autohealer.core.operations import MEANINGLESS, Answer, Operation, Outcome, done, refused
from autohealer.errors import AutohealerError, UsageError
from autohealer.runtime.claim import launch_spec

if TYPE_CHECKING:
    from autohealer.runtime.pool_runner import PoolRunner

Stepped = Callable[[object], object]


class Pools(Protocol):
    """The pools of the process."""

    def find(self, name: str) -> PoolRunner | None:
        """The pool of this name, if it runs."""

    def running(self) -> tuple[PoolOptions, ...]:
        """What the pools that run were asked for."""

    def start_pool(self, options: PoolOptions) -> None:
        """Run one more. Raises AutohealerError."""

    async def exchange(self, runner: PoolRunner, options: PoolOptions) -> PoolRunner:
        """Have another runner go on with the pool, and no worker touched. Raises AutohealerError."""


class Reloader:
    """Reloads one at a time. ``take_notify`` has others told, of other things, from now on; ``tell`` takes what people
    are to hear. The environment is that of the agent's start.
    """

    def __init__(
        self,
        configuration: Configuration,
        environ: Mapping[str, str],
        pools: Pools,
        take_notify: Callable[[Sequence[NotifyOptions]], None],
        tell: Callable[[Notice], object],
    ) -> None:
        self._configuration, self._environ, self._pools, self._tell = configuration, dict(environ), pools, tell
        self._take_notify, self._file = take_notify, str(configuration.file)
        self._lock = asyncio.Lock()
        self._reading: asyncio.Future[Configuration] | None = None

    async def reload(self, operation: Operation, stepped: Stepped) -> Answer:
        """Read, tell, apply; what came of it."""
        if self._lock.locked():
            return refused("another reload is under way")
        async with self._lock:
            try:
                wanted = await self._read()
            except UsageError as error:
                text = f"{error}; {error.hint}" if error.hint else str(error)
                self._tell(ConfigInvalid(self._file, text))
                return refused(text, MEANINGLESS)
            found = difference(self._now(), wanted)
            for line in found.lines():
                stepped({"line": line})
            if found.is_empty or operation.options.dry_run:
                return done("nothing has changed" if found.is_empty else "nothing was done: --dry-run")
            return await self._apply(wanted, found, operation, stepped)

    async def drift(self) -> Drift:
        """Whether the file on disk still says what runs."""
        try:
            return drift_of(self._file, difference(self._now(), await self._read()))
        except UsageError as error:
            return invalid(self._file, error)

    def _now(self) -> Configuration:
        """What runs: a pool that could not start, or has ended, is not in it, and so is tried again."""
        return msgspec.structs.replace(self._configuration, pools=self._pools.running())

    async def _read(self) -> Configuration:
        """The file as it is now; a disk may take its time, and holds up one thread at most. Raises UsageError."""
        while self._reading is not None and not self._reading.done():
            await asyncio.wait({self._reading})
        reading = partial(_load_again, str(self._configuration.file), self._environ, self._configuration.typed)
        self._reading = asyncio.get_running_loop().run_in_executor(None, reading)
        return await asyncio.shield(self._reading)

    async def _apply(self, wanted: Configuration, found: Difference, operation: Operation, stepped: Stepped) -> Answer:
        options = {pool.pool: pool for pool in wanted.pools}
        self._tell(ConfigChanged(str(wanted.file), tuple(c.pool for c in found.pools if c.fate is not Fate.EQUAL)))
        if wanted.notify != self._configuration.notify:
            self._take_notify(wanted.notify)
            self._configuration = msgspec.structs.replace(self._configuration, notify=wanted.notify)
        problems: list[Answer] = []
        for change in found.pools:
            try:
                answer = await self._apply_to(change, options.get(change.pool), operation, stepped)
            except AutohealerError as error:
                answer = refused(f"pool {change.pool}: {error}", error.exit_code)
            if answer.outcome is Outcome.REFUSED or answer.code:  # a rollout that was undone is done, with a code
                stepped({"line": answer.detail})
                problems.append(answer)
        if problems:
            worst = max(problems, key=lambda answer: answer.code)
            return replace(worst, detail="; ".join(answer.detail for answer in problems))
        changed = sum(change.fate is not Fate.EQUAL for change in found.pools)
        return done(f"{changed} of {len(found.pools)} pools changed")

    async def _apply_to(
        self, change: PoolChange, new: PoolOptions | None, operation: Operation, stepped: Stepped
    ) -> Answer:
        runner = self._pools.find(change.pool)
        if change.fate is Fate.NEW and new is not None:
            self._pools.start_pool(new)
        elif change.fate is Fate.MISSING and runner is not None:
            runner.drain("reload")
        elif change.fate is Fate.CHANGED and runner is not None and new is not None:
            return await self._change(change, runner, new, operation, stepped)
        return done()

    async def _change(
        self, change: PoolChange, runner: PoolRunner, new: PoolOptions, operation: Operation, stepped: Stepped
    ) -> Answer:
        """A pool with other values. What takes effect at the next start stays as it is, and differs from the file."""
        old = runner.options
        wanted = _with_former(new, old, Change.RESTART)
        if change.has(Change.STOP):
            wanted = _with_former(wanted, old, Change.NOTHING)
        if change.has(Change.NOTHING):
            if (reason := runner.reason_to_stay()) is not None:
                return refused(f"pool {change.pool} stays as it is: {reason}")
            runner = await self._pools.exchange(runner, _with_former(wanted, old, Change.ROLLOUT))
        elif change.has(Change.SCALE):
            await _asked(runner, replace(operation, verb="scale", subject=str(new.workers)), stepped)
            runner.take_options(_with_former(wanted, old, Change.ROLLOUT))
        if not change.has(Change.ROLLOUT):
            return done()
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        part = replace(operation, id=f"{operation.id}/{change.pool}")
        runner.operations.roll_out_to(part, launch_spec(wanted), answered.set_result, stepped)
        answer = await answered
        if answer.outcome is Outcome.DONE and not answer.code:
            runner.take_options(wanted)
        return replace(answer, detail=f"pool {change.pool}: {answer.detail}")


def _load_again(file: str, environ: Mapping[str, str], typed: Mapping[str, object]) -> Configuration:
    """Raises UsageError, also for what may be read only once, such as a pipe: nobody may write to it any more."""
    path = Path(file)
    if path.exists() and not path.is_file():
        raise UsageError(f"{file} is no regular file", "what is to be read again has to be one")
    return load(file, environ, typed).configuration


def _with_former(new: PoolOptions, old: PoolOptions, change: Change) -> PoolOptions:
    """The new options, but what means this change as it was."""
    former = {name: getattr(old, name) for name, field in POOL_FIELDS.items() if field.option.change is change}
    return msgspec.structs.replace(new, **former)


async def _asked(runner: PoolRunner, operation: Operation, stepped: Stepped) -> Answer:
    """An operation of one pool, to its answer."""
    answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    runner.operations.do(replace(operation, id=f"{operation.id}/{runner.name}"), answered.set_result, stepped)
    return await answered
