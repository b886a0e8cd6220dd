"""All hosts, ZooKeeper, and the time: a cluster in which things happen, from one seed."""

from __future__ import annotations

import itertools
import json
import random
from typing import TYPE_CHECKING

from tests.simulation.checks import Checks
from tests.simulation.clock import Clock
from tests.simulation.host import Host
from tests.simulation.pools import Flaw, Pool
from tests.simulation.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from autohealer.zkserver.engine import Engine
    from tests.simulation.member import Member

SESSION_S = 6.0
RIGHT_S = 10.0
REST_S = 160.0
"""Once faults have stopped, all is as wanted within that time, and some looks at workers; a rollout takes its own."""
ROLLOUT_S = 9000.0
"""What nobody carries out, since whom it concerns is gone, stands for an hour."""


class World:
    """``story`` is what has happened to it, for people; ``decisions`` how many orders its agents have given.

    ``watches_readiness``: who serves is counted at every change, which costs time. ``pings_are_short``: a ping in whose
    way nothing is has been answered as soon as it is sent; set it before hosts are added.
    """

    def __init__(self, seed: int, pools: Iterable[Pool], *, session_s: float = SESSION_S) -> None:
        self.seed, self.pools, self.session_s = seed, list(pools), session_s
        self.dice = random.Random(seed)
        self.clock = Clock()
        self.decisions = 0
        self.watches_readiness = self.pings_are_short = False
        self.story: list[str] = []
        self._numbers = itertools.count(1)
        self._checks = {pool: Checks(self, pool) for pool in self.pools}
        self.server = Server(self.clock, self.dice, self._written)
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

    def checks_of(self, pool: Pool) -> Checks:
        """What must hold of it."""
        return self._checks[pool]

    @property
    def checks(self) -> Iterable[Checks]:
        """Of all pools."""
        return self._checks.values()

    @property
    def hours(self) -> float:
        """How long it has been going on."""
        return (self.clock.now - 1000) / 3600

    def _written(self, engine: Engine) -> None:
        for checks in self.checks:
            checks.written(engine)

    # ---- hosts

    def add(self) -> Host:
        """One more host with an agent."""
        host = Host(self, f"host{len(self.hosts)}")
        self.hosts.append(host)
        host.start()
        return host

    def running(self) -> list[Host]:
        """Hosts whose agents live."""
        return [host for host in self.hosts if host.agent is not None]

    def members(self, pool: Pool) -> list[Member]:
        """Agents that run it."""
        found = [host.agent.members[pool.name] for host in self.hosts if host.agent is not None]
        return [member for member in found if not member.has_exited]

    @property
    def living(self) -> int:
        """Workers of all pools, wherever."""
        return sum(pool.living for pool in self.pools)

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

    def target_of(self, pool: Pool) -> int | None:
        """How many workers there should be."""
        found = self.data(pool.paths.target)
        return found.get("workers") if isinstance(found, dict) else None

    def problem(self) -> str | None:
        """Why this is not the end of all movement, in any pool."""
        for pool in self.pools:
            if (problem := self._problem_of(pool)) is not None:
                return f"{pool.name}: {problem}"
        return None

    def _problem_of(self, pool: Pool) -> str | None:
        """As many as wanted, shared out within one, all registered, none faulty; nothing that was asked for waits."""
        members = self.members(pool)
        plan, target = self.data(pool.paths.plan), self.target_of(pool)
        if pool.living != target:
            return f"{pool.living} live, of {target}"
        workers = {each.host.name: [p for p in each.host.of(pool) if p.counts] for each in members}
        counts = {host: len(processes) for host, processes in workers.items()}
        if not all(member.is_member for member in members):
            return "some are not connected"
        if (names := self.children(pool.paths.agents)) != set(counts):
            return f"agents {sorted(names)} but {sorted(counts)} run"
        if not isinstance(plan, dict) or plan.get("target") != target or plan.get("shares") != counts:
            return f"target {target}, plan {plan}, but {counts} run"
        if pool.living != sum(counts.values()):
            return f"{pool.living} live, {counts}, of {target}"
        if max(counts.values()) - min(counts.values()) > 1:
            return f"uneven: {counts}"
        processes = [process for found in workers.values() for process in found]
        if bad := [
            p.worker for p in processes if p.flaw is not Flaw.NONE or not p.serves(self.clock.now) or p.is_stuck
        ]:
            return f"not well: {bad}"
        registered = {name.removesuffix(".agent") for name in self.children(pool.paths.workers)}
        registered -= {process.worker for host in self.hosts for process in host.of(pool) if process.is_spare}
        if different := sorted(registered ^ {process.worker for process in processes}):
            return f"registered {different} in one only"
        return next((f"{each.host.name}: {why}" for each in members if (why := each.unfinished) is not None), None)

    # ---- faults

    def go_away(self) -> None:
        """ZooKeeper is down."""
        if self.server.is_up:
            self.server.stop()

    def come_back(self, *, forget: int = 0, wiped: bool = False) -> None:
        """It is up again."""
        if not self.server.is_up:
            if forget or wiped:
                for checks in self.checks:
                    checks.forgotten()
            self.server.start(forget=forget, wiped=wiped)

    def mend(self) -> None:
        """All that was broken works again; dead agents stay dead. Nobody holds verdicts, or drains."""
        self.come_back()
        for pool in self.pools:
            pool.dependency_is_down = False
        for host in self.hosts:
            host.network.mend()
            host.spawns_fail = host.crashes_workers = False
            for process in [each for each in host.processes.values() if each.is_silent and each.pool.senses == "none"]:
                host.end_process(process)  # an agent that has not seen it register cannot tell that it hangs
            for disk in host.disks.values():
                disk.is_failing = False
            if host.agent is not None and host.agent.frozen:
                host.agent.thaw()
        for pool in self.pools:
            for member in self.members(pool):
                member.let_go()

    def calm(self) -> float:
        """Everything is mended, and time flows until nothing moves; how long that took."""
        self.mend()
        begun = self.clock.now
        bound_s = REST_S + 4 * max(pool.every_s for pool in self.pools) + 6 * self.session_s
        bound_s += ROLLOUT_S if any(self._rolls(pool) for pool in self.pools) else 0.0
        for _ in range(2):
            self._revive()
            self._right_since = self.clock.now
            self.run(bound_s / 2, self._is_at_rest)
        assert self.problem() is None, f"no rest within {bound_s:g} s: {self.problem()}"
        return self.clock.now - begun - RIGHT_S

    def _rolls(self, pool: Pool) -> bool:
        """Whether a rollout is asked for or under way."""
        return bool(self.children(pool.paths.requests)) or any(each.rolls for each in self.members(pool))

    def _revive(self) -> None:
        """A pool without an agent has nobody to mend it, and what a killed agent has left is nobody's to end."""
        for host in self.hosts:
            if host.agent is not None and any(member.has_exited for member in host.agent.members.values()):
                host.kill_agent()
        if not self.running():
            self.hosts[0].start()
        for host in self.hosts:
            if host.agent is None and host.processes:
                host.crash()

    def _is_at_rest(self) -> bool:
        """For a while nothing was wrong: a plan may still be about to move something."""
        if self.problem() is not None:
            self._right_since = self.clock.now
            for pool in self.pools:
                for member in self.members(pool):
                    member.let_go()
        return self.clock.now - self._right_since > RIGHT_S


__all__ = ["SESSION_S", "World"]
