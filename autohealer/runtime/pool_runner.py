"""One pool in an agent process, from its start to its end: what it adopts, connects to, keeps up, and leaves behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from autohealer.core import events
from autohealer.core.model import RestartPolicy
from autohealer.core.notices import EventRecord
from autohealer.errors import AutohealerError
from autohealer.runtime.agent_handle import AgentHandle
from autohealer.runtime.clock import call_at_next, now
from autohealer.runtime.control import Control
from autohealer.runtime.ledger import HandOver
from autohealer.runtime.pool_parts import PoolParts
from autohealer.runtime.state_guard import StateGuard
from autohealer.runtime.taking_over import take_over, tell_finished

if TYPE_CHECKING:
    from autohealer.config.schema import PoolOptions
    from autohealer.runtime.claim import Claim
    from autohealer.runtime.shared import Shared

# Each look at the workers' output costs a system call a file.
TIDY_S = 10.0
# What can wait until the workers have been started.
SETTLED_S = 2.0
CLOSE_WITHIN_S = 1.0
LOOK_AT_OTHERS_S = 0.1
LEFT = 7
WRITTEN_WITHIN_S = 5.0
KILLED_WITHIN_S = 0.3


class PoolRunner:
    """The life of one pool.

    What goes wrong in it ends this runner, never the process: other pools go on.
    """

    def __init__(
        self, claim: Claim, shared: Shared, *, listener: Callable[[EventRecord], None], warn: Callable[[str], None]
    ) -> None:
        self._state, self._claim, self._shared = claim.state, claim, shared
        self._parts = parts = PoolParts(claim, shared, listener=listener, warn=warn)
        self._end, self._supervisor, self._snapshot = parts.end, parts.supervisor, parts.snapshot
        self.answers, self.operations, self.tell = parts.answers, parts.operations, parts.announcer.tell
        self._warn = parts.announcer.warn
        self._control = Control(lambda name: self.answers if name is None else shared.find_pool(name))
        self._guard = StateGuard(shared.loop, self._state, self._fill_state, self._warn)
        self._listening: asyncio.Task[None] | None = None
        self._tidying: asyncio.TimerHandle | None = None
        self._was_ready = False

    @property
    def agent(self) -> str:
        """This agent's id in the pool."""
        return self._parts.agent

    @property
    def name(self) -> str:
        """The pool's name."""
        return self._parts.name

    @property
    def options(self) -> PoolOptions:
        """What the pool is asked for."""
        return self._parts.options

    def take_options(self, options: PoolOptions) -> None:
        """What it is asked for from now on, where that has been carried out."""
        self._parts.options = options
        self._parts.effects.settle()

    @property
    def is_ended(self) -> bool:
        """Whether the pool's end has been decided."""
        return self._end.is_decided

    @property
    def is_over(self) -> bool:
        """Whether no worker of the pool is left, nor anything that one left."""
        return self._supervisor.is_over

    @property
    def has_started(self) -> bool:
        """Whether all of its share has been started once, or it has ended."""
        snapshot = self._snapshot()
        return self.is_ended or (snapshot.share is not None and snapshot.running >= snapshot.share)

    # ---- life

    async def start(self) -> AgentHandle:
        """Adopt, answer on the control socket, connect; how others may look at it. Raises AutohealerError."""
        self._parts.recorder.checkpoint(now())
        self._take_over()
        await self._control.listen(self._state.listen_control())
        self._guard.start()
        await self._wait_for_others()
        self._parts.cluster.connect()
        loop = self._shared.loop
        self._parts.first_contact.begin()
        self._tidying = call_at_next(loop, TIDY_S, self._tidy)
        loop.call_later(SETTLED_S, self._parts.incidents.begin)
        return AgentHandle(
            pool=self.name,
            agent=self.agent,
            host=socket.gethostname(),
            zookeeper=self._parts.cluster.hosts,
            call_soon=loop.call_soon_threadsafe,
            snapshot=self.answers.look,
            do=self.answers.do,
            show_others=self._parts.cluster.show_agents,
        )

    async def _wait_for_others(self) -> None:
        """Pools that come after others start nothing before those have been ready once. What was adopted is healed."""
        if not self._parts.options.after or self._snapshot().workers:
            return
        former = ""
        while (
            waits := [name for name in self._parts.options.after if not self._shared.was_ready(name)]
        ) and not self.is_ended:
            if (told := ", ".join(waits)) != former:
                former = told
                self._warn(f"waits until {told} {'has' if len(waits) == 1 else 'have'} been ready once")
            await asyncio.sleep(LOOK_AT_OTHERS_S)

    @property
    def was_ready(self) -> bool:
        """Whether all of the share has been ready, once."""
        if not self._was_ready:
            snapshot = self._snapshot()
            ready = sum(worker.ready for worker in snapshot.workers)
            self._was_ready = snapshot.share is not None and ready >= snapshot.share
        return self._was_ready

    async def until_ended(self) -> int:
        """The exit code. Raises AutohealerError for an end that nobody asked for."""
        return await self._end.wait()

    async def close(self) -> None:
        """Let go of everything: after its end, or where it could not start."""
        self._parts.first_contact.drop()
        self._guard.close()
        self._control.close()
        self.answers.feed.close(0 if self._supervisor.is_over else self._snapshot().running)
        if self._tidying is not None:
            self._tidying.cancel()
        self._parts.watchdog.close(release=self._supervisor.is_over)
        await self._end_session()
        self._parts.senses.close()
        self._parts.exits.close()
        self._parts.launcher.close_output()
        if self._supervisor.is_over:
            self._parts.ledger.end()
            with suppress(OSError):
                self._state.socket_path.unlink()
            self._parts.senses.leave()
        loop, patience_s = self._shared.loop, KILLED_WITHIN_S if self._end.is_killed else WRITTEN_WITHIN_S
        recorded = loop.run_in_executor(None, self._parts.recorder.close, min(1.0, patience_s))
        kept = loop.run_in_executor(None, self._parts.incidents.close, min(1.0, patience_s))
        await asyncio.gather(
            self._parts.announcer.log.close(patience_s), self._parts.ledger.close(patience_s), recorded, kept
        )
        self._claim.release(is_over=self._supervisor.is_over)
        self._parts.launcher.close()

    async def _end_session(self) -> None:
        """Other pools go on meanwhile."""
        if self._end.is_abandoned:
            self._parts.cluster.abandon()
        elif (ending := self._parts.cluster.begin_close()) is not None:
            await self._shared.loop.run_in_executor(
                None, ending.join, CLOSE_WITHIN_S / 5 if self._end.is_killed else CLOSE_WITHIN_S
            )

    def abandon(self, code: int) -> None:
        """End at once with this exit code; workers that live go on, and stand in the ledger."""
        self._end.abandon(code)

    def reason_to_stay(self) -> str | None:
        """Why the workers cannot be left to the next agent here."""
        return None if self.is_ended else self._supervisor.reason_to_stay()

    def leave(self) -> None:
        """End in order, and not the workers: the next `run` here goes on from what the ledger tells."""
        left = HandOver.of(*self._supervisor.what_to_hand_over(now()))
        self._parts.effects.settle()
        self._parts.ledger.record([self._parts.facts(left)])
        self.abandon(LEFT)

    def describe(self) -> str:
        """How many run of how many, in words."""
        snapshot = self._snapshot()
        away = "" if snapshot.connected else ", ZooKeeper is away"
        return f"{snapshot.running} of {snapshot.share or 0} running{away}"

    def describe_workers(self) -> list[str]:
        """The workers that have a process."""
        found = self._snapshot().workers
        return [f"{worker.worker} (pid {worker.pid})" for worker in found if worker.pid is not None]

    def drain(self, cause: str) -> None:
        """Hand over and end; the second time at once."""
        if self._end.drain():
            self._parts.first_contact.drop()
            self._parts.post(events.DrainRequested(now(), cause))
        else:
            self._parts.post(events.KillRequested(now()))

    def cleared(self, worker: str) -> None:
        """Nothing that this worker has left runs any more."""
        self._parts.effects.forget(worker)
        self._parts.inbox.post(events.OrphansEnded(now(), worker))

    def _take_over(self) -> None:
        parts = self._parts
        if parts.spec.restart is not RestartPolicy.ALWAYS:
            tell_finished(parts.ledger, parts.revisions.present.number, parts.post)
        take_over(self.name, parts.revisions, parts.ledger, parts.effects, parts.post)

    # ---- what is kept up

    def _fill_state(self) -> None:
        """The state directory was removed, and is there again, empty."""
        self._parts.ledger.write_anew()
        self._control.close()
        self._listening = self._shared.loop.create_task(self._listen())

    async def _listen(self) -> None:
        try:
            await self._control.listen(self._state.listen_control())
        except AutohealerError as error:
            self._warn(str(error))

    def _tidy(self) -> None:
        """What nothing tells of, and what may wait."""
        self._guard.look()
        self._parts.effects.look_below()
        self._tidying = call_at_next(self._shared.loop, TIDY_S, self._tidy)
