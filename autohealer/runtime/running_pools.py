"""The pools of an agent process: each is begun, goes on by another runner after a reload, and is run to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from autohealer.core.model import WorkerId
from autohealer.core.operations import Answer, done, refused
from autohealer.errors import AutohealerError
from autohealer.runtime.claim import Claim, claim
from autohealer.runtime.pool_runner import PoolRunner

if TYPE_CHECKING:
    from autohealer.config.schema import PoolOptions
    from autohealer.core.notices import EventRecord, Notice
    from autohealer.runtime.agent_handle import AgentHandle
    from autohealer.runtime.shared import Shared

KILLED, QUIT = 130, 131
# So long who asked for our end has to hear of it.
ANSWERED_S = 0.05

Warn = Callable[[str], None]


def warner(warn: Warn, several: bool) -> Callable[[str], Warn]:
    """Where there are several pools, a warning names its own."""

    def warn_of(pool: str) -> Warn:
        return (lambda text: warn(f"pool {pool}: {text}")) if several else warn

    return warn_of


class RunningPools:
    """Those that run, and those that have ended. `reload` knows them as its ``Pools``.

    ``heard`` gets each event with its pool's name, ``warn`` each warning; ``begun`` is called for each pool that is
    there to be asked, its workers adopted. ``are_several``: there is, or has been, more than one.
    """

    def __init__(
        self,
        state_dir: str | None,
        *,
        several: bool,
        heard: Callable[[str, EventRecord], None],
        warn: Warn,
        begun: Callable[[AgentHandle], None],
    ) -> None:
        self._state_dir, self.are_several = state_dir, several
        self._heard, self._warn, self._begun = heard, warn, begun
        self._runners: dict[str, PoolRunner] = {}
        """By this agent's id in each."""

        self._tasks: set[asyncio.Task[int]] = set()
        self._successors: dict[str, tuple[PoolOptions, asyncio.Future[PoolRunner]]] = {}
        """Pools that another runner is to go on with, and who waits for it."""

    def lend(self, shared: Shared) -> None:
        """What the process lends to its pools, before the first of them is begun."""
        self._shared = shared

    def begin(self, held: Claim) -> None:
        """Run this one, too."""
        runner = self._make_runner(held)
        self._tasks.add(asyncio.get_running_loop().create_task(self._run(runner)))

    async def until_all_have_ended(self) -> list[int]:
        """Their exit codes. Raises AutohealerError where the only pool failed."""
        codes: list[int] = []
        while self._tasks:
            ended, self._tasks = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            codes += [task.result() for task in ended]
        return codes

    # ---- how they stand

    def find(self, name: str) -> PoolRunner | None:
        """The pool of this name, if it runs here."""
        return next((runner for runner in self._running() if runner.name == name), None)

    def running(self) -> tuple[PoolOptions, ...]:
        """What the pools that run were asked for."""
        return tuple(runner.options for runner in self._running())

    def describe(self) -> str:
        """How the pools stand, in one line."""
        return "; ".join(f"{runner.name}: {runner.describe()}" for runner in self._running())

    def was_ready(self, name: str) -> bool:
        """Whether all workers of this pool have been ready, once."""
        return any(runner.was_ready for runner in self._runners.values() if runner.name == name)

    @property
    def have_started(self) -> bool:
        """Whether each has started all of its share once, or has ended."""
        return all(runner.has_started for runner in self._runners.values())

    @property
    def are_over(self) -> bool:
        """Whether no worker is left, nor anything that one left."""
        return all(runner.is_over for runner in self._runners.values())

    def _running(self) -> list[PoolRunner]:
        return [runner for runner in self._runners.values() if not runner.is_ended]

    # ---- a reload

    def start_pool(self, options: PoolOptions) -> None:
        """Run one more. Raises AutohealerError."""
        self.are_several = True
        self.begin(claim(options, self._state_dir, self._warn_of(options.pool)))

    async def exchange(self, runner: PoolRunner, options: PoolOptions) -> PoolRunner:
        """Have another runner go on with the pool. Raises AutohealerError."""
        successor: asyncio.Future[PoolRunner] = asyncio.get_running_loop().create_future()
        self._successors[runner.name] = (options, successor)
        runner.leave()
        return await successor

    async def _succeed(self, name: str) -> int:
        """A runner has left its pool to another one, with other options."""
        options, successor = self._successors.pop(name)
        try:
            runner = self._make_runner(claim(options, self._state_dir, self._warn_of(name)))
        except AutohealerError as error:
            successor.set_exception(error)
            raise
        successor.set_result(runner)
        return await self._run(runner)

    # ---- the life of each

    def _make_runner(self, held: Claim) -> PoolRunner:
        name = held.options.pool
        runner = PoolRunner(held, self._shared, listener=partial(self._heard, name), warn=self._warn_of(name))
        self._runners[runner.agent] = runner
        return runner

    async def _run(self, runner: PoolRunner) -> int:
        """One pool to its end; its exit code. What is wrong with it is said, and ends nobody else."""
        try:
            try:
                self._begun(await runner.start())
                code = await runner.until_ended()
            finally:
                await runner.close()
            return await self._succeed(runner.name) if runner.name in self._successors else code
        except AutohealerError as error:
            if not self.are_several:
                raise
            self._warn_of(runner.name)(f"{error}; the other pools go on")
            return error.exit_code

    def _warn_of(self, pool: str) -> Warn:
        return warner(self._warn, self.are_several)(pool)

    # ---- for all of them

    def tell(self, notice: Notice) -> None:
        """An event that the pools themselves do not know of."""
        for runner in self._running():
            runner.tell(notice)

    def cleared(self, worker: str) -> None:
        """Nothing that this worker has left runs any more. Whose worker it was, its id tells."""
        identity = WorkerId.parse(worker)
        runner = self._runners.get(identity.agent) if identity is not None else None
        if runner is not None:
            runner.cleared(worker)

    def drain(self, cause: str) -> None:
        """Hand over and end; the second time at once."""
        for runner in self._running():
            runner.drain(cause)

    def stop_waiting(self) -> None:
        """All were killed a moment ago. What is still there no signal ends, such as a process that waits for a disk."""
        for runner in self._running():
            left = ", ".join(runner.describe_workers())
            self._warn_of(runner.name)(f"cannot be killed, and stays: {left or 'nothing that is known of'}")
            runner.abandon(KILLED)

    def leave(self) -> Answer:
        """End in order, and not the workers: the next `run` here takes them over."""
        runners = self._running()
        for runner in runners:
            if (reason := runner.reason_to_stay()) is not None:
                return refused(f"pool {runner.name} cannot be left now: {reason}")
        workers = sum(len(runner.describe_workers()) for runner in runners)
        loop = asyncio.get_running_loop()
        for runner in runners:
            loop.call_later(ANSWERED_S, runner.leave)
        return done(f"{workers} workers go on")

    def quit(self) -> None:
        """End at once; the workers go on, for the next `run` to take over."""
        for runner in self._running():
            workers = runner.describe_workers()
            who = f"{len(workers)} workers go on: {', '.join(workers)}" if workers else "no worker runs"
            self._warn_of(runner.name)(f"SIGQUIT: the agent ends at once; {who}")
            runner.abandon(QUIT)
