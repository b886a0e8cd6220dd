"""All processes of this agent: how each is started, how it is stopped, and which of them run.

How one is stopped, step by step, is in ``stops``. Nothing here knows what is wanted: that is ``slots`` for those that
fill a slot, ``rollout`` for surges, ``spares`` for spares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from autohealer.core import notices
from autohealer.core.actions import (
    Action,
    EmitEvent,
    PromoteSpare,
    SignalWorker,
    SpawnWorker,
    StartSenses,
    StopSenses,
)
from autohealer.core.events import EvidenceTaken, ProcessExited, WorkerFound, WorkerSpawned
from autohealer.core.model import Instant, PoolSpec, Verdict, WorkerId
from autohealer.core.pool.addresses import Addresses
from autohealer.core.pool.life import Ended, Life, Role, StopStage, ended
from autohealer.core.pool.lifecycle import Trigger, WorkerState, advance
from autohealer.core.pool.stops import SIGKILL, Stops


class Start(msgspec.Struct, frozen=True):
    """What a new life is to be: see ``Life`` for the fields, ``restarts`` and ``last_exit`` are told to the worker."""

    number: int
    slot: int | None
    role: Role
    revision: int
    restarts: int = 0
    last_exit: str = ""


class Lives:
    """Every life by its worker id. ``order`` takes the actions that follow from each call.

    ``host``: where workers with a port of their own are reached.
    """

    def __init__(self, spec: PoolSpec, agent: str, nonce: str, order: Callable[[Action], None], host: str = "") -> None:
        self._spec, self._agent, self._nonce, self._order = spec, agent, nonce, order
        self._addresses = Addresses(spec, host, order)
        self._has_senses = spec.has_senses
        self._lives: dict[str, Life] = {}
        self._stops = Stops(spec, order)
        self._begun = 0
        self._counts: dict[tuple[Role, WorkerState], int] = {}
        self.epoch = 0
        """The fencing token of what is started from now on."""

    # ---- what can be asked

    def __iter__(self) -> Iterator[Life]:
        return iter(self._lives.values())

    def __len__(self) -> int:
        return len(self._lives)

    def of(self, worker: str) -> Life | None:
        """The life with this id, if it is not over."""
        return self._lives.get(worker)

    def address_of(self, worker: str) -> str | None:
        """Where this worker is reached, if that is known."""
        life = self._lives.get(worker)
        return None if life is None else life.address

    def with_role(self, role: Role) -> list[Life]:
        """All lives with this role, the oldest first."""
        return [life for life in self._lives.values() if life.role is role]

    def count(self, state: WorkerState, role: Role = Role.REGULAR) -> int:
        """How many lives with this role are in this state."""
        return self._counts.get((role, state), 0)

    def next_deadline(self) -> Instant | None:
        """When ``expire`` is to be called next."""
        return self._stops.next_deadline()

    # ---- orders

    def start(self, start: Start, now: Instant) -> Life:
        """Order a process. Ends in ``spawned``, or in SpawnFailed, after which the caller must ``forget`` it."""
        self._begun += 1
        is_spare = start.role is Role.SPARE
        worker = str(WorkerId(self._agent, 0 if is_spare else start.number, f"{self._nonce}{self._begun:x}"))
        life = Life(worker, start.number, start.slot, start.role, start.revision, now)
        self._add(life)
        self._order(
            SpawnWorker(
                worker,
                start.number,
                start.slot,
                self.epoch,
                start.revision,
                start.restarts,
                start.last_exit,
                is_spare,
            )
        )
        return life

    def promote(self, life: Life, slot: int) -> None:
        """A spare fills a slot from now on."""
        self._count(life, -1)
        life.role, life.slot = Role.REGULAR, slot
        life.state = advance(life.state, Trigger.PROMOTE)
        self._count(life, 1)
        self._look_at(life)
        self._order(PromoteSpare(life.worker, slot))
        self._addresses.announce(life)

    def dismiss(self, life: Life, now: Instant) -> None:
        """A promotion came to nothing: the life fills no slot after all, and is stopped if it is still there."""
        self._count(life, -1)
        life.role, life.slot = Role.EXTRA, None
        self._count(life, 1)
        self.stop(life, now)

    def stop(self, life: Life, now: Instant) -> None:
        """Ask the process to end: it is not needed. Where there is none yet it is asked as soon as there is."""
        if life.pid is None:
            life.is_unneeded = True
        elif life.stage is None:
            self._begin_stop(life)
            self._stops.ask(life, now)

    def idle(self, life: Life, now: Instant) -> None:
        """It has nothing in hand any more."""
        if life.stage is StopStage.WORKING:
            self._stops.take_evidence(life, now)

    def condemn(
        self, life: Life, verdict: Verdict, now: Instant, *, at_once: bool = False, when_idle: bool = False
    ) -> bool:
        """The process is there and does not do its job: stop it; False where it has none, or is being stopped.

        ``at_once``: SIGKILL, with no time for evidence. ``when_idle``: what it works on may end first, within
        ``stop_timeout_s``; see ``idle``.
        """
        if life.pid is None or life.stage is not None:
            return False
        life.verdict = verdict
        self._begin_stop(life)
        if at_once:
            self._stops.tell_faulty(life, None)
            self._stops.kill(life, now)
        elif when_idle and life.busy:
            self._stops.let_work(life, now)
        else:
            self._stops.take_evidence(life, now)
        return True

    def kill(self, worker: str) -> None:
        """SIGKILL, as if something had killed it: no stop that was asked for, but a death."""
        life = self._lives.get(worker)
        if life is not None and life.pid is not None:
            life.is_killed = True
            self._order(SignalWorker(worker, SIGKILL))

    def kill_all(self, now: Instant) -> None:
        """Be done at once with every process, now and from now on."""
        self._stops.killing = True
        for life in self._lives.values():
            if life.stage is None:
                self.stop(life, now)
            else:
                self._stops.kill(life, now)

    def set_ready(self, life: Life, now: Instant) -> None:
        """It does its job, as the judge says."""
        life.ready, life.ready_since = True, now
        life.first_ready = now if life.first_ready is None else life.first_ready
        self._tell(notices.WorkerReady(life.worker, life.pid, life.slot))
        self._addresses.announce(life)

    def set_unready(self, life: Life, why: str) -> None:
        """It does not do its job now; it goes on running."""
        life.ready, life.ready_since = False, None
        self._tell(notices.WorkerUnready(life.worker, life.pid, life.slot, why))
        self._addresses.announce(life)

    def set_address(self, life: Life, address: str | None) -> None:
        """It says where it is reached; None: it does not say."""
        self._addresses.set(life, address)
        self._addresses.announce(life)

    def runs(self, life: Life) -> None:
        """It counts as running from now on."""
        if life.state is WorkerState.STARTING:
            self._move(life, Trigger.STAND_BY if life.role is Role.SPARE else Trigger.READY)

    # ---- what is observed

    def adopt(self, event: WorkerFound, slot: int | None) -> Life:
        """A worker of a former life of this agent was found alive; it fills ``slot``, or none."""
        role = Role.EXTRA if slot is None else Role.REGULAR
        number = event.number if event.number is not None else event.slot or 0
        life = Life(event.worker, number, slot, role, event.revision, event.at - event.age_s)
        life.pid, life.started = event.pid, event.started
        self._add(life)
        self._tell(notices.WorkerAdopted(life.worker, life.pid, life.slot))
        self._look_at(life)
        return life

    def spawned(self, event: WorkerSpawned) -> Life | None:
        """The life that has its process now; None where that is no news."""
        life = self._lives.get(event.worker)
        if life is None or life.pid is not None:
            return None
        life.pid, life.started, life.since = event.pid, event.started, event.at
        self._look_at(life)
        if life.is_unneeded:
            self.stop(life, event.at)
        return life

    def forget(self, life: Life) -> None:
        """There is no process of this life."""
        del self._lives[life.worker]
        if life.pid is not None and not life.is_stopping:
            self._look_away(life)
        self._count(life, -1)
        life.state = advance(life.state, Trigger.EXIT)
        self._stops.over(life.worker)

    def exited(self, event: ProcessExited) -> Ended | None:
        """How the life ended; None where that is no news. People are not told yet: see ``tell_end``."""
        life = self._lives.get(event.worker)
        if life is None or life.pid is None:
            return None
        end = ended(event, life)
        self.forget(life)
        return end

    def tell_end(self, end: Ended) -> None:
        """Tell people of it."""
        life = end.life
        told = life.worker, life.pid, life.slot, end.code, end.signal, round(end.uptime_s, 3)
        self._tell(notices.WorkerStopped(*told) if end.asked else notices.WorkerExited(*told, end.cause))

    def evidence(self, event: EvidenceTaken) -> None:
        """Now the condemned worker can be stopped."""
        life = self._lives.get(event.worker)
        if life is not None and life.stage is StopStage.EVIDENCE:
            self._stops.shut_down(life, event.at, event.evidence.text)

    def expire(self, now: Instant) -> None:
        """Do what the time has come for."""
        self._stops.expire(now, self._lives.__getitem__)

    # ---- how

    def _add(self, life: Life) -> None:
        self._addresses.set(life, None)
        self._lives[life.worker] = life
        self._count(life, 1)

    def _count(self, life: Life, change: int) -> None:
        key = life.role, life.state
        self._counts[key] = self._counts.get(key, 0) + change

    def _move(self, life: Life, trigger: Trigger) -> None:
        self._count(life, -1)
        life.state = advance(life.state, trigger)
        self._count(life, 1)

    def _begin_stop(self, life: Life) -> None:
        self._move(life, Trigger.STOP)
        self._addresses.announce(life)
        self._look_away(life)

    def _look_at(self, life: Life) -> None:
        if self._has_senses and life.pid is not None and life.role is not Role.SPARE:
            self._order(StartSenses(life.worker, life.pid, life.number, self._addresses.port(life.number)))

    def _look_away(self, life: Life) -> None:
        if self._has_senses and life.role is not Role.SPARE:
            self._order(StopSenses(life.worker))

    def _tell(self, notice: notices.Notice) -> None:
        self._order(EmitEvent(notice))
