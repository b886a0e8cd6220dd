"""A small model of the world around one supervisor: processes, ZooKeeper, other agents, people.

It obeys the supervisor's orders, late or never as a test likes, and checks at every one that it is safe: that two
workers never share a slot, that nothing is written by one who does not lead, that nothing is signalled but a worker
that lives. ``calm`` ends all faults and lets time flow until nothing moves any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import singledispatchmethod
from math import inf
from typing import Any

from autohealer.core import actions, events
from autohealer.core.actions import Action
from autohealer.core.cluster.publication import HEAL_S
from autohealer.core.events import Event
from autohealer.core.model import AgentEntry, Child, Plan, PoolSpec
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.supervisor import Identity, Supervisor

SIGKILL = 9
SESSION_TIMEOUT_S = 6.0
ME = Identity("me", "n", "host", 1, "1")
OTHER = AgentEntry("elsewhere", 2, "1")


class Habit(Enum):
    """How the workers of this world register."""

    BY_ID = "by id"
    ANONYMOUSLY = "anonymously"
    NEVER = "never"


class Answer(Enum):
    """What comes of an order."""

    WELL = "well"
    BADLY = "badly"
    WORSE = "worse"


@dataclass(slots=True)
class Process:
    """A worker that lives, as far as the supervisor can know."""

    slot: int | None
    deaf: bool = False
    dying: bool = False
    to_end: bool = False


class World:
    """Everything outside of one supervisor."""

    def __init__(
        self, spec: PoolSpec, habit: Habit, *, target: int | None = None, overwrite_target: bool = False
    ) -> None:
        self.supervisor = Supervisor(spec, ME, overwrite_target=overwrite_target)
        self.spec, self.habit, self.now = spec, habit, 1000.0
        # Processes
        self.processes: dict[str, Process] = {}
        self.dead: list[str] = []
        self.ids: set[str] = set()
        self.in_flight: list[Action] = []
        # ZooKeeper
        self.session = self.connected = False
        self.leader: str | None = None
        self.epoch = self.zxid = 0
        self.target, self.plan = target, None if target is None else Plan(0, "old", target, 0, {})
        self.others: set[str] = set()
        self.own: set[str] = set()
        self.anonymous: dict[str, int] = {}
        self.foreign: set[Child] = set()
        self.stand_ins: set[str] = set()
        self.stand_ins_ordered: set[str] = set()
        self.watched: set[str] = set()
        self.seen: set[str] = set()
        self.unread: set[str] = set()
        # The agent
        self.entry: AgentEntry | None = None
        self.drained = self.killed = False
        self.exits: list[actions.EndAgent] = []
        self.is_together = False

    # ---- events in, orders out

    def tell(self, kind: type[Event], *fields: Any) -> list[Action]:
        """This happens now. Whoever asks to be called now is called, but must have done with it soon."""
        orders = self._step(kind(self.now, *fields))
        if self.is_together:
            return orders
        for _ in range(3):
            due = self.supervisor.next_deadline()
            if due is None or due > self.now or self.exits:
                return orders
            orders += self._step(events.DeadlineReached(self.now))
        raise AssertionError(f"asks again and again to be called at {due}, and it is {self.now}")

    def _step(self, event: Event) -> list[Action]:
        if self.exits:
            return []
        if self.is_together:
            return self._obey_all(self.supervisor.take_in(event))
        orders = self._obey_all(self.supervisor.handle(event))
        self._check()
        return orders

    @contextmanager
    def together(self, *, really: bool = True) -> Iterator[None]:
        """What is told meanwhile is taken in as it comes, and concluded at the end."""
        self.is_together = really
        yield
        self.is_together = False
        if really and not self.exits:
            self._obey_all(self.supervisor.conclude(self.now))
            self._check()
            self.tell(events.DeadlineReached)

    def _obey_all(self, orders: list[Action]) -> list[Action]:
        for order in orders:
            self._obey(order)
        return orders

    def pass_time(self, seconds: float, *, punctual: bool = True) -> None:
        """Time flows; a supervisor whose timer is not punctual is called only at the end."""
        until = self.now + seconds
        while punctual and not self.exits and (due := self.supervisor.next_deadline()) is not None and due <= until:
            self.now = due
            self.tell(events.DeadlineReached)
        self.now = until
        self.tell(events.DeadlineReached)

    @property
    def share(self) -> int | None:
        """The most that the agent may run; None where nobody has said so."""
        return 0 if self.killed or self._gave_up else self.supervisor.snapshot(self.now).share

    @property
    def _gave_up(self) -> bool:
        return self.spec.max_failures is not None and self.supervisor.snapshot(self.now).draining and not self.drained

    # ---- safety

    def _check(self) -> None:
        """What must hold after every event."""
        snapshot, share = self.supervisor.snapshot(self.now), self.share
        workers = snapshot.workers
        assert {view.worker for view in workers if view.pid} == set(self.processes)
        assert snapshot.running == sum(view.state is WorkerState.RUNNING and view.slot is not None for view in workers)
        unwanted = {
            view.worker
            for view in workers
            if view.pid and share is not None and (view.slot is None or view.slot >= share)
        }
        assert all(self.processes[worker].to_end for worker in unwanted if worker), "a surplus is not being stopped"
        timed = {WorkerState.STOPPING} | ({WorkerState.BACKOFF} if share else set())
        assert not (timed & {view.state for view in workers}) or self.supervisor.next_deadline() is not None
        if self.entry is not None and not self.exits and not snapshot.draining:
            soon = (self.supervisor.next_deadline() or inf) <= self.now + HEAL_S
            healing = snapshot.running < self.entry.running == self.entry.share and soon
            assert self.entry.running == snapshot.running or healing
        assert len(self.exits) <= 1

    @singledispatchmethod
    def _obey(self, order: Action) -> None:
        """Any other order changes nothing here."""

    @_obey.register
    def _(self, order: actions.SpawnWorker) -> None:
        assert order.worker not in self.ids, "an id is used twice"
        self.ids.add(order.worker)
        assert self.share is not None, "nobody asked for it"
        assert order.slot is not None
        assert order.slot < self.share, "more than wanted"
        spawning = [other.slot for other in self.in_flight if isinstance(other, actions.SpawnWorker)]
        adopted_twice = [view.worker for view in self.supervisor.snapshot(self.now).workers if view.slot is None]
        living = [process.slot for worker, process in self.processes.items() if worker not in adopted_twice]
        assert order.slot not in spawning + living, "two in one slot"
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.SignalWorker) -> None:
        process = self.processes.get(order.worker)
        assert process is not None, "a signal to what is no worker of ours"
        process.to_end = True
        process.dying = process.dying or order.signum == SIGKILL or not process.deaf

    @_obey.register
    def _(self, order: actions.TakeEvidence) -> None:
        self.processes[order.worker].to_end = True
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.EndOrphans) -> None:
        assert order.worker not in self.processes, "what a living worker has is cleared"
        former = [o for o in self.in_flight if isinstance(o, actions.EndOrphans) and o.worker == order.worker]
        self.in_flight = [*(o for o in self.in_flight if o not in former), order]

    @_obey.register
    def _(self, order: actions.InspectConnections) -> None:
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.WatchRegistration) -> None:
        self.watched.add(order.worker)
        self.unread.add("registrations")

    @_obey.register
    def _(self, order: actions.MakeStandIn) -> None:
        assert order.worker in self.processes, "a stand-in for what does not live"
        self.stand_ins_ordered.add(order.worker)
        self.unread.add("stand-ins")

    @_obey.register
    def _(self, order: actions.WithdrawStandIn) -> None:
        self.stand_ins_ordered.discard(order.worker)
        self.stand_ins.discard(order.worker)

    @_obey.register
    def _(self, order: actions.RemoveRegistration) -> None:
        assert order.worker not in self.processes, "the registration of a living worker is removed"
        for registrations in (self.stand_ins_ordered, self.stand_ins, self.own, self.watched, self.seen):
            registrations.discard(order.worker)

    @_obey.register
    def _(self, order: actions.PublishAgent) -> None:
        self.entry = order.entry
        self.unread.add("agents")

    @_obey.register
    def _(self, order: actions.WriteTarget) -> None:
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.WriteHold) -> None:
        self.tell(events.HoldRead, order.senses)

    @_obey.register
    def _(self, order: actions.WritePlan) -> None:
        assert self.connected, "a plan is written while ZooKeeper is away"
        assert (self.leader, self.epoch) == ("me", order.plan.epoch), "a plan is written by one who does not lead"
        assert sum(order.plan.shares.values()) >= max(0, order.plan.target - order.plan.foreign)
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.LeaveCluster) -> None:
        assert not self.processes, "it leaves while a worker lives"
        assert not self.in_flight or all(isinstance(other, _LATE) for other in self.in_flight)
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.EndAgent) -> None:
        self.exits.append(order)

    # ---- what comes of orders

    def answer(self, order: Action, how: Answer = Answer.WELL) -> None:
        """The order is carried out, or fails."""
        self.in_flight.remove(order)
        match order:
            case actions.SpawnWorker(worker, _, slot) if how is Answer.WELL:
                self.processes[worker] = Process(slot)
                self.tell(events.WorkerSpawned, worker, 100 + len(self.ids), "now")
            case actions.SpawnWorker(worker):
                self.tell(events.SpawnFailed, worker, "error", how is Answer.BADLY)
            case actions.EndOrphans(worker):
                self.tell(events.OrphansEnded, worker)
            case actions.TakeEvidence(worker) if how is Answer.WELL:
                self.tell(events.EvidenceTaken, worker, events.Evidence())
            case actions.InspectConnections(workers):
                connected = set(workers) & set(self.processes) if self.habit is Habit.ANONYMOUSLY else set()
                self.tell(events.ConnectionsSeen, frozenset(connected))
            case actions.WriteTarget() if not self.connected:
                self.in_flight.append(order)
            case actions.WriteTarget(workers):
                self.target = workers
                self.tell(events.TargetRead, workers)
            case actions.WritePlan(plan) if (self.leader, self.epoch, how) == ("me", plan.epoch, Answer.WELL):
                self.put_plan(plan)
                self.tell(events.PlanRead, plan, self.zxid)
            case actions.WritePlan():
                self.tell(events.PlanRefused)
            case actions.LeaveCluster():
                self.tell(events.ClusterLeft)

    def die(self, worker: str) -> None:
        """The process is gone; its registrations linger."""
        del self.processes[worker]
        self.dead.append(worker)
        self.tell(events.ProcessExited, worker, None, "SIGKILL")

    def adopt(self, worker: str, slot: int) -> None:
        """A worker of this agent's former life lives."""
        self.ids.add(worker)
        self.processes[worker] = Process(slot)
        self.tell(events.WorkerFound, worker, slot, 99, "then", 100.0)

    # ---- people

    def drain(self) -> None:
        self.drained = self.drained or not (self.exits or self._gave_up)
        self.tell(events.DrainRequested, "SIGTERM")

    def kill(self) -> None:
        self.killed = self.killed or not self.exits
        self.tell(events.KillRequested)
        assert all(process.dying for process in self.processes.values())

    # ---- ZooKeeper

    def open_session(self) -> None:
        self.session = self.connected = True
        self.unread |= {"target", "plan", "agents", "registrations", "stand-ins"}
        self.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)

    def suspend(self) -> None:
        self.connected = False
        self.tell(events.ConnectionSuspended)

    def resume(self) -> None:
        self.connected = True
        self.tell(events.ConnectionResumed)

    def lose_session(self) -> None:
        self.session = self.connected = False
        self.stand_ins.clear()
        self.leader = None if self.leader == "me" else self.leader
        self.tell(events.SessionLost)

    def elect(self, agent: str) -> None:
        """This agent leads from now on."""
        if self.leader == "me" != agent:
            self.tell(events.LeadershipLost)
        self.leader = agent
        self.epoch += 1
        if agent == "me":
            self.unread.add("children")
            self.tell(events.LeadershipWon, self.epoch)

    def put_plan(self, plan: Plan | None) -> None:
        self.zxid += 1
        self.plan = plan
        self.unread.add("plan")

    def children(self) -> tuple[Child, ...]:
        own = {Child(worker, worker) for worker in self.own}
        stand_ins = {Child(f"{worker}.agent", worker) for worker in self.stand_ins}
        anonymous = {Child(f"worker_{number}", None) for number in self.anonymous.values()}
        return tuple(own | stand_ins | anonymous | self.foreign)

    def read(self, what: str) -> None:
        """News of this kind reaches the agent."""
        self.unread.discard(what)
        match what:
            case "target":
                self.tell(events.TargetRead, self.target)
            case "plan":
                self.tell(events.PlanRead, self.plan, self.zxid)
            case "agents":
                self.tell(events.AgentsRead, {"me": self.entry, **dict.fromkeys(self.others, OTHER)})
            case "children" if self.leader == "me":
                self.tell(events.ChildrenRead, self.children())
            case "registrations":
                for worker in sorted(self.watched):
                    if (there := worker in self.own) != (worker in self.seen):
                        (self.seen.add if there else self.seen.discard)(worker)
                        self.tell(events.RegistrationSeen if there else events.RegistrationGone, worker)
            case "stand-ins":
                for worker in sorted(self.stand_ins_ordered - self.stand_ins):
                    if worker in self.stand_ins_ordered:
                        self.stand_ins.add(worker)
                        self.unread.add("children")
                        self.tell(events.StandInMade, worker)

    def register(self, worker: str) -> None:
        """The worker registers as is its habit."""
        if self.habit is Habit.BY_ID:
            self.own.add(worker)
        elif self.habit is Habit.ANONYMOUSLY and worker not in self.anonymous:
            self.zxid += 1
            self.anonymous[worker] = self.zxid
        self.unread |= {"registrations", "children"}

    def unregister(self, worker: str) -> None:
        """The worker's session ends, whether or not it lives."""
        self.own.discard(worker)
        self.anonymous.pop(worker, None)
        self.unread |= {"registrations", "children"}

    def wipe(self) -> None:
        """All data is gone, or was deleted by hand."""
        self.target = None
        self.put_plan(None)
        for registrations in (self.own, self.anonymous, self.stand_ins, self.foreign):
            registrations.clear()
        self.unread |= {"target", "plan", "registrations", "stand-ins", "children"}
        self.tell(events.WorkersRecreated)

    # ---- liveness

    def calm(self) -> None:
        """All faults end: whatever was ordered is done, whoever lives registers, and time flows till nothing moves."""
        self.others.clear()
        self.foreign.clear()
        self.unread |= {"agents", "children"}
        for process in self.processes.values():
            process.deaf = False
        for _ in range(1000):
            if not self._make_progress():
                due = self.supervisor.next_deadline()
                if due is None or self.exits:
                    return
                self.now = max(self.now, due)
                self.tell(events.DeadlineReached)
        raise AssertionError("it never comes to rest")

    def _make_progress(self) -> bool:
        """Do one thing that is left to do, if there is any."""
        living = set(self.processes)
        lingering = [worker for worker in [*self.own, *self.anonymous] if worker not in living]
        unregistered = living - self.own - set(self.anonymous) if self.habit is not Habit.NEVER else set()
        dying = [worker for worker, process in self.processes.items() if process.dying]
        if self.in_flight and (self.connected or not isinstance(self.in_flight[0], actions.WriteTarget)):
            self.answer(self.in_flight[0])
        elif dying:
            self.die(dying[0])
        elif not self.session:
            self.open_session()
        elif not self.connected:
            self.resume()
        elif self.leader != "me":
            self.elect("me")
        elif unregistered:
            self.register(min(unregistered))
        elif lingering:
            self.unregister(lingering[0])
        elif self.unread:
            self.read(min(self.unread))
        else:
            return False
        return True

    def assert_well(self) -> None:
        """As many workers run as are wanted, all are registered, and the agent knows it."""
        if self.drained or self.killed or self._gave_up:
            self.assert_ended()
            return
        snapshot = self.supervisor.snapshot(self.now)
        assert self.target is not None
        filled = {process.slot for process in self.processes.values()}
        assert (filled, len(self.processes)) == (set(range(self.target)), self.target)
        assert (snapshot.target, snapshot.share, snapshot.running) == (self.target,) * 3
        assert (snapshot.registered, snapshot.foreign, snapshot.leader) == (self.target, 0, "me")
        named = {child.worker for child in self.children()} - {None}
        assert named == (set() if self._nameless else set(self.processes))

    @property
    def _nameless(self) -> bool:
        """Whether workers register anonymously, and the agent has found that out."""
        return self.habit is Habit.ANONYMOUSLY

    def assert_ended(self) -> None:
        """Nothing is left, and the agent has said once, and rightly, why it ends."""
        asked = 0 if self.drained else 4
        assert not self.processes
        assert not self.own
        assert not self.stand_ins
        assert [leave.code for leave in self.exits] == [130 if self.killed else asked]


_LATE = (actions.TakeEvidence, actions.InspectConnections, actions.WriteTarget, actions.WritePlan)
