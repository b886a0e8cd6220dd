"""Which heals were none after all: a replacement that ends before it was ready has healed nothing."""

from __future__ import annotations

from typing import Generic, TypeVar

from autohealer.core.notices import Notice, WorkerExited, WorkerReady, WorkerStopped

Counted = TypeVar("Counted")


class Unproven(Generic[Counted]):
    """Heals whose worker has not been ready yet, each as whoever counts it has it."""

    def __init__(self) -> None:
        self._heals: dict[str, Counted] = {}

    def add(self, worker: str | None, heal: Counted) -> None:
        """It was counted when this worker was started."""
        if worker is not None:
            self._heals[worker] = heal

    def take(self, notice: Notice | None) -> Counted | None:
        """Something has happened: the heal that does not count any more, if there is one."""
        match notice:
            case WorkerReady(worker=str(worker)) | WorkerStopped(worker=str(worker)):
                self._heals.pop(worker, None)
            case WorkerExited(worker=str(worker)):
                return self._heals.pop(worker, None)
        return None
