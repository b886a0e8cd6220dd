"""One pool in an agent process, from its start to its end: what it builds, adopts, connects to, and leaves behind."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

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
from autohealer.core.notices import EventRecord
from autohealer.core.pool.supervisor import Identity, Supervisor
from autohealer.errors import AutohealerError
from autohealer.processes.launch.environment import WorkerHome
from autohealer.processes.launch.exits import ExitWatcher
from autohealer.processes.launch.spec import LaunchSpec
from autohealer.processes.launch.stdin import StdinCheck
from autohealer.processes.launch.wrapper import user_of
from autohealer.runtime.agent_handle import AgentHandle
from autohealer.runtime.announcer import Announcer
from autohealer.runtime.clock import call_at_next, now
from autohealer.runtime.control import Control
from autohealer.runtime.effects import EffectCallbacks, Effects, ProcessParts, Records
from autohealer.runtime.first_contact import FirstContact
from autohealer.runtime.inbox import Inbox
from autohealer.runtime.incident_store import IncidentStore
from autohealer.runtime.launcher import Launcher
from autohealer.runtime.ledger import Facts, HandOver
from autohealer.runtime.ledger_writer import LedgerWriter
from autohealer.runtime.operations import FormerLife, OperationCallbacks, Operations
from autohealer.runtime.pool_answers import AskedParts, PoolAnswers
from autohealer.runtime.pool_end import PoolEnd
from autohealer.runtime.pool_rollout import PoolRollout
from autohealer.runtime.pool_watchdog import PoolWatchdog
from autohealer.runtime.probing import Surroundings
from autohealer.runtime.recorder.recording import Recorder
from autohealer.runtime.revisions import Revisions, unfinished, users_of
from autohealer.runtime.senses import Senses
from autohealer.runtime.state_guard import StateGuard
from autohealer.runtime.taking_over import take_over, tell_finished

if TYPE_CHECKING:
    from autohealer.config.schema import PoolOptions
    from autohealer.core.notices import Notice
    from autohealer.core.operations import Answer, Operation
    from autohealer.core.pool.snapshot import Snapshot
    from autohealer.processes.launch.spec import LaunchSpec
    from autohealer.runtime.claim import Claim
    from autohealer.runtime.shared import Shared

HINT = "check --zk, and whether ZooKeeper runs; without --zk a server inside the agent is used"
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
    """Supervisor, inbox, effects, coordination and ledger of one pool, wired together for as long as it runs.

    What goes wrong in it ends this runner, never the process: other pools go on.
    """

    def __init__(
        self, claim: Claim, shared: Shared, *, listener: Callable[[EventRecord], None], warn: Callable[[str], None]
    ) -> None:
        self._options, self._state, self._claim, self._shared = claim.options, claim.state, claim, shared
        self._spec, self._server = pool_spec(claim.options), shared.server
        hosts = shared.server.hosts if shared.server else str(shared.options.zk)
        loop, writer, present = shared.loop, shared.writer, claim.record.present
        self._end = PoolEnd(loop)
        self._announcer = Announcer(self._state.events_path, writer, loop, listener=listener, complain=warn)
        self._warn = self._announcer.warn
        self._first_contact = FirstContact(
            shared.access, hosts, shared.options.connect_timeout,
            told=self._warn, failed=self._end.fail, hint=HINT,
        )  # fmt: skip
        self._ledger = LedgerWriter(claim.ledger, writer, loop, self._warn)
        me = self._identity()
        self._supervisor = self._make_supervisor(me)
        self._cluster = self._make_cluster(hosts)
        self._exits = ExitWatcher(loop, self._exited, shared.reaper)
        self._watchdog = PoolWatchdog(
            self._spec, self.agent, shared, users_of(claim.record), post=self._post, warn=self._warn
        )
        notify_path = self._state.notify_path(others=user_of(present.spec) is not None)
        home = WorkerHome(hosts, self.name, Paths("", self.name).workers, self.agent, notify_path)
        self._launcher = Launcher(claim, home, shared.descriptor_limit, self._announcer.warn_from_elsewhere)
        launch = self._launcher.launch(present.spec, claim.command)
        self._revisions = Revisions(claim.record, self._launcher.prepare, launch)
        self._operations = self._make_operations()
        self._senses = self._make_senses(notify_path)
        self._incidents = IncidentStore(self._state.incidents_path, self._announcer.warn_from_elsewhere)
        self._effects = self._make_effects()
        self._recorder = Recorder(self._state.path, self._supervisor)
        self._inbox = Inbox(loop, self._supervisor, self._effects, self._recorder)
        self.answers = PoolAnswers(
            me,
            AskedParts(
                spec=self._spec,
                supervisor=self._supervisor,
                inbox=self._inbox,
                cluster=self._cluster,
                operations=self._operations,
                senses=self._senses,
                effects=self._effects,
                incidents=self._incidents,
            ),
            shared,
        )
        self._announcer.follow(self.answers.feed.take)
        self._announcer.follow(self._operations.told)
        self._control = Control(lambda name: self.answers if name is None else shared.find_pool(name))
        self._guard = StateGuard(loop, self._state, self._fill_state, self._warn)
        self._listening: asyncio.Task[None] | None = None
        self._tidying: asyncio.TimerHandle | None = None
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
            host=socket.gethostname(),
            zookeeper=self._cluster.hosts,
            call_soon=loop.call_soon_threadsafe,
            snapshot=self.answers.look,
            do=self.answers.do,
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
        return await self._end.wait()

    async def close(self) -> None:
        """Let go of everything: after its end, or where it could not start."""
        self._first_contact.drop()
        self._guard.close()
        self._control.close()
        self.answers.feed.close(0 if self._supervisor.is_over else self._snapshot().running)
        if self._tidying is not None:
            self._tidying.cancel()
        self._watchdog.close(release=self._supervisor.is_over)
        await self._end_session()
        self._senses.close()
        self._exits.close()
        self._launcher.close_output()
        if self._supervisor.is_over:
            self._ledger.end()
            with suppress(OSError):
                self._state.socket_path.unlink()
            self._senses.leave()
        loop, patience_s = self._shared.loop, KILLED_WITHIN_S if self._end.is_killed else WRITTEN_WITHIN_S
        recorded = loop.run_in_executor(None, self._recorder.close, min(1.0, patience_s))
        kept = loop.run_in_executor(None, self._incidents.close, min(1.0, patience_s))
        await asyncio.gather(self._announcer.log.close(patience_s), self._ledger.close(patience_s), recorded, kept)
        self._claim.release(is_over=self._supervisor.is_over)
        self._launcher.close()

    async def _end_session(self) -> None:
        """Other pools go on meanwhile."""
        if self._end.is_abandoned:
            self._cluster.abandon()
        elif (ending := self._cluster.begin_close()) is not None:
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
        if self._end.drain():
            self._first_contact.drop()
            self._post(events.DrainRequested(now(), cause))
        else:
            self._post(events.KillRequested(now()))

    def cleared(self, worker: str) -> None:
        """Nothing that this worker has left runs any more."""
        self._effects.forget(worker)
        self._inbox.post(events.OrphansEnded(now(), worker))

    # ---- building

    def _identity(self) -> Identity:
        agent, http = self._ledger.facts.agent, self._shared.options.http
        return Identity(agent, secrets.token_hex(3), socket.gethostname(), os.getpid(), __version__, http)

    def _make_supervisor(self, me: Identity) -> Supervisor:
        former, record = self._ledger.facts, self._claim.record
        found_elsewhere = former.target is None and self._server is None
        return Supervisor(
            self._spec,
            me,
            overwrite_target=former.target != self._options.workers and not found_elsewhere,
            revision=(record.present.number, record.present.spec.hash),
            unfinished=unfinished(record),
            style=Style(former.registration) if former.registration in list(Style) else Style.UNKNOWN,
        )

    def _make_cluster(self, hosts: str) -> Cluster:
        former, loop = self._ledger.facts, self._shared.loop
        prior = None
        if former.session_id is not None and former.session_password is not None:
            prior = (former.session_id, bytes.fromhex(former.session_password))
        return Cluster(
            Ensemble(hosts, self._shared.options.session_timeout, self._shared.access),
            Joining(self.name, self.agent, prior),
            Scheduler(loop.call_soon_threadsafe, loop.call_later, now),
            post=self._post,
        )

    def _make_operations(self) -> Operations:
        former = self._ledger.facts
        return Operations(
            self.agent,
            self._snapshot,
            self._revisions,
            FormerLife(former.target is not None or bool(self._ledger.workers), former.stopped),
            OperationCallbacks(
                post=self._begin,
                forward=self._cluster.forward,
                tell=self._announcer.tell,
                delete=self._cluster.answer_request,
                follow=self._follow,
                leave=self._shared.leave,
                reload=self._shared.reload,
            ),
            file=self._shared.file,
        )

    def _make_senses(self, notify_path: str) -> Senses:
        return Senses(
            self._options,
            Surroundings(
                loop=self._shared.loop,
                reaper=self._shared.reaper,
                sampler=self._shared.sampler,
                notify_path=notify_path,
                output=self._launcher.files,
                revisions=self._revisions,
                cwd=self._claim.record.present.spec.cwd,
                post=self._post,
                warn=self._warn,
            ),
        )

    def _make_effects(self) -> Effects:
        processes = ProcessParts(
            revisions=self._revisions,
            exits=self._exits,
            orphans=self._shared.orphans,
            evidence=self._shared.evidence,
            senses=self._senses,
            watchdog=self._watchdog.watchdog,
            output=self._launcher.output,
            stdin_check=StdinCheck() if self._options.stdin == "null" else None,
            stops_groups=self._options.stop_scope == "group",
        )
        callbacks = EffectCallbacks(
            post=self._post,
            finish=self._end.finish,
            warn=self._warn,
            facts=self._facts,
            answered=self._operations.answered,
            settled=self._operations.settled,
        )
        return Effects(processes, self._cluster, Records(self._ledger, self._announcer.log, self._incidents), callbacks)

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
            zookeeper=self._cluster.hosts,
            server_port=self._server.port if self._server else None,
            session_id=session[0] if session else former.session_id,
            session_password=session[1].hex() if session else former.session_password,
            registration=str(self._supervisor.style),
            stopped=self._operations.stopped,
            held=tuple(sorted(self._supervisor.held)),
            hold_by=None if hold is None else hold.by,
            left=left,
        )

    # ---- for the process

    def do(
        self, operation: Operation, answered: Callable[[Answer], object], stepped: Callable[[object], object]
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
        self._announcer.tell(notice)

    def _snapshot(self) -> Snapshot:
        return self._supervisor.snapshot(now())

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
