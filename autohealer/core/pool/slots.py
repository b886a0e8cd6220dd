"""The agent's part: the slots that are wanted against the workers that are there.

A slot that is wanted and empty gets a worker as soon as its backoff allows; one that is not wanted is stopped: stop
signal, ``stop_timeout_s``, SIGKILL. A faulty worker is stopped in the same way, after evidence has been taken, and its
slot, being still wanted, is filled again. Nothing here waits for ZooKeeper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from autohealer.core import notices
from autohealer.core.actions import (
    Action,
    EmitEvent,
    EndOrphans,
    SignalWorker,
    SpawnWorker,
    TakeEvidence,
)
from autohealer.core.deadlines import Deadlines
from autohealer.core.events import (
    EvidenceTaken,
    OrphansEnded,
    SpawnFailed,
    WorkerAdopted,
    WorkerExited,
    WorkerSpawned,
)
from autohealer.core.model import Instant, PoolSpec, WorkerId
from autohealer.core.pool.lifecycle import Trigger, WorkerState, advance
from autohealer.core.pool.restarts import Restarts, delay_s

SIGKILL = 9
EVIDENCE_S = 2.0
REPEAT_KILL_S = 1.0


class StopStage(Enum):
    """How far the stop of a worker has come."""

    EVIDENCE = "evidence"
    ASKED = "asked"
    KILLED = "killed"


@dataclass(slots=True)
class Slot:
    """A stable place of one worker; ``worker`` is the id of its present life, None between two."""

    index: int
    restarts: Restarts
    state: WorkerState = WorkerState.GONE
    wanted: bool = False
    worker: str | None = None
    pid: int | None = None
    started: str | None = None
    since: Instant = 0.0
    starts: int = 0
    may_start_at: Instant = 0.0
    died_at: Instant | None = None
    stage: StopStage | None = None
    fault: str | None = None
    spawn_failures: int = 0
    told_ready: bool = False


class Slots:
    """All slots of this agent, by number. ``order`` takes the actions that follow from each call."""

    def __init__(self, spec: PoolSpec, agent: str, nonce: str, order: Callable[[Action], None]) -> None:
        self._spec, self._agent, self._nonce, self._order = spec, agent, nonce, order
        self._slots: dict[int, Slot] = {}
        self._by_worker: dict[str, Slot] = {}
        self._deadlines: Deadlines[int] = Deadlines()
        self._lives = 0
        self._clearing: set[str] = set()
        self._wanted: int | None = None
        self._killing = False
        self._counts = dict.fromkeys(WorkerState, 0)
        self.epoch = 0
        self.gave_up: str | None = None

    # ---- what can be asked

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots.values())

    def of(self, worker: str) -> Slot | None:
        """The slot where this worker lives now."""
        return self._by_worker.get(worker)

    def count(self, state: WorkerState) -> int:
        """How many workers are in this state."""
        return self._counts[state]

    @property
    def is_unwanted(self) -> bool:
        """Whether nothing at all is wanted."""
        return self._wanted == 0

    @property
    def processes(self) -> int:
        """How many workers have a process, or are being started."""
        return len(self._by_worker)

    @property
    def empty(self) -> bool:
        """Whether no worker, nor anything that one left behind, is there."""
        return not self._by_worker and not self._clearing

    def next_deadline(self) -> Instant | None:
        """When ``expire`` is to be called next."""
        return self._deadlines.next()

    # ---- what is wanted

    def want(self, share: int | None, now: Instant) -> None:
        """Run so many workers, in the slots from 0 up; None: keep those that run, start none."""
        if share == self._wanted:
            return
        self._wanted = share
        for index in range(share or 0):
            if index not in self._slots:
                self._add(index)
        # The surplus goes from the highest slot down.
        for slot in sorted(self._slots.values(), key=lambda slot: -slot.index if slot.wanted else slot.index):
            slot.wanted = slot.worker is not None if share is None else slot.index < share
            self._reconcile(slot, now)

    def fault(self, worker: str, cause: str, now: Instant) -> None:
        """The process is there and does not do its job: shut it down, whereupon it is replaced."""
        slot = self._by_worker.get(worker)
        if slot is None or slot.pid is None or slot.stage is not None:
            return
        slot.fault = cause
        self._move(slot, Trigger.STOP)
        slot.stage = StopStage.EVIDENCE
        self._deadlines.set(slot.index, now + EVIDENCE_S)
        self._order(TakeEvidence(worker))

    def exchange(self, worker: str, now: Instant) -> None:
        """Stop a worker whose slot is wanted, so that another takes its place."""
        slot = self._by_worker.get(worker)
        if slot is not None and slot.pid is not None and slot.stage is None:
            self._move(slot, Trigger.STOP)
            self._ask_to_stop(slot, now)

    def kill(self, worker: str) -> None:
        """SIGKILL, as if something had killed it."""
        slot = self._by_worker.get(worker)
        if slot is not None and slot.pid is not None:
            self._order(SignalWorker(worker, SIGKILL))

    def kill_all(self, now: Instant) -> None:
        """Be done at once with every worker and all that they left."""
        self._wanted, self._killing = 0, True
        for slot in list(self._slots.values()):
            slot.wanted = False
            if slot.stage is None:
                self._reconcile(slot, now)
            else:
                self._kill(slot, now)
        for worker in self._clearing:
            self._order(EndOrphans(worker, SIGKILL, 0.0))

    # ---- what is observed

    def adopt(self, event: WorkerAdopted) -> None:
        """A worker of a former life of this agent; one too many in its slot gets a number that nobody wants."""
        index = event.slot
        if index in self._slots:
            index = max(self._slots) + 1_000_000
        slot = self._add(index)
        slot.wanted = True
        slot.worker, slot.pid, slot.started = event.worker, event.pid, event.started
        slot.since, slot.starts = event.at - event.age_s, 1
        self._by_worker[event.worker] = slot
        self._move(slot, Trigger.SPAWN)
        self._tell(notices.WorkerAdopted(slot.worker, slot.pid, slot.index))

    def spawned(self, event: WorkerSpawned) -> Slot | None:
        """The slot whose worker has a process now; None where that is no news."""
        slot = self._by_worker.get(event.worker)
        if slot is None or slot.pid is not None:
            return None
        slot.pid, slot.started, slot.since = event.pid, event.started, event.at
        slot.starts += 1
        slot.spawn_failures = 0
        heal_ms = None if slot.died_at is None else round((event.at - slot.died_at) * 1000, 3)
        slot.died_at = None
        self._tell(notices.WorkerStarted(event.worker, event.pid, slot.index, 0, heal_ms))
        self._reconcile(slot, event.at)
        return slot

    def spawn_failed(self, event: SpawnFailed) -> None:
        """Try again later. Want of resources is not the worker's failure."""
        slot = self._by_worker.get(event.worker)
        if slot is None or slot.pid is not None:
            return
        if event.temporary:
            delay = delay_s(slot.spawn_failures, self._spec.backoff_max_s, event.worker)
            slot.spawn_failures += 1
        else:
            delay = slot.restarts.after_exit(0.0, event.worker)
            self._give_up_at_limit(slot, event.error)
        self._vacate(slot)
        slot.may_start_at = event.at + delay
        self._reconcile(slot, event.at)
        self._report_backoff(slot, event.at, event.error)

    def ready(self, worker: str, registered: bool) -> None:
        """The worker does its job, as far as can be told; once it is ``registered``, people are told."""
        slot = self._by_worker.get(worker)
        if slot is None or slot.pid is None:
            return
        if slot.state is WorkerState.STARTING:
            self._move(slot, Trigger.READY)
        if registered and not slot.told_ready:
            slot.told_ready = True
            self._tell(notices.WorkerReady(slot.worker, slot.pid, slot.index))

    def exited(self, event: WorkerExited) -> bool:
        """Fill the slot again if it is wanted; False where the exit is no news."""
        slot = self._by_worker.get(event.worker)
        if slot is None or slot.pid is None:
            return False
        uptime = event.at - slot.since
        how = describe_exit(event)
        asked = slot.stage is not None and slot.fault is None
        pid, fault = slot.pid, slot.fault
        self._vacate(slot)
        slot.died_at = event.at
        slot.may_start_at = event.at
        if not asked:
            slot.may_start_at += slot.restarts.after_exit(uptime, event.worker, None if fault else event.signal)
            self._give_up_at_limit(slot, fault or how)
        self._reconcile(slot, event.at)
        ended = event.worker, pid, slot.index, event.code, event.signal, round(uptime, 3)
        self._tell(notices.WorkerStopped(*ended) if asked else notices.WorkerExited(*ended, fault or cause_of(event)))
        self._report_backoff(slot, event.at, fault or how)
        self._clearing.add(event.worker)
        # What a crashed worker left would work beside its replacement; what a stopped one left may end in order.
        self._order(
            EndOrphans(event.worker, self._spec.stop_signal, self._spec.stop_timeout_s)
            if asked and not self._killing
            else EndOrphans(event.worker, SIGKILL, 0.0)
        )
        return True

    def orphans_ended(self, event: OrphansEnded) -> None:
        """Nothing of that worker is left."""
        self._clearing.discard(event.worker)

    def evidence(self, event: EvidenceTaken) -> None:
        """Now the faulty worker can be stopped."""
        slot = self._by_worker.get(event.worker)
        if slot is not None and slot.stage is StopStage.EVIDENCE:
            self._shut_down_faulty(slot, event.at, event.text)

    def expire(self, now: Instant) -> None:
        """Do what the time has come for."""
        for index in self._deadlines.due(now):
            slot = self._slots.get(index)
            if slot is None:
                continue
            if slot.stage is StopStage.EVIDENCE:
                self._shut_down_faulty(slot, now, None)
            elif slot.stage is not None:
                self._kill(slot, now)
            else:
                self._reconcile(slot, now)

    # ---- how

    def _add(self, index: int) -> Slot:
        slot = Slot(index, Restarts(self._spec.stable_after_s, self._spec.backoff_max_s))
        self._slots[index] = slot
        self._counts[slot.state] += 1
        return slot

    def _move(self, slot: Slot, trigger: Trigger) -> None:
        self._counts[slot.state] -= 1
        slot.state = advance(slot.state, trigger)
        self._counts[slot.state] += 1

    def _vacate(self, slot: Slot) -> None:
        """The present life of the slot is over."""
        if slot.worker is not None:
            del self._by_worker[slot.worker]
        self._move(slot, Trigger.EXIT)
        self._deadlines.set(slot.index, None)
        slot.worker = slot.pid = slot.started = slot.stage = slot.fault = None
        slot.told_ready = False
        if self._wanted is None:
            slot.wanted = False

    def _reconcile(self, slot: Slot, now: Instant) -> None:
        """Close the gap between wanted and observed, as far as can be done now."""
        if slot.worker is not None:
            if not slot.wanted and slot.pid is not None and slot.stage is None:
                self._move(slot, Trigger.STOP)
                self._ask_to_stop(slot, now)
        elif slot.wanted and now >= slot.may_start_at:
            self._spawn(slot)
        elif slot.wanted and slot.state is WorkerState.GONE:
            self._move(slot, Trigger.WAIT)
            self._deadlines.set(slot.index, slot.may_start_at)
        elif slot.wanted:
            self._deadlines.set(slot.index, slot.may_start_at)
        elif self._wanted is not None:
            self._discard(slot)

    def _discard(self, slot: Slot) -> None:
        if slot.state is WorkerState.BACKOFF:
            self._move(slot, Trigger.CANCEL)
        self._deadlines.set(slot.index, None)
        self._counts[slot.state] -= 1
        del self._slots[slot.index]

    def _spawn(self, slot: Slot) -> None:
        self._lives += 1
        worker = str(WorkerId(self._agent, slot.index, f"{self._nonce}{self._lives:x}"))
        self._move(slot, Trigger.SPAWN)
        self._deadlines.set(slot.index, None)
        slot.worker = worker
        self._by_worker[worker] = slot
        self._order(SpawnWorker(worker, slot.index, self.epoch))

    def _shut_down_faulty(self, slot: Slot, now: Instant, evidence: str | None) -> None:
        self._tell(notices.WorkerFaulty(slot.worker, slot.pid, slot.index, str(slot.fault), "", evidence))
        self._ask_to_stop(slot, now)

    def _ask_to_stop(self, slot: Slot, now: Instant) -> None:
        if self._killing:
            self._kill(slot, now)
        elif slot.worker is not None:
            slot.stage = StopStage.ASKED
            self._deadlines.set(slot.index, now + self._spec.stop_timeout_s)
            self._order(SignalWorker(slot.worker, self._spec.stop_signal))

    def _kill(self, slot: Slot, now: Instant) -> None:
        if slot.worker is not None:
            slot.stage = StopStage.KILLED
            self._deadlines.set(slot.index, now + REPEAT_KILL_S)
            self._order(SignalWorker(slot.worker, SIGKILL))

    def _give_up_at_limit(self, slot: Slot, how: str) -> None:
        limit = self._spec.max_failures
        if limit is not None and slot.restarts.failures >= limit and self.gave_up is None:
            times = "once" if limit == 1 else f"{limit} times in a row"
            slot.wanted = False
            self.gave_up = f"the worker in slot {slot.index} failed {times}, the last time with: {how}"

    def _report_backoff(self, slot: Slot, now: Instant, reason: str) -> None:
        if slot.state is WorkerState.BACKOFF:
            delay_s = round(slot.may_start_at - now, 3)
            self._tell(notices.WorkerBackoff(slot.worker, slot.pid, slot.index, delay_s, reason))

    def _tell(self, notice: notices.Notice) -> None:
        self._order(EmitEvent(notice))


def cause_of(event: WorkerExited) -> str:
    """How a process ended, in as few words as can be."""
    if event.signal is not None:
        return event.signal
    return "ended" if event.code is None else f"exit {event.code}"


def describe_exit(event: WorkerExited) -> str:
    """How a process ended, in words."""
    if event.signal is not None:
        return f"killed by {event.signal}"
    return "ended (its exit code went to another process)" if event.code is None else f"exit code {event.code}"
