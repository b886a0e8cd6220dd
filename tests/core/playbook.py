"""A script of what happens and what must follow, for one agent.

    book = Playbook(workers=2)
    book.tell(ProcessExited, "me-0-n1", 1, None)
    book.expect(SpawnWorker("me-0-n3", 0, 0, 7, 1), ...)

``expect`` names all that was ordered since the last time, in order, but for what is only told to people or to other
agents; where it differs, it shows how.
"""

from __future__ import annotations

from difflib import ndiff
from typing import Any, TypeVar

from autohealer.core import events
from autohealer.core.actions import (
    Action,
    EmitEvent,
    PublishAgent,
    RecordIncident,
    SpawnWorker,
    Warn,
    WatchRegistration,
)
from autohealer.core.cluster.registrations import Style
from autohealer.core.events import Event
from autohealer.core.model import AgentEntry, Plan, PoolSpec
from autohealer.core.notices import as_fields
from autohealer.core.pool.supervisor import Identity, Supervisor
from autohealer.core.rollout_spec import RolloutOrder

A = TypeVar("A", bound=Action)

SESSION_TIMEOUT_S = 6.0
EPOCH, MZXID = 5, 7
ME = Identity("me", "n", "host", 42, "1.0")
OTHER = AgentEntry("elsewhere", 43, "1.0")


class Playbook:
    """One supervisor, a clock that is moved by hand, and all that was ordered."""

    def __init__(
        self,
        workers: int = 2,
        *,
        overwrite_target: bool = False,
        style: Style = Style.UNKNOWN,
        unfinished: RolloutOrder | None = None,
        **spec: Any,
    ) -> None:
        self.supervisor = Supervisor(
            PoolSpec("default", workers, **spec),
            ME,
            overwrite_target=overwrite_target,
            style=style,
            unfinished=unfinished,
        )
        self.now = 1000.0
        self.orders: list[Action] = []

    # ---- what happens

    def tell(self, kind: type[Event], *fields: Any) -> list[Action]:
        """This happens now; what it leads to."""
        orders = self.supervisor.handle(kind(self.now, *fields))
        self.orders += orders
        return orders

    def wait(self, seconds: float) -> None:
        """Time passes; the supervisor is called at every deadline on the way, and never in vain for ever."""
        until, calls = self.now + seconds, 0
        while (due := self.supervisor.next_deadline()) is not None and due <= until:
            calls = calls + 1 if due <= self.now else 0
            assert calls < 4, f"asks again and again to be called at {due}"
            self.now = max(self.now, due)
            self.tell(events.DeadlineReached)
        self.now = until
        self.tell(events.DeadlineReached)

    def connect(self, *, target: int | None = None, plan: Plan | None = None, resumed: bool = False) -> None:
        """A session opens and this agent, alone in its pool, wins the election."""
        self.tell(events.SessionOpened, SESSION_TIMEOUT_S, resumed)
        self.tell(events.TargetRead, target)
        self.tell(events.PlanRead, plan, MZXID)
        self.tell(events.AgentsRead, {ME.agent: None})
        self.tell(events.LeadershipWon, EPOCH)
        self.tell(events.ChildrenRead, ())

    def follow(self, **shares: int) -> None:
        """Another agent leads, and its plan is read."""
        target = self.supervisor.snapshot(self.now).target
        if target is None:
            target = 10
            self.tell(events.TargetRead, target)
        self.tell(events.PlanRead, Plan(EPOCH + 1, "other", target, 0, shares), MZXID)

    def spawn(self) -> list[str]:
        """The spawns that are ordered succeed; their workers."""
        workers = [order.worker for order in self.take(SpawnWorker)]
        for worker in workers:
            self.tell(events.WorkerSpawned, worker, 100, "2020-01-01T00:00:00Z")
        return workers

    def run_unregistered(self, share: int) -> list[str]:
        """So many workers run; what was ordered since their spawn is there to be looked at."""
        self.tell(events.SessionOpened, SESSION_TIMEOUT_S, False)
        self.follow(me=share)
        return self.spawn()

    def run(self, share: int) -> list[str]:
        """So many workers run and have registered; all that was ordered on the way is forgotten."""
        workers = self.run_unregistered(share)
        for worker in workers:
            self.tell(events.RegistrationSeen, worker)
        self.wait(100)
        self.orders.clear()
        return workers

    # ---- what follows

    def take(self, kind: type[A]) -> list[A]:
        """All orders of this kind since the last time; orders of other kinds stay."""
        taken = [order for order in self.orders if isinstance(order, kind)]
        self.orders = [order for order in self.orders if not isinstance(order, kind)]
        return taken

    def told(self, event: str) -> list[dict[str, Any]]:
        """What people were told by events of this name since the last time."""
        return [as_fields(order.notice) for order in self.take(EmitEvent) if order.notice.event == event]

    def expect(self, *expected: Action) -> None:
        """Exactly this was ordered since the last time, in this order."""
        quiet = EmitEvent | RecordIncident | Warn | PublishAgent | WatchRegistration
        ordered = [order for order in self.orders if not isinstance(order, quiet)]
        self.orders.clear()
        if ordered != list(expected):
            difference = ndiff([repr(order) for order in expected], [repr(order) for order in ordered])
            raise AssertionError("expected (-) and ordered (+) differ:\n" + "\n".join(difference))
