"""Orders into deeds. Each ends in an event; none of them decides anything."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from autohealer.coordination.pool.paths import split_hosts
from autohealer.core import actions, events, notices
from autohealer.core.model import Hold
from autohealer.processes.launch.environment import incarnation_environment
from autohealer.processes.launch.spawn import is_temporary
from autohealer.processes.tree.process_tree import DeadWorker
from autohealer.processes.tree.procfs import start_time
from autohealer.runtime.clock import now
from autohealer.runtime.event_log import timestamp
from autohealer.runtime.incident_store import entry_of
from autohealer.runtime.ledger import Entry, Facts, SlotFinished, WorkerEntry, WorkerGone

if TYPE_CHECKING:
    from autohealer.coordination.pool.cluster import Cluster
    from autohealer.core.incident import Incident, IncidentEntry
    from autohealer.core.model import Instant
    from autohealer.core.operations import Answer, Operation
    from autohealer.processes.evidence import EvidenceTaker
    from autohealer.processes.launch.exits import ExitWatcher
    from autohealer.processes.launch.stdin import StdinCheck
    from autohealer.processes.output.files import OpenedFile
    from autohealer.processes.output.outlet import Outlet
    from autohealer.processes.tree.orphans import Orphans
    from autohealer.processes.watchdog.owner import Watchdog
    from autohealer.runtime.event_log import EventLog
    from autohealer.runtime.incident_store import IncidentStore
    from autohealer.runtime.ledger_writer import LedgerWriter
    from autohealer.runtime.revisions import Revisions
    from autohealer.runtime.senses import Senses

LAST_LINES = 5
EVIDENCE_LINES = 20
LOOKS_BELOW = 100
RETRY_S = 1.0


class _Span(msgspec.Struct):
    """Between which offsets of its file a worker's output stands; ``end`` None: to the end of the file."""

    begin: int
    end: int | None = None


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
        self._evidence, self._senses, self._output = processes.evidence, processes.senses, processes.output
        self._stops_groups, self._stdin_check = processes.stops_groups, processes.stdin_check
        self._watchdog, self._cluster = processes.watchdog, cluster
        self._ledger, self._log, self._incidents = records.ledger, records.log, records.incidents
        self._post, self._warn = callbacks.post, callbacks.warn
        self._facts, self._settled = callbacks.facts, callbacks.settled
        self._workers: dict[str, WorkerEntry] = {}
        self._spans: dict[str, _Span] = {}
        self._last: dict[int, str] = {}
        """The last worker that got a slot's file."""
        self._last_words: dict[str, list[str]] = {}
        self._adopted: dict[str, None] = {}
        self._outlets: dict[str, Outlet] = {}
        self._used: dict[Outlet, None] = {} if self._output is None else {self._output: None}
        self._former_relieved = False
        self._lease_until = 0.0
        self._new: list[str] = []
        self._gone: list[str] = []
        self._standby: dict[str, int] = {}
        """Where each spare that waits is told its slot: the writing end of a pipe."""
        self._finished: list[SlotFinished] = []
        self._dead: dict[tuple[int, float], list[DeadWorker]] = {}
        self._deeds: dict[type[actions.Action], Callable[[Any], None]] = {
            actions.SpawnWorker: self._spawn,
            actions.PromoteSpare: self._promote,
            actions.SignalWorker: self._signal,
            actions.EndOrphans: self._end_orphans,
            actions.KeepFinished: lambda a: self._finished.append(SlotFinished(a.slot, a.failed, a.revision)),
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
            actions.RecordIncident: self._record,
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
        dead, self._dead = self._dead, {}
        for (signum, timeout_s), workers in dead.items():
            self._orphans.clear(workers, signum, timeout_s)
        entries: list[Entry] = []
        unknown = []
        for worker in self._new:
            entry = self._workers.get(worker)
            try:
                since = None if entry is None else start_time(entry.pid)
            except OSError:  # out of descriptors
                unknown.append(worker)
                continue
            if entry is not None and since is not None:
                entry = msgspec.structs.replace(entry, start_time=since)
                entries.append(entry)
                if self._watchdog is not None:
                    self._watchdog.add(entry.pid, since)
        if unknown:
            asyncio.get_running_loop().call_later(RETRY_S, self.settle)
        entries += map(WorkerGone, self._gone)
        entries += self._finished
        if (facts := self._facts()) != self._ledger.facts:
            entries.append(facts)
        if (record := self._revisions.record) != self._ledger.revisions:
            entries.append(record)
        self._new, self._gone, self._finished = unknown, [], []
        if entries:
            self._ledger.record(entries)
        self._log.flush()
        for outlet in self._used:
            outlet.settle()

    def forget(self, worker: str) -> None:
        """Nothing of this worker is left."""
        if self._watchdog is not None and worker in self._workers:
            self._watchdog.remove(self._workers[worker].pid)
        self._exits.release(worker)
        if (standby := self._standby.pop(worker, None)) is not None:
            os.close(standby)
        self._senses.forget(worker)
        self._outlets.pop(worker, None)
        self._spans.pop(worker, None)
        self._adopted.pop(worker, None)
        if self._workers.pop(worker, None) is not None:
            self._gone.append(worker)

    def adopt(self, entry: WorkerEntry, pidfd: int) -> None:
        """A worker that was found alive is watched like one's own."""
        self._adopted[entry.worker] = None
        if self._output is not None:
            self._outlets[entry.worker] = self._output
        if entry.worker not in self._ledger.workers:
            self._new.append(entry.worker)
        self._workers[entry.worker] = entry
        self._exits.watch(entry.worker, entry.pid, pidfd, child=False)
        self._senses.meet(entry.worker, entry.pid, entry.number, is_child=False)
        self._orphans.see_below(entry.worker, entry.pid)

    def bury(self, entry: WorkerEntry) -> None:
        """A worker that died while nobody looked: what it left goes, and then its line in the ledger."""
        self._workers[entry.worker] = entry
        if self._output is not None:
            self._outlets[entry.worker] = self._output
        self._dead.setdefault((signal.SIGKILL, 0.0), []).append(self._dead_worker(entry, is_child=False))

    def exited(self, worker: str, code: int | None, signal_name: str | None) -> bool:
        """Has this worker, whose process has just ended, left something that may be in the way of its replacement?"""
        entry = self._workers.get(worker)
        if entry is not None and worker in self._outlets:
            how = signal_name or ("unknown" if code is None else f"exit {code}")
            self._outlets[worker].ended(entry.number, worker, how)
        if self._stdin_check is not None and self._stdin_check.ended(worker, code, now()):
            self._warn("workers end with 0 as soon as they read their standard input, which is empty: see --stdin open")
        return entry is not None and self._orphans.exited(worker, entry.pid, is_child=worker not in self._adopted)

    def look_below(self) -> None:
        """See what is below some of the adopted workers, whose orphans do not come to us; all of them in turn."""
        for _ in range(min(len(self._adopted), LOOKS_BELOW)):
            worker = next(iter(self._adopted))
            self._adopted[worker] = self._adopted.pop(worker)
            self._orphans.see_below(worker, self._workers[worker].pid)

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
        output = self._open_output(launch.output, number)
        standby = None
        try:
            standby = self._pipe_to(worker) if action.is_spare else None
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
            if action.is_spare and worker in self._standby:
                os.close(self._standby.pop(worker))
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
        self._workers[worker] = WorkerEntry(
            worker, action.slot, spawned.pid, 0, started, number=number, revision=action.revision
        )
        self._new.append(worker)
        self._senses.meet(worker, spawned.pid, number, is_child=True)
        if launch.output is not None:
            self._outlets[worker] = launch.output
            self._used[launch.output] = None
            launch.output.began(number, worker, spawned.pid, output and output.size, began)
            self._begin_span(worker, number, output.size if output else 0)
        self._post(events.WorkerSpawned(now(), worker, spawned.pid, started))

    def _begin_span(self, worker: str, number: int, offset: int) -> None:
        """Where the worker's output begins in its file, the one before it has ended."""
        former = self._spans.get(self._last.get(number, ""))
        if former is not None:
            former.end = offset
        self._spans[worker], self._last[number] = _Span(offset), worker

    def _pipe_to(self, worker: str) -> int:
        """A pipe to a spare; its reading end. The writing end is ours alone: when we are gone, the spare leaves."""
        reading, self._standby[worker] = os.pipe2(os.O_CLOEXEC)
        return reading

    def _promote(self, action: actions.PromoteSpare) -> None:
        """One line with its slot's number is a spare's promotion; nothing else is ever said there."""
        standby = self._standby.pop(action.worker, None)
        entry = self._workers.get(action.worker)
        try:
            if standby is None or entry is None:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            os.write(standby, f"{action.slot}\n".encode())
        except OSError:
            self._post(events.PromotionFailed(now(), action.worker))
            return
        finally:
            if standby is not None:
                os.close(standby)
        self._workers[action.worker] = msgspec.structs.replace(entry, slot=action.slot)
        self._new.append(action.worker)
        self._post(events.SparePromoted(now(), action.worker))

    def _open_output(self, outlet: Outlet | None, number: int) -> OpenedFile | None:
        """Nothing may keep a worker from running over its log: what it writes is lost then."""
        if outlet is None:
            return None
        try:
            return outlet.open(number)
        except OSError as error:
            self._warn(f"the output of slot {number} is lost: {error.strerror}")
            return None

    def _signal(self, action: actions.SignalWorker) -> None:
        if action.worker in self._adopted:
            self._orphans.see_below(action.worker, self._workers[action.worker].pid)
        try:
            to_group = self._stops_groups and action.signum != signal.SIGKILL
            self._exits.send_signal(action.worker, action.signum, to_group=to_group)
        except PermissionError:
            self._warn(f"may not signal worker {action.worker}: it has become another user's")

    def _end_orphans(self, action: actions.EndOrphans) -> None:
        entry = self._workers.get(action.worker)
        if entry is not None:
            dead = self._dead_worker(entry, is_child=entry.worker not in self._adopted)
            self._dead.setdefault((action.signum, action.timeout_s), []).append(dead)

    def _dead_worker(self, entry: WorkerEntry, *, is_child: bool) -> DeadWorker:
        outlet = self._outlets.get(entry.worker)
        output = outlet.path(entry.number) if outlet else None
        return DeadWorker(entry.worker, entry.pid, is_child, output=output)

    def _take_evidence(self, action: actions.TakeEvidence) -> None:
        entry, worker = self._workers.get(action.worker), action.worker
        if entry is None:
            self._post(events.EvidenceTaken(now(), worker, events.Evidence()))
            return
        self._evidence.take(
            worker,
            entry.pid,
            lambda signum: self._exits.send_signal(worker, signum),
            self._outlets[entry.worker].tail(entry.number, EVIDENCE_LINES) if entry.worker in self._outlets else (),
            lambda evidence: self._post(events.EvidenceTaken(now(), worker, evidence)),
        )

    def _inspect_connections(self, action: actions.InspectConnections) -> None:
        pids = {self._workers[worker].pid: worker for worker in action.workers if worker in self._workers}
        loop = asyncio.get_running_loop()
        looking = loop.run_in_executor(None, _connected, list(pids), self._cluster.hosts)

        def tell(future: asyncio.Future[set[int]]) -> None:
            found = frozenset() if future.exception() else frozenset(pids[pid] for pid in future.result())
            self._post(events.ConnectionsSeen(now(), found))

        looking.add_done_callback(tell)

    def _guard(self, action: actions.ArmWatchdog) -> None:
        if self._watchdog is not None:
            self._lease_until = action.stop_at
            self._watchdog.extend(action.stop_at, action.kill_at)
            if self._watchdog.ready and not self._former_relieved:
                self._former_relieved = True
                self._watchdog.relieve_former()

    # ---- ZooKeeper

    def _make_stand_in(self, action: actions.MakeStandIn) -> None:
        entry = self._workers.get(action.worker)
        if entry is not None:
            self._cluster.make_stand_in(entry.worker, entry.slot, entry.pid, entry.started, address=action.address)

    # ---- people

    def _record(self, action: actions.RecordIncident) -> None:
        incident = action.incident
        self._incidents.put(self.told(incident), is_closed=incident.is_closed)
        if incident.is_closed:
            del self._last_words[incident.id]

    def told(self, incident: Incident) -> IncidentEntry:
        """An incident as it is kept, with the last that its worker said."""
        output = self._last_words.get(incident.id)
        if output is None:
            span = self._spans.get(incident.worker, _Span(0))
            outlet = self._outlets.get(incident.worker)
            output = outlet.tail(incident.number, EVIDENCE_LINES, span.begin, span.end) if outlet else []
            self._last_words[incident.id] = output
        return entry_of(incident, time.time() - (now() - incident.opened), output)

    def _settle_revision(self, action: actions.SettleRevision) -> None:
        self._revisions.settle(action.revision, present=action.present)
        self._settled()

    def _report(self, action: actions.EmitEvent, at: Instant) -> None:
        notice = action.notice
        if isinstance(notice, notices.WorkerBackoff) and notice.slot is not None and self._output:
            notice = replace(notice, output=tuple(self._output.tail(notice.slot, LAST_LINES)))
        self._log.record(notice, time.time() - (now() - at))


def _connected(pids: list[int], hosts: str) -> set[int]:
    """Which of these processes hold a connection to one of the servers. Takes its time: not for the loop's thread."""
    from autohealer.processes.stats import holding_connection  # noqa: PLC0415 - only where somebody asks

    addresses = set()
    for server in split_hosts(hosts)[0].split(","):
        host, _, port = server.strip().rpartition(":")
        with suppress(OSError):
            found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
            addresses |= {(str(address[4][0]), int(address[4][1])) for address in found}
    return holding_connection(pids, addresses)
