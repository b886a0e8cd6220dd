"""The agent process: what exists once, however many pools it runs.

The loop, the signals, the one reaper of all children, the embedded server, the limit of open files. Each pool has a
runner of its own; the process lives until the last of them has ended.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from autohealer.config.schema import Configuration, NotifyOptions
from autohealer.coordination.session.access import Access
from autohealer.core.notices import EventRecord
from autohealer.core.operations import MEANINGLESS, Answer, Operation, Outcome, refused
from autohealer.errors import AutohealerError
from autohealer.processes.evidence import EvidenceTaker
from autohealer.processes.launch.setup import (
    become_subreaper,
    block_termination_signals,
    check_kernel,
    raise_descriptor_limit,
    reset_sigchld,
    set_cloexec,
)
from autohealer.processes.oom import OomWatch
from autohealer.processes.reaper import Reaper
from autohealer.processes.tree.orphans import Orphans
from autohealer.processes.tree.strays import Strays
from autohealer.runtime.agent_handle import AgentHandle
from autohealer.runtime.claim import Claim, claim
from autohealer.runtime.clock import call_at_next
from autohealer.runtime.dashboard import DashboardProcess
from autohealer.runtime.disk_writer import DiskWriter
from autohealer.runtime.embedded_server import start_server
from autohealer.runtime.notifier.making import make_notifier
from autohealer.runtime.private_files import open_file
from autohealer.runtime.reloading import make_reloader
from autohealer.runtime.revisions import users_of
from autohealer.runtime.running_pools import KILLED, RunningPools, Warn, warner
from autohealer.runtime.sampler import Sampler
from autohealer.runtime.service_manager import service_manager
from autohealer.runtime.shared import Shared
from autohealer.runtime.signals import hear_signals
from autohealer.runtime.timing_selector import TimingSelector
from autohealer.zkserver import ZooKeeperServer

LOOK_S = 5.0
# What is left of workers when they are gone has this long to be gone as well.
END_S = 1.0
# A thread that holds the interpreter gives way after this long, when the loop has heard of a death. The default,
# 5 ms, is longer than a heal takes.
SWITCH_INTERVAL_S = 0.0005

WORKERS_FIRST_S = 1.0
WORKERS_LOOK_S = 0.03

KILLED_WITHIN_S = 0.4

if TYPE_CHECKING:
    from autohealer.config.drift import Drift
    from autohealer.runtime.notifier.owner import Notifier

MakeDashboard = Callable[[asyncio.AbstractEventLoop, Reaper], DashboardProcess]


class Audience(msgspec.Struct, frozen=True):
    """Who sees and hears what an agent process does. None of these may block."""

    listener: Callable[[EventRecord], None]
    """Gets every event."""

    warn: Warn
    """Gets a line about what does not work and need not stop anything."""

    watch: Callable[[AgentHandle], None] | None = None
    """Told of each pool, once there is something to see, how to look."""

    noticed: Callable[[str, float], None] | None = None
    """Gets, for each worker that has exited, its pool and how many seconds that may have gone unnoticed."""

    make_dashboard: MakeDashboard | None = None
    """Makes what is shown once the workers have been started."""


def run_agent(configuration: Configuration, access: Access, audience: Audience) -> int:
    """Keep the pools alive until they have ended; the highest of their exit codes.

    Raises AutohealerError for what keeps the only pool from starting, or ends it other than asked.
    """
    options, several, warn = configuration.agent, len(configuration.pools) > 1, audience.warn
    check_kernel()
    with ExitStack() as stack:
        claims, failed = _claim_all(configuration, warner(warn, several))
        for held in claims:
            stack.callback(held.release)
        server = None
        if not options.zk:
            server = start_server(
                claims, options.state_dir, several=several or configuration.file is not None, warn=warn, stack=stack
            )
        looks = TimingSelector()
        process = AgentProcess(claims, server, configuration, access, audience, looks=looks)
        with asyncio.Runner(loop_factory=None if audience.noticed is None else partial(_loop, looks)) as runner:
            return max(runner.run(process.run()), failed)


def _loop(selector: TimingSelector) -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(selector)


def _claim_all(configuration: Configuration, warn_of: Callable[[str], Warn]) -> tuple[list[Claim], int]:
    """The pools that can start, and the highest exit code of those that cannot. Raises where none can."""
    claims: list[Claim] = []
    errors: list[AutohealerError] = []
    for pool in configuration.pools:
        try:
            claims.append(claim(pool, configuration.agent.state_dir, warn_of(pool.pool)))
        except AutohealerError as error:
            if len(configuration.pools) > 1:
                warn_of(pool.pool)(f"{error}; the other pools go on")
            errors.append(error)
    if not claims:
        raise max(errors, key=lambda error: error.exit_code)
    return claims, max((error.exit_code for error in errors), default=0)


class AgentProcess:
    """The process of the agents of these pools, from the first turn of its loop to its last.

    ``looks`` tells since when an exit may have gone unnoticed, where the audience wants to know.
    """

    def __init__(
        self,
        claims: Sequence[Claim],
        server: ZooKeeperServer | None,
        configuration: Configuration,
        access: Access,
        audience: Audience,
        *,
        looks: TimingSelector,
    ) -> None:
        self._claims, self._server = claims, server
        self._options, self._access = configuration.agent, access
        self._audience, self._warn, self._looks = audience, audience.warn, looks
        self._pools = RunningPools(
            self._options.state_dir,
            several=len(configuration.pools) > 1,
            heard=self._heard,
            warn=self._warn,
            begun=self._has_begun,
        )
        self._notify, self._file = configuration.notify, configuration.file
        self._reloader = make_reloader(configuration, os.environ, self._pools, self._take_notify, self._pools.tell)
        self._reloading: set[asyncio.Task[None]] = set()
        self._notifier: Notifier | None = None
        self._manager = service_manager(os.environ, self._pools.describe)
        self._is_ready = self._is_ending = False

    async def run(self) -> int:
        """Until all pools have ended; the highest exit code. Raises AutohealerError where the only pool failed."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._internal_error)
        # First of all, and heard once there is somebody to hear: a signal may come at any moment.
        hear_signals(loop, end=self._signalled, quit_now=self._pools.quit, say=self._warn)
        reset_sigchld()
        set_cloexec()
        shared = self._make_shared(loop)
        self._look_at_strays(loop, shared.strays)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._notifier = make_notifier(loop, shared.reaper, self._notify, self._warn)
        self._reaper = shared.reaper
        self._pools.lend(shared)
        for held in self._claims:
            self._pools.begin(held)
        # What exists now lives as long as the agent: the collector need never look at it again.
        loop.call_soon(gc.freeze)
        make_dashboard = self._audience.make_dashboard
        dashboard = make_dashboard(loop, shared.reaper) if make_dashboard is not None else None
        try:
            if dashboard is not None:
                dashboard.leave = self._refusal_to_leave
                self._start_dashboard(loop, dashboard, loop.time() + WORKERS_FIRST_S)
            codes = await self._pools.until_all_have_ended()
        finally:
            if dashboard is not None:
                await dashboard.close()
        if self._notifier is not None:
            self._notifier.close()
        if self._manager is not None:
            self._manager.close()
        shared.orphans.close()
        shared.writer.close()
        patience_s = KILLED_WITHIN_S if KILLED in codes else END_S
        if self._pools.are_over and (left := shared.strays.end_all(patience_s)):
            self._warn(f"left by workers, and cannot be ended: {', '.join(f'pid {pid}' for pid in left)}")
        block_termination_signals()
        return max(codes)

    def _make_shared(self, loop: asyncio.AbstractEventLoop) -> Shared:
        reaper = Reaper()
        users = set().union(*(users_of(held.record) for held in self._claims))
        strays = Strays(reaper, come=become_subreaper())
        return Shared(
            loop=loop,
            writer=DiskWriter(loop),
            reaper=reaper,
            strays=strays,
            orphans=Orphans(loop, self._pools.cleared, strays, users),
            evidence=EvidenceTaker(loop, reaper),
            sampler=Sampler(loop),
            oom=OomWatch(),
            server=self._server,
            descriptor_limit=raise_descriptor_limit(),
            options=self._options,
            access=self._access,
            find_pool=lambda name: runner.answers if (runner := self._pools.find(name)) is not None else None,
            was_ready=self._pools.was_ready,
            leave=self._pools.leave,
            file=self._file,
            reload=self._reload,
            drift=self._drift,
            on_exit=self._on_exit(),
        )

    def _on_exit(self) -> Callable[[str, float], None] | None:
        noticed, looks = self._audience.noticed, self._looks
        return None if noticed is None else lambda pool, at: noticed(pool, at - looks.noticed_since())

    # ---- what pools tell

    def _heard(self, pool: str, event: EventRecord) -> None:
        """Where there are several pools, an event names its own."""
        self._audience.listener(replace(event, pool=pool) if self._pools.are_several else event)
        if self._notifier is not None:
            self._notifier.take(pool, event)

    def _has_begun(self, handle: AgentHandle) -> None:
        """A pool is there to be asked, and its workers are adopted: whoever started us may go on."""
        if self._manager is not None and not self._is_ready:
            self._is_ready = True
            self._manager.begin(asyncio.get_running_loop())
        if self._audience.watch is not None:
            self._audience.watch(handle)

    # ---- a reload

    def _reload(
        self, operation: Operation, answered: Callable[[Answer], object], stepped: Callable[[object], object]
    ) -> None:
        if self._reloader is None:
            answered(refused("this agent runs no file: it was not started with --config", MEANINGLESS))
            return
        reloading = self._reloader.reload(operation, stepped)

        async def reload() -> None:
            answered(await reloading)

        task = asyncio.get_running_loop().create_task(reload())
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)

    async def _drift(self) -> Drift | None:
        return None if self._reloader is None else await self._reloader.drift()

    def _take_notify(self, notify: Sequence[NotifyOptions]) -> None:
        """Notices by other rules from now on."""
        if self._notifier is not None:
            self._notifier.close()
        self._notifier = make_notifier(asyncio.get_running_loop(), self._reaper, notify, self._warn)

    # ---- what people want

    def _start_dashboard(self, loop: asyncio.AbstractEventLoop, dashboard: DashboardProcess, at_last: float) -> None:
        """The workers come first; it waits for them, for so long at most."""
        if loop.time() >= at_last or self._pools.have_started:
            dashboard.start()
        else:
            loop.call_later(WORKERS_LOOK_S, self._start_dashboard, loop, dashboard, at_last)

    def _signalled(self, name: str) -> None:
        if self._is_ending:
            asyncio.get_running_loop().call_later(KILLED_WITHIN_S, self._pools.stop_waiting)
        self._is_ending = True
        if self._manager is not None:
            self._manager.end()
        self._pools.drain(name)

    def _refusal_to_leave(self) -> str:
        """Leave, or say why not."""
        answer = self._pools.leave()
        return answer.detail if answer.outcome is Outcome.REFUSED else ""

    # ---- what a process looks after

    def _look_at_strays(self, loop: asyncio.AbstractEventLoop, strays: Strays) -> None:
        strays.look()
        call_at_next(loop, LOOK_S, partial(self._look_at_strays, loop, strays))

    def _internal_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A mistake of ours in one callback: said and kept for a report, while everything else goes on."""
        error = context.get("exception")
        self._warn(f"internal error: {error!r} ({context.get('message')}); workers go on")
        if isinstance(error, BaseException):
            path = self._claims[0].state.path / "errors.log"
            with suppress(OSError), open(open_file(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "a") as file:
                traceback.print_exception(error, file=file)
