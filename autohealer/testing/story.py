"""What a pool's events tell: who lives, how quick the heals were, and what must never have happened. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

Event = Mapping[str, Any]

BORN = frozenset({"worker.started", "worker.adopted", "worker.promoted"})
ENDED = frozenset({"worker.exited", "worker.stopped"})


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

    def tell(self, event: Event) -> None:
        """One more event, in the order of the pool's own telling."""
        kind = event.get("event")
        if kind in BORN:
            self._born(event)
        elif kind in ENDED:
            self.live.pop(str(event["worker"]), None)
            self.deaths += kind == "worker.exited"
        elif kind == "target.changed" and isinstance(target := event.get("target"), int):
            self.most = max(self.most, target)

    def _born(self, event: Event) -> None:
        life = WorkerStory(str(event["worker"]), int(event["pid"]), event.get("slot"))
        twins = [other for other in self.live.values() if life.slot is not None and other.slot == life.slot]
        if twins and twins[0].worker != life.worker:
            self.problems.append(f"slot {life.slot} had two workers at once: {twins[0].worker} and {life.worker}")
        self.live[life.worker] = life
        self.started += 1
        in_slots = sum(other.slot is not None for other in self.live.values())
        if in_slots > self.most:
            self.problems.append(f"{in_slots} workers ran in slots where {self.most} were wanted")
        if isinstance(heal_ms := event.get("heal_ms"), int | float):
            self.heals_ms.append(float(heal_ms))
