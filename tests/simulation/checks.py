"""What must hold at every moment, whatever happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from autohealer.core.model import OnPartition, WorkerId

if TYPE_CHECKING:
    from autohealer.zkserver.engine import Engine
    from tests.simulation.host import Host, Process
    from tests.simulation.world import World

PLAN, ELECTION = "/autohealer/plan", "/election"
#: Every agent looks at all candidates when it connects, and everything is looked at each 30 s.
FIND_OUT_S = 35.0


class Checks:
    """Looks at each start, each end, each signal, and each plan.

    Since ``watch`` at most ``most`` workers lived, and at least ``fewest`` that nobody had told to end.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.most = self.fewest = 0
        self.starts = 0
        self.ceiling: int | None = None
        """With ``stop``: so many workers live at most, ever."""
        self._plan_mzxid = 0
        self._plan_epoch = 0
        self._trusted_from = 0.0

    def watch(self) -> None:
        """Bounds are of what comes from now on."""
        self.most, self.fewest = self._world.living, self._world.working

    # ---- workers

    def spawned(self, host: Host, process: Process) -> None:
        """A process has begun."""
        self.starts += 1
        twins = [
            other.worker
            for other in host.processes.values()
            if other is not process and other.slot is not None and other.slot == process.slot and not other.is_ending
        ]
        assert not twins, f"slot {process.slot} of {host.name} has {process.worker} besides {twins}"
        self._count()

    def ended(self, _host: Host, _process: Process) -> None:
        """A process is gone."""
        self._count()

    def signalled(self, host: Host, worker: str) -> None:
        """An agent sends a signal."""
        identity = WorkerId.parse(worker)
        assert (identity and identity.agent) == host.name, f"{host.name} signals {worker}"
        self._count()

    def _count(self) -> None:
        living, working = self._world.living, self._world.working
        self.most, self.fewest = max(self.most, living), min(self.fewest, working)
        if self._world.policy is OnPartition.STOP and self.ceiling is not None:
            assert living <= self.ceiling, f"{living} of {self.ceiling} live"

    # ---- ZooKeeper

    def written(self, engine: Engine) -> None:
        """Something has changed there."""
        node = engine.tree.nodes.get(PLAN)
        if node is None or node.mzxid == self._plan_mzxid or node.mzxid >> 32 != engine.epoch:
            return  # what stands was not written in this life of the server
        self._plan_mzxid = node.mzxid
        plan = json.loads(node.data or b"{}")
        if plan:
            self._written_plan(engine, plan["epoch"], plan["leader"])

    def forgotten(self) -> None:
        """ZooKeeper has lost what it had: its leaders may be of a time before, and have to find that out."""
        self._plan_epoch = 0
        self._trusted_from = self._world.clock.now + FIND_OUT_S

    def _written_plan(self, engine: Engine, epoch: int, leader: str) -> None:
        """Only the first candidate may write one."""
        if self._world.clock.now < self._trusted_from:
            return
        election = engine.tree.nodes.get(ELECTION)
        names = sorted(election.children or (), key=lambda name: name[-10:]) if election is not None else []
        first = engine.tree.nodes[f"{ELECTION}/{names[0]}"] if names else None
        assert first is not None, f"{leader} writes a plan, and there is no candidate"
        assert (first.czxid, first.data) == (epoch, leader.encode()), (
            f"{leader} writes in epoch {epoch}; first: {names}"
        )
        assert epoch >= self._plan_epoch, f"epoch {epoch} after {self._plan_epoch}"
        self._plan_epoch = epoch
