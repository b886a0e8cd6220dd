"""One host: its workers, its way to ZooKeeper, and an agent of the real core and coordination, on virtual time."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from autohealer.coordination.pool.cluster import Cluster
from autohealer.core import actions, events
from autohealer.core.events import Evidence
from autohealer.core.model import OnPartition, PoolSpec
from autohealer.core.operations import Operation
from autohealer.core.pool.supervisor import Identity, Supervisor
from tests.simulation.client import SimulatedClient
from tests.simulation.network import Network

if TYPE_CHECKING:
    from autohealer.coordination.session.port import SessionId
    from tests.simulation.clock import Clock
    from tests.simulation.world import World

SESSION_S = 6.0
SIGKILL = 9


@dataclass
class Process:
    """A worker's process. It outlives the agent that started it."""

    worker: str
    slot: int | None
    number: int
    pid: int
    started_at: float
    is_ending: bool = False


@dataclass
class Ledger:
    """What the next life of an agent knows of the last one."""

    session: SessionId | None = None
    target_is_written: bool = False


class Agent:
    """One life of an agent: from the start of its process to its end. ``Site`` of its client."""

    def __init__(self, host: Host, life: int) -> None:
        self.host, self.world = host, host.world
        self.clock: Clock = host.world.clock
        self.dice: random.Random = host.world.dice
        self.network = host.network
        self.is_alive = True
        self.frozen = False
        self._frozen_calls: deque[tuple[Callable[..., object], tuple[object, ...]]] = deque()
        self._due: float | None = None
        self._inbox: deque[events.Event] = deque()
        self._guard: actions.ArmWatchdog | None = None
        spec = PoolSpec(
            "default",
            host.target,
            registration=host.world.registration,
            on_partition=host.world.policy,
            capacity=host.capacity,
        )
        me = Identity(host.name, f"n{life:03}", host.name, 1, "1")
        self.supervisor = Supervisor(spec, me, overwrite_target=False)
        self.cluster = Cluster(
            "simulated:1",
            "default",
            host.name,
            SESSION_S,
            post=self._post,
            call_soon=self.call,
            call_later=self.later,
            clock=lambda: self.clock.now,
            prior_session=host.ledger.session,
            wall=lambda: self.clock.now,
            make_client=partial(SimulatedClient, self, SESSION_S),
            token=lambda: self.dice.randbytes(4).hex(),
        )
        self._deeds: dict[type[actions.Action], Callable[[Any], object]] = {
            actions.SpawnWorker: self._spawn,
            actions.SignalWorker: self._signal,
            actions.EndOrphans: lambda a: self.later(0.01, self._tell, events.OrphansEnded, a.worker),
            actions.TakeEvidence: lambda a: self.later(0.01, self._tell, events.EvidenceTaken, a.worker, Evidence()),
            actions.WatchRegistration: lambda a: self.cluster.watch_registration(a.worker),
            actions.MakeStandIn: self._make_stand_in,
            actions.WithdrawStandIn: lambda a: self.cluster.withdraw_stand_in(a.worker),
            actions.AnnounceAddress: lambda a: self.cluster.announce_address(a.worker, a.address),
            actions.RemoveRegistration: lambda a: self.cluster.remove_registration(a.worker),
            actions.PublishAgent: lambda a: self.cluster.publish_agent(a.entry),
            actions.WriteTarget: lambda a: self.cluster.write_target(a.workers),
            actions.WritePlan: lambda a: self.cluster.write_plan(a.plan),
            actions.ProveAuthority: lambda a: self.cluster.prove(a.asked_at),
            actions.ArmWatchdog: self._arm,
            actions.InspectConnections: lambda _: self.later(0.01, self._tell, events.ConnectionsSeen, frozenset()),
            actions.AnswerOperation: self._answered,
            actions.LeaveCluster: lambda _: self.cluster.leave(),
            actions.EndAgent: self._exit,
        }

    def begin(self) -> None:
        """What an agent does first: adopt, then connect."""
        for process in list(self.host.processes.values()):
            age = self.clock.now - process.started_at
            self._tell(events.WorkerFound, process.worker, process.slot, process.pid, "then", age, 1, process.number)
        if self.world.policy is OnPartition.STOP:
            self.later(0.05, self._tell, events.WatchdogReady)
        self.later(0.01, self.cluster.connect)

    # ---- the process

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """In the loop, soon."""
        self.clock.later(0.0, self._run, function, arguments)

    def later(self, seconds: float, function: Callable[..., object], *arguments: object) -> object:
        """In the loop, after so long."""
        return self.clock.later(seconds, self._run, function, arguments)

    def _run(self, function: Callable[..., object], arguments: tuple[object, ...]) -> None:
        if not self.is_alive:
            return
        if self.frozen:
            self._frozen_calls.append((function, arguments))
        else:
            function(*arguments)

    def freeze(self) -> None:
        """SIGSTOP."""
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT: all that has happened is heard at once."""
        self.frozen = False
        while self._frozen_calls:
            self.call(*_flat(self._frozen_calls.popleft()))

    def end(self) -> None:
        """The process is gone: its sockets are closed by the kernel."""
        self.is_alive = False
        self.host.note_session(self.cluster.session)
        self.host.close_wires()

    # ---- events and orders

    def operate(self, verb: str, subject: str = "") -> None:
        """Somebody on this host asks for something."""
        self._tell(events.OperationRequested, Operation(f"o{self.world.next_number()}", verb, subject, "somebody"))

    def drain(self) -> None:
        """Ctrl-C."""
        self._tell(events.DrainRequested, "SIGTERM")

    def exited(self, process: Process) -> None:
        """A worker has ended."""
        self.call(self._tell, events.ProcessExited, process.worker, None, "SIGKILL")

    def _tell(self, kind: type[events.Event], *fields: Any) -> None:
        self._post(kind(self.clock.now, *fields))

    def _post(self, event: events.Event) -> None:
        self._inbox.append(event)
        if len(self._inbox) == 1:
            self.call(self._take_in)

    def _take_in(self) -> None:
        """As the inbox does: what was queued is folded in at the present moment."""
        while self._inbox and self.is_alive:
            event = self._inbox[0]
            orders = self.supervisor.handle(replace(event, at=self.clock.now))
            self._inbox.popleft()
            for order in orders:
                deed = self._deeds.get(type(order))
                if deed is not None and self.is_alive:
                    deed(order)
        due = self.supervisor.next_deadline() if self.is_alive else None
        if due is not None and due != self._due:
            self._due = due
            self.later(due - self.clock.now, self._wake, due)

    def _wake(self, due: float) -> None:
        if self._due == due:
            self._due = None
            self._tell(events.DeadlineReached)

    def _spawn(self, order: actions.SpawnWorker) -> None:
        guard = self._guard
        if self.world.policy is OnPartition.STOP and not (guard and self.clock.now < guard.stop_at):
            # As the agent's shell does: one that was frozen wakes up with decisions of long ago.
            self._tell(events.SpawnFailed, order.worker, "no lease", True)
            return
        if self.host.spawns_fail:
            self._tell(events.SpawnFailed, order.worker, "Resource temporarily unavailable", True, "EAGAIN")
            return
        process = self.host.spawn(order)
        self._tell(events.WorkerSpawned, order.worker, process.pid, "now")

    def _signal(self, order: actions.SignalWorker) -> None:
        process = self.host.processes.get(order.worker)
        if process is not None:
            process.is_ending = True
        self.world.checks.signalled(self.host, order.worker)
        if process is not None:
            delay_s = 0.001 if order.signum == SIGKILL else self.dice.uniform(0.001, 0.2)
            self.clock.later(delay_s, self.host.end_worker, order.worker)

    def _make_stand_in(self, order: actions.MakeStandIn) -> None:
        process = self.host.processes.get(order.worker)
        if process is not None:
            self.cluster.make_stand_in(process.worker, process.slot, process.pid, "now")

    def _arm(self, order: actions.ArmWatchdog) -> None:
        self._guard = order
        self.host.arm(order)

    def _answered(self, order: actions.AnswerOperation) -> None:
        if order.operation.request is not None:
            self.cluster.answer_request(order.operation.request)

    def _exit(self, order: actions.EndAgent) -> None:
        self.world.tell(f"{self.host.name} exits with {order.code} {order.error}")
        self.cluster.close()
        self.host.agent_ended(self)


@dataclass(eq=False)
class Host:
    """A machine."""

    world: World
    name: str
    target: int
    capacity: int | None = None
    processes: dict[str, Process] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    agent: Agent | None = None
    lives: int = 0
    spawns_fail: bool = False
    _guard: actions.ArmWatchdog | None = None  # the watchdog's: it outlives the agent

    def __post_init__(self) -> None:
        self.network = Network(self.world.clock, self.world.dice, self.world.server)

    # ---- agents

    def start(self) -> None:
        """Start an agent; it takes over the workers that live here."""
        self.lives += 1
        self.agent = Agent(self, self.lives)
        self.agent.begin()

    def kill_agent(self) -> None:
        """The agent alone; its workers live on (a watchdog may see to them)."""
        if self.agent is not None:
            self.agent.end()
            self.agent = None

    def agent_ended(self, agent: Agent) -> None:
        """It has exited by itself."""
        if agent is self.agent:
            agent.end()
            self.agent = None
            self.ledger = Ledger()

    def crash(self) -> None:
        """The host is gone, with all that ran there, and with it the address that its packets came from."""
        self.network.block()
        self.kill_agent()
        for worker in list(self.processes):
            self._remove(worker)
        self.network = Network(self.world.clock, self.world.dice, self.world.server)
        self.ledger.session = None
        self.spawns_fail = False

    def note_session(self, session: SessionId | None) -> None:
        """As in the ledger."""
        self.ledger.session = session

    def close_wires(self) -> None:
        """All connections of the agent's process."""
        self.network.close_all()

    @property
    def is_frozen(self) -> bool:
        return self.agent is not None and self.agent.frozen

    # ---- workers

    def spawn(self, order: actions.SpawnWorker) -> Process:
        """A worker's process begins."""
        process = Process(order.worker, order.slot, order.number, self.world.next_number(), self.world.clock.now)
        self.processes[order.worker] = process
        self.world.checks.spawned(self, process)
        return process

    def end_worker(self, worker: str) -> None:
        """A worker dies, of itself or by a signal."""
        process = self._remove(worker)
        if process is not None and self.agent is not None:
            self.agent.exited(process)

    def _remove(self, worker: str) -> Process | None:
        process = self.processes.pop(worker, None)
        if process is not None:
            self.world.checks.ended(self, process)
        return process

    # ---- the watchdog, a process of its own

    def arm(self, order: actions.ArmWatchdog) -> None:
        """Authority until then."""
        self._guard = order
        self.world.clock.later(order.kill_at - self.world.clock.now, self._watchdog, order)

    def _watchdog(self, order: actions.ArmWatchdog) -> None:
        if self._guard is order:
            for worker in list(self.processes):
                self.end_worker(worker)


def _flat(call: tuple[Callable[..., object], tuple[object, ...]]) -> tuple[Any, ...]:
    return (call[0], *call[1])
