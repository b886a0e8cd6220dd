"""Workers whose senses and clock are moved by hand, and the one judge of them."""

from __future__ import annotations

from typing import Any, TypeVar

from autohealer.core import events
from autohealer.core.actions import EmitEvent, SpawnWorker, TakeEvidence
from autohealer.core.events import Usage
from autohealer.core.model import Plan, RegistrationMode
from autohealer.core.notices import Notice, WorkerFaulty
from autohealer.core.pool.snapshot import WorkerView
from tests.core.playbook import Playbook

N = TypeVar("N", bound=Notice)
PROBE = "http://127.0.0.1/"
MIB = 2**20


class Clinic(Playbook):
    """Workers that run, and what senses say of them."""

    def __init__(self, workers: int = 1, **spec: Any) -> None:
        super().__init__(workers, registration=RegistrationMode.AGENT, **spec)
        self.connect(target=workers)
        self.tell(events.PlanRead, self.plan(workers), 8)
        self.workers = self.spawn()
        for worker in self.workers:
            self.tell(events.StandInMade, worker)
        self.orders[:] = self.take(SpawnWorker)  # of spares

    def plan(self, workers: int) -> Plan:
        return Plan(5, "me", workers, 0, {"me": workers})

    def probe(self, worker: str, ok: bool, *, weight: float = 1.0, probe: str = PROBE) -> None:
        self.tell(events.ProbeAnswered, worker, probe, ok, "200" if ok else "500", weight)

    def say(self, worker: str, **fields: Any) -> None:
        self.orders += self.supervisor.handle(events.NotifyReceived(self.now, worker, **fields))

    def use(self, worker: str, cpu_s: float = 0.0, *, rss: int = 0, state: str = "S", traced: bool = False) -> None:
        self.tell(events.UsageSampled, {worker: Usage(cpu_s, rss, state, traced, 0)})

    def told_of(self, kind: type[N]) -> list[N]:
        """What people were told of this kind, after all have given their evidence."""
        for order in self.take(TakeEvidence):
            self.tell(events.EvidenceTaken, order.worker, events.Evidence())
        return [order.notice for order in self.take(EmitEvent) if isinstance(order.notice, kind)]

    def view(self, worker: str) -> WorkerView:
        (view,) = [view for view in self.supervisor.snapshot(self.now).workers if view.worker == worker]
        return view

    def faults(self) -> list[tuple[str, str]]:
        """Who was found faulty since the last time, and by which sense; each has given its evidence."""
        for order in self.take(TakeEvidence):
            self.tell(events.EvidenceTaken, order.worker, events.Evidence())
        told = [order.notice for order in self.orders if isinstance(order, EmitEvent)]
        found = [notice for notice in told if isinstance(notice, WorkerFaulty)]
        self.orders = [order for order in self.orders if not (isinstance(order, EmitEvent) and order.notice in found)]
        return [(str(notice.worker), notice.cause) for notice in found]

    def heal(self, worker: str, *, ready: bool = True) -> str:
        """The worker that was stopped ends, and its replacement passes its probe."""
        self.tell(events.ProcessExited, worker, 0, None)
        (successor,) = self.spawn()
        if ready:
            self.probe(successor, ok=True)
        return successor


# ---- the brake, and what is held


class Ward(Clinic):
    """Eight workers that are ready, of which two may be replaced for a verdict at once."""

    def __init__(self, **spec: Any) -> None:
        super().__init__(8, probes=(PROBE,), probe_failures=1, **spec)
        for worker in self.workers:
            self.probe(worker, ok=True)
        self.orders.clear()

    def fail_all(self, workers: list[str] | None = None) -> None:
        for worker in workers if workers is not None else self.workers:
            self.probe(worker, ok=False)
