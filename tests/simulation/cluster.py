"""Many agents, each with the real core, on one virtual clock: hosts that fail, networks that part, from a seed."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autohealer.coordination.pool.listing import CALM_S, GAP_S, GAP_S_PER_CHILD
from autohealer.core import actions, events
from autohealer.core.model import Child, OnPartition, PoolSpec, Registration, WorkerId
from autohealer.core.pool.supervisor import Identity, Supervisor
from tests.simulation.zookeeper import Session, ZooKeeper

SESSION_S = 6.0
SIGKILL = 9
SETTLE_S = 0.02
BULK_S = 0.005


class Simulation:
    """All hosts, ZooKeeper, and the time. ``most`` and ``fewest`` are the bounds of living workers since ``watch``."""

    def __init__(self, seed: int, policy: OnPartition = OnPartition.KEEP) -> None:
        self.random = random.Random(seed)
        self.policy = policy
        self.now = 1000.0
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = itertools.count()
        self.zookeeper = ZooKeeper(self.later, lambda: self.now)
        self.hosts: list[Host] = []
        self.living = self.most = self.fewest = 0

    # ---- time

    def later(self, seconds: float, function: Callable[..., None], *arguments: object) -> None:
        """Call this after so many seconds."""
        heapq.heappush(self._heap, (self.now + max(0.0, seconds), next(self._numbers), function, arguments))

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> float:
        """Let time flow, no further than until something holds (asked ten times a second); how long that took."""
        begun = self.now
        end, look = self.now + seconds, self.now
        while self._heap and (at := self._heap[0][0]) <= end:
            if until is not None and at >= look:
                if until():
                    return self.now - begun
                look = at + 0.1
            _, _, function, arguments = heapq.heappop(self._heap)
            self.now = max(self.now, at)
            function(*arguments)
        if until is not None and until():
            return self.now - begun
        self.now = end
        return seconds

    def latency(self) -> float:
        """One way between an agent and ZooKeeper."""
        return self.random.uniform(0.0003, 0.004)

    # ---- workers

    def count(self, change: int) -> None:
        """So many more live, or fewer."""
        self.living += change
        self.most, self.fewest = max(self.most, self.living), min(self.fewest, self.living)

    def watch(self) -> None:
        """Bounds are of what comes from now on."""
        self.most = self.fewest = self.living

    # ---- hosts

    def add(self, target: int, capacity: int | None = None) -> Host:
        """One more host with an agent."""
        host = Host(self, f"host{len(self.hosts)}-a", target, capacity)
        self.hosts.append(host)
        host.start()
        return host

    def running(self) -> list[Host]:
        """Hosts whose agents live."""
        return [host for host in self.hosts if host.supervisor is not None]

    def problem(self) -> str | None:
        """Why this is not the end of all movement: as many as wanted, shared out within one, all registered."""
        zookeeper, agents = self.zookeeper, self.running()
        plan = zookeeper.plan
        counts = {host.name: len(host.processes) for host in agents}
        if not all(host.connected for host in agents):
            return "some are not connected"
        if set(zookeeper.agents) != set(counts):
            return f"agents {sorted(zookeeper.agents)} but {sorted(counts)} run"
        if plan is None or plan.target != zookeeper.target or plan.shares != counts:
            return f"target {zookeeper.target}, plan {plan}, but {counts} run"
        if self.living != sum(counts.values()) or sum(counts.values()) != zookeeper.target:
            return f"{self.living} live, {counts}"
        if max(counts.values()) - min(counts.values()) > 1:
            return f"uneven: {counts}"
        names = {worker for host in agents for worker in host.processes}
        return None if set(zookeeper.workers) == names else f"registered {set(zookeeper.workers) ^ names} in one only"


@dataclass(eq=False)
class Host:
    """One agent, its workers, and its way to ZooKeeper."""

    simulation: Simulation
    name: str
    target: int
    capacity: int | None = None
    supervisor: Supervisor | None = None
    processes: dict[str, int] = field(default_factory=dict)
    cut: bool = False
    frozen: bool = False
    session: Session | None = None
    connected: bool = False
    lives: int = 0
    _guard: actions.ArmWatchdog | None = None  # outlives the agent

    def start(self) -> None:
        """Start an agent; it takes over the workers that live here."""
        self.lives += 1
        self.connection = 0
        self._queue: list[events.Event] = []
        self._reading: set[str] = set()
        self._entry_due = self._listing_due = False
        self._listed: tuple[Child, ...] = ()
        self._agents: tuple[Any, ...] | None = None
        self._names: set[str] = set()
        self._searches = 0
        self._arrives_at = self._answers_at = 0.0
        self._made: list[str] = []
        self._removed: list[str] = []
        self._stand_ins: set[str] = set()
        self._plan_zxid = -1
        self._due: float | None = None
        self.frozen = self.connected = False
        self.session = None
        spec = PoolSpec(
            "default",
            self.target,
            registration=Registration.AGENT,
            on_partition=self.simulation.policy,
            capacity=self.capacity,
        )
        me = Identity(self.name, f"n{self.lives:03}", self.name, 1, "1")
        self.supervisor = Supervisor(spec, me, overwrite_target=False)
        for worker, slot in list(self.processes.items()):
            self._tell(events.WorkerAdopted, worker, slot, 1, "then", 1.0)
        if self.simulation.policy is OnPartition.STOP:
            self._later(0.05, self._tell, events.WatchdogReady)
        self._later(self._latency() * 4, self._connect, self.connection)

    # ---- faults

    def crash(self) -> None:
        """The host is gone, with all that ran there."""
        self.kill_agent()
        self.simulation.count(-len(self.processes))
        self.processes.clear()

    def kill_agent(self) -> None:
        """The agent alone; its workers live on (a watchdog may see to them)."""
        self._disconnect()
        self.supervisor = None
        self.frozen = False

    def part(self) -> None:
        """Nothing passes between this host and ZooKeeper any more; the agent notices by and by."""
        if not self.cut:
            self.cut = True
            if self.connected:
                self._disconnect()
                notice_s = self.simulation.random.uniform(1 / 3, 2 / 3) * SESSION_S
                self._later(notice_s, self._notice, self.connection)

    def mend(self) -> None:
        """Messages pass again."""
        if self.cut:
            self.cut = False
            self._come_back()

    def freeze(self) -> None:
        """SIGSTOP to the agent."""
        if self.supervisor is not None and not self.frozen:
            self.frozen = True
            self._disconnect()

    def thaw(self) -> None:
        """SIGCONT: all that has happened is heard at once."""
        if self.frozen:
            self.frozen = False
            queue, self._queue = self._queue, []
            for event in queue:
                self._handle(event)
            self._tell(events.ConnectionSuspended)
            self._come_back()

    def lose_server(self) -> None:
        """ZooKeeper is down, which is noticed at once."""
        if self.connected:
            self._disconnect()
            self._tell(events.ConnectionSuspended)

    def find_server(self) -> None:
        """ZooKeeper is up again."""
        self._come_back()

    def end_worker(self, worker: str) -> None:
        """A worker dies."""
        if self.processes.pop(worker, None) is not None:
            self.simulation.count(-1)
            self._later(0.0, self._tell, events.WorkerExited, worker, None, "SIGKILL")

    def drain(self) -> None:
        """Ctrl-C."""
        self._tell(events.DrainRequested, "SIGTERM")

    # ---- the connection

    def _disconnect(self) -> None:
        self.connection += 1
        if self.connected and self.session is not None:
            now = self.simulation.now
            last_ping = now - self.simulation.random.uniform(0, SESSION_S / 3)
            self.simulation.zookeeper.unheard(self.session, max(self.session.heard, last_ping))
        self.connected = self._listing_due = False
        self._agents, self._searches = None, 0
        self._reading.clear()

    def _come_back(self) -> None:
        if self.supervisor is not None and not self.connected:
            self._later(self.simulation.random.uniform(0.01, 1.4), self._connect, self.connection)

    def _notice(self, connection: int) -> None:
        if connection == self.connection:
            self._tell(events.ConnectionSuspended)

    def _connect(self, connection: int) -> None:
        zookeeper = self.simulation.zookeeper
        if connection != self.connection or self.cut or self.frozen or not zookeeper.up or self.connected:
            return
        self.connection += 1
        self.connected = True
        if self.session is not None and zookeeper.return_to(self.session, self):
            self._tell(events.ConnectionResumed)
        else:
            if self.session is not None:
                self._tell(events.SessionLost)
                self._names = set()
            self.session = zookeeper.open(self.name, SESSION_S, self)
            self._tell(events.SessionOpened, SESSION_S, False)
            self._made = sorted(self._stand_ins)
            self._removed = []
        if self.session is not None and self.session not in zookeeper.candidates.values():
            zookeeper.stand(self.session)
        self.promoted()
        self._plan_zxid = -1
        for what in ("target", "plan", "agents", "children"):
            self._look(what)
        self._entry_due = False
        self._publish()
        self._flush()

    def promoted(self) -> None:
        """The candidate before this one is gone, or this one has just come: does it lead?"""
        self._ask(lambda z, session: z.epoch_of(session), self._lead)

    def _lead(self, epoch: int | None) -> None:
        if epoch is not None:
            self._tell(events.LeadershipWon, epoch)
            self.simulation.zookeeper.requests["read agents"] += len(self.simulation.zookeeper.agents)
            self._look("agents")
            self._look("children")

    def stale(self, what: str) -> None:
        """Read this anew, once; the registrations not at once."""
        if what != "children":
            self._look(what)
        elif not self._listing_due:
            self._listing_due = True
            gap_s = max(GAP_S, len(self._listed) * GAP_S_PER_CHILD)
            self._later(max(gap_s, CALM_S) if self._calm else gap_s, self._list, self.connection)

    @property
    def _calm(self) -> bool:
        """Whether all that was registered at the last look is what the agents say they run."""
        agents = self.simulation.zookeeper.agents
        owners = {identity.agent for child in self._listed if (identity := WorkerId.parse(child.worker or ""))}
        return owners <= agents.keys() and 0 < sum(entry.running for entry, _ in agents.values()) <= len(self._listed)

    def _list(self, connection: int) -> None:
        if connection == self.connection:
            self._listing_due = False
            self._look("children")

    def _look(self, what: str) -> None:
        if what not in self._reading:
            self._reading.add(what)
            self._ask(lambda z, _: self._read(z, what), self._tell_read)

    def _tell_read(self, event: tuple[Any, ...] | None) -> None:
        if event is not None and event[0] is events.AgentsRead:
            lost, self._names = self._names - event[1].keys(), set(event[1])
            self._agents = event
            if lost:
                self._searches += 1
                self._ask(lambda z, _: self._read(z, "children"), self._searched)
            self._tell_agents()
        elif event is not None:
            self._tell(*event)

    def _searched(self, event: tuple[Any, ...] | None) -> None:
        """Who is registered is told before who is gone."""
        self._searches -= 1
        self._tell_read(event)
        self._tell_agents()

    def _tell_agents(self) -> None:
        if not self._searches and self._agents is not None:
            self._tell(*self._agents)

    def _read(self, zookeeper: ZooKeeper, what: str) -> tuple[Any, ...] | None:
        self._reading.discard(what)
        if what == "target":
            return events.TargetRead, zookeeper.target
        leads = self.session is not None and zookeeper.epoch_of(self.session) is not None
        if what == "agents" and leads:
            return events.AgentsRead, {name: entry for name, (entry, _) in zookeeper.agents.items()}
        if what == "agents":
            return events.AgentsListed, frozenset(zookeeper.agents)
        if what == "children":
            if leads:
                self._listed = zookeeper.children(self)
            return (events.ChildrenRead, self._listed) if leads else None
        return events.PlanRead, zookeeper.plan, zookeeper.plan_zxid

    def _ask(
        self,
        do: Callable[[ZooKeeper, Session], Any],
        done: Callable[[Any], object],
        lost: Callable[[], None] | None = None,
    ) -> None:
        """A request: carried out where it arrives, answered where its connection still stands; all in their order."""
        connection, session = self.connection, self.session

        def arrive() -> None:
            if self.cut or not self.simulation.zookeeper.up or session is None or session.over:
                if lost is not None and self.supervisor is not None:
                    lost()
                return
            if connection == self.connection:
                session.heard = self.simulation.now
            answer = do(self.simulation.zookeeper, session)
            self._answers_at = max(self._answers_at, self.simulation.now + self._latency())
            self._later(self._answers_at - self.simulation.now, answered, answer)

        def answered(answer: Any) -> None:
            if connection == self.connection and self.connected:
                done(answer)
            elif lost is not None and self.supervisor is not None:
                lost()

        if self.connected:
            self._arrives_at = max(self._arrives_at, self.simulation.now + self._latency())
            self.simulation.later(self._arrives_at - self.simulation.now, arrive)

    # ---- orders

    def _tell(self, kind: type[events.Event], *fields: Any) -> None:
        if self.supervisor is None:
            return
        event = kind(self.simulation.now, *fields)
        if self.frozen:
            self._queue.append(event)
        else:
            self._handle(event)

    def _handle(self, event: events.Event) -> None:
        supervisor = self.supervisor
        if supervisor is None:
            return
        if isinstance(event, events.PlanRead):
            if event.mzxid == self._plan_zxid:
                return
            self._plan_zxid = event.mzxid
        # What was queued while frozen is folded in at the present moment, as the agent's inbox does.
        for order in supervisor.handle(_at(event, self.simulation.now)):
            obey: Callable[[Any], None] | None = getattr(self, f"_obey_{type(order).__name__}", None)
            if obey is not None:
                obey(order)
        if self.supervisor is supervisor and (due := supervisor.next_deadline()) is not None and due != self._due:
            self._due = due
            self.simulation.later(due - self.simulation.now, self._wake, supervisor, due)

    def _wake(self, supervisor: Supervisor, due: float) -> None:
        if self.supervisor is supervisor and self._due == due:
            self._due = None
            self._tell(events.DeadlineReached)

    def _obey_SpawnWorker(self, order: actions.SpawnWorker) -> None:  # noqa: N802 - named after the order
        if self.simulation.policy is OnPartition.STOP and not (
            self._guard and self.simulation.now < self._guard.stop_at
        ):
            # As the agent's shell does: one that was frozen wakes up with decisions of long ago.
            self._later(0.0, self._tell, events.SpawnFailed, order.worker, "no lease", True)
            return
        self.processes[order.worker] = order.number
        self.simulation.count(1)
        self._later(0.0, self._tell, events.WorkerSpawned, order.worker, 1, "now")

    def _obey_SignalWorker(self, order: actions.SignalWorker) -> None:  # noqa: N802
        delay_s = 0.001 if order.signum == SIGKILL else self.simulation.random.uniform(0.001, 0.2)
        self.simulation.later(delay_s, self.end_worker, order.worker)

    def _obey_EndOrphans(self, order: actions.EndOrphans) -> None:  # noqa: N802
        self._later(0.01, self._tell, events.OrphansEnded, order.worker)

    def _obey_MakeStandIn(self, order: actions.MakeStandIn) -> None:  # noqa: N802
        self._stand_ins.add(order.worker)
        self._made.append(order.worker)
        self._bulk()

    def _obey_RemoveRegistration(self, order: actions.RemoveRegistration) -> None:  # noqa: N802
        self._stand_ins.discard(order.worker)
        self._removed.append(order.worker)
        self._bulk()

    def _bulk(self) -> None:
        if len(self._made) + len(self._removed) == 1:
            self._later(BULK_S, self._flush)

    def _flush(self) -> None:
        if self.connected and (self._made or self._removed):
            made, removed = [w for w in self._made if w in self._stand_ins], self._removed
            self._made, self._removed = [], []
            self._ask(
                lambda z, session: z.register(session, made, removed),
                lambda _: self._registered(made),
                lambda: self._again(made, removed),
            )

    def _registered(self, made: list[str]) -> None:
        for worker in made:
            self._tell(events.StandInMade, worker)

    def _again(self, made: list[str], removed: list[str]) -> None:
        self._made += made
        self._removed += removed
        self._later(BULK_S, self._flush)

    def _obey_PublishAgent(self, order: actions.PublishAgent) -> None:  # noqa: N802
        self._entry = order.entry
        if not self._entry_due:
            self._entry_due = True
            self._later(SETTLE_S, self._publish)

    def _publish(self) -> None:
        self._entry_due = False
        if entry := getattr(self, "_entry", None):
            self._ask(lambda z, session: z.publish(session, entry), lambda _: None)

    def _obey_WriteTarget(self, order: actions.WriteTarget) -> None:  # noqa: N802
        self._ask(lambda z, _: z.write_target(order.workers), lambda _: self._tell(events.TargetRead, order.workers))

    def _obey_WriteHold(self, order: actions.WriteHold) -> None:  # noqa: N802
        self._tell(events.HoldRead, order.senses)

    def _obey_WritePlan(self, order: actions.WritePlan) -> None:  # noqa: N802
        def done(mzxid: int | None) -> None:
            if mzxid is None:
                self._tell(events.PlanRefused)
            else:
                self._tell(events.PlanRead, order.plan, mzxid)

        self._ask(lambda z, session: z.write_plan(session, order.plan), done)

    def _obey_ProveAuthority(self, order: actions.ProveAuthority) -> None:  # noqa: N802
        self._ask(lambda *_: None, lambda _: self._tell(events.AuthorityProven, order.asked_at))

    def _obey_ArmWatchdog(self, order: actions.ArmWatchdog) -> None:  # noqa: N802
        self._guard = order
        self.simulation.later(order.kill_at - self.simulation.now, self._watchdog, order)

    def _watchdog(self, order: actions.ArmWatchdog) -> None:
        """The watchdog is a process of its own: it acts whatever has become of the agent."""
        if self._guard is order:
            for worker in list(self.processes):
                self.end_worker(worker)

    def _obey_LeaveCluster(self, _order: actions.LeaveCluster) -> None:  # noqa: N802
        if self.session is not None and self.connected:
            self._ask(lambda z, session: z.end(session), lambda _: None)
        self._later(0.01, self._tell, events.ClusterLeft)

    def _obey_Exit(self, _order: actions.Exit) -> None:  # noqa: N802
        self._disconnect()
        self.supervisor = None

    # ---- how

    def _latency(self) -> float:
        return self.simulation.latency()

    def _later(self, seconds: float, function: Callable[..., None], *arguments: object) -> None:
        """Call this unless the agent has ended, or is another one, by then."""
        life = self.lives

        def call() -> None:
            if self.supervisor is not None and self.lives == life:
                function(*arguments)

        self.simulation.later(seconds, call)


def _at(event: events.Event, now: float) -> events.Event:
    object.__setattr__(event, "at", now)
    return event
