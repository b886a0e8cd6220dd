"""Orders into deeds. Each ends in an event; none of them decides anything."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from autohealer.core import actions, events, notices
from autohealer.core.model import Hold
from autohealer.processes.launch.environment import incarnation_environment
from autohealer.processes.launch.spawn import is_temporary
from autohealer.processes.tree.process_tree import DeadWorker
from autohealer.runtime.clock import now
from autohealer.runtime.connections import inspect_connections
from autohealer.runtime.event_log import timestamp
from autohealer.runtime.incident_news import IncidentNews
from autohealer.runtime.ledger import Facts, SlotFinished, WorkerEntry
from autohealer.runtime.roster import Roster
from autohealer.runtime.standby_pipes import StandbyPipes
from autohealer.runtime.worker_output import WorkerOutput

if TYPE_CHECKING:
    from autohealer.coordination.pool.cluster import Cluster
    from autohealer.core.model import Instant
    from autohealer.core.operations import Answer, Operation
    from autohealer.processes.evidence import EvidenceTaker
    from autohealer.processes.launch.exits import ExitWatcher
    from autohealer.processes.launch.stdin import StdinCheck
    from autohealer.processes.output.outlet import Outlet
    from autohealer.processes.tree.orphans import Orphans
    from autohealer.processes.watchdog.owner import Watchdog
    from autohealer.runtime.event_log import EventLog
    from autohealer.runtime.incident_store import IncidentStore
    from autohealer.runtime.ledger_writer import LedgerWriter
    from autohealer.runtime.revisions import Revisions
    from autohealer.runtime.senses import Senses

LOOKS_BELOW = 100
RETRY_S = 1.0


class ProcessParts(msgspec.Struct, frozen=True):
    """What workers are started, watched, looked into and ended with."""

    revisions: Revisions
    exits: ExitWatcher
    orphans: Orphans
    evidence: EvidenceTaker
    senses: Senses
    watchdog: Watchdog | None
    output: Outlet | None
    """Where the output of adopted workers goes."""

    stdin_check: StdinCheck | None
    stops_groups: bool
    """Whether the signal to stop goes to a worker's whole process group."""


class Records(msgspec.Struct, frozen=True):
    """What is written down: for the next agent, for people, and for those who ask why."""

    ledger: LedgerWriter
    log: EventLog
    incidents: IncidentStore


class EffectCallbacks(msgspec.Struct, frozen=True):
    """Who hears what came of the orders."""

    post: Callable[[events.Event], None]
    finish: Callable[[int, str], None]
    """Gets the exit code, and what went wrong."""

    warn: Callable[[str], None]
    """Gets a line for people about what does not work and need not stop anything."""

    facts: Callable[[], Facts]
    """Says what the ledger is to hold of the agent."""

    answered: Callable[[Operation, Answer], None]
    """Gets what came of an operation."""

    settled: Callable[[], None]
    """Called when a rollout has ended."""


