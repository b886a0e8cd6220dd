"""All hosts, ZooKeeper, and the time: a cluster in which things happen, from one seed."""

from __future__ import annotations

import itertools
import json
import random
from typing import TYPE_CHECKING

from autohealer.core.model import OnPartition, RegistrationMode
from tests.simulation.checks import Checks
from tests.simulation.clock import Clock
from tests.simulation.host import SESSION_S, Host
from tests.simulation.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

PLAN, TARGET = "/autohealer/plan", "/autohealer/target"
RIGHT_S = 10.0
AGENTS, WORKERS = "/autohealer/agents", "/workers"


class World:
    """``story`` is what has happened to it, for people."""

    def __init__(
        self,
        seed: int,
        policy: OnPartition = OnPartition.KEEP,
        registration: RegistrationMode = RegistrationMode.AGENT,
    ) -> None:
        self.seed, self.policy, self.registration = seed, policy, registration
        self.dice = random.Random(seed)
        self.clock = Clock()
        self.checks = Checks(self)
        self.story: list[str] = []
        self._numbers = itertools.count(1)
        self.server = Server(self.clock, self.dice, self.checks.written)
        self.hosts: list[Host] = []
        self._right_since = 0.0

    def next_number(self) -> int:
        return next(self._numbers)

    def tell(self, what: str) -> None:
        """For the story of a failure."""
        self.story.append(f"{self.clock.now:.3f} {what}")

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> float:
        """Let time flow; see `Clock.run`."""
        return self.clock.run(seconds, until)

    # ---- hosts

    def add(self, target: int, capacity: int | None = None) -> Host:
        """One more host with an agent."""
        host = Host(self, f"host{len(self.hosts)}", target, capacity)
        self.hosts.append(host)
        host.start()
        return host

    def running(self) -> list[Host]:
        """Hosts whose agents live."""
        return [host for host in self.hosts if host.agent is not None]

    @property
    def living(self) -> int:
        """Workers that live, wherever."""
        return sum(len(host.processes) for host in self.hosts)

    @property
    def working(self) -> int:
        """Those that nobody has told to end."""
        return sum(not process.is_ending for host in self.hosts for process in host.processes.values())

    # ---- what ZooKeeper has

    def data(self, path: str) -> object:
        """The JSON that stands there."""
        node = self.server.engine.tree.nodes.get(path) if self.server.engine is not None else None
        try:
            return json.loads(node.data or b"null") if node is not None else None
        except ValueError:
            return None

    def children(self, path: str) -> set[str]:
        node = self.server.engine.tree.nodes.get(path) if self.server.engine is not None else None
        return set(node.children or ()) if node is not None else set()

    @property
    def target(self) -> int | None:
        """How many workers there should be."""
        found = self.data(TARGET)
        return found.get("workers") if isinstance(found, dict) else None

    def problem(self) -> str | None:
        """Why this is not the end of all movement: as many as wanted, shared out within one, all registered."""
        agents = self.running()
        plan, target = self.data(PLAN), self.target
        counts = {host.name: len(host.processes) for host in agents}
        if not all(host.agent.cluster.is_up for host in agents if host.agent is not None):
            return "some are not connected"
        if self.children(AGENTS) != set(counts):
            return f"agents {sorted(self.children(AGENTS))} but {sorted(counts)} run"
        if not isinstance(plan, dict) or plan.get("target") != target or plan.get("shares") != counts:
            return f"target {target}, plan {plan}, but {counts} run"
        if self.living != sum(counts.values()) or self.living != target:
            return f"{self.living} live, {counts}, of {target}"
        if max(counts.values()) - min(counts.values()) > 1 and not any(host.capacity for host in agents):
            return f"uneven: {counts}"
        names = {worker for host in agents for worker in host.processes}
        registered = {name.removesuffix(".agent") for name in self.children(WORKERS)}
        return None if registered == names else f"registered {sorted(registered ^ names)} in one only"

    # ---- faults

    def go_away(self) -> None:
        """ZooKeeper is down."""
        if self.server.is_up:
            self.server.stop()

    def come_back(self, *, forget: int = 0, wiped: bool = False) -> None:
        """It is up again."""
        if not self.server.is_up:
            if forget or wiped:
                self.checks.forgotten()
            self.server.start(forget=forget, wiped=wiped)

    def mend(self) -> None:
        """All that was broken works again; dead agents stay dead."""
        self.come_back()
        for host in self.hosts:
            host.network.mend()
            host.spawns_fail = False
            if host.agent is not None and host.agent.frozen:
                host.agent.thaw()

    def calm(self, within_s: float = 120.0) -> None:
        """Everything is mended, and time flows until nothing moves."""
        self.mend()
        for _ in range(2):
            if not self.running():
                self.hosts[0].start()
            for host in self.hosts:  # what a killed agent has left is nobody's to end
                if host.agent is None and host.processes:
                    host.crash()
            self._right_since = self.clock.now
            self.run(within_s, self._is_at_rest)
        assert self.problem() is None, f"no rest within {2 * within_s} s: {self.problem()}"

    def _is_at_rest(self) -> bool:
        """For a while nothing was wrong: a plan may still be about to move something."""
        if self.problem() is not None:
            self._right_since = self.clock.now
        return self.clock.now - self._right_since > RIGHT_S


__all__ = ["SESSION_S", "World"]
