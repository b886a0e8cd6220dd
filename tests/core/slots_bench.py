"""Slots, the orders they gave, and a clock that is moved by hand."""

from __future__ import annotations

from typing import Any, TypeVar

from autohealer.core.actions import (
    Action,
    EmitEvent,
    SignalWorker,
    SpawnWorker,
)
from autohealer.core.events import (
    ProcessExited,
    WorkerSpawned,
)
from autohealer.core.model import PoolSpec, Sense, Verdict
from autohealer.core.notices import as_fields
from autohealer.core.pool.incidents import Incidents
from autohealer.core.pool.life import Life
from autohealer.core.pool.lives import Lives
from autohealer.core.pool.occupancy import Occupancy
from autohealer.core.pool.slots import Slots
from autohealer.core.pool.vacancies import Vacancies

A = TypeVar("A", bound=Action)
STOP, STOP_TIMEOUT_S = 15, 10.0


class Bench:
    """Slots, the orders they gave, and a clock that is moved by hand."""

    def __init__(self, **spec_fields: Any) -> None:
        self.orders: list[Action] = []
        self.spec = spec = PoolSpec("default", 3, stop_signal=STOP, stop_timeout_s=STOP_TIMEOUT_S, **spec_fields)
        self.lives = Lives(spec, "me", "n", self.orders.append)
        incidents = Incidents(self.orders.append)
        vacancies = Vacancies(spec, incidents, self.orders.append)
        self.slots = Slots(self.lives, vacancies, incidents)
        self.occupancy = Occupancy(
            spec, self.slots, self.lives, vacancies=vacancies, incidents=incidents, order=self.orders.append
        )
        self.clearing = self.occupancy.clearing
        self.now = 1000.0

    def take(self, kind: type[A]) -> list[A]:
        """All orders of this kind since the last time; orders of other kinds stay."""
        taken = [order for order in self.orders if isinstance(order, kind)]
        self.orders[:] = [order for order in self.orders if not isinstance(order, kind)]
        return taken

    def reports(self, event: str) -> list[dict[str, object]]:
        return [as_fields(order.notice) for order in self.take(EmitEvent) if order.notice.event == event]

    def spawn(self) -> list[str]:
        """Let all spawns that are ordered succeed; the workers."""
        workers = [order.worker for order in self.take(SpawnWorker)]
        for worker in workers:
            self.occupancy.spawned(WorkerSpawned(self.now, worker, 4711, "now"))
            self.lives.runs(self.life(worker))
        return workers

    def run(self, share: int) -> list[str]:
        """So many workers that run, by slot."""
        self.slots.want(share, self.now)
        workers = self.spawn()
        self.orders.clear()
        return workers

    def exit(self, worker: str, code: int | None = 1, signal: str | None = None, *, left: bool = False) -> None:
        life = self.lives.of(worker)
        slot = None if life is None else self.slots.of(life)
        if (end := self.occupancy.exited(ProcessExited(self.now, worker, code, signal, left))) is not None:
            self.occupancy.ended(end, slot, self.now)

    def life(self, worker: str) -> Life:
        life = self.lives.of(worker)
        assert life is not None
        return life

    def condemn(self, worker: str, detail: str = "hangs") -> None:
        self.lives.condemn(self.life(worker), Verdict(Sense.REGISTRATION, detail), self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.lives.expire(self.now)
        self.slots.expire(self.now)

    def kill_all(self) -> None:
        self.slots.kill_all(self.now)
        self.clearing.kill_all()

    @property
    def is_empty(self) -> bool:
        return not self.lives and self.clearing.is_over

    def signals(self) -> list[tuple[str, int]]:
        return [(order.worker, order.signum) for order in self.take(SignalWorker)]


def empty_the_bucket(bench: Bench, worker: str) -> None:
    """Crash the worker and its successors until a start has to wait."""
    while True:
        bench.exit(worker)
        successors = bench.spawn()
        if not successors:
            return
        (worker,) = successors
