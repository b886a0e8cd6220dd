"""The parts of one pool, wired together: who decides, what does it, who is told, what is kept.

What begins and ends them is ``pool_runner``'s.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
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
from autohealer.core.notices import EventRecord
from autohealer.core.pool.supervisor import Identity, Supervisor
from autohealer.processes.launch.environment import WorkerHome
from autohealer.processes.launch.exits import ExitWatcher
from autohealer.processes.launch.stdin import StdinCheck
from autohealer.processes.launch.wrapper import user_of
from autohealer.runtime.announcer import Announcer
from autohealer.runtime.clock import now
from autohealer.runtime.effects import EffectCallbacks, Effects, ProcessParts, Records
from autohealer.runtime.first_contact import FirstContact
from autohealer.runtime.inbox import Inbox
from autohealer.runtime.incident_store import IncidentStore
from autohealer.runtime.launcher import Launcher
from autohealer.runtime.ledger import Facts, HandOver
from autohealer.runtime.ledger_writer import LedgerWriter
from autohealer.runtime.operations import FormerLife, OperationCallbacks, Operations
from autohealer.runtime.pool_answers import PoolAnswers
from autohealer.runtime.pool_end import PoolEnd
from autohealer.runtime.pool_watchdog import PoolWatchdog
from autohealer.runtime.probing import Surroundings
from autohealer.runtime.recorder.recording import Recorder
from autohealer.runtime.revisions import Revisions, unfinished, users_of
from autohealer.runtime.senses import Senses

if TYPE_CHECKING:
    from autohealer.core.operations import Answer
    from autohealer.core.pool.snapshot import Snapshot
    from autohealer.runtime.claim import Claim
    from autohealer.runtime.pool_rollout import PoolRollout
    from autohealer.runtime.shared import Shared

HINT = "check --zk, and whether ZooKeeper runs; without --zk a server inside the agent is used"


class PoolParts:
    """Supervisor, inbox, effects, coordination and ledger of one pool, and all that is between them.

    ``listener`` gets each event, ``warn`` each line about what does not work.
    """

    def __init__(
        self, claim: Claim, shared: Shared, *, listener: Callable[[EventRecord], None], warn: Callable[[str], None]
    ) -> None:
        self.options, self._state, self._claim, self._shared = claim.options, claim.state, claim, shared
        self.spec, self._server = pool_spec(claim.options), shared.server
        hosts = shared.server.hosts if shared.server else str(shared.options.zk)
        loop, writer, present = shared.loop, shared.writer, claim.record.present
        self.end = PoolEnd(loop)
        self.announcer = Announcer(self._state.events_path, writer, loop, listener=listener, complain=warn)
        self._warn = self.announcer.warn
        self.first_contact = FirstContact(
            shared.access, hosts, shared.options.connect_timeout,
            told=self._warn, failed=self.end.fail, hint=HINT,
        )  # fmt: skip
        self.ledger = LedgerWriter(claim.ledger, writer, loop, self._warn)
        me = self._identity()
        self.supervisor = self._make_supervisor(me)
        self.cluster = self._make_cluster(hosts)
        self.exits = ExitWatcher(loop, self._exited, shared.reaper, looked=self._looked)
        self.watchdog = PoolWatchdog(
            self.spec, self.agent, shared, users_of(claim.record), post=self.post, warn=self._warn
        )
        notify_path = self._state.notify_path(others=user_of(present.spec) is not None)
        home = WorkerHome(hosts, self.name, Paths("", self.name).workers, self.agent, notify_path)
        self.launcher = Launcher(claim, home, shared.descriptor_limit, self.announcer.warn_from_elsewhere)
        launch = self.launcher.launch(present.spec, claim.command)
        self.revisions = Revisions(claim.record, self.launcher.prepare, launch)
        self.operations = self._make_operations()
        self.senses = self._make_senses(notify_path)
        self.incidents = IncidentStore(self._state.incidents_path, self.announcer.warn_from_elsewhere)
        self.effects = self._make_effects()
        self.recorder = Recorder(self._state.path, self.supervisor)
        self.inbox = Inbox(loop, self.supervisor, self.effects, self.recorder)
        self.answers = PoolAnswers(me, self, shared)
        self.announcer.follow(self.answers.feed.take)
        self.announcer.follow(self.operations.told)

    @property
    def agent(self) -> str:
        """This agent's id in the pool."""
        return self.ledger.facts.agent

    @property
    def name(self) -> str:
        """The pool's name."""
        return self.options.pool

    def snapshot(self) -> Snapshot:
        """How the pool stands."""
        return self.supervisor.snapshot(now())

    # ---- building

    def _identity(self) -> Identity:
        agent, http = self.ledger.facts.agent, self._shared.options.http
        return Identity(agent, secrets.token_hex(3), socket.gethostname(), os.getpid(), __version__, http)

    def _make_supervisor(self, me: Identity) -> Supervisor:
        former, record = self.ledger.facts, self._claim.record
        found_elsewhere = former.target is None and self._server is None
        return Supervisor(
            self.spec,
            me,
            overwrite_target=former.target != self.options.workers and not found_elsewhere,
            revision=(record.present.number, record.present.spec.hash),
            unfinished=unfinished(record),
            style=Style(former.registration) if former.registration in list(Style) else Style.UNKNOWN,
        )

    def _make_cluster(self, hosts: str) -> Cluster:
        former, loop = self.ledger.facts, self._shared.loop
        prior = None
        if former.session_id is not None and former.session_password is not None:
            prior = (former.session_id, bytes.fromhex(former.session_password))
        return Cluster(
            Ensemble(hosts, self._shared.options.session_timeout, self._shared.access),
            Joining(self.name, self.agent, prior),
            Scheduler(loop.call_soon_threadsafe, loop.call_later, now),
            post=self.post,
        )

    def _make_operations(self) -> Operations:
        former = self.ledger.facts
        return Operations(
            self.agent,
            self.snapshot,
            self.revisions,
            FormerLife(former.target is not None or bool(self.ledger.workers), former.stopped),
            OperationCallbacks(
                post=self._begin,
                forward=self.cluster.forward,
                tell=self.announcer.tell,
                delete=self.cluster.answer_request,
                follow=self._follow,
                leave=self._shared.leave,
                reload=self._shared.reload,
            ),
            file=self._shared.file,
        )

    def _make_senses(self, notify_path: str) -> Senses:
        return Senses(
            self.options,
            Surroundings(
                loop=self._shared.loop,
                reaper=self._shared.reaper,
                sampler=self._shared.sampler,
                notify_path=notify_path,
                output=self.launcher.files,
                revisions=self.revisions,
                cwd=self._claim.record.present.spec.cwd,
                post=self.post,
                warn=self._warn,
            ),
        )

    def _make_effects(self) -> Effects:
        processes = ProcessParts(
            revisions=self.revisions,
            exits=self.exits,
            orphans=self._shared.orphans,
            evidence=self._shared.evidence,
            senses=self.senses,
            watchdog=self.watchdog.watchdog,
            output=self.launcher.output,
            stdin_check=StdinCheck() if self.options.stdin == "null" else None,
            stops_groups=self.options.stop_scope == "group",
        )
        callbacks = EffectCallbacks(
            post=self.post,
            finish=self.end.finish,
            warn=self._warn,
            facts=self.facts,
            answered=self.operations.answered,
            settled=self.operations.settled,
        )
        return Effects(processes, self.cluster, Records(self.ledger, self.announcer.log, self.incidents), callbacks)

    # ---- facts in

    def post(self, event: events.Event) -> None:
        """Something has happened."""
        if isinstance(event, events.SessionOpened):
            self.first_contact.drop()
        if isinstance(event, events.OperationRequested):
            self.operations.heard(event)
            return
        if isinstance(event, events.RequestGone):
            self.operations.request_gone(event.request)
        self.inbox.post(event)

    def _follow(
        self, subject: str, answered: Callable[[Answer], object], stepped: Callable[[object], object]
    ) -> PoolRollout:
        from autohealer.runtime.pool_rollout import PoolRollout  # noqa: PLC0415 - only where a rollout is elsewhere, too

        return PoolRollout(
            self.snapshot,
            self.cluster.show_agents,
            self._shared.loop.call_later,
            subject=subject,
            answered=answered,
            stepped=stepped,
        )

    def _begin(self, event: events.Event) -> None:
        """An operation that this agent is to carry out."""
        self.inbox.post(event)

    def _exited(self, worker: str, code: int | None, signal_name: str | None) -> None:
        at = now()
        left = self.effects.exited(worker, code, signal_name)
        oom = signal_name == "SIGKILL" and self._shared.oom.has_killed()
        self.inbox.put(events.ProcessExited(at, worker, code, signal_name, left, oom))
        if self._shared.on_exit is not None:
            self._shared.on_exit(self.name, at)

    def _looked(self) -> None:
        """Some that were found to have exited have been told of."""
        self.inbox.run()

    # ---- what outlives the agent

    def facts(self, left: HandOver | None = None) -> Facts:
        """What the next agent here has to know; ``left``: what this one hands over to it."""
        former, session, hold = self.ledger.facts, self.cluster.session, self.cluster.unwritten_hold
        return Facts(
            agent=former.agent,
            boot=former.boot,
            place=former.place,
            target=self.options.workers if self.supervisor.target_is_written else former.target,
            zookeeper=self.cluster.hosts,
            server_port=self._server.port if self._server else None,
            session_id=session[0] if session else former.session_id,
            session_password=session[1].hex() if session else former.session_password,
            registration=str(self.supervisor.style),
            stopped=self.operations.stopped,
            held=tuple(sorted(self.supervisor.held)),
            hold_by=None if hold is None else hold.by,
            left=left,
        )
