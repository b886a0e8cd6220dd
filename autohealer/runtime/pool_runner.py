"""One pool in an agent process, from its start to its end: what it builds, adopts, connects to, and leaves behind."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import asdict

from autohealer import __version__
from autohealer.config.spec import pool_spec
from autohealer.coordination.pool.cluster import Cluster
from autohealer.coordination.pool.joining import Joining
from autohealer.coordination.pool.paths import Paths
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core import events
from autohealer.core.cluster.registrations import Style
from autohealer.core.model import RestartPolicy
from autohealer.core.notices import EventRecord, Warned
from autohealer.core.pool.supervisor import Identity, Supervisor
from autohealer.errors import AutohealerError, GaveUpError
from autohealer.processes.launch.command import Command
from autohealer.processes.launch.environment import NUMBER, WORKER_ID, WorkerHome, worker_environment
from autohealer.processes.launch.exits import ExitWatcher
from autohealer.processes.launch.spawn import Output, Spawner
from autohealer.processes.launch.spec import LaunchSpec
from autohealer.processes.launch.stdin import StdinCheck, open_stdin
from autohealer.processes.launch.wrapper import prepare_command, user_environment, user_of, wrapped
from autohealer.processes.output.files import OutputFiles
from autohealer.processes.output.journal import JournaldStreams
from autohealer.processes.output.outlet import FileOutlet, JournalOutlet, Outlet
from autohealer.runtime.agent_handle import AgentHandle
from autohealer.runtime.clock import call_at_next, now
from autohealer.runtime.control import Control
from autohealer.runtime.drill.leak import leak
from autohealer.runtime.effects import EffectCallbacks, Effects, ProcessParts, Records
from autohealer.runtime.event_log import EventFile, EventLog, timestamp
from autohealer.runtime.feed import Feed
from autohealer.runtime.first_contact import FirstContact
from autohealer.runtime.inbox import Inbox
from autohealer.runtime.incident_store import INCIDENTS, IncidentStore
from autohealer.runtime.ledger import Facts, HandOver
from autohealer.runtime.ledger_writer import LedgerWriter
from autohealer.runtime.operations import FormerLife, OperationCallbacks, Operations, ignore
from autohealer.runtime.pool_rollout import PoolRollout
from autohealer.runtime.pool_watchdog import PoolWatchdog
from autohealer.runtime.probing import Surroundings
from autohealer.runtime.recorder.recording import Recorder
from autohealer.runtime.revisions import Launch, Revisions, unfinished, users_of
from autohealer.runtime.senses import Senses
from autohealer.runtime.state_guard import StateGuard
from autohealer.runtime.taking_over import take_over, tell_finished

if TYPE_CHECKING:
    from autohealer.config.drift import Drift
    from autohealer.config.schema import PoolOptions
    from autohealer.core.incident import IncidentEntry
    from autohealer.core.notices import Notice
    from autohealer.core.operations import Answer, Operation
    from autohealer.core.pool.snapshot import Snapshot
    from autohealer.processes.launch.spec import LaunchSpec
    from autohealer.processes.probes.life import ProbedLife
    from autohealer.runtime.claim import Claim
    from autohealer.runtime.shared import Shared
    from autohealer.views.status import Status, WatchedStatus

HINT = "check --zk, and whether ZooKeeper runs; without --zk a server inside the agent is used"
# Each look at the workers' output costs a system call a file.
TIDY_S = 10.0
# What can wait until the workers have been started.
SETTLED_S = 2.0
CLOSE_WITHIN_S = 1.0
DRILL_AWAY_S = 10.0
DRIFT_WITHIN_S = 0.5
LOOK_AT_OTHERS_S = 0.1
LEFT = 7
WRITTEN_WITHIN_S = 5.0
KILLED_WITHIN_S = 0.3


class PoolRunner:
    """Supervisor, inbox, effects, coordination and ledger of one pool, wired together for as long as it runs.

    What goes wrong in it ends this runner, never the process: other pools go on.
    """

    def __init__(
        self, claim: Claim, shared: Shared, *, listener: Callable[[EventRecord], None], warn: Callable[[str], None]
    ) -> None:
        self._options, self._state = claim.options, claim.state
        self._claim, self._shared, self._listener, self._complain = claim, shared, listener, warn
        self._spec, self._server = pool_spec(claim.options), shared.server
        self._hosts = shared.server.hosts if shared.server else str(shared.options.zk)
        self._first_contact = FirstContact(
            shared.access, self._hosts, shared.options.connect_timeout,
            told=self._warn, failed=self._give_up_connecting, hint=HINT,
        )  # fmt: skip
        self._host = socket.gethostname()
        loop, writer = shared.loop, shared.writer
        self._ledger = LedgerWriter(claim.ledger, writer, loop, self._warn)
        self._log = EventLog(EventFile(self._state.events_path), writer, loop, listener=self._told, warn=self._warn)
        self._draining = self._killed = self._is_abandoned = False
        self._ended: asyncio.Future[tuple[int, AutohealerError | None]] = shared.loop.create_future()
        former = self._ledger.facts
        found_elsewhere = former.target is None and self._server is None
        self._supervisor = Supervisor(
            self._spec,
            Identity(former.agent, secrets.token_hex(3), self._host, os.getpid(), __version__, shared.options.http),
            overwrite_target=former.target != self._options.workers and not found_elsewhere,
            revision=(claim.record.present.number, claim.record.present.spec.hash),
            unfinished=unfinished(claim.record),
            style=Style(former.registration) if former.registration in list(Style) else Style.UNKNOWN,
        )
        self._cluster = self._make_cluster()
        self._exits = ExitWatcher(shared.loop, self._exited, shared.reaper)
        self._watchdog = PoolWatchdog(
            self._spec, self.agent, shared, users_of(claim.record), post=self._post, warn=self._warn
        )
        self._output: Outlet | None = None
        self._files: OutputFiles | None = None
        self._stdin: int | None = None
        self._notify_path = self._state.notify_path(others=user_of(claim.record.present.spec) is not None)
        present = self._launch(claim.record.present.spec, claim.command)
        self._revisions = Revisions(claim.record, self._prepare, present)
        self._operations = Operations(
            self.agent,
            self._snapshot,
            self._revisions,
            FormerLife(former.target is not None or bool(self._ledger.workers), former.stopped),
            OperationCallbacks(
                post=self._begin,
                forward=self._cluster.forward,
                tell=self._tell,
                delete=self._cluster.answer_request,
                follow=self._follow,
                leave=shared.leave,
                reload=shared.reload,
            ),
            file=shared.file,
        )
        self._senses = self._make_senses()
        self._incidents = IncidentStore(self._state.incidents_path, self._warn_from_elsewhere)
        self._effects = self._make_effects()
        self._recorder = Recorder(self._state.path, self._supervisor)
        self._inbox = Inbox(shared.loop, self._supervisor, self._effects, self._recorder)
        self.feed = Feed(
            shared.loop, self._look, self._described, lambda: self._inbox.handled, self._cluster.show_agents
        )
        self._questions: dict[str, Callable[[], object]] = {
            "status": self._status,
            "away_since": self._away_since,
            "zookeeper": lambda: self._hosts,
            "agent": lambda: self.agent,
            INCIDENTS: self._news_of_incidents,
            "drill": lambda: shared.options.allow_drill,
        }
        if shared.options.allow_drill:
            self._questions["drill zk-away"] = lambda: self._cluster.cut(DRILL_AWAY_S)
            self._questions["drill leak"] = lambda: leak(self._spec, self._snapshot(), self._post)
        self._control = Control(lambda name: self if name is None else shared.find_pool(name))
        self._guard = StateGuard(shared.loop, self._state, self._fill_state, self._warn)
        self._listening: asyncio.Task[None] | None = None
        self._tidying: asyncio.TimerHandle | None = None
        self._drift: Drift | None = None
        self._was_ready = False

    @property
    def agent(self) -> str:
        """This agent's id in the pool."""
        return self._ledger.facts.agent

    @property
    def name(self) -> str:
        """The pool's name."""
        return self._options.pool

    @property
    def options(self) -> PoolOptions:
        """What the pool is asked for."""
        return self._options

    def take_options(self, options: PoolOptions) -> None:
        """What it is asked for from now on, where that has been carried out."""
        self._options = options
        self._effects.settle()

    @property
    def is_ended(self) -> bool:
        """Whether the pool's end has been decided."""
        return self._ended.done()

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
        self._recorder.checkpoint(now())
        self._take_over()
        await self._control.listen(self._state.listen_control())
        self._guard.start()
        await self._wait_for_others()
        self._cluster.connect()
        loop = self._shared.loop
        self._first_contact.begin()
        self._tidying = call_at_next(loop, TIDY_S, self._tidy)
        loop.call_later(SETTLED_S, self._incidents.begin)
        return AgentHandle(
            pool=self.name,
            agent=self.agent,
            host=self._host,
            zookeeper=self._hosts,
            call_soon=loop.call_soon_threadsafe,
            snapshot=self._look,
            do=self.do,
            show_others=self._cluster.show_agents,
        )

    async def _wait_for_others(self) -> None:
        """Pools that come after others start nothing before those have been ready once. What was adopted is healed."""
        if not self._options.after or self._snapshot().workers:
            return
        former = ""
        while (
            waits := [name for name in self._options.after if not self._shared.was_ready(name)]
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
        code, error = await self._ended
        if error is not None:
            raise error
        return code

    async def close(self) -> None:
        """Let go of everything: after its end, or where it could not start."""
        self._first_contact.drop()
        self._guard.close()
        self._control.close()
        self.feed.close(0 if self._supervisor.is_over else self._snapshot().running)
        if self._tidying is not None:
            self._tidying.cancel()
        self._watchdog.close(release=self._supervisor.is_over)
        await self._end_session()
        self._senses.close()
        self._exits.close()
        if self._output is not None:
            self._output.close()
        if self._supervisor.is_over:
            self._ledger.end()
            with suppress(OSError):
                self._state.socket_path.unlink()
            self._senses.leave()
        loop, patience_s = self._shared.loop, KILLED_WITHIN_S if self._killed else WRITTEN_WITHIN_S
        recorded = loop.run_in_executor(None, self._recorder.close, min(1.0, patience_s))
        kept = loop.run_in_executor(None, self._incidents.close, min(1.0, patience_s))
        await asyncio.gather(self._log.close(patience_s), self._ledger.close(patience_s), recorded, kept)
        self._claim.release(is_over=self._supervisor.is_over)
        if self._stdin is not None:
            os.close(self._stdin)

    async def _end_session(self) -> None:
        """Other pools go on meanwhile."""
        if self._is_abandoned:
            self._cluster.abandon()
        elif (ending := self._cluster.begin_close()) is not None:
            await self._shared.loop.run_in_executor(
                None, ending.join, CLOSE_WITHIN_S / 5 if self._killed else CLOSE_WITHIN_S
            )

    def abandon(self, code: int) -> None:
        """End at once with this exit code; workers that live go on, and stand in the ledger."""
        if not self._ended.done():
            self._is_abandoned = True
            self._ended.set_result((code, None))

    def reason_to_stay(self) -> str | None:
        """Why the workers cannot be left to the next agent here."""
        return None if self.is_ended else self._supervisor.reason_to_stay()

    def leave(self) -> None:
        """End in order, and not the workers: the next `run` here goes on from what the ledger tells."""
        left = HandOver.of(*self._supervisor.what_to_hand_over(now()))
        self._effects.settle()
        self._ledger.record([self._facts(left)])
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
        if self._draining:
            self._killed = True
            self._post(events.KillRequested(now()))
        else:
            self._draining = True
            self._first_contact.drop()
            self._post(events.DrainRequested(now(), cause))

    def cleared(self, worker: str) -> None:
        """Nothing that this worker has left runs any more."""
        self._effects.forget(worker)
        self._inbox.post(events.OrphansEnded(now(), worker))

    # ---- building

    def _make_cluster(self) -> Cluster:
        former, loop = self._ledger.facts, self._shared.loop
        prior = None
        if former.session_id is not None and former.session_password is not None:
            prior = (former.session_id, bytes.fromhex(former.session_password))
        return Cluster(
            Ensemble(self._hosts, self._shared.options.session_timeout, self._shared.access),
            Joining(self.name, self.agent, prior),
            Scheduler(loop.call_soon_threadsafe, loop.call_later, now),
            post=self._post,
        )

    def _prepare(self, spec: LaunchSpec) -> Launch:
        """Raises UsageError for what cannot be run."""
        return self._launch(spec, prepare_command(spec, {**os.environ, **spec.env}))

    def _launch(self, spec: LaunchSpec, command: Command) -> Launch:
        environ = worker_environment(
            os.environ,
            {**user_environment(spec), **spec.env},
            WorkerHome(self._hosts, self.name, Paths("", self.name).workers, self.agent, self._notify_path),
            cwd=spec.cwd,
            beat_timeout_s=self._options.beat_timeout,
        )
        sockets = self._claim.sockets
        if spec.stdin == "open" and self._stdin is None:
            self._stdin = open_stdin(self._state.path)
        spawner = Spawner(
            command,
            environ | sockets.environ,
            Output(spec.output),
            descriptor_limit=self._shared.descriptor_limit,
            stdin=self._stdin if spec.stdin == "open" else None,
            sockets=sockets.for_worker if spec.sockets else None,
        )
        return Launch(spawner, spec.cwd, spec.port_base, self._outlet(spec.output), environ)

    def _make_senses(self) -> Senses:
        return Senses(
            self._options,
            Surroundings(
                loop=self._shared.loop,
                reaper=self._shared.reaper,
                sampler=self._shared.sampler,
                notify_path=self._notify_path,
                output=self._files,
                environment=self._environment,
                wrap=self._wrapped,
                cwd=self._claim.record.present.spec.cwd,
                post=self._post,
                warn=self._warn,
            ),
        )

    def _environment(self, life: ProbedLife) -> dict[str, str]:
        """What this worker has in its environment, but for what is only of its start."""
        port = {} if life.port is None else {"PORT": str(life.port)}
        launch = self._revisions.launch(self._revisions.present.number)
        return {**launch.environ, WORKER_ID: life.worker, NUMBER: str(life.slot), **port}

    def _wrapped(self, command: Command) -> Command:
        """What looks at workers by a command runs as they do."""
        spec = msgspec.structs.replace(self._revisions.present.spec, sockets=0)
        return wrapped(spec, command, {**os.environ, **spec.env})

    def _make_effects(self) -> Effects:
        processes = ProcessParts(
            revisions=self._revisions,
            exits=self._exits,
            orphans=self._shared.orphans,
            evidence=self._shared.evidence,
            senses=self._senses,
            watchdog=self._watchdog.watchdog,
            output=self._output,
            stdin_check=StdinCheck() if self._options.stdin == "null" else None,
            stops_groups=self._options.stop_scope == "group",
        )
        callbacks = EffectCallbacks(
            post=self._post,
            finish=self._finish,
            warn=self._warn,
            facts=self._facts,
            answered=self._operations.answered,
            settled=self._operations.settled,
        )
        return Effects(processes, self._cluster, Records(self._ledger, self._log, self._incidents), callbacks)

    def _outlet(self, output: str) -> Outlet | None:
        """Where the output of workers goes; None: where ours goes, or nowhere."""
        if output == "file" and self._output is None:
            self._files = OutputFiles(self._state.output_dir, self._options.log_max_bytes)
            self._output = FileOutlet(self._files, self._warn_from_elsewhere)
        if output == "file":
            return self._output
        return JournalOutlet(JournaldStreams(self.name)) if output == "journald" else None

    def _take_over(self) -> None:
        if self._spec.restart is not RestartPolicy.ALWAYS:
            tell_finished(self._ledger, self._revisions.present.number, self._post)
        take_over(self.name, self._claim.record, self._ledger, self._effects, self._post)

    # ---- facts in

    def _post(self, event: events.Event) -> None:
        if isinstance(event, events.SessionOpened):
            self._first_contact.drop()
        if isinstance(event, events.OperationRequested):
            self._operations.heard(event)
            return
        if isinstance(event, events.RequestGone):
            self._operations.request_gone(event.request)
        self._inbox.post(event)

    def _follow(
        self, subject: str, answered: Callable[[Answer], object], stepped: Callable[[object], object]
    ) -> PoolRollout:
        call_later = self._shared.loop.call_later
        return PoolRollout(
            self._snapshot,
            self._cluster.show_agents,
            call_later,
            subject=subject,
            answered=answered,
            stepped=stepped,
        )

    def _begin(self, event: events.Event) -> None:
        """An operation that this agent is to carry out."""
        self._inbox.post(event)

    def _exited(self, worker: str, code: int | None, signal_name: str | None) -> None:
        at = now()
        left = self._effects.exited(worker, code, signal_name)
        oom = signal_name == "SIGKILL" and self._shared.oom.has_killed()
        self._inbox.post(events.ProcessExited(at, worker, code, signal_name, left, oom))
        if self._shared.on_exit is not None:
            self._shared.on_exit(self.name, at)

    # ---- what outlives the agent

    def _facts(self, left: HandOver | None = None) -> Facts:
        former, session, hold = self._ledger.facts, self._cluster.session, self._cluster.unwritten_hold
        return Facts(
            agent=former.agent,
            boot=former.boot,
            place=former.place,
            target=self._options.workers if self._supervisor.target_is_written else former.target,
            zookeeper=self._hosts,
            server_port=self._server.port if self._server else None,
            session_id=session[0] if session else former.session_id,
            session_password=session[1].hex() if session else former.session_password,
            registration=str(self._supervisor.style),
            stopped=self._operations.stopped,
            held=tuple(sorted(self._supervisor.held)),
            hold_by=None if hold is None else hold.by,
            left=left,
        )

    # ---- the end

    def _finish(self, code: int, error: str) -> None:
        if not self._ended.done():
            self._ended.set_result((code, _error(code, error) if error else None))

    def _give_up_connecting(self, error: AutohealerError) -> None:
        if not self._ended.done():
            self._ended.set_result((error.exit_code, error))

    # ---- for people (control.Service)

    async def prepare(self, question: str) -> None:
        """A status says what workers use now, and whether the configuration file is still what runs.

        A disk that stalls keeps nobody waiting.
        """
        if question == "status":
            self._senses.refresh()
            with suppress(TimeoutError):
                self._drift = await asyncio.wait_for(self._shared.drift(), DRIFT_WITHIN_S)

    def answer(self, question: str) -> object:
        """What is known. KeyError for a question that is not known."""
        return self._questions[question]()

    def do(
        self, operation: Operation, answered: Callable[[Answer], object], stepped: Callable[[object], object] = ignore
    ) -> None:
        """Carry it out, or say why not."""
        self._operations.do(operation, answered, stepped)

    def roll_out_to(
        self,
        operation: Operation,
        spec: LaunchSpec,
        answered: Callable[[Answer], object],
        stepped: Callable[[object], object],
    ) -> None:
        """Replace all workers by such."""
        self._operations.roll_out_to(operation, spec, answered, stepped)

    def tell(self, notice: Notice) -> None:
        """An event that the pool itself does not know of."""
        self._tell(notice, lambda: None)

    def _tell(self, notice: Notice, written: Callable[[], None]) -> None:
        """An event that the core does not know of."""
        self._log.record(notice, time.time(), written)
        self._shared.loop.call_soon(self._log.flush)

    def _told(self, event: EventRecord) -> None:
        """An event, for whoever listens."""
        self.feed.take(event)
        self._operations.told(event)
        self._listener(event)

    def _warn(self, text: str) -> None:
        self.feed.take(EventRecord(timestamp(time.time()), Warned.event, Warned(text)))
        self._complain(text)

    def _warn_from_elsewhere(self, text: str) -> None:
        """From another thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._shared.loop.call_soon_threadsafe(self._warn, text)

    def _snapshot(self) -> Snapshot:
        return self._supervisor.snapshot(now())

    def _look(self) -> Snapshot:
        """For who goes on looking: what workers use is measured for a while."""
        self._senses.watch()
        return self._snapshot()

    def _status(self) -> Status:
        from autohealer.views.status import Config  # noqa: PLC0415 - not before somebody asks

        found = self._status_of(self._snapshot())
        if self._drift is not None:
            found.config = Config(*self._drift)
        return found

    def _status_of(self, snapshot: Snapshot) -> Status:
        from autohealer.views.status_of import status  # noqa: PLC0415 - not before somebody asks

        return status(snapshot, self._hosts, self._host)

    def _news_of_incidents(self) -> list[IncidentEntry]:
        """What nobody can read from the disk: what is not written yet, and how those stand that are open."""
        told = {one.id: one for one in self._incidents.unwritten}
        told |= {one.id: self._effects.told(one) for one in self._supervisor.open_incidents}
        return list(told.values())

    def _described(self, snapshot: Snapshot) -> WatchedStatus:
        """For a dashboard: its status, and this agent itself. May be called from any thread."""
        from autohealer.views.status import Here, WatchedStatus  # noqa: PLC0415 - not before somebody looks

        here = Here(
            agent=self.agent,
            host=self._host,
            pid=os.getpid(),
            version=__version__,
            draining=snapshot.draining,
            away_since=_since(snapshot),
            http=self._shared.options.http,
        )
        return WatchedStatus(**asdict(self._status_of(snapshot)), here=here)

    def _away_since(self) -> str | None:
        """Since when ZooKeeper has not answered; None where it does, or never has."""
        return _since(self._snapshot())

    def _fill_state(self) -> None:
        """The state directory was removed, and is there again, empty."""
        self._ledger.write_anew()
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
        self._effects.look_below()
        self._tidying = call_at_next(self._shared.loop, TIDY_S, self._tidy)


def _since(snapshot: Snapshot) -> str | None:
    # To the second: it is worked out from two clocks anew, and is to be the same each time.
    if not snapshot.away_since:
        return None
    return timestamp(round(time.time() - (now() - snapshot.away_since)))


def _error(code: int, message: str) -> AutohealerError:
    if code == GaveUpError.exit_code:
        return GaveUpError(message, "see `autohealer logs` for what it said")
    return AutohealerError(message)
