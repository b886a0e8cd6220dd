"""Registrations of one agent on a clock that is turned by hand."""

from __future__ import annotations

from autohealer.core.actions import (
    Action,
    MakeStandIn,
)
from autohealer.core.cluster.registrations import Registrations, Style
from autohealer.core.model import PoolSpec, RegistrationMode

GRACE_S, START_TIMEOUT_S = 2.0, 60.0
AUTO, SELF, AGENT = RegistrationMode.AUTO, RegistrationMode.SELF, RegistrationMode.AGENT


class Bench:
    """The registrations of workers a, b, c, ..., and what was ordered, found faulty and found ready."""

    def __init__(
        self, mode: RegistrationMode = AUTO, style: Style = Style.UNKNOWN, workers: str = "", grace_s: float = GRACE_S
    ) -> None:
        self.orders: list[Action] = []
        self.faults: list[tuple[str, str]] = []
        self.ready: list[tuple[str, bool | None]] = []
        self.now = 1000.0
        spec = PoolSpec("default", 3, registration=mode, register_grace_s=grace_s, start_timeout_s=START_TIMEOUT_S)
        self.all = Registrations(
            spec,
            style,
            self.orders.append,
            lambda worker, cause, _: self.faults.append((worker, cause)),
            lambda worker, registered: self.ready.append((worker, registered)),
        )
        for worker in workers:
            self.all.started(worker, self.now)
        self.orders.clear()

    def wait(self, seconds: float) -> None:
        """Let time pass, calling at every deadline on the way."""
        until = self.now + seconds
        while (due := self.all.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self.all.expire(self.now)
            self.all.anonymous.departed(self.now)
        self.now = until
        self.all.expire(self.now)

    def see(self, workers: str) -> None:
        for worker in workers:
            self.all.seen(worker, self.now)

    def lose(self, workers: str) -> None:
        for worker in workers:
            self.all.gone(worker, self.now)

    def take(self) -> list[Action]:
        taken = self.orders.copy()
        self.orders.clear()
        return taken

    def stand_in(self, workers: str) -> None:
        """Let the stand-ins that were ordered for these workers come to stand."""
        for worker in workers:
            assert MakeStandIn(worker) in self.orders
            self.all.stood_in(worker)
        self.orders.clear()


def with_stand_ins(workers: str) -> Bench:
    """A pool that has not registered, and for which the agent stands in."""
    bench = Bench(workers=workers)
    bench.wait(GRACE_S)
    bench.stand_in(workers)
    bench.ready.clear()
    return bench


def identified(workers: str, mode: RegistrationMode = AUTO) -> Bench:
    """A pool that has registered itself, under its ids."""
    bench = Bench(mode, workers=workers)
    bench.see(workers)
    bench.wait(100)
    bench.orders.clear()
    return bench
