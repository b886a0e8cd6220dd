"""One host: its workers, its disk, its way to ZooKeeper, and an agent's process with all its pools."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation.disk import Disk
from tests.simulation.member import Member
from tests.simulation.network import Network
from tests.simulation.own_session import OwnSession
from tests.simulation.pools import Flaw, Pool, Process, Senses

if TYPE_CHECKING:
    from autohealer.core import actions
    from tests.simulation.clock import Call, Clock
    from tests.simulation.world import World


class Agent:
    """One life of an agent's process, from its start to its end. ``Site`` of its clients."""

    def __init__(self, host: Host, life: int) -> None:
        self.host, self.world, self.life = host, host.world, life
        self.clock: Clock = host.world.clock
        self.dice: random.Random = host.world.dice
        self.network = host.network
        self.is_alive = True
        self.frozen = False
        self.pings_are_short = host.world.pings_are_short
        self._frozen_calls: deque[tuple[Callable[..., object], tuple[object, ...]]] = deque()
        self.members = {pool.name: Member(self, pool) for pool in host.world.pools}

    def begin(self) -> None:
        """Each pool for itself."""
        for member in self.members.values():
            member.begin()

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """In the loop, soon."""
        self.clock.later(0.0, self._run, function, arguments)

    def later(self, seconds: float, function: Callable[..., object], *arguments: object) -> Call:
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
        for member in self.members.values():
            member.checks.thawed(member)
        while self._frozen_calls:
            function, arguments = self._frozen_calls.popleft()
            self.call(function, *arguments)

    def end(self) -> None:
        """The process is gone: its sockets are closed by the kernel, and spares that wait leave."""
        self.is_alive = False
        self.host.network.close_all(self)
        for process in [each for each in self.host.processes.values() if each.is_spare]:
            self.host.end_process(process)


@dataclass(eq=False)
class Host:
    """A machine. ``wall_offset_s``: how far its wall clock is from the right time; nothing else of it ever jumps."""

    world: World
    name: str
    processes: dict[str, Process] = field(default_factory=dict)
    agent: Agent | None = None
    lives: int = 0
    boot: int = 1
    spawns_fail: bool = False
    crashes_workers: bool = False
    """Whatever is started here ends at once."""
    wall_offset_s: float = 0.0
    changes: int = 0
    """Grows with every change of what runs here, and in which slot."""
    _guards: dict[str, actions.ArmWatchdog] = field(default_factory=dict)  # the watchdogs': they outlive the agent

    def __post_init__(self) -> None:
        self.network = Network(self.world.clock, self.world.dice, self.world.server)
        self.disks = {pool.name: Disk() for pool in self.world.pools}

    @property
    def wall(self) -> float:
        """What its wall clock shows."""
        return self.world.clock.now + self.wall_offset_s

    @property
    def is_frozen(self) -> bool:
        return self.agent is not None and self.agent.frozen

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

    def leave(self) -> None:
        """The agent ends in order, and its workers go on."""
        if self.agent is not None:
            for member in self.agent.members.values():
                member.leave()
            self.kill_agent()

    def pool_ended(self, member: Member, *, is_over: bool) -> None:
        """A pool of the agent has ended by itself. With the last one the process ends."""
        if is_over:
            self.disks[member.pool.name].lose()
        if self.agent is member.agent and all(each.has_exited for each in self.agent.members.values()):
            self.kill_agent()

    def crash(self) -> None:
        """The host is gone, with all that ran there, and with it the address that its packets came from."""
        self.network.block()
        self.kill_agent()
        for process in list(self.processes.values()):
            self._remove(process)
        self.network = Network(self.world.clock, self.world.dice, self.world.server)
        self.boot += 1
        self.spawns_fail = self.crashes_workers = False

    # ---- workers

    def spawn(self, member: Member, order: actions.SpawnWorker, command: tuple[str, ...]) -> Process:
        """A worker's process begins."""
        clock, dice, pool, flaw = self.world.clock, self.world.dice, member.pool, command[2]
        ready_in_s = 0.0 if pool.senses is Senses.NONE else dice.choice([0.1, 0.1, 1.0, 3.0])
        ends_in_s = dice.uniform(0.0, 8.0) if flaw == Flaw.CRASHES else None
        if flaw == Flaw.HANGS and pool.senses is Senses.NONE:
            ends_in_s = 1.0  # nobody could tell that it hangs
        if self.crashes_workers:
            ends_in_s = 0.02
        process = Process(
            pool,
            order.worker,
            order.slot,
            order.number,
            self.world.next_number(),
            order.revision,
            command,
            clock.now,
            clock.now + (1e9 if flaw == Flaw.HANGS else ready_in_s),
            is_spare=order.is_spare,
        )
        self.processes[order.worker] = process
        self.changes += 1
        if pool.registers_itself and not order.is_spare:
            process.own_session = OwnSession(self, process)
        member.checks.spawned(member, process)
        if ends_in_s is not None:
            clock.later(ends_in_s, self.end_process, process)
        if (pool.senses is Senses.MESSAGES or order.is_spare) and flaw != Flaw.HANGS:
            clock.later(ready_in_s, self._ready, process)
        return process

    def end_process(self, process: Process) -> None:
        """A worker dies, of itself or by a signal."""
        if self._remove(process) and self.agent is not None:
            self.agent.members[process.pool.name].exited(process)

    def end_worker(self, worker: str) -> None:
        """Somebody kills it."""
        self.end_process(self.processes[worker])

    def of(self, pool: Pool) -> list[Process]:
        """What runs here of this pool."""
        return [process for process in self.processes.values() if process.pool is pool]

    def _remove(self, process: Process) -> bool:
        if self.processes.get(process.worker) is not process:
            return False
        del self.processes[process.worker]
        self.changes += 1
        if process.own_session is not None:
            process.own_session.end()
        self.world.checks_of(process.pool).ended(process)
        return True

    def _ready(self, process: Process) -> None:
        """It says that it is ready; from then on it beats."""
        if self.processes.get(process.worker) is process:
            self._notify(process, ready=True)
            if process.pool.senses is Senses.MESSAGES:
                self.world.clock.later(process.pool.every_s, self._beat, process)

    def _beat(self, process: Process) -> None:
        if self.processes.get(process.worker) is not process or process.is_silent:
            return
        process.done += not process.is_stuck
        if not process.is_spare:
            self._notify(process, beat=True, progress=float(process.done))
        self.world.clock.later(process.pool.every_s, self._beat, process)

    def _notify(self, process: Process, **what: object) -> None:
        if self.agent is not None:
            self.agent.members[process.pool.name].notified(process, **what)

    # ---- the watchdogs, processes of their own

    def arm(self, pool: Pool, order: actions.ArmWatchdog) -> None:
        """Authority until then."""
        self._guards[pool.name] = order
        self.world.clock.later(order.kill_at - self.world.clock.now, self._watchdog, pool, order)

    def _watchdog(self, pool: Pool, order: actions.ArmWatchdog) -> None:
        if self._guards.get(pool.name) is order:
            for process in self.of(pool):
                self.end_process(process)
