"""One pool in an agent's process: the real core, coordination, operations and revisions, on virtual time."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from autohealer.coordination.pool.cluster import Cluster
from autohealer.coordination.pool.joining import Joining
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core import actions, events, notices
from autohealer.core.cluster.registrations import Style
from autohealer.core.events import Evidence
from autohealer.core.model import Hold, OnPartition
from autohealer.core.operations import Answer, Operation, Options, done
from autohealer.core.pool.supervisor import Identity, Supervisor
from autohealer.processes.launch.spawn import Spawner
from autohealer.processes.launch.spec import LaunchSpec
from autohealer.runtime.ledger import Entry, Facts, HandOver, WorkerEntry, WorkerGone
from autohealer.runtime.operations import FormerLife, OperationCallbacks, Operations
from autohealer.runtime.pool_rollout import PoolRollout
from autohealer.runtime.revisions import Launch, Revisions, record_for, unfinished
from tests.simulation.client import SimulatedClient
from tests.simulation.disk import KnownLedger
from tests.simulation.own_session import OwnSession
from tests.simulation.pools import PROBE, Flaw, Senses, release

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.host import Agent, Host
    from tests.simulation.pools import Pool, Process

SIGKILL = 9
SETTLE_S = 0.003
"""Until the ledger is written, after the last that was urgent."""
WRITTEN_S = 0.01
FIRST_PROBES_S = 0.5
#: What an agent does itself. What it asks another agent for, which may be gone, stands until it has expired.
OWN = frozenset({"scale", "hold", "release", "update"})
MOMENT = "2026-01-01T00:00:00Z"


def _launch(_: LaunchSpec) -> Launch:
    """Nothing is launched here."""
    return Launch(Spawner.__new__(Spawner), "/", None, None, {})


class Member:
    """``asked``: what people have asked for here and has not been answered, by id."""

    def __init__(self, agent: Agent, pool: Pool) -> None:
        self.agent, self.host, self.pool, self.world = agent, agent.host, pool, agent.world
        self.checks = self.world.checks_of(pool)
        self._clock, self._dice = agent.clock, agent.dice
        self._ledger = KnownLedger(self.host.disks[pool.name], self.host.name, f"boot {self.host.boot}")
        former = self._ledger.facts
        self._record = record_for(self._ledger.revisions, release())
        self._revisions = Revisions(self._record, _launch, _launch(self._record.present.spec))
        self._due: float | None = None
        self._inbox: deque[events.Event] = deque()
        self._guard: actions.ArmWatchdog | None = None
        self._new: dict[str, WorkerEntry] = {}
        self._gone: list[str] = []
        self._is_settling = False
        self._unwritten: list[Callable[[], None]] = []
        self._watched: set[str] = set()
        self.asked: dict[str, Operation] = {}
        self.has_exited = False
        present = self._record.present
        self.supervisor = Supervisor(
            pool.spec(),
            Identity(self.host.name, f"n{self.world.next_number():03}x", self.host.name, 1, "1"),
            overwrite_target=False,
            revision=(present.number, present.spec.hash),
            unfinished=unfinished(self._record),
            style=Style(former.registration) if former.registration in list(Style) else Style.UNKNOWN,
        )
        session = former.session_id, bytes.fromhex(former.session_password or "")
        self.cluster = Cluster(
            Ensemble(
                "simulated:1", self.world.session_s, make_client=partial(SimulatedClient, agent, self.world.session_s)
            ),
            Joining(
                pool.name,
                self.host.name,
                None if session[0] is None else (session[0], session[1]),
                token=lambda: self._dice.randbytes(4).hex(),
            ),
            Scheduler(agent.call, agent.later, lambda: self._clock.now, lambda: self.host.wall),
            post=self._post,
        )
        self._operations = Operations(
            self.host.name,
            lambda: self.supervisor.snapshot(self._clock.now),
            self._revisions,
            FormerLife(former.target is not None or bool(self._ledger.workers), former.stopped),
            OperationCallbacks(
                post=self._take,
                forward=self.cluster.forward,
                tell=self._tell,
                delete=self.cluster.answer_request,
                follow=self._follow,
                leave=done,
                reload=lambda *_: None,
            ),
            file=None,
        )
        cluster = self.cluster
        self._deeds: dict[type[actions.Action], Callable[[Any], object]] = {
            actions.SpawnWorker: self._spawn,
            actions.PromoteSpare: self._promote,
            actions.SignalWorker: self._signal,
            actions.EndOrphans: lambda a: agent.later(0.01, self._orphans_ended, a.worker),
            actions.TakeEvidence: lambda a: agent.later(0.01, self._say, events.EvidenceTaken, a.worker, Evidence()),
            actions.StartSenses: self._start_senses,
            actions.StopSenses: lambda a: self._watched.discard(a.worker),
            actions.WatchRegistration: lambda a: cluster.watch_registration(a.worker),
            actions.MakeStandIn: self._make_stand_in,
            actions.WithdrawStandIn: lambda a: cluster.withdraw_stand_in(a.worker),
            actions.AnnounceAddress: lambda a: cluster.announce_address(a.worker, a.address),
            actions.RemoveRegistration: lambda a: cluster.remove_registration(a.worker),
            actions.PublishAgent: lambda a: cluster.publish_agent(a.entry),
            actions.WriteTarget: lambda a: cluster.write_target(a.workers),
            actions.WriteHold: lambda a: cluster.write_hold(Hold(a.senses, a.by, MOMENT)),
            actions.WritePlan: lambda a: cluster.write_plan(a.plan),
            actions.ProveAuthority: lambda a: cluster.prove(a.asked_at),
            actions.ArmWatchdog: self._arm,
            actions.InspectConnections: lambda _: agent.later(0.01, self._say, events.ConnectionsSeen, frozenset()),
            actions.AnswerOperation: lambda a: self._operations.answered(a.operation, a.answer),
            actions.DeleteRequest: lambda a: cluster.answer_request(a.request),
            actions.SettleRevision: self._settle_revision,
            actions.EmitEvent: self._emit,
            actions.LeaveCluster: lambda _: cluster.leave(),
            actions.EndAgent: self._exit,
        }

    # ---- life

    @property
    def is_member(self) -> bool:
        """Whether it is connected, with its name and all that it stands on."""
        return self.cluster._connection.is_member

    def begin(self) -> None:
        """Adopt, then connect."""
        if (left := self._ledger.facts.left) is not None:
            self._say(events.FormerLifeFound, left.draining, left.accounts_of_slots())
        self._adopt()
        if self.pool.policy is OnPartition.STOP:
            self.agent.later(0.05, self._say, events.WatchdogReady)
        self.agent.later(0.01, self.cluster.connect)
        self._settle_soon()

    def leave(self) -> None:
        """The agent ends, and not its workers."""
        left = HandOver.of(*self.supervisor.what_to_hand_over(self._clock.now))
        self._settle()
        self._ledger.record([self._facts(left)])
        self.cluster.abandon()

    def drain(self) -> None:
        """Ctrl-C."""
        self._say(events.DrainRequested, "SIGTERM")

    def ask(self, verb: str, subject: str = "", **options: Any) -> None:
        """Somebody on this host asks for something."""
        asked = Operation(f"o{self.world.next_number()}", verb, subject, "somebody", Options(**options))
        self.asked[asked.id] = asked
        self._operations.do(asked, partial(self._was_answered, asked.id), lambda _: None)

    def _was_answered(self, operation: str, _: Answer) -> None:
        self.asked.pop(operation, None)

    def _adopt(self) -> None:
        """As `find_workers` does: who lives is known by the ledger, or else by its environment."""
        known, taken = self._ledger.workers, set()
        living = [each for each in self.host.processes.values() if each.pool is self.pool]
        for process in sorted(living, key=lambda each: (each.worker not in known, each.pid)):
            entry = known.get(process.worker) or self._entry(process)
            process.slot = entry.slot if entry.slot not in taken else None
            self.host.changes += 1
            taken.add(entry.slot)
            self._revisions.found(entry.revision)
            age = self._clock.now - process.started_at
            told = entry.worker, entry.slot, entry.pid, entry.started, age, entry.revision, entry.number
            self._say(events.WorkerFound, *told)
            if process.worker not in known:
                self._new[process.worker] = entry
        for worker in known.keys() - self.host.processes.keys():
            self._gone.append(worker)

    def _entry(self, process: Process) -> WorkerEntry:
        """As its environment tells."""
        worker, number = process.worker, process.number
        return WorkerEntry(worker, number, process.pid, 0, MOMENT, number=number, revision=process.revision)

    # ---- what can be asked

    @property
    def trial(self) -> int | None:
        """The revision that is on trial."""
        trial = self._revisions.record.trial
        return None if trial is None else trial.revision.number

    @property
    def has_bad_release(self) -> bool:
        """Whether workers are started from a release that has a flaw, and that is on trial no more."""
        return self._revisions.present.spec.command[2] != Flaw.NONE

    @property
    def is_drained(self) -> bool:
        """Whether it is to have no workers."""
        return self.supervisor._draining.drain is not None

    @property
    def rolls(self) -> bool:
        """Whether a rollout is under way here, or waits."""
        return self.supervisor._workers.rollouts.view() is not None or self._revisions._is_trying

    @property
    def unfinished(self) -> str | None:
        """What has been asked for, and is not done."""
        if self.rolls:
            return "a rollout is under way"
        if self.supervisor._workers.brake.held or self.is_drained:
            return "it holds verdicts, or drains"
        waiting = [each.verb for each in self.asked.values() if each.verb in OWN]
        return f"no answer to {waiting}" if waiting else None

    def let_go(self) -> None:
        """Nobody holds verdicts any more, nor is this agent drained: that is asked for until it is so.

        A bad release that was rolled out where nothing ran is exchanged for a good one: nothing could show that.
        """
        if any(each.verb in (*OWN, "undrain") for each in self.asked.values()):
            return
        if self.has_bad_release and not self.rolls:
            self.ask("update", command=("worker", str(self.world.next_number()), Flaw.NONE))
        if self.supervisor._workers.brake.held:
            self.ask("release")
        if self.is_drained and not self.supervisor._draining.is_ending:
            self.ask("undrain", self.host.name)

    # ---- events in

    def exited(self, process: Process) -> None:
        """A worker has ended."""
        self.agent.call(self._say, events.ProcessExited, process.worker, None, "SIGKILL")

    def notified(self, process: Process, **what: Any) -> None:
        """A worker says something."""
        self.agent.call(lambda: self._post(events.NotifyReceived(self._clock.now, process.worker, **what)))

    def _say(self, kind: type[events.Event], *fields: Any) -> None:
        self._post(kind(self._clock.now, *fields))

    def _post(self, event: events.Event) -> None:
        """As the runner does."""
        if isinstance(event, events.OperationRequested):
            self._operations.heard(event)
            return
        if isinstance(event, events.RequestGone):
            self._operations.request_gone(event.request)
        self._take(event)

    def _take(self, event: events.Event) -> None:
        self._inbox.append(event)
        if len(self._inbox) == 1:
            self.agent.call(self._take_in)

    def _take_in(self) -> None:
        """As the inbox does: what was queued is folded in at the present moment."""
        while self._inbox and self.agent.is_alive and not self.has_exited:
            event = self._inbox[0]
            orders = self.supervisor.handle(replace(event, at=self._clock.now))
            self._inbox.popleft()
            self.world.decisions += len(orders)
            for order in orders:
                deed = self._deeds.get(type(order))
                if deed is not None and self.agent.is_alive:
                    deed(order)
        if not self.agent.is_alive or self.has_exited:
            return
        self.checks.looked_at(self)
        due = self.supervisor.next_deadline()
        if due is not None and due != self._due:
            self._due = due
            self.agent.later(due - self._clock.now, self._wake, due)

    def _wake(self, due: float) -> None:
        if self._due == due:
            self._due = None
            self._say(events.DeadlineReached)

    # ---- the ledger

    def _settle_soon(self) -> None:
        if not self._is_settling:
            self._is_settling = True
            self.agent.later(SETTLE_S, self._settle)

    def _settle(self) -> None:
        """As the effects do when it is quiet."""
        self._is_settling = False
        entries: list[Entry] = [*self._new.values(), *map(WorkerGone, self._gone)]
        self._new, self._gone = {}, []
        if (facts := self._facts()) != self._ledger.facts:
            entries.append(facts)
        if self._revisions.record != self._ledger.revisions:
            entries.append(self._revisions.record)
        self._ledger.record(entries)
        if not self.host.disks[self.pool.name].is_failing:
            written, self._unwritten = self._unwritten, []
            for each in written:
                self.agent.later(WRITTEN_S, each)
        elif self._unwritten:
            self._is_settling = True
            self.agent.later(1.0, self._settle)

    def _facts(self, left: HandOver | None = None) -> Facts:
        former, session = self._ledger.facts, self.cluster.session
        return msgspec.structs.replace(
            former,
            target=self.pool.target if self.supervisor.target_is_written else former.target,
            session_id=session[0] if session else former.session_id,
            session_password=session[1].hex() if session else former.session_password,
            registration=str(self.supervisor.style),
            stopped=self._operations.stopped,
            left=left,
        )

    # ---- deeds

    def _spawn(self, order: actions.SpawnWorker) -> None:
        guard, command = self._guard, self.command_of(order.revision)
        if self.pool.policy is OnPartition.STOP and not (guard and self._clock.now < guard.stop_at):
            # As the agent's shell does: one that was frozen wakes up with decisions of long ago.
            self._say(events.SpawnFailed, order.worker, "no lease", True)
        elif self.host.spawns_fail:
            self._say(events.SpawnFailed, order.worker, "Resource temporarily unavailable", True, "EAGAIN")
        elif command[2] == Flaw.CANNOT_START:
            self._say(events.SpawnFailed, order.worker, "No such file or directory", False, "ENOENT")
        else:
            process = self.host.spawn(self, order, command)
            slot = order.slot
            entry = WorkerEntry(
                order.worker, slot, process.pid, 0, MOMENT, number=order.number, revision=order.revision
            )
            self._new[order.worker] = entry
            self._settle_soon()
            self._say(events.WorkerSpawned, order.worker, process.pid, MOMENT)

    def command_of(self, number: int) -> tuple[str, ...]:
        """What workers of a revision are started by."""
        record = self._revisions.record
        trial = record.trial.revision if record.trial is not None else None
        kept = [record.present, *([record.former] if record.former else []), *([trial] if trial else [])]
        return next((each.spec.command for each in kept if each.number == number), record.present.spec.command)

    def _promote(self, order: actions.PromoteSpare) -> None:
        process = self.host.processes.get(order.worker)
        if process is None:
            self._say(events.PromotionFailed, order.worker)
            return
        self.checks.promoted(self.host, process, order.slot)
        if self.pool.registers_itself:
            process.own_session = OwnSession(self.host, process)
        entry = self._entry(process)
        self._new[order.worker] = msgspec.structs.replace(entry, slot=order.slot)
        self._settle_soon()
        self._say(events.SparePromoted, order.worker)

    def _signal(self, order: actions.SignalWorker) -> None:
        process = self.host.processes.get(order.worker)
        self.checks.signalled(self, order.worker, process)
        if process is None:
            return
        if order.signum != SIGKILL:
            self.checks.told_to_end(process)
            if process.ignores_sigterm:
                return
        delay_s = 0.001 if order.signum == SIGKILL else self._dice.uniform(0.001, 0.2)
        self._clock.later(delay_s, self.host.end_process, process)

    def _orphans_ended(self, worker: str) -> None:
        self._gone.append(worker)
        self._settle_soon()
        self._say(events.OrphansEnded, worker)

    def _make_stand_in(self, order: actions.MakeStandIn) -> None:
        process = self.host.processes.get(order.worker)
        if process is not None:
            self.cluster.make_stand_in(process.worker, process.slot, process.pid, MOMENT, address=order.address)

    def _arm(self, order: actions.ArmWatchdog) -> None:
        self._guard = order
        self.host.arm(self.pool, order)

    def _settle_revision(self, order: actions.SettleRevision) -> None:
        self._revisions.settle(order.revision, present=order.present)
        self._operations.settled()
        self._settle_soon()

    def _exit(self, order: actions.EndAgent) -> None:
        self.world.tell(f"{self.host.name}: {self.pool.name} exits with {order.code} {order.error}")
        self.has_exited = True
        self.cluster.begin_close()
        self._settle()
        self.host.pool_ended(self, is_over=self.supervisor.is_over)

    # ---- senses

    def _start_senses(self, order: actions.StartSenses) -> None:
        if self.pool.senses is Senses.PROBE:
            self._watched.add(order.worker)
            phase_s = self._dice.uniform(0.0, FIRST_PROBES_S)
            self.agent.later(phase_s, self._probe, order.worker, self._clock.now + phase_s)

    def _probe(self, worker: str, due: float) -> None:
        """More often until the first success. One that comes late, since the agent was frozen, tells nothing."""
        process = self.host.processes.get(worker)
        if process is None or worker not in self._watched:
            return
        ok = process.answers_probe(self._clock.now)
        if self._clock.now - due < self.pool.every_s:
            self._say(events.ProbeAnswered, worker, PROBE, ok, "200" if ok else "timed out")
        pause_s = self.pool.every_s if self._clock.now > process.ready_at else FIRST_PROBES_S
        self.agent.later(pause_s, self._probe, worker, self._clock.now + pause_s)

    # ---- people

    def _tell(self, notice: notices.Notice, written: Callable[[], None]) -> None:
        """An event that the core does not know of; ``written`` once it is on disk."""
        self._unwritten.append(written)
        self._settle_soon()
        self._operations.told(notices.EventRecord(None, notice.event, notice))

    def _emit(self, order: actions.EmitEvent) -> None:
        self.checks.told(self, order.notice)
        self._operations.told(notices.EventRecord(None, order.notice.event, order.notice))

    def _follow(self, subject: str, answered: Callable[[Answer], object], stepped: Callable[[object], object]) -> Any:
        return PoolRollout(
            lambda: self.supervisor.snapshot(self._clock.now),
            self.cluster.show_agents,
            self.agent.later,
            subject=subject,
            answered=answered,
            stepped=stepped,
        )


def of_host(host: Host, pool: Pool) -> Member | None:
    """The member that runs this pool there, if one does."""
    return host.agent.members.get(pool.name) if host.agent is not None else None
