"""One agent from start to end: what it builds, adopts, connects to, and leaves behind."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from autohealer import __version__
from autohealer.config.schema import AgentOptions, Configuration, PoolOptions
from autohealer.config.spec import pool_spec
from autohealer.coordination.pool.cluster import Cluster
from autohealer.coordination.pool.paths import Paths
from autohealer.coordination.session.access import Access
from autohealer.core import events
from autohealer.core.cluster.registrations import Style
from autohealer.core.model import OnPartition
from autohealer.core.pool.supervisor import Identity, Supervisor
from autohealer.errors import AutohealerError, GaveUpError
from autohealer.processes.launch.adoption import find_workers
from autohealer.processes.launch.command import Command, resolve_command
from autohealer.processes.launch.environment import AGENT, POOL, worker_environment
from autohealer.processes.launch.exits import ExitWatcher
from autohealer.processes.launch.setup import (
    become_subreaper,
    block_termination_signals,
    raise_descriptor_limit,
    reset_sigchld,
    set_cloexec,
)
from autohealer.processes.launch.spawn import Output, Spawner
from autohealer.processes.output import OutputFiles
from autohealer.processes.reaper import Reaper
from autohealer.processes.tree.orphans import Orphans
from autohealer.processes.tree.procfs import age_s, boot_id
from autohealer.processes.watchdog.owner import Watchdog
from autohealer.runtime.agent_handle import AgentHandle
from autohealer.runtime.clock import now
from autohealer.runtime.control import Control
from autohealer.runtime.effects import Effects
from autohealer.runtime.event_log import EventLog, Line, timestamp
from autohealer.runtime.inbox import Inbox
from autohealer.runtime.ledger import Facts, Ledger, WorkerEntry
from autohealer.runtime.state_dir import StateDir
from autohealer.runtime.timing_selector import TimingSelector
from autohealer.views.status import status
from autohealer.zkserver import ZooKeeperServer

USUAL_PORT = 2181
# Each look at the workers' output costs a system call a file.
TIDY_BUSY_S, TIDY_QUIET_S = 2.0, 30.0
WATCHDOG_RETRY_S = 1.0
# A thread that holds the interpreter gives way after this long, when the loop has heard of a death. The default,
# 5 ms, is longer than a heal takes.
SWITCH_INTERVAL_S = 0.0005


def run_agent(
    configuration: Configuration,
    access: Access,
    listener: Callable[[Line], None],
    warn: Callable[[str], None],
    audience: Callable[[AgentHandle], None] | None = None,
    *,
    noticed: Callable[[float], None] | None = None,
) -> int:
    """Keep the pool alive until it is told to stop; the exit code.

    ``listener`` gets every event, ``warn`` a line about what does not work and need not stop anything; neither may
    block. ``audience`` is told, once there is something to see, how to look. ``noticed`` gets, for each worker that
    has exited, how many seconds that may have gone unnoticed. Raises AutohealerError for what keeps the agent from
    starting, or ends it other than asked.
    """
    options, (pool,) = configuration.agent, configuration.pools
    state = StateDir(options.state_dir, pool.pool)
    cwd = str(Path(pool.cwd or "").absolute())
    command = resolve_command(pool.command, {**os.environ, **pool.env}, cwd)
    state.create()
    os.chdir(cwd)
    with ExitStack() as stack:
        state.lock()
        stack.callback(state.unlock)
        try:
            ledger, trouble = Ledger.load(state.ledger_path, boot_id())
        except OSError as error:
            raise AutohealerError(f"cannot read the ledger {state.ledger_path}: {error.strerror}") from error
        stack.callback(ledger.close)
        if trouble is not None:
            warn(f"cannot write the ledger: {trouble.strerror}; workers could be adopted only by their environment")
        server = None if options.zk else _start_server(ledger.facts.server_port, state.journal_dir)
        if server is not None:
            stack.callback(server.stop)
        agent = Agent(
            options,
            pool,
            access,
            command=command,
            state=state,
            ledger=ledger,
            server=server,
            listener=listener,
            warn=warn,
        )
        if noticed is None:
            return asyncio.run(agent.run(audience))
        looks = TimingSelector()
        agent.on_exit = lambda at: noticed(at - looks.noticed_since())
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(looks)) as runner:
            return runner.run(agent.run(audience))


def _start_server(former_port: int | None, journal: Path) -> ZooKeeperServer:
    """The embedded server: where it was in its former life (workers know it there), at the usual port, or anywhere."""
    ports = [former_port] if former_port else []
    for port in (*ports, USUAL_PORT, 0):
        server = ZooKeeperServer(port=port, data_dir=journal)
        try:
            server.start()
        except OSError:
            if port == 0:
                raise
        else:
            return server
    raise AssertionError("port 0 either starts or raises")


class Agent:
    """The wiring of one agent's parts, for as long as it runs."""

    def __init__(
        self,
        options: AgentOptions,
        pool: PoolOptions,
        access: Access,
        *,
        command: Command,
        state: StateDir,
        ledger: Ledger,
        server: ZooKeeperServer | None,
        listener: Callable[[Line], None],
        warn: Callable[[str], None],
    ) -> None:
        self._options, self._pool, self._access = options, pool, access
        self._spec = pool_spec(pool)
        self._command, self._state, self._ledger = command, state, ledger
        self._server, self._warn = server, warn
        self._hosts = server.hosts if server else str(options.zk)
        self._host = socket.gethostname()
        self._log = EventLog(state.events_path, listener)
        former = ledger.facts
        found_elsewhere = former.target is None and server is None
        self._supervisor = Supervisor(
            self._spec,
            Identity(former.agent, secrets.token_hex(3), self._host, os.getpid(), __version__, options.http),
            overwrite_target=former.target != pool.workers and not found_elsewhere,
            style=Style(former.registration) if former.registration in list(Style) else Style.UNKNOWN,
        )
        self._ended: asyncio.Future[tuple[int, AutohealerError | None]]
        self._had_session = self._draining = False
        self.on_exit: Callable[[float], None] | None = None
        """Told of each exit of a worker, and when it became known, once its replacement has been started."""

    async def run(self, audience: Callable[[AgentHandle], None] | None = None) -> int:
        """Until the end; the exit code."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._internal_error)
        self._ended = loop.create_future()
        # First of all, and heard once there is somebody to hear: a signal may come at any moment.
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(signum, self._signalled, signum)
        reset_sigchld()
        set_cloexec()
        self._orphans_come = become_subreaper()
        limits = raise_descriptor_limit()
        self._cluster = self._make_cluster(loop)
        self._reaper = Reaper()
        self._exits = ExitWatcher(loop, self._exited, self._reaper)
        self._watchdog = self._make_watchdog(loop)
        self._orphans = Orphans(loop, self._cleared, lambda: self._reaper.pids, orphans_come=self._orphans_come)
        self._inbox = Inbox(loop, self._supervisor, self._make_effects(loop, limits))
        self._adopt()
        control = Control({"status": self._status, "away_since": self._away_since})
        await control.listen(self._state.listen_control())
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._cluster.connect()
        loop.call_later(self._options.connect_timeout, self._give_up_connecting)
        if audience is not None:
            audience(self._window(loop))
        # What exists now lives as long as the agent: the collector need never look at it again.
        gc.collect()
        gc.freeze()
        code, error = await self._ended
        control.close()
        self._orphans.close()
        if self._watchdog is not None and self._supervisor.is_over:
            self._watchdog.release()
        self._cluster.close()
        self._exits.close()
        self._log.close()
        if self._supervisor.is_over:
            self._ledger.end()
            with suppress(OSError):
                self._state.socket_path.unlink()
        block_termination_signals()
        if error is not None:
            raise error
        return code

    # ---- building

    def _make_cluster(self, loop: asyncio.AbstractEventLoop) -> Cluster:
        former = self._ledger.facts
        prior = None
        if former.session_id is not None and former.session_password is not None:
            prior = (former.session_id, bytes.fromhex(former.session_password))
        return Cluster(
            self._hosts,
            self._pool.pool,
            former.agent,
            self._options.session_timeout,
            post=self._post,
            call_soon=loop.call_soon_threadsafe,
            call_later=loop.call_later,
            clock=now,
            prior_session=prior,
            access=self._access,
        )

    def _make_effects(self, loop: asyncio.AbstractEventLoop, limits: tuple[int, int]) -> Effects:
        pool = self._pool
        environ = worker_environment(
            os.environ,
            pool.env,
            zookeeper=self._hosts,
            pool=pool.pool,
            workers_path=Paths("", pool.pool).workers,
            agent=self._ledger.facts.agent,
        )
        output = None
        if pool.log == "file":
            output = OutputFiles(self._state.output_dir, pool.log_max_bytes)
        loop.call_later(TIDY_BUSY_S, self._tidy, loop, output)
        self._effects = Effects(
            spawner=Spawner(self._command, environ, Output(pool.log), descriptor_limit=limits),
            exits=self._exits,
            orphans=self._orphans,
            output=output,
            watchdog=self._watchdog,
            cluster=self._cluster,
            ledger=self._ledger,
            log=self._log,
            port_base=pool.port_base,
            post=self._post,
            finish=self._finish,
            warn=self._warn,
            facts=self._facts,
        )
        return self._effects

    def _make_watchdog(self, loop: asyncio.AbstractEventLoop) -> Watchdog | None:
        """Where there may never be too many workers, somebody has to end them if this agent no longer can."""
        spec = self._spec
        if spec.on_partition is not OnPartition.STOP:
            return None
        watchdog = Watchdog(
            loop,
            {AGENT: self._ledger.facts.agent, POOL: spec.name},
            spec.stop_signal,
            on_ready=lambda: self._post(events.WatchdogReady(now())),
            on_gone=self._watchdog_gone,
            reaper=self._reaper,
        )
        loop.call_soon(self._start_watchdog, watchdog)
        return watchdog

    def _start_watchdog(self, watchdog: Watchdog) -> None:
        try:
            watchdog.start()
        except OSError as error:
            self._warn(f"cannot start the watchdog: {error.strerror}; no worker is started before it runs")
            asyncio.get_running_loop().call_later(WATCHDOG_RETRY_S, self._start_watchdog, watchdog)

    def _watchdog_gone(self) -> None:
        self._post(events.WatchdogGone(now()))
        if self._watchdog is not None and not self._ended.done():
            self._start_watchdog(self._watchdog)

    def _adopt(self) -> None:
        at = now()
        written = dict(self._ledger.workers)
        for worker in find_workers(self._ledger.facts.agent, written.values(), self._pool.pool):
            written.pop(worker.worker, None)
            entry = WorkerEntry(worker.worker, worker.slot, worker.pid, worker.start_time, worker.started)
            self._effects.adopt(entry, worker.pidfd)
            age = age_s(worker.start_time)
            self._post(events.WorkerAdopted(at, entry.worker, entry.slot, entry.pid, entry.started, age))
        for entry in written.values():
            self._effects.bury(entry)

    # ---- facts in

    def _post(self, event: events.Event) -> None:
        self._had_session = self._had_session or isinstance(event, events.SessionOpened)
        self._inbox.post(event)

    def _exited(self, worker: str, code: int | None, signal_name: str | None) -> None:
        at = now()
        self._inbox.post(events.WorkerExited(at, worker, code, signal_name))
        if self.on_exit is not None:
            self.on_exit(at)

    def _cleared(self, worker: str) -> None:
        self._effects.forget(worker)
        self._inbox.post(events.OrphansEnded(now(), worker))

    def _signalled(self, signum: signal.Signals) -> None:
        at = now()
        if self._draining:
            self._post(events.KillRequested(at))
        else:
            self._draining = True
            self._post(events.DrainRequested(at, signum.name))

    # ---- what outlives the agent

    def _facts(self) -> Facts:
        former, session = self._ledger.facts, self._cluster.session
        return Facts(
            agent=former.agent,
            boot=former.boot,
            place=former.place,
            target=self._pool.workers if self._supervisor.target_is_written else former.target,
            zookeeper=self._hosts,
            server_port=self._server.port if self._server else None,
            session_id=session[0] if session else former.session_id,
            session_password=session[1].hex() if session else former.session_password,
            registration=str(self._supervisor.style),
        )

    # ---- the end

    def _finish(self, code: int, error: str) -> None:
        if not self._ended.done():
            self._ended.set_result((code, _error(code, error) if error else None))

    def _give_up_connecting(self) -> None:
        if not (self._had_session or self._draining or self._ended.done()):
            hint = "check --zk, and whether ZooKeeper runs; without --zk a server inside the agent is used"
            error = self._access.unreachable(self._hosts, self._options.connect_timeout, hint)
            self._ended.set_result((error.exit_code, error))

    # ---- for people

    def _window(self, loop: asyncio.AbstractEventLoop) -> AgentHandle:
        return AgentHandle(
            agent=self._ledger.facts.agent,
            host=self._host,
            zookeeper=self._hosts,
            call_soon=loop.call_soon_threadsafe,
            snapshot=lambda: self._supervisor.snapshot(now()),
            show_others=self._cluster.show_agents,
        )

    def _status(self) -> object:
        return status(self._supervisor.snapshot(now()), self._hosts, self._host)

    def _away_since(self) -> str | None:
        """Since when ZooKeeper has not answered; None where it does, or never has."""
        snapshot = self._supervisor.snapshot(now())
        return timestamp(time.time() - (snapshot.at - snapshot.away_since)) if snapshot.away_since else None

    def _tidy(self, loop: asyncio.AbstractEventLoop, output: OutputFiles | None) -> None:
        """What nothing tells of, and what may wait."""
        self._reaper.reap_strays()
        for problem in output.trim() if output else []:
            self._warn(f"cannot cut back the output of a worker: {problem}")
        busy = output is not None and output.is_busy
        loop.call_later(TIDY_BUSY_S if busy else TIDY_QUIET_S, self._tidy, loop, output)

    def _internal_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A mistake of ours in one callback: said and kept for a report, while everything else goes on."""
        error = context.get("exception")
        self._warn(f"internal error: {error!r} ({context.get('message')}); workers go on")
        if isinstance(error, BaseException):
            with suppress(OSError), open(self._state.path / "errors.log", "a") as file:
                traceback.print_exception(error, file=file)


def _error(code: int, message: str) -> AutohealerError:
    if code == GaveUpError.exit_code:
        return GaveUpError(message, "see `autohealer logs` for what it said")
    return AutohealerError(message)
