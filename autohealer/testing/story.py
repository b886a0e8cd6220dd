"""What a pool's events tell: who lives, how quick the heals were, and what must never have happened. Pure."""

from __future__ import annotations

import msgspec

from autohealer.core import notices as n
from autohealer.core.notices import EventRecord


class WorkerStory(msgspec.Struct, frozen=True):
    """One worker from its start on. ``slot`` is None for one that is beside the slots, such as in a rollout."""

    worker: str
    pid: int
    slot: int | None


class Story(msgspec.Struct):
    """Told one event after another by ``tell``; ``problems`` are broken promises, in words."""

    most: int
    live: dict[str, WorkerStory] = msgspec.field(default_factory=dict)
    heals_ms: list[float] = msgspec.field(default_factory=list)
    deaths: int = 0
    problems: list[str] = msgspec.field(default_factory=list)
    started: int = 0

    def tell(self, event: EventRecord) -> None:
        """One more event, in the order of the pool's own telling."""
        match event.notice:
            case n.WorkerStarted(heal_ms=heal_ms) | n.WorkerPromoted(heal_ms=heal_ms) as notice:
                self._born(notice)
                self.heals_ms += [] if heal_ms is None else [heal_ms]
            case n.WorkerAdopted() as notice:
                self._born(notice)
            case n.WorkerExited(worker=worker):
                self.live.pop(str(worker), None)
                self.deaths += 1
            case n.WorkerStopped(worker=worker):
                self.live.pop(str(worker), None)
            case n.TargetChanged(target=target):
                self.most = max(self.most, target)

    def _born(self, notice: n.WorkerNotice) -> None:
        life = WorkerStory(str(notice.worker), notice.pid or 0, notice.slot)
        twins = [other for other in self.live.values() if life.slot is not None and other.slot == life.slot]
        if twins and twins[0].worker != life.worker:
            self.problems.append(f"slot {life.slot} had two workers at once: {twins[0].worker} and {life.worker}")
        self.live[life.worker] = life
        self.started += 1
        in_slots = sum(other.slot is not None for other in self.live.values())
        if in_slots > self.most:
            self.problems.append(f"{in_slots} workers ran in slots where {self.most} were wanted")
