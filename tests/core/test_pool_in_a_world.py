"""One agent's workers, spares, senses and people, in any order: always safe, and well once all is left in peace.

ZooKeeper answers at once here; what it does otherwise is in ``test_supervisor_in_a_world``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatchmethod
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from autohealer.core import actions, events
from autohealer.core.actions import Action
from autohealer.core.events import Event, Usage
from autohealer.core.incident import Incident, IncidentOutcome
from autohealer.core.model import Plan, PoolSpec, ReadyWhen, RegistrationMode, RestartPolicy
from autohealer.core.operations import Operation
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.core.pool.supervisor import Identity, Supervisor

MOST, MIB, SIGKILL = 8, 2**20, 9
PROBE = "tcp"
PICK = st.integers(0, 2**16)
SECONDS = st.sampled_from([0.0, 0.01, 0.5, 1.0, 2.0, 5.0, 30.0, 100.0])


@dataclass(slots=True)
class Process:
    """A worker as its world sees it."""

    slot: int | None
    spare: bool
    dying: bool = False
    stopping: bool = False
    condemned: bool = False


class Hospital:
    """The world around one supervisor: it obeys, and checks at every order that it is safe."""

    def __init__(self, spec: PoolSpec, target: int) -> None:
        self.spec, self.now, self.target, self.zxid = spec, 1000.0, target, 10
        self.supervisor = Supervisor(spec, Identity("me", "n", "host", 1, "1"), overwrite_target=False)
        self.processes: dict[str, Process] = {}
        self.in_flight: list[Action] = []
        self.looked_at: set[str] = set()
        self.incidents: dict[str, Incident] = {}
        self.exits: list[actions.EndAgent] = []
        self.operations = 0
        self.tell(events.SessionOpened, 6.0, False)
        self.tell(events.TargetRead, target)
        self.tell(events.AgentsRead, {"me": None})
        self.tell(events.LeadershipWon, 5)
        self.tell(events.ChildrenRead, ())

    # ---- events in, orders out

    def tell(self, kind: type[Event], *fields: Any, **more: Any) -> None:
        self._step(kind(self.now, *fields, **more))
        for _ in range(4):
            due = self.supervisor.next_deadline()
            if due is None or due > self.now or self.exits:
                return
            self._step(events.DeadlineReached(self.now))
        raise AssertionError(f"asks again and again to be called at {due}, and it is {self.now}")

    def _step(self, event: Event) -> None:
        if self.exits:
            return
        for order in self.supervisor.handle(event):
            self._obey(order)
        self._check()

    def pass_time(self, seconds: float, *, punctual: bool = True) -> None:
        until = self.now + seconds
        while punctual and not self.exits and (due := self.supervisor.next_deadline()) is not None and due <= until:
            self.now = max(due, self.now)
            self.tell(events.DeadlineReached)
        self.now = until
        self.tell(events.DeadlineReached)

    # ---- safety

    def _check(self) -> None:
        snapshot = self.supervisor.snapshot(self.now)
        views = {view.worker: view for view in snapshot.workers if view.pid is not None}
        assert set(views) == set(self.processes)
        slots = [view.slot for view in snapshot.workers if view.slot is not None]
        assert len(slots) == len(set(slots)), "two in one slot"
        standing = [view for view in views.values() if view.state is WorkerState.STANDBY]
        assert len(standing) <= self.spec.spares
        assert snapshot.spares in (None, len(standing))
        serving = {worker for worker, process in self.processes.items() if not process.spare and not process.stopping}
        assert self.looked_at == (serving if self.spec.has_senses else set())

    @singledispatchmethod
    def _obey(self, order: Action) -> None:
        """Any other order changes nothing here."""

    @_obey.register
    def _(self, order: actions.SpawnWorker) -> None:
        assert (order.slot is None) is order.is_spare, "only spares, in a world without rollouts"
        if order.slot is not None:
            assert order.slot < (self.supervisor.snapshot(self.now).share or 0)
            spawning = [other.slot for other in self.in_flight if isinstance(other, actions.SpawnWorker)]
            assert order.slot not in spawning + [process.slot for process in self.processes.values()], "two in one slot"
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.PromoteSpare) -> None:
        process = self.processes[order.worker]
        assert process.spare, "only a spare can be promoted"
        assert not process.stopping
        assert all(other.slot != order.slot for other in self.processes.values()), "two in one slot"
        process.spare, process.slot = False, order.slot
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.SignalWorker) -> None:
        process = self.processes[order.worker]
        process.dying = True

    @_obey.register
    def _(self, order: actions.TakeEvidence) -> None:
        assert not self.processes[order.worker].condemned, "condemned twice"
        self.processes[order.worker].condemned = True
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.EndOrphans) -> None:
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.StartSenses) -> None:
        assert order.worker not in self.looked_at
        self.looked_at.add(order.worker)

    @_obey.register
    def _(self, order: actions.StopSenses) -> None:
        self.looked_at.remove(order.worker)
        if order.worker in self.processes:
            self.processes[order.worker].stopping = True

    @_obey.register
    def _(self, order: actions.RecordIncident) -> None:
        former = self.incidents.get(order.incident.id)
        # One that was held is closed when its worker dies; the death is told under the same id.
        assert former is None or not former.is_closed or former.outcome is IncidentOutcome.HELD, (
            "a closed story is told again"
        )
        self.incidents[order.incident.id] = order.incident

    @_obey.register
    def _(self, order: actions.WritePlan) -> None:
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.MakeStandIn) -> None:
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.LeaveCluster) -> None:
        assert not self.processes
        self.in_flight.append(order)

    @_obey.register
    def _(self, order: actions.EndAgent) -> None:
        self.exits.append(order)

    # ---- what comes of orders

    def answer(self, order: Action, *, well: bool = True) -> None:
        self.in_flight.remove(order)
        match order:
            case actions.SpawnWorker(worker=worker, slot=slot, is_spare=spare) if well:
                self.processes[worker] = Process(slot, spare)
                self.tell(events.WorkerSpawned, worker, 100, "now")
            case actions.SpawnWorker(worker=worker):
                self.tell(events.SpawnFailed, worker, "no", True, "EAGAIN")
            case actions.PromoteSpare(worker=worker) if well and worker in self.processes:
                self.tell(events.SparePromoted, worker)
            case actions.PromoteSpare(worker=worker):
                if worker in self.processes:
                    self.processes[worker].slot = None
                self.tell(events.PromotionFailed, worker)
            case actions.TakeEvidence(worker) if well:
                self.tell(events.EvidenceTaken, worker, events.Evidence())
            case actions.EndOrphans(worker):
                self.tell(events.OrphansEnded, worker)
            case actions.WritePlan(plan):
                self.put_plan(plan)
            case actions.MakeStandIn(worker):
                self.tell(events.StandInMade, worker)
            case actions.LeaveCluster():
                self.tell(events.ClusterLeft)

    def put_plan(self, plan: Plan) -> None:
        self.zxid += 1
        self.tell(events.PlanRead, plan, self.zxid)

    def die(self, worker: str, code: int | None = None) -> None:
        del self.processes[worker]
        self.tell(events.ProcessExited, worker, code, None if code is not None else "SIGKILL")

    # ---- liveness

    def calm(self) -> None:
        """Nothing fails any more, and time flows until all is well for a while."""
        self.tell(events.HoldRead, frozenset())
        rest = 0
        for _ in range(3000):
            if self.exits or rest > 60:
                return
            dying = [worker for worker, process in self.processes.items() if process.dying]
            if self.in_flight:
                self.answer(self.in_flight[0])
            elif dying:
                self.die(dying[0])
            else:
                self._all_report()
                self.pass_time(1.0)
                rest = rest + 1 if self.is_well else 0
        raise AssertionError(f"{self.target} are never well: {self.supervisor.snapshot(self.now).workers}")

    def _all_report(self) -> None:
        for worker, process in list(self.processes.items()):
            if worker not in self.processes or process.stopping or process.dying:
                continue
            self.tell(events.NotifyReceived, worker, ready=True, beat=True)
            if worker in self.looked_at:
                self.tell(events.ProbeAnswered, worker, PROBE, True, "")
        usages = {worker: Usage(self.now, MIB, "S", traced=False, output_bytes=None) for worker in self.looked_at}
        self.tell(events.UsageSampled, usages, 100 * MIB)

    @property
    def is_well(self) -> bool:
        snapshot = self.supervisor.snapshot(self.now)
        workers = [view for view in snapshot.workers if view.slot is not None]
        finished = sum(snapshot.finished or (0, 0))
        return (
            len(self.processes) == self.target - finished + (self.spec.spares if self.target else 0)
            and sum(view.ready for view in workers) == self.target - finished
            and not any(view.held for view in workers)
        )

    def assert_told(self) -> None:
        """Every story has its end."""
        still_open = [incident for incident in self.incidents.values() if not incident.is_closed]
        assert still_open == []


class PoolInAWorld(RuleBasedStateMachine):
    """Rules are what can happen; safety is checked by the world at every event, liveness at the end."""

    world: Hospital

    @initialize(
        workers=st.integers(1, MOST),
        spares=st.sampled_from([0, 0, 1, 2]),
        probes=st.sampled_from([(), (PROBE,)]),
        ready=st.sampled_from([None, ReadyWhen.STARTED, ReadyWhen.NOTIFY]),
        beat=st.sampled_from([None, 5.0]),
        restart=st.sampled_from([RestartPolicy.ALWAYS, RestartPolicy.ALWAYS, RestartPolicy.ON_FAILURE]),
        max_faulty=st.sampled_from([0.25, 3]),
    )
    def begin(
        self,
        *,
        workers: int,
        spares: int,
        probes: tuple[str, ...],
        ready: ReadyWhen | None,
        beat: float | None,
        restart: RestartPolicy,
        max_faulty: int | float,
    ) -> None:
        spec = PoolSpec(
            "default",
            workers,
            registration=RegistrationMode.AGENT,
            spares=spares,
            probes=probes,
            ready=ready,
            beat_timeout_s=beat,
            restart=restart,
            max_faulty=max_faulty,
            stopped_timeout_s=10.0,
            task_timeout_s=20.0,
            kill_rss=500 * MIB,
        )
        self.world = Hospital(spec, workers)

    def pick(self, number: int) -> str:
        return sorted(self.world.processes)[number % len(self.world.processes)]

    @precondition(lambda self: self.world.in_flight)
    @rule(number=PICK, well=st.sampled_from([True, True, False]))
    def an_order_is_done_or_fails(self, number: int, well: bool) -> None:
        self.world.answer(self.world.in_flight[number % len(self.world.in_flight)], well=well)

    @precondition(lambda self: self.world.in_flight)
    @rule()
    def all_orders_are_done(self) -> None:
        for order in self.world.in_flight.copy():
            self.world.answer(order)

    @precondition(lambda self: self.world.processes)
    @rule(number=PICK, code=st.sampled_from([None, 0, 1]))
    def a_worker_dies(self, number: int, code: int | None) -> None:
        self.world.die(self.pick(number), code)

    @precondition(lambda self: any(process.dying for process in self.world.processes.values()))
    @rule()
    def those_that_were_told_to_die_do(self) -> None:
        for worker in [worker for worker, process in self.world.processes.items() if process.dying]:
            self.world.die(worker)

    @precondition(lambda self: self.world.processes)
    @rule(number=PICK, ok=st.booleans(), weight=st.sampled_from([1.0, 0.5]))
    def a_probe_answers(self, number: int, ok: bool, weight: float) -> None:
        self.world.tell(events.ProbeAnswered, self.pick(number), PROBE, ok, "500", weight)

    @rule(times=st.integers(1, 4))
    def what_all_depend_on_fails(self, times: int) -> None:
        for worker in sorted(self.world.looked_at) * times:
            self.world.tell(events.ProbeAnswered, worker, PROBE, False, "500")

    @rule()
    def all_report_that_they_are_well(self) -> None:
        self.world._all_report()

    @precondition(lambda self: self.world.processes)
    @rule(
        number=PICK,
        said=st.sampled_from(
            [{"ready": True}, {"beat": True}, {"trigger": True}, {"idle": True}, {"task": "a"}, {"task_ended": "a"},
             {"progress": 1.0}, {"stopping": True}, {"extend_s": 10.0}]
        ),
    )  # fmt: skip
    def a_worker_says_something(self, number: int, said: dict[str, Any]) -> None:
        self.world.tell(events.NotifyReceived, self.pick(number), **said)

    @precondition(lambda self: self.world.processes)
    @rule(number=PICK, state=st.sampled_from("ST"), rss=st.sampled_from([1, 600]))
    def a_worker_is_looked_at(self, number: int, state: str, rss: int) -> None:
        usage = Usage(1.0, rss * MIB, state, traced=False, output_bytes=None)
        self.world.tell(events.UsageSampled, {self.pick(number): usage}, 100 * MIB)

    @rule(senses=st.sampled_from([(), ("probe",), ("all",)]))
    def somebody_holds_or_releases(self, senses: tuple[str, ...]) -> None:
        self.world.tell(events.HoldRead, frozenset(senses))

    @rule(number=st.integers(1, MOST))
    def somebody_scales(self, number: int) -> None:
        self.world.target = number
        self.world.tell(events.TargetRead, number)
        for order in [order for order in self.world.in_flight if isinstance(order, actions.WritePlan)]:
            self.world.answer(order)

    @precondition(lambda self: self.world.processes)
    @rule(number=PICK)
    def somebody_kills_one(self, number: int) -> None:
        self.world.operations += 1
        operation = Operation(id=str(self.world.operations), verb="kill", subject=self.pick(number), by="ann")
        self.world.tell(events.OperationRequested, operation)

    @rule(seconds=SECONDS, punctual=st.sampled_from([True, True, False]))
    def time_passes(self, seconds: float, punctual: bool) -> None:
        self.world.pass_time(seconds, punctual=punctual)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.calm()
        if not self.world.exits:
            self.world.assert_told()


TestPoolInAWorld = PoolInAWorld.TestCase
TestPoolInAWorld.settings = settings(max_examples=60, stateful_step_count=40)
