"""A leader on a clock that is turned by hand, and what it is told of its pool."""

from __future__ import annotations

from msgspec.structs import replace

from autohealer.core.actions import Action, WritePlan
from autohealer.core.cluster.leader import Leader
from autohealer.core.model import AgentEntry, Child, OnPartition, Plan, PoolSpec, RestartPolicy

GRACE_S = 2.0
SESSION_TIMEOUT_S = 6.0
MZXID = 7
ME = AgentEntry("host", 1, "1")
EPOCH = 5


class Bench:
    """A leader in a pool of agents; a plan that it writes stands at once, unless it is told otherwise."""

    def __init__(
        self,
        *agents: str,
        target: int = 10,
        anonymous: int = 0,
        children: tuple[Child, ...] = (),
        on_partition: OnPartition = OnPartition.KEEP,
        restart: RestartPolicy = RestartPolicy.ALWAYS,
    ) -> None:
        self.orders: list[Action] = []
        spec = PoolSpec("default", 10, register_grace_s=GRACE_S, on_partition=on_partition, restart=restart)
        self.leader = Leader(spec, "me", self.orders.append)
        self.now = 1000.0
        self.mine = replace(ME, unregistered=anonymous)
        self.agents: dict[str, AgentEntry | None] = {"me": ME, **dict.fromkeys(agents, ME)}
        self.children: set[Child] = set(children)
        self.leader.won(EPOCH)
        self.leader.agents_read(dict(self.agents), self.now, SESSION_TIMEOUT_S)
        self.leader.target_read(target)
        self.look()

    def look(self) -> None:
        self.leader.children_read(tuple(self.children), self.now)

    def come(self, *children: Child) -> None:
        self.children.update(children)
        self.look()

    def go(self, *children: Child) -> None:
        self.children.difference_update(children)
        self.look()

    def decide(self) -> Plan | None:
        """The plan that is ordered now."""
        self.orders.clear()
        self.leader.decide(self.mine, self.now)
        plans = [order.plan for order in self.orders if isinstance(order, WritePlan)]
        return plans[0] if plans else None

    def follow(self) -> None:
        """Decide everything that can be decided now."""
        while (plan := self.decide()) is not None:
            self.leader.plan_read(plan, MZXID)

    def settle(self) -> Plan:
        """The plan that stands when everything has been decided that can be decided now."""
        self.follow()
        assert self.leader.standing is not None
        return self.leader.standing

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        self.follow()
        while (due := self.leader.next_deadline()) is not None and due <= until:
            self.now = max(due, self.now)
            self.follow()
        self.now = until
        self.follow()


def anonymous(name: str) -> Child:
    return Child(f"worker_{name}", None)


def identified(worker: str) -> Child:
    return Child(worker, worker)
