"""A rolling restart: every worker is exchanged, one by one, and never fewer run than before.

One surge slot is filled first; then slot after slot ends and is filled anew, each once its predecessor's replacement
is ready; then the surge slot ends. Where there may never be too many there is no surge, and one fewer runs meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from autohealer.core.model import Instant
from autohealer.core.operations import Operation
from autohealer.core.pool.life import Life
from autohealer.core.pool.slots import Slots


@dataclass(slots=True)
class Rolling:
    """What is left to be exchanged, and the operations that are answered when nothing is."""

    surge: int
    old: set[str] = field(default_factory=set)
    operations: list[Operation] = field(default_factory=list)

    def begin(self, operation: Operation, workers: Iterable[str]) -> None:
        """Exchange all of these, for this operation as well."""
        self.old.update(workers)
        self.operations.append(operation)

    @property
    def extra(self) -> int:
        """How many slots there are beyond the share now."""
        return self.surge if self.old else 0

    def step(self, slots: Slots, ready: Callable[[Life, Instant], bool], now: Instant) -> bool:
        """Exchange the next one, if all others are ready; True when the whole is done."""
        self.old &= {slot.life.worker for slot in slots if slot.life is not None}
        if not self.old:
            return all(slot.wanted for slot in slots)
        ours = [slot for slot in slots if slot.wanted]
        if all(slot.life is not None and slot.life.stage is None and ready(slot.life, now) for slot in ours):
            old = [slot.index for slot in ours if slot.life is not None and slot.life.worker in self.old]
            if old:
                slots.replace(min(old), slots.revision, now)
        return False