class Effects:
    """The hands of one agent."""

    def __init__(self, processes: ProcessParts, cluster: Cluster, records: Records, callbacks: EffectCallbacks) -> None:
        self._revisions, self._exits, self._orphans = processes.revisions, processes.exits, processes.orphans
        self._evidence, self._senses = processes.evidence, processes.senses
        self._stops_groups, self._stdin_check = processes.stops_groups, processes.stdin_check
        self._watchdog, self._cluster = processes.watchdog, cluster
        self._ledger, self._log = records.ledger, records.log
        self._post, self._warn = callbacks.post, callbacks.warn
        self._facts, self._settled = callbacks.facts, callbacks.settled
        self._roster = Roster(None if self._watchdog is None else self._watchdog.add)
        self._output = WorkerOutput(processes.output, callbacks.warn)
        self.incidents = IncidentNews(records.incidents, self._output)
        self._adopted: dict[str, None] = {}
        self._former_relieved, self._lease_until = False, 0.0
        self._standby = StandbyPipes()
        self._dead: dict[tuple[int, float], list[DeadWorker]] = {}
        self._deeds: dict[type[actions.Action], Callable[[Any], None]] = {
            actions.SpawnWorker: self._spawn,
            actions.PromoteSpare: self._promote,
            actions.SignalWorker: self._signal,
            actions.EndOrphans: self._end_orphans,
            actions.KeepFinished: lambda a: self._roster.finish(SlotFinished(a.slot, a.failed, a.revision)),
            actions.TakeEvidence: self._take_evidence,
            actions.StartSenses: self._senses.start,
            actions.StopSenses: lambda a: self._senses.stop(a.worker),
            actions.InspectConnections: self._inspect_connections,
            actions.WatchRegistration: lambda a: cluster.watch_registration(a.worker),
            actions.MakeStandIn: self._make_stand_in,
            actions.WithdrawStandIn: lambda a: cluster.withdraw_stand_in(a.worker),
            actions.AnnounceAddress: lambda a: cluster.announce_address(a.worker, a.address),
            actions.RemoveRegistration: lambda a: cluster.remove_registration(a.worker),
            actions.PublishAgent: lambda a: cluster.publish_agent(a.entry),
            actions.WriteTarget: lambda a: cluster.write_target(a.workers),
            actions.WriteHold: lambda a: cluster.write_hold(Hold(a.senses, a.by, timestamp(time.time()))),
            actions.WritePlan: lambda a: cluster.write_plan(a.plan),
            actions.ProveAuthority: lambda a: cluster.prove(a.asked_at),
            actions.ArmWatchdog: self._guard,
            actions.AnswerOperation: lambda a: callbacks.answered(a.operation, a.answer),
            actions.DeleteRequest: lambda a: cluster.answer_request(a.request),
            actions.SettleRevision: self._settle_revision,
            actions.LeaveCluster: lambda _: cluster.leave(),
            actions.RecordIncident: lambda a: self.incidents.take(a.incident),
            actions.Warn: lambda a: callbacks.warn(a.text),
            actions.EndAgent: lambda a: callbacks.finish(a.code, a.error),
        }

    def perform(self, action: actions.Action, at: Instant) -> None:
        """Do it, or begin to. People are told of it as of the moment ``at`` which it was decided."""
        if isinstance(action, actions.EmitEvent):
            self._report(action, at)
        else:
            self._deeds[type(action)](action)

    def settle(self) -> None:
        """What is cheaper done for a batch: one write to the ledger, one look for orphans, one to the event log."""
        self.incidents.tell()
        dead, self._dead = self._dead, {}
        for (signum, timeout_s), workers in dead.items():
            self._orphans.clear(workers, signum, timeout_s)
        entries, is_complete = self._roster.news()
        if not is_complete:
            asyncio.get_running_loop().call_later(RETRY_S, self.settle)
        if (facts := self._facts()) != self._ledger.facts:
            entries.append(facts)
        if (record := self._revisions.record) != self._ledger.revisions:
            entries.append(record)
        if entries:
            self._ledger.record(entries)
        self._log.flush()
        self._output.settle()

    def forget(self, worker: str) -> None:
        """Nothing of this worker is left."""
        entry = self._roster.remove(worker)
        if self._watchdog is not None and entry is not None:
            self._watchdog.remove(entry.pid)
        self._exits.release(worker)
        self._standby.close(worker)
        self._senses.forget(worker)
        self._output.forget(worker)
        self._adopted.pop(worker, None)

    def adopt(self, entry: WorkerEntry, pidfd: int) -> None:
        """A worker that was found alive is watched like one's own."""
        self._adopted[entry.worker] = None
        self._output.adopted(entry)
        self._roster.put(entry, is_written=entry.worker in self._ledger.workers)
        self._exits.watch(entry.worker, entry.pid, pidfd, child=False)
        self._senses.meet(entry.worker, entry.pid, entry.number, is_child=False)
        self._orphans.see_below(entry.worker, entry.pid)

    def bury(self, entry: WorkerEntry) -> None:
        """A worker that died while nobody looked: what it left goes, and then its line in the ledger."""
        self._roster.put(entry, is_written=True)
        self._output.adopted(entry)
        self._dead.setdefault((signal.SIGKILL, 0.0), []).append(self._dead_worker(entry, is_child=False))

    def exited(self, worker: str, code: int | None, signal_name: str | None) -> bool:
        """Has this worker, whose process has just ended, left something that may be in the way of its replacement?"""
        entry = self._roster.get(worker)
        if entry is not None:
            self._output.ended(entry, code, signal_name)
        if self._stdin_check is not None and self._stdin_check.ended(worker, code, now()):
            self._warn("workers end with 0 as soon as they read their standard input, which is empty: see --stdin open")
        return entry is not None and self._orphans.exited(worker, entry.pid, is_child=worker not in self._adopted)

    def look_below(self) -> None:
        """See what is below some of the adopted workers, whose orphans do not come to us; all of them in turn."""
        for _ in range(min(len(self._adopted), LOOKS_BELOW)):
            worker = next(iter(self._adopted))
            self._adopted[worker] = self._adopted.pop(worker)
            self._see_below(worker)

    def _see_below(self, worker: str) -> None:
        if (entry := self._roster.get(worker)) is not None:
            self._orphans.see_below(worker, entry.pid)

    # ---- processes

    def _spawn(self, action: actions.SpawnWorker) -> None:
        worker, number = action.worker, action.number
        if self._watchdog is not None and not (self._watchdog.ready and now() < self._lease_until):
            # An agent that was frozen wakes up with decisions of long ago.
            self._post(events.SpawnFailed(now(), worker, "the lease to run workers has run out", temporary=True))
            return
        launch = self._revisions.launch(action.revision)
        port = launch.port(number)
        self._senses.expect(worker, number)
        output = self._output.open(launch.output, number)
        standby = None
        try:
            standby = self._standby.open(worker) if action.is_spare else None
            os.chdir(launch.cwd)  # a worker inherits our directory; one that is a link may have been switched
            began = time.time()
            spawned = launch.spawner.spawn(
                incarnation_environment(action, port),
                slot=number,
                worker=worker,
                port=port,
                output=output and output.fd,
                stdin=None if self._stdin_check is None else self._stdin_check.began(worker, now()),
                standby=standby,
            )
        except OSError as error:
            self._standby.close(worker)
            temporary = is_temporary(error.errno or 0)
            name = errno.errorcode.get(error.errno or 0, "")
            self._post(events.SpawnFailed(now(), worker, error.strerror or str(error), temporary, name))
            return
        finally:
            if output is not None:
                os.close(output.fd)
            if standby is not None:
                os.close(standby)
        started = timestamp(time.time())
        self._exits.watch(worker, spawned.pid, spawned.pidfd, child=True)
        entry = WorkerEntry(worker, action.slot, spawned.pid, 0, started, number=number, revision=action.revision)
        self._roster.put(entry)
        self._senses.meet(worker, spawned.pid, number, is_child=True)
        if launch.output is not None:
            self._output.began(entry, launch.output, output, began)
        self._post(events.WorkerSpawned(now(), worker, spawned.pid, started))

    def _promote(self, action: actions.PromoteSpare) -> None:
        entry = self._roster.get(action.worker)
        try:
            self._standby.promote(action.worker, action.slot)
        except OSError:
            entry = None
        if entry is None:
            self._post(events.PromotionFailed(now(), action.worker))
            return
        self._roster.put(replace(entry, slot=action.slot))
        self._post(events.SparePromoted(now(), action.worker))

    def _signal(self, action: actions.SignalWorker) -> None:
        if action.worker in self._adopted:
            self._see_below(action.worker)
        try:
            to_group = self._stops_groups and action.signum != signal.SIGKILL
            self._exits.send_signal(action.worker, action.signum, to_group=to_group)
        except PermissionError:
            self._warn(f"may not signal worker {action.worker}: it has become another user's")

    def _end_orphans(self, action: actions.EndOrphans) -> None:
        entry = self._roster.get(action.worker)
        if entry is not None:
            dead = self._dead_worker(entry, is_child=entry.worker not in self._adopted)
            self._dead.setdefault((action.signum, action.timeout_s), []).append(dead)

    def _dead_worker(self, entry: WorkerEntry, *, is_child: bool) -> DeadWorker:
        return DeadWorker(entry.worker, entry.pid, is_child, output=self._output.path(entry))

    def _take_evidence(self, action: actions.TakeEvidence) -> None:
        entry, worker = self._roster.get(action.worker), action.worker
        if entry is None:
            self._post(events.EvidenceTaken(now(), worker, events.Evidence()))
            return
        self._evidence.take(
            worker,
            entry.pid,
            lambda signum: self._exits.send_signal(worker, signum),
            self._output.tail(entry),
            lambda evidence: self._post(events.EvidenceTaken(now(), worker, evidence)),
        )

    def _inspect_connections(self, action: actions.InspectConnections) -> None:
        entries = filter(None, map(self._roster.get, action.workers))
        inspect_connections(
            {entry.pid: entry.worker for entry in entries},
            self._cluster.hosts,
            lambda found: self._post(events.ConnectionsSeen(now(), found)),
        )

    def _guard(self, action: actions.ArmWatchdog) -> None:
        if self._watchdog is not None:
            self._lease_until = action.stop_at
            self._watchdog.extend(action.stop_at, action.kill_at)
            if self._watchdog.ready and not self._former_relieved:
                self._former_relieved = True
                self._watchdog.relieve_former()

    # ---- ZooKeeper

    def _make_stand_in(self, action: actions.MakeStandIn) -> None:
        entry = self._roster.get(action.worker)
        if entry is not None:
            self._cluster.make_stand_in(entry.worker, entry.slot, entry.pid, entry.started, address=action.address)

    # ---- people

    def _settle_revision(self, action: actions.SettleRevision) -> None:
        self._revisions.settle(action.revision, present=action.present)
        self._settled()

    def _report(self, action: actions.EmitEvent, at: Instant) -> None:
        notice = action.notice
        if isinstance(notice, notices.WorkerBackoff) and notice.slot is not None:
            notice = replace(notice, output=self._output.tail_of_slot(notice.slot))
        self._log.record(notice, time.time() - (now() - at))
